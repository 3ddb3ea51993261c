"""A car fetches its contract at a charger, is plugged in, and charges: nobody shows a card, and its driver pays."""

from __future__ import annotations

import itertools
import secrets

import pytest

from local.client import ApiError
from local.contract_pool import PoolFault
from local.simulator.charger import Charger
from local.simulator.contracts import ContractCar, install, plug_and_charge
from tests.scenarios.world import World, eventually

_numbers = itertools.count(1)


def a_car(world: World) -> ContractCar:
    """A car for which its mobility operator has left a contract."""
    number = next(_numbers)
    car = ContractCar(f"WMI{number:014}")
    world.stack.contract_pool.contracts[car.pcid] = [f"DE8AAC{secrets.token_hex(4).upper()}"]
    return car


def claim(world: World, car: ContractCar, charger: Charger) -> None:
    world.driver.call("PUT", f"/v1/me/tokens/emaid-{car.emaid}", {"charger_id": charger.charger_id})


def consent(world: World, car: ContractCar) -> str:
    (found,) = world.driver.call("GET", "/v1/me/tokens")["items"]
    assert found["uid"] == f"EMAID-{car.emaid}"
    return str(found["consent"])


@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
def test_a_car_installs_its_contract_charges_by_it_and_its_driver_pays(world: World, version: str) -> None:
    charger, car = world.charger(version), a_car(world)
    assert world.do(install(charger, car))
    assert world.do(install(charger, car, "Update"))
    claim(world, car, charger)
    assert consent(world, car) == "claimed"
    assert world.do(plug_and_charge(charger, car))
    assert consent(world, car) == "given"
    world.draw(charger)
    eventually(lambda: world.newest_session() is not None)
    world.do(charger.unplug())
    eventually(lambda: (world.newest_session() or {})["state"] == "completed")
    session = world.newest_session()
    assert session is not None
    assert session["energy_wh"] == 2_000
    assert world.books_are_settled(session["session_id"])
    assert world.stack.contract_pool.invalid == []


def test_of_two_contracts_a_car_has_the_one_that_it_puts_first(world: World) -> None:
    charger, car = world.charger("2.1"), a_car(world)
    emaids = world.stack.contract_pool.contracts[car.pcid]
    emaids.append(f"DE8AAC{secrets.token_hex(4).upper()}")
    assert world.do(install(charger, car, maximumContractCertificateChains=4, prioritizedEMAIDs=[emaids[1]]))
    assert (car.emaid, car.last["remainingContracts"]) == (emaids[1], 1)


def test_a_contract_without_a_driver_here_does_not_charge(world: World) -> None:
    charger, car = world.charger("2.0.1"), a_car(world)
    assert world.do(install(charger, car))
    assert not world.do(plug_and_charge(charger, car))
    assert car.last == {"idTokenInfo": {"status": "Unknown"}, "certificateStatus": "ContractCancelled"}


def test_a_revoked_contract_charges_no_more_whoever_has_looked_at_it(world: World) -> None:
    charger, car, pool = world.charger("2.1"), a_car(world), world.stack.contract_pool
    assert world.do(install(charger, car))
    claim(world, car, charger)
    contract = pool.issued[car.emaid]
    pool.authority.revoked.add(contract.certificate.serial_number)
    for ids in (None, pool.authority.ids(contract)):
        assert not world.do(plug_and_charge(charger, car, ids=ids))
        assert car.last == {"idTokenInfo": {"status": "Invalid"}, "certificateStatus": "CertificateRevoked"}
        world.do(charger.unplug())
    assert consent(world, car) == "claimed"


def test_where_the_pool_is_down_the_charger_is_told_and_a_card_charges(world: World) -> None:
    charger, car, pool = world.charger("2.0.1"), a_car(world), world.stack.contract_pool
    pool.fault = PoolFault.DOWN
    try:
        assert not world.do(install(charger, car))
    finally:
        pool.fault = None
    assert car.last["statusInfo"] == {"reasonCode": "provider: HTTP 503"}
    assert world.do(charger.swipe(world.issue_card()))
    world.do(charger.plug())
    world.draw(charger)
    world.do(charger.unplug())
    eventually(lambda: (world.newest_session() or {}).get("state") == "completed")


def test_a_contract_is_claimed_at_a_charger_or_not_at_all(world: World) -> None:
    with pytest.raises(ApiError, match="charger_needed"):
        world.driver.call("PUT", "/v1/me/tokens/emaid-DE-8AA-C12345678-X", {})
    with pytest.raises(ApiError, match="not_an_emaid"):
        world.driver.call("PUT", "/v1/me/tokens/emaid-12345", {"charger_id": "CP-1"})


@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
def test_an_operator_gives_a_charger_the_roots_that_contracts_are_under(world: World, version: str) -> None:
    charger, root = world.charger(version), world.stack.contract_pool.authority.root
    path = f"/v1/operator/chargers/{charger.charger_id}/commands"
    for use, kind in (("plug_and_charge", "V2GRootCertificate"), ("mobility_operator", "MORootCertificate")):
        asked = {"command": "list_certificates", "use": use}
        assert world.operator.call("POST", path, asked)["state"] == "rejected"
        order = {"command": "install_certificate", "use": use, "certificate": root.pem}
        assert world.operator.call("POST", path, order)["state"] == "accepted"
        assert [it for it, _ in charger.memory.certificates.named(None)] == [kind]
        assert world.operator.call("POST", path, asked)["state"] == "accepted"
