"""The view of a session, as its driver sees it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta

from chalicelib.domain.chargers.events import Reading
from chalicelib.domain.charging.holds import is_confirmed
from chalicelib.domain.charging.preferences import ChargingPreferences
from chalicelib.domain.charging.session import Session
from chalicelib.domain.drivers import is_guest
from chalicelib.domain.pricing.currency import micros_to_minor
from chalicelib.domain.pricing.rating import planned, price
from chalicelib.domain.sessions import Checkout
from chalicelib.handlers.chargers.models import SiteSummary
from chalicelib.handlers.chargers.views import site_summary
from chalicelib.handlers.chargers.wait_models import PowerWaitView
from chalicelib.handlers.money.views import action, cost
from chalicelib.handlers.pricing.views import prices
from chalicelib.handlers.sessions.models import (
    CheckoutView,
    CurvePoint,
    IdleView,
    LiveSocket,
    SessionView,
    Statement,
    StatementLine,
    StatementTotal,
)
from chalicelib.handlers.sessions.preference_models import ChargePlanView, ChargingPreferencesView
from chalicelib.services.grid.driver_preferences import PreferencesResult, result_of
from chalicelib.services.money.debts import owed_minor
from chalicelib.services.pricing.rating import Idling
from chalicelib.services.sessions.live_views import RENEW_S
from chalicelib.services.sessions.progress import Progress
from chalicelib.wiring import network

# What the live view by WebSocket speaks; the ticket is offered beside it.
LIVE_PROTOCOL = "kerb.live"
_TICKET_GOOD_FOR = timedelta(hours=25)


def sites_of(session: Session) -> SiteSummary | None:
    """Where a session is; None where its operator has taken the site away. One read."""
    site = network().sites.get(session.site_id)
    return site_summary(site) if site else None


def page(found: Sequence[Progress], is_watched: bool = False, *, issued_s: int = 0) -> list[SessionView]:
    """Sessions as a list shows them; one read for each site there is among them."""
    sites = {it.session.site_id: it.session for it in found}
    where = {site_id: sites_of(it) for site_id, it in sites.items()}
    return [session(it, where[it.session.site_id], is_watched, issued_s=issued_s) for it in found]


def session(
    progress: Progress, site: SiteSummary | None, is_watched: bool = False, *, issued_s: int = 0
) -> SessionView:
    """A session as its driver sees it, with links to watch it by that need no login for a day.

    They count as long as the token by which they were asked for, which was given out at `issued_s`. Whoever watches
    already gets no further link: a ticket that is good for another would never end.
    """
    it = progress.session
    ticket = None if it.is_at_rest or is_watched else _ticket(it, issued_s)
    return SessionView(
        session_id=it.session_id,
        state=it.told_state,
        reason=it.reason,
        charger_id=it.charger_id,
        site_id=it.site_id,
        site=site,
        connector=str(it.connector),
        created_at=it.created_at,
        start_before=it.start_before,
        started_at=it.started_at,
        stopped_at=it.stopped_at,
        ended_at=it.ended_at,
        energy_wh=progress.energy_wh,
        power_w=progress.power_w,
        soc_percent=progress.soc_percent,
        elapsed_s=progress.elapsed_s,
        charger_offline_since=progress.offline_since,
        charging_s=it.occupation.charging_s if it.occupation else None,
        suspended_by_car_s=it.occupation.suspended_by_car_s if it.occupation else None,
        suspended_by_station_s=it.occupation.suspended_by_station_s if it.occupation else None,
        plugged_in_after_s=it.plugged_in_after_s,
        idle=_idle(progress.idling),
        power_wait=PowerWaitView(**asdict(progress.power_wait)) if progress.power_wait else None,
        cost=cost(progress.cost),
        prices=prices(it.tariff, it.time_zone, it.created_at if it.is_over else network().clock()),
        limits=it.limits,
        preferences=preferences(it) if it.preferences is not None else None,
        plan=_plan(it),
        paid_by_organisation=it.organisation_id,
        held_minor=it.held_minor if it.hold else None,
        paid_minor=it.payment.amount_minor if it.payment else None,
        due_minor=owed_minor(it, network().clock()),
        waived_minor=it.waived_minor,
        written_off_minor=it.written_off_minor,
        is_paid_at_terminal=it.settlement is not None,
        refunded_minor=it.refunded_minor,
        action=action(it.action) if it.action and _is_asked_by_bank(it) else None,
        live_url=f"/v1/sessions/{it.session_id}/live?ticket={ticket}" if ticket else None,
        live_socket=_live_socket(it, ticket) if ticket else None,
        receipt_url=_receipt_url(it) if it.has_receipt else None,
        deposit_url=f"/v1/sessions/{it.session_id}/deposit" if it.is_on_chain and not it.is_over else None,
    )


def _is_asked_by_bank(it: Session) -> bool:
    """Whether their card's bank asks its holder to confirm; a deposit on chain is asked for without a secret."""
    return it.action is not None and bool(it.action.client_secret) and not is_confirmed(it) and not it.is_over


def curve_point(it: Session, reading: Reading) -> CurvePoint:
    """One reading of a session."""
    began_wh = it.meter_start_wh
    energy_wh = reading.energy_wh
    return CurvePoint(
        at=reading.at,
        energy_wh=max(0, energy_wh - began_wh) if energy_wh is not None and began_wh is not None else None,
        power_w=reading.power_w,
        soc_percent=reading.soc_percent,
    )


def statement(month: str, found: Sequence[Session], is_complete: bool) -> Statement:
    """A month's sessions that are over; one that gave and cost nothing is none."""
    over = [it for it in found if it.is_over and it.bill is not None and (it.energy_wh or it.bill.total_minor)]
    totals: dict[str, StatementTotal] = {}
    for it in over:
        bill = it.bill
        if bill is None:
            continue
        total = totals.setdefault(bill.currency, _nothing(bill.currency))
        total.sessions += 1
        total.energy_wh += it.energy_wh or 0
        total.net_minor += bill.net_minor
        total.tax_minor += bill.tax_minor
        total.total_minor += bill.total_minor
        total.paid_minor += it.payment.amount_minor if it.payment else 0
        total.refunded_minor += it.refunded_minor
    lines = [
        StatementLine(
            session_id=it.session_id,
            site_id=it.site_id,
            charger_id=it.charger_id,
            created_at=it.created_at,
            energy_wh=it.energy_wh or 0,
            currency=it.tariff.currency,
            total_minor=it.bill.total_minor if it.bill else 0,
            paid_minor=it.payment.amount_minor if it.payment else 0,
            refunded_minor=it.refunded_minor,
        )
        for it in over
    ]
    return Statement(month=month, totals=list(totals.values()), sessions=lines, is_complete=is_complete)


_DETAILS = {
    PreferencesResult.ACCEPTED: "planned within a quarter of an hour; until then it has its fair share",
    PreferencesResult.DEPARTURE_REQUIRED: "without ready_by no hour is better than now: it has its fair share",
    PreferencesResult.NOT_POSSIBLE: "this site's power is not shared out: the car charges at once",
}


def preferences(it: Session, said: ChargingPreferences | None = None) -> ChargingPreferencesView:
    """What its driver `said` (None: as it was kept), and what becomes of it there."""
    told = said or it.preferences or ChargingPreferences()
    result = result_of(it)
    detail = _DETAILS[result]
    if result is PreferencesResult.ACCEPTED and told.is_boosted:
        detail = "it charges now, with its full fair share"
    elif result is PreferencesResult.ACCEPTED and told.ready_by is None:
        detail = "it has its fair share; with ready_by it would be planned"
    return ChargingPreferencesView(
        result=result,
        detail=detail,
        ready_by=told.ready_by,
        energy_wh=told.energy_wh,
        target_percent=told.target_percent,
        battery_percent=told.battery_percent,
        capacity_wh=told.capacity_wh,
        asked_wh=told.asked_wh,
        boost=told.is_boosted,
        profile=told.profile,
    )


def _plan(it: Session) -> ChargePlanView | None:
    """What was told of its plan, while that is ahead and what its driver wants."""
    told, said = it.told_plan, it.preferences
    if told is None or not it.takes_power or (said is not None and said.is_boosted):
        return None
    energy_wh = told.energy_wh + told.had_wh
    ends_at = told.ready_at or (said.ready_by if said is not None and said.ready_by is not None else told.starts_at)
    charging_s = max(1, int((ends_at - told.starts_at).total_seconds()))
    usage = planned(told.starts_at, energy_wh, charging_s, reserved=it.reserved)
    return ChargePlanView(
        planned_at=told.planned_at,
        starts_at=told.starts_at,
        ready_at=told.ready_at,
        energy_wh=told.energy_wh,
        unmet_wh=told.unmet_wh,
        cost_minor=price(it.tariff, usage, it.time_zone).total_minor,
        energy_cost_minor=micros_to_minor(told.energy_cost_micros, told.currency),
        currency=told.currency,
        carbon_g=told.carbon_g,
        source=told.source,
        waits_for=told.waits_for,
    )


def _nothing(currency: str) -> StatementTotal:
    return StatementTotal(
        currency=currency,
        sessions=0,
        energy_wh=0,
        net_minor=0,
        tax_minor=0,
        total_minor=0,
        paid_minor=0,
        refunded_minor=0,
    )


def checkout(it: Checkout, progress: Progress | None, secret: str | None = None) -> CheckoutView:
    """A checkout as its payer sees it."""
    site = network().sites.get(it.site_id)
    where = site_summary(site) if site else None
    shown = session(progress, where) if progress else None
    return CheckoutView(
        checkout_id=it.checkout_id,
        secret=secret,
        charger_id=it.charger_id,
        connector=str(it.connector),
        site=where,
        prices=prices(it.tariff, it.time_zone, it.created_at),
        hold_minor=0 if it.tariff.is_free else it.tariff.hold_minor,
        pay_before=it.pay_before,
        publishable_key=network().setting("STRIPE_PUBLISHABLE_KEY"),
        session=shown,
        receipt_url=shown.receipt_url if shown else None,
    )


def _receipt_url(it: Session) -> str:
    if it.driver_id is None or not is_guest(it.driver_id) or it.ended_at is None:
        return f"/v1/sessions/{it.session_id}/receipt"
    return network().tickets.guests_receipt(it.session_id, it.driver_id, it.ended_at)


def _idle(it: Idling | None) -> IdleView | None:
    if it is None:
        return None
    per_minute = f"{it.price_per_minute.normalize():f}" if it.price_per_minute is not None else None
    return IdleView(since=it.since, free_until=it.free_until, price_per_minute=per_minute, cost_minor=it.cost_minor)


def _ticket(it: Session, issued_s: int) -> str | None:
    if it.driver_id is None:
        return None
    # Whole hours, so that a session that has not changed looks the same when it is asked for again.
    this_hour = network().clock().replace(minute=0, second=0, microsecond=0)
    return network().tickets.issue(it.session_id, it.driver_id, this_hour + _TICKET_GOOD_FOR, issued_s=issued_s)


def _live_socket(it: Session, ticket: str) -> LiveSocket | None:
    url = network().setting("LIVE_URL", "")
    if not url:
        return None
    topic = f"session/{it.session_id}"
    return LiveSocket(url=url, subprotocols=[LIVE_PROTOCOL, ticket], topic=topic, renew_within_s=RENEW_S)
