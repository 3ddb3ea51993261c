"""What is proven of a charger's firmware: that it keeps limits, and what it does when nobody speaks to it.

Each thing is proven once, by the composite schedule that a charger of that firmware computes itself, and counts for
all chargers of that firmware: that a lease leaves the default when it ends, and that after a new connection, or a
boot, nothing more is drawn than before. A word ("Accepted") proves nothing, and neither does a schedule that does not
reach past the lease.
"""

from __future__ import annotations

from datetime import datetime

from chalicelib.domain.chargers.charging_ability import LearntAbility
from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.grid.grants import Loss, PortPage, Trust
from chalicelib.domain.grid.leases import CLOCK_SLACK, Period

# A limit is given in tenths of an ampere, or in watts at a voltage that is never quite 230.
_ROUNDED_MA = 500
_NOTHING = LearntAbility()


@dataclass(frozen=True, slots=True, kw_only=True)
class OnePhase:
    """What was seen of a firmware that was told to charge by one phase where it could by three; None: not yet tried.

    `shown`: its composite schedule says so, under a default and under a grant; `kept_when_cut`, `kept_when_booted`: and
    does when it comes back; `drawn`: a car that charged by three is seen at the meter to charge by one. What follows a
    lease is its default, which counts by three whatever it says.
    """

    shown: bool | None = None
    kept_when_cut: bool | None = None
    kept_when_booted: bool | None = None
    drawn: bool | None = None

    @property
    def is_disproven(self) -> bool:
        """Whether one of these is not so: nobody tries it again."""
        return False in (self.shown, self.kept_when_cut, self.kept_when_booted, self.drawn)

    @property
    def is_proven(self) -> bool:
        """Whether all are."""
        return bool(self.shown and self.kept_when_cut and self.kept_when_booted and self.drawn)

    @property
    def is_kept(self) -> bool:
        """Whether it is proven as far as it can be while nobody charges: what lacks is a car."""
        return bool(self.kept_when_cut and self.kept_when_booted) and not self.is_disproven

    def kept(self, over: Loss) -> bool | None:
        """Whether it still says so after that; None: nobody knows yet."""
        return self.kept_when_booted if over is Loss.BOOT else self.kept_when_cut


@dataclass(frozen=True, slots=True, kw_only=True)
class Firmware:
    """A firmware, and what was proven of it. `name`: `firmware_key` of its chargers.

    `learnt.falls_back`, `learnt.keeps_when_cut` and `keeps_when_booted` are the three things that let a port of it be
    booked at less than its maximum; None: not yet proven. `one_phase`: whether it can be switched.
    """

    name: str
    learnt: LearntAbility = _NOTHING
    keeps_when_booted: bool | None = None
    one_phase: OnePhase = OnePhase()

    @property
    def switches(self) -> bool:
        """Whether a port of it that was told to charge by one phase provably does, also when nobody speaks to it."""
        return self.trust is Trust.PROVEN and self.one_phase.is_proven

    @property
    def trust(self) -> Trust:
        """Whether all that it does in silence is proven to be well, or one thing not to be."""
        proofs = (self.learnt.falls_back, self.learnt.keeps_when_cut, self.keeps_when_booted)
        if False in proofs:
            return Trust.DISPROVEN
        return Trust.PROVEN if all(proofs) else Trust.UNKNOWN

    def keeps(self, over: Loss) -> bool | None:
        """Whether it draws no more than before after that; None: nobody knows yet."""
        return self.keeps_when_booted if over is Loss.BOOT else self.learnt.keeps_when_cut


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownSchedule:
    """A composite schedule: what a charger says a port may draw, from when on and until when it looked ahead.

    It was asked for at `asked_at`; `periods` are in order of time, one at least.
    """

    asked_at: datetime
    periods: tuple[Period, ...]
    until: datetime

    def phases(self, at: datetime) -> int | None:
        """By how many phases it shows that a car may charge at that moment; None: it does not say."""
        begun = [it for it in self.periods if it.starts_at <= at]
        return (begun[-1] if begun else self.periods[0]).phases

    def most_ma(self, since: datetime) -> int:
        """The most that it shows from then on."""
        begun = [it for it in self.periods if it.starts_at <= since]
        later = [it for it in self.periods if it.starts_at > since]
        return max(it.limit_ma for it in (*begun[-1:], *later))


def silence_ma(page: PortPage, shown: ShownSchedule) -> int | None:
    """What a composite schedule says of a port's silence; None where it does not reach past all its leases."""
    past = max([shown.asked_at, *(it.ends_at + CLOCK_SLACK for it in page.leases)])
    if past >= shown.until:
        return None
    return max(0, shown.most_ma(past) - _ROUNDED_MA)


def proven(firmware: Firmware, page: PortPage, shown: ShownSchedule) -> Firmware:
    """What a composite schedule proves of its charger's firmware; `page` as it was before the schedule was taken in."""
    default_ma = page.default_ma if page.default_ma is not None else page.expected_ma
    if default_ma is None:
        return firmware
    if page.lost_at is None:
        return _proven_of_phases(_proven_of_silence(firmware, page, shown, default_ma), page, shown)
    return _proven_of_loss(firmware, page, shown, default_ma)


def awaits_proof(firmware: Firmware, page: PortPage) -> bool:
    """Whether a composite schedule of the port, asked for now, would prove something that nobody knows yet."""
    one = firmware.one_phase
    if page.lost_by is not None:
        is_tried = page.default_phases == 1 and not page.pushes and one.kept(page.lost_by) is None
        return (firmware.keeps(page.lost_by) is None or is_tried) and _is_untouched(page)
    is_told_one = one.shown is None and _told_one_at(page) is not None
    return (firmware.learnt.falls_back is None and _shows_its_end(page)) or is_told_one


def _shows_its_end(page: PortPage) -> bool:
    """Whether the end of its lease could be told from what comes after it."""
    lease = page.newest
    if lease is None or not lease.is_confirmed or lease.sends > 1 or page.pushes or page.default_ma is None:
        return False
    return len(page.leases) == 1 and abs(lease.limit_ma(lease.ends_at) - page.default_ma) > _ROUNDED_MA


def _proven_of_silence(firmware: Firmware, page: PortPage, shown: ShownSchedule, default_ma: int) -> Firmware:
    lease = page.newest
    if lease is None or not _shows_its_end(page) or silence_ma(page, shown) is None:
        return firmware
    during = shown.most_ma(shown.asked_at)
    after = shown.most_ma(lease.ends_at + CLOCK_SLACK)
    falls_back = after <= default_ma + _ROUNDED_MA
    if falls_back and lease.limit_ma(shown.asked_at) > default_ma and during <= default_ma + _ROUNDED_MA:
        # The lease is not in it at all: that proves nothing of its end.
        return firmware
    return replace(firmware, learnt=replace(firmware.learnt, falls_back=falls_back))


def _told_one_at(page: PortPage) -> datetime | None:
    """Since when nothing but one grant by one phase can hold; None: that is not so."""
    lease = page.newest
    if lease is None or lease.phases != 1 or lease.sends > 1 or len(page.leases) > 1:
        return None
    return lease.answered_at if lease.is_confirmed and lease.ends_with_charge else None


def _proven_of_phases(firmware: Firmware, page: PortPage, shown: ShownSchedule) -> Firmware:
    """Under a default that says nothing else it must show one phase; so it must under a grant, in a car's charge."""
    one, is_one = firmware.one_phase, shown.phases(shown.asked_at) == 1
    told = [it for it in page.pushes if it.name in page.read_knows and not it.is_refused]
    if told and told[-1].phases == 1 and not page.leases and not is_one:
        return replace(firmware, one_phase=replace(one, shown=False))
    told_at = _told_one_at(page)
    if one.shown is None and told_at is not None and told_at <= shown.asked_at:
        return replace(firmware, one_phase=replace(one, shown=is_one))
    return firmware


def _is_untouched(page: PortPage) -> bool:
    """Whether nothing can have reached the charger since it may have lost all: what it shows is what it kept."""
    known = page.default_ma if page.default_ma is not None else page.expected_ma
    return page.lost_at is not None and known is not None and page.is_quiet(page.lost_at)


def _proven_of_loss(firmware: Firmware, page: PortPage, shown: ShownSchedule, default_ma: int) -> Firmware:
    lost_at = page.lost_at
    if lost_at is None or shown.asked_at < lost_at or not _is_untouched(page):
        return firmware
    at = shown.asked_at
    # One that was put, and not shown before it was lost, is as much its own.
    default_ma = max([default_ma, *(it.limit_ma for it in page.pushes)])
    before_ma = max([default_ma, *(it.worst_ma(at, at) for it in page.leases)])
    keeps = shown.most_ma(at) <= before_ma + _ROUNDED_MA and (silence_ma(page, shown) or 0) <= default_ma
    is_boot = page.lost_by is Loss.BOOT
    if page.default_phases == 1 and not page.leases and not page.pushes:
        one, is_one = firmware.one_phase, shown.phases(at) == 1
        one = replace(one, kept_when_booted=is_one) if is_boot else replace(one, kept_when_cut=is_one)
        firmware = replace(firmware, one_phase=one)
    if is_boot:
        return replace(firmware, keeps_when_booted=keeps)
    return replace(firmware, learnt=replace(firmware.learnt, keeps_when_cut=keeps))
