"""Gathers the evidence of a session into one file: what its charger told, what its meter signed, its bill, its proof.

Driver and operator get the same. Nobody's card number is in it, nor who of the operator's people did what. Of a driver
who was forgotten nothing is shown that may lead to them: neither what was signed, nor what was said.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from chalicelib.domain.charging.session import Session
from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.money.dispute_file import EvidenceFile, evidence_text, is_told_of, without_tokens
from chalicelib.domain.money.settlement import settled_bill
from chalicelib.domain.pricing.plain import plain
from chalicelib.ports.chargers import MessageLog
from chalicelib.ports.charging import Readings, Transactions
from chalicelib.ports.drivers import Drivers
from chalicelib.ports.money import Ledger, Receipts
from chalicelib.ports.transparency import MeterKeys
from chalicelib.records.charging import Transaction
from chalicelib.services.access import NotFound, Refusal
from chalicelib.services.money.proofs import Proofs
from chalicelib.services.transparency.signed_evidence import CheckedValue, SignedEvidence, document

# So much of each, and what is beyond it is said to be missing.
_MOST_READINGS, _MOST_MESSAGES, _MOST_MESSAGE_CHARS, _MOST_SIGNED_CHARS = 2_000, 1_000, 500_000, 1_500_000
# An answer of Lambda's holds six megabytes, in which what is quoted twice is up to eight times as long.
_MOST_ANSWER_BYTES = 6_000_000
# What nobody can do without is there first.
_LAST = ("signed-values.json", "messages.json", "readings.json", "signed-values.xml")
# What was said before a charge began, and after it ended, belongs to it.
_AROUND = timedelta(minutes=5)
_FACTS = ("ref", "connector", "started_at", "started_heard_at", "meter_start_wh", "stopped_at", "stopped_heard_at")
_FACTS_OF_END = ("meter_stop_wh", "stop_reason", "stop_word", "first_seq_no", "last_seq_no", "settlement")
_FORGOTTEN = "its driver has been forgotten"
_ABOUT = {
    "session.json": "what is known of the charge, and what was said in dispute of it",
    "transaction.json": "the transaction as the charger told it; heard_at is our clock",
    "readings.json": "the meter's plain readings, in order of time",
    "signed-values.json": "what the meter signed, to the letter, how its check went, and by which key",
    "signed-values.xml": "the same for the S.A.F.E. transparency software",
    "meter-keys.json": "the keys that the charger's meters were known by, each from when until when",
    "tariff.json": "the tariff as it was agreed when the charge was asked for",
    "bill.json": "the bill, its lines, and all that it follows from",
    "payments.json": "what was set aside, taken, given back and waived, and every transfer of it in the books",
    "messages.json": "what charger and operator said of this charge; cards' numbers and secrets are struck out",
    "proof.tlog-proof": "that the charge is in the log as it was settled (c2sp.org/tlog-proof)",
    "checkpoint.txt": "the log's signed checkpoint that the proof leads to",
}


@dataclass(frozen=True, kw_only=True)
class DisputeEvidence:
    """Gathers a session's evidence. Some ten reads, and one for each megabyte of readings and messages."""

    transactions: Transactions
    readings: Readings
    message_log: MessageLog
    meter_keys: MeterKeys
    signed: SignedEvidence
    ledger: Ledger
    receipts: Receipts
    drivers: Drivers
    proofs: Proofs

    def of(self, session: Session) -> EvidenceFile:
        """All of it, as it stands now. Raises Refusal: nothing was billed."""
        if session.bill is None:
            raise Refusal("not_billed", f"session is {session.told_state}; its evidence comes with its bill")
        is_forgotten = session.driver_id is not None and self.drivers.get(session.driver_id) is None
        texts: dict[str, str] = {
            "session.json": evidence_text(_session(session)),
            "tariff.json": evidence_text(plain(session.tariff)),
            "payments.json": evidence_text(self._payments(session)),
            "meter-keys.json": evidence_text(plain(self.meter_keys.of(session.charger_id))),
        }
        missing: dict[str, str] = {}
        self._told(session, texts, missing)
        self._signed(session, texts, missing, is_forgotten=is_forgotten)
        self._messages(session, texts, missing, is_forgotten=is_forgotten)
        self._proven(session, texts, missing)
        _fit(texts, missing)
        return EvidenceFile(session_id=session.session_id, texts=texts, about=_ABOUT, missing=missing)

    def _told(self, session: Session, texts: dict[str, str], missing: dict[str, str]) -> None:
        facts = self.transactions.get(session.charger_id, session.ref) if session.ref else None
        if facts is None or session.ref is None:
            missing["transaction.json"] = missing["readings.json"] = "its charger told nothing of it"
            return
        texts["transaction.json"] = evidence_text(_transaction(facts))
        found = self.readings.after(session.charger_id, session.ref, "", _MOST_READINGS + 1)
        texts["readings.json"] = evidence_text([plain(it.reading) for it in found[:_MOST_READINGS]])
        if len(found) > _MOST_READINGS:
            missing["the rest of readings.json"] = f"there are more than {_MOST_READINGS}; its curve shows them"

    def _signed(self, session: Session, texts: dict[str, str], missing: dict[str, str], *, is_forgotten: bool) -> None:
        try:
            found = self.signed.of_session(session)
        except NotFound:
            missing["signed-values.json"] = "the meter signed nothing of this charge"
            return
        checked = found.values
        if not found.is_whole:
            missing["the rest of signed-values.json"] = "there are too many: the first and the last are here"
        size = sum(len(it.value.sample) for it in checked)
        shown = evidence_text([_value(it, is_shown=True) for it in checked]) if size <= _MOST_SIGNED_CHARS else ""
        is_long = not shown or _answer_bytes(shown) > _MOST_ANSWER_BYTES // 2
        why = _FORGOTTEN if is_forgotten else "they are too long for one file: GET .../signed-values has them"
        is_shown = not is_forgotten and not is_long
        texts["signed-values.json"] = evidence_text([_value(it, is_shown=is_shown) for it in checked])
        if is_shown:
            texts["signed-values.xml"] = document(session, found)
        else:
            missing["the letter of signed-values.json"] = missing["signed-values.xml"] = why

    def _messages(
        self, session: Session, texts: dict[str, str], missing: dict[str, str], *, is_forgotten: bool
    ) -> None:
        if is_forgotten:
            missing["messages.json"] = _FORGOTTEN
            return
        began_at = (session.started_at or session.created_at) - _AROUND
        ended_at = max(session.stopped_at or began_at, session.ended_at or began_at) + _AROUND
        names = frozenset({session.session_id, session.token} - {""})
        left, found = _MOST_MESSAGE_CHARS, []
        said_then = self.message_log.between(session.charger_id, began_at, ended_at, _MOST_MESSAGES + 1)
        if len(said_then) > _MOST_MESSAGES:
            missing["the rest of messages.json"] = f"its charger said more than {_MOST_MESSAGES} meanwhile"
        for it in said_then[:_MOST_MESSAGES]:
            said = it.payload + it.answer
            if not is_told_of(said, session.ref, names):
                continue
            left -= len(said)
            if left < 0:
                missing["the rest of messages.json"] = "there are too many"
                break
            shown = replace(it, payload=without_tokens(it.payload), answer=without_tokens(it.answer), connection_id="")
            found.append(plain(shown))
        if found:
            texts["messages.json"] = evidence_text(found)
        else:
            missing["messages.json"] = "none is kept: the message log goes back thirty days"

    def _proven(self, session: Session, texts: dict[str, str], missing: dict[str, str]) -> None:
        receipt = self.receipts.get(session.session_id)
        bill = settled_bill(session, receipt) if receipt else session.bill
        texts["bill.json"] = evidence_text(plain(bill))
        try:
            proof = self.proofs.of(session)
        except Refusal as refusal:
            missing["proof.tlog-proof"] = missing["checkpoint.txt"] = str(refusal)
            return
        texts["proof.tlog-proof"], texts["checkpoint.txt"] = proof.text, proof.checkpoint

    def _payments(self, session: Session) -> Mapping[str, Any]:
        """Who of the operator's people asked for it is the operator's own affair."""
        return {
            "currency": session.tariff.currency,
            "held": [{"payment_id": it.payment_id, "amount_minor": it.amount_minor} for it in session.holds],
            "taken": plain(session.takings or ()),
            "paid": plain(session.payment),
            "at_terminal": plain(session.settlement),
            "refunds": plain(session.refunds),
            "corrections": [plain(replace(it, by="")) for it in session.corrections],
            "written_off_minor": session.written_off_minor,
            "waived_minor": session.waived_minor,
            "transfers": plain(self.ledger.of_session(session.session_id)),
        }


def _fit(texts: dict[str, str], missing: dict[str, str]) -> None:
    """Leave out what an answer cannot hold beside the rest."""
    left = _MOST_ANSWER_BYTES
    for name in (*sorted(texts.keys() - set(_LAST)), *(it for it in _LAST if it in texts)):
        size = _answer_bytes(texts[name])
        if size > left:
            del texts[name]
            missing[name] = "it is too long for one file"
        else:
            left -= size


def _answer_bytes(text: str) -> int:
    """How long a text is in the answer: quoted in the file, and with that in what Lambda hands on."""
    return len(json.dumps(json.dumps(text, ensure_ascii=False)))


def _session(session: Session) -> Mapping[str, Any]:
    return {
        "session_id": session.session_id,
        "operator_id": session.operator_id,
        "site_id": session.site_id,
        "charger_id": session.charger_id,
        "connector": str(session.connector),
        "origin": plain(session.origin),
        "state": plain(session.told_state),
        "reason": plain(session.reason),
        "flags": plain(session.flags),
        "limits": plain(session.limits),
        "time_zone": session.time_zone,
        "asked_at": plain(session.asked_at or session.created_at),
        "started_at": plain(session.started_at),
        "stopped_at": plain(session.stopped_at),
        "unplugged_at": plain(session.unplugged_at),
        "is_end_inferred": session.is_end_inferred,
        "late_end": plain(session.late_end),
        "meter_start_wh": session.meter_start_wh,
        "meter_stop_wh": session.meter_stop_wh,
        "energy_wh": session.energy_wh,
        "decided_wh": session.decided_wh,
        "signed": plain(session.signed),
        "disputes": plain(session.disputes),
    }


def _transaction(facts: Transaction) -> Mapping[str, Any]:
    return {name: plain(getattr(facts, name)) for name in (*_FACTS, *_FACTS_OF_END)}


def _value(it: CheckedValue, *, is_shown: bool) -> Mapping[str, Any]:
    return {
        "at": plain(it.value.at),
        "context": it.value.context,
        "sample": it.value.sample if is_shown else None,
        "sha256": hashlib.sha256(it.value.sample.encode()).hexdigest(),
        "verification": plain(it.verification),
        "reason": it.reason,
        "meter": it.record.meter if it.record else "",
        "key": it.key,
    }
