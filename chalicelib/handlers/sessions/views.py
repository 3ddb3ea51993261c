"""How the domain looks from outside: each thing has one view, whichever route shows it."""

from __future__ import annotations

from datetime import timedelta

from chalicelib import wiring
from chalicelib.domain.charging.session import CardAction, Session
from chalicelib.domain.money import receipt as domain
from chalicelib.domain.money.receipt import Profile
from chalicelib.domain.pricing.bill import Bill, Line, Tax
from chalicelib.domain.pricing.tariff import Tariff
from chalicelib.domain.reservations import Reservation, ReservationStatus
from chalicelib.handlers.drivers.models import TokenView
from chalicelib.handlers.money.receipt_models import ProfileView, ReceiptLine, ReceiptTax, ReceiptView
from chalicelib.handlers.pricing.views import prices
from chalicelib.handlers.reservations.models import ReservationView
from chalicelib.handlers.sessions.models import CardActionView, ChargerView, ConnectorView, Cost, SessionView
from chalicelib.records.chargers import Charger, ConnectorState, Plug, Site
from chalicelib.records.drivers import Token
from chalicelib.services.sessions.driver_sessions import Progress

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
        charging_s=it.occupation.charging_s if it.occupation else None,
        suspended_by_car_s=it.occupation.suspended_by_car_s if it.occupation else None,
        suspended_by_station_s=it.occupation.suspended_by_station_s if it.occupation else None,
        cost=_cost(progress.cost),
        prices=prices(it.tariff, it.time_zone, it.created_at if it.is_over else wiring.clock()),
        limits=it.limits,
        held_minor=it.held_minor if it.hold else None,
        paid_minor=it.payment.amount_minor if it.payment else None,
        due_minor=it.due_minor if it.is_over else 0,
        refunded_minor=it.refunded_minor,
        action=action(it.action) if it.action and not it.hold and not it.is_over else None,
        live_url=None if it.is_over or is_watched else _live_url(it),
        receipt_url=f"/v1/sessions/{it.session_id}/receipt" if it.is_over and it.payment else None,
    )


def action(it: CardAction) -> CardActionView:
    """What the cardholder's app needs so that they can confirm."""
    return CardActionView(client_secret=it.client_secret, publishable_key=wiring.setting("STRIPE_PUBLISHABLE_KEY"))


def line(it: Line) -> ReceiptLine:
    """One thing charged for."""
    return ReceiptLine(
        dimension=it.dimension,
        quantity=it.quantity,
        unit_price=it.unit_price,
        tax_percent=it.tax_percent,
        amount_minor=it.amount_minor,
    )


def tax(it: Tax) -> ReceiptTax:
    """The tax of one rate."""
    return ReceiptTax(percent=it.percent, net_minor=it.net_minor, amount_minor=it.amount_minor)


def _cost(bill: Bill) -> Cost:
    return Cost(
        currency=bill.currency, net_minor=bill.net_minor, tax_minor=bill.tax_minor, total_minor=bill.total_minor
    )


def _live_url(it: Session) -> str:
    if it.driver_id is None:
        return ""
    # Whole hours, so that a session that has not changed looks the same when it is asked for again.
    this_hour = wiring.clock().replace(minute=0, second=0, microsecond=0)
    ticket = wiring.tickets().issue(it.session_id, it.driver_id, this_hour + _TICKET_GOOD_FOR)
    return f"/v1/sessions/{it.session_id}/live?ticket={ticket}"


def charger(it: Charger, site: Site, tariff: Tariff, states: list[ConnectorState]) -> ChargerView:
    """A charger as anyone may see it."""
    plugs = {plug.connector: plug for plug in it.plugs}
    return ChargerView(
        charger_id=it.charger_id,
        site_id=site.site_id,
        site_name=site.name,
        address=site.address,
        online=it.connection_id is not None,
        connectors=[
            ConnectorView(
                connector=str(state.connector),
                kind=plugs.get(state.connector, Plug(state.connector)).kind,
                max_power_w=plugs.get(state.connector, Plug(state.connector)).max_power_w,
                status=state.seen(wiring.clock()),
                status_at=state.status_at,
                error=state.error,
                in_use=state.session_id is not None,
            )
            for state in states
        ],
        prices=prices(tariff, site.time_zone, wiring.clock()),
    )


def profile(it: Profile) -> ProfileView:
    """Who an operator is by law."""
    return ProfileView(
        legal_name=it.legal_name,
        address=it.address,
        country=it.country,
        tax_id=it.tax_id,
        email=it.email,
        phone=it.phone,
    )


def receipt(it: domain.Receipt) -> ReceiptView:
    """A receipt as it was issued."""
    return ReceiptView(
        number=it.number,
        session_id=it.session_id,
        operator_id=it.operator_id,
        supplier=profile(it.supplier) if it.supplier else None,
        issued_at=it.issued_at,
        site_name=it.site_name,
        address=it.address,
        time_zone=it.time_zone,
        charger_id=it.charger_id,
        connector=it.connector,
        started_at=it.started_at,
        stopped_at=it.stopped_at,
        meter_start_wh=it.meter_start_wh,
        meter_stop_wh=it.meter_stop_wh,
        energy_wh=it.energy_wh,
        currency=it.bill.currency,
        lines=[line(each) for each in it.bill.lines],
        tax_included=it.bill.tax_included,
        net_minor=it.bill.net_minor,
        taxes=[tax(each) for each in it.bill.taxes],
        tax_minor=it.bill.tax_minor,
        total_minor=it.bill.total_minor,
        paid_minor=it.paid_minor,
        amount_due_minor=it.due_minor,
        paid_at=it.paid_at,
        card=it.card,
    )


def reservation(it: Reservation) -> ReservationView:
    """A connector kept for its driver; one whose time is over has expired, whether anybody noticed or not."""
    now = wiring.clock()
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


def token(it: Token) -> TokenView:
    """An RFID card as its driver sees it."""
    return TokenView(
        uid=it.uid,
        operator_id=it.operator_id or None,
        blocked=it.blocked_by_driver,
        blocked_by_operator=it.blocked,
    )
