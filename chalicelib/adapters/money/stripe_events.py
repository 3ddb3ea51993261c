"""Stripe's events as they arrive: what has the form of one, and whether it is of our account.

A signature says who sent a body, not that it makes sense: whatever is read of it has the type that Stripe documents
(docs.stripe.com/api/events), whichever API version wrote it, or all of it is refused and nothing is written.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from chalicelib.records.money import NotOurs

# Stripe's own are some ten thousand bytes; what is larger is not read at all.
_MOST_BYTES = 256 * 1024
_LONGEST_TEXT = 5_000
# Stripe's amounts have eight digits, in currencies of small units a few more.
_MOST_AMOUNT = 10**15
# Until the year 9999.
_LATEST_S = 253_402_300_799

Check = Callable[[object], bool]


def read_event(body: bytes, *, is_live: bool) -> dict[str, Any]:
    """The event in a body whose signature was verified.

    Raises ValueError for what is no event, and NotOurs for one of a connected account (it names it), or of the other
    mode than `is_live`, that of our key.
    """
    if len(body) > _MOST_BYTES:
        raise ValueError("the body is larger than any event of Stripe's")
    try:
        event = json.loads(body, parse_constant=_no_number)
    except RecursionError:
        raise ValueError("the body is nested deeper than any event of Stripe's") from None
    if not isinstance(event, dict) or event.get("object", "event") != "event":
        raise ValueError("the body is not an event of Stripe's")
    if not event.keys() >= _NEEDED:
        raise ValueError("the body is not an event of Stripe's")
    _check(event, _ENVELOPE)
    subject = event["data"].get("object")
    if not isinstance(subject, dict):
        raise ValueError("the body is an event about nothing")
    _check(subject, _SUBJECT)
    if event.get("account") is not None or event.get("livemode", is_live) is not is_live:
        raise NotOurs("an event of another account, or of the other mode")
    return event


def _check(told: Mapping[str, Any], forms: Mapping[str, Check]) -> None:
    for name in _wrong(told, forms):
        raise ValueError(f"{name} of the event is not of its type")


def _wrong(told: Mapping[str, Any], forms: Mapping[str, Check]) -> list[str]:
    return [name for name, has_form in forms.items() if name in told and not has_form(told[name])]


def _no_number(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def _is_text(value: object) -> bool:
    """Text that can be kept: no half of a surrogate pair, no NUL."""
    return (
        isinstance(value, str)
        and len(value) <= _LONGEST_TEXT
        and "\0" not in value
        and not any("\ud800" <= sign <= "\udfff" for sign in value)
    )


def _is_id(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 255 and value.isascii() and value.isprintable()


def _is_id_or_none(value: object) -> bool:
    return value is None or _is_id(value)


def _is_amount(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST_AMOUNT


def _is_time(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LATEST_S


def _is_currency(value: object) -> bool:
    return isinstance(value, str) and len(value) == 3 and value.isascii() and value.isalpha()


def _is_metadata(value: object) -> bool:
    return value is None or (isinstance(value, dict) and all(map(_is_text, value.values())))


def _is_bool(value: object) -> bool:
    return isinstance(value, bool)


def _is_list(value: object) -> bool:
    """The refunds that a charge lists, where it lists them."""
    if value is None:
        return True
    of = value.get("data", []) if isinstance(value, dict) else None
    return isinstance(of, list) and all(isinstance(it, dict) and not _wrong(it, _SUBJECT) for it in of)


def _is_error(value: object) -> bool:
    """What went wrong with a payment; its words are kept and shown."""
    if value is None:
        return True
    return isinstance(value, dict) and all(value.get(it) is None or _is_text(value[it]) for it in ("code", "message"))


_NEEDED = frozenset(("id", "type", "created", "data"))
_ENVELOPE: Mapping[str, Check] = {
    "id": _is_id,
    "type": _is_id,
    "created": _is_time,
    "livemode": _is_bool,
    "account": _is_id_or_none,
    "data": lambda value: isinstance(value, dict),
}
# Of a PaymentIntent, a SetupIntent, a Charge, a Refund or a Dispute.
_SUBJECT: Mapping[str, Check] = {
    "id": _is_id,
    "amount": _is_amount,
    "amount_capturable": _is_amount,
    "amount_received": _is_amount,
    "amount_captured": _is_amount,
    "amount_refunded": _is_amount,
    "currency": _is_currency,
    "customer": _is_id_or_none,
    "payment_intent": _is_id_or_none,
    "charge": _is_id_or_none,
    "status": lambda value: value is None or _is_text(value),
    "reason": lambda value: value is None or _is_text(value),
    "metadata": _is_metadata,
    "last_payment_error": _is_error,
    "created": _is_time,
    "captured": _is_bool,
    "balance_transaction": _is_id_or_none,
    "refunds": _is_list,
}
