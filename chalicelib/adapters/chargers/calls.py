"""A command sent is one row, and its first answer is written into it, in whatever process and however late it comes."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from chalicelib.adapters.dynamo import can_be_key, decode, encode, find, put, update
from chalicelib.adapters.tables import CallRow
from chalicelib.domain.chargers.commands import CommandResult
from chalicelib.records.chargers import SentCall

_KEPT = timedelta(days=7)


class DynamoCalls:
    """The port Calls. Every method makes one call; none for an id no row can have."""

    def add(self, call: SentCall) -> bool:
        row = CallRow(call.charger_id, call.message_id, body=encode(call), expires_at=call.sent_at + _KEPT)
        return put(row, CallRow.charger_id.does_not_exist())

    def get(self, charger_id: str, message_id: str) -> SentCall | None:
        row = find(CallRow, charger_id, message_id)
        return _call(row) if row else None

    def answer(self, charger_id: str, message_id: str, result: CommandResult, at: datetime) -> SentCall | None:
        if not can_be_key(message_id):
            return None
        row = CallRow(charger_id, message_id)
        first = CallRow.charger_id.exists() & CallRow.result.does_not_exist()
        if not update(row, [CallRow.result.set(encode(result)), CallRow.answered_at.set(at)], first):
            return None
        return _call(row)


def _call(row: CallRow) -> SentCall:
    call = decode(SentCall, row.body)
    if row.result is None:
        return call
    return replace(call, result=decode(CommandResult, row.result), answered_at=row.answered_at)
