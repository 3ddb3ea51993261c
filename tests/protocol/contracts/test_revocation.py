"""An answer counts that is about the very certificate, of now, and signed by its issuer where that is known."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.x509 import ocsp

from chalicelib.domain.chargers.contracts import CertificateId, Revocation
from chalicelib.protocol.contracts.revocation import answer_of, id_of, question
from local.contract_authority import Certified, ContractAuthority, signed_answer
from tests.protocol.contracts.conftest import EMAID, NOW, RESPONDER


@pytest.fixture
def contract(authority: ContractAuthority) -> Certified:
    return authority.contract(EMAID)


def asked(authority: ContractAuthority, contract: Certified) -> tuple[CertificateId, bytes]:
    named = id_of(contract.certificate, authority.sub.certificate)
    request = question(named)
    assert request is not None
    return named, authority.answer(request)


def test_a_certificate_is_named_as_its_charger_names_it(authority: ContractAuthority, contract: Certified) -> None:
    named, _ = asked(authority, contract)
    told = authority.ids(contract)[0]
    assert named == CertificateId(
        algorithm=told["hashAlgorithm"],
        issuer_name_hash=told["issuerNameHash"],
        issuer_key_hash=told["issuerKeyHash"],
        serial=told["serialNumber"],
        url=RESPONDER,
    )


def test_what_the_issuer_says_is_believed_until_it_says_it_anew(
    authority: ContractAuthority, contract: Certified
) -> None:
    named, der = asked(authority, contract)
    told = answer_of(der, named, NOW, authority.sub.certificate)
    assert (told.status, told.until) == (Revocation.GOOD, NOW + timedelta(hours=1))
    authority.revoked.add(contract.certificate.serial_number)
    named, der = asked(authority, contract)
    assert answer_of(der, named, NOW, authority.sub.certificate).status is Revocation.REVOKED


def test_an_answer_about_another_certificate_an_old_one_or_a_strangers_is_none(
    authority: ContractAuthority, contract: Certified
) -> None:
    named, der = asked(authority, contract)
    issuer = authority.sub.certificate
    assert answer_of(der, replace(named, serial="0f"), NOW, issuer).why == "another certificate"
    assert answer_of(der, named, NOW + timedelta(days=1), issuer).why == "answer is out of date"
    assert answer_of(der, named, NOW - timedelta(days=1), issuer).why == "answer is out of date"
    assert answer_of(der, named, NOW, authority.root.certificate).why == "answer is not signed"
    assert answer_of(b"junk", named, NOW, issuer).why == "no OCSP answer"
    other = ContractAuthority(lambda: NOW, RESPONDER, "Other")
    refused = other.answer(question(named) or b"")
    assert answer_of(refused, named, NOW).why == "responder refuses"


@pytest.mark.parametrize(
    "wrong",
    [
        {"algorithm": "MD5"},
        {"algorithm": "SHA512"},
        {"issuer_name_hash": "zz"},
        {"issuer_key_hash": "ab"},
        {"serial": "-1"},
        {"serial": "x"},
        {"serial": "1" * 41},
    ],
)
def test_hashes_that_are_none_ask_nothing(
    authority: ContractAuthority, contract: Certified, wrong: dict[str, str]
) -> None:
    named, _ = asked(authority, contract)
    assert question(replace(named, **wrong)) is None


def test_an_answer_that_no_library_can_read_is_none(authority: ContractAuthority, contract: Certified) -> None:
    named, der = asked(authority, contract)
    # ecdsa-with-SHA256 becomes a signature that nobody has.
    strange = der.replace(bytes.fromhex("2a8648ce3d040302"), bytes.fromhex("2a8648ce3d040363"))
    assert strange != der
    assert answer_of(strange, named, NOW, authority.sub.certificate).status is Revocation.FAILED
    for place in range(len(der)):
        answer_of(der[:place] + b"\xff" + der[place + 1 :], named, NOW, authority.sub.certificate)


def test_an_answer_that_names_no_end_is_of_its_moment(authority: ContractAuthority, contract: Certified) -> None:
    named, _ = asked(authority, contract)
    request = ocsp.load_der_ocsp_request(question(named) or b"")
    kept = signed_answer(request, authority.sub, NOW, None, is_revoked=False)
    issuer = authority.sub.certificate
    assert answer_of(kept, named, NOW, issuer).status is Revocation.GOOD
    assert answer_of(kept, named, NOW + timedelta(days=30), issuer).why == "answer is out of date"
