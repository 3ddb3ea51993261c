"""What is kept of a settled charge is what was logged, or its proof shows that it is not."""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import boto3
import pytest

from chalicelib.domain.chargers.events import SignedValue
from chalicelib.services.money.settled import leaf
from cli.evidence import check, texts_of, unpack
from cli.proof import Key, Refused, verify
from tests.services.conftest import NOW, Kit
from tests.services.money.test_money import Run


@pytest.fixture
def logged(kit: Kit) -> Run:
    """A charge that was paid, and is in the log."""
    boto3.client("s3").create_bucket(Bucket="the-log")
    run = Run(kit).begun().ended().confirmed()
    receipt = kit.issued_receipts.get(run.session_id)
    assert receipt is not None
    kit.transparency_log.append([leaf(run.session, receipt)])
    return run


def _key(run: Run) -> Key:
    return Key.parse(run.kit.transparency_log.key.vkey)


def test_a_charge_as_it_was_settled_is_proven_and_so_is_its_evidence(logged: Run) -> None:
    assert verify(logged.kit.proofs.of(logged.session).text, _key(logged)).facts["session_id"] == logged.session_id
    assert any("those that were logged" in it for it in check(_evidence(logged), _key(logged)))


def _evidence(run: Run) -> str:
    return run.kit.dispute_evidence.of(run.session).text


def test_what_a_meter_signed_after_the_bill_takes_nothing_away_from_what_was_logged(kit: Kit) -> None:
    boto3.client("s3").create_bucket(Bucket="the-log")
    run = Run(kit).begun()

    def sign(minutes: range) -> None:
        found = [SignedValue(NOW + timedelta(minutes=it), "Sample.Periodic", f'{{"value":"{it}"}}') for it in minutes]
        kit.signed_values.keep("CP-1", "tx-1", found)

    sign(range(70))
    run.ended().confirmed()
    receipt = kit.issued_receipts.get(run.session_id)
    assert receipt is not None
    kit.transparency_log.append([leaf(run.session, receipt)])
    sign(range(70, 80))
    assert any("those that were logged" in it for it in check(_evidence(run), _key(run)))


def test_an_operator_who_changes_a_session_or_its_receipt_afterwards_is_found_out(
    logged: Run, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    receipt = logged.kit.issued_receipts.get(logged.session_id)
    assert receipt is not None
    dearer = replace(receipt, bill=replace(receipt.bill, total_minor=receipt.bill.total_minor + 100))
    monkeypatch.setattr(type(logged.kit.receipts), "get", lambda *_: dearer)
    with caplog.at_level(logging.ERROR):
        proof = logged.kit.proofs.of(logged.session)
    assert "a settled charge is not what was logged" in caplog.messages
    with pytest.raises(Refused, match="not what was logged"):
        verify(proof.text, _key(logged))


def _forged(file: str, name: str, was: str, becomes: str) -> str:
    """The file with another text, and the manifest that goes with it."""
    told = json.loads(file)
    assert was in told["files"][name]
    text = told["files"][name].replace(was, becomes)
    told["files"][name] = text
    for entry in told["manifest"]:
        if entry["name"] == name:
            entry.update(sha256=hashlib.sha256(text.encode()).hexdigest(), bytes=len(text.encode()))
    return json.dumps(told)


@pytest.mark.parametrize(
    ("name", "was", "becomes", "said"),
    [
        ("bill.json", '"energy_wh": 10000', '"energy_wh": 10001', "another than was logged"),
        ("session.json", '"energy_wh": 10000', '"energy_wh": 10001', "another energy"),
        ("session.json", '"session_id": "K', '"session_id": "L', "another charge"),
        ("checkpoint.txt", "\n1\n", "\n2\n", "another than that of its proof"),
        ("proof.tlog-proof", "\n1\n", "\n2\n", "signature"),
    ],
)
def test_who_forges_evidence_and_its_manifest_is_given_away_by_the_log(
    logged: Run, name: str, was: str, becomes: str, said: str
) -> None:
    with pytest.raises(Refused, match=said):
        check(_forged(_evidence(logged), name, was, becomes), _key(logged))


def test_a_text_that_was_changed_is_refused_and_none_is_written_elsewhere(logged: Run, tmp_path: Path) -> None:
    file = json.loads(_evidence(logged))
    file["files"]["bill.json"] += " "
    with pytest.raises(Refused, match=r"changed, or missing: bill\.json"):
        texts_of(json.dumps(file))
    with pytest.raises(Refused, match="no file of evidence"):
        texts_of("{}")
    for name in ("../outside", ".hidden", "a/b"):
        with pytest.raises(Refused, match="no name of a file"):
            unpack({name: ""}, tmp_path)
    assert list(tmp_path.iterdir()) == []
