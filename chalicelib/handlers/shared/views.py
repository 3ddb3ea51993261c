"""How the domain looks from outside: each thing has one view, whichever route shows it."""

from __future__ import annotations

from datetime import timedelta

from chalicelib import wiring
from chalicelib.domain.bill import Bill
from chalicelib.domain.session import Session
from chalicelib.domain.tariff import Tariff
from chalicelib.handlers.shared.models.charging import (
    ChargerView,
    ConnectorView,
    Cost,
    Receipt,
    ReceiptLine,
    ReceiptTax,
    SessionView,
)
from chalicelib.handlers.shared.prices import prices
from chalicelib.records import Charger, ConnectorState, Plug, Site
from chalicelib.services.sessions import Progress

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
        cost=_cost(progress.cost),
        prices=prices(it.tariff, it.time_zone, it.created_at if it.is_over else wiring.clock()),
        limits=it.limits,
        held_minor=it.hold.amount_minor if it.hold else None,
        paid_minor=it.payment.amount_minor if it.payment else None,
        live_url=None if it.is_over or is_watched else _live_url(it),
        receipt_url=f"/v1/sessions/{it.session_id}/receipt" if it.is_over and it.payment else None,
    )


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


def receipt(it: Session, site: Site) -> Receipt:
    """A paid session on paper: the same whenever it is asked for. Raises ValueError for an unpaid one."""
    if it.bill is None or it.payment is None:
        raise ValueError(f"session {it.session_id} has nothing to receipt")
    began_at = it.started_at or it.created_at
    return Receipt(
        number=f"R-{it.session_id}",
        session_id=it.session_id,
        operator_id=it.operator_id,
        site_name=site.name,
        address=site.address,
        charger_id=it.charger_id,
        connector=str(it.connector),
        started_at=began_at,
        stopped_at=it.stopped_at or began_at,
        meter_start_wh=it.meter_start_wh,
        meter_stop_wh=it.meter_stop_wh,
        energy_wh=it.energy_wh or 0,
        currency=it.bill.currency,
        lines=[
            ReceiptLine(
                dimension=line.dimension,
                quantity=line.quantity,
                unit_price=line.unit_price,
                tax_percent=line.tax_percent,
                amount_minor=line.amount_minor,
            )
            for line in it.bill.lines
        ],
        tax_included=it.bill.tax_included,
        net_minor=it.bill.net_minor,
        taxes=[
            ReceiptTax(percent=tax.percent, net_minor=tax.net_minor, amount_minor=tax.amount_minor)
            for tax in it.bill.taxes
        ],
        tax_minor=it.bill.tax_minor,
        total_minor=it.bill.total_minor,
        paid_minor=it.payment.amount_minor,
        amount_due_minor=it.bill.total_minor - it.payment.amount_minor,
        paid_at=it.payment.paid_at,
        card=it.hold.card if it.hold else "",
    )
