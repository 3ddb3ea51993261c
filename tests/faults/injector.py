"""Every call that leaves a Lambda, and every call of a Lambda, passes here and can go wrong in one of six ways."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

Answer = TypeVar("Answer")


class Kind(StrEnum):
    """What becomes of a call."""

    FAILED = "failed"
    LOST = "lost"
    TWICE = "twice"
    KILLED = "killed"
    MEANWHILE = "meanwhile"
    HELD_UP = "held up"


class Killed(BaseException):
    """The Lambda is no more; no `except Exception` of its own sees this."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A call that was made: what, and inside which Lambda (empty: the call of a Lambda itself)."""

    name: str
    within: str


@dataclass
class Injector:
    """Counts calls while `armed`, and lets those of `plan` (by their number) go wrong.

    FAILED: it never happens. LOST: it does, and nobody hears of it. TWICE: it was lost and repeated beneath us.
    KILLED: it happens, and is the last that its Lambda does. MEANWHILE: what is due within seconds happens first.
    HELD_UP: half a minute passes before it.
    """

    plan: Mapping[int, Kind] = field(default_factory=dict)
    armed: bool = False
    seen: list[Seen] = field(default_factory=list)
    within: str = ""
    meanwhile: Callable[[float], None] = lambda seconds: None

    def through(self, name: str, call: Callable[[], Answer], accident: Callable[[], Exception]) -> Answer:
        """Make the call, as planned."""
        if not self.armed:
            return call()
        kind = self.plan.get(len(self.seen))
        self.seen.append(Seen(name, self.within))
        if kind is None:
            return call()
        if kind in (Kind.MEANWHILE, Kind.HELD_UP):
            self.meanwhile(2 if kind is Kind.MEANWHILE else 30)
            return call()
        if kind is Kind.FAILED:
            raise accident()
        try:
            call()
        except Exception:
            if kind is Kind.LOST:
                raise accident() from None
            if kind is Kind.KILLED:
                raise Killed(name) from None
            return call()
        if kind is Kind.LOST:
            raise accident()
        if kind is Kind.KILLED:
            raise Killed(name)
        return call()
