"""Routes of transparency: what a charge's meter signed, for its driver to check, and by which keys meters are known."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from chalice import Blueprint
from pydantic import Field, StringConstraints

from chalicelib.domain.transparency.meter_keys import KeySource, MeterKey
from chalicelib.domain.transparency.signed_records import Register, SignedEnergy, Verification
from chalicelib.handlers.http.endpoint import Answer, BadRequest, Request, Scope, endpoint
from chalicelib.handlers.http.fields import RequestBody, ResponseBody, example
from chalicelib.services.access import operators_own
from chalicelib.services.transparency.signed_evidence import CheckedValues, document
from chalicelib.wiring import network

signed = Blueprint(__name__)

_METER = "GW-1/1EMH0012345678"
_KEY = "3059301306072A8648CE3D020106082A8648CE3D030107034200043AEEB45C392357820A58FDFB0857BD77…"


class MeterKeyBody(RequestBody):
    """A meter's public key, as the maker of the charger or its label says it."""

    model_config = RequestBody.model_config | example(meter=_METER, key=_KEY)
    meter: Annotated[
        str, Field(max_length=100, description="as its records name it; empty: whichever hangs at the charger")
    ] = ""
    key: Annotated[str, StringConstraints(min_length=32, max_length=1000), Field(description="hexadecimal or base64")]
    evse: Annotated[
        int, Field(ge=0, le=1000, description="where it hangs (OCPP 1.6: the connector); 0: anywhere at the charger")
    ] = 0


class MeterKeyView(ResponseBody):
    """A key that a meter was known by, from when until when; or that its charger told while another one was."""

    meter: str
    key: str
    source: KeySource
    since: datetime
    until: datetime | None
    evse: int = Field(description="where the meter hangs (OCPP 1.6: the connector); 0: anywhere at the charger")
    is_pinned: bool = Field(description="false: its charger told it while another was pinned; it never counted")
    contradicts: str = Field(description="the key that was known there when this one was told; empty: none")


class MeterKeysView(ResponseBody):
    """The keys of a charger's meters, those of former times too."""

    model_config = ResponseBody.model_config | example(
        items=[
            {
                "meter": _METER,
                "key": _KEY,
                "source": "operator",
                "since": "2026-11-21T09:30:00Z",
                "until": None,
                "evse": 0,
                "is_pinned": True,
                "contradicts": "",
            }
        ]
    )
    items: list[MeterKeyView]


class SignedRegisterView(ResponseBody):
    """A value that the meter signed: when it was told, in which of OCPP's contexts, and how its check went."""

    at: datetime
    context: str
    verification: Verification
    reason: str
    meter: str


class SignedEnergyView(ResponseBody):
    """What a charge's signed records come to, and by how much the charger's plain readings say otherwise."""

    verification: Verification
    meter: str
    energy_wh: int | None = Field(description="what may be billed by them")
    register_read: Register | None = Field(description="which of the meter's registers that is")
    reason: str = Field(description="why nothing may be billed by them")
    told_wh: int | None = Field(description="what the plain readings come to")


class SignedValuesView(ResponseBody):
    """What was signed of a charge, and what of it was billed (null: not yet); as XML for the transparency software."""

    model_config = ResponseBody.model_config | example(
        signed={
            "verification": "valid",
            "meter": _METER,
            "energy_wh": 7421,
            "register_read": "import",
            "reason": "",
            "told_wh": 7400,
        },
        items=[
            {
                "at": "2026-11-21T10:02:00Z",
                "context": "Transaction.End",
                "verification": "valid",
                "reason": "",
                "meter": _METER,
            }
        ],
        is_whole=True,
    )
    signed: SignedEnergyView | None
    items: list[SignedRegisterView]
    is_whole: bool = Field(description="false: of a great many these are the first and the last")


def _keys(found: Sequence[MeterKey]) -> MeterKeysView:
    names = MeterKeyView.model_fields
    return MeterKeysView(items=[MeterKeyView(**{name: getattr(it, name) for name in names}) for it in found])


def _own(request: Request) -> str:
    charger_id = request.path["charger_id"]
    return operators_own(network().chargers.get(charger_id), request.operator_id, f"charger {charger_id}").charger_id


_METER_KEYS = "/v1/operator/chargers/{charger_id}/meter-keys"


@endpoint(signed, "GET", _METER_KEYS, answers=MeterKeysView, errors=(404,), needs=Scope.CHARGERS_READ)
def meter_keys(request: Request) -> MeterKeysView:
    """By which public keys a charger's meters are known: as a person, its configuration or the first record said."""
    return _keys(network().meter_keys.of(_own(request)))


@endpoint(
    signed,
    "PUT",
    _METER_KEYS,
    takes=MeterKeyBody,
    answers=MeterKeysView,
    errors=(400, 404, 409),
    needs=Scope.CHARGERS_WRITE,
)
def pin_meter_key(request: Request) -> MeterKeysView:
    """Say by which key a meter is known from now on; what it signed before is checked by the key of that time."""
    body = request.body
    return _keys(network().pinned_keys.pin(_own(request), body.meter, body.key, body.evse))


@endpoint(
    signed,
    "GET",
    "/v1/sessions/{session_id}/signed-values",
    answers=SignedValuesView,
    errors=(400, 404),
    query={"format": "json, or xml for the S.A.F.E. transparency software; json if left out"},
    also_as=("application/xml",),
)
def driver_signed_values(request: Request) -> SignedValuesView | Answer:
    """What the meter signed of a charge, checked; as XML to the letter, for anybody to check with their own means."""
    form = request.query.get("format", "json")
    if form not in ("json", "xml"):
        raise BadRequest("format must be json or xml", "format")
    session = network().driver_sessions.get(request.driver_id, request.path["session_id"])
    checked = network().signed_evidence.of_session(session)
    if form == "xml":
        name = f'attachment; filename="signed-{session.session_id}.xml"'
        return Answer(
            document(session, checked), headers={"Content-Type": "application/xml", "Content-Disposition": name}
        )
    return _values(session.signed, checked)


def _values(found: SignedEnergy | None, checked: CheckedValues) -> SignedValuesView:
    return SignedValuesView(
        signed=signed_energy(found),
        items=[
            SignedRegisterView(
                at=it.value.at,
                context=it.value.context,
                verification=it.verification,
                reason=it.reason,
                meter=it.record.meter if it.record else "",
            )
            for it in checked.values
        ],
        is_whole=checked.is_whole,
    )


def signed_energy(it: SignedEnergy | None) -> SignedEnergyView | None:
    """What signed records come to, for people to see."""
    if it is None:
        return None
    return SignedEnergyView(
        verification=it.verification,
        meter=it.meter,
        energy_wh=it.energy_wh,
        register_read=it.register,
        reason=it.reason,
        told_wh=it.told_wh,
    )
