"""What is known of the list of tokens that a charger holds, and whose list is to be looked after."""

from __future__ import annotations

from collections.abc import Iterable

from pynamodb.expressions.condition import Condition

from chalicelib.adapters.chargers.rows import CHARGER
from chalicelib.adapters.dynamo import encode, shard_of, update
from chalicelib.adapters.tables import ChargerRow
from chalicelib.records.chargers import Charger, HeldList

_SHARDS = 8


class DynamoHeldLists:
    """The port HeldLists."""

    def confirm(self, charger_id: str, version: int) -> None:
        """One call."""
        change = [ChargerRow.list_version.set(version)]
        if version < 0:
            change.append(ChargerRow.list_operator.remove())
        update(ChargerRow(charger_id, CHARGER), change, ChargerRow.charger_id.exists())

    def sends(self, charger: Charger, held: HeldList) -> bool:
        """One call."""
        sent = ChargerRow.list_sent
        changes = [
            ChargerRow.list_operator.set(charger.operator_id),
            ChargerRow.list_until_s.set(held.until_s),
            ChargerRow.list_more.set(encode(held.more)) if held.more else ChargerRow.list_more.remove(),
            sent.set(held.sent),
            ChargerRow.list_size.set(held.size),
        ]
        as_known: Condition = sent == charger.list.sent
        if not charger.list.sent:
            as_known = sent.does_not_exist() | as_known
        is_there = ChargerRow.connection_id == charger.connection_id
        return update(ChargerRow(charger.charger_id, CHARGER), changes, as_known & is_there)

    def behind(self, operator_id: str, until_s: int) -> Iterable[str]:
        """One call for each megabyte: some 10,000 chargers."""
        for key in ChargerRow.lists.query(operator_id, ChargerRow.list_until_s < until_s):
            yield key.charger_id

    def mark_due(self, charger_id: str) -> None:
        """One call."""
        shard = shard_of(charger_id, _SHARDS)
        update(ChargerRow(charger_id, CHARGER), [ChargerRow.list_due_shard.set(shard)])

    def due(self) -> Iterable[str]:
        """Eight calls, and one more for each charger given out: it is off the list then."""
        for shard in range(_SHARDS):
            for key in ChargerRow.list_due.query(str(shard)):
                update(ChargerRow(key.charger_id, CHARGER), [ChargerRow.list_due_shard.remove()])
                yield key.charger_id
