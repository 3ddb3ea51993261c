"""Models of sessions as their operator sees them: what was told and decided, what was signed, and lists of them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from chalicelib.domain.charging.session import Reason, State
from chalicelib.domain.pricing.evidence import Flag
from chalicelib.handlers.chargers.models import CorrectionView, SettlementView
from chalicelib.handlers.http.fields import RequestBody, ResponseBody, example
from chalicelib.handlers.transparency.signed_values import SignedEnergyView


class LateEndView(ResponseBody):
    """A charger's own word for an end that was billed already, or what its meter signed of it."""

    at: datetime
    meter_stop_wh: int | None
    signed_wh: int | None = Field(description="what was signed and told too late, where it is less than was billed")


class HandSettlementBody(RequestBody):
    """Why an operator ends a session by hand; it is kept with the session, and with it who did so."""

    model_config = RequestBody.model_config | example(reason="the charger burnt down")
    reason: Annotated[str, Field(min_length=1, max_length=500)]


class OperatorSession(ResponseBody):
    """A session as the operator sees it; `flags` say why a person should look at it.

    `needs_review`: its meter's word cannot be believed, and nothing is billed until somebody says what it delivered
    (`POST .../energy`), or `review_until`, when `energy_wh`, which is proven, is billed.
    """

    model_config = ResponseBody.model_config | example(
        session_id="KQ3V5ZJ7NAX2M4D6B8CE",
        state="stopping",
        reason="charger_lost",
        flags=["end_unknown"],
        charger_id="DEMO-16",
        connector="1",
        ref="1711463018",
        created_at="2026-11-21T09:30:00Z",
        started_at="2026-11-21T09:30:05Z",
        stopped_at="2026-11-21T10:02:00Z",
        meter_start_wh=121_600,
        meter_stop_wh=129_600,
        energy_wh=8000,
        needs_review=False,
        review_until=None,
        decided_wh=None,
        charging_s=1500,
        suspended_by_car_s=0,
        suspended_by_station_s=415,
        unplugged_at="2026-11-21T10:04:00Z",
        plugged_in_after_s=120,
        total_minor=None,
        paid_minor=None,
        due_minor=0,
        waived_minor=0,
        written_off_minor=0,
        corrections=[],
        paid_at_terminal=None,
        currency="EUR",
        late_end=None,
        is_end_inferred=True,
        ended_by="driver-7",
        ended_because="the charger burnt down",
        signed=None,
    )
    session_id: str
    state: State
    reason: Reason | None
    flags: list[Flag]
    charger_id: str
    connector: str
    ref: str | None
    created_at: datetime
    started_at: datetime | None
    stopped_at: datetime | None
    meter_start_wh: int | None
    meter_stop_wh: int | None
    energy_wh: int | None
    needs_review: bool
    review_until: datetime | None
    decided_wh: int | None
    charging_s: int | None
    suspended_by_car_s: int | None
    suspended_by_station_s: int | None
    unplugged_at: datetime | None = Field(description="since then its connector is free of its car")
    plugged_in_after_s: int | None
    total_minor: int | None
    paid_minor: int | None
    due_minor: int = Field(description="asked of its driver and not paid")
    waived_minor: int = Field(description="what of the bill corrections took away unpaid")
    written_off_minor: int = Field(description="too little for a card to be charged")
    corrections: list[CorrectionView]
    paid_at_terminal: SettlementView | None
    currency: str
    is_end_inferred: bool = Field(description="the charger itself has not told when it ended")
    ended_by: str | None = Field(description="who ended it by hand")
    ended_because: str | None = Field(description="their reason")
    late_end: LateEndView | None = Field(description="the charger's own end, told after the bill")
    signed: SignedEnergyView | None = Field(description="what its meter's signed records come to; null: there are none")


class SignedValueView(ResponseBody):
    """What a meter signed: the sampled value as it came, in the words of its charger's OCPP version."""

    at: datetime
    context: str
    sample: dict[str, Any]


class SignedValuePage(ResponseBody):
    """A page of signed meter values, in order of time; ask again with `cursor` for more."""

    model_config = ResponseBody.model_config | example(
        items=[
            {
                "at": "2026-11-21T09:30:00Z",
                "context": "Transaction.Begin",
                "sample": {"value": "OCMF|{}|{}", "format": "SignedData", "context": "Transaction.Begin"},
            }
        ],
        next_cursor=None,
    )
    items: list[SignedValueView]
    next_cursor: str | None


class OperatorSessionPage(ResponseBody):
    """A page of the operator's sessions, newest first; ask again with `cursor` for more."""

    model_config = ResponseBody.model_config | example(items=[], next_cursor=None)
    items: list[OperatorSession]
    next_cursor: str | None
