"""A driver's word against a bill: told once, answered once, with evidence that is the same for both sides."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import boto3
import pytest

from chalicelib.domain.chargers.events import Reading, SignedValue
from chalicelib.domain.charging.disputes import MOST_DISPUTES, DisputeReason, DisputeStatus
from chalicelib.domain.charging.session import Session
from chalicelib.domain.money.dispute_file import is_told_of, without_tokens
from chalicelib.domain.pricing.evidence import Flag
from chalicelib.domain.transparency.signed_records import Verification
from chalicelib.records.chargers import Direction, LoggedMessage
from chalicelib.records.money import PaymentNewsKind, ProviderRefund
from chalicelib.services.access import NotFound, Refusal
from chalicelib.services.transparency.signed_evidence import CheckedValue, CheckedValues
from tests.services.conftest import NOW, Kit
from tests.services.money.test_money import Run
from tests.services.money.test_refunds import hear


@pytest.fixture
def paid(kit: Kit) -> Run:
    boto3.client("s3").create_bucket(Bucket="the-log")
    return Run(kit).begun().ended().confirmed()


def dispute(run: Run, text: str = "11 kWh, and my car took 8", driver_id: str = "driver-1") -> Session:
    return run.kit.disputes.dispute(driver_id, run.session_id, DisputeReason.ENERGY, text)


def answer(run: Run, status: DisputeStatus = DisputeStatus.UPHELD, settled_by: str = "") -> Session:
    return run.kit.disputes.answer("op", run.session_id, status=status, answer="so be it", settled_by=settled_by)


def told(run: Run) -> list[str]:
    notices, _ = run.kit.notifications.page("driver-1", 20, None)
    return [it.notice_id.removeprefix(f"{run.session_id}-") for it in reversed(notices) if "dispute" in it.kind]


def code_of(refused: pytest.ExceptionInfo[Refusal]) -> str:
    return refused.value.code


def test_a_bill_is_disputed_once_answered_once_and_told_both_ways(paid: Run) -> None:
    found = dispute(paid)
    assert [it.status for it in found.disputes] == [DisputeStatus.OPEN]
    assert Flag.DISPUTED in found.flags
    assert dispute(paid) == found
    with pytest.raises(Refusal) as refused:
        dispute(paid, "and another thing")
    assert code_of(refused) == "dispute_open"
    assert told(paid) == ["dispute_opened-1"]
    answered = answer(paid, DisputeStatus.REJECTED)
    assert answer(paid, DisputeStatus.REJECTED) == answered
    assert [it.status for it in answered.disputes] == [DisputeStatus.REJECTED]
    assert told(paid) == ["dispute_opened-1", "dispute_answered-1"]
    with pytest.raises(Refusal) as refused:
        answer(paid, DisputeStatus.UPHELD)
    assert code_of(refused) == "no_dispute"


def test_what_was_given_back_for_it_is_named_and_must_be_there(paid: Run) -> None:
    dispute(paid)
    with pytest.raises(Refusal) as refused:
        answer(paid, settled_by="dispute-1")
    assert code_of(refused) == "unknown_settlement"
    paid.kit.refunds.refund("op", paid.session_id, 100, "dispute-1")
    assert answer(paid, settled_by="dispute-1").disputes[0].settled_by == "dispute-1"
    assert paid.session.refunded_minor == 100


def test_a_refund_that_the_card_did_not_take_settles_nothing(paid: Run) -> None:
    dispute(paid)
    paid.kit.refunds.refund("op", paid.session_id, 100, "dispute-1")
    failed = ProviderRefund(refund_id="re_1", amount_minor=100, key="dispute-1", is_failed=True)
    hear(paid, PaymentNewsKind.REFUNDED, failed)
    with pytest.raises(Refusal) as refused:
        answer(paid, settled_by="dispute-1")
    assert code_of(refused) == "unknown_settlement"


def test_a_driver_may_withdraw_and_say_another_thing_a_few_times(paid: Run) -> None:
    for place in range(MOST_DISPUTES):
        dispute(paid, f"word {place}")
        paid.kit.disputes.withdraw("driver-1", paid.session_id)
        paid.kit.disputes.withdraw("driver-1", paid.session_id)
    assert [it.status for it in paid.session.disputes] == [DisputeStatus.WITHDRAWN] * MOST_DISPUTES
    with pytest.raises(Refusal) as refused:
        dispute(paid, "once more")
    assert code_of(refused) == "too_many_disputes"


def test_only_its_own_driver_and_operator_have_a_say(paid: Run) -> None:
    with pytest.raises(NotFound):
        dispute(paid, driver_id="driver-2")
    dispute(paid)
    with pytest.raises(NotFound):
        paid.kit.disputes.withdraw("driver-2", paid.session_id)
    with pytest.raises(NotFound):
        paid.kit.disputes.answer("other", paid.session_id, status=DisputeStatus.UPHELD, answer="x", settled_by="")


def test_what_is_not_billed_cannot_be_disputed(kit: Kit) -> None:
    run = Run(kit).begun()
    with pytest.raises(Refusal) as refused:
        dispute(run)
    assert code_of(refused) == "not_billed"
    with pytest.raises(Refusal) as refused:
        kit.dispute_evidence.of(run.session)
    assert code_of(refused) == "not_billed"


def _said(run: Run, what: str, payload: dict[str, Any], message_id: str) -> None:
    text = json.dumps(payload, separators=(",", ":"))
    entry = LoggedMessage(at=NOW, direction=Direction.IN, what=what, message_id=message_id, payload=text)
    run.kit.message_log.add(("CP-1", entry))


def test_the_evidence_is_the_same_file_each_time_and_says_what_it_has_not(paid: Run) -> None:
    paid.read(4_000)
    _said(paid, "StopTransaction", {"transactionId": "tx-1", "idTag": "04A1B2C3", "meterStop": 10_000}, "m1")
    _said(paid, "MeterValues", {"transactionId": "tx-2", "meterValue": []}, "m2")
    dispute(paid)
    file = paid.kit.dispute_evidence.of(paid.session)
    assert file.text == paid.kit.dispute_evidence.of(paid.session).text
    read = json.loads(file.text)
    assert (read["format"], read["session_id"]) == ("kerb-evidence/v1", paid.session_id)
    for entry in read["manifest"]:
        text = read["files"][entry["name"]].encode()
        assert (entry["sha256"], entry["bytes"]) == (hashlib.sha256(text).hexdigest(), len(text))
        assert entry["about"]
    assert {it["name"] for it in read["manifest"]} == set(read["files"])
    assert {"session.json", "transaction.json", "readings.json", "tariff.json", "bill.json", "payments.json"} <= set(
        read["files"]
    )
    assert "signed-values.json" in read["missing"]
    messages = read["files"]["messages.json"]
    assert "tx-1" in messages
    assert "04A1B2C3" not in messages
    assert "tx-2" not in messages
    assert json.loads(read["files"]["session.json"])["disputes"][0]["text"] == "11 kWh, and my car took 8"
    payments = json.loads(read["files"]["payments.json"])
    assert payments["paid"]["amount_minor"] == paid.session.bill.total_minor  # type: ignore[union-attr]
    assert len(json.loads(read["files"]["readings.json"])) == 1


def test_messages_that_are_too_many_for_it_are_said_to_be_missing(paid: Run) -> None:
    heard = LoggedMessage(at=NOW, direction=Direction.IN, what="StatusNotification", payload="{}")
    paid.kit.message_log.add(*(("CP-1", replace(heard, message_id=f"m{it}")) for it in range(1_001)))
    missing = json.loads(paid.kit.dispute_evidence.of(paid.session).text)["missing"]
    assert missing["the rest of messages.json"] == "its charger said more than 1000 meanwhile"


# Longer than any meter writes them, and made of what grows most when it is quoted.
@pytest.mark.parametrize("value", ["x" * 1_400, '"' * 700])
def test_however_much_was_told_and_signed_an_answer_holds_it(paid: Run, value: str) -> None:
    sample = json.dumps({"value": value})
    signed = [
        CheckedValue(value=SignedValue(NOW, "Sample.Clock", sample), verification=Verification.UNSUPPORTED)
        for _ in range(1_000)
    ]
    told = Reading(
        at=NOW, energy_wh=10**9, power_w=10**6, soc_percent=50, current_ma=10**6, phase_currents_ma=(1, 2, 3)
    )
    stored = SimpleNamespace(reading=told)
    said = LoggedMessage(
        at=NOW, direction=Direction.IN, what="MeterValues", payload='{"transactionId":"tx-1"}' + sample
    )
    evidence = replace(
        paid.kit.dispute_evidence,
        signed=cast(Any, SimpleNamespace(of_session=lambda _: CheckedValues(signed, is_whole=True))),
        readings=cast(Any, SimpleNamespace(after=lambda *_: [stored] * 2_001)),
        message_log=cast(Any, SimpleNamespace(between=lambda *_: [said] * 1_000)),
    )
    text = evidence.of(paid.session).text
    assert len(json.dumps({"body": text}).encode()) < 6_291_556
    file = json.loads(text)
    assert set(file["files"]).isdisjoint(file["missing"])
    assert len(json.loads(file["files"]["signed-values.json"])) == len(signed)


def test_of_a_driver_who_was_forgotten_it_shows_nothing_that_leads_to_them(paid: Run) -> None:
    dispute(paid, "I was at my doctor's")
    _said(paid, "StopTransaction", {"transactionId": "tx-1", "idTag": "04A1B2C3"}, "m1")
    paid.kit.sessions.forget_driver(paid.session)
    paid.kit.drivers.forget("driver-1")
    # Nobody waits for an answer any more, and the operator's alarm ends.
    assert [it.status for it in paid.session.disputes] == [DisputeStatus.WITHDRAWN]
    text = paid.kit.dispute_evidence.of(paid.session).text
    for it in ("doctor", "04A1B2C3"):
        assert it not in text
    assert json.loads(text)["missing"]["messages.json"] == "its driver has been forgotten"


def test_a_message_is_of_a_charge_by_its_name_and_not_by_a_part_of_it() -> None:
    names = frozenset({"KAAAAAAAAAAAAAAAAA"})
    assert is_told_of('{"transactionId":17,"meterStop":1}', "17", names)
    assert is_told_of('{"transactionInfo":{"transactionId":"17"}}', "17", names)
    assert is_told_of('{"idTag":"KAAAAAAAAAAAAAAAAA"}', "17", names)
    assert not is_told_of('{"transactionId":170}', "17", names)
    assert not is_told_of('{"connectorId":17}', "17", names)
    assert not is_told_of('{"transactionId":".*"}', ".*x", frozenset())
    assert without_tokens('{"idToken":{"idToken":"A1","type":"ISO14443"}}') == (
        '{"idToken":{"idToken":"***","type":"ISO14443"}}'
    )


@pytest.mark.parametrize(
    "message",
    [
        '{"idTag":"04A1B2C3"}',
        '{"idTag":"x\\"04A1B2C3"}',
        '{"idToken":{"idToken":"x","additionalInfo":[{"additionalIdToken":"04A1B2C3","type":"card"}]}}',
        # The log cuts what grows long.
        '{"idTag":"04A1B2C3…',
    ],
)
def test_no_message_in_it_has_the_number_of_a_card(message: str) -> None:
    assert "04A1B2C3" not in without_tokens(message)
