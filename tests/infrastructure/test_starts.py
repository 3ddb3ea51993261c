"""A Lambda function loads what its events need: what stands in sys.modules is what a cold start has paid for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import app as switchboard

ROOT = Path(__file__).parents[2]
# What only the API, a search, a login or a payment needs; and an AWS client that the tables do not share.
HEAVY = {"stripe", "pydantic", "jwt", "cryptography", "h3", "boto3", "chalicelib.handlers.http.endpoint"}
SETTINGS = {
    "AWS_DEFAULT_REGION": "us-east-1",
    "KERB_SOCKET_ENDPOINT": "https://example.com",
    "KERB_STATE_MACHINE_ARN": "arn:aws:states:us-east-1:123456789012:stateMachine:kerb",
}
LOAD = """
import importlib, json, os, sys
module, _, name = os.environ["_HANDLER"].rpartition(".")
assert callable(getattr(importlib.import_module(module), name))
"""
TELL = "\nprint(json.dumps(sorted(sys.modules)))"


def loaded(handler: str, code: str = "") -> set[str]:
    """The modules in a new process of the function `handler` when it has also run `code`."""
    done = subprocess.run(
        [sys.executable, "-c", LOAD + code + TELL],
        cwd=ROOT,
        env=os.environ | SETTINGS | {"_HANDLER": handler},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.returncode, done.stderr
    return set(json.loads(done.stdout))


@pytest.mark.parametrize("handler", switchboard.SOCKET_FUNCTIONS)
def test_a_socket_loads_nothing_of_the_api_or_of_payments(handler: str) -> None:
    ready = "from chalicelib import wiring; wiring.network().connections; wiring.network().conversation"
    assert not HEAVY & loaded(handler, ready)


@pytest.mark.parametrize("handler", switchboard.SOCKET_FUNCTIONS)
def test_a_socket_loads_no_service_of_sessions_money_or_operators_that_a_frame_has_no_use_for(handler: str) -> None:
    """A class of data costs a start as much as twenty functions do, and each service is one."""
    ready = "from chalicelib import wiring; wiring.network().connections"
    found = {it for it in loaded(handler, ready) if it.startswith("chalicelib.services.")}
    of_others = ("sessions.", "operators.", "access.audit", "access.members", "money.reconciliation", "money.refunds")
    assert not [it for it in found if it.removeprefix("chalicelib.services.").startswith(of_others)]
    if handler != "app.on_message":
        assert not [it for it in found if "services.charging." in it or "services.money." in it]


def test_an_opened_socket_loads_nothing_of_sessions_prices_drivers_or_power() -> None:
    ready = "from chalicelib import wiring; wiring.network().connections"
    found = loaded("app.on_connect", ready)
    of_others = [
        f"chalicelib.domain.{it}" for it in ("charging.", "money.", "access.", "pricing.tariff", "pricing.bill")
    ]
    of_others += [
        f"chalicelib.adapters.{it}." for it in ("charging", "money", "drivers", "notifications", "grid", "access")
    ]
    of_others += ["chalicelib.services.drivers.", "chalicelib.services.grid.", "chalicelib.records.grid"]
    assert not [it for it in found if it.startswith(tuple(of_others))]


def test_a_charger_that_talks_loads_nothing_of_invoices_wallets_organisations_or_what_operators_are_told() -> None:
    """What is only named in a signature is loaded by nobody: a start pays for each class of data."""
    found = loaded("app.on_message", "from chalicelib import wiring; wiring.network().router")
    of_others = ("money.invoice", "money.wallet", "money.organisation", "access.audit", "access.api_keys")
    assert not {f"chalicelib.domain.{it}" for it in of_others} & found
    assert not {"chalicelib.records.money", "chalicelib.records.operators", "chalicelib.records.transparency"} & found


def test_what_hears_a_charger_loads_nothing_of_power() -> None:
    found = loaded("app.on_connect", "import chalicelib.services.ocpp.conversation")
    assert "chalicelib.services.grid.charger_news" in found
    assert not [it for it in found if it.startswith(("chalicelib.domain.grid.", "chalicelib.records.grid"))]


def test_a_charger_that_talks_finds_all_built_that_hears_it() -> None:
    """Lambda gives a starting process more of a processor than one that answers."""
    built = "from chalicelib import wiring; assert 'conversation' in vars(wiring.network())"
    assert "chalicelib.services.ocpp.conversation" in loaded("app.on_message", built)
    assert "chalicelib.services.ocpp.conversation" not in loaded("app.on_connect")


@pytest.mark.parametrize("handler", ["app.app", *switchboard.SOCKET_FUNCTIONS])
def test_nobody_looks_for_garbage_in_what_a_start_has_loaded(handler: str) -> None:
    loaded(handler, "import gc; assert gc.isenabled(); assert gc.get_freeze_count() > 10_000")


def test_a_charger_loads_only_the_version_it_speaks() -> None:
    speak = "from chalicelib.protocol.ocpp import dialect_for; dialect_for('ocpp1.6').asks()"
    found = loaded("app.on_message", speak)
    assert "chalicelib.protocol.ocpp.ocpp16" in found
    assert not [name for name in found if name.startswith(("chalicelib.protocol.ocpp.ocpp2", "ocpp.v"))]


def test_a_step_that_takes_no_money_loads_no_payment_provider() -> None:
    ready = "from chalicelib import wiring; wiring.network().lifecycle"
    assert not HEAVY & loaded("chalicelib.handlers.sessions.workflow.await_end", ready)


def test_a_schedule_loads_nothing_of_the_api() -> None:
    ready = "from chalicelib import wiring; wiring.network().unclaimed; wiring.network().local_lists"
    assert not HEAVY & loaded("chalicelib.handlers.schedules.claim", ready)


def test_a_start_makes_the_client_of_the_tables_and_no_other() -> None:
    made = """
from chalicelib import wiring
from chalicelib.adapters.tables import connection
assert connection._client is not None
assert wiring.network().link.client._make.cache_info().currsize == 0
wiring.network().link.client.exceptions
assert wiring.network().link.client._make.cache_info().currsize == 1
"""
    assert "boto3" not in loaded("app.on_message", made)


def test_the_api_has_its_routes_as_lambda_starts_it() -> None:
    count = f"import app; assert len(app.app.routes) == {len(switchboard.app.routes)}"
    assert "pydantic" in loaded("app.app", count)


def test_lambda_calls_the_sockets_by_the_names_that_the_switchboard_knows(dev: dict[str, Any]) -> None:
    handlers = {it["Properties"].get("Handler", "") for it in dev["Resources"].values()}
    assert {it for it in handlers if it.startswith("app.")} == {*switchboard.SOCKET_FUNCTIONS, "app.app"}
