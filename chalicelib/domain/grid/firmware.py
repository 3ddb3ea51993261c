"""What is proven of a charger's firmware: that it keeps limits, and what it does when nobody speaks to it.

Each thing is proven once, by the composite schedule that a charger of that firmware computes itself, and counts for
all chargers of that firmware: that a lease leaves the default when it ends (`reverts`), and that after a new
connection, or a boot, nothing more is drawn than before (`keeps`). A word ("Accepted") proves nothing.

A firmware that is told a limit and does not keep it is told so in another way, each way once (`Rung`); which ways were
tried is remembered for it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from chalicelib.domain.chargers.commands import ProfilePurpose
from chalicelib.domain.grid.grants import CLOCK_SLACK, Loss, Page, Period
from chalicelib.domain.grid.tree import Draw

# A limit is given in tenths of an ampere, or in watts at a voltage that is never quite 230.
_ROUNDED_MA = 500
# What a car may take above its grant, and how soon it must have heard of it (IEC 61851-1: 5 s; meters tell the past).
TOLERATED_MA = 1_000
SETTLES_S = 15
SAMPLES = 2


@dataclass(frozen=True, slots=True)
class Way:
    """How a charger is told a limit: in amperes or watts, from a moment on or from the charge's begin, at which level."""

    in_amps: bool = True
    is_absolute: bool = True
    stack_level: int = 0
    purpose: ProfilePurpose = ProfilePurpose.SESSION


class Rung(StrEnum):
    """What is tried where a limit is refused or ignored, in this order; the last two for that charge alone."""

    UNIT = "unit"
    KIND = "kind"
    STACK_LEVEL = "stack_level"
    PURPOSE = "purpose"
    ZERO = "zero"
    STOP = "stop"


_WAYS = (Rung.UNIT, Rung.KIND, Rung.STACK_LEVEL, Rung.PURPOSE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Firmware:
    """A firmware, named by vendor, model and version, and what was proven of it; None: nothing yet.

    `way` is how it is told limits now; `spent` the ways tried, beside the one that its configuration asks for (`base`).
    `default_for_all`: it refuses a default for a connector, and keeps one for the charger as a whole.
    """

    name: str
    reverts: bool | None = None
    keeps_over_reconnect: bool | None = None
    keeps_over_boot: bool | None = None
    base: Way = Way()
    way: Way = Way()
    spent: tuple[Rung, ...] = ()
    default_for_all: bool = False

    @property
    def is_trusted(self) -> bool:
        """Whether a port of it may be booked at less than its maximum: what it does in silence is proven."""
        return bool(self.reverts and self.keeps_over_reconnect and self.keeps_over_boot)

    def keeps(self, over: Loss) -> bool | None:
        """Whether it draws no more than before after that; None: nobody knows yet."""
        return self.keeps_over_boot if over is Loss.BOOT else self.keeps_over_reconnect


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownSchedule:
    """A composite schedule: what a charger says a port may draw, from when to when. It was asked for at `asked_at`."""

    asked_at: datetime
    periods: tuple[Period, ...]
    until: datetime

    def end_ma(self) -> int:
        """What it comes to in the end."""
        return self.periods[-1].limit_ma

    def most_ma(self, since: datetime | None = None) -> int:
        """The most that it shows from then on."""
        begun = [it for it in self.periods if since is not None and it.starts_at <= since]
        later = [it for it in self.periods if since is None or it.starts_at > since]
        return max(it.limit_ma for it in (*begun[-1:], *later))


def shown_default_ma(page: Page, shown: ShownSchedule) -> int | None:
    """What a composite schedule says of a port's silence; None where it does not reach past all its leases."""
    if not shown.periods:
        return None
    past = max([shown.asked_at, *(it.ends_at + CLOCK_SLACK for it in page.leases)])
    if past > shown.until:
        return None
    return max(0, shown.most_ma(past) - _ROUNDED_MA)


def learnt(firmware: Firmware, page: Page, shown: ShownSchedule) -> Firmware:
    """What a composite schedule proves of its charger's firmware; `page` as it was before the schedule was taken in."""
    if not shown.periods:
        return firmware
    known_ma = page.default_ma if page.default_ma is not None else page.expected_ma
    if known_ma is None:
        return firmware
    firmware = _learnt_of_silence(firmware, page, shown, known_ma)
    return _learnt_of_loss(firmware, page, shown, known_ma)


def _learnt_of_silence(firmware: Firmware, page: Page, shown: ShownSchedule, default_ma: int) -> Firmware:
    lease = page.newest
    if lease is None or not lease.is_confirmed or lease.sends > 1 or page.lost_at is not None or page.pushes:
        return firmware
    limit_ma = lease.limit_ma(lease.ends_at)
    if lease.ends_at + CLOCK_SLACK >= shown.until or abs(limit_ma - default_ma) <= _ROUNDED_MA:
        return firmware
    before, after = shown.most_ma(shown.asked_at), shown.most_ma(lease.ends_at + CLOCK_SLACK)
    if abs(before - limit_ma) > _ROUNDED_MA and after <= default_ma + _ROUNDED_MA:
        # The lease is not in it at all: that proves nothing of its end.
        return firmware
    return replace(firmware, reverts=after <= default_ma + _ROUNDED_MA)


def _learnt_of_loss(firmware: Firmware, page: Page, shown: ShownSchedule, default_ma: int) -> Firmware:
    """It must have been asked before anything else was sent, or what was sent is what is shown."""
    lost_at = page.lost_at
    if lost_at is None or page.lost_by is None or shown.asked_at < lost_at:
        return firmware
    if any(it.last_sent_at >= lost_at for it in (*page.leases, *page.pushes)):
        return firmware
    at = shown.asked_at
    before_ma = max([default_ma, *(it.limit_ma for it in page.pushes), *(it.worst_ma(at, at) for it in page.leases)])
    silent_ma = shown_default_ma(page, shown)
    keeps = shown.most_ma() <= before_ma + _ROUNDED_MA and (silent_ma is None or silent_ma <= default_ma)
    if page.lost_by is Loss.BOOT:
        return replace(firmware, keeps_over_boot=keeps)
    return replace(firmware, keeps_over_reconnect=keeps)


def is_ignored(page: Page, draws: Sequence[Draw]) -> bool:
    """Whether a port's newest looks at its meter, in order of time, all show more than it was granted.

    Those count that were taken long enough after the charger had confirmed its grant, and while no other was asked.
    """
    lease = page.newest
    if lease is None or not lease.is_confirmed or lease.answered_at is None:
        return False
    later = [it for it in draws if (it.at - lease.answered_at).total_seconds() >= SETTLES_S]
    default_ma = page.default_ma if page.default_ma is not None else page.most_ma
    newest = later[-SAMPLES:]
    return len(newest) == SAMPLES and all(
        _most(it) > (lease.limit_ma(it.at) if it.at < lease.ends_at else default_ma) + TOLERATED_MA for it in newest
    )


def _most(draw: Draw) -> int:
    return max((it for it in draw.current_ma if it is not None), default=0)


def next_rung(firmware: Firmware, tried: Collection[Rung], possible: Collection[Rung] = tuple(Rung)) -> Rung | None:
    """What is to be tried next; `tried` were at that port in this charge. None: all was."""
    spent = {*firmware.spent, *tried}
    return next((it for it in Rung if it in possible and it not in spent), None)


def climbed(firmware: Firmware, rung: Rung, highest_level: int = 1) -> Firmware:
    """The firmware with that way of telling limits instead: another unit, say, and else as its configuration asks."""
    if rung not in _WAYS:
        return firmware
    base = firmware.base
    other_level = highest_level if base.stack_level == 0 else 0
    is_session = base.purpose is ProfilePurpose.SESSION
    way = {
        Rung.UNIT: replace(base, in_amps=not base.in_amps),
        Rung.KIND: replace(base, is_absolute=not base.is_absolute),
        Rung.STACK_LEVEL: replace(base, stack_level=other_level),
        Rung.PURPOSE: replace(base, purpose=ProfilePurpose.DEFAULT if is_session else ProfilePurpose.SESSION),
    }[rung]
    return replace(firmware, way=way, spent=(*firmware.spent, rung))
