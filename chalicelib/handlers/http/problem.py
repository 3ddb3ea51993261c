"""Answers whatever goes wrong as problem+json (RFC 9457), naming the field where there is one."""

from __future__ import annotations

from http import HTTPStatus

from chalice import Response
from pydantic import ValidationError

from chalicelib.handlers.http.fields import FieldError, Problem
from chalicelib.handlers.http.observability import count, logger
from chalicelib.records import Conflict
from chalicelib.records.drivers import AlreadyRegistered, CodeNeeded, MailUnavailable, NotAllowed, TooManyAttempts
from chalicelib.records.money import Declined, PaymentsUnavailable
from chalicelib.records.pages import BadCursor
from chalicelib.records.vehicles import MakerUnavailable
from chalicelib.services.access import NotFound, Refusal

_REFUSAL_STATUS = {
    "forbidden": 403,
    "more_than_yours": 403,
    "own_rights": 403,
    "operator_closed": 403,
    "second_factor_needed": 403,
    "not_your_invitation": 403,
    "invitation_expired": 410,
    "invitation_withdrawn": 410,
    "too_many_mails": 429,
    "told_too_soon": 429,
    "not_for_keys": 422,
    "key_too_long": 422,
    "refund_above_cap": 403,
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
    "not_an_emaid": 422,
    "charger_needed": 422,
    "too_many_starts": 429,
    "too_many_small_charges": 429,
}
_PROBLEM = "application/problem+json"
_RETRY_AFTER_S = 5
# On every answer, unless its route knows better: nobody keeps it, guesses what it is, or learns where it was read.
CAREFUL = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
}


class Forbidden(Exception):
    """The caller is known, and still not allowed (403)."""


class NotJson(Exception):
    """The body does not even say it is JSON (415)."""


class BadRequest(Exception):
    """The request cannot be read (400); `field` says where."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


def problem(error: Exception) -> Response:
    """The answer to a request that went wrong."""
    status, code, detail, errors = explain(error)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        logger.exception("request failed")
    if isinstance(error, MailUnavailable):
        count("MailsFailed")
    told = Problem(
        type=f"urn:kerb:problem:{code}", title=HTTPStatus(status).phrase, status=status, detail=detail, errors=errors
    )
    headers: dict[str, str | list[str]] = {**CAREFUL, "Content-Type": _PROBLEM}
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = str(_RETRY_AFTER_S)
    return Response(told.model_dump_json(exclude_defaults=True), headers, status)


def explain(error: Exception) -> tuple[int, str, str, list[FieldError]]:
    """A problem's status and code, its detail for people, and the fields that it names."""
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
    (CodeNeeded, 401, "code_needed"),
    (NotAllowed, 401, "not_allowed"),
    (Forbidden, 403, "forbidden"),
    (NotJson, 415, "not_json"),
    (AlreadyRegistered, 409, "already_registered"),
    (Conflict, 409, "conflict"),
    (Declined, 402, "declined"),
    (PaymentsUnavailable, 503, "payments_unavailable"),
    (MailUnavailable, 503, "mail_unavailable"),
    (MakerUnavailable, 503, "maker_unavailable"),
)


def _explain_validation(error: ValidationError) -> tuple[int, str, str, list[FieldError]]:
    found = error.errors(include_url=False, include_input=False, include_context=False)
    if found[0]["type"] == "json_invalid":
        return 400, "not_json", "the body is not JSON", []
    errors = [FieldError(field=".".join(map(str, it["loc"])), message=it["msg"]) for it in found]
    detail = "; ".join(f"{it.field}: {it.message}" if it.field else it.message for it in errors)
    return 422, "invalid", detail, errors
