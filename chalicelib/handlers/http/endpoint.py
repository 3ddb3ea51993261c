"""Declares routes: what one takes and answers, from which follow its checks, its errors and its document.

Who may use a route is asked here and nowhere else: what it needs is declared with it, and a route of an operator's that
leaves that open cannot be declared.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import unquote

from chalice import Blueprint, CORSConfig, Response
from chalice.app import Request as ChaliceRequest
from pydantic import BaseModel, ValidationError

from chalicelib.domain.access.rights import Principal, Scope, SiteRule
from chalicelib.handlers.http.audited import audited
from chalicelib.handlers.http.caller import Caller, acting, administering, admitted, caller_from, caller_of, jwt
from chalicelib.handlers.http.problem import CAREFUL, BadRequest, Forbidden, NotJson, problem
from chalicelib.handlers.http.route import (
    KEY_FORM,
    Answer,
    Eased,
    Handler,
    Joins,
    Reads,
    Request,
    Route,
    StandsAt,
)
from chalicelib.wiring import network

__all__ = [
    "KEY_FORM",
    "ROUTES",
    "Answer",
    "BadRequest",
    "Forbidden",
    "NotJson",
    "Request",
    "Route",
    "Scope",
    "SiteRule",
    "endpoint",
]
_CORS = CORSConfig(
    allow_origin="*",
    allow_headers=[
        "Authorization",
        "Content-Type",
        "Checkout-Secret",
        "Idempotency-Key",
        "If-None-Match",
        "Kerb-Operator",
        "Last-Event-ID",
    ],
    expose_headers=["Content-Disposition", "ETag", "Location", "Retry-After"],
    max_age=600,
)
_JSON = "application/json"
_REPLACE = ("PUT", "DELETE")
# Routes of operators, and no others, say what they need.
_OPERATORS = "/v1/operator/"
# Whether a connector is free is news for so long.
_SHARED_FOR_S = 15
Body = TypeVar("Body", bound=BaseModel)


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
    needs: Scope | None = None,
    sites: SiteRule | None = None,
    makes: bool = False,
    stands_at: StandsAt | None = None,
    eases: Eased | None = None,
    reads: Reads | None = None,
    joins: Joins | None = None,
    of_account: bool = False,
    errors: tuple[int, ...] = (),
    content_type: str = _JSON,
    headers: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
    also_as: tuple[str, ...] = (),
) -> Callable[[Handler], Handler]:
    """Declare a route. `also`, `errors`, `headers` and `query` (name -> what it is for) are for the document.

    So is `also_as`: other types of the same content. `is_personal`: open to all, and whoever shows a token has an
    answer of their own.

    A route of an operator's `needs` a scope; where its path names no thing of a site, `sites` says how it keeps to the
    sites of whoever is held to some. `makes`: it may name a thing that is not there yet; `stands_at` reads where the
    body puts it; `eases` is a lesser scope that is enough for some bodies. Raises TypeError where that is left open.
    What it changes is written down; `reads` shows what was there before, where no GET of the same path does. So is what
    somebody does who acts for no operator yet: `joins` says which operator's it is, and refuses what proves nothing.

    Routes under `/v1/platform/` are for the platform's administrator, who may use no others but those `of_account`.
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
            needs=needs,
            sites=sites,
            makes=makes,
            stands_at=stands_at,
            eases=eases,
            reads=reads,
            joins=joins,
            of_account=of_account,
            errors=errors,
            handler=handler,
            content_type=content_type,
            headers=headers or {},
            query=query or {},
            also_as=also_as,
        )
        _check_declared(route)
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


def _check_declared(route: Route) -> None:
    if route.path.startswith(_OPERATORS) != (route.needs is not None):
        raise TypeError(f"{route.method} {route.path} must say which scope it needs, as routes of operators do")
    if route.needs is not None and route.names_things == (route.sites is not None):
        raise TypeError(f"{route.method} {route.path} must say how it keeps to sites, by its path or by a rule")


def _serve(route: Route, request: ChaliceRequest, path_parameters: Mapping[str, str]) -> Response:
    try:
        checked = _checked(route, request, path_parameters)
    except Exception as error:
        return problem(error)
    try:
        answer = _carried_out(route, checked)
    except ValidationError as error:
        # The request was as it should be: what its model refuses is our own answer, and no fault of the caller's.
        return problem(TypeError(f"{error.title} refuses what it should say"))
    except Exception as error:
        return problem(error)
    if not isinstance(answer, Answer):
        answer = Answer(answer)
    body = answer.body.model_dump_json() if isinstance(answer.body, BaseModel) else answer.body or ""
    headers: dict[str, str | list[str]] = {**CAREFUL, "Content-Type": route.content_type}
    if route.is_cacheable and answer.status is None and "Cache-Control" not in answer.headers:
        tag = f'"{hashlib.sha256(body.encode()).hexdigest()[:32]}"'
        headers |= {"ETag": tag, "Cache-Control": "private, no-cache", **_for_whom(route, request)}
        if _has_seen(request.headers.get("if-none-match", ""), tag):
            return Response("", {**headers, **answer.headers}, HTTPStatus.NOT_MODIFIED)
    headers |= answer.headers
    return Response(body, headers, answer.status or route.status)


def _carried_out(route: Route, checked: Request) -> BaseModel | Answer | None:
    return audited(route, checked, reads_of(route)) if route.is_audited else route.handler(checked)


def reads_of(route: Route) -> Reads | None:
    """How what a route is about to change is read: as it says, else by the GET of its path."""
    gets = (it.handler for it in ROUTES if route.method in _REPLACE and (it.method, it.path) == ("GET", route.path))
    return route.reads or next(gets, None)


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
    if caller is not None and caller.is_platform and not (route.is_platforms or route.of_account):
        raise Forbidden("a platform administrator's account is for the platform's routes, and is nobody's driver")
    acts = _acting(route, caller, request, path_parameters)
    query = dict(request.query_params or {})
    if unknown := sorted(query.keys() - route.query.keys()):
        raise BadRequest(f"there is no parameter {unknown[0][:40]!r} here", unknown[0][:40])
    body = request.raw_body or b""
    raw_body = body.encode() if isinstance(body, str) else body
    checked = Request(
        path=_decoded(path_parameters),
        query=query,
        headers=request.headers,
        raw_body=raw_body,
        body=_body(route.takes, raw_body, request.headers.get("content-type", _JSON)) if route.takes else None,
        caller=caller,
        acts=acts,
        address=str(request.context.get("identity", {}).get("sourceIp", "")),
        request_id=str(request.context.get("requestId", "")),
    )
    if route.joins is not None:
        return replace(checked, acts=route.joins(checked))
    if acts is not None:
        _check_body(route, acts, checked.body)
    return checked


def _decoded(path_parameters: Mapping[str, str]) -> dict[str, str]:
    """API Gateway leaves path parameters percent-encoded."""
    return {name: unquote(value) for name, value in path_parameters.items()}


def _acting(
    route: Route, caller: Caller | None, request: ChaliceRequest, path_parameters: Mapping[str, str]
) -> Principal | None:
    """Who acts, if they may do what the route is for at the things that it names: the one place that asks this."""
    if route.is_platforms and caller is not None:
        return administering(caller, _decoded(path_parameters).get("operator_id", ""))
    if caller is None or route.needs is None:
        if caller is not None and caller.key is not None:
            raise Forbidden("an API key is for an operator's routes")
        return None
    principal = acting(caller, request.headers.get("kerb-operator"))
    if not principal.may(route.needs) and not (route.eases and principal.may(route.eases[0])):
        raise Forbidden(f"this needs the right {route.needs}")
    if route.sites is SiteRule.ALL:
        network().site_guard.check_all(principal)
    network().site_guard.check(principal, _decoded(path_parameters), may_be_new=route.makes)
    return principal


def _check_body(route: Route, principal: Principal, body: Any) -> None:
    """What only the body says: where a thing is to stand, and whether a lesser right is enough for it."""
    if route.stands_at is not None:
        network().site_guard.check_site(principal, route.stands_at(body))
    if route.needs is not None and not principal.may(route.needs) and not (route.eases and route.eases[1](body)):
        raise Forbidden(f"this needs the right {route.needs}")


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
