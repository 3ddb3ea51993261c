"""Declares routes: what one takes and answers, from which follow its checks, its errors and its document.

Whatever goes wrong is answered as problem+json (RFC 9457), naming the field where there is one.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import unquote

from chalice import Blueprint, CORSConfig, Response
from chalice.app import Request as ChaliceRequest
from pydantic import BaseModel, ValidationError

from chalicelib.handlers.http.caller import Caller, access_token, admitted, caller_from, caller_of, jwt
from chalicelib.handlers.http.fields import FieldError, Problem
from chalicelib.handlers.http.observability import count, logger
from chalicelib.records import Conflict
from chalicelib.records.drivers import AlreadyRegistered, MailUnavailable, NotAllowed, TooManyAttempts
from chalicelib.records.money import Declined, PaymentsUnavailable
from chalicelib.records.pages import BadCursor
from chalicelib.services.access import NotFound, Refusal

_CORS = CORSConfig(
    allow_origin="*",
    allow_headers=[
        "Authorization",
        "Content-Type",
        "Checkout-Secret",
        "Idempotency-Key",
        "If-None-Match",
        "Last-Event-ID",
    ],
    expose_headers=["Content-Disposition", "ETag", "Location", "Retry-After"],
    max_age=600,
)
_REFUSAL_STATUS = {
    "idempotency_key_reused": 422,
    "login_too_old": 403,
    "driver_blocked": 403,
    "no_card": 402,
    "open_balance": 402,
    "card_owes": 402,
    "payment_declined": 402,
    "checkout_expired": 410,
    "not_possible": 422,
    "invalid_tariff": 422,
    "too_many_starts": 429,
    "too_many_small_charges": 429,
}
KEY_FORM = "1 to 255 printable ASCII characters"
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_JSON = "application/json"
_PROBLEM = "application/problem+json"
_RETRY_AFTER_S = 5
# Who holds a phone that was left unlocked may not take the account; OWASP ASVS 5.0, 7.5.1: re-authenticate first.
_RECENT_S = 15 * 60
# Whether a connector is free is news for so long.
_SHARED_FOR_S = 15
# On every answer, unless its route knows better: nobody keeps it, guesses what it is, or learns where it was read.
_CAREFUL = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
}

Body = TypeVar("Body", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """An HTTP request, checked: path parameters decoded, body validated, caller known (if the route asks who it is)."""

    path: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    raw_body: bytes
    body: Any
    caller: Caller | None

    @property
    def driver_id(self) -> str:
        """The caller's account. Raises NotAllowed for a stranger."""
        if self.caller is None:
            raise NotAllowed("log in first")
        return self.caller.driver_id

    @property
    def issued_s(self) -> int:
        """When the token was given out by which the caller is known (Unix time); 0 for a stranger."""
        return self.caller.issued_s if self.caller is not None else 0

    @property
    def known_driver_id(self) -> str | None:
        """The caller's account, on a route that is open to strangers; None for one."""
        return self.caller.driver_id if self.caller is not None else None

    @property
    def operator_id(self) -> str:
        """The operator the caller may act for, on a route that needs one."""
        if self.caller is None or self.caller.operator_id is None:
            raise Forbidden("this needs an operator's account")
        return self.caller.operator_id

    @property
    def access_token(self) -> str:
        """What the caller showed; for the identity provider, which asks for it where a person changes who they are."""
        return access_token(self.headers.get("Authorization", ""))

    @property
    def is_login_recent(self) -> bool:
        """Whether a password was given for the token a short time ago.

        By this machine's clock, which also ends the token: not by the product's, which can be moved.
        """
        return self.caller is not None and time.time() - self.caller.logged_in_s < _RECENT_S

    @property
    def idempotency_key(self) -> str | None:
        """What makes a request made again the same request. Raises BadRequest."""
        key = self.headers.get("Idempotency-Key")
        if key is not None and not _KEY.fullmatch(key):
            raise BadRequest(f"Idempotency-Key must be {KEY_FORM}", "Idempotency-Key")
        return str(key) if key is not None else None


class Forbidden(Exception):
    """The caller is known, and still not allowed (403)."""


class NotJson(Exception):
    """The body does not even say it is JSON (415)."""


class BadRequest(Exception):
    """The request cannot be read (400); `field` says where."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True)
class Answer:
    """What a handler answers with, when it is more than a body with the route's usual status."""

    body: BaseModel | str | None = None
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[Request], BaseModel | Answer | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A route as documented; `also` are the statuses of success beside the usual one, and when they come."""

    method: str
    path: str
    takes: type[BaseModel] | None
    answers: type[BaseModel] | None
    status: int
    also: Mapping[int, str]
    needs_login: bool
    is_personal: bool
    needs_operator: bool
    errors: tuple[int, ...]
    handler: Handler
    content_type: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    also_as: tuple[str, ...]

    @property
    def is_cacheable(self) -> bool:
        """Whether a client may ask if anything has changed: whatever is read as a model."""
        return self.method == "GET" and self.answers is not None and self.status == HTTPStatus.OK


ROUTES: list[Route] = []


def endpoint(  # noqa: PLR0913 (a route has this much to say)
    blueprint: Blueprint,
    method: str,
    path: str,
    *,
    takes: type[BaseModel] | None = None,
    answers: type[BaseModel] | None = None,
    status: int = 200,
    also: Mapping[int, str] | None = None,
    needs_login: bool = True,
    is_personal: bool = False,
    needs_operator: bool = False,
    errors: tuple[int, ...] = (),
    content_type: str = _JSON,
    headers: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
    also_as: tuple[str, ...] = (),
) -> Callable[[Handler], Handler]:
    """Declare a route. `also`, `errors`, `headers` and `query` (name -> what it is for) are for the document.

    So is `also_as`: other types of the same content. `is_personal`: open to all, and whoever shows a token has an
    answer of their own.
    """

    def declare(handler: Handler) -> Handler:
        route = Route(
            method=method,
            path=path,
            takes=takes,
            answers=answers,
            status=status,
            also=also or {},
            needs_login=needs_login and not is_personal,
            is_personal=is_personal,
            needs_operator=needs_operator,
            errors=errors,
            handler=handler,
            content_type=content_type,
            headers=headers or {},
            query=query or {},
            also_as=also_as,
        )
        ROUTES.append(route)

        def view(**path_parameters: str) -> Response:
            return _serve(route, blueprint.current_request, path_parameters)

        view.__name__ = handler.__name__
        view.__doc__ = handler.__doc__
        options: dict[str, Any] = {"authorizer": jwt} if route.needs_login else {}
        # Chalice would refuse other content types in words of its own, and those of requests without a body too.
        blueprint.route(path, methods=[method], cors=_CORS, content_types=["*/*"], **options)(view)
        return handler

    return declare


def _serve(route: Route, request: ChaliceRequest, path_parameters: Mapping[str, str]) -> Response:
    try:
        checked = _checked(route, request, path_parameters)
    except Exception as error:
        return _problem(error)
    try:
        answer = route.handler(checked)
    except ValidationError as error:
        # The request was as it should be: what its model refuses is our own answer, and no fault of the caller's.
        return _problem(TypeError(f"{error.title} refuses what it should say"))
    except Exception as error:
        return _problem(error)
    if not isinstance(answer, Answer):
        answer = Answer(answer)
    body = answer.body.model_dump_json() if isinstance(answer.body, BaseModel) else answer.body or ""
    headers: dict[str, str | list[str]] = {**_CAREFUL, "Content-Type": route.content_type}
    if route.is_cacheable and answer.status is None and "Cache-Control" not in answer.headers:
        tag = f'"{hashlib.sha256(body.encode()).hexdigest()[:32]}"'
        headers |= {"ETag": tag, "Cache-Control": "private, no-cache", **_for_whom(route, request)}
        if _has_seen(request.headers.get("if-none-match", ""), tag):
            return Response("", {**headers, **answer.headers}, HTTPStatus.NOT_MODIFIED)
    headers |= answer.headers
    return Response(body, headers, answer.status or route.status)


def _for_whom(route: Route, request: ChaliceRequest) -> dict[str, str]:
    """What is open to all may be kept for all; what somebody is shown by their token is theirs."""
    if not route.is_personal:
        return {}
    shared = {} if request.headers.get("authorization") else {"Cache-Control": f"public, max-age={_SHARED_FOR_S}"}
    return {"Vary": "Authorization", **shared}


def _has_seen(if_none_match: str, tag: str) -> bool:
    """RFC 9110 §13.1.2: tags are compared weakly, and a star means any."""
    seen = [it.strip().removeprefix("W/") for it in if_none_match.split(",")]
    return tag in seen or seen == ["*"]


def _checked(route: Route, request: ChaliceRequest, path_parameters: Mapping[str, str]) -> Request:
    caller = admitted(caller_from(request.context.get("authorizer") or {})) if route.needs_login else None
    if route.is_personal and (authorization := request.headers.get("authorization")):
        caller = caller_of(authorization)
    if route.needs_operator and (caller is None or caller.operator_id is None):
        raise Forbidden("this needs an operator's account")
    query = dict(request.query_params or {})
    if unknown := sorted(query.keys() - route.query.keys()):
        raise BadRequest(f"there is no parameter {unknown[0][:40]!r} here", unknown[0][:40])
    body = request.raw_body or b""
    raw_body = body.encode() if isinstance(body, str) else body
    return Request(
        # API Gateway leaves path parameters percent-encoded.
        path={name: unquote(value) for name, value in path_parameters.items()},
        query=query,
        headers=request.headers,
        raw_body=raw_body,
        body=_body(route.takes, raw_body, request.headers.get("content-type", _JSON)) if route.takes else None,
        caller=caller,
    )


def _body(model: type[Body], raw_body: bytes, content_type: str) -> Body:
    if not raw_body.strip():
        raw_body = b"{}"
    elif content_type.partition(";")[0].strip().lower() != _JSON:
        raise NotJson(f"send the body as {_JSON}")
    found = model.model_validate_json(raw_body)
    # Which of two fields of one name counts is read differently by others on the way (RFC 8259 §4).
    json.loads(raw_body, object_pairs_hook=_named_once)
    return found


def _named_once(pairs: list[tuple[str, Any]]) -> None:
    names = {name for name, _ in pairs}
    if len(names) < len(pairs):
        raise BadRequest("the body names a field twice")


def _problem(error: Exception) -> Response:
    status, code, detail, errors = _explain(error)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        logger.exception("request failed")
    if isinstance(error, MailUnavailable):
        count("MailsFailed")
    problem = Problem(
        type=f"urn:kerb:problem:{code}", title=HTTPStatus(status).phrase, status=status, detail=detail, errors=errors
    )
    headers: dict[str, str | list[str]] = {**_CAREFUL, "Content-Type": _PROBLEM}
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = str(_RETRY_AFTER_S)
    return Response(problem.model_dump_json(exclude_defaults=True), headers, status)


def _explain(error: Exception) -> tuple[int, str, str, list[FieldError]]:
    match error:
        case ValidationError():
            return _explain_validation(error)
        case BadRequest():
            fields = [FieldError(field=error.field, message=str(error))] if error.field else []
            return 400, "bad_request", str(error), fields
        case BadCursor():
            return 400, "bad_request", str(error), [FieldError(field="cursor", message=str(error))]
        case Refusal():
            return _REFUSAL_STATUS.get(error.code, 409), error.code, str(error), []
    for kind, status, code in _PLAIN:
        if isinstance(error, kind):
            return status, code, str(error), []
    return 500, "internal", "something went wrong on our side; it has been logged", []


_PLAIN: tuple[tuple[type[Exception], int, str], ...] = (
    (NotFound, 404, "not_found"),
    (TooManyAttempts, 429, "too_many_requests"),
    (NotAllowed, 401, "not_allowed"),
    (Forbidden, 403, "forbidden"),
    (NotJson, 415, "not_json"),
    (AlreadyRegistered, 409, "already_registered"),
    (Conflict, 409, "conflict"),
    (Declined, 402, "declined"),
    (PaymentsUnavailable, 503, "payments_unavailable"),
    (MailUnavailable, 503, "mail_unavailable"),
)


def _explain_validation(error: ValidationError) -> tuple[int, str, str, list[FieldError]]:
    found = error.errors(include_url=False, include_input=False, include_context=False)
    if found[0]["type"] == "json_invalid":
        return 400, "not_json", "the body is not JSON", []
    errors = [FieldError(field=".".join(map(str, it["loc"])), message=it["msg"]) for it in found]
    detail = "; ".join(f"{it.field}: {it.message}" if it.field else it.message for it in errors)
    return 422, "invalid", detail, errors
