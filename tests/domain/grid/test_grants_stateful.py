"""In whatever order frames and answers arrive, or do not: the book never holds less than the charger can draw.

One port whose firmware keeps its word; each copy of each frame, and each answer, is delivered or lost at any moment
within which it may arrive, by the choice of Hypothesis. What is never delivered is lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from chalicelib.domain.grid.grants import (
    Loss,
    PortPage,
    Trust,
    asked,
    confirmed,
    default_answered,
    default_pushed,
    default_shown,
    held_ma,
    lost,
    refused,
    repeated,
    schedule_asked,
    session_over,
)
from chalicelib.domain.grid.leases import CLOCK_SLACK, LEASE, ROAMS_FOR, Lease, Period, push_of
from tests.domain.grid.test_grants import PORT, T0

MOST_MA = 32_000
LIMITS = st.sampled_from([0, 6_000, 8_000, 16_000, 32_000])


@dataclass(frozen=True)
class Copy:
    """A copy of a frame on its way: a lease, or a default."""

    name: str
    sent_at: datetime
    lease: Lease | None = None
    default_ma: int = 0


@dataclass(frozen=True)
class Answer:
    name: str
    is_kept: bool
    is_default: bool


class BookOfOnePort(RuleBasedStateMachine):
    """What the book says of a port, beside what its charger does."""

    def __init__(self) -> None:
        super().__init__()
        self.time = T0
        self.page = PortPage(port_id=PORT, most_ma=MOST_MA, trust=Trust.PROVEN, default_ma=6_000)
        self.copies: list[Copy] = []
        self.answers: list[Answer] = []
        self.shown: int | None = None
        self.names = 0
        self.session = 1
        # The charger.
        self.default_ma = 6_000
        self.lease: Lease | None = None
        self.clock_off = timedelta(0)

    @initialize(off_s=st.sampled_from([-59, 0, 59]), default_ma=st.sampled_from([0, 6_000]))
    def is_set_up(self, off_s: int, default_ma: int) -> None:
        self.clock_off = timedelta(seconds=off_s)
        self.default_ma = default_ma
        self.page = PortPage(port_id=PORT, most_ma=MOST_MA, trust=Trust.PROVEN, default_ma=default_ma)

    # Time, in which what was sent long ago is lost.

    @rule(by_s=st.sampled_from([1, 10, 60, 150, 3600]))
    def time_passes(self, by_s: int) -> None:
        self.time += timedelta(seconds=by_s)
        self.copies = [it for it in self.copies if it.sent_at + ROAMS_FOR > self.time]

    # We.

    def _name(self) -> str:
        self.names += 1
        return f"f{self.names}"

    @rule(limit_ma=LIMITS)
    def grants(self, limit_ma: int) -> None:
        self.grants_a_plan([limit_ma], 4)

    @rule(limits=st.lists(LIMITS, min_size=2, max_size=3), quarters=st.integers(1, 4))
    def grants_a_plan(self, limits: list[int], quarters: int) -> None:
        step = timedelta(minutes=15) * quarters
        periods = tuple(Period(self.time + number * step, it) for number, it in enumerate(limits))
        lease = Lease(
            name=self._name(),
            periods=periods,
            ends_at=self.time + max(LEASE, len(limits) * step),
            sent_at=self.time,
            last_sent_at=self.time,
            session_id=f"S{self.session}",
        )
        self.page = asked(self.page, lease)
        self.copies.append(Copy(lease.name, self.time, lease))

    @precondition(lambda self: self.page.leases)
    @rule(data=st.data())
    def grants_the_same_again(self, data: st.DataObject) -> None:
        lease = data.draw(st.sampled_from(self.page.leases))
        self.page = repeated(self.page, lease.name, self.time)
        self.copies.append(Copy(lease.name, self.time, lease))

    @rule(default_ma=st.sampled_from([0, 6_000, 10_000]))
    def pushes_a_default(self, default_ma: int) -> None:
        name = self._name()
        self.page = default_pushed(self.page, push_of(name, default_ma, self.time))
        self.copies.append(Copy(name, self.time, None, default_ma))

    @precondition(lambda self: self.page.pushes)
    @rule(data=st.data())
    def pushes_the_same_again(self, data: st.DataObject) -> None:
        push = data.draw(st.sampled_from(self.page.pushes))
        self.page = repeated(self.page, push.name, self.time)
        self.copies.append(Copy(push.name, self.time, None, push.limit_ma))

    # The wire and the charger.

    @precondition(lambda self: self.copies)
    @rule(data=st.data())
    def a_copy_arrives(self, data: st.DataObject) -> None:
        copy = self.copies.pop(data.draw(st.integers(0, len(self.copies) - 1)))
        is_kept = copy.lease is None or copy.lease.session_id == f"S{self.session}"
        if copy.lease is None:
            self.default_ma = copy.default_ma
        elif is_kept:
            self.lease = copy.lease
        self.answers.append(Answer(copy.name, is_kept, copy.lease is None))

    @precondition(lambda self: self.answers)
    @rule(data=st.data())
    def an_answer_comes(self, data: st.DataObject) -> None:
        answer = self.answers.pop(data.draw(st.integers(0, len(self.answers) - 1)))
        if answer.is_default:
            self.page = default_answered(self.page, answer.name, self.time)
        elif answer.is_kept:
            self.page = confirmed(self.page, answer.name, self.time)
        else:
            self.page = refused(self.page, answer.name, self.time)

    @precondition(lambda self: not self.page.read_name)
    @rule()
    def asks_for_its_schedule(self) -> None:
        self.page = schedule_asked(self.page, self._name(), self.time)
        self.shown = None

    @precondition(lambda self: self.page.read_name and self.shown is None)
    @rule()
    def it_shows_its_schedule(self) -> None:
        self.shown = self.default_ma

    @precondition(lambda self: self.page.read_name and self.shown is not None)
    @rule()
    def its_schedule_comes(self) -> None:
        assert self.shown is not None
        self.page, self.shown = default_shown(self.page, self.shown), None

    @rule(by=st.sampled_from(Loss), is_heard=st.booleans())
    def it_comes_back_without_its_grant(self, by: Loss, is_heard: bool) -> None:
        """What is on its way may be lost or not; it keeps its default, as was proven, and may hold its answers back."""
        self.lease = None
        if is_heard:
            self.page = lost(self.page, by, self.time, Trust.PROVEN)

    @rule()
    def the_charge_ends_and_another_begins(self) -> None:
        self.page = session_over(self.page, f"S{self.session}", self.time)
        self.session += 1
        self.lease = None

    # The law.

    def _draws(self) -> int:
        if self.lease is None:
            return self.default_ma
        clock = self.time + self.clock_off
        return self.default_ma if clock >= self.lease.ends_at else self.lease.limit_ma(self.time)

    @invariant()
    def it_draws_no_more_than_the_book_says(self) -> None:
        assert self._draws() <= held_ma(self.page, self.time)
        assert held_ma(self.page, self.time) <= held_ma(self.page, self.time, self.time + CLOCK_SLACK)


TestBookOfOnePort = BookOfOnePort.TestCase
TestBookOfOnePort.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
