"""Stripe as far as we use it: books of its own, answers remembered by idempotency key, webhooks when it pleases."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from chalicelib.records.money import PaymentNews, PaymentNewsKind

_KEYS_KEPT = timedelta(hours=24)


class Unwilling(Exception):
    """An HTTP error and its body."""

    def __init__(self, status: int, **error: Any) -> None:
        super().__init__(status)
        self.status, self.error = status, error


@dataclass
class Intent:
    """A payment."""

    id: str
    amount: int
    currency: str
    metadata: dict[str, str]
    manual: bool
    status: str = "requires_payment_method"
    received: int = 0
    given_back: int = 0

    def shown(self) -> dict[str, Any]:
        """As Stripe's API has it."""
        return {
            "id": self.id,
            "object": "payment_intent",
            "amount": self.amount,
            "currency": self.currency,
            "metadata": self.metadata,
            "status": self.status,
            "amount_received": self.received,
            "client_secret": f"{self.id}_secret",
            "customer": "cus_1",
        }


@dataclass
class Provider:
    """`tell` is called with what a webhook will say."""

    clock: Callable[[], datetime]
    tell: Callable[[PaymentNews], None]
    declines: bool = False
    can_raise: bool = False
    refuses_captures: bool = False
    intents: dict[str, Intent] = field(default_factory=dict)
    forgotten: set[str] = field(default_factory=set)
    declined: int = 0
    _answers: dict[str, tuple[datetime, str, int, str]] = field(default_factory=dict)
    _numbers: Any = field(default_factory=lambda: count(1))

    def request(self, method: str, url: str, headers: Mapping[str, str], body: str | None) -> tuple[str, int]:
        """One HTTP request."""
        path = urlsplit(url).path
        key = next((value for name, value in headers.items() if name.lower() == "idempotency-key"), None)
        if key is None or method.lower() != "post":
            return self._answer(method, path, body)
        asked = f"{path} {body}"
        known = self._answers.get(key)
        if known is not None and self.clock() - known[0] < _KEYS_KEPT:
            if known[1] != asked:
                error = {"type": "idempotency_error", "message": f"{key} was used for another request"}
                return json.dumps({"error": error}), 400
            return known[3], known[2]
        text, status = self._answer(method, path, body)
        self._answers[key] = (self.clock(), asked, status, text)
        return text, status

    def _answer(self, method: str, path: str, body: str | None) -> tuple[str, int]:
        params = dict(parse_qsl(body or ""))
        if (method.lower(), path.split("/")[2]) == ("delete", "customers"):
            self.forgotten.add(path.split("/")[3])
            return json.dumps({"id": path.split("/")[3], "object": "customer", "deleted": True}), 200
        try:
            return json.dumps(self._work(method.lower(), path.split("/")[2:], params).shown()), 200
        except Unwilling as error:
            return json.dumps({"error": error.error}), error.status

    def let_go(self) -> None:
        """Every hold there is expires, or is cancelled by its card's bank."""
        for intent in self.intents.values():
            if intent.status == "requires_capture":
                self._cancel(intent)

    def _work(self, method: str, path: list[str], params: dict[str, str]) -> Intent:
        match method, path:
            case "post", ["payment_intents"]:
                return self._create(params)
            case "get", ["payment_intents", name]:
                return self.intents[name]
            case "post", ["payment_intents", name, "capture"]:
                return self._capture(self.intents[name], int(params["amount_to_capture"]))
            case "post", ["payment_intents", name, "cancel"]:
                return self._cancel(self.intents[name])
            case "post", ["refunds"]:
                return self._give_back(self.intents[params["payment_intent"]], int(params["amount"]))
            case "post", ["payment_intents", name, "increment_authorization"]:
                return self._raise(self.intents[name], int(params["amount"]))
        raise AssertionError(f"{method} {path} is not played")

    def _create(self, params: dict[str, str]) -> Intent:
        metadata = {name[9:-1]: value for name, value in params.items() if name.startswith("metadata[")}
        manual = params["capture_method"] == "manual"
        name = f"pi_{next(self._numbers)}"
        intent = Intent(name, int(params["amount"]), params["currency"], metadata, manual)
        self.intents[name] = intent
        if self.declines:
            self.declined += 1
            self._tell("failed", intent, intent.amount)
            raise Unwilling(402, type="card_error", code="card_declined", message="Your card was declined.")
        intent.status = "requires_capture" if manual else "succeeded"
        if not manual:
            intent.received = intent.amount
        self._tell("held" if manual else "captured", intent, intent.amount)
        return intent

    def _capture(self, intent: Intent, amount: int) -> Intent:
        if intent.status != "requires_capture" or self.refuses_captures or amount > intent.amount:
            if self.refuses_captures:
                intent.status = "canceled"
            raise Unwilling(400, type="invalid_request_error", message=f"{intent.id} is {intent.status}")
        intent.status, intent.received = "succeeded", amount
        self._tell("captured", intent, amount)
        return intent

    def _cancel(self, intent: Intent) -> Intent:
        if intent.status in ("succeeded", "canceled"):
            raise Unwilling(400, type="invalid_request_error", message=f"{intent.id} is {intent.status}")
        intent.status = "canceled"
        self._tell("voided", intent, intent.amount)
        return intent

    def _give_back(self, intent: Intent, amount: int) -> Intent:
        """Nobody is told: who asks knows."""
        if intent.status != "succeeded" or amount > intent.received - intent.given_back:
            raise Unwilling(400, type="invalid_request_error", message="cannot be refunded")
        intent.given_back += amount
        return intent

    def _raise(self, intent: Intent, amount: int) -> Intent:
        if not self.can_raise or self.declines or intent.status != "requires_capture" or amount <= intent.amount:
            raise Unwilling(400, type="invalid_request_error", message="cannot be raised")
        intent.amount = amount
        self._tell("held", intent, amount)
        return intent

    def _tell(self, kind: str, intent: Intent, amount: int) -> None:
        if "session_id" not in intent.metadata:
            # What a card was asked for a reservation is no session's, and nobody listens to it.
            return
        self.tell(
            PaymentNews(
                event_id=f"evt_{next(self._numbers)}",
                kind=PaymentNewsKind(kind),
                session_id=intent.metadata["session_id"],
                payment_id=intent.id,
                amount_minor=amount,
                part=int(intent.metadata["part"]),
            )
        )
