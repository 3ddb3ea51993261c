"""The view of a session, as its driver sees it."""

from __future__ import annotations

from datetime import timedelta

from chalicelib.domain.charging.session import Session
from chalicelib.handlers.money.views import action, cost
from chalicelib.handlers.pricing.views import prices
from chalicelib.handlers.sessions.models import IdleView, SessionView
from chalicelib.services.money.debts import owed_minor
from chalicelib.services.pricing.rating import Idling
from chalicelib.services.sessions.driver_sessions import Progress
from chalicelib.wiring import network

_TICKET_GOOD_FOR = timedelta(hours=25)


def session(progress: Progress, is_watched: bool = False) -> SessionView:
    """A session as its driver sees it, with a link to watch it by that needs no login for a day.

    Whoever watches already gets no further link: a ticket that is good for another would never end.
    """
    it = progress.session
    return SessionView(
        session_id=it.session_id,
        state=it.state,
        reason=it.reason,
        charger_id=it.charger_id,
        site_id=it.site_id,
        connector=str(it.connector),
        created_at=it.created_at,
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
        cost=cost(progress.cost),
        prices=prices(it.tariff, it.time_zone, it.created_at if it.is_over else network().clock()),
        limits=it.limits,
        held_minor=it.held_minor if it.hold else None,
        paid_minor=it.payment.amount_minor if it.payment else None,
        due_minor=owed_minor(it, network().clock()),
        waived_minor=it.waived_minor,
        written_off_minor=it.written_off_minor,
        refunded_minor=it.refunded_minor,
        action=action(it.action) if it.action and not it.hold and not it.is_over else None,
        live_url=None if it.is_over or is_watched else _live_url(it),
        receipt_url=f"/v1/sessions/{it.session_id}/receipt" if it.is_over and it.payment else None,
    )


def _idle(it: Idling | None) -> IdleView | None:
    if it is None:
        return None
    per_minute = f"{it.price_per_minute.normalize():f}" if it.price_per_minute is not None else None
    return IdleView(since=it.since, free_until=it.free_until, price_per_minute=per_minute, cost_minor=it.cost_minor)


def _live_url(it: Session) -> str:
    if it.driver_id is None:
        return ""
    # Whole hours, so that a session that has not changed looks the same when it is asked for again.
    this_hour = network().clock().replace(minute=0, second=0, microsecond=0)
    ticket = network().tickets.issue(it.session_id, it.driver_id, this_hour + _TICKET_GOOD_FOR)
    return f"/v1/sessions/{it.session_id}/live?ticket={ticket}"
