"""A command in flight is one row, and taking it deletes it, so that only one answer ever finds it."""

from __future__ import annotations

from datetime import timedelta

from pynamodb.constants import ALL_OLD, ATTRIBUTES

from chalicelib.adapters.tables import CallRow, decode, encode, table_of
from chalicelib.ports import PendingCall

# No charger answers a command after a day; what is left then is cleared away.
_KEPT = timedelta(days=1)


class DynamoCalls:
    """The port Calls."""

    def add(self, call: PendingCall) -> None:
        """One call."""
        CallRow(call.charger_id, call.message_id, body=encode(call), expires_at=call.sent_at + _KEPT).save()

    def take(self, charger_id: str, message_id: str) -> PendingCall | None:
        """One call; none for an empty id."""
        if not message_id:
            return None
        taken = table_of(CallRow).delete_item(charger_id, message_id, return_values=ALL_OLD)
        row = taken.get(ATTRIBUTES)
        return decode(PendingCall, CallRow.from_raw_data(row).body) if row else None
