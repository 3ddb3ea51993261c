"""Nobody has a contract by writing its number down: its certificate proves it, at the charger that was named."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.chargers.commands import AuthorizationStatus
from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.records.chargers import Charger, Connection
from chalicelib.records.drivers import Consent, Driver, Token
from chalicelib.services.access import Refusal
from chalicelib.services.drivers.token_rules import TokenRules
from tests.services.conftest import NOW, Kit

EMAID = "DE8AACA2B3C4D5"
UID = f"EMAID-{EMAID}"
ACCEPTED, UNKNOWN = AuthorizationStatus.ACCEPTED, AuthorizationStatus.UNKNOWN


@pytest.fixture
def kit(kit: Kit) -> Kit:
    """Two drivers, and a second charger beside the first."""
    vars(kit)["token_rules"] = TokenRules(home_operator="op")
    second = Driver(driver_id="driver-2", email="e@example.com", customer_id="cus_2", payment_method_id="pm_2")
    kit.drivers.put(second)
    kit.chargers.put(
        Charger(
            charger_id="CP-2",
            operator_id="op",
            site_id="harbour",
            password_hash="scrypt$",
            connectors=(ConnectorId(1),),
        )
    )
    return kit


def claim(
    kit: Kit, driver_id: str = "driver-1", charger_id: str = "CP-1", said: str = "emaid-DE-8AA-CA2B3C4D5-9"
) -> None:
    kit.driver_tokens.put(driver_id, said, blocked=False, charger_id=charger_id)


def shown(
    kit: Kit, token: str = UID, charger_id: str = "CP-1", protocol: str = "ocpp2.0.1", *, proven: bool = True
) -> AuthorizationStatus:
    connection = Connection(connection_id="c-9", charger_id=charger_id, operator_id="op", protocol=protocol)
    return kit.authorizations.shown(connection, token, is_contract_proven=proven).standing


def begins(kit: Kit, token: str, charger_id: str = "CP-1") -> AuthorizationStatus:
    return kit.authorizations.authorization(charger_id, "op", token).standing


def kept(kit: Kit) -> Token:
    found = kit.tokens.get(UID)
    assert found is not None
    return found


def test_a_claim_is_proven_by_the_certificate_at_that_charger_and_by_nothing_else(kit: Kit) -> None:
    claim(kit)
    assert shown(kit, proven=False) is UNKNOWN
    assert begins(kit, UID) is UNKNOWN
    assert shown(kit, charger_id="CP-2") is UNKNOWN
    assert kept(kit).consent is Consent.CLAIMED
    assert shown(kit) is ACCEPTED
    assert kept(kit).consent is Consent.GIVEN
    # From now on it is a token as any other.
    assert begins(kit, UID, "CP-2") is ACCEPTED


def test_a_claim_that_lapsed_is_proven_by_nothing(kit: Kit) -> None:
    claim(kit)
    kit.clock.now = NOW + timedelta(minutes=16)
    assert shown(kit) is UNKNOWN


def test_a_proven_contract_is_nobody_elses_to_claim_and_an_operators_goes_before_a_claim(kit: Kit) -> None:
    claim(kit, "driver-2")
    kit.issued_tokens.issue(Token(uid="emaid-" + EMAID, operator_id="op", driver_id="driver-1"))
    assert shown(kit) is ACCEPTED
    assert (kept(kit).driver_id, kept(kit).operator_id) == ("driver-1", "op")
    with pytest.raises(Refusal, match="registered already"):
        claim(kit, "driver-2")


@pytest.mark.parametrize(
    ("said", "charger_id", "code"), [(UID, "", "charger_needed"), ("emaid-7", "CP-1", "not_an_emaid")]
)
def test_a_claim_names_a_contract_and_a_charger(kit: Kit, said: str, charger_id: str, code: str) -> None:
    with pytest.raises(Refusal) as refused:
        claim(kit, said=said, charger_id=charger_id)
    assert refused.value.code == code


def test_a_card_of_the_same_signs_is_another_token(kit: Kit) -> None:
    """A hexadecimal uid may look like an eMAID; either is its own driver's."""
    claim(kit)
    assert shown(kit) is ACCEPTED
    assert begins(kit, EMAID) is UNKNOWN
    kit.driver_tokens.put("driver-2", EMAID, blocked=False)
    assert begins(kit, EMAID) is ACCEPTED
    assert kit.authorizations.authorization("CP-1", "op", EMAID).driver_id == "driver-2"
    assert kit.authorizations.authorization("CP-1", "op", UID).driver_id == "driver-1"


def test_over_one_six_a_bare_idtag_is_the_contract_where_it_was_just_proven(kit: Kit) -> None:
    claim(kit)
    assert begins(kit, EMAID) is UNKNOWN
    assert shown(kit, protocol="ocpp1.6") is ACCEPTED
    assert begins(kit, "DE-8AA-CA2B3C4D5-9") is ACCEPTED
    assert kit.authorizations.authorization("CP-1", "op", EMAID).driver_id == "driver-1"
    assert begins(kit, EMAID, "CP-2") is UNKNOWN
    kit.clock.now = NOW + timedelta(days=1)
    assert begins(kit, EMAID) is UNKNOWN


def test_a_contract_that_its_driver_blocked_charges_nowhere(kit: Kit) -> None:
    claim(kit)
    assert shown(kit) is ACCEPTED
    kit.driver_tokens.put("driver-1", UID, blocked=True)
    assert shown(kit) is AuthorizationStatus.BLOCKED
    assert kept(kit) == replace(kept(kit), blocked_by_driver=True)
    assert kept(kit).was_proven("CP-1", NOW) is False
