"""Somebody wants to charge by another's contract, or to own it: by its number, a certificate of their own, a keypad.

STRIDE: spoofing (eMAIDs, roots, certificates), elevation (whose contract it is).
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from benchmarks.wire import Socket
from local.contract_authority import Certified, ContractAuthority
from local.seed import CHARGER_PASSWORD, RFID_UID
from tests.attacks.conftest import Network, problem


@dataclass
class Contract:
    """Alice's, and a charger at which it was proven, whose socket is open."""

    emaid: str
    certified: Certified
    charger_id: str
    socket: Socket

    @property
    def path(self) -> str:
        return f"/v1/me/tokens/emaid-{self.emaid}"


def authorize(socket: Socket, emaid: str, kind: str = "eMAID", **shown: Any) -> tuple[str, str | None]:
    answer = socket.call("Authorize", {"idToken": {"idToken": emaid, "type": kind}, **shown})
    return answer["idTokenInfo"]["status"], answer.get("certificateStatus")


def an_emaid() -> str:
    return f"DE8AAC{secrets.token_hex(4).upper()}"


@pytest.fixture(scope="module")
def contract(net: Network) -> Iterator[Contract]:
    emaid, charger_id, authority = an_emaid(), net.register(), net.stack.contract_pool.authority
    socket = Socket(net.stack.socket_url, charger_id, CHARGER_PASSWORD, "ocpp2.0.1")
    made = Contract(emaid, authority.contract(emaid), charger_id, socket)
    net.alice.call("PUT", made.path, {"charger_id": charger_id})
    assert authorize(socket, emaid, certificate=authority.chain(made.certified)) == ("Accepted", "Accepted")
    yield made
    socket.close()


def test_anothers_contract_is_not_to_be_claimed_given_up_or_blocked(net: Network, contract: Contract) -> None:
    refused = net.ask(net.mallory, "PUT", contract.path, {"charger_id": contract.charger_id})
    assert (refused.status_code, problem(refused)) == (409, "taken")
    assert net.ask(net.mallory, "DELETE", contract.path).status_code == 404
    (mine,) = (it for it in net.alice.call("GET", "/v1/me/tokens")["items"] if it["uid"].startswith("EMAID-"))
    assert (mine["consent"], mine["blocked"]) == ("given", False)


def test_a_certificate_of_ones_own_making_proves_no_contract(net: Network, contract: Contract) -> None:
    clock, responder = net.stack.clock, net.stack.contract_pool.authority.responder
    mine = ContractAuthority(clock, responder, "Mallory")
    chain = mine.chain(mine.contract(contract.emaid))
    for sent in (chain, chain + mine.root.pem):
        assert authorize(contract.socket, contract.emaid, certificate=sent) == ("Invalid", "CertChainError")
    namesake = ContractAuthority(clock, responder)
    chain = namesake.chain(namesake.contract(contract.emaid)) + namesake.root.pem
    assert authorize(contract.socket, contract.emaid, certificate=chain) == ("Invalid", "SignatureError")


def test_ones_own_good_certificate_is_not_worth_anothers_emaid(net: Network, contract: Contract) -> None:
    authority = net.stack.contract_pool.authority
    mine = authority.chain(authority.contract(an_emaid()))
    assert authorize(contract.socket, contract.emaid, certificate=mine) == ("Invalid", "CertChainError")
    cpo = authority.chain(authority.contract(contract.emaid, role="CPO"))
    assert authorize(contract.socket, contract.emaid, certificate=cpo) == ("Invalid", "CertChainError")


@pytest.mark.parametrize("kind", ["KeyCode", "ISO14443", "Local"])
def test_a_number_that_is_typed_or_on_a_card_is_no_contract(net: Network, contract: Contract, kind: str) -> None:
    for said in (contract.emaid, f"EMAID-{contract.emaid}", f"emaid-emaid-{contract.emaid}"):
        assert authorize(contract.socket, said, kind)[0] == "Unknown"


def test_a_certificate_beside_a_card_changes_nothing_of_either(net: Network, contract: Contract) -> None:
    chain = net.stack.contract_pool.authority.chain(contract.certified)
    none = "NoCertificateAvailable"
    assert authorize(contract.socket, contract.emaid, "ISO14443", certificate=chain) == ("Unknown", none)
    assert authorize(contract.socket, RFID_UID, "ISO14443", certificate=chain) == ("Accepted", none)


def test_a_claim_is_not_proven_by_its_number_nor_at_another_charger(net: Network, contract: Contract) -> None:
    emaid, authority = an_emaid(), net.stack.contract_pool.authority
    elsewhere = net.register()
    net.mallory.call("PUT", f"/v1/me/tokens/emaid-{emaid}", {"charger_id": elsewhere})
    assert authorize(contract.socket, emaid)[0] == "Unknown"
    theirs = authority.chain(authority.contract(emaid))
    assert authorize(contract.socket, emaid, certificate=theirs) == ("Unknown", "ContractCancelled")
    (claimed,) = (it for it in net.mallory.call("GET", "/v1/me/tokens")["items"] if it["uid"] == f"EMAID-{emaid}")
    assert claimed["consent"] == "claimed"


def test_a_bare_idtag_over_one_six_is_no_contract_where_none_was_proven(net: Network, contract: Contract) -> None:
    with net.charger(net.register()) as socket:
        for said in (contract.emaid, f"EMAID-{contract.emaid}"):
            assert socket.call("Authorize", {"idTag": said})["idTagInfo"]["status"] == "Invalid"
