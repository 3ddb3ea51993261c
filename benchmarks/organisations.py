"""What it takes of AWS when an organisation pays: counted over the real tables; a month's invoice by its sessions."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from rich.table import Table

from benchmarks.dues import debts
from benchmarks.schedules import Run, taken_by
from benchmarks.wallets import once
from chalicelib.domain.charging.session import Hold, Session
from chalicelib.domain.money.receipt import Profile
from chalicelib.domain.pricing.rating import planned, price
from chalicelib.records.drivers import Driver
from tests import tables
from tests.services.conftest import Kit
from tests.services.money.test_organisations import DRIVER, FLEET, joined

# Of what is counted for the cost model, and of what is shown.
_FEW, _MANY = 30, 1_000
_SELLER = Profile(legal_name="CPO", address="1010 Wien", country="AT", tax_id="ATU87654321")


def measure(sessions: int = _FEW) -> dict[str, dict[str, Any]]:
    """Path -> calls of AWS, and DynamoDB's units by table; of a month's invoice, for each session on it."""
    os.environ.setdefault("AWS_DEFAULT_REGION", tables.REGION)
    month = {"month": lambda kit: _month(kit, sessions)}
    return {path: taken_by(prepare) for path, prepare in {**PATHS, **month}.items()}


def table() -> Table:
    """The same for a month of 1,000 sessions; and how long that took here, on tables in memory."""
    began = time.perf_counter()
    found = measure(_MANY)
    shown = Table(title="AWS, an organisation pays", title_justify="left")
    for column in ("what", "calls", "read units", "write units"):
        shown.add_column(column, justify="left" if column == "what" else "right")
    for path, taken in found.items():
        times = _MANY if path == "month" else 1
        units = [sum(taken.get(it, {}).values()) * times for it in ("read_units", "write_units")]
        shown.add_row(_SAID[path], *(f"{it:,.0f}" for it in (taken["calls"] * times, *units)))
    shown.caption = f"made, invoiced and counted in {time.perf_counter() - began:.0f} s on tables in memory"
    return shown


def _take(kit: Kit) -> tuple[Run, int]:
    session, driver = _begun(kit)
    return once(lambda: kit.organisation_payments.hold(session, driver, 5_000)), 1


def _settle(kit: Kit) -> tuple[Run, int]:
    session, hold = _held(kit)
    return once(lambda: kit.organisation_payments.capture(session, hold, session.payable_minor)), 1


def _refund(kit: Kit) -> tuple[Run, int]:
    session, hold = _held(kit)
    kit.organisation_payments.capture(session, hold, session.payable_minor)
    return once(lambda: kit.organisation_payments.refund(session, hold.payment_id, 100, "back")), 1


def _month(kit: Kit, sessions: int) -> tuple[Run, int]:
    """So many sessions' receipts are issued by then: they are noted in the month's run."""
    kit.paying_organisations.put(FLEET)
    kit.operator_profiles.put("op", _SELLER)
    debts(kit)
    (debt,) = kit.debts.of_driver(DRIVER)
    kit.debts.pay(DRIVER)
    for number in range(sessions):
        session = replace(kit.session(debt.session_id), session_id=f"KB{number:06}", organisation_id="fleet")
        kit.sessions.add(session)
        kit.issued_receipts.issue(session)
    kit.clock.advance(days=40)
    return kit.invoice_desk.issue_due, sessions


def _begun(kit: Kit) -> tuple[Session, Driver]:
    kit.paying_organisations.put(FLEET)
    joined(kit)
    driver = kit.drivers.get(DRIVER)
    assert driver is not None
    return replace(kit.app_session(), organisation_id="fleet"), driver


def _held(kit: Kit) -> tuple[Session, Hold]:
    session, driver = _begun(kit)
    hold = kit.organisation_payments.hold(session, driver, 5_000)
    bill = price(session.tariff, planned(session.created_at, 10_000, 3_600), session.time_zone)
    return replace(session, bill=bill), hold


PATHS: Mapping[str, Callable[[Kit], tuple[Run, int]]] = {"take": _take, "settle": _settle, "refund": _refund}
_SAID = {
    "take": "a charge set aside of a budget",
    "settle": "a charge settled",
    "refund": "a refund",
    "month": f"a month's invoice of {_MANY:,} sessions",
}
