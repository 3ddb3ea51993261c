"""Making another pay: money is taken from whoever agreed to it, and nobody else can agree in their place.

STRIDE: spoofing (tokens, claims), elevation (an operator's word for a driver's).
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Any

from chalicelib.domain.pricing.caps import charge_cap_minor
from local.client import Person
from local.seed import CHARGER_PASSWORD
from tests.attacks.conftest import Network, Scene, stamp
from tests.attacks.test_malicious_charger import say, start

# As much as the strongest plug on the market gives in an hour: far more than may be taken for it.
TOLD_WH = 300_000


def most_of_a_charge() -> int:
    """The most that a charge may take unasked, by today's rates."""
    return charge_cap_minor("EUR", datetime.now(UTC).date())


def uid() -> str:
    return secrets.token_hex(7).upper()


def own(net: Network, token: str) -> int:
    """Alice claims a token as hers, the way the API has for it."""
    return net.ask(net.alice, "PUT", f"/v1/me/tokens/{token}", {"blocked": False}).status_code


def test_a_drivers_token_is_taken_by_nobody_else(net: Network) -> None:
    token = uid()
    net.operator.call("PUT", f"/v1/operator/tokens/{token}", {"driver_id": net.id_of(net.alice)})
    assert net.ask(net.mallory, "PUT", f"/v1/me/tokens/{token}", {"blocked": True}).status_code == 409
    assert net.ask(net.mallory, "DELETE", f"/v1/me/tokens/{token}").status_code == 404
    body = {"driver_id": net.id_of(net.mallory)}
    assert net.ask(net.rival, "PUT", f"/v1/operator/tokens/{token}", body).status_code == 409
    mine = {it["uid"] for it in net.mallory.call("GET", "/v1/me/tokens")["items"]}
    assert token not in mine


def test_a_drivers_token_is_taken_in_no_other_spelling(net: Network) -> None:
    token = "ABCDEF" + uid()[:8]
    net.operator.call("PUT", f"/v1/operator/tokens/{token}", {"driver_id": net.id_of(net.alice)})
    assert net.ask(net.mallory, "PUT", f"/v1/me/tokens/{token.lower()}", {"blocked": False}).status_code == 409


def test_an_operator_gives_no_stranger_a_token_that_they_pay_for(net: Network) -> None:
    token, stranger = uid(), net.person()
    net.ask(net.rival, "PUT", f"/v1/operator/tokens/{token}", {"driver_id": net.id_of(stranger)})
    charger_id = f"RIV-{uid()[:6]}"
    body = {"site_id": "rival-site", "connectors": ["1"], "password": "charge-me-if-you-can"}
    net.rival.call("PUT", f"/v1/operator/chargers/{charger_id}", body)
    with net.charger(charger_id) as socket:
        assert say(socket, "Authorize", {"idTag": token})[2]["idTagInfo"]["status"] != "Accepted"


def test_a_number_that_mallory_claimed_first_is_the_operators_to_issue(net: Network) -> None:
    token = uid()
    net.ask(net.mallory, "PUT", f"/v1/me/tokens/{token}", {"blocked": False})
    issued = net.ask(net.operator, "PUT", f"/v1/operator/tokens/{token}", {"driver_id": net.id_of(net.alice)})
    assert issued.status_code in (200, 201, 202, 204)


def test_a_swipe_at_another_operators_charger_takes_nothing_unasked(net: Network) -> None:
    dear = {"name": "D", "currency": "EUR", "price_per_kwh": "90000"}
    if net.ask(net.rival, "PUT", "/v1/operator/tariffs/rival-dear", dear).status_code == 422:
        # Such a price is none; nobody pays it by a swipe, nor by any other way.
        return
    site = {"name": "T", "address": "T 1", "time_zone": "UTC", "tariff_id": "rival-dear"}
    net.rival.call("PUT", "/v1/operator/sites/rival-dear", site)
    charger_id = f"RIV-{uid()[:6]}"
    body = {"site_id": "rival-dear", "connectors": ["1"], "password": "charge-me-if-you-can"}
    net.rival.call("PUT", f"/v1/operator/chargers/{charger_id}", body)
    token = uid()
    own(net, token)
    with net.charger(charger_id) as socket:
        assert say(socket, "Authorize", {"idTag": token})[2]["idTagInfo"]["status"] != "Accepted"


def test_an_operators_token_is_unknown_at_anothers_charger(net: Network) -> None:
    token = uid()
    net.rival.call("PUT", f"/v1/operator/tokens/{token}", {"driver_id": net.id_of(net.rival)})
    with net.charger() as socket:
        assert say(socket, "Authorize", {"idTag": token})[2]["idTagInfo"]["status"] == "Invalid"


def test_an_apps_session_began_no_sooner_than_it_was_asked_for(net: Network) -> None:
    charger_id = net.register()
    with net.charger(charger_id) as socket:
        session_id = str(net.alice.begin(charger_id)["session_id"])
        socket.await_command()
        long_ago = start(socket.command["idTag"], later_s=-80 * 86_400)
        begun = say(socket, "StartTransaction", long_ago)[2]["transactionId"]
        say(socket, "StopTransaction", {"transactionId": begun, "meterStop": 10, "timestamp": stamp()})
        session = net.alice.until(session_id, lambda it: it["started_at"] is not None, 30)
    assert session["started_at"] > session["created_at"][:10]


def test_nobody_pays_anothers_balance_by_their_card(net: Network) -> None:
    before = net.alice.call("GET", "/v1/me/balance")
    answer = net.ask(net.mallory, "POST", f"/v1/me/balance/pay?driver_id={net.id_of(net.alice)}", {})
    assert answer.status_code in (200, 400)
    assert net.ask(net.mallory, "POST", "/v1/me/balance/pay", {"driver_id": "x"}).status_code == 422
    assert net.alice.call("GET", "/v1/me/balance") == before


def test_whoever_ends_a_charge_by_a_token_is_told_that_tokens_worth(net: Network, scene: Scene) -> None:
    """Showing an unknown token to end somebody's charge makes it no good token (OCPP 1.6 §3.5.1)."""
    charger_id = net.register()
    with net.charger(charger_id) as socket:
        session_id = net.begin(net.alice, charger_id, socket)
        transaction_id = socket.transaction_id  # type: ignore[attr-defined]
        stop = {"transactionId": transaction_id, "meterStop": 5, "timestamp": stamp(), "idTag": "STRANGER"}
        told = say(socket, "StopTransaction", stop)[2]
        assert told.get("idTagInfo", {"status": "Invalid"})["status"] != "Accepted"
        done = net.alice.until(session_id, lambda it: it["state"] in ("completed", "failed"), 30)
    assert done["energy_wh"] == 5


def test_two_cars_at_one_connector_are_two_bills(net: Network) -> None:
    """A second start at a connector ends the first: nobody goes on paying for the car that came after theirs."""
    charger_id = net.register()
    token = uid()
    net.operator.call("PUT", f"/v1/operator/tokens/{token}", {"driver_id": net.id_of(net.mallory)})
    with net.charger(charger_id) as socket:
        session_id = net.begin(net.alice, charger_id, socket)
        second = {**start(token, later_s=2), "meterStart": 100}
        begun = say(socket, "StartTransaction", second)[2]
        stop = {"transactionId": begun["transactionId"], "meterStop": 50_000, "timestamp": stamp(4)}
        say(socket, "StopTransaction", stop)
        mine = net.alice.session(session_id)
    assert mine["energy_wh"] <= 100


def dearest_charger(net: Network, operator: Person, name: str, price: str) -> str:
    """A charger of that operator's at that price, its hold as high as a hold may be, at the strongest plug."""
    hold = {"hold_minor": most_of_a_charge(), "cap_minor": most_of_a_charge()}
    tariff = {"name": "D", "currency": "EUR", "price_per_kwh": price, **hold}
    operator.call("PUT", f"/v1/operator/tariffs/{name}", tariff)
    site = {"name": "T", "address": "T 1", "time_zone": "UTC", "tariff_id": name}
    operator.call("PUT", f"/v1/operator/sites/{name}", site)
    plugs = [{"connector": "1", "max_power_w": 500_000}]
    body = {"site_id": name, "connectors": ["1"], "plugs": plugs, "password": CHARGER_PASSWORD}
    operator.call("PUT", f"/v1/operator/chargers/{name}", body)
    return name


def swiped(net: Network, charger_id: str, token: str, victim: Person) -> dict[str, Any] | None:
    """The victim's session after a charge under that token, as dear as its charger can make it; None where it is no."""
    with net.charger(charger_id) as socket:
        # Whether it is let in or not, its charger goes on.
        begun = say(socket, "StartTransaction", start(token, later_s=-3_500))[2]
        stop = {"transactionId": begun["transactionId"], "meterStop": TOLD_WH, "timestamp": stamp()}
        say(socket, "StopTransaction", stop)
    if begun["idTagInfo"]["status"] != "Accepted":
        return None
    (session,) = (it for it in victim.call("GET", "/v1/sessions")["items"] if it["charger_id"] == charger_id)
    return victim.until(session["session_id"], lambda it: it["state"] in ("completed", "failed"), 30)


def proven(net: Network, victim: Person) -> str:
    """A token of the victim's own, shown at home."""
    token = uid()
    assert net.ask(victim, "PUT", f"/v1/me/tokens/{token}", {}).status_code == 204
    with net.charger() as socket:
        assert say(socket, "Authorize", {"idTag": token})[2]["idTagInfo"]["status"] == "Accepted"
    return token


def takes_no_more_than_the_cap(session: dict[str, Any], victim: Person) -> None:
    """The cap is taken and not a cent more; the rest waits for its driver, and nothing else begins until then."""
    most = most_of_a_charge()
    assert session["paid_minor"] == most
    (debt,) = victim.call("GET", "/v1/me/balance")["debts"]
    assert (debt["amount_minor"], debt["needs_confirmation"]) == (session["cost"]["total_minor"] - most, True)


def test_a_swipe_at_the_dearest_price_abroad_takes_the_cap_of_one_charge_and_begins_no_other(net: Network) -> None:
    victim = net.person()
    token = proven(net, victim)
    charger_id = dearest_charger(net, net.rival, f"dear-{uid()[:6]}", "2.00")
    session = swiped(net, charger_id, token, victim)
    assert session is not None
    takes_no_more_than_the_cap(session, victim)
    again = dearest_charger(net, net.rival, f"dear-{uid()[:6]}", "2.00")
    assert swiped(net, again, token, victim) is None


def test_a_swipe_above_the_dearest_price_abroad_takes_nothing(net: Network) -> None:
    victim = net.person()
    token = proven(net, victim)
    assert swiped(net, dearest_charger(net, net.rival, f"dear-{uid()[:6]}", "2.01"), token, victim) is None
    assert victim.call("GET", "/v1/me/balance")["debts"] == []


def test_a_token_that_the_home_operator_gives_unasked_takes_the_cap_of_one_charge_and_is_told_of(net: Network) -> None:
    victim, token = net.person(), uid()
    net.operator.call("PUT", f"/v1/operator/tokens/{token}", {"driver_id": net.id_of(victim)})
    told = [it for it in victim.call("GET", "/v1/me/notices")["items"] if it["kind"] == "token_issued"]
    assert [it["token"]["uid"] for it in told] == [token]
    session = swiped(net, dearest_charger(net, net.operator, f"home-{uid()[:6]}", "10.00"), token, victim)
    assert session is not None
    takes_no_more_than_the_cap(session, victim)


def test_a_token_that_was_refused_takes_nothing_however_often_it_is_given(net: Network) -> None:
    victim, token = net.person(), uid()
    body = {"driver_id": net.id_of(victim)}
    net.operator.call("PUT", f"/v1/operator/tokens/{token}", body)
    victim.call("PUT", f"/v1/me/tokens/{token}", {"blocked": True})
    net.operator.call("PUT", f"/v1/operator/tokens/{token}", body)
    assert swiped(net, dearest_charger(net, net.operator, f"home-{uid()[:6]}", "10.00"), token, victim) is None
