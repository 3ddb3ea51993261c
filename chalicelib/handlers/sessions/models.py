"""Models of sessions: where to charge, when to stop, and how far a session has come."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from chalicelib.domain.charging.limits import Limits
from chalicelib.domain.charging.session import Reason, State
from chalicelib.handlers.chargers.models import SiteSummary
from chalicelib.handlers.chargers.wait_models import PowerWaitView
from chalicelib.handlers.http import examples
from chalicelib.handlers.http.fields import ChargerId, Connector, Email, Minor, RequestBody, ResponseBody, example
from chalicelib.handlers.money.models import CardActionView, Cost
from chalicelib.handlers.pricing.models import Prices
from chalicelib.handlers.sessions.preference_models import (
    ChargePlanView,
    ChargingPreferencesBody,
    ChargingPreferencesView,
)
from chalicelib.services.money.organisations import Pays


class LimitsBody(RequestBody):
    """A driver's limits: stop at the first reading that reaches one of these."""

    energy_wh: Annotated[int, Field(gt=0, le=2_000_000)] | None = None
    amount_minor: Annotated[int, Field(gt=0, le=100_000_000, description="with tax")] | None = None
    duration_s: Annotated[int, Field(gt=0, le=172_800)] | None = None
    soc_percent: Annotated[int, Field(ge=1, le=100)] | None = None


class NewSession(RequestBody):
    """A session to begin: where to charge, when to stop, when the car is to be ready, and who pays."""

    model_config = RequestBody.model_config | example(charger_id="DEMO-16", connector="1", limits={"energy_wh": 20_000})
    charger_id: ChargerId
    connector: Connector = "1"
    limits: LimitsBody | None = None
    preferences: ChargingPreferencesBody | None = None
    pays: Annotated[
        Pays | None, Field(description="null: self, unless an organisation that the driver is in pays by default")
    ] = None


class IdleView(ResponseBody):
    """A car that stands at the plug without charging, where that costs: since when, and what it comes to."""

    model_config = example(**examples.IDLE)
    since: datetime
    free_until: Annotated[datetime, Field(description="gone by then, it costs nothing")]
    price_per_minute: Annotated[str | None, Field(description="what applies now, before tax unless tax_included")]
    cost_minor: Annotated[int, Field(description="so far, with tax; part of cost")]


class LiveSocket(ResponseBody):
    """Where a browser follows a session by WebSocket: `new WebSocket(url, subprotocols)`; see docs/api.md."""

    model_config = example(**examples.LIVE_SOCKET)
    url: str
    subprotocols: Annotated[list[str], Field(description="the protocol, and a ticket that is good for a day")]
    topic: str
    renew_within_s: Annotated[int, Field(description="say so often that the page is visible, or nothing more is told")]


class SessionView(ResponseBody):
    """A session as far as it has come."""

    model_config = example(**examples.SESSION)
    session_id: str
    state: State
    reason: Reason | None
    charger_id: str
    site_id: str
    site: Annotated[SiteSummary | None, Field(description="null: its operator has taken it away since")]
    connector: str
    created_at: datetime
    start_before: Annotated[datetime | None, Field(description="until then at least the charger waits for the car")]
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
    power_wait: Annotated[
        PowerWaitView | None, Field(description="where a site's power is shared out, and there is too little for all")
    ]
    cost: Cost
    prices: Prices
    limits: Limits | None
    preferences: Annotated[ChargingPreferencesView | None, Field(description="null: nothing was said")]
    plan: Annotated[ChargePlanView | None, Field(description="null: it has its fair share, and waits for nothing")]
    paid_by_organisation: Annotated[str | None, Field(description="its id, where an organisation pays")]
    held_minor: Minor | None
    paid_minor: Minor | None
    is_paid_at_terminal: Annotated[bool, Field(description="by card at the charger itself; no other card is asked")]
    due_minor: Annotated[int, Field(description="asked and not paid; see /v1/me/balance")]
    waived_minor: Annotated[Minor, Field(description="what of the cost the operator has let go of")]
    written_off_minor: Annotated[Minor, Field(description="what of the cost is too little for a card, and let go of")]
    refunded_minor: Minor
    action: CardActionView | None
    live_url: Annotated[str | None, Field(description="Server-Sent Events; null once it is over")]
    live_socket: Annotated[LiveSocket | None, Field(description="the same by WebSocket, as it comes; null once over")]
    receipt_url: str | None
    deposit_url: Annotated[
        str | None, Field(description="what to sign, where a deposit on chain pays; null: none does, or it is over")
    ]


class SessionPage(ResponseBody):
    """A page of sessions, newest first; ask again with `cursor` for more."""

    model_config = example(items=[examples.SESSION], next_cursor=None)
    items: list[SessionView]
    next_cursor: str | None


class CurvePoint(ResponseBody):
    """A reading: energy since the charge began, power and state of charge where the charger told them."""

    at: datetime
    energy_wh: int | None
    power_w: int | None
    soc_percent: int | None


class Curve(ResponseBody):
    """How a charge went, oldest first; of many readings some, evenly."""

    model_config = example(
        session_id="KAAAAAAAAAAAAAAAAAAA",
        points=[{"at": "2026-11-21T09:31:00Z", "energy_wh": 250, "power_w": 11000, "soc_percent": 41}],
    )
    session_id: str
    points: list[CurvePoint]


class StatementTotal(ResponseBody):
    """What a month's sessions come to in one currency; refunds are not taken off."""

    currency: str
    sessions: int
    energy_wh: int
    net_minor: Minor
    tax_minor: Minor
    total_minor: Minor
    paid_minor: Minor
    refunded_minor: Minor


class StatementLine(ResponseBody):
    """One session of a month."""

    session_id: str
    site_id: str
    charger_id: str
    created_at: datetime
    energy_wh: int
    currency: str
    total_minor: Minor
    paid_minor: Minor
    refunded_minor: Minor


class Statement(ResponseBody):
    """A month's sessions that are over, newest first, and what they come to by currency."""

    model_config = example(**examples.STATEMENT)
    month: str
    totals: list[StatementTotal]
    sessions: list[StatementLine]
    is_complete: Annotated[bool, Field(description="false: more than a thousand sessions; the rest is in the list")]


class UnlockView(ResponseBody):
    """What a charger said to a request to let go of the cable."""

    model_config = example(is_unlocked=True, detail="Unlocked")
    is_unlocked: Annotated[bool | None, Field(description="null: the charger has not answered yet")]
    detail: Annotated[str, Field(description="the charger's own word")]


class NewCheckout(RequestBody):
    """Where somebody without an account stands, as the code at the charger says."""

    model_config = RequestBody.model_config | example(charger_id="DEMO-16", connector="1")
    charger_id: ChargerId
    connector: Connector = "1"


class CheckoutPayment(RequestBody):
    """The card, as the client gave it to Stripe (`createPaymentMethod`), and where a receipt shall be sent if at all.

    Without limits a charge ends where the money set aside does; it never costs more.
    """

    model_config = RequestBody.model_config | example(
        payment_method_id="pm_1AbCdEf", email="guest@example.com", limits={"amount_minor": 2000}
    )
    payment_method_id: Annotated[str, StringConstraints(pattern=r"^pm_[A-Za-z0-9_]{1,100}$")] | None = None
    email: Email | None = None
    limits: LimitsBody | None = None
    preferences: ChargingPreferencesBody | None = None


class CheckoutView(ResponseBody):
    """A checkout: what is offered where, until when, and how the charge goes once it is paid for.

    `secret` is told once, when it is made: send it as `Checkout-Secret` with every further request.
    """

    model_config = example(**examples.CHECKOUT)
    checkout_id: str
    secret: str | None
    charger_id: str
    connector: str
    site: SiteSummary | None
    prices: Prices
    hold_minor: Annotated[int, Field(description="what is set aside at most, and the most that it may cost")]
    pay_before: datetime
    publishable_key: Annotated[str, Field(description="Stripe's, for the client that asks for the card")]
    session: SessionView | None
    receipt_url: Annotated[str | None, Field(description="once paid; needs no secret, for 30 days after")]
