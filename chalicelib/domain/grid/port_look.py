"""The next frame of one port: what is due of a default, its proof, a grant, and a switch of its phases.

A default comes before any grant. A switch goes through 0 A and its confirmation, both ways: contactors that open under
load wear, and some cars do not come back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from chalicelib.domain.chargers.charging_ability import ProfileForm
from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.grid.firmware import Firmware, awaits_proof
from chalicelib.domain.grid.grants import PortPage, Trust, asked, default_pushed, repeated, schedule_asked
from chalicelib.domain.grid.leases import (
    ANSWERED_WITHIN,
    CLOCK_SLACK,
    LEASE,
    ROAMS_FOR,
    DefaultPush,
    Lease,
    Period,
    lease_of,
    push_of,
)
from chalicelib.domain.grid.obedience import Measure
from chalicelib.domain.grid.tree import PortId

NewName = Callable[[], str]
STEP_MA = 1_000
# With every so many frames of a session a change has to be an ampere larger: 30 are enough for a night.
_FRAMES_A_STEP = 10
# Repeated so often at once; then a charger that answers nothing is asked once a minute.
_SOON = 3
_LATER = timedelta(seconds=60)
_UNREAD = 3
_READ_WITHIN = timedelta(seconds=30)
# Whoever has shown one before, and then did not so often, is asked for it again so much later.
_READ_LATER = timedelta(minutes=10)
_PROVE_AGAIN = timedelta(minutes=5)
# A cut and a reset for each of two things prove all there is: who has shown nothing by twice as many is left in peace.
_MOST_PROOFS, _PROOFS_WITHIN = 8, timedelta(days=1)
_READS_AHEAD = timedelta(minutes=15)
# A plan that was told in part is told on so long before that part ends.
_ENDS_SOON = timedelta(minutes=10)


_UNKNOWN = Firmware(name="")


class OrderKind(StrEnum):
    """What a frame is for: a grant, an offline default, its proof, a charge's end, a proof of what a firmware does."""

    GRANT = "grant"
    DEFAULT = "default"
    READ = "read"
    STOP = "stop"
    CUT = "cut"
    RESET = "reset"


@dataclass(frozen=True, slots=True, kw_only=True)
class PortNeed:
    """What a port is to have: `limit_ma` for the charge `session_id` (None: nobody charges), and its offline default.

    `plan`: the grant by periods instead, of which the first has begun, until `plan_ends_at`. `default_ma` None: its
    charger takes none. `form` and `default_form`: how it is told. `is_quiet`: nobody charges at its charger at all.
    `phases`, `default_phases`: by how many phases it is told (None: all that the port has).
    """

    port_id: PortId
    limit_ma: int | None = None
    session_id: str | None = None
    default_ma: int | None = None
    is_online: bool = True
    is_quiet: bool = False
    plan: tuple[Period, ...] = ()
    plan_ends_at: datetime | None = None
    form: ProfileForm | None = None
    default_form: ProfileForm | None = None
    firmware: Firmware = _UNKNOWN
    phases: int | None = None
    default_phases: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PortOrder:
    """A frame to be sent under a `name`; `is_again`: it was before. `reads_until`: how far a schedule has to reach."""

    port_id: PortId
    kind: OrderKind
    name: str
    lease: Lease | None = None
    limit_ma: int = 0
    phases: int | None = None
    form: ProfileForm | None = None
    is_again: bool = False
    is_lowering: bool = False
    reads_until: datetime | None = None


Next = tuple[PortPage, PortOrder | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class PortLook:
    """A look at one page: which frame is due, and the page as it is with that booked."""

    page: PortPage
    need: PortNeed
    at: datetime
    new_name: NewName
    least_step: int = STEP_MA
    is_as_it_is: bool = False

    @property
    def is_little_less(self) -> bool:
        """Whether it is to be lowered by so little that it is no frame's worth."""
        limit_ma = self.need.limit_ma
        return limit_ma is not None and 0 < self._current_ma - limit_ma < STEP_MA

    def as_it_is(self) -> PortLook:
        """A look for what is due without a raise."""
        page, need = self.page, self.need
        default_ma = need.default_ma
        # One that its charger may have lost, or has yet to show, comes before any that is more.
        known = (page.default_ma, page.expected_ma, *(it.limit_ma for it in page.pushes[-1:]))
        known_ma = next((it for it in known if it is not None), None)
        if default_ma is not None and default_ma > (known_ma or 0):
            default_ma = known_ma
        limit_ma = None if need.limit_ma is None else min(need.limit_ma, self._current_ma)
        return replace(self, need=replace(need, default_ma=default_ma, limit_ma=limit_ma, plan=()), is_as_it_is=True)

    def next(self) -> Next:
        """The page's next frame, if one is due."""
        if self._was_just_unsent:
            return self.page, None
        # Before anything else is sent: what it shows now is what it kept.
        return self._read() if self.page.lost_by is not None and self._wants_proof else self._due()

    def _due(self) -> Next:
        if self._is_stop_due:
            order = self._order(OrderKind.STOP, self.new_name())
            return replace(self.page, stopped_at=self.at), replace(order, is_lowering=True)
        grant = self._grant()
        if grant[1] is not None and (grant[1].is_lowering or self.page.ignored_since is not None):
            return grant
        if self._is_default_due:
            default = self._default()
            # What was told before, and not answered, does not wait for that.
            return grant if default[1] is None and grant[1] is not None and grant[1].is_again else default
        if grant[1] is not None and (self.page.default_ma is not None or self._is_hopeless):
            return grant
        return self._read() if self._wants_proof else self._proof()

    @property
    def _is_stop_due(self) -> bool:
        page = self.page
        is_wanted = Measure.STOP in page.measures and self.need.session_id is not None
        return is_wanted and (page.stopped_at is None or self._is_overdue(page.stopped_at, _LATER))

    @property
    def _lease(self) -> Lease | None:
        lease = self.page.newest
        is_its = lease is not None and not lease.is_over and lease.session_id in (None, self.need.session_id)
        return lease if is_its else None

    @property
    def _current_ma(self) -> int:
        """What it was told last for that charge; its default, where it was told nothing."""
        return self._lease.limit_ma(self.at) if self._lease is not None else self.page.default_ma or 0

    @property
    def _wants_proof(self) -> bool:
        return self.page.unread < _UNREAD and awaits_proof(self.need.firmware, self.page)

    @property
    def _is_default_due(self) -> bool:
        page, default_ma = self.page, self.need.default_ma
        is_as_told = page.default_phases == self.need.default_phases and all(map(self._is_echo, page.pushes))
        if default_ma is None or (page.default_ma == default_ma and is_as_told):
            return False
        # What provably keeps no default is told one all the same, and not asked what became of it.
        is_told = any(it.limit_ma == default_ma and it.answered_at is not None for it in page.pushes)
        return not (self._is_hopeless and is_told)

    def _is_echo(self, push: DefaultPush) -> bool:
        """Whether it was shown, and a copy of it may come once more; when none can, it is read for the last time."""
        is_shown = (push.limit_ma, push.phases) == (self.page.default_ma, self.page.default_phases)
        return is_shown and push.answered_at is not None and self.at < push.last_sent_at + ROAMS_FOR

    @property
    def _is_hopeless(self) -> bool:
        return self.page.trust is Trust.DISPROVEN

    def _default(self) -> Next:
        page, need = self.page, self.need
        push = page.pushes[-1] if page.pushes else None
        is_asked = push is not None and push.answered_at is None
        if push is not None and is_asked and not self._is_overdue(push.last_sent_at, _patience(push.sends)):
            return page, None
        is_other = push is not None and (push.limit_ma, push.phases) != (need.default_ma, need.default_phases)
        if push is None or push.is_refused or is_other:
            limit_ma, name = need.default_ma or 0, self.new_name()
            is_lowering = page.default_ma is not None and limit_ma < page.default_ma
            order = self._order(OrderKind.DEFAULT, name, limit_ma=limit_ma, form=need.default_form)
            page = default_pushed(page, push_of(name, limit_ma, self.at, need.default_form, need.default_phases))
            return page, replace(order, is_lowering=is_lowering, phases=need.default_phases)
        if push.answered_at is None:
            order = self._order(OrderKind.DEFAULT, push.name, limit_ma=push.limit_ma, form=push.form)
            return repeated(page, push.name, self.at), replace(order, is_again=True, phases=push.phases)
        has_shown = page.default_ma is not None or page.expected_ma is not None
        is_later = has_shown and page.read_at is not None and self.at - page.read_at >= _READ_LATER
        return self._read() if page.unread < _UNREAD or is_later else (page, None)

    def _grant(self) -> Next:
        page, lease, wanted_ma = self.page, self._lease, self.need.limit_ma
        if wanted_ma is None or self._was_just_refused:
            return page, None
        if self.need.phases != self._phases and not self._is_still:
            return self._paused()._grant()
        if Measure.ZERO in page.measures:
            wanted_ma = 0
        is_lowering = wanted_ma <= self._current_ma - self.least_step
        is_raise = wanted_ma >= self._current_ma + STEP_MA * (1 + page.frames // _FRAMES_A_STEP)
        is_planned = any(abs(it.limit_ma - self._current_ma) >= STEP_MA for it in self.need.plan)
        if is_lowering or (lease is None and (is_raise or is_planned)):
            return self._ask(wanted_ma)
        if lease is None or not self._is_overdue(lease.last_sent_at, self._patience(lease)):
            return page, None
        if lease.answered_at is None and not is_raise:
            order = self._order(OrderKind.GRANT, lease.name, limit_ma=lease.limit_ma(self.at), form=lease.form)
            return repeated(page, lease.name, self.at), replace(order, lease=lease, is_again=True)
        return self._ask(wanted_ma) if is_raise or self._is_due(lease) else (page, None)

    @property
    def _phases(self) -> int | None:
        """By how many it was told last."""
        return self._lease.phases if self._lease is not None else None

    @property
    def _is_still(self) -> bool:
        """Whether nothing flows, by its charger's word, and has had the time to cease."""
        lease, page = self._lease, self.page
        if lease is None:
            return page.default_ma == 0 and not page.pushes and not any(it.counts(self.at) for it in page.leases)
        is_past = lease.answered_at is not None and self.at - lease.answered_at >= ANSWERED_WITHIN
        return lease.is_confirmed and is_past and not lease.limit_ma(self.at)

    def _paused(self) -> PortLook:
        """A look for what is due on the way to other phases: 0 A by those that it was told last."""
        return replace(self, need=replace(self.need, limit_ma=0, phases=self._phases, plan=(), plan_ends_at=None))

    @property
    def _was_just_refused(self) -> bool:
        page = self.page
        return page.refused_at is not None and self.at - page.refused_at < _pause(page.refusals)

    @property
    def _was_just_unsent(self) -> bool:
        page = self.page
        return page.unsent_at is not None and self.at - page.unsent_at < _pause(page.unsent)

    def _is_overdue(self, sent_at: datetime, patience: timedelta) -> bool:
        """Whether an answer is waited for no longer. On a socket that is gone none can come."""
        return self.at - sent_at >= patience or (self.page.lost_at is not None and sent_at < self.page.lost_at)

    def _patience(self, lease: Lease) -> timedelta:
        if lease.answered_at is None:
            return _patience(lease.sends)
        return _LATER if lease.is_refused else timedelta(0)

    def _is_due(self, lease: Lease) -> bool:
        """Whether what it was told, and holds, is to be told it again."""
        is_other_form = lease.form is not None and self.need.form is not None and lease.form != self.need.form
        if lease.is_refused or is_other_form or (self.page.lost_at is not None and lease.sent_at < self.page.lost_at):
            return True
        is_half_over = not self.need.plan and self.at >= min(lease.sent_at + LEASE / 2, lease.ends_at)
        return is_half_over or self._is_shadowed() or self._is_other_plan(lease)

    def _is_other_plan(self, lease: Lease) -> bool:
        """Whether a plan, or that there is none, says something else of a moment to come than what was sent."""
        plan, ends_at, at = self.need.plan, self.need.plan_ends_at, self.at
        step = STEP_MA * (1 + self.page.frames // _FRAMES_A_STEP)
        later = [it for it in lease.periods if it.starts_at > at]
        if not plan or ends_at is None:
            return not self.is_as_it_is and any(abs(it.limit_ma - lease.limit_ma(at)) >= STEP_MA for it in later)
        soon = LEASE / 2 if at < lease.ends_at - _ENDS_SOON else CLOCK_SLACK
        if ends_at >= lease.ends_at + soon:
            return True
        moments = [it.starts_at for it in (*plan, *later) if it.starts_at < min(ends_at, lease.ends_at)]
        return any(abs(lease.limit_ma(it) - _limit_ma(plan, it)) >= step for it in moments)

    def _is_shadowed(self) -> bool:
        """Whether an older grant, of which nobody knows what became of it, keeps room that one more word would free."""
        default_ma, is_one = self.page.default_ma or 0, self.need.phases == 1
        wanted_ma = max(self.need.limit_ma or 0, default_ma)
        older = [
            it
            for it in self.page.leases[:-1]
            # By its other conductors it keeps all that is above the default.
            if it.worst_ma(self.at, self.at) >= (default_ma if is_one and it.phases != 1 else wanted_ma) + STEP_MA
        ]
        return bool(older) and all(self.at >= it.settled_at for it in older)

    def _ask(self, limit_ma: int) -> Next:
        need = self.need
        lease = lease_of(self.new_name(), limit_ma, self.at, need.session_id, need.phases)
        lease = replace(lease, form=need.form)
        if need.plan and need.plan_ends_at is not None:
            periods = tuple(replace(it, phases=need.phases) for it in need.plan)
            lease = replace(lease, periods=periods, ends_at=need.plan_ends_at)
        order = self._order(OrderKind.GRANT, lease.name, limit_ma=limit_ma, form=need.form)
        is_lowering = limit_ma < self._current_ma
        return asked(self.page, lease), replace(order, lease=lease, is_lowering=is_lowering)

    def _read(self) -> Next:
        page, at = self.page, self.at
        if page.read_at is not None and at - page.read_at < _READ_WITHIN:
            return page, None
        name = self.new_name()
        until = max([at + _READS_AHEAD, *(it.ends_at + 2 * CLOCK_SLACK for it in page.leases)])
        return schedule_asked(page, name, at), replace(self._order(OrderKind.READ, name), reads_until=until)

    def _proof(self) -> Next:
        """While nobody charges, a charger of new firmware is cut off, and started anew, once: to see what it keeps."""
        page, firmware, one = self.page, self.need.firmware, self.need.firmware.one_phase
        is_told = page.default_ma is not None and page.lost_at is None and not page.pushes
        is_settled = is_told and page.is_quiet(self.at)
        tried = tuple(it for it in page.proofs if self.at - it < _PROOFS_WITHIN)
        is_under_way = page.proof_at is not None and self.at - page.proof_at < _PROVE_AGAIN
        is_tried = is_under_way or len(tried) >= _MOST_PROOFS
        tries_one = page.default_phases == 1 and not one.is_disproven
        is_cut_known = firmware.learnt.keeps_when_cut is not None and not (tries_one and one.kept_when_cut is None)
        is_boot_known = firmware.keeps_when_booted is not None and not (tries_one and one.kept_when_booted is None)
        kind = OrderKind.RESET if is_cut_known else OrderKind.CUT
        is_proven = is_cut_known and is_boot_known
        if is_proven or not self.need.is_quiet or not is_settled or is_tried or page.unread >= _UNREAD:
            return page, None
        return replace(page, proof_at=self.at, proofs=(*tried, self.at)), self._order(kind, self.new_name())

    def _order(self, kind: OrderKind, name: str, limit_ma: int = 0, form: ProfileForm | None = None) -> PortOrder:
        return PortOrder(port_id=self.page.port_id, kind=kind, name=name, limit_ma=limit_ma, form=form)


def proof_turn(tried_at: datetime | None, at: datetime) -> tuple[int, datetime]:
    """In which order ports of a firmware are tried: where that is under way, where it never was, where long ago."""
    if tried_at is None:
        return 1, at
    return (0 if at - tried_at < _PROVE_AGAIN else 2), tried_at


def _limit_ma(plan: Sequence[Period], at: datetime) -> int:
    return next((it.limit_ma for it in reversed(plan) if it.starts_at <= at), plan[0].limit_ma)


def _pause(failures: int) -> timedelta:
    """How long nothing is tried after so many that failed in a row."""
    return ANSWERED_WITHIN * min(failures**2, 30)


def _patience(sends: int) -> timedelta:
    return ANSWERED_WITHIN if sends <= _SOON else _LATER
