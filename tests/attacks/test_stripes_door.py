"""Stripe's door: a body counts as signed, fresh, an event, and ours; anything else is refused and writes nothing.

STRIDE: spoofing (signatures, other accounts), tampering (senseless bodies), repudiation (repeats).
"""

from __future__ import annotations

import copy
import hmac
import json
import secrets
import time
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
import requests

from tests.attacks.conftest import TIMEOUT_S, Network, Scene


def tell(net: Network, body: bytes, secret: str | None = None, at: float | None = None) -> int:
    """The status that a body is answered with, signed by whoever knows the secret."""
    signed_at = int(at or time.time())
    digest = hmac.digest((secret or net.stack.webhook_secret).encode(), b"%d.%b" % (signed_at, body), "sha256")
    signed = f"t={signed_at},v1={digest.hex()}"
    headers = {"Content-Type": "application/json", "Stripe-Signature": signed}
    url = f"{net.stack.http_url}/v1/webhooks/stripe"
    return requests.post(url, data=body, headers=headers, timeout=TIMEOUT_S).status_code


def captured(session_id: str, **changes: Any) -> dict[str, Any]:
    """An event that would say that a session is paid."""
    intent = {
        "id": f"pi_{secrets.token_hex(6)}",
        "object": "payment_intent",
        "amount": 100,
        "amount_received": 100,
        "amount_capturable": 0,
        "currency": "eur",
        "customer": "cus_1",
        "metadata": {"session_id": session_id, "part": "0"},
        "last_payment_error": None,
    }
    return {
        "id": f"evt_{secrets.token_hex(6)}",
        "object": "event",
        "type": "payment_intent.succeeded",
        "created": int(time.time()),
        "livemode": False,
        "api_version": "2026-10-28",
        "data": {"object": intent},
        **changes,
    }


def changed(event: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """The event with something else at `path`; `...`: with nothing there."""
    event = copy.deepcopy(event)
    *way, last = path.split(".")
    place: Any = event
    for name in way:
        place = place[name]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return event


@pytest.fixture
def untouched(net: Network, scene: Scene) -> Iterator[None]:
    """Nothing that is kept is any different afterwards."""
    before = _rows()
    yield
    assert _rows() == before


def _rows() -> dict[str, int]:
    client = boto3.client("dynamodb")
    tables = ("kerb-ledger", "kerb-idempotency", "kerb-debts", "kerb-receipts", "kerb-notices")
    return {name: client.scan(TableName=name, Select="COUNT")["Count"] for name in tables}


@pytest.mark.usefixtures("untouched")
def test_only_stripe_is_believed_and_only_for_five_minutes(net: Network, scene: Scene) -> None:
    body = json.dumps(captured(scene.running)).encode()
    assert tell(net, body, "whsec_anybodys") == 400
    assert tell(net, body, at=time.time() - 301) == 400
    assert tell(net, body, at=time.time() - 10**9) == 400
    url = f"{net.stack.http_url}/v1/webhooks/stripe"
    for signature in ("", "t=,v1=", "v1=00", "t=1,v0=00", "\u00e9", f"t={int(time.time())},v1="):
        headers = {"Stripe-Signature": signature.encode()}
        assert requests.post(url, data=body, headers=headers, timeout=TIMEOUT_S).status_code == 400
    assert requests.post(url, data=body, timeout=TIMEOUT_S).status_code == 400


OBJECT = "data.object"


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("id", ...), ("id", None), ("id", 7), ("id", ""), ("id", {}), ("id", "x" * 300), ("id", "a\nb"),
        ("object", "charge"), ("object", "v2.core.event"), ("object", None), ("object", []),
        ("type", ...), ("type", None), ("type", []), ("type", {"a": 1}), ("type", 1),
        ("created", ...), ("created", "now"), ("created", -1), ("created", 10**20), ("created", 1.5), ("created", True),
        ("created", None), ("created", []),
        ("livemode", "false"), ("livemode", 0), ("livemode", None),
        ("data", ...), ("data", None), ("data", []), ("data", "x"), (OBJECT, ...), (OBJECT, None), (OBJECT, []),
        (OBJECT, "pi_1"), (OBJECT, {}),
        (OBJECT + ".id", ...), (OBJECT + ".id", None), (OBJECT + ".id", 7), (OBJECT + ".id", {"x": 1}),
        (OBJECT + ".metadata", ...), (OBJECT + ".metadata", None), (OBJECT + ".metadata", []),
        (OBJECT + ".metadata", "x"), (OBJECT + ".metadata.session_id", {}), (OBJECT + ".metadata.session_id", 7),
        (OBJECT + ".metadata.session_id", "\0"), (OBJECT + ".metadata.session_id", "\ud800"),
        (OBJECT + ".metadata.part", "x"), (OBJECT + ".metadata.part", ""), (OBJECT + ".metadata.part", []),
        (OBJECT + ".amount_received", ...), (OBJECT + ".amount_received", -1), (OBJECT + ".amount_received", "100"),
        (OBJECT + ".amount_received", 1.5), (OBJECT + ".amount_received", True), (OBJECT + ".amount_received", 10**30),
        (OBJECT + ".amount_received", None), (OBJECT + ".amount_received", "abc"), (OBJECT + ".amount_received", {}),
        (OBJECT + ".currency", ...), (OBJECT + ".currency", None), (OBJECT + ".currency", "euro"),
        (OBJECT + ".currency", 978), (OBJECT + ".currency", ""), (OBJECT + ".currency", "\u20ac\u20ac\u20ac"),
        (OBJECT + ".customer", ...), (OBJECT + ".customer", {}), (OBJECT + ".customer", 5),
        (OBJECT + ".last_payment_error", "no"), (OBJECT + ".last_payment_error", {"message": {}}),
        (OBJECT + ".last_payment_error", [1]),
    ],
    ids=repr,
)  # fmt: skip
def test_a_signed_body_that_makes_no_sense_is_refused(net: Network, scene: Scene, path: str, value: Any) -> None:
    body = json.dumps(changed(captured(scene.running), path, value)).encode()
    assert tell(net, body) == 400
    assert net.alice.session(scene.running)["paid_minor"] is None


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"null",
        b"[]",
        b'"evt_1"',
        b"7",
        b"{}",
        b"not json",
        b'{"id": "evt_1",',
        b"[" * 50_000,
        b'{"a":' * 50_000,
        b'{"id":"evt_1","object":"event","type":"payment_intent.succeeded","created":NaN,"data":{"object":{}}}',
        b'{"id":"evt_1","object":"event","type":"payment_intent.succeeded","created":1e999,"data":{"object":{}}}',
        b'{"id":"evt_1","object":"event","type":"customer.created","created":1,"data":{"object":{}},"x":"'
        + b"x" * 300_000
        + b'"}',
        b'{"id":"evt_1","object":"event","type":"customer.created","created":'
        + b"9" * 5000
        + b',"data":{"object":{}}}',
        b"\xff\xfe\x00",
    ],
    ids=lambda it: repr(it[:30]),
)
def test_a_signed_body_that_is_no_event_is_refused(net: Network, body: bytes) -> None:
    assert tell(net, body) == 400


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    "kind",
    [
        "charge.dispute.funds_withdrawn",
        "charge.dispute.funds_reinstated",
        "payment_intent.amount_capturable_updated",
        "payment_intent.payment_failed",
        "payment_intent.canceled",
        "setup_intent.succeeded",
    ],
)
@pytest.mark.parametrize("subject", [{}, {"id": "x"}, {"object": "event"}, {"id": {}, "amount": []}], ids=repr)
def test_an_event_of_any_kind_about_something_else_is_refused(net: Network, kind: str, subject: dict[str, Any]) -> None:
    event = captured("K", type=kind, data={"object": subject})
    assert tell(net, json.dumps(event).encode()) == 400


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    "changes",
    [{"account": "acct_1ANOTHER"}, {"livemode": True}, {"account": "acct_1", "livemode": True}],
    ids=repr,
)
def test_an_event_of_another_account_or_mode_is_taken_and_ignored(
    net: Network, scene: Scene, changes: dict[str, Any]
) -> None:
    """Refused, it would be sent for three days; but nobody is paid by it."""
    for session_id in (scene.running, scene.paid):
        assert tell(net, json.dumps(captured(session_id, **changes)).encode()) == 204
    assert net.alice.session(scene.running)["paid_minor"] is None


@pytest.mark.usefixtures("untouched")
def test_an_event_of_another_api_version_counts_by_what_it_says(net: Network, scene: Scene) -> None:
    """Versions change what objects hold: where what is read is not there, the event is refused whatever its name."""
    older = captured(scene.running, api_version="2011-08-01")
    for path in ("amount_received", "metadata", "currency", "customer"):
        assert tell(net, json.dumps(changed(older, f"{OBJECT}.{path}", ...)).encode()) == 400


@pytest.mark.parametrize("session_id", ["KNOBODY", "", "x" * 4000, "../x", "'"], ids=lambda it: repr(it[:9]))
def test_a_payment_for_no_session_pays_for_none(net: Network, session_id: str) -> None:
    before = _rows()
    assert tell(net, json.dumps(captured(session_id)).encode()) == 204
    # That it was heard is remembered for a day, and nothing else.
    assert {**_rows(), "kerb-idempotency": 0} == {**before, "kerb-idempotency": 0}
