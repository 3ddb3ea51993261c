"""An organisation pays for its driver over real sockets: joined by a code, set aside, settled, seen by its operator."""

from __future__ import annotations

import secrets
from typing import Any

import pytest

from chalicelib import wiring
from chalicelib.domain.money.ledger import balances
from local.client import ApiError
from tests.scenarios.test_consent import charger_of, swipe
from tests.scenarios.test_door import knock
from tests.scenarios.world import PASSWORD, World, eventually

FLEET = "/v1/operator/organisations/acme"
BODY = {
    "name": "Acme Fleet",
    "currency": "EUR",
    "email": "books@acme.example",
    "business": {"name": "Acme Ltd", "address": "Road 1\n10115 Berlin", "country": "DE"},
    "budget_minor": 9_000,
}


def paid_in(fleet: str, session: dict[str, Any]) -> str:
    """Where an organisation's sessions are of that one's month: another may have begun since."""
    return f"{fleet}/sessions?month={session['created_at'][:7]}"


def test_a_charge_is_paid_by_the_organisation_and_no_card(world: World) -> None:
    operator, driver, charger = world.operator, world.new_driver(card=None), world.charger("2.0.1")
    operator.call("PUT", FLEET, BODY)
    code = operator.call("POST", f"{FLEET}/invitations", {"reference": "4711"})["code"]
    assert driver.call("POST", "/v1/me/organisations", {"code": code})["left_minor"] == 9_000
    wanted = {"charger_id": charger.setup.charger_id, "connector": "1", "pays": "organisation"}
    begun = driver.call("POST", "/v1/sessions", wanted)
    session_id = begun["session_id"]
    assert begun["paid_by_organisation"] == "acme"
    world.do(charger.plug(1))
    live = driver.until(session_id, lambda it: it["state"] == "active")
    assert live["held_minor"] == 5_000
    world.draw(charger)
    driver.until(session_id, lambda it: it["energy_wh"] == 2_000)
    driver.end(session_id)
    done = driver.until(session_id, lambda it: it["state"] in ("completed", "failed"))
    total_minor = done["cost"]["total_minor"]
    receipt = driver.receipt(session_id)
    assert (receipt["card"], receipt["paid_minor"]) == ("Acme Fleet", total_minor)
    found = balances(wiring.network().ledger.of_session(session_id))
    assert sum(found.values()) == 0
    assert sum(amount for (name, _), amount in found.items() if name.startswith("organisation/")) == total_minor > 0
    paid = operator.call("GET", paid_in(FLEET, begun))
    assert paid["used_minor"] == total_minor
    assert [(it["session_id"], it["is_settled"]) for it in paid["items"]] == [(session_id, True)]
    operator.call("PUT", FLEET, {**BODY, "budget_minor": total_minor + 1})
    with pytest.raises(ApiError) as refused:
        driver.call("POST", "/v1/sessions", wanted)
    assert refused.value.problem["type"] == "urn:kerb:problem:organisation_does_not_pay"
    assert "budget" in refused.value.problem["detail"]
    (joined,) = driver.call("GET", "/v1/me/organisations")["items"]
    driver.call("DELETE", f"/v1/me/organisations/{joined['operator_id']}")
    assert operator.call("GET", f"{FLEET}/members")["items"] == []


def test_its_own_card_charges_at_its_cost_until_its_member_leaves(world: World) -> None:
    operator, driver = world.operator, world.new_driver(card=None)
    fleet, uid = f"/v1/operator/organisations/cards-{secrets.token_hex(4)}", secrets.token_hex(7).upper()
    operator.call("PUT", fleet, BODY | {"budget_minor": 100_000})
    driver_id = driver.call("GET", "/v1/me")["driver_id"]
    issued = {"driver_id": driver_id, "organisation_id": fleet.rpartition("/")[2]}
    operator.call("PUT", f"/v1/operator/tokens/{uid}", issued)
    charger_id = charger_of(operator, "0.50")
    with knock(world, charger_id, PASSWORD, "ocpp1.6") as socket:
        # Nobody is a member who has not said yes: nor does a card make them one.
        assert swipe(socket, uid) == "Blocked"
        code = operator.call("POST", f"{fleet}/invitations", {})["code"]
        driver.call("POST", "/v1/me/organisations", {"code": code})
        assert swipe(socket, uid) == "Accepted"
        charged = paid_in(fleet, eventually(lambda: driver.call("GET", "/v1/sessions")["items"])[0])
        eventually(lambda: [it["is_settled"] for it in operator.call("GET", charged)["items"]] == [True])
        (paid,) = operator.call("GET", charged)["items"]
        assert paid["amount_minor"] == driver.call("GET", f"/v1/sessions/{paid['session_id']}")["cost"]["total_minor"]
        operator.call("DELETE", f"{fleet}/members/{driver_id}")
        assert swipe(socket, uid) == "Blocked"
    (card,) = driver.call("GET", "/v1/me/tokens")["items"]
    assert (card["refused"]["reason"], card["paid_by_organisation"]) == ("not_paid_for", issued["organisation_id"])
    assert operator.call("GET", f"{fleet}/invoices")["items"] == []
