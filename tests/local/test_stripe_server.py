"""The Stripe on this machine keeps Stripe's promises, over HTTP and in signed webhooks, and leaves no trace."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from moto import mock_aws

from local.stripe_fixes import Handler, IdempotencyKeys
from local.stripe_server import CardRefused, StripeServer, save_test_card
from tests.endpoint import Asked, Endpoint, a_closed_port, an_endpoint
from tests.local import in_loop

SECRET = "whsec_test"
PICKLE = "/tmp/localstripe.pickle"


class Merchant:
    """Somebody with a secret key, and nothing but HTTP."""

    def __init__(self, server: StripeServer) -> None:
        self.server = server

    def post(self, path: str, form: dict[str, Any] | None = None, key: str | None = None) -> requests.Response:
        headers = {"Authorization": "Bearer sk_test_merchant"} | ({"Idempotency-Key": key} if key else {})
        return requests.post(f"{self.server.url}/v1/{path}", data=form or {}, headers=headers, timeout=60)

    def made(self, path: str, form: dict[str, Any] | None = None) -> dict[str, Any]:
        answer = self.post(path, form)
        assert answer.ok, answer.text
        return dict(answer.json())

    def saved_card(self, card: str = "pm_card_visa", authenticate: bool = True) -> dict[str, Any]:
        """A setup intent that a browser has confirmed."""
        customer = self.made("customers")
        setup = self.made("setup_intents", {"customer": customer["id"], "allowed_payment_method_types[0]": "card"})
        save_test_card(self.server.url, setup["client_secret"], "pk_test_merchant", card, authenticate)
        headers = {"Authorization": "Bearer sk_test_merchant"}
        url = f"{self.server.url}/v1/setup_intents/{setup['id']}"
        return dict(requests.get(url, headers=headers, timeout=60).json())

    def held(self, amount: int = 5000) -> dict[str, Any]:
        """A payment intent with money set aside."""
        setup = self.saved_card()
        form = {
            "amount": amount,
            "currency": "eur",
            "customer": setup["customer"],
            "payment_method": setup["payment_method"],
            "allowed_payment_method_types[0]": "card",
            "capture_method": "manual",
            "confirm": "true",
            "off_session": "true",
            "description": "A charge",
        }
        return self.made("payment_intents", form)


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with an_endpoint() as endpoint:
        yield endpoint


@pytest.fixture
def server(endpoint: Endpoint) -> Iterator[StripeServer]:
    server = StripeServer(endpoint.url, SECRET)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def merchant(server: StripeServer) -> Merchant:
    return Merchant(server)


def types(asked: list[Asked]) -> list[str]:
    return [json.loads(one.body)["type"] for one in asked]


# Starting and stopping


def test_what_one_server_knew_the_next_does_not() -> None:
    first, second = StripeServer(None, SECRET), StripeServer(None, SECRET)
    first.start()
    customer = Merchant(first).made("customers")
    first.stop()
    with pytest.raises(requests.ConnectionError):
        Merchant(first).post("customers")

    second.start()
    answer = Merchant(second).post(f"customers/{customer['id']}", {"email": "a@example.com"})
    second.stop()
    second.stop()
    assert answer.status_code == 404
    assert not [thread for thread in threading.enumerate() if thread.name == "stripe"]


def test_stopping_what_does_not_run_is_harmless() -> None:
    StripeServer(None, SECRET).stop()


def test_a_taken_port_is_an_error_and_leaves_nothing_behind() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        server = StripeServer(None, SECRET)
        with pytest.raises(OSError, match="in use"):
            server.start(taken.getsockname()[1])
    assert not [thread for thread in threading.enumerate() if thread.name == "stripe"]


def test_nothing_is_written_to_disk(merchant: Merchant) -> None:
    before = os.stat(PICKLE).st_mtime_ns if os.path.exists(PICKLE) else None

    merchant.held()

    assert (os.stat(PICKLE).st_mtime_ns if os.path.exists(PICKLE) else None) == before


def test_two_servers_have_customers_and_events_of_their_own(merchant: Merchant, endpoint: Endpoint) -> None:
    other = StripeServer(None, SECRET)
    other.start()
    try:
        customer = merchant.made("customers")
        assert Merchant(other).post(f"customers/{customer['id']}", {"email": "a@example.com"}).status_code == 404
        Merchant(other).made("customers")
        assert len(merchant.server.events()) == len(other.events()) == 1
    finally:
        other.stop()


def test_it_stands_beside_a_running_loop_and_moto() -> None:
    @in_loop
    async def story() -> None:
        server = StripeServer(None, SECRET)
        server.start()
        try:
            customer = await asyncio.to_thread(Merchant(server).made, "customers")
            assert customer["object"] == "customer"
        finally:
            server.stop()

    with mock_aws():
        story()


def test_a_request_without_a_key_is_refused(server: StripeServer) -> None:
    assert requests.post(f"{server.url}/v1/customers", timeout=60).status_code == 401


# What localstripe would not do


def test_a_hold_a_capture_and_a_saved_card_are_told(merchant: Merchant) -> None:
    intent = merchant.held(5000)
    merchant.made(f"payment_intents/{intent['id']}/capture", {"amount_to_capture": 1200})

    assert (intent["status"], intent["amount_capturable"], intent["description"]) == (
        "requires_capture",
        5000,
        "A charge",
    )
    assert [event["type"] for event in merchant.server.events()] == [
        "customer.created",
        "setup_intent.succeeded",
        "payment_intent.amount_capturable_updated",
        "payment_intent.succeeded",
    ]
    (captured,) = merchant.server.events("payment_intent.succeeded")
    assert captured["data"]["object"]["amount_received"] == 1200


def test_a_cancelled_hold_is_told_and_can_be_neither_captured_nor_cancelled(merchant: Merchant) -> None:
    path = f"payment_intents/{merchant.held()['id']}"

    assert merchant.made(f"{path}/cancel")["status"] == "canceled"

    for verb in ("capture", "cancel"):
        refused = merchant.post(f"{path}/{verb}")
        assert refused.status_code == 400
        assert refused.json()["error"]["code"] == "payment_intent_unexpected_state"
    assert len(merchant.server.events("payment_intent.canceled")) == 1


# Idempotency keys


def test_a_key_makes_one_customer_and_answers_the_same_again(merchant: Merchant) -> None:
    first = merchant.post("customers", {"email": "a@example.com"}, key="k1")
    again = merchant.post("customers", {"email": "a@example.com"}, key="k1")

    assert (again.status_code, again.content, again.headers["Content-Type"]) == (
        first.status_code,
        first.content,
        first.headers["Content-Type"],
    )
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len(merchant.server.events("customer.created")) == 1


@pytest.mark.parametrize(
    ("path", "form"), [("customers", {"email": "b@example.com"}), ("products", {"email": "a@example.com"})]
)
def test_a_key_is_for_one_request_only(merchant: Merchant, path: str, form: dict[str, str]) -> None:
    merchant.post("customers", {"email": "a@example.com"}, key="k1")

    refused = merchant.post(path, form, key="k1")

    assert refused.status_code == 400
    assert refused.json()["error"]["type"] == "idempotency_error"


def test_a_decline_is_repeated_word_for_word(merchant: Merchant) -> None:
    setup = merchant.saved_card("pm_card_chargeCustomerFail")
    form = {
        "amount": 5000,
        "currency": "eur",
        "customer": setup["customer"],
        "payment_method": setup["payment_method"],
        "confirm": "true",
    }

    answers = [merchant.post("payment_intents", form, key="k1") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [402, 402]
    assert answers[0].json() == answers[1].json()
    assert len(merchant.server.events("payment_intent.payment_failed")) == 1


def test_a_request_that_could_not_be_understood_may_be_corrected(merchant: Merchant) -> None:
    assert merchant.post("customers", {"colour": "red"}, key="k1").status_code == 400
    assert merchant.post("customers", {"email": "a@example.com"}, key="k1").status_code == 200


def test_a_key_whose_request_is_under_way_is_in_use() -> None:
    @in_loop
    async def story() -> None:
        keys, started, over = IdempotencyKeys(), asyncio.Event(), asyncio.Event()

        @web.middleware
        async def once(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await keys.handle(request, handler)

        async def slow(_: web.Request) -> web.Response:
            started.set()
            await over.wait()
            return web.Response(text="done")

        app = web.Application(middlewares=[once])
        app.router.add_post("/", slow)
        async with TestClient(TestServer(app)) as client:
            headers = {"Idempotency-Key": "k1"}
            first = asyncio.ensure_future(client.post("/", headers=headers))
            await started.wait()
            meanwhile = await client.post("/", headers=headers)
            over.set()
            assert meanwhile.status == 409
            assert (await first).status == 200
            assert await (await client.post("/", headers=headers)).text() == "done"

    story()


# Webhooks


def test_a_webhook_is_signed_as_stripe_signs(merchant: Merchant, endpoint: Endpoint) -> None:
    began_s = int(time.time())
    merchant.made("customers")

    (asked,) = endpoint.until(lambda asked: len(asked) == 1)
    parts = dict(part.split("=") for part in asked.headers["stripe-signature"].split(","))
    assert began_s <= int(parts["t"]) <= time.time()
    signed = f"{parts['t']}.".encode() + asked.body
    assert parts["v1"] == hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    assert json.loads(asked.body) == merchant.server.events()[0]


@pytest.mark.parametrize("status", [500, 0], ids=["refused", "cut off"])
def test_a_webhook_that_is_not_taken_comes_again(merchant: Merchant, endpoint: Endpoint, status: int) -> None:
    endpoint.answer = lambda _: (status if len(endpoint.asked) == 1 else 204, {})

    merchant.made("customers")

    first, again = endpoint.until(lambda asked: len(asked) == 2)
    assert json.loads(first.body) == json.loads(again.body)


def test_an_endpoint_that_is_gone_disturbs_nothing() -> None:
    with a_closed_port() as port:
        server = StripeServer(f"http://127.0.0.1:{port}", SECRET)
        server.start()
        try:
            Merchant(server).made("customers")
            with pytest.raises(Exception, match="Cannot connect"):
                server.redeliver(server.events()[0]["id"])
            Merchant(server).made("customers")
        finally:
            server.stop()


@pytest.mark.parametrize("newest_first", [False, True])
def test_webhooks_can_be_kept_back_and_come_in_either_order(
    merchant: Merchant, endpoint: Endpoint, newest_first: bool
) -> None:
    merchant.server.hold_webhooks()
    intent = merchant.held()
    merchant.server.hold_webhooks()
    merchant.made(f"payment_intents/{intent['id']}/cancel")
    assert endpoint.asked == []

    merchant.server.release_webhooks(newest_first)

    order = [
        "customer.created",
        "setup_intent.succeeded",
        "payment_intent.amount_capturable_updated",
        "payment_intent.canceled",
    ]
    assert types(endpoint.asked) == (order[::-1] if newest_first else order)
    merchant.made("customers")
    endpoint.until(lambda asked: len(asked) == 5)


def test_a_webhook_can_be_delivered_again(merchant: Merchant, endpoint: Endpoint) -> None:
    merchant.made("customers")
    endpoint.until(lambda asked: len(asked) == 1)
    endpoint.answer = lambda _: (418, {})

    assert merchant.server.redeliver(merchant.server.events()[0]["id"]) == 418
    assert endpoint.asked[0].body == endpoint.asked[1].body
    with pytest.raises(LookupError):
        merchant.server.redeliver("evt_unknown")


def test_webhooks_can_come_before_the_answer(merchant: Merchant, endpoint: Endpoint) -> None:
    merchant.server.webhooks_come_first = True

    merchant.made("customers")

    assert types(endpoint.asked) == ["customer.created"]


def test_an_endpoint_may_ask_stripe_while_stripe_waits_for_it(merchant: Merchant, endpoint: Endpoint) -> None:
    intent = merchant.held()
    endpoint.until(lambda asked: len(asked) == 3)

    def cancel_another(asked: Asked) -> tuple[int, Any]:
        if json.loads(asked.body)["type"] == "customer.created":
            merchant.made(f"payment_intents/{intent['id']}/cancel")
        return 200, {}

    endpoint.answer = cancel_another
    merchant.server.webhooks_come_first = True

    merchant.made("customers")

    assert types(endpoint.asked[3:]) == ["customer.created", "payment_intent.canceled"]


# Cards


def test_a_browser_saves_a_card_with_the_publishable_key_alone(merchant: Merchant) -> None:
    setup = merchant.saved_card()

    assert setup["status"] == "succeeded"
    assert setup["payment_method"].startswith("pm_")


def test_a_3d_secure_card_is_saved_when_its_holder_confirms(merchant: Merchant) -> None:
    assert merchant.saved_card("pm_card_authenticationRequired")["status"] == "succeeded"
    with pytest.raises(CardRefused, match="confirm"):
        merchant.saved_card("pm_card_authenticationRequired", authenticate=False)
    assert len(merchant.server.events("setup_intent.succeeded")) == 1


def test_a_card_its_bank_refuses_is_not_saved(merchant: Merchant) -> None:
    with pytest.raises(CardRefused, match="declined"):
        merchant.saved_card("pm_card_chargeDeclined")


def test_a_secret_key_or_somebody_elses_setup_saves_no_card(merchant: Merchant) -> None:
    setup = merchant.made("setup_intents")
    with pytest.raises(CardRefused, match="Unauthorized"):
        save_test_card(merchant.server.url, setup["client_secret"], "no key at all")
    with pytest.raises(CardRefused, match="Unauthorized"):
        save_test_card(merchant.server.url, setup["id"] + "_secret_guessed", "pk_test_merchant")
