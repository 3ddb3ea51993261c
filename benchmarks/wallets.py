"""What each path of a prepaid wallet takes of AWS: counted over the real tables, the payment provider played."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from benchmarks.schedules import Run, taken_by
from chalicelib.domain.pricing.rating import planned, price
from tests import tables
from tests.services.conftest import Kit
from tests.services.money.test_wallets import DRIVER, EUR, Purse


def measure() -> dict[str, dict[str, Any]]:
    """Path -> calls of AWS, and DynamoDB's units by table."""
    os.environ.setdefault("AWS_DEFAULT_REGION", tables.REGION)
    return {path: taken_by(prepare) for path, prepare in PATHS.items()}


def _top_up(kit: Kit) -> tuple[Run, int]:
    """Asked for, and heard of."""
    return once(lambda: Purse(kit).top_up(6_000)), 1


def _charge(kit: Kit) -> tuple[Run, int]:
    """Set aside, raised once, and settled."""
    purse = Purse(kit)
    purse.top_up(8_000)
    session, driver = kit.app_session(), kit.drivers.get(DRIVER)
    assert driver is not None
    bill = price(session.tariff, planned(session.created_at, 10_000, 3_600), session.time_zone)

    def pay() -> None:
        hold = kit.wallet_payments.hold(session, driver, 5_000)
        assert kit.wallet_payments.raise_hold(session, hold, 6_000) is not None
        kit.wallet_payments.capture(replace(session, bill=bill), hold, bill.total_minor)

    return once(pay), 1


def _pay_out(kit: Kit) -> tuple[Run, int]:
    purse = Purse(kit)
    purse.top_up(8_000)
    return once(lambda: kit.wallet_returns.pay_out(DRIVER, EUR, None, "back")), 1


def once(work: Callable[[], object]) -> Run:
    """Done by the first run alone: the second is what it is compared with."""
    left = [work]
    return lambda: left.pop()() if left else None


PATHS: Mapping[str, Callable[[Kit], tuple[Run, int]]] = {"charge": _charge, "top_up": _top_up, "pay_out": _pay_out}
