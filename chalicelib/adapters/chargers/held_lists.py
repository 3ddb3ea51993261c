"""What is known of the list of tokens that a charger holds, and whose list is to be looked after."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from chalicelib.adapters.chargers.rows import CHARGER, charger_of
from chalicelib.adapters.dynamo import encode, shard_of, shards_of, some_due, update
from chalicelib.adapters.tables import ChargerRow
from chalicelib.records.chargers import Charger, HeldList
from chalicelib.records.parts import LIST_SHARDS

# Chargers are read so many at a time; who runs out of time has read no more than that in vain.
_TOGETHER = 50


class DynamoHeldLists:
    """The port HeldLists: which version of the local list each charger holds.

    Methods make one call where they say nothing else.
    """

    def confirm(self, charger_id: str, version: int) -> None:
        change = [ChargerRow.list_version.set(version)]
        if version < 0:
            change.append(ChargerRow.list_operator.remove())
        update(ChargerRow(charger_id, CHARGER), change, ChargerRow.charger_id.exists())

    def sends(self, charger: Charger, held: HeldList) -> bool:
        sent = ChargerRow.list_sent
        changes = [
            ChargerRow.list_operator.set(charger.operator_id),
            ChargerRow.list_until_s.set(held.until_s),
            ChargerRow.list_more.set(encode(held.more)) if held.more else ChargerRow.list_more.remove(),
            sent.set(held.sent),
            ChargerRow.list_size.set(held.size),
        ]
        as_known = sent == charger.list.sent
        if not charger.list.sent:
            as_known = sent.does_not_exist() | as_known
        is_there = ChargerRow.connection_id == charger.connection_id
        return update(ChargerRow(charger.charger_id, CHARGER), changes, as_known & is_there)

    def behind(self, operator_id: str, until_s: int, shard: int | None = None) -> Iterable[Charger]:
        """One call for each megabyte of keys, some 10,000 of all shards, and one for each fifty chargers."""
        keys = ChargerRow.lists.query(operator_id, ChargerRow.list_until_s < until_s)
        ids = (it.charger_id for it in keys if shard is None or shard_of(it.charger_id, LIST_SHARDS) == str(shard))
        while some := [(charger_id, CHARGER) for charger_id in islice(ids, _TOGETHER)]:
            yield from map(charger_of, ChargerRow.batch_get(some, consistent_read=True))

    def mark_due(self, charger_id: str) -> None:
        shard = shard_of(charger_id, LIST_SHARDS)
        update(ChargerRow(charger_id, CHARGER), [ChargerRow.list_due_shard.set(shard)])

    def due(self, shard: int | None = None) -> Iterable[str]:
        """A call for each shard, and one more for each charger given out: it is off the list then."""
        is_listed = ChargerRow.list_due_shard.exists()
        for it in shards_of(shard, LIST_SHARDS):
            for key in some_due(ChargerRow.list_due.query, it):
                # Of two who read the list at once one has it.
                if update(ChargerRow(key.charger_id, CHARGER), [ChargerRow.list_due_shard.remove()], is_listed):
                    yield key.charger_id
