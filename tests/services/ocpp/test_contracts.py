"""Contracts are had of one provider, and their certificates are worth what roots and responders say, and no more."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.x509 import ocsp

from chalicelib.domain.chargers.contracts import (
    CertificateId,
    CertificateStatus,
    ContractRequested,
    ContractShown,
    Revocation,
    RevocationsAsked,
)
from chalicelib.protocol.contracts.revocation import id_of
from chalicelib.records.chargers import Connection
from chalicelib.records.ocpp import ContractUnavailable, ProvidedContract, ResponderUnavailable
from chalicelib.services.ocpp.contracts import PlugAndCharge
from local.contract_authority import Certified, ContractAuthority, signed_answer

NOW = datetime(2026, 11, 30, 18, 0, tzinfo=UTC)
URL, EMAID = "http://ocsp.example/mo", "DE8AAC12345678"
TOKEN = f"EMAID-{EMAID}"
CONNECTION = Connection(connection_id="c-1", charger_id="CP-1", operator_id="op", protocol="ocpp2.1")
CONTRACT = ContractRequested(schema="urn:iso:15118:2:2013:MsgDef", exi="AAAA")


@dataclass
class Pool:
    """A provider of as many contracts as it is told to have."""

    authority: ContractAuthority
    emaids: Sequence[str] = (EMAID,)
    is_down: bool = False
    roots_asked: int = 0

    def contracts(self, asked: ContractRequested) -> Sequence[ProvidedContract]:
        if self.is_down:
            raise ContractUnavailable("no answer in time")
        return [ProvidedContract(emaid=it, exi=f"exi-{it}") for it in self.emaids]

    def roots(self) -> Sequence[str]:
        self.roots_asked += 1
        if self.is_down:
            raise ContractUnavailable("no answer in time")
        return [self.authority.root.der, "not base64"]


@dataclass
class Answering:
    """Responders by address; one that is not there gives no answer."""

    by_url: dict[str, ContractAuthority | Liar]
    asked: list[str] = field(default_factory=list)

    def ask(self, url: str, question: bytes) -> bytes:
        self.asked.append(url)
        if url not in self.by_url:
            raise ResponderUnavailable("no answer in time")
        return self.by_url[url].answer(question)


class Memory(dict[str, tuple[str, datetime]]):
    """What was said of certificates."""

    def known(self, names: Iterable[str], at: datetime) -> Mapping[str, str]:
        return {it: self[it][0] for it in names if it in self and at < self[it][1]}

    def remember(self, name: str, said: str, until: datetime) -> None:
        self[name] = (said, until)

    def count(self, charger_id: str, at: datetime) -> int:
        name = f"{charger_id}/{at.hour}"
        number = int(self[name][0]) + 1 if name in self else 1
        self[name] = (str(number), at)
        return number


@dataclass
class Bench:
    """Plug & Charge at one moment, with an authority and its responder."""

    at: datetime = NOW
    authority: ContractAuthority = field(init=False)
    pool: Pool = field(init=False)
    responders: Answering = field(init=False)
    memory: Memory = field(default_factory=Memory)

    def __post_init__(self) -> None:
        self.authority = ContractAuthority(lambda: self.at, URL)
        self.pool, self.responders = Pool(self.authority), Answering({URL: self.authority})

    def service(self, *, has_pool: bool = True, own_roots: Sequence[str] = ()) -> PlugAndCharge:
        return PlugAndCharge(
            provider=self.pool if has_pool else None,
            responders=self.responders,
            memory=self.memory,
            own_roots=own_roots,
            clock=lambda: self.at,
        )

    def worth(self, contract: Certified, token: str = TOKEN) -> CertificateStatus:
        return self.service().worth(CONNECTION, token, ContractShown(chain=self.authority.chain(contract)))


@pytest.fixture
def bench() -> Bench:
    return Bench()


def named(authority: ContractAuthority, contract: Certified) -> tuple[CertificateId, ...]:
    return (
        id_of(contract.certificate, authority.sub.certificate),
        id_of(authority.sub.certificate, authority.root.certificate),
    )


def test_a_contract_goes_to_the_car_as_it_came(bench: Bench) -> None:
    told = bench.service().contract(CONNECTION, CONTRACT)
    assert (told.exi, told.remaining, told.why) == (f"exi-{EMAID}", None, "")


def test_of_several_contracts_the_one_is_given_that_the_car_would_have_first(bench: Bench) -> None:
    bench.pool.emaids = (EMAID, "DE8AAC00000002", "DE8AAC00000003")
    first = replace(CONTRACT, most=2, emaids=("DE-8AA-C00000003-X", EMAID))
    told = bench.service().contract(CONNECTION, first)
    assert (told.exi, told.remaining) == ("exi-DE8AAC00000003", 1)
    assert bench.service().contract(CONNECTION, replace(CONTRACT, most=8)).remaining == 2
    assert bench.service().contract(CONNECTION, replace(CONTRACT, most=0)).remaining == 0


def test_without_a_contract_the_charger_is_told_why(bench: Bench) -> None:
    assert bench.service().contract(CONNECTION, replace(CONTRACT, longest=5)).why == "contract too long"
    assert bench.service(has_pool=False).contract(CONNECTION, CONTRACT).why == "no provider is set"
    bench.pool.is_down = True
    assert bench.service().contract(CONNECTION, CONTRACT).why == "no answer in time"


def test_a_good_certificate_is_accepted_and_responders_are_asked_once(bench: Bench) -> None:
    contract = bench.authority.contract(EMAID)
    assert [bench.worth(contract) for _ in range(2)] == [CertificateStatus.ACCEPTED] * 2
    assert bench.responders.asked == [URL, URL]
    assert bench.pool.roots_asked == 1
    bench.at += timedelta(hours=2)
    assert bench.worth(contract) is CertificateStatus.ACCEPTED
    assert len(bench.responders.asked) == 4


def test_a_revocation_counts_be_it_of_the_contract_or_of_its_issuer(bench: Bench) -> None:
    contract = bench.authority.contract(EMAID)
    for revoked in (contract, bench.authority.sub):
        bench.authority.revoked = {revoked.certificate.serial_number}
        bench.memory.clear()
        assert bench.worth(contract) is CertificateStatus.REVOKED
        shown = ContractShown(certificates=named(bench.authority, contract))
        assert bench.service().worth(CONNECTION, TOKEN, shown) is CertificateStatus.REVOKED


def test_a_responder_that_cannot_be_asked_is_no_yes_but_what_it_said_before_is(bench: Bench) -> None:
    contract = bench.authority.contract(EMAID)
    bench.responders.by_url = {}
    assert bench.worth(contract) is CertificateStatus.CHAIN_ERROR
    bench.responders.by_url = {URL: bench.authority}
    assert bench.worth(contract) is CertificateStatus.ACCEPTED
    bench.responders.by_url = {}
    assert bench.worth(contract) is CertificateStatus.ACCEPTED


def test_what_a_responder_said_of_a_week_is_asked_anew_a_day_later_and_good_while_nobody_says_more(
    bench: Bench,
) -> None:
    bench.authority.answers_last = timedelta(days=7)
    contract = bench.authority.contract(EMAID)
    assert bench.worth(contract) is CertificateStatus.ACCEPTED
    bench.at += timedelta(hours=23)
    assert bench.worth(contract) is CertificateStatus.ACCEPTED
    assert len(bench.responders.asked) == 2
    bench.at += timedelta(hours=2)
    bench.responders.by_url = {}
    assert bench.worth(contract) is CertificateStatus.ACCEPTED
    bench.responders.by_url = {URL: bench.authority}
    bench.authority.revoked = {contract.certificate.serial_number}
    assert bench.worth(contract) is CertificateStatus.REVOKED
    # A revocation is remembered as anything else is.
    bench.responders.by_url = {}
    assert bench.worth(contract) is CertificateStatus.REVOKED


def test_a_certificate_is_its_own_emaids_and_no_rfid_cards(bench: Bench) -> None:
    contract = bench.authority.contract(EMAID)
    assert bench.worth(contract, "EMAID-DE8AAC99999999") is CertificateStatus.CHAIN_ERROR
    assert bench.worth(contract, "04A1B2C3D4E5F6") is CertificateStatus.CHAIN_ERROR
    assert bench.responders.asked == []


def test_a_charger_with_a_responder_of_its_own_convinces_nobody_else(bench: Bench) -> None:
    contract, liar = bench.authority.contract(EMAID), Liar(ContractAuthority(lambda: NOW, URL).root)
    bench.responders.by_url["http://liar.example"] = liar
    ours = named(bench.authority, contract)
    theirs = tuple(replace(it, url="http://liar.example") for it in ours)
    assert bench.service().worth(CONNECTION, TOKEN, ContractShown(certificates=theirs)) is CertificateStatus.REVOKED
    assert bench.worth(contract) is CertificateStatus.ACCEPTED
    # Nor does it when it poses as the address that the certificate names.
    bench.memory.clear()
    bench.responders.by_url[URL] = liar
    assert bench.worth(contract) is CertificateStatus.CHAIN_ERROR


@dataclass
class Liar:
    """Signs with its own key what it says of others' certificates: that all are revoked."""

    own: Certified

    def answer(self, question: bytes) -> bytes:
        asked = ocsp.load_der_ocsp_request(question)
        return signed_answer(asked, self.own, NOW, NOW + timedelta(hours=1), is_revoked=True)


def test_own_roots_count_without_a_provider_and_without_any_nothing_can_be_said(bench: Bench) -> None:
    contract = bench.authority.contract(EMAID)
    shown = ContractShown(chain=bench.authority.chain(contract))
    assert bench.service(has_pool=False).worth(CONNECTION, TOKEN, shown) is CertificateStatus.NOT_AVAILABLE
    own = bench.service(has_pool=False, own_roots=["junk", bench.authority.root.der])
    assert own.worth(CONNECTION, TOKEN, shown) is CertificateStatus.ACCEPTED
    bench.pool.is_down = True
    assert bench.service().worth(CONNECTION, TOKEN, shown) is CertificateStatus.NOT_AVAILABLE


def test_what_a_responder_says_is_passed_on_as_it_came(bench: Bench) -> None:
    contract = bench.authority.contract(EMAID)
    asked = RevocationsAsked(certificates=named(bench.authority, contract))
    good, _ = bench.service().revocations(CONNECTION, asked).answers
    assert (good.status, good.until) == (Revocation.GOOD, NOW + timedelta(hours=1))
    assert base64.b64decode(good.ocsp)
    (cut, _) = bench.service().revocations(CONNECTION, replace(asked, longest=100)).answers
    assert (cut.ocsp, cut.why) == ("", "answer too long")
    nowhere = replace(asked, certificates=(replace(asked.certificates[0], url=""),))
    assert bench.service().revocations(CONNECTION, nowhere).answers[0].why == "no responder named"


def test_a_charger_has_others_asked_so_many_times_an_hour_and_no_more(bench: Bench) -> None:
    service, contract = bench.service(), bench.authority.contract(EMAID)
    asked = RevocationsAsked(certificates=named(bench.authority, contract)[:1])
    for number in range(60):
        unknown = replace(asked, certificates=(replace(asked.certificates[0], serial=f"{number:x}"),))
        assert service.revocations(CONNECTION, unknown).answers[0].why == ""
    assert service.revocations(CONNECTION, asked).answers[0].why == "asked too often"
    assert service.contract(CONNECTION, CONTRACT).why == "asked too often"
    assert len(bench.responders.asked) == 60
    other = replace(CONNECTION, charger_id="CP-2")
    assert service.revocations(other, asked).answers[0].status is Revocation.GOOD
    # What is remembered is told all the same.
    assert service.revocations(CONNECTION, asked).answers[0].status is Revocation.GOOD
    bench.at += timedelta(hours=1)
    assert service.contract(CONNECTION, CONTRACT).why == ""


def test_what_a_responder_does_not_know_yet_it_is_asked_again(bench: Bench) -> None:
    contract = bench.authority.contract(EMAID)
    bench.authority.unknown.add(contract.certificate.serial_number)
    assert bench.worth(contract) is CertificateStatus.NOT_AVAILABLE
    bench.authority.unknown.clear()
    assert bench.worth(contract) is CertificateStatus.ACCEPTED
