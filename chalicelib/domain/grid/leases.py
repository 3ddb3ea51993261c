"""Leases: grants as they were sent, until when a port may draw what by which of its conductors; and offline defaults.

A charger that was told to charge by one phase does so for as long as it is told: what it falls to in silence, and what
its hardware can draw at all, flow by all of the port's conductors.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from chalicelib.domain.chargers.charging_ability import ProfileForm
from chalicelib.domain.chargers.commands import ProfilePurpose
from chalicelib.domain.data_classes import dataclass

# A grant of `share` is a lease of so long, and is renewed at half of it.
LEASE = timedelta(minutes=60)
# Unanswered for so long, the same is sent again.
ANSWERED_WITHIN = timedelta(seconds=10)
# So long after it was sent a frame may still reach its charger: a call waits 90 s for the charger's line, and whoever
# sends it may be slow to do so.
ROAMS_FOR = timedelta(seconds=150)
# A lease ends by the charger's clock, which may be so far from ours.
CLOCK_SLACK = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Period:
    """From then on at most so much, by so many phases (None: all that the port has), until the next period."""

    starts_at: datetime
    limit_ma: int
    phases: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A grant as it was sent: what the port may draw when, until its end; after that the default counts.

    `name` is the message id of its frame. One of `share` has one period, a plan's one for each quarter of an hour;
    before its first period the first one's limit counts. All are by as many phases: a switch is a lease of its own.
    `sent_at` and `last_sent_at`: of the `sends` copies the first and the last were booked then. `answered_at` is when
    its first answer came, and `is_refused` what that said.
    `replaces`: grants that could no longer reach the charger when it was asked for, by what the book knew then.
    `is_over`: the charge that it was for has ended, and with it all copies that had arrived. `form`: how it was put.
    """

    name: str
    periods: tuple[Period, ...]
    ends_at: datetime
    sent_at: datetime
    last_sent_at: datetime
    sends: int = 1
    answered_at: datetime | None = None
    is_refused: bool = False
    session_id: str | None = None
    is_over: bool = False
    form: ProfileForm | None = None
    replaces: tuple[str, ...] = ()

    @property
    def is_confirmed(self) -> bool:
        """Whether its charger said that it keeps it."""
        return self.answered_at is not None and not self.is_refused

    @property
    def settled_at(self) -> datetime:
        """From then on no copy of it can reach the charger any more."""
        return self.answered_at if self.answered_at and self.sends == 1 else self.last_sent_at + ROAMS_FOR

    @property
    def phases(self) -> int | None:
        """By how many phases it was told; None: all that the port has."""
        return self.periods[0].phases

    @property
    def ends_with_charge(self) -> bool:
        """Whether it ends with the charge that it was for (1.6, 3.13.2); put as a default it holds for the next."""
        return self.form is None or self.form.purpose is ProfilePurpose.SESSION

    def counts(self, at: datetime) -> bool:
        """Whether its charger may still act by it at that moment."""
        is_gone = self.is_over and self.ends_with_charge and at >= self.settled_at
        return at < self.ends_at + CLOCK_SLACK and not is_gone

    def limit_ma(self, at: datetime) -> int:
        """What it allows at that moment, by a clock that is right."""
        begun = [it for it in self.periods if it.starts_at <= at]
        return (begun or self.periods)[-1 if begun else 0].limit_ma

    def worst_ma(self, at: datetime, until: datetime) -> int:
        """The most that it allows between two moments, as far as clocks may differ; 0 once it has ended for sure.

        Whoever sends it sees to it that no wrong clock raises a period early, or lowers one late (`profiles.py`).
        """
        if not self.counts(at):
            return 0
        return max([self.limit_ma(at), *(it.limit_ma for it in self.periods if at < it.starts_at < until)])


@dataclass(frozen=True, slots=True, kw_only=True)
class DefaultPush:
    """An offline default as it was sent, until the composite schedule has shown it; its fields are as a lease's."""

    name: str
    limit_ma: int
    sent_at: datetime
    last_sent_at: datetime
    sends: int = 1
    answered_at: datetime | None = None
    is_refused: bool = False
    form: ProfileForm | None = None
    phases: int | None = None


def lease_of(name: str, limit_ma: int, at: datetime, session_id: str | None = None, phases: int | None = None) -> Lease:
    """A grant of `share`'s, about to be sent under that name, for that charge alone (None: for whatever charges)."""
    periods = (Period(at, limit_ma, phases),)
    return Lease(name=name, periods=periods, ends_at=at + LEASE, sent_at=at, last_sent_at=at, session_id=session_id)


def push_of(
    name: str, limit_ma: int, at: datetime, form: ProfileForm | None = None, phases: int | None = None
) -> DefaultPush:
    """An offline default, about to be sent under that name."""
    return DefaultPush(name=name, limit_ma=limit_ma, sent_at=at, last_sent_at=at, form=form, phases=phases)
