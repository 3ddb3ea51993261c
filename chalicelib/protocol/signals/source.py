"""A source of signals: whom to ask for a zone and a time, in what order, and what is to be read in the answers.

A source is a conversation: it yields what it asks and is sent the answer's body, and returns what was told. Whoever
holds it asks by HTTP, a test from its own text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Generator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from chalicelib.domain.data_classes import dataclass, field
from chalicelib.domain.grid.signals import Signal, SignalKind

# What costs more is no price: ten times what markets allow (harmonised maximum clearing price: 4 EUR/kWh).
_MOST_MICROS = 1_000_000_000
_SHOWN = 80


class UnreadableSignal(ValueError):
    """An answer that is not what its source publishes; the text says what is wrong, and repeats no secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is wanted: a zone by the source's own name, from a moment to another; `key`: what opens its door."""

    zone: str
    begins_at: datetime
    ends_at: datetime
    key: str = ""


@dataclass(frozen=True, slots=True)
class SignalRequest:
    """A GET request at the source's address. Whatever is in it may be a secret: it is not logged."""

    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


Conversation = Generator[SignalRequest, bytes, Signal]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One publisher: where it is, what its zones are called, how often it has anything new, and how to ask it.

    `is_daily`: it publishes a day at once, so that it is asked more often while the next is awaited.
    """

    name: str
    kind: SignalKind
    address: str
    zones: str
    pace: timedelta
    ask: Callable[[Question], Conversation]
    needs_key: bool = False
    is_daily: bool = False

    def is_zone(self, zone: str) -> bool:
        """Whether a zone may be asked for: it becomes part of an address."""
        return re.fullmatch(self.zones, zone, re.ASCII) is not None


def stamp(at: datetime, form: str = "%Y-%m-%dT%H:%MZ") -> str:
    """A moment as addresses say it, in UTC."""
    return at.astimezone(UTC).strftime(form)


def document(body: bytes) -> Mapping[str, Any]:
    """A JSON object, its fractions to the digit. Raises UnreadableSignal."""
    try:
        told = json.loads(body, parse_float=Decimal, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise UnreadableSignal(f"no JSON: {type(error).__name__}") from error
    return table(told, "the answer")


def table(told: Any, what: str) -> Mapping[str, Any]:
    """What must be an object. Raises UnreadableSignal."""
    if not isinstance(told, dict):
        raise UnreadableSignal(f"{what} is no object")
    return told


def items(told: Mapping[str, Any], *names: str) -> list[Mapping[str, Any]]:
    """The list of objects under the first of these names that is there. Raises UnreadableSignal."""
    name = next((it for it in names if it in told), None)
    if name is None:
        raise UnreadableSignal(f"there is no {' or '.join(names)}")
    if not isinstance(told[name], list):
        raise UnreadableSignal(f"{name} is no list")
    return [table(it, f"an item of {name}") for it in told[name]]


def moment(told: Any, what: str) -> datetime:
    """A time with its offset, in UTC. Raises UnreadableSignal."""
    try:
        at = datetime.fromisoformat(told)
    except (TypeError, ValueError):
        raise UnreadableSignal(f"{what}: {_shown(told)} is no time") from None
    if at.tzinfo is None:
        raise UnreadableSignal(f"{what}: {_shown(told)} says no offset from UTC")
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise UnreadableSignal(f"{what}: {_shown(told)} is no time of ours") from None


def number(told: Any, what: str, most: int = _MOST_MICROS) -> Decimal:
    """A finite number, of no more than `most` either way. Raises UnreadableSignal."""
    try:
        if isinstance(told, bool) or not isinstance(told, int | Decimal | str):
            raise ValueError
        value = Decimal(told)
    except (InvalidOperation, ValueError):
        raise UnreadableSignal(f"{what}: {_shown(told)} is no number") from None
    if not value.is_finite() or abs(value) > most:
        raise UnreadableSignal(f"{what}: {_shown(told)} cannot be")
    return value


def micros(told: Any, what: str, unit_micros: int) -> int:
    """A price for a kWh in millionths, where one of its unit is so many. Raises UnreadableSignal."""
    return round(number(told, what, _MOST_MICROS // unit_micros) * unit_micros)


def whole(told: Any, what: str, most: int, times: Decimal = Decimal(1)) -> int:
    """What must not be below nothing, as a whole number of `times` its unit. Raises UnreadableSignal."""
    value = number(told, what, most)
    if value < 0:
        raise UnreadableSignal(f"{what}: {_shown(told)} is below nothing")
    return round(value * times)


def _shown(told: Any) -> str:
    text = repr(told)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _no_constant(name: str) -> Any:
    raise ValueError(name)
