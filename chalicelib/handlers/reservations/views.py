"""The view of a reservation, as JSON."""

from __future__ import annotations

from chalicelib.domain.reservations import Reservation, ReservationStatus
from chalicelib.handlers.pricing.views import prices
from chalicelib.handlers.reservations.models import ReservationView
from chalicelib.wiring import network


def reservation(it: Reservation) -> ReservationView:
    """A connector kept for its driver; one whose time is over has expired, whether anybody noticed or not."""
    now = network().clock()
    is_over = it.standing is ReservationStatus.OPEN and not it.is_open(now)
    return ReservationView(
        reservation_id=it.reservation_id,
        charger_id=it.charger_id,
        site_id=it.site_id,
        connector=str(it.connector),
        standing=ReservationStatus.EXPIRED if is_over else it.standing,
        keeper=it.keeper,
        created_at=it.created_at,
        until=it.until,
        ended_at=it.until if is_over else it.ended_at,
        prices=prices(it.tariff, it.time_zone, it.created_at),
    )
