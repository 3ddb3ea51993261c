"""Reads a payload for what can be understood of it: what bends the standard is noted, what is missing is named.

The schema is the standard; this is the field. Numbers may come as text, times without a zone, words nobody knows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

from chalicelib.domain.drivers import bare

Word = TypeVar("Word")
_ABSENT = object()
# Far beyond what any version allows, and within what any store takes.
_LONGEST_TEXT = 255
_LONGEST_DOCUMENT = 20_000
_WHOLE_NUMBER = re.compile(r"[+-]?[0-9]{1,18}")
_LARGEST_NUMBER = 10**18
_FIRST_YEAR, _LAST_YEAR = 1970, 2199
_UTC_BY_NAME = re.compile(r"\s*(UTC|GMT)$")


class Unusable(Exception):
    """A fact that cannot be done without is absent, or is no such thing; `code` is OCPP 2.x's error code."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(description)
        self.code = code


class Payload:
    """One object of a payload. `deviations` collects what had to be forgiven, for the whole message."""

    __slots__ = ("_outer", "_steps", "data", "deviations", "received_at")

    def __init__(
        self,
        data: Mapping[str, Any],
        received_at: datetime,
        outer: Payload | None = None,
        steps: tuple[str | int, ...] = (),
    ) -> None:
        self.data = data
        self.received_at = received_at
        self.deviations: list[str] = outer.deviations if outer else []
        self._outer = outer
        self._steps = steps

    def text(self, name: str) -> str:
        """A text that must be there, cut where no store would take it. Raises Unusable."""
        value = self._as_text(name, self.needed(name))
        if value is None:
            raise self._wrong(name, "a text")
        return value

    def optional_text(self, name: str) -> str | None:
        """A text, if there is one, cut where no store would take it."""
        value = self.data.get(name)
        if isinstance(value, str):
            return value[:_LONGEST_TEXT]
        return None if value is None else self._as_text(name, value)

    def _as_text(self, name: str, value: object) -> str | None:
        """A text; a number written as such, or the only text in an object where one belongs, is taken for it."""
        if isinstance(value, str):
            return value[:_LONGEST_TEXT]
        inner = list(value.values()) if isinstance(value, dict) else []
        if len(inner) == 1 and isinstance(inner[0], str):
            self.note(name, "is an object where a text belongs; took the text in it")
            return str(inner[0])[:_LONGEST_TEXT]
        if isinstance(value, int | float) and not isinstance(value, bool):
            self.note(name, "is a number where a text belongs")
            return str(value)[:_LONGEST_TEXT]
        self.note(name, "is no text; passed over")
        return None

    def long_text(self, name: str) -> str:
        """A text that must be there, of the length a certificate may have. Raises Unusable."""
        value = self.needed(name)
        if not isinstance(value, str):
            raise self._wrong(name, "a text")
        if len(value) > _LONGEST_DOCUMENT:
            limit = f"is longer than {_LONGEST_DOCUMENT} characters"
            raise Unusable("PropertyConstraintViolation", f"{self._path}{name} {limit}")
        return value

    def identifier(self, name: str) -> str:
        """A text that names something, so that neither none of it nor part of it will do. Raises Unusable."""
        value = self.needed(name)
        text = value if isinstance(value, str) else self._as_text(name, value)
        if text is None:
            raise self._wrong(name, "a text")
        known = as_identifier(text)
        if known is None:
            limit = f"is not 1 to {_LONGEST_TEXT} characters long"
            raise Unusable("PropertyConstraintViolation", f"{self._path}{name} {limit}")
        return known

    def optional_token(self, name: str) -> str | None:
        """What a reader was shown, without what its buffer left around it; None where nobody showed anything."""
        value = self.optional_text(name)
        token = bare(value) if value else ""
        if value and token != value:
            self.note(name, "has signs around it that belong to no token")
        return token or None

    def token(self, name: str) -> str:
        """What a reader was shown, which must be a text of some length. Raises Unusable."""
        shown = self.identifier(name)
        return self.optional_token(name) or shown

    def integer(self, name: str) -> int:
        """A whole number that must be there, written as number or text. Raises Unusable."""
        number = _integer(self.needed(name))
        if number is None:
            raise self._wrong(name, "a whole number")
        return number

    def optional_integer(self, name: str) -> int | None:
        """A whole number, if there is one."""
        return _integer(self.data.get(name))

    def optional_number(self, name: str) -> Decimal | None:
        """A number, whole or not, if there is one that can be read."""
        value = self.data.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            return None
        try:
            number = Decimal(str(value).strip())
        except InvalidOperation:
            return None
        return number if number.is_finite() and abs(number) < _LARGEST_NUMBER else None

    def ordinal(self, name: str) -> int | None:
        """A number counted from one. Nought stands for the whole; so, noted, does what is below it."""
        number = _integer(self.data.get(name))
        if number is not None and number < 0:
            self.note(name, "is below nought")
        return number if number is not None and number > 0 else None

    def part(self, name: str) -> Payload:
        """An object that must be there. Raises Unusable."""
        value = self.needed(name)
        if not isinstance(value, dict):
            raise self._wrong(name, "an object")
        return Payload(value, self.received_at, self, (name,))

    def optional_part(self, name: str) -> Payload | None:
        """An object, if there is one."""
        value = self.data.get(name)
        return Payload(value, self.received_at, self, (name,)) if isinstance(value, dict) else None

    def parts(self, name: str) -> Iterator[Payload]:
        """The objects of an array, or the one that stands in its place; whatever else is in it is passed over."""
        for index, item in enumerate(self.items(name)):
            if isinstance(item, dict):
                yield self.item(name, index, item)

    def items(self, name: str) -> Sequence[object]:
        """What is in an array; an object where one belongs is its only item (noted)."""
        value = self.data.get(name)
        if isinstance(value, list):
            return value
        if not value or not isinstance(value, dict):
            return ()
        self.note(name, "is an object where an array belongs")
        return (value,)

    def item(self, name: str, index: int, value: Mapping[str, Any]) -> Payload:
        """The object that stands at `index` of an array."""
        return Payload(value, self.received_at, self, (name, index))

    def word(self, name: str, words: Mapping[str, Word], otherwise: Word) -> Word:
        """One of the standard's words, translated; a word it does not have is noted."""
        value = self.data.get(name)
        if value is None:
            return otherwise
        known = words.get(value, _ABSENT) if isinstance(value, str) else _ABSENT
        if known is _ABSENT:
            self.note(name, f"{str(value)[:50]!r} is no such word")
            return otherwise
        return known  # type: ignore[return-value] # _ABSENT is ruled out above

    def at(self, name: str = "timestamp") -> datetime:
        """A time, or the time of reception where none can be read (which is noted)."""
        return self.when(name) or self.received_at

    def said(self, name: str = "timestamp") -> str:
        """What stands there, as it came: the same in every repetition of a message."""
        value = self.data.get(name)
        return value[:_LONGEST_TEXT] if isinstance(value, str) else ""

    def when(self, name: str = "timestamp") -> datetime | None:
        """A time, or None where none can be read, or that no clock shows (which is noted)."""
        value = self.data.get(name)
        try:
            at = _time(value)
        except ValueError:
            at = None
        # A clock that was never set is a clock still; what is unset, or the calendar's end, is no time to count from.
        if at is not None and _FIRST_YEAR <= at.year <= _LAST_YEAR and at.tzinfo is not None:
            return at if at.tzinfo is UTC else at.astimezone(UTC)
        if at is None or not _FIRST_YEAR <= at.year <= _LAST_YEAR:
            self.note(name, f"{str(value)[:50]!r} is no time; took that of reception")
            return None
        self.note(name, "has no zone; took it for UTC")
        return at.replace(tzinfo=UTC)

    def needed(self, name: str) -> object:
        """Whatever is there under a name that must be. Raises Unusable."""
        value = self.data.get(name)
        if value is None:
            raise Unusable("OccurrenceConstraintViolation", f"{self._path}{name} is missing")
        return value

    def _wrong(self, name: str, wanted: str) -> Unusable:
        return Unusable("TypeConstraintViolation", f"{self._path}{name} is not {wanted}")

    @property
    def _path(self) -> str:
        return self._outer._path + "".join(f"{step}." for step in self._steps) if self._outer else ""

    def note(self, name: str, what: str) -> None:
        """Write down what had to be forgiven."""
        self.deviations.append(f"{self._path}{name}: {what}")


def _time(value: object) -> datetime | None:
    """A time as standards and chargers spell it, its zone if it has one. Raises ValueError."""
    if not isinstance(value, str):
        return None
    # As nearly every charger writes it already.
    if not (value.endswith("Z") and value.isupper() and "/" not in value):
        value = _UTC_BY_NAME.sub("+00:00", value.strip().upper().replace("/", "-"))
    return datetime.fromisoformat(value)


def _integer(value: object) -> int | None:
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int):
        return value if abs(value) < _LARGEST_NUMBER else None
    if isinstance(value, str) and _WHOLE_NUMBER.fullmatch(value.strip()):
        return int(value)
    return None


def as_identifier(value: object) -> str | None:
    """A text that can name something, or None."""
    return value if isinstance(value, str) and 0 < len(value) <= _LONGEST_TEXT else None
