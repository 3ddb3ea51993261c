"""What DynamoDB bills for one call, by its published rules: whole kilobytes written, four-kilobyte steps read.

moto reports a constant for consumed capacity, so the rules are applied here to the items as they really are. What is
not billed that way (a name in an expression, a condition) costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

WRITE_STEP_BYTES = 1_024
READ_STEP_BYTES = 4_096
# What DynamoDB adds to every item (and every index entry) that it stores.
OVERHEAD_BYTES = 100

Item = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Index:
    """A secondary index: an item is in it while it has all of `keys`; `kept` is None when everything is projected."""

    name: str
    keys: tuple[str, ...]
    kept: frozenset[str] | None

    def entry(self, item: Item | None) -> Item | None:
        """The item as this index holds it."""
        if item is None or any(key not in item for key in self.keys):
            return None
        return item if self.kept is None else {name: value for name, value in item.items() if name in self.kept}


def item_bytes(item: Item) -> int:
    """The size of an item: the names and the values of its attributes."""
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def write_units(before: Item | None, after: Item | None, indexes: Sequence[Index] = ()) -> int:
    """One unit for each kilobyte of the larger image, and the same for each index whose entry changes."""
    larger = max((item_bytes(it) for it in (before, after) if it is not None), default=0)
    return _writes(larger) + sum(_index_units(index.entry(before), index.entry(after), index) for index in indexes)


def read_units(sizes_bytes: Iterable[int], *, consistent: bool, together: bool) -> float:
    """Half as much when eventually consistent. A query's items are summed before rounding, others rounded each."""
    sizes = list(sizes_bytes)
    steps = _reads(sum(sizes)) if together else sum(_reads(size) for size in sizes) or 1
    return steps if consistent else steps / 2


def _index_units(before: Item | None, after: Item | None, index: Index) -> int:
    if before == after:
        return 0
    is_moved = before is not None and after is not None and any(before[key] != after[key] for key in index.keys)
    if is_moved:
        return _writes(item_bytes(before or {})) + _writes(item_bytes(after or {}))
    return _writes(max(item_bytes(it) for it in (before, after) if it is not None))


def _writes(size_bytes: int) -> int:
    return max(1, ceil(size_bytes / WRITE_STEP_BYTES))


def _reads(size_bytes: int) -> int:
    return max(1, ceil(size_bytes / READ_STEP_BYTES))


def _value_bytes(value: Mapping[str, Any]) -> int:  # noqa: PLR0911 (one for each type)
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "N":
            return (len(content.strip("-").replace(".", "").strip("0") or "0") + 1) // 2 + 1
        case "B":
            return len(content)
        case "BOOL" | "NULL":
            return 1
        case "SS":
            return sum(len(text.encode()) for text in content)
        case "L":
            return 3 + sum(1 + _value_bytes(it) for it in content)
        case "M":
            return 3 + sum(1 + len(name.encode()) + _value_bytes(it) for name, it in content.items())
    raise ValueError(f"no size is known for {kind}")
