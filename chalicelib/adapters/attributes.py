"""The attributes that rows are made of: what DynamoDB stores of a value, and what can be asked of it in a call.

They are PynamoDB's, which makes tables, keys and indexes of them; reading, writing and expressions are ours, since
those of PynamoDB took most of a frame's processor time.
"""

from __future__ import annotations

from calendar import timegm
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Self, TypeVar, overload

from pynamodb.attributes import Attribute, TTLAttribute
from pynamodb.constants import BOOLEAN, LIST, MAP, NUMBER, STRING, STRING_SET

from chalicelib.adapters.expressions import (
    Addition,
    Change,
    Clause,
    Deletion,
    EntryRemoval,
    EntrySetting,
    Operand,
    Removal,
    Setting,
    mark_of,
)

Value = TypeVar("Value")

_STORED_TIME = len("2026-11-21T09:30:00.000000+0000")


class Plain(Attribute[Value]):
    """An attribute whose name in DynamoDB is its name in the row, and of which a row holds the value itself."""

    def __set_name__(self, owner: type[Any], name: str) -> None:
        super().__set_name__(owner, name)
        if self.attr_name != name:
            raise ValueError(f"{name} is stored as {self.attr_name}")
        self._mark, self._names = mark_of(name), (name,)

    @overload
    def __get__(self, instance: None, owner: Any) -> Self: ...

    @overload
    def __get__(self, instance: Any, owner: Any) -> Value: ...

    def __get__(self, instance: Any, owner: Any) -> Any:
        return self if instance is None else instance.attribute_values.get(self._names[0])

    def __set__(self, instance: Any, value: Value | None) -> None:
        instance.attribute_values[self._names[0]] = value

    def _is(self, sign: str, value: Any) -> Clause:
        if isinstance(value, Plain):
            return Clause(f"{self._mark} {sign} {value._mark}", self._names + value._names)
        return Clause(f"{self._mark} {sign} {{}}", self._names, ({self.attr_type: self.serialize(value)},))

    # As PynamoDB's: what is asked by `==` is no equality, and nothing can be found by it.
    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: Any) -> Clause:  # type: ignore[override]
        return self._is("=", other)

    def __ne__(self, other: Any) -> Clause:  # type: ignore[override]
        return self._is("<>", other)

    def __lt__(self, other: Any) -> Clause:  # type: ignore[override]
        return self._is("<", other)

    def __le__(self, other: Any) -> Clause:  # type: ignore[override]
        return self._is("<=", other)

    def __gt__(self, other: Any) -> Clause:  # type: ignore[override]
        return self._is(">", other)

    def __ge__(self, other: Any) -> Clause:  # type: ignore[override]
        return self._is(">=", other)

    def between(self, lower: Any, upper: Any) -> Clause:  # type: ignore[override]
        """It is one of the two, or lies between them."""
        ends = ({self.attr_type: self.serialize(lower)}, {self.attr_type: self.serialize(upper)})
        return Clause(f"{self._mark} BETWEEN {{}} AND {{}}", self._names, ends)

    def exists(self) -> Clause:  # type: ignore[override]
        """An item without it is one that is not there."""
        return Clause(f"attribute_exists ({self._mark})", self._names)

    def does_not_exist(self) -> Clause:  # type: ignore[override]
        """Of no item is it said so surely as of one that is not there."""
        return Clause(f"attribute_not_exists ({self._mark})", self._names)

    def startswith(self, prefix: str) -> Clause:  # type: ignore[override]
        """A text begins with that."""
        return Clause(f"begins_with ({self._mark}, {{}})", self._names, ({STRING: prefix},))

    def contains(self, item: Any) -> Clause:  # type: ignore[override]
        """A text has it within, or a set has it."""
        return Clause(f"contains ({self._mark}, {{}})", self._names, ({STRING: item},))

    def has_fewer_than(self, count: int) -> Clause:
        """So many in a set, or a map, or signs in a text."""
        return Clause(f"size ({self._mark}) < {{}}", self._names, ({NUMBER: str(count)},))

    def __or__(self, other: Any) -> Operand:  # type: ignore[override]
        """What it is, or else that."""
        return Operand(f"if_not_exists ({self._mark}, {{}})", self._names, ({self.attr_type: self.serialize(other)},))

    def __add__(self, other: Any) -> Operand:  # type: ignore[override]
        """That much more than it is."""
        return Operand(f"{self._mark} + {{}}", self._names, ({self.attr_type: self.serialize(other)},))

    def set(self, value: Any) -> Change:  # type: ignore[override]
        """From now on it is that: a value, what another attribute is, or an operand; nothing, where that is empty."""
        if isinstance(value, Operand):
            return Setting(f"{self._mark} = {value.text}", self._names + value.names, value.values)
        if isinstance(value, Plain):
            return Setting(f"{self._mark} = {value._mark}", self._names + value._names)
        stored = self.serialize(value) if value is not None else None
        if stored is None:
            return self.remove()
        return Setting(f"{self._mark} = {{}}", self._names, ({self.attr_type: stored},))

    def remove(self) -> Change:  # type: ignore[override]
        """From now on it is nothing."""
        return Removal(self._mark, self._names)

    def add(self, value: Any) -> Change:  # type: ignore[override]
        """That is more of a number, or in a set, from now on."""
        return Addition(f"{self._mark} {{}}", self._names, ({self.attr_type: self.serialize(value)},))

    def delete(self, value: Any) -> Change:  # type: ignore[override]
        """Those are not in a set from now on."""
        return Deletion(f"{self._mark} {{}}", self._names, ({self.attr_type: self.serialize(value)},))


class TextAttribute(Plain[str]):
    """A text, to the letter."""

    attr_type = STRING


class FlagAttribute(Plain[bool]):
    """Either yes or no."""

    attr_type = BOOLEAN

    def serialize(self, value: Any) -> bool:
        """What is something is yes."""
        return bool(value)


class IntegerAttribute(Plain[int]):
    """A whole number; PynamoDB's own would read it as a float."""

    attr_type = NUMBER

    def serialize(self, value: int) -> str:
        """The number as DynamoDB takes it: its decimal digits."""
        return str(value)

    def deserialize(self, value: str) -> int:
        """The number that DynamoDB holds. ValueError for one with decimals."""
        return int(value)


class TimeAttribute(Plain[datetime]):
    """A moment, to the microsecond, as a text in UTC that sorts by time."""

    attr_type = STRING

    def serialize(self, value: datetime) -> str:
        """As "2026-11-21T09:30:00.000000+0000"; a time without a zone is UTC's."""
        utc = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        return f"{utc.replace(tzinfo=None).isoformat(timespec='microseconds')}+0000"

    def deserialize(self, value: str) -> datetime:
        """The moment. ValueError for any other form than that of `serialize`."""
        if len(value) != _STORED_TIME or not value.endswith("+0000") or value[10] != "T":
            raise ValueError(f"not a stored time: {value!r}")
        return datetime.fromisoformat(value)


class ExpiryAttribute(Plain[datetime], TTLAttribute):
    """When DynamoDB clears the item away, to the second: the table's time to live."""

    def serialize(self, value: datetime) -> str:
        """The Unix second. ValueError for a time without a zone."""
        if value.tzinfo is None:
            raise ValueError(f"{value} has no zone")
        return str(timegm(value.utctimetuple()))

    def deserialize(self, value: str) -> datetime:
        """The moment, as time in UTC."""
        return datetime.fromtimestamp(float(value), UTC)


class TextSetAttribute(Plain[set[str]]):
    """Different texts, in no order; DynamoDB knows no empty set, which is therefore no attribute."""

    attr_type = STRING_SET
    null = True

    def serialize(self, value: Iterable[str]) -> list[str] | None:
        """The texts; None for an empty set."""
        return list(value) or None

    def deserialize(self, value: Iterable[str]) -> set[str]:
        """The texts that are stored."""
        return set(value)


class TextListAttribute(Plain[list[str]]):
    """Texts that have an order."""

    attr_type = LIST

    def serialize(self, value: Iterable[str]) -> list[dict[str, str]]:
        """Each text with its type."""
        return [{STRING: it} for it in value]

    def deserialize(self, value: Iterable[dict[str, str]]) -> list[str]:
        """The texts. KeyError for what holds others than texts."""
        return [it[STRING] for it in value]


class TextMapAttribute(Plain[dict[str, str]]):
    """Texts by name; each can be changed alone."""

    attr_type = MAP

    def serialize(self, value: dict[str, str]) -> dict[str, dict[str, str]]:
        """Each text with its type."""
        return {name: {STRING: it} for name, it in value.items()}

    def deserialize(self, value: dict[str, dict[str, str]]) -> dict[str, str]:
        """The texts by name. KeyError for what holds others than texts."""
        return {name: it[STRING] for name, it in value.items()}

    def set_entry(self, name: str, value: str) -> Change:
        """From now on the text of that name is that; the item must have the map."""
        return EntrySetting(self._names[0], name, {STRING: value})

    def remove_entry(self, name: str) -> Change:
        """From now on there is no text of that name."""
        return EntryRemoval(self._names[0], name)
