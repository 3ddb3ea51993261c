"""Models of the platform's administrator: operators, and what holds for each. Nothing of a driver is in any."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from chalicelib.domain.access.operators import OperatorCaps, OperatorStanding
from chalicelib.handlers.access.models import Label
from chalicelib.handlers.http.fields import Email, Price, RequestBody, ResponseBody, SpokenLocale, example

_AT = "2026-11-21T09:30:00Z"
_CAPS: dict[str, Any] = {"kwh_eur": "0.90", "hour_eur": None, "fee_eur": "5", "hold_eur": "50", "charge_eur": "100"}
_OPERATOR: dict[str, Any] = {"operator_id": "acme", "name": "Acme Charging", "made_at": _AT, "closed_at": None}
_Name = Annotated[str, StringConstraints(min_length=1, max_length=80)]
_Cap = Annotated[Price | None, Field(description="null: what the platform allows everybody")]


_Sum = Annotated[Price | None, Field(ge=1, description="null: what the platform allows everybody")]


class OperatorBody(RequestBody):
    """What an operator is called."""

    model_config = RequestBody.model_config | example(name="Acme Charging")

    name: _Name


class CapsBody(RequestBody):
    """The most that an operator may ask for, in euros or as much in another currency; what is left out has no cap.

    A kWh, an hour (charging or parked) and a fee before tax; a hold, and what one charge takes unasked, in all.
    """

    model_config = RequestBody.model_config | example(**_CAPS)

    kwh_eur: _Cap = None
    hour_eur: _Cap = None
    fee_eur: _Cap = None
    hold_eur: _Sum = None
    charge_eur: _Sum = None


class CapsView(ResponseBody):
    """The most that an operator may ask for, in euros or as much in another currency; null: as the platform has it."""

    model_config = ResponseBody.model_config | example(**_CAPS)

    kwh_eur: Price | None
    hour_eur: Price | None
    fee_eur: Price | None
    hold_eur: Price | None
    charge_eur: Price | None


class OperatorView(ResponseBody):
    """An operator as the platform knows it; `made_at` null: it came about by a deployment, or before there was this."""

    model_config = ResponseBody.model_config | example(**_OPERATOR, caps=_CAPS)

    operator_id: str
    name: str
    made_at: datetime | None
    closed_at: datetime | None
    caps: CapsView


class OperatorPage(ResponseBody):
    """A page of operators; ask again with `cursor` for more."""

    model_config = ResponseBody.model_config | example(items=[{**_OPERATOR, "caps": _CAPS}], next_cursor=None)

    items: list[OperatorView]
    next_cursor: str | None


class OwnerBody(RequestBody):
    """Whom to invite as an owner; `locale` is the language of the mail."""

    model_config = RequestBody.model_config | example(email="ada@example.com", name="Ada", locale="de")

    email: Email
    name: Label = ""
    locale: SpokenLocale = ""


def operator_view(operator_id: str, it: OperatorStanding) -> OperatorView:
    """An operator as the platform's administrator sees it."""
    return OperatorView(
        operator_id=operator_id,
        name=it.name,
        made_at=it.made_at,
        closed_at=it.closed_at,
        caps=_caps_view(it.caps),
    )


def _caps_view(it: OperatorCaps) -> CapsView:
    return CapsView(
        kwh_eur=it.kwh_eur,
        hour_eur=it.hour_eur,
        fee_eur=it.fee_eur,
        hold_eur=it.hold_eur,
        charge_eur=it.charge_eur,
    )
