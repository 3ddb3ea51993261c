"""What is logged of a settled charge: its facts, its bill with all that it follows from, and what its meter signed.

All of it stands in the receipt as it was issued, or in what never changes of a session, so that it can be said again
to the letter. Of the driver there is nothing. Of an invoice it is all that stands on it, as it was issued.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from chalicelib.domain.charging.bounds import within_limit
from chalicelib.domain.charging.session import Session
from chalicelib.domain.money.invoice import Invoice
from chalicelib.domain.money.receipt import Receipt
from chalicelib.domain.pricing.plain import plain
from chalicelib.domain.pricing.settled import SettledBill
from chalicelib.domain.transparency.entries import EntryPart, entry


def settled_bill(session: Session, receipt: Receipt) -> SettledBill:
    """The bill, by the tariff as it was applied: with the driver's limit; where nothing was delivered, what is left."""
    applied = SettledBill(
        tariff=within_limit(session),
        bill=receipt.bill,
        time_zone=receipt.time_zone,
        began_at=receipt.started_at,
        ended_at=receipt.stopped_at,
        energy_wh=receipt.energy_wh,
        reserved=session.reserved,
    )
    if receipt.energy_wh:
        return applied
    blocking = applied.tariff.for_blocking
    ways = [replace(applied, is_charge=False), *([replace(applied, tariff=blocking)] if blocking else []), applied]
    return next((it for it in ways if not it.faults()), applied)


def parts(session: Session, receipt: Receipt) -> Mapping[EntryPart, str]:
    """The texts whose hashes are logged: canonical JSON each."""
    facts = {
        "session_id": receipt.session_id,
        "receipt": receipt.number,
        "operator_id": receipt.operator_id,
        "site": receipt.site_name,
        "address": receipt.address,
        "time_zone": receipt.time_zone,
        "charger_id": receipt.charger_id,
        "connector": receipt.connector,
        "started_at": receipt.started_at.isoformat(),
        "stopped_at": receipt.stopped_at.isoformat(),
        "meter_start_wh": receipt.meter_start_wh,
        "meter_stop_wh": receipt.meter_stop_wh,
        "energy_wh": receipt.energy_wh,
        "issued_at": receipt.issued_at.isoformat(),
    }
    signed = plain(session.signed) if session.signed is not None else None
    return {
        EntryPart.FACTS: _text(facts),
        EntryPart.BILL: _text(plain(settled_bill(session, receipt))),
        EntryPart.SIGNED: _text(signed),
    }


def settled_entry(session: Session, receipt: Receipt) -> str:
    """The entry of the log; of a session without a salt there is none. Raises ValueError."""
    if not session.salt:
        raise ValueError(f"session {session.session_id} has no salt")
    return entry(session.salt, parts(session, receipt))


def paper_text(invoice: Invoice) -> str:
    """The text whose hash is logged of an invoice or credit note: all that is on it, as canonical JSON."""
    return _text(plain(replace(invoice, salt="", issued_at=None)))


def _text(told: Any) -> str:
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
