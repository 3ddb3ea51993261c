"""The book of grants: what each port of a site may draw at worst, and so what room there is for the others.

A port may draw the largest of its offline default, the grant that its charger confirmed last, and every grant that was
sent and not answered, each until its lease ends. A lowering therefore counts from its answer, a raise from its sending:
what is not *held* by anybody is all that may be granted. It is held by conductor: what was told by one phase flows in
the first alone, once the meter has shown that it does; all else flows in each, whatever was told. The book is written
before a frame is sent, so that whoever dies in between has booked too much, never too little.

Frames may be lost, late, sent twice and out of order. A grant counts no more once a later one was confirmed that was
sent when the earlier could no longer arrive: it had been answered, or nothing of it had been sent for `ROAMS_FOR`.

What a charger does when nobody speaks to it is proven once for its firmware (`firmware.py`). Until that is known, and
until its own default was seen in its composite schedule, its port is booked at its maximum, whatever it was sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from enum import StrEnum

from chalicelib.domain.chargers.charging_ability import ProfileForm
from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.grid.leases import ROAMS_FOR, DefaultPush, Lease
from chalicelib.domain.grid.tree import PortCurrent, PortId


class Loss(StrEnum):
    """After what a charger may have forgotten its profiles."""

    BOOT = "boot"
    RECONNECT = "reconnect"


class Trust(StrEnum):
    """Whether a charger's firmware does in silence what we count on; UNKNOWN: that was not proven, or not all of it."""

    UNKNOWN = "unknown"
    PROVEN = "proven"
    DISPROVEN = "disproven"


@dataclass(frozen=True, slots=True, kw_only=True)
class PortPage:
    """A port's page in the book.

    `most_ma`: what its hardware can draw at all. `trust`: what is proven of its charger's firmware. `default_ma`: the
    offline default that its composite schedule has shown, None: none yet; `default_phases`: by so many it was told
    (None: all); `expected_ma` is the one shown before the charger may have lost it. `pushes`: those sent and not yet
    shown. `leases` are in the order of sending. `lost_at`: its charger has booted or reconnected then (`lost_by`), and
    no grant was confirmed since. `told_at`: a limit was sent last then.

    `read_name`, `read_at`: its composite schedule was asked for and is awaited, when `read_knows` had been answered; so
    many `unread` in a row were not shown. `proof_at`: its charger was to be cut or reset then, to prove what it keeps,
    and was not yet. `frames`: how many were sent in this session, and how many of the newest were `refusals`, the last
    at `refused_at` of `refused_form`; `refused_default`: so was a default put. `ignored_since`: it was measured above
    its grant, and has not been seen to keep one since; `judged`: the grant that was last found ignored; `measures`:
    what was done about it; `stopped_at`: its charge was to be ended then. `shown_one`: the session in which its meter
    has shown that the charge flows by one phase, as it was told (`one_phase.py`). `proofs`: when it was cut or reset to
    prove something within the last day. `unsent`: so many of the newest frames could not be sent, the last `unsent_at`.
    """

    port_id: PortId
    most_ma: int
    trust: Trust = Trust.UNKNOWN
    default_ma: int | None = None
    default_phases: int | None = None
    expected_ma: int | None = None
    pushes: tuple[DefaultPush, ...] = ()
    leases: tuple[Lease, ...] = ()
    lost_at: datetime | None = None
    lost_by: Loss | None = None
    ignored_since: datetime | None = None
    read_name: str = ""
    read_at: datetime | None = None
    read_knows: tuple[str, ...] = ()
    unread: int = 0
    told_at: datetime | None = None
    frames: int = 0
    refusals: int = 0
    refused_at: datetime | None = None
    refused_form: ProfileForm | None = None
    refused_default: ProfileForm | None = None
    judged: str = ""
    measures: tuple[str, ...] = ()
    stopped_at: datetime | None = None
    proof_at: datetime | None = None
    shown_one: str = ""
    proofs: tuple[datetime, ...] = ()
    unsent: int = 0
    unsent_at: datetime | None = None

    @property
    def newest(self) -> Lease | None:
        """The grant that was sent last."""
        return self.leases[-1] if self.leases else None

    def is_quiet(self, at: datetime) -> bool:
        """Whether nothing that it was sent can still be on its way to it then."""
        return self.told_at is None or self.told_at + ROAMS_FOR <= at

    @property
    def is_at_worst(self) -> bool:
        """Whether it has to be taken for all that it could ever draw."""
        return self.trust is not Trust.PROVEN or self.default_ma is None or self.ignored_since is not None


def held_by_port(
    pages: Iterable[PortPage], at: datetime, until: datetime | None = None
) -> Mapping[PortId, PortCurrent]:
    """What each port of a site may draw at worst between two moments; see `held`."""
    return {it.port_id: held(it, at, until) for it in pages}


def held_ma(page: PortPage, at: datetime, until: datetime | None = None) -> int:
    """The most that a port may draw by any of its conductors; see `held`."""
    return held(page, at, until).first_ma


def held(page: PortPage, at: datetime, until: datetime | None = None) -> PortCurrent:
    """The most that a port may draw `at` that moment, or at any moment from then `until` another, by conductor.

    Nobody's lease may be granted beyond what the others hold at any moment of it: who grants `share`'s, asks until
    `at + LEASE`. Without a word from us it only ever falls, but for plans, whose periods are told in advance.
    """
    return PortCurrent.by_all(page.most_ma) if page.is_at_worst else _told(page, at, until or at)


def told(page: PortPage, at: datetime, until: datetime | None = None) -> PortCurrent:
    """What a port may draw if its charger does as it was told, be that proven or not; its maximum where it does not.

    By this much ports are told apart that are booked at their maximum, so that even they are lowered before raised.
    """
    is_bad = page.trust is Trust.DISPROVEN or page.default_ma is None or page.ignored_since is not None
    return PortCurrent.by_all(page.most_ma) if is_bad else _told(page, at, until or at)


def said(page: PortPage, at: datetime, until: datetime | None = None) -> PortCurrent:
    """What a port was told that it may draw, whatever its charger makes of it: beyond that, a frame is a raise."""
    if page.default_ma is None and page.expected_ma is not None:
        # It may still keep that: a higher default would be a raise, whatever else it may be drawing.
        page = replace(page, default_ma=page.expected_ma)
    is_told = page.default_ma is not None or any(it.counts(at) for it in page.leases)
    is_told = is_told or any(it.answered_at is not None for it in page.pushes)
    return _told(page, at, until or at) if is_told else PortCurrent.by_all(page.most_ma)


def base_ma(page: PortPage) -> int:
    """What a port may draw at worst without a grant, for as long as we can see."""
    is_bad = page.trust is Trust.DISPROVEN or page.ignored_since is not None
    return page.most_ma if is_bad else max([page.default_ma or 0, *(it.limit_ma for it in page.pushes)])


# What we send. Each is booked before it is sent.


def asked(page: PortPage, lease: Lease) -> PortPage:
    """A grant is about to be sent. Its periods are in the order of time, one at least."""
    page = _tidied(page, lease.sent_at)
    # Not by the times of answers: who hears one, and who sends, have clocks of their own.
    past = tuple(it.name for it in page.leases if it.settled_at <= lease.sent_at)
    lease = replace(lease, replaces=past)
    # By all again from its sending.
    shown_one = page.shown_one if lease.phases == 1 else ""
    return replace(
        page,
        leases=(*page.leases, lease),
        frames=page.frames + 1,
        told_at=lease.sent_at,
        shown_one=shown_one,
    )


def repeated(page: PortPage, name: str, at: datetime) -> PortPage:
    """The same grant, or the same default, is about to be sent once more."""

    def again(it: Lease) -> Lease:
        return replace(it, sends=it.sends + 1, last_sent_at=at)

    def pushed_again(it: DefaultPush) -> DefaultPush:
        return replace(it, sends=it.sends + 1, last_sent_at=at)

    page = _with_push(_with_lease(page, name, again), name, pushed_again)
    # From now on it can reach the charger after those that were sent since.
    leases = tuple(replace(it, replaces=tuple(other for other in it.replaces if other != name)) for it in page.leases)
    return replace(page, leases=leases, frames=page.frames + 1, told_at=at)


def unsent(page: PortPage, name: str, at: datetime) -> PortPage:
    """A grant, or a default, was booked and is known not to have gone out, nor ever to go out."""
    leases = tuple(it for it in page.leases if it.name != name or it.sends > 1)
    pushes = tuple(it for it in page.pushes if it.name != name or it.sends > 1)
    return replace(page, leases=leases, pushes=pushes, unsent=page.unsent + 1, unsent_at=at)


def default_pushed(page: PortPage, push: DefaultPush) -> PortPage:
    """An offline default is about to be sent: a higher one counts from now on, a lower one once it was shown."""
    return replace(page, pushes=(*page.pushes, push), told_at=push.sent_at)


def schedule_asked(page: PortPage, name: str, at: datetime) -> PortPage:
    """The port's composite schedule is about to be asked for."""
    known = tuple(it.name for it in page.pushes if it.answered_at is not None)
    return replace(page, read_name=name, read_at=at, read_knows=known, unread=page.unread + 1)


# What the charger answers. Answers may come late, twice, and after the answer to something later.


def confirmed(page: PortPage, name: str, at: datetime) -> PortPage:
    """The charger keeps that grant. Earlier ones that cannot reach it any more count no longer."""
    page = _with_lease(page, name, lambda it: it if it.answered_at else replace(it, answered_at=at))
    lease = next((it for it in page.leases if it.name == name), None)
    if lease is None:
        return _tidied(page, at)
    kept = tuple(it for it in page.leases if it.name not in lease.replaces)
    is_after_loss = page.lost_at is not None and lease.sent_at >= page.lost_at
    if is_after_loss:
        page = replace(page, lost_at=None, lost_by=None)
    return _tidied(replace(page, leases=kept, refusals=0, unsent=0), at)


def refused(page: PortPage, name: str, at: datetime) -> PortPage:
    """The charger does not take that grant. Of one sent twice, the other copy may have been taken: it stays booked."""
    lease = next((it for it in page.leases if it.name == name), None)
    if lease is None or lease.answered_at is not None:
        return page
    page = replace(page, refusals=page.refusals + 1, refused_at=at, refused_form=lease.form)
    if lease.sends == 1:
        return replace(page, leases=tuple(it for it in page.leases if it.name != name))
    return _with_lease(page, name, lambda it: replace(it, answered_at=at, is_refused=True))


def default_answered(page: PortPage, name: str, at: datetime, *, is_refused: bool = False) -> PortPage:
    """The charger says whether it keeps that default. A word is no proof: it still has to be shown."""
    push = next((it for it in page.pushes if it.name == name), None)
    if push is None or push.answered_at is not None:
        return page
    if is_refused:
        page = replace(page, refused_default=push.form)
    if is_refused and push.sends == 1:
        return replace(page, pushes=tuple(it for it in page.pushes if it.name != name))
    return _with_push(page, name, lambda it: replace(it, answered_at=at, is_refused=is_refused))


def default_shown(page: PortPage, limit_ma: int) -> PortPage:
    """The composite schedule that is awaited shows that the port falls to that in silence.

    That proves the default that was confirmed last before it was asked for, or the one that stood before the charger
    may have lost it; nothing where it shows more than that. A higher one that may still arrive stays booked beside it.
    """
    asked_at, knows = page.read_at, page.read_knows
    page = replace(page, read_name="", read_at=None, read_knows=())
    if asked_at is None:
        return page
    known = [it for it in page.pushes if it.name in knows and not it.is_refused]
    wanted = known[-1].limit_ma if known else page.default_ma if page.default_ma is not None else page.expected_ma
    if wanted is None or limit_ma > wanted:
        # It does not keep what it was given: nothing is known of its silence, and it is not asked for ever.
        return replace(page, default_ma=None, expected_ma=None)
    travel = [
        it for it in page.pushes if it.last_sent_at + ROAMS_FOR > asked_at and not (it.name in knows and it.sends == 1)
    ]
    # A copy of the very one that was shown may come once more, after a lower one.
    pushes = tuple(it for it in travel if it not in known or it.limit_ma >= wanted)
    if page.lost_at is not None and asked_at >= page.lost_at and not page.leases:
        # There is nothing that it would have to be told again.
        page = replace(page, lost_at=None, lost_by=None)
    phases = known[-1].phases if known else page.default_phases
    return replace(page, default_ma=wanted, default_phases=phases, expected_ma=None, pushes=pushes, unread=0)


# What happens to the charger.


def lost(page: PortPage, by: Loss, at: datetime, trust: Trust) -> PortPage:
    """The charger has booted, or connected anew, as the firmware it now says it has: all is to be sent again.

    A default that its firmware does not provably keep has to be shown again before anything else counts.
    """
    return replace(
        _tidied(page, at),
        trust=trust,
        default_ma=page.default_ma if trust is Trust.PROVEN else None,
        expected_ma=page.expected_ma if page.default_ma is None else page.default_ma,
        lost_at=at,
        lost_by=Loss.BOOT if Loss.BOOT in (by, page.lost_by) else by,
        read_name="",
        read_at=None,
        read_knows=(),
        unread=0,
        proof_at=None,
        unsent=0,
        shown_one="" if by is Loss.BOOT else page.shown_one,
    )


def trusted(page: PortPage, trust: Trust) -> PortPage:
    """Something was proven, or disproven, of its charger's firmware."""
    return replace(page, trust=trust)


def session_over(page: PortPage, session_id: str, at: datetime) -> PortPage:
    """A charge has ended, by the charger's own word: its grants ended with it, but for copies that still travel.

    A TxProfile goes with its transaction (OCPP 1.6, 3.13.2); a grant that had to be put as a default does not, and
    holds for whatever charges next.
    """
    leases = tuple(replace(it, is_over=True) if it.session_id == session_id else it for it in page.leases)
    return _tidied(replace(page, leases=leases, frames=0, refusals=0, unsent=0, measures=(), stopped_at=None), at)


def ignored(page: PortPage, at: datetime) -> PortPage:
    """It was measured above its grant: it may draw all it can, for all we know."""
    return replace(page, ignored_since=page.ignored_since or at)


def shown_by_one(page: PortPage, session_id: str) -> PortPage:
    """Its meter has shown that this charge flows by one phase, as it was told; empty: it has shown the contrary."""
    return replace(page, shown_one=session_id)


def obeyed(page: PortPage) -> PortPage:
    """It was measured within a grant, after it had not been."""
    return replace(page, ignored_since=None, measures=())


def _told(page: PortPage, at: datetime, until: datetime) -> PortCurrent:
    # A default flows by all phases: whatever ends the telling makes of one phase three again, and needs nobody for it.
    others_ma = max([page.default_ma or 0, *(it.limit_ma for it in page.pushes)])
    first_ma = others_ma
    for lease in page.leases:
        worst_ma = lease.worst_ma(at, until)
        first_ma = max(first_ma, worst_ma)
        if not _is_by_one(page, lease):
            others_ma = max(others_ma, worst_ma)
    return PortCurrent(min(page.most_ma, first_ma), min(page.most_ma, others_ma))


def _is_by_one(page: PortPage, lease: Lease) -> bool:
    """Whether a grant by one phase counts so: in the charge in which that was seen, and for no other car."""
    is_its = lease.session_id is not None and lease.session_id == page.shown_one
    return is_its and lease.phases == 1 and lease.ends_with_charge


def _tidied(page: PortPage, at: datetime) -> PortPage:
    kept = tuple(it for it in page.leases if it.counts(at))
    return page if kept == page.leases else replace(page, leases=kept)


def _with_lease(page: PortPage, name: str, change: Callable[[Lease], Lease]) -> PortPage:
    return replace(page, leases=tuple(change(it) if it.name == name else it for it in page.leases))


def _with_push(page: PortPage, name: str, change: Callable[[DefaultPush], DefaultPush]) -> PortPage:
    return replace(page, pushes=tuple(change(it) if it.name == name else it for it in page.pushes))
