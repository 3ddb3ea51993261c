"""What is due of a driver's: a debt that is asked for again, a business's month that is invoiced, a wallet's escrow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from chalicelib.domain.chargers.events import ChargingStarted, ChargingStopped, ConnectorId, StopReason
from chalicelib.domain.money.party import Business, Invoicing
from chalicelib.domain.money.receipt import Profile
from chalicelib.domain.money.wallet import TopUp, top_up_id_for
from tests.services.conftest import CONNECTION, NOW, Kit

Run = Callable[[], object]


def debts(kit: Kit) -> tuple[Run, int]:
    """One that the card is good for by now."""
    session = kit.app_session()
    kit.lifecycle.place_hold(session.session_id, "token-hold")
    event = ChargingStarted(connector=ConnectorId(1), at=NOW, token=session.token, meter_start_wh=1000, ref="tx-1")
    kit.router.route(CONNECTION, event, lambda *_: "tx-1")
    kit.money.declines = True
    kit.clock.advance(minutes=30)
    end = ChargingStopped(ref="tx-1", at=kit.clock(), meter_stop_wh=3000, reason=StopReason.LOCAL)
    kit.router.route(CONNECTION, end, lambda *_: "tx-1")
    kit.lifecycle.settle(session.session_id, "token-payment")
    kit.lifecycle.issue_receipt(session.session_id)
    assert kit.debts.is_open(kit.session(session.session_id))
    kit.money.declines = False
    kit.clock.advance(hours=2)
    return kit.debts.ask_again, 1


def invoices(kit: Kit) -> tuple[Run, int]:
    """A business's month of eight sessions: noted with each of them, and then invoiced."""
    debts(kit)
    (debt,) = kit.debts.of_driver("driver-1")
    kit.debts.pay("driver-1")
    acme = Business(name="Acme", address="Road 1\n1010 Wien", vat_id="ATU12345678", invoicing=Invoicing.MONTHLY)
    kit.drivers.change("driver-1", lambda it: replace(it, business=acme))
    kit.operator_profiles.put("op", Profile(legal_name="CPO", address="1010 Wien", country="AT", tax_id="ATU87654321"))
    sold = []
    for number in range(8):
        session = replace(kit.session(debt.session_id), session_id=f"KB{number}")
        kit.sessions.add(session)
        sold.append((session, kit.issued_receipts.issue(replace(session, driver_id=None))))
    kit.clock.advance(days=40)

    def collect_and_issue() -> None:
        while sold:
            session, receipt = sold.pop()
            run, _ = kit.invoice_collection.month_of(session, receipt)
            kit.invoice_runs.collect("op", run, session.session_id, kit.clock())
        kit.invoice_desk.issue_due()

    return collect_and_issue, 1


def wallets(kit: Kit) -> tuple[Run, int]:
    """What is set aside for a charge that is still under way."""
    kit.settings = {**kit.settings, "KERB_WALLET_ISSUER": "issuer"}
    top_up_id = top_up_id_for("driver-1", "EUR", "before")
    top_up = TopUp(top_up_id=top_up_id, driver_id="driver-1", currency="EUR", amount_minor=6_000, at=NOW)
    kit.wallets.note(None, top_up)
    kit.driver_wallets.confirm(top_up_id, "pi_1", 6_000)
    kit.lifecycle.place_hold(kit.app_session().session_id, "token-hold")
    kit.clock.advance(hours=7)
    return kit.wallet_returns.tend, 1
