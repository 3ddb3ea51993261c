"""Chargers' token buckets in DynamoDB: one row a charger, in no index, so that taking from one is a cheap write."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from chalicelib.adapters.chargers.rows import CHARGER
from chalicelib.adapters.dynamo import update
from chalicelib.adapters.tables import ChargerRow
from chalicelib.domain.chargers.allowance import TokenBucket

# Sorts before the charger and its connectors: nobody reads it with them.
_ALLOWANCE = "allowance"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


class DynamoAllowances:
    """Chargers' token buckets in DynamoDB: the port Allowances. Methods make one call where they say nothing else."""

    def take(self, charger_id: str, bucket: TokenBucket, tokens: int, at: datetime) -> bool:
        """One call while the bucket is full, two while it is not."""
        full_at = ChargerRow.messages_full_at_ms if bucket.name == "messages" else ChargerRow.transactions_full_at_ms
        row = ChargerRow(charger_id, _ALLOWANCE)
        now_ms, price_ms = (at - _EPOCH) // _MS, tokens * bucket.every // _MS
        if update(row, [full_at.set(now_ms + price_ms)], full_at.does_not_exist() | (full_at <= now_ms)):
            return True
        latest_ms = now_ms + bucket.fills_in // _MS - price_ms
        return update(row, [full_at.set(full_at + price_ms)], full_at <= latest_ms)

    def silence(self, charger_id: str, until: datetime) -> None:
        change = [ChargerRow.silent_until.set(until)]
        update(ChargerRow(charger_id, CHARGER), change, ChargerRow.charger_id.exists())
