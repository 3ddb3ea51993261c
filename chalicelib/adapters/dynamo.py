"""Reads and writes DynamoDB rows through PynamoDB, and stored values as JSON text.

One text for one value, and one way to find, put and change a row; a condition that does not hold is an answer.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec
from botocore.exceptions import ClientError
from pynamodb.attributes import Attribute
from pynamodb.connection import TableConnection
from pynamodb.constants import NUMBER, STRING
from pynamodb.exceptions import PutError, PynamoDBException, UpdateError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.models import Model

from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.records import Conflict
from chalicelib.records.pages import BadCursor, cursor_at, place_at

Value = TypeVar("Value")
Row = TypeVar("Row", bound=Model)

# DynamoDB's limit for a sort key; a partition key may be longer, but no name of ours is.
_LONGEST_KEY_BYTES = 1024
# More than one invocation can do of a shard; the rest is the next one's.
_MOST_DUE = 500
_RANDOM = random.SystemRandom()


def encode(value: object) -> str:
    """A frozen dataclass as canonical JSON: equal values made the same way give equal text."""
    return msgspec.json.encode(value, order="deterministic").decode()


def decode(kind: type[Value], text: str) -> Value:
    """The value behind `text`; fields newer than the text take their defaults. ValueError for any other text."""
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.MsgspecError as error:
        raise ValueError(f"not a {kind}: {error}") from error


def connector_id(text: str) -> ConnectorId:
    """Read what str() wrote; unlike ConnectorId.parse it knows connector 0, the charger as a whole."""
    evse, _, plug = text.partition(".")
    return ConnectorId(int(evse), int(plug or 1))


def can_be_key(text: str) -> bool:
    """Whether a row can have this key; what comes from outside may be empty or endless."""
    return 0 < len(text.encode()) <= _LONGEST_KEY_BYTES


def find(model: type[Row], key: str, sort_key: str | None = None, *, consistent: bool = True) -> Row | None:
    """The row with that key, as it is now (one call); None for a key no row can have (no call).

    Where not `consistent` a row written this second may be missed, or be as it was.
    """
    if not can_be_key(key) or (sort_key is not None and not can_be_key(sort_key)):
        return None
    try:
        return model.get(key, sort_key, consistent_read=consistent)
    except model.DoesNotExist:
        return None


@dataclass(frozen=True, slots=True)
class NewestFirst(Generic[Row]):
    """A list that is read a page at a time, the newest first: the rows of a partition of a table or an index.

    `names` are the attributes of a row's place, all of them text: its partition's, then those within it.
    """

    row: type[Row]
    query: Callable[..., Iterable[Row]]
    names: Sequence[str]
    consistent_read: bool = False

    def page(self, partition: str, limit: int, before: str | None) -> tuple[list[Row], str | None]:
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

    def _place(self, row: Row) -> list[str]:
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


def some_due(query: Callable[..., Iterable[Row]], shard: str, condition: Condition | None = None) -> list[Row]:
    """The keys in a shard of an index that have been due for longest, in no order, so that none stands in front."""
    found = list(query(shard, condition, limit=_MOST_DUE))
    _RANDOM.shuffle(found)
    return found


def is_refused(error: PynamoDBException) -> bool:
    """Whether a write failed only because its condition did not hold."""
    # The cause is no answer at all where the network failed, and PynamoDB would look for a code in it.
    return isinstance(error.cause, ClientError) and error.cause_response_code == "ConditionalCheckFailedException"


def put(row: Model, condition: Condition | None = None) -> bool:
    """Write a whole row; False when `condition` does not hold of the one stored."""
    try:
        row.save(condition)
    except PutError as error:
        if not is_refused(error):
            raise
        return False
    return True


def put_own(row: Model, is_new: Condition) -> None:
    """Write a whole row that names its operator (one call). Raises Conflict unless it is new, or that operator's."""
    owned: Any = row
    if not put(row, is_new | (type(owned).operator_id == owned.operator_id)):
        raise Conflict("that id is another operator's")


def update(row: Model, actions: Sequence[Action], condition: Condition | None = None) -> bool:
    """Change a row, which then is as stored; False (and nothing changes) when `condition` does not hold."""
    try:
        row.update(list(actions), condition)
    except UpdateError as error:
        if not is_refused(error):
            raise
        return False
    return True


def table_of(model: type[Model]) -> TableConnection:
    """The calls beneath a model, for those that return what was there before."""
    return model._get_connection()


class IntegerAttribute(Attribute[int]):
    """A whole number in a row; PynamoDB's own would read it as a float."""

    attr_type = NUMBER

    def serialize(self, value: int) -> str:
        """The number as DynamoDB takes it: its decimal digits."""
        return str(value)

    def deserialize(self, value: str) -> int:
        """The number that DynamoDB holds. ValueError for one with decimals."""
        return int(value)
