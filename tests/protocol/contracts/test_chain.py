"""A chain is a contract's that leads to a trusted root, is in force, and is made out to that eMAID; no other is."""

from __future__ import annotations

import base64
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives import serialization

from chalicelib.domain.chargers.contracts import CertificateStatus
from chalicelib.protocol.contracts.chain import looked_at, responder_of, roots_of
from local.contract_authority import Certified, ContractAuthority
from tests.protocol.contracts.conftest import EMAID, NOW, RESPONDER

ACCEPTED, CHAIN_ERROR = CertificateStatus.ACCEPTED, CertificateStatus.CHAIN_ERROR


def status(authority: ContractAuthority, pem: str, emaid: str = EMAID) -> CertificateStatus:
    return looked_at(pem, emaid, [authority.root.certificate], NOW).status


@pytest.fixture(scope="module")
def contract(authority: ContractAuthority) -> Certified:
    return authority.contract("DE-8AA-CA2B3C4D5-9")


def test_a_contracts_chain_is_accepted_in_any_order_of_its_authorities_with_the_root_or_without(
    authority: ContractAuthority, contract: Certified
) -> None:
    chain = looked_at(authority.chain(contract), EMAID, [authority.root.certificate], NOW)
    assert chain.status is ACCEPTED
    assert [subject for subject, _ in chain.links] == [contract.certificate, authority.sub.certificate]
    assert status(authority, contract.pem + authority.root.pem + authority.sub.pem) is ACCEPTED
    assert responder_of(contract.certificate) == RESPONDER
    assert responder_of(authority.root.certificate) == ""


def test_another_emaid_than_the_certificates_is_not_believed(authority: ContractAuthority, contract: Certified) -> None:
    assert status(authority, authority.chain(contract), "DE8AACA2B3C4D6") is CHAIN_ERROR


def test_a_foreign_root_is_none_be_it_called_like_ours(authority: ContractAuthority) -> None:
    stranger, namesake = (
        ContractAuthority(lambda: NOW, RESPONDER, "Stranger"),
        ContractAuthority(lambda: NOW, RESPONDER),
    )
    sent = stranger.chain(stranger.contract(EMAID)) + stranger.root.pem
    assert status(authority, sent) is CHAIN_ERROR
    forged = namesake.chain(namesake.contract(EMAID))
    assert status(authority, forged) is CertificateStatus.SIGNATURE_ERROR
    assert status(authority, forged + namesake.root.pem) is CertificateStatus.SIGNATURE_ERROR


def test_a_certificate_that_is_over_or_not_yet_good_is_expired(
    authority: ContractAuthority, contract: Certified
) -> None:
    over = authority.contract(EMAID, lasts=timedelta(hours=-1))
    assert status(authority, authority.chain(over)) is CertificateStatus.EXPIRED
    early = looked_at(authority.chain(contract), EMAID, [authority.root.certificate], NOW - timedelta(days=1))
    assert early.status is CertificateStatus.EXPIRED


def test_a_contract_makes_no_contracts(authority: ContractAuthority, contract: Certified) -> None:
    mine = authority._issue(EMAID, contract)
    assert status(authority, mine.pem + authority.chain(contract)) is CHAIN_ERROR


def test_neither_an_authority_nor_a_chargers_certificate_is_a_contract(authority: ContractAuthority) -> None:
    # A charger's name, EVSEID or SECCID, may look like an eMAID, and stands under the same V2G root.
    charger = authority.contract(EMAID, role="CPO")
    assert status(authority, authority.chain(charger)) is CHAIN_ERROR
    assert status(authority, authority.chain(authority.contract(EMAID, role="MO"))) is ACCEPTED
    sub = authority._issue(EMAID, authority.root, is_authority=True)
    assert status(authority, sub.pem) is CHAIN_ERROR


@pytest.mark.parametrize("pem", ["", "no pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_what_is_no_chain_is_an_error(authority: ContractAuthority, pem: str) -> None:
    assert status(authority, pem) is CHAIN_ERROR


def test_a_chain_without_its_sub_authority_or_too_long_leads_nowhere(
    authority: ContractAuthority, contract: Certified
) -> None:
    assert status(authority, contract.pem) is CHAIN_ERROR
    assert status(authority, authority.chain(contract) + authority.sub.pem * 6) is CHAIN_ERROR


def test_without_any_root_nothing_can_be_said(authority: ContractAuthority, contract: Certified) -> None:
    assert looked_at(authority.chain(contract), EMAID, [], NOW).status is CertificateStatus.NOT_AVAILABLE
    assert roots_of([b"", b"junk", contract.certificate.public_bytes(serialization.Encoding.DER)]) == []


@pytest.mark.parametrize(
    ("part", "instead"),
    [
        # A version of X.509 that there is not; a name that is a string of bits.
        (bytes.fromhex("a003020102"), bytes.fromhex("a003020150")),
        (bytes.fromhex("06035504030c"), bytes.fromhex("060355040303")),
    ],
)
def test_certificates_that_no_library_can_read_are_none(
    authority: ContractAuthority, contract: Certified, part: bytes, instead: bytes
) -> None:
    for it in (contract, authority.sub):
        whole = it.certificate.public_bytes(serialization.Encoding.DER)
        assert part in whole
        spoilt = whole.replace(part, instead)
        assert roots_of([spoilt]) == []
        pem = f"-----BEGIN CERTIFICATE-----\n{base64.encodebytes(spoilt).decode()}-----END CERTIFICATE-----\n"
        assert status(authority, pem + authority.sub.pem) is CHAIN_ERROR
        assert status(authority, contract.pem + pem) is CHAIN_ERROR
