"""Models of sessions: where to charge, when to stop, and how far a session has come."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from chalicelib.domain.charging.limits import Limits
from chalicelib.domain.charging.session import Reason, State
from chalicelib.handlers.http import examples
from chalicelib.handlers.http.fields import ChargerId, Connector, Minor, RequestBody, ResponseBody, example
from chalicelib.handlers.money.models import CardActionView, Cost
from chalicelib.handlers.pricing.models import Prices


class LimitsBody(RequestBody):
    """A driver's limits: stop at the first reading that reaches one of these."""

    energy_wh: Annotated[int, Field(gt=0, le=2_000_000)] | None = None
    amount_minor: Annotated[int, Field(gt=0, le=100_000_000, description="with tax")] | None = None
    duration_s: Annotated[int, Field(gt=0, le=172_800)] | None = None
    soc_percent: Annotated[int, Field(ge=1, le=100)] | None = None


class NewSession(RequestBody):
    """A session to begin: where to charge, and when to stop."""

    model_config = RequestBody.model_config | example(charger_id="DEMO-16", connector="1", limits={"energy_wh": 20_000})
    charger_id: ChargerId
    connector: Connector = "1"
    limits: LimitsBody | None = None


class IdleView(ResponseBody):
    """A car that stands at the plug without charging, where that costs: since when, and what it comes to."""

    model_config = example(**examples.IDLE)
    since: datetime
    free_until: Annotated[datetime, Field(description="gone by then, it costs nothing")]
    price_per_minute: Annotated[str | None, Field(description="what applies now, before tax unless tax_included")]
    cost_minor: Annotated[int, Field(description="so far, with tax; part of cost")]


class SessionView(ResponseBody):
    """A session as far as it has come."""

    model_config = example(**examples.SESSION)
    session_id: str
    state: State
    reason: Reason | None
    charger_id: str
    site_id: str
    connector: str
    created_at: datetime
    started_at: datetime | None
    stopped_at: datetime | None
    ended_at: datetime | None
    energy_wh: int
    power_w: int | None
    soc_percent: int | None
    elapsed_s: int
    charger_offline_since: Annotated[
        datetime | None, Field(description="what it does since then nobody knows: time and cost are shown until then")
    ]
    charging_s: Annotated[int | None, Field(description="time spent charging, known once it is over")]
    suspended_by_car_s: int | None
    suspended_by_station_s: int | None
    plugged_in_after_s: Annotated[int | None, Field(description="at the plug after the end, once it is free")]
    idle: Annotated[IdleView | None, Field(description="while the car stands there at its driver's cost")]
    cost: Cost
    prices: Prices
    limits: Limits | None
    held_minor: Minor | None
    paid_minor: Minor | None
    due_minor: Annotated[int, Field(description="asked and not paid; see /v1/me/balance")]
    waived_minor: Annotated[Minor, Field(description="what of the cost the operator has let go of")]
    written_off_minor: Annotated[Minor, Field(description="what of the cost is too little for a card, and let go of")]
    refunded_minor: Minor
    action: CardActionView | None
    live_url: str | None
    receipt_url: str | None


class SessionPage(ResponseBody):
    """A page of sessions, newest first; ask again with `cursor` for more."""

    model_config = example(items=[examples.SESSION], next_cursor=None)
    items: list[SessionView]
    next_cursor: str | None


class UnlockView(ResponseBody):
    """What a charger said to a request to let go of the cable."""

    model_config = example(is_unlocked=True, detail="Unlocked")
    is_unlocked: Annotated[bool | None, Field(description="null: the charger has not answered yet")]
    detail: Annotated[str, Field(description="the charger's own word")]
