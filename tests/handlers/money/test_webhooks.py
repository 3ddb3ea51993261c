"""An event is heard once, by one at a time, and again if it could not be heard."""

from __future__ import annotations

import json
import secrets
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests
import stripe

from chalicelib import wiring
from chalicelib.handlers.http import observability as observe
from chalicelib.records.money import PaymentNews
from local.stack import Stack


@dataclass
class Billing:
    """Hears what the webhook passes on; fails, or takes until `go_on`, when told to."""

    fails: bool = False
    heard: list[str] = field(default_factory=list)
    begun: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)

    def receive(self, news: PaymentNews) -> None:
        self.begun.set()
        if self.fails:
            raise RuntimeError("the table is away")
        assert self.go_on.wait(60)
        self.heard.append(news.event_id)


@pytest.fixture
def payment_webhooks(monkeypatch: pytest.MonkeyPatch) -> Billing:
    payment_webhooks = Billing()
    payment_webhooks.go_on.set()
    monkeypatch.setattr(wiring.network(), "payment_webhooks", payment_webhooks)
    return payment_webhooks


@pytest.fixture
def event_id() -> str:
    return f"evt_{secrets.token_hex(6)}"


def tell(stack: Stack, event_id: str) -> requests.Response:
    """Deliver that event as Stripe would."""
    event: dict[str, Any] = {
        "id": event_id,
        "object": "event",
        "type": "customer.created",
        "created": 1,
        "data": {"object": {}},
    }
    body = json.dumps(event)
    signature = stripe.WebhookSignature.generate_signature_header(body, stack.webhook_secret, int(time.time()))
    headers = {"Content-Type": "application/json; charset=utf-8", "Stripe-Signature": str(signature)}
    return requests.post(f"{stack.http_url}/v1/webhooks/stripe", data=body, headers=headers, timeout=60)


def test_an_event_delivered_twice_is_heard_once(stack: Stack, payment_webhooks: Billing, event_id: str) -> None:
    assert [tell(stack, event_id).status_code for _ in range(2)] == [204, 204]
    assert payment_webhooks.heard == [event_id]


def test_an_event_that_could_not_be_heard_is_heard_when_it_comes_again(
    stack: Stack, payment_webhooks: Billing, event_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(observe.logger, "exception", lambda *_: None)
    payment_webhooks.fails = True
    assert tell(stack, event_id).status_code == 500
    payment_webhooks.fails = False
    assert tell(stack, event_id).status_code == 204
    assert payment_webhooks.heard == [event_id]


def test_an_event_being_worked_on_is_to_be_sent_again(
    stack: Stack, payment_webhooks: Billing, event_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(observe.logger, "exception", lambda *_: None)
    payment_webhooks.go_on.clear()
    with ThreadPoolExecutor(1) as delivery:
        first = delivery.submit(tell, stack, event_id)
        assert payment_webhooks.begun.wait(60)
        second = tell(stack, event_id)
        payment_webhooks.go_on.set()
        assert first.result(60).status_code == 204
    assert second.status_code == 503
    assert int(second.headers["Retry-After"]) > 0
    assert payment_webhooks.heard == [event_id]
