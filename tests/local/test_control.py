"""Through the control door a story is tried on a running stack: its clock and its Stripe do as they are told."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from benchmarks.wire import Socket
from local.client import Person
from local.control import Control
from local.seed import CHARGER_PASSWORD, CHARGERS, Network, seed
from local.stack import Options, Stack
from tests.endpoint import Endpoint, an_endpoint
from tests.local.test_stripe_server import Merchant, types
from tests.patience import eventually
from tests.stacks import patient_stack

BOOT = {"chargePointVendor": "Test", "chargePointModel": "One"}


def environment() -> dict[str, str]:
    return {name: it for name, it in os.environ.items() if not name.startswith("PYTEST")}


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    before = environment()
    running = patient_stack(Options(ticks_per_second=0.001))
    running.start()
    yield running
    running.stop()
    # Nothing of it is left to whatever runs here next.
    assert environment() == before


@pytest.fixture(scope="module")
def network(stack: Stack) -> Network:
    return seed(stack)


@pytest.fixture
def control(stack: Stack, network: Network) -> Iterator[Control]:
    control = Control(stack)
    control.open(network)
    yield control
    control.close()


@pytest.fixture
def merchant(stack: Stack) -> Merchant:
    """Somebody else at the same Stripe."""
    return Merchant(stack.stripe)


@pytest.fixture
def heard(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    """What Stripe's webhooks bring, in the app's place."""
    # What is to come again goes where it went before.
    eventually(lambda: not stack.stripe._webhooks.under_way)
    with an_endpoint() as endpoint:
        monkeypatch.setattr(stack.stripe._webhooks, "_url", endpoint.url)
        yield endpoint


def ask(control: Control, path: str, **query: Any) -> dict[str, Any]:
    answer = requests.get(control.url + path, params=query, timeout=60)
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.ok, answer.text
    return dict(answer.json())


def test_it_says_where_stripe_is_and_who_can_log_in(control: Control, stack: Stack, network: Network) -> None:
    told = ask(control, "/info")
    assert told == {
        "stripe": stack.stripe.url,
        "secret": stack.webhook_secret,
        "op": [network.operator.email, network.operator.password],
        "driver": [network.driver.email, network.driver.password],
    }
    for email, password in (told["op"], told["driver"]):
        Person(stack.http_url, email, password).log_in()


def test_it_is_open_to_this_machine_alone(control: Control) -> None:
    assert control._server.server_address[0] == "127.0.0.1"


def test_a_port_that_is_taken_is_noticed_before_anything_starts(control: Control, stack: Stack) -> None:
    with pytest.raises(OSError, match="in use"):
        Control(stack, control._server.server_port)


def test_the_clock_of_the_whole_app_runs_ahead_and_comes_back(control: Control, stack: Stack) -> None:
    def told_by_a_charger() -> datetime:
        socket = Socket(stack.socket_url, CHARGERS[0], CHARGER_PASSWORD, "ocpp1.6")
        answer = socket.call("BootNotification", BOOT)
        socket.close()
        return datetime.fromisoformat(str(answer["currentTime"]))

    assert ask(control, "/offset", s=86_400) == {"s": 86_400}
    try:
        ahead = datetime.now(UTC) + timedelta(days=1)
        assert told_by_a_charger() > ahead - timedelta(seconds=1)
    finally:
        assert ask(control, "/offset", s=0) == {"s": 0}
    assert told_by_a_charger() < ahead - timedelta(hours=1)


def test_webhooks_wait_and_come_newest_first(control: Control, merchant: Merchant, heard: Endpoint) -> None:
    ask(control, "/hold")
    intent = merchant.held()
    merchant.made(f"payment_intents/{intent['id']}/cancel")
    assert heard.asked == []
    ask(control, "/release", newest=1)
    assert types(heard.asked)[:2] == ["payment_intent.canceled", "payment_intent.amount_capturable_updated"]


def test_an_event_is_found_and_delivered_again(control: Control, merchant: Merchant, heard: Endpoint) -> None:
    made = merchant.made("customers")
    created = ask(control, "/events", type="customer.created")["events"]
    (event,) = (it for it in created if it["data"]["object"]["id"] == made["id"])
    heard.until(lambda asked: len(asked) == 1)
    heard.answer = lambda _: (418, {})
    assert ask(control, "/redeliver", id=event["id"]) == {"status": 418}
    assert {it["type"] for it in ask(control, "/events")["events"]} > {"customer.created"}


def test_webhooks_come_before_the_answer_until_told_otherwise(
    control: Control, merchant: Merchant, heard: Endpoint
) -> None:
    assert ask(control, "/first", on=1) == {"first": True}
    try:
        merchant.made("customers")
        assert types(heard.asked) == ["customer.created"]
    finally:
        assert ask(control, "/first", on=0) == {"first": False}


@pytest.mark.usefixtures("heard")
def test_amounts_below_stripes_least_are_refused_while_it_is_asked_to(control: Control, merchant: Merchant) -> None:
    held = merchant.held(50)
    capture = f"payment_intents/{held['id']}/capture"
    assert ask(control, "/min", on=1) == {"min": True}
    try:
        form = {"amount": 49, "currency": "eur"}
        refused = merchant.post("payment_intents", form)
        assert (refused.status_code, refused.json()["error"]["code"]) == (400, "amount_too_small")
        assert refused.json()["error"]["type"] == "invalid_request_error"
        assert merchant.post("payment_intents", {**form, "currency": "gbp"}).ok
        assert merchant.post(capture, {"amount_to_capture": 49}).json()["error"]["code"] == "amount_too_small"
    finally:
        assert ask(control, "/min", on=0) == {"min": False}
    assert merchant.post("payment_intents", form).ok
    assert merchant.post(capture, {"amount_to_capture": 49}).ok


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ("/", 404),
        ("/coffee", 404),
        ("/redeliver?id=evt_unknown", 404),
        ("/redeliver", 400),
        ("/offset", 400),
        ("/offset?s=soon", 400),
        ("/first", 400),
        ("/min?on=perhaps", 400),
    ],
)
def test_what_it_cannot_do_it_says(control: Control, asked: str, status: int) -> None:
    answer = requests.get(control.url + asked, timeout=60)
    assert answer.status_code == status
    assert answer.json()["error"]
