"""What the adapters' tests share: a session to store, a race to run, and a count of the calls made to AWS."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar

import pytest
from botocore.client import BaseClient

from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.domain.charging.session import Origin, Session
from chalicelib.domain.pricing.tariff import Tariff, simple_elements

Result = TypeVar("Result")

NOW = datetime(2026, 11, 21, 9, 30, 0, 123456, tzinfo=UTC)
TARIFF = Tariff(
    tariff_id="tariff-1",
    operator_id="op-1",
    name="Day",
    currency="EUR",
    elements=simple_elements(per_kwh=Decimal("0.49"), per_minute=Decimal("0.050"), tax_percent=Decimal(19)),
)


def a_session(**facts: Any) -> Session:
    """A session of driver-1 as it begins, but for `facts`."""
    usual: dict[str, Any] = {
        "session_id": "K2345678901234567890",
        "operator_id": "op-1",
        "site_id": "site-1",
        "charger_id": "CP-1",
        "connector": ConnectorId(1),
        "origin": Origin.APP,
        "token": "K2345678901234567890",
        "driver_id": "driver-1",
        "tariff": TARIFF,
        "created_at": NOW,
    }
    return Session(**(usual | facts))


def race(runners: int, run: Callable[[int], Result]) -> list[Result]:
    """What `run(0)`, `run(1)`, ... return when all start at the same moment in threads of their own."""
    barrier = threading.Barrier(runners)
    usual_s = sys.getswitchinterval()

    def start(number: int) -> Result:
        barrier.wait(timeout=60)
        return run(number)

    # Threads that change places at every chance meet where they would otherwise meet once in a thousand runs.
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(runners) as pool:
            return list(pool.map(start, range(runners)))
    finally:
        sys.setswitchinterval(usual_s)


@pytest.fixture
def aws_calls(tables: None, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the AWS operations called, in order; clear it to count from there."""
    calls: list[str] = []
    client_class: Any = BaseClient
    original = client_class._make_api_call

    def make_api_call(client: Any, operation_name: str, api_params: dict[str, Any]) -> Any:
        calls.append(operation_name)
        return original(client, operation_name, api_params)

    monkeypatch.setattr(client_class, "_make_api_call", make_api_call)
    return calls
