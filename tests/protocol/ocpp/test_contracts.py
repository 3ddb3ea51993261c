"""Plug & Charge in OCPP's words: 2.x says it as it is, 1.6 in DataTransfer, and nothing else passes for a contract."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.domain.chargers.answers import Answer, Decision, TokenAnswer
from chalicelib.domain.chargers.commands import (
    AuthorizationStatus,
    CertificateUse,
    InstallCertificate,
    ListCertificates,
    Listed,
    Reserve,
    UpdateList,
    Verdict,
)
from chalicelib.domain.chargers.contracts import (
    CertificateStatus,
    ContractAnswer,
    ContractRequested,
    Revocation,
    RevocationAnswer,
    RevocationAnswers,
    RevocationsAsked,
)
from chalicelib.domain.chargers.events import ChargerEvent, ChargingStarted, Need, Requested, TokenPresented
from chalicelib.protocol.ocpp import dialect_for
from chalicelib.protocol.ocpp.frames import Call, ProtocolError
from chalicelib.protocol.ocpp.redaction import redacted

NOW = datetime(2026, 11, 30, 18, 0, tzinfo=UTC)
EXI = {"iso15118SchemaVersion": "urn:iso:15118:2:2013:MsgDef", "action": "Install", "exiRequest": "AAAA"}
HASHES = {"hashAlgorithm": "SHA256", "issuerNameHash": "aa", "issuerKeyHash": "bb", "serialNumber": "0c"}
OCSP = {**HASHES, "responderURL": "http://ocsp.example"}
EMAID = {"idToken": "DE-8AA-CA2B3C4D5-9", "type": "eMAID"}
VENDOR = "org.openchargealliance.iso15118pnc"


def heard(version: str, action: str, payload: dict[str, Any]) -> ChargerEvent:
    return dialect_for(version).decode(Call(message_id="1", action=action, payload=payload), NOW).event


def replied(version: str, action: str, payload: dict[str, Any], answer: Answer) -> dict[str, Any]:
    return dialect_for(version).reply(Call(message_id="1", action=action, payload=payload), answer)


def transferred(action: str, payload: Any) -> dict[str, Any]:
    data = payload if isinstance(payload, str) else json.dumps(payload)
    return {"vendorId": VENDOR, "messageId": action, "data": data}


@pytest.mark.parametrize(("version", "longest"), [("ocpp2.0.1", 7_500), ("ocpp2.1", 17_000)])
def test_a_request_for_a_contract_is_passed_on_as_it_is(version: str, longest: int) -> None:
    event = heard(version, "Get15118EVCertificate", EXI)
    assert event == ContractRequested(schema=EXI["iso15118SchemaVersion"], exi="AAAA", longest=longest)
    assert heard(version, "Get15118EVCertificate", {**EXI, "action": "Update"}).is_update  # type: ignore[union-attr]
    with pytest.raises(ProtocolError, match="exiRequest is longer"):
        heard(version, "Get15118EVCertificate", {**EXI, "exiRequest": "A" * 11_001})


def test_two_one_says_how_many_contracts_a_car_takes_and_which_first() -> None:
    more = {"maximumContractCertificateChains": 3, "prioritizedEMAIDs": ["DE8AAC12345678", "DE8AAC87654321"]}
    event = heard("ocpp2.1", "Get15118EVCertificate", EXI | more)
    assert isinstance(event, ContractRequested)
    assert (event.most, event.emaids) == (3, ("DE8AAC12345678", "DE8AAC87654321"))
    told = replied("ocpp2.1", "Get15118EVCertificate", EXI, ContractAnswer(exi="BBBB", remaining=2))
    assert told == {"status": "Accepted", "exiResponse": "BBBB", "remainingContracts": 2}


def test_no_contract_is_told_with_its_reason() -> None:
    told = replied("ocpp2.0.1", "Get15118EVCertificate", EXI, ContractAnswer(why="no answer in time"))
    assert told == {"status": "Failed", "exiResponse": "", "statusInfo": {"reasonCode": "no answer in time"}}


def test_each_certificate_asked_about_is_answered_for() -> None:
    good = RevocationAnswer(status=Revocation.GOOD, ocsp="CCCC", until=NOW)
    event = heard("ocpp2.0.1", "GetCertificateStatus", {"ocspRequestData": OCSP})
    assert isinstance(event, RevocationsAsked)
    assert event.certificates[0].url == "http://ocsp.example"
    told = replied("ocpp2.0.1", "GetCertificateStatus", {}, RevocationAnswers((good,)))
    assert told == {"status": "Accepted", "ocspResult": "CCCC"}
    asked = [{"certificateHashData": HASHES, "source": it, "urls": ["http://ocsp.example"]} for it in ("OCSP", "CRL")]
    event = heard("ocpp2.1", "GetCertificateChainStatus", {"certificateStatusRequests": asked})
    assert isinstance(event, RevocationsAsked)
    assert [it.url for it in event.certificates] == ["http://ocsp.example", ""]
    none = RevocationAnswer(status=Revocation.FAILED, why="no responder named")
    answer = RevocationAnswers((good, none))
    chain = replied("ocpp2.1", "GetCertificateChainStatus", {"certificateStatusRequests": asked}, answer)
    assert [(it["source"], it["status"]) for it in chain["certificateStatus"]] == [("OCSP", "Good"), ("CRL", "Failed")]


@pytest.mark.parametrize("asked", [1, "all", None, {}, [1], [[]]])
def test_whatever_stands_where_certificates_are_named_is_answered(asked: object) -> None:
    named = {"certificateStatusRequests": asked}
    event = heard("ocpp2.1", "GetCertificateChainStatus", named)
    assert isinstance(event, RevocationsAsked)
    unknown = RevocationAnswers(tuple(RevocationAnswer(status=Revocation.UNKNOWN) for _ in event.certificates))
    assert replied("ocpp2.1", "GetCertificateChainStatus", named, unknown) == {"certificateStatus": []}


def test_a_certificate_that_stands_in_an_arrays_place_is_answered_for_too() -> None:
    named = {"certificateStatusRequests": {"certificateHashData": HASHES, "source": "CRL", "urls": []}}
    event = heard("ocpp2.1", "GetCertificateChainStatus", named)
    assert isinstance(event, RevocationsAsked)
    answer = RevocationAnswers((RevocationAnswer(status=Revocation.UNKNOWN),))
    chain = replied("ocpp2.1", "GetCertificateChainStatus", named, answer)
    assert [it["status"] for it in chain["certificateStatus"]] == ["Unknown"]


@pytest.mark.parametrize(
    ("worth", "standing", "told"),
    [
        (CertificateStatus.ACCEPTED, AuthorizationStatus.ACCEPTED, ("Accepted", "Accepted")),
        (CertificateStatus.CANCELLED, AuthorizationStatus.BLOCKED, ("Blocked", "ContractCancelled")),
        (CertificateStatus.EXPIRED, AuthorizationStatus.EXPIRED, ("Expired", "CertificateExpired")),
        (CertificateStatus.REVOKED, AuthorizationStatus.ACCEPTED, ("Invalid", "CertificateRevoked")),
        (CertificateStatus.CHAIN_ERROR, AuthorizationStatus.ACCEPTED, ("Invalid", "CertChainError")),
        (CertificateStatus.SIGNATURE_ERROR, AuthorizationStatus.UNKNOWN, ("Invalid", "SignatureError")),
        (CertificateStatus.NOT_AVAILABLE, AuthorizationStatus.UNKNOWN, ("Invalid", "NoCertificateAvailable")),
    ],
)
def test_what_a_certificate_is_worth_is_told_beside_the_token(
    worth: CertificateStatus, standing: AuthorizationStatus, told: tuple[str, str]
) -> None:
    asked = {"idToken": EMAID, "certificate": "PEM"}
    event = heard("ocpp2.0.1", "Authorize", asked)
    assert isinstance(event, TokenPresented)
    assert event.token == "EMAID-DE8AACA2B3C4D5"
    assert event.contract is not None
    assert event.contract.chain == "PEM"
    answer = replied("ocpp2.0.1", "Authorize", asked, TokenAnswer(standing, certificate=worth))
    assert (answer["idTokenInfo"]["status"], answer["certificateStatus"]) == told


@pytest.mark.parametrize("kind", ["KeyCode", "Local", "ISO14443", "Central", "MacAddress"])
def test_what_is_typed_or_read_elsewhere_is_no_contracts_token(kind: str) -> None:
    for said in ("EMAID-DE8AACA2B3C4D5", "emaid-EMAID-DE8AACA2B3C4D5"):
        event = heard("ocpp2.0.1", "Authorize", {"idToken": {"idToken": said, "type": kind}})
        assert event == TokenPresented("DE8AACA2B3C4D5")
        assert heard("ocpp1.6", "Authorize", {"idTag": said}) == TokenPresented("DE8AACA2B3C4D5")
        start = {"connectorId": 1, "idTag": said, "meterStart": 0, "timestamp": "2026-11-30T18:00:00Z"}
        begun = heard("ocpp1.6", "StartTransaction", start)
        assert isinstance(begun, ChargingStarted)
        assert begun.token == "DE8AACA2B3C4D5"


def test_one_six_says_the_same_in_data_transfer() -> None:
    event = heard("ocpp1.6", "DataTransfer", transferred("Get15118EVCertificate", EXI))
    assert isinstance(event, ContractRequested)
    event = heard("ocpp1.6", "DataTransfer", transferred("Authorize", {"idToken": EMAID, "certificate": "PEM"}))
    assert isinstance(event, TokenPresented)
    assert event.contract is not None
    assert heard("ocpp1.6", "DataTransfer", transferred("SignCertificate", {"csr": "x"})) == Requested(
        Need.CHARGER_CERTIFICATE, "x"
    )
    answer = TokenAnswer(AuthorizationStatus.ACCEPTED, certificate=CertificateStatus.ACCEPTED)
    told = replied("ocpp1.6", "DataTransfer", transferred("Authorize", {"idToken": EMAID}), answer)
    assert told["status"] == "Accepted"
    assert json.loads(told["data"]) == {"idTokenInfo": {"status": "Accepted"}, "certificateStatus": "Accepted"}


def test_what_else_is_transferred_is_a_vendors() -> None:
    unknown = transferred("Reboot", {})
    assert heard("ocpp1.6", "DataTransfer", unknown) == Requested(Need.VENDOR_DATA, VENDOR)
    assert replied("ocpp1.6", "DataTransfer", unknown, Decision(False)) == {"status": "UnknownMessageId"}
    assert replied("ocpp1.6", "DataTransfer", {"vendorId": "x"}, Decision(False)) == {"status": "UnknownVendorId"}


@pytest.mark.parametrize("data", ["", "[]", "{", "7", "[" * 9_000, '{"idToken": 7}'])
def test_data_that_is_none_of_the_notes_is_refused(data: str) -> None:
    with pytest.raises(ProtocolError):
        heard("ocpp1.6", "DataTransfer", transferred("Authorize", data))


def test_contracts_are_listed_as_such_and_over_one_six_not_at_all() -> None:
    entries = (Listed("EMAID-DE8AACA2B3C4D5"), Listed("04A1B2C3D4E5F6"))
    _, told = dialect_for("ocpp2.0.1").encode(UpdateList(1, True, entries))
    tokens = [it["idToken"] for it in told["localAuthorizationList"]]
    assert tokens[0] == {"idToken": "DE8AACA2B3C4D5", "type": "eMAID"}
    assert tokens[1]["type"] == "ISO14443"
    _, told = dialect_for("ocpp1.6").encode(UpdateList(1, True, entries))
    assert [it["idTag"] for it in told["localAuthorizationList"]] == ["04A1B2C3D4E5F6"]
    _, told = dialect_for("ocpp2.1").encode(Reserve(7, "EMAID-DE8AACA2B3C4D5", NOW))
    assert told["idToken"]["type"] == "eMAID"


@pytest.mark.parametrize("use", [CertificateUse.PLUG_AND_CHARGE, CertificateUse.MOBILITY_OPERATOR])
def test_roots_of_contracts_are_installed_and_listed_over_every_version(use: CertificateUse) -> None:
    kind = {"plug_and_charge": "V2GRootCertificate", "mobility_operator": "MORootCertificate"}[use]
    for version in ("ocpp2.0.1", "ocpp2.1"):
        _, told = dialect_for(version).encode(InstallCertificate(use, "PEM"))
        assert told["certificateType"] == kind
    action, told = dialect_for("ocpp1.6").encode(InstallCertificate(use, "PEM"))
    assert (action, told["vendorId"], told["messageId"]) == ("DataTransfer", VENDOR, "InstallCertificate")
    assert json.loads(told["data"]) == {"certificateType": kind, "certificate": "PEM"}
    _, told = dialect_for("ocpp1.6").encode(ListCertificates(use))
    assert json.loads(told["data"]) == {"certificateType": [kind]}


@pytest.mark.parametrize(
    ("data", "verdict"),
    [
        ('{"status":"Accepted"}', Verdict.ACCEPTED),
        ('{"status":"Rejected"}', Verdict.REJECTED),
        ('{"status":"Failed"}', Verdict.REJECTED),
        ('{"status":"a vendor\'s own word"}', Verdict.ACCEPTED),
        ("no json", Verdict.ACCEPTED),
        ("[7]", Verdict.ACCEPTED),
    ],
)
def test_a_no_within_a_transfer_that_was_taken_is_a_no(data: str, verdict: Verdict) -> None:
    told = dialect_for("ocpp1.6").read_result("DataTransfer", {"status": "Accepted", "data": data})
    assert told.verdict is verdict


def test_a_contracts_key_is_not_written_down() -> None:
    exi = {"status": "Accepted", "exiResponse": "c2VjcmV0"}
    assert "c2VjcmV0" not in redacted("Get15118EVCertificate", exi)
    assert "c2VjcmV0" not in redacted("DataTransfer", {"status": "Accepted", "data": json.dumps(exi)})
    assert "AAAA" not in redacted("DataTransfer", transferred("Get15118EVCertificate", EXI))
