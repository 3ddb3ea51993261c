"""Charging for free: whoever takes energy has agreed to pay for it, by what is good for it, and pays what was measured.

STRIDE: tampering (registers, limits, prices), elevation (blocked, expired and used tokens), repudiation (repeats).
"""

from __future__ import annotations

import secrets
from typing import Any

import pytest

from chalicelib import wiring
from tests.attacks.conftest import Network, Scene, problem, stamp
from tests.attacks.test_malicious_charger import say, start


def issue(net: Network, who: Any, **more: Any) -> str:
    """An RFID token that the operator has given to that driver."""
    uid = secrets.token_hex(7).upper()
    net.operator.call("PUT", f"/v1/operator/tokens/{uid}", {"driver_id": net.id_of(who), **more})
    return uid


def test_nobody_begins_without_a_card(net: Network) -> None:
    poor = net.person(card=None)
    charger_id = net.register()
    with net.charger(charger_id) as socket:
        answer = net.ask(poor, "POST", "/v1/sessions", {"charger_id": charger_id})
        assert (answer.status_code, problem(answer)) == (402, "no_card")
        assert say(socket, "Authorize", {"idTag": issue(net, poor)})[2]["idTagInfo"]["status"] == "Blocked"


@pytest.mark.parametrize(
    ("more", "status"),
    [({"blocked": True}, "Blocked"), ({"expires_at": "2020-01-01T00:00:00Z"}, "Expired")],
    ids=["blocked", "expired"],
)
def test_a_token_that_is_no_longer_good_begins_nothing_that_anybody_pays_for(
    net: Network, more: dict[str, Any], status: str
) -> None:
    uid = issue(net, net.mallory, **more)
    with net.charger() as socket:
        for spelled in (uid, uid.lower()):
            assert say(socket, "Authorize", {"idTag": spelled})[2]["idTagInfo"]["status"] == status
            assert say(socket, "StartTransaction", start(spelled))[2]["idTagInfo"]["status"] == status


def test_a_token_that_its_driver_has_blocked_is_blocked_for_whoever_found_it(net: Network) -> None:
    uid = issue(net, net.mallory)
    net.mallory.call("PUT", f"/v1/me/tokens/{uid}", {"blocked": True})
    with net.charger() as socket:
        assert say(socket, "Authorize", {"idTag": uid})[2]["idTagInfo"]["status"] == "Blocked"


def test_a_session_that_is_over_is_no_token(net: Network) -> None:
    charger_id = net.register()
    with net.charger(charger_id) as socket:
        session_id = net.begin(net.alice, charger_id, socket)
        paid = net.finish(net.alice, session_id, socket)["paid_minor"]
        before = [it["session_id"] for it in net.alice.call("GET", "/v1/sessions?limit=50")["items"]]
        assert say(socket, "Authorize", {"idTag": session_id})[2]["idTagInfo"]["status"] != "Accepted"
        again = say(socket, "StartTransaction", start(session_id, later_s=5))[2]
        assert again["idTagInfo"]["status"] != "Accepted"
        say(
            socket,
            "StopTransaction",
            {"transactionId": again["transactionId"], "meterStop": 90_000, "timestamp": stamp(9)},
        )
    assert [it["session_id"] for it in net.alice.call("GET", "/v1/sessions?limit=50")["items"]] == before
    assert net.alice.session(session_id)["paid_minor"] == paid


@pytest.mark.parametrize("meter_stop", [-1, -(10**9), 0])
def test_a_register_that_runs_backwards_pays_nobody_anything(net: Network, meter_stop: int) -> None:
    charger_id = net.register()
    with net.charger(charger_id) as socket:
        session_id = net.begin(net.alice, charger_id, socket)
        transaction_id = socket.transaction_id  # type: ignore[attr-defined]
        stop = {"transactionId": transaction_id, "meterStop": meter_stop, "timestamp": stamp()}
        say(socket, "StopTransaction", stop)
        session = net.alice.session(session_id)
    assert session["energy_wh"] >= 0
    assert session["cost"]["total_minor"] >= 0
    assert all(it.amount_minor > 0 for it in wiring.network().ledger.of_session(session_id))


def test_an_end_told_again_with_another_register_changes_no_bill(net: Network) -> None:
    charger_id = net.register()
    with net.charger(charger_id) as socket:
        session_id = net.begin(net.alice, charger_id, socket)
        done = net.finish(net.alice, session_id, socket)
        transaction_id = socket.transaction_id  # type: ignore[attr-defined]
        for meter_stop in (0, 1, 900_000):
            say(
                socket,
                "StopTransaction",
                {"transactionId": transaction_id, "meterStop": meter_stop, "timestamp": stamp()},
            )
        sample = [{"timestamp": stamp(), "sampledValue": [{"value": "900000", "unit": "Wh"}]}]
        say(socket, "MeterValues", {"connectorId": 1, "transactionId": transaction_id, "meterValue": sample})
    after = net.alice.session(session_id)
    assert [after[it] for it in ("paid_minor", "energy_wh", "state")] == [
        done[it] for it in ("paid_minor", "energy_wh", "state")
    ]


@pytest.mark.parametrize(
    "limits",
    [
        {"amount_minor": 0},
        {"amount_minor": -1},
        {"energy_wh": 0},
        {"energy_wh": 10**12},
        {"duration_s": -1},
        {"soc_percent": 101},
        {"amount_minor": "1e3"},
        {"amount_minor": 1.5},
        {"free": True},
        [],
        "none",
    ],
    ids=repr,
)
def test_a_limit_is_a_number_above_nothing(net: Network, scene: Scene, limits: object) -> None:
    body = {"charger_id": scene.charger_id, "connector": "2", "limits": limits}
    assert net.ask(net.mallory, "POST", "/v1/sessions", body).status_code == 422


def test_a_request_repeated_with_other_limits_is_another_request(net: Network) -> None:
    charger_id = net.register()
    key = {"Idempotency-Key": secrets.token_hex(8)}
    with net.charger(charger_id):
        first = net.ask(net.alice, "POST", "/v1/sessions", {"charger_id": charger_id}, key)
        other = net.ask(net.alice, "POST", "/v1/sessions", {"charger_id": charger_id, "limits": {"energy_wh": 1}}, key)
        assert (first.status_code, other.status_code) == (201, 422)
        net.alice.end(first.json()["session_id"])


def test_an_account_is_not_deleted_while_it_charges(net: Network, scene: Scene) -> None:
    answer = net.ask(net.alice, "DELETE", "/v1/me")
    assert answer.status_code in (401, 403, 409, 422)
    assert net.alice.session(scene.running)["state"] == "active"
    assert net.ask(net.alice, "GET", "/v1/me").status_code == 200


def test_anothers_reservation_keeps_its_connector_and_is_not_there(net: Network) -> None:
    charger_id = net.register()
    with net.charger(charger_id) as socket:
        wanted = {"charger_id": charger_id, "connector": "1"}
        say(socket, "StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Available"})
        made = net.ask(net.alice, "POST", "/v1/reservations", wanted)
        assert made.status_code in (200, 201), made.text
        reservation = f"/v1/reservations/{made.json()['reservation_id']}"
        for method, path, body in (
            ("GET", reservation, None),
            ("DELETE", reservation, None),
            ("POST", f"{reservation}/extend", {"minutes": 15}),
        ):
            assert net.ask(net.mallory, method, path, body).status_code in (404, 422)
        begun = net.ask(net.mallory, "POST", "/v1/sessions", wanted)
        assert begun.status_code == 409
        swiped = say(socket, "StartTransaction", start(issue(net, net.mallory)))[2]
        assert swiped["idTagInfo"]["status"] != "Accepted"
        net.ask(net.alice, "DELETE", reservation)


@pytest.mark.parametrize(
    "change",
    [
        {"price_per_kwh": "-1"},
        {"price_per_kwh": "NaN"},
        {"price_per_kwh": "Infinity"},
        {"price_per_kwh": "1e99"},
        {"price_per_kwh": "0.00001"},
        {"price_per_minute": "-0.01"},
        {"tax_percent": "-19"},
        {"tax_percent": "101"},
        {"hold_minor": -1},
        {"currency": "eur"},
        {"currency": "EURO"},
        {"currency": ""},
        {"currency": "\u20ac"},
        {"operator_id": "demo"},
        {"name": ""},
    ],
    ids=repr,
)
def test_no_tariff_pays_whoever_charges(net: Network, change: dict[str, Any]) -> None:
    tariff = {"name": "T", "currency": "EUR", "price_per_kwh": "0.30", **change}
    assert net.ask(net.rival, "PUT", "/v1/operator/tariffs/rival-odd", tariff).status_code == 422


@pytest.mark.parametrize("currency", ["XXX", "ZZZ", "BTC"])
def test_no_tariff_is_in_a_currency_that_is_none(net: Network, currency: str) -> None:
    tariff = {"name": "T", "currency": currency, "price_per_kwh": "0.30"}
    assert net.ask(net.rival, "PUT", "/v1/operator/tariffs/rival-odd", tariff).status_code == 422


@pytest.mark.parametrize(
    "query", ["energy_wh=-1", "energy_wh=1e9", "energy_wh=99999999999", "energy_wh=1&charging_s=-5", "energy_wh=%D9%A1"]
)
def test_a_quote_is_for_what_can_be_charged(net: Network, query: str) -> None:
    assert net.ask(net.mallory, "GET", f"/v1/chargers/DEMO-16/quote?{query}").status_code == 400
