"""A payload is read for what can be understood of it: what bends the standard is noted, what is missing is named.

The schema is the standard; this is the field. Numbers may come as text, times without a zone, words nobody knows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

Word = TypeVar("Word")
_ABSENT = object()


class Unusable(Exception):
    """A fact that cannot be done without is absent, or is no such thing; `code` is OCPP 2.x's error code."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(description)
        self.code = code


class Payload:
    """One object of a payload. `deviations` collects what had to be forgiven, for the whole message."""

    def __init__(self, data: Mapping[str, Any], received_at: datetime, path: str = "") -> None:
        self.data = data
        self.received_at = received_at
        self.deviations: list[str] = []
        self._path = path

    def text(self, name: str) -> str:
        """A text that must be there. Raises Unusable."""
        value = self._needed(name)
        if not isinstance(value, str):
            raise self._wrong(name, "a text")
        return value

    def optional_text(self, name: str) -> str | None:
        """A text, if there is one."""
        value = self.data.get(name)
        return value if isinstance(value, str) else None

    def integer(self, name: str) -> int:
        """A whole number that must be there, written as number or text. Raises Unusable."""
        number = _integer(self._needed(name))
        if number is None:
            raise self._wrong(name, "a whole number")
        return number

    def optional_integer(self, name: str) -> int | None:
        """A whole number, if there is one."""
        return _integer(self.data.get(name))

    def part(self, name: str) -> Payload:
        """An object that must be there. Raises Unusable."""
        value = self._needed(name)
        if not isinstance(value, Mapping):
            raise self._wrong(name, "an object")
        return self._inner(value, name)

    def optional_part(self, name: str) -> Payload | None:
        """An object, if there is one."""
        value = self.data.get(name)
        return self._inner(value, name) if isinstance(value, Mapping) else None

    def parts(self, name: str) -> Iterator[Payload]:
        """The objects of an array; whatever else is in it is passed over."""
        value = self.data.get(name)
        for index, item in enumerate(value if isinstance(value, list) else ()):
            if isinstance(item, Mapping):
                yield self._inner(item, f"{name}.{index}")

    def word(self, name: str, words: Mapping[str, Word], otherwise: Word) -> Word:
        """One of the standard's words, translated; a word it does not have is noted."""
        value = self.data.get(name)
        if value is None:
            return otherwise
        known = words.get(value, _ABSENT) if isinstance(value, str) else _ABSENT
        if known is _ABSENT:
            self._note(name, f"{str(value)[:50]!r} is no such word")
            return otherwise
        return known  # type: ignore[return-value] # _ABSENT is ruled out above

    def at(self, name: str = "timestamp") -> datetime:
        """A time, or the time of reception where none can be read (which is noted)."""
        value = self.data.get(name)
        try:
            at = datetime.fromisoformat(value.strip()) if isinstance(value, str) else None
        except ValueError:
            at = None
        if at is None:
            self._note(name, f"{str(value)[:50]!r} is no time; took that of reception")
            return self.received_at
        if at.tzinfo is None:
            self._note(name, "has no zone; took it for UTC")
            return at.replace(tzinfo=UTC)
        return at.astimezone(UTC)

    def _needed(self, name: str) -> object:
        value = self.data.get(name)
        if value is None:
            raise Unusable("OccurrenceConstraintViolation", f"{self._path}{name} is missing")
        return value

    def _wrong(self, name: str, wanted: str) -> Unusable:
        return Unusable("TypeConstraintViolation", f"{self._path}{name} is not {wanted}")

    def _inner(self, data: Mapping[str, Any], name: str) -> Payload:
        inner = Payload(data, self.received_at, f"{self._path}{name}.")
        inner.deviations = self.deviations
        return inner

    def _note(self, name: str, what: str) -> None:
        self.deviations.append(f"{self._path}{name}: {what}")


def _integer(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and value.strip().lstrip("+-").isdecimal() and len(value) < 20:
        return int(value)
    return None
