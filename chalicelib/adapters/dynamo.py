"""Reads and writes DynamoDB rows, and stored values as JSON text.

One text for one value, and one way to find, put and change a row; a condition that does not hold is an answer.
What goes wrong otherwise is raised as PynamoDB raises it (GetError, PutError, UpdateError, DeleteError).
"""

from __future__ import annotations

import hashlib
import random
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Generic, TypeVar

import msgspec
from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.connection import TableConnection
from pynamodb.constants import ALL_NEW, ALL_OLD, NONE, STRING, UPDATED_OLD
from pynamodb.exceptions import DeleteError, GetError, PutError, PynamoDBException, UpdateError

from chalicelib.adapters.expressions import Change, Clause, Names, Values, update_expression
from chalicelib.adapters.row import Row
from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.domain.data_classes import dataclass
from chalicelib.records import Conflict
from chalicelib.records.pages import BadCursor, cursor_at, place_at

Value = TypeVar("Value")
Found = TypeVar("Found", bound=Row)

# DynamoDB's limit for a sort key; a partition key may be longer, but no name of ours is.
_LONGEST_KEY_BYTES = 1024
# As many as DynamoDB takes.
_DELETED_A_CALL = 25
_BATCH_ATTEMPTS = 8
# More than one invocation can do of a shard; the rest is the next one's.
_MOST_DUE = 500
_RANDOM = random.SystemRandom()
_LEARNT: set[type[object]] = set()
_LEARNING = threading.Lock()
_ERRORS: Mapping[str, type[PynamoDBException]] = {
    "GetItem": GetError,
    "PutItem": PutError,
    "UpdateItem": UpdateError,
    "DeleteItem": DeleteError,
    "BatchWriteItem": DeleteError,
}


def encode(value: object) -> str:
    """A frozen dataclass as canonical JSON: equal values made the same way give equal text."""
    return msgspec.json.encode(value, order="deterministic").decode()


def decode(kind: type[Value], text: str) -> Value:
    """The value behind `text`; fields newer than the text take their defaults. ValueError for any other text."""
    _learn(kind)
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.MsgspecError as error:
        raise ValueError(f"not a {kind}: {error}") from error


def record_of(kind: type[Value], row: Row, **others: object) -> Value:
    """The record whose fields a row has under their own names; `others` are those that it keeps in other words.

    A field that the row has no value for takes its default. Raises ValueError where one that has none is missing.
    """
    _learn(kind)
    try:
        return msgspec.convert(row.attribute_values | others, kind)
    except msgspec.MsgspecError as error:
        raise ValueError(f"not a {kind}: {error}") from error


def _learn(kind: type[object]) -> None:
    """Let msgspec read a class before any thread uses it.

    It notes a class before it has read its fields: a thread that meets it then follows pointers to nothing, and the
    process is gone.
    """
    if kind not in _LEARNT:
        with _LEARNING:
            msgspec.json.Decoder(kind)
            _LEARNT.add(kind)


def connector_id(text: str) -> ConnectorId:
    """Read what str() wrote; unlike ConnectorId.parse it knows connector 0, the charger as a whole."""
    evse, _, plug = text.partition(".")
    return ConnectorId(int(evse), int(plug or 1))


def can_be_key(text: str) -> bool:
    """Whether a row can have this key; what comes from outside may be empty or endless."""
    return 0 < len(text.encode()) <= _LONGEST_KEY_BYTES


def find(model: type[Found], key: str, sort_key: str | None = None, *, consistent: bool = True) -> Found | None:
    """The row with that key, as it is now (one call); None for a key no row can have (no call).

    Where not `consistent` a row written this second may be missed, or be as it was.
    """
    if not can_be_key(key) or (sort_key is not None and not can_be_key(sort_key)):
        return None
    asked: dict[str, Any] = {"Key": model(key, sort_key).key()}
    if consistent:
        asked["ConsistentRead"] = True
    item = _asked(model, "GetItem", asked).get("Item")
    return model.from_raw_data(item) if item else None


@dataclass(frozen=True, slots=True)
class NewestFirst(Generic[Found]):
    """A list that is read a page at a time, the newest first: the rows of a partition of a table or an index.

    `names` are the attributes of a row's place, all of them text: its partition's, then those within it.
    """

    row: type[Found]
    query: Callable[..., Iterable[Found]]
    names: Sequence[str]
    consistent_read: bool = False

    def page(self, partition: str, limit: int, before: str | None) -> tuple[list[Found], str | None]:
        """So many rows after the cursor `before`, and the cursor of the next page or None. One call; BadCursor."""
        start = None
        if before is not None:
            start = {name: {STRING: text} for name, text in zip(self.names, self._read(partition, before), strict=True)}
        rows = list(
            self.query(
                partition,
                scan_index_forward=False,
                limit=limit + 1,
                last_evaluated_key=start,
                consistent_read=self.consistent_read,
            )
        )
        return rows[:limit], cursor_at(self._place(rows[limit - 1])) if len(rows) > limit else None

    def _place(self, row: Found) -> list[str]:
        attributes = self.row.get_attributes()
        return [str(attributes[name].serialize(getattr(row, name))) for name in self.names[1:]]

    def _read(self, partition: str, cursor: str) -> Sequence[str]:
        """The key that a cursor stands for; what no row can have as its key is no cursor of ours."""
        names = self.names[1:]
        place = [str(it) for it in place_at(cursor, *[str] * len(names))]
        attributes = self.row.get_attributes()
        try:
            for name, text in zip(names, place, strict=True):
                attributes[name].deserialize(text)
        except (ValueError, TypeError):
            raise BadCursor from None
        if not all(map(can_be_key, place)):
            raise BadCursor
        return partition, *place


def shard_of(key: str, shards: int) -> str:
    """Which of so many partitions of an index a row lies in: one partition would take 1,000 writes a second only."""
    return str(hashlib.sha256(key.encode()).digest()[0] % shards)


def shards_of(only: int | None, shards: int) -> Sequence[str]:
    """The shards to be looked into: that one, or all, in another order each time.

    Whoever runs out of time has not always left the same ones out.
    """
    return [str(only)] if only is not None else [str(it) for it in _RANDOM.sample(range(shards), shards)]


def some_due(query: Callable[..., Iterable[Found]], shard: str, condition: Clause | None = None) -> list[Found]:
    """The keys in a shard of an index that have been due for longest, in no order, so that none stands in front."""
    found = list(query(shard, condition, limit=_MOST_DUE))
    _RANDOM.shuffle(found)
    return found


def is_refused(error: PynamoDBException) -> bool:
    """Whether a write failed only because its condition did not hold."""
    # The cause is no answer at all where the network failed, and PynamoDB would look for a code in it.
    return isinstance(error.cause, ClientError) and error.cause_response_code == "ConditionalCheckFailedException"


def put(row: Row, condition: Clause | None = None) -> bool:
    """Write a whole row; False when `condition` does not hold of the one stored."""
    return _written(row, "PutItem", {"Item": row.serialize()}, condition) is not None


def put_own(row: Row, is_new: Clause) -> None:
    """Write a whole row that names its operator (one call). Raises Conflict unless it is new, or that operator's."""
    owned: Any = row
    if not put(row, is_new | (type(owned).operator_id == owned.operator_id)):
        raise Conflict("that id is another operator's")


def update(row: Row, changes: Iterable[Change], condition: Clause | None = None) -> bool:
    """Change the row of that key; False (and nothing changes) when `condition` does not hold. Nothing is read."""
    return _changed(row, changes, condition, NONE) is not None


def update_and_read(row: Row, changes: Iterable[Change], condition: Clause | None = None) -> bool:
    """Change a row, which then is as stored; False (and nothing changes) when `condition` does not hold."""
    stored = _changed(row, changes, condition, ALL_NEW)
    if stored is None:
        return False
    row.deserialize(stored["Attributes"])
    return True


def replaced(
    row: Found, changes: Iterable[Change], condition: Clause | None = None, *, only_changed: bool = False
) -> Found | None:
    """Change the row of that key; what it was before, without a value where there was none.

    Of what it was all, or `only_changed`: what the changes name. None (and nothing changes) when `condition` does not
    hold.
    """
    stored = _changed(row, changes, condition, UPDATED_OLD if only_changed else ALL_OLD)
    return type(row).from_raw_data(stored.get("Attributes", {})) if stored is not None else None


def delete(row: Row, condition: Clause | None = None) -> bool:
    """Delete the row of that key, be it there or not; False (and it stays) when `condition` does not hold."""
    return _written(row, "DeleteItem", {"Key": row.key()}, condition) is not None


def delete_all(rows: Iterable[Row]) -> Iterator[int]:
    """Delete rows of one table, 25 a call, and say after each call how many; whoever stops asking leaves the rest."""
    found = iter(rows)
    while some := list(islice(found, _DELETED_A_CALL)):
        model = type(some[0])
        name = model.Meta.table_name
        left: Any = [{"DeleteRequest": {"Key": row.key()}} for row in some]
        for _ in range(_BATCH_ATTEMPTS):
            answer = _asked(model, "BatchWriteItem", {"RequestItems": {name: left}})
            left = answer.get("UnprocessedItems", {}).get(name)
            if not left:
                break
        else:
            raise DeleteError(f"{len(left)} rows of {name} were not deleted")
        yield len(some)


def table_of(model: type[Row]) -> TableConnection:
    """PynamoDB's connection of a table."""
    return model._get_connection()


def _changed(row: Row, changes: Iterable[Change], condition: Clause | None, returned: str) -> Any:
    names: Names = {}
    values: Values = {}
    asked = {"Key": row.key(), "UpdateExpression": update_expression(changes, names, values)}
    if returned != NONE:
        asked["ReturnValues"] = returned
    return _written(row, "UpdateItem", asked, condition, (names, values))


def _written(
    row: Row,
    operation: str,
    asked: dict[str, Any],
    condition: Clause | None,
    told: tuple[Names, Values] | None = None,
) -> Any:
    """The answer; None where the condition did not hold. `told` are the names and values in what is asked so far."""
    names, values = told or ({}, {})
    if condition is not None:
        asked["ConditionExpression"] = condition.serialize(names, values)
    if names:
        asked["ExpressionAttributeNames"] = {mark: name for name, mark in names.items()}
    if values:
        asked["ExpressionAttributeValues"] = values
    try:
        return _asked(type(row), operation, asked)
    except _ERRORS[operation] as error:
        if not is_refused(error):
            raise
        return None


def _asked(model: type[Row], operation: str, asked: dict[str, Any]) -> Any:
    if "RequestItems" not in asked:
        asked["TableName"] = model.Meta.table_name
    try:
        return table_of(model).connection.dispatch(operation, asked)
    except (ClientError, BotoCoreError) as cause:
        raise _ERRORS[operation](f"{operation} failed: {cause}", cause) from cause
