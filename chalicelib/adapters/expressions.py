"""DynamoDB's expressions: what must hold of an item, and how it is to change, each a text with its names and values.

PynamoDB's own say the same in trees of objects, which cost more than the call's other work of ours together. These are
PynamoDB's by type, so that it takes them where it makes a call itself (queries, transactions).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action, AddAction, DeleteAction, RemoveAction, SetAction

Typed = dict[str, Any]
Names = dict[str, str]
Values = dict[str, Any]
_CLAUSES = ("SET", "REMOVE", "ADD", "DELETE")
# What stands for each attribute's name in every expression: short, and none of PynamoDB's own, which are numbers.
_marks: dict[str, str] = {}


def mark_of(name: str) -> str:
    """What stands for an attribute's name in expressions, the same in all of this process."""
    return _marks.setdefault(name, f"#n{len(_marks):x}")


class Operand:
    """A part of an expression: `text` has a `{}` for each value, and the mark of each of the names."""

    __slots__ = ("names", "text", "values")

    def __init__(self, text: str, names: Sequence[str], values: Sequence[Typed] = ()) -> None:
        self.text = text
        self.names = tuple(names)
        self.values = tuple(values)


class Clause(Condition):
    """What must hold of an item."""

    def __init__(self, text: str, names: tuple[str, ...], values: tuple[Typed, ...] = ()) -> None:
        self.text = text
        self.names = names
        self.told = values

    def __and__(self, other: Clause) -> Clause:
        return Clause(f"({self.text} AND {other.text})", self.names + other.names, self.told + other.told)

    def __or__(self, other: Clause) -> Clause:
        return Clause(f"({self.text} OR {other.text})", self.names + other.names, self.told + other.told)

    def __invert__(self) -> Clause:
        return Clause(f"(NOT {self.text})", self.names, self.told)

    def serialize(self, placeholder_names: Names, expression_attribute_values: Values) -> str:
        """The text of the condition; its names and values are added to those of the call."""
        return _told(self.text, self.names, self.told, placeholder_names, expression_attribute_values)


class Change(Action):
    """One change of an item, a part of the clause of an update expression that bears the name `kind`."""

    kind: ClassVar[str]

    def __init__(self, text: str, names: tuple[str, ...], values: tuple[Typed, ...] = ()) -> None:
        self.text = text
        self.names = names
        self.told = values

    def serialize(self, placeholder_names: Names, expression_attribute_values: Values) -> str:
        """The text of the change; its names and values are added to those of the call."""
        return _told(self.text, self.names, self.told, placeholder_names, expression_attribute_values)


class Setting(Change, SetAction):
    """It is that from now on."""

    kind = "SET"


class Removal(Change, RemoveAction):
    """It is nothing from now on."""

    kind = "REMOVE"


class Addition(Change, AddAction):
    """More is in it from now on."""

    kind = "ADD"


class Deletion(Change, DeleteAction):
    """Less is in it from now on."""

    kind = "DELETE"


def _told(text: str, names: tuple[str, ...], told: tuple[Typed, ...], placeholders: Names, values: Values) -> str:
    for name in names:
        mark = _marks[name]
        if placeholders.setdefault(name, mark) != mark:
            raise ValueError(f"{name} stands for something else in this call")
    if not told:
        return text
    first = len(values)
    marks = [f":{number}" for number in range(first, first + len(told))]
    values.update(zip(marks, told, strict=True))
    return text.format(*marks)


def update_expression(changes: Iterable[Change], names: Names, values: Values) -> str:
    """All changes of one call, in DynamoDB's words."""
    told: dict[str, list[str]] = {}
    for it in changes:
        told.setdefault(it.kind, []).append(it.serialize(names, values))
    return " ".join(f"{kind} {', '.join(told[kind])}" for kind in _CLAUSES if kind in told)


class EntrySetting(Setting):
    """What a map holds by a name, which may be any text, is that from now on."""

    def __init__(self, attribute: str, entry: str, value: Typed) -> None:
        super().__init__(f"{mark_of(attribute)}.{{}} = {{}}", (attribute,), (value,))
        self.entry = entry

    def serialize(self, placeholder_names: Names, expression_attribute_values: Values) -> str:
        """The text of the change; its names and values are added to those of the call."""
        text = self.text.format(_mark_of(self.entry, placeholder_names), "{}")
        return _told(text, self.names, self.told, placeholder_names, expression_attribute_values)


class EntryRemoval(Removal):
    """A map holds nothing by a name, which may be any text, from now on."""

    def __init__(self, attribute: str, entry: str) -> None:
        super().__init__(f"{mark_of(attribute)}.{{}}", (attribute,))
        self.entry = entry

    def serialize(self, placeholder_names: Names, expression_attribute_values: Values) -> str:
        """The text of the change; its names are added to those of the call."""
        text = self.text.format(_mark_of(self.entry, placeholder_names))
        return _told(text, self.names, (), placeholder_names, expression_attribute_values)


def _mark_of(entry: str, placeholders: Names) -> str:
    """An entry that is called as an attribute is shares its mark."""
    return placeholders.setdefault(entry, _marks.get(entry) or f"#e{len(placeholders)}")
