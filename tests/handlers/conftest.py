"""The API through its front door: a running stack, an operator, a driver, and a charger that says what it is told."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Iterator

import pytest

from benchmarks.wire import Socket
from chalicelib import wiring
from local.client import Person
from local.seed import CHARGER_PASSWORD, SITE_ID, Network, open_operator, seed
from local.stack import Options, Stack
from tests.patience import until
from tests.stacks import patient_stack

_numbers = itertools.count(1)
TARIFF = {"name": "Mine", "currency": "EUR", "price_per_kwh": "0.10"}
SITE = {"name": "Mine", "address": "Here 1", "time_zone": "Europe/Berlin"}


@pytest.fixture(scope="package")
def stack() -> Iterator[Stack]:
    running = patient_stack(Options(ticks_per_second=0.001))
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="package")
def network(stack: Stack) -> Network:
    return seed(stack)


@pytest.fixture
def charger_id(network: Network) -> str:
    """A charger nobody else uses."""
    charger_id = f"API-{next(_numbers)}"
    # As fast as the tests are: what a plug cannot give is not billed.
    plugs = [{"connector": it, "max_power_w": 20_000_000} for it in ("1", "2")]
    body = {"site_id": SITE_ID, "connectors": ["1", "2"], "plugs": plugs, "password": CHARGER_PASSWORD}
    network.operator.call("PUT", f"/v1/operator/chargers/{charger_id}", body)
    return charger_id


@pytest.fixture
def socket(stack: Stack, network: Network, charger_id: str) -> Iterator[Socket]:
    """Its open socket. What its test began and did not end waits no longer for it: a driver may begin three at once."""
    opened = Socket(stack.socket_url, charger_id, CHARGER_PASSWORD, "ocpp1.6")
    opened.call("BootNotification", {"chargePointVendor": "Test", "chargePointModel": "One"})
    yield opened
    for begun in network.driver.call("GET", "/v1/sessions?state=initiated")["items"]:
        network.driver.end(begun["session_id"])
    opened.close()


@pytest.fixture(scope="package")
def rival(stack: Stack, network: Network) -> Person:
    """Another operator, with a tariff and a site of its own."""
    rival = open_operator(stack, f"rival-{secrets.token_hex(4)}@example.com", "Rival-operator-1", "rival-2")
    rival.call("PUT", "/v1/operator/tariffs/rival-tariff", TARIFF)
    rival.call("PUT", "/v1/operator/sites/rival-site-2", {**SITE, "tariff_id": "rival-tariff"})
    return rival


def until_gone(stack: Stack, driver_id: str) -> None:
    """Wait until nothing is left of who has deleted their account, as the schedule sees to it."""

    def is_gone() -> bool:
        stack.cloud.fire("accounts")
        return wiring.network().drivers.get(driver_id) is None

    until(is_gone, True)
