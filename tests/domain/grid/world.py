"""A site whose frames are late, lost and out of order, whose chargers boot, reconnect, are deaf and lie, and we die.

What each charger may draw at every instant is kept apart from what anybody believes of it, and the sum is compared
with the site's limit. Three ways to tell chargers their limits act in the same world: all at once, the lower ones
first, and the book of grants.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from typing import Protocol

from chalicelib.domain.chargers.charging_ability import ChargingAbility, forms
from chalicelib.domain.chargers.commands import ProfilePurpose
from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.domain.grid.defaults import offline_defaults
from chalicelib.domain.grid.firmware import Firmware, ShownSchedule, proven
from chalicelib.domain.grid.grants import PortPage, Trust, base_ma, held, held_ma, trusted
from chalicelib.domain.grid.leases import ANSWERED_WITHIN, CLOCK_SLACK, LEASE, Lease, Period, lease_of
from chalicelib.domain.grid.orders import ordered
from chalicelib.domain.grid.page_events import EventKind, PageEvent, heard
from chalicelib.domain.grid.port_look import OrderKind, PortNeed, PortOrder
from chalicelib.domain.grid.profiles import Allowance, PortGrant, profile_of
from chalicelib.domain.grid.tree import Node, Phase, Port, PortCurrent, PortId, SiteTree

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
MOST_MA, LEAST_MA = 32_000, 6_000
# Nobody charges while chargers are taken into service.
IN_SERVICE = NOON + timedelta(minutes=25)
# A tenth of an ampere, to which limits are rounded.
EPSILON_MA = 100
_PORT = Port(port_id=PortId("CP", ConnectorId(1)), node_id="grid", phases=(Phase.L1,))
_SINCE_RECEIPT = ChargingAbility(is_relative_since_receipt=True)
_RELATIVE_FORM = forms(_SINCE_RECEIPT, ProfilePurpose.SESSION)[0]


@dataclass(frozen=True, slots=True, order=True)
class QuickPortId(PortId):
    """A port's name that is looked up by the thousand."""

    place: int = field(default=0, compare=False)

    def __hash__(self) -> int:
        return self.place


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


@dataclass(frozen=True)
class Make:
    """What a charger's firmware keeps, and what it does when a lease ends; `answers`: whether it says so at all.

    `is_relative`: its leases count from when each comes, by no clock, as OCPP 2.x has it.
    """

    name: str
    keeps_session_when_cut: bool = True
    keeps_default_when_cut: bool = True
    keeps_session_when_booted: bool = False
    keeps_default_when_booted: bool = True
    falls_back: bool = True
    shows: bool = True
    is_relative: bool = False


SOUND = Make("sound")
GO_E = Make("go-e", keeps_session_when_cut=False)
FORGETS_WHEN_CUT = Make("forgets when cut", keeps_session_when_cut=False, keeps_default_when_cut=False)
FORGETS_WHEN_BOOTED = Make("forgets when booted", keeps_default_when_booted=False)
RUNS_FREE = Make("runs free after a lease", falls_back=False)
SHOWS_NOTHING = Make("shows nothing", shows=False)
MAKES = (SOUND, GO_E, FORGETS_WHEN_CUT, FORGETS_WHEN_BOOTED, RUNS_FREE, SHOWS_NOTHING)
# Of OCPP 2.x: what they are sent counts from its arrival.
RELATIVE = Make("relative", is_relative=True)
RELATIVE_GO_E = Make("relative go-e", is_relative=True, keeps_session_when_cut=False)
UNRULY = (FORGETS_WHEN_CUT, FORGETS_WHEN_BOOTED, RUNS_FREE)


@dataclass
class Charger:
    """A charger of one connector, as it is: its limits by its own clock, its socket, the car at it."""

    port_id: PortId
    make: Make
    clock_off: timedelta
    default_ma: int | None = None
    profile: Lease | None = None
    session_id: str | None = None
    socket: int = 1
    is_online: bool = True
    deaf_until: datetime = NOON

    def limit_ma(self, at: datetime) -> int:
        """What its hardware lets through."""
        default_ma = MOST_MA if self.default_ma is None else self.default_ma
        if self.profile is None or self.session_id is None:
            return default_ma
        clock = at + self.clock_off
        if clock >= self.profile.ends_at:
            return default_ma if self.make.falls_back else MOST_MA
        if not self.make.is_relative and clock < self.profile.periods[0].starts_at - CLOCK_SLACK:
            return default_ma
        return self.profile.limit_ma(clock)

    def draws(self, at: datetime) -> PortCurrent:
        """What a car that takes all it can takes; one may come at any moment, once the site is in service."""
        return PortCurrent.by_all(self.limit_ma(at) if self.session_id is not None or at >= IN_SERVICE else 0)

    def take(self, order: PortOrder, at: datetime, made_at: datetime) -> ShownSchedule | bool | None:
        """Obey a frame and answer: whether it is kept, or what is shown; None for a schedule it cannot show."""
        if order.kind is OrderKind.DEFAULT:
            self.default_ma = order.limit_ma
            return True
        if order.kind is OrderKind.READ:
            return self._schedule(order, at) if self.make.shows else None
        lease = order.lease
        if lease is None or lease.session_id != self.session_id:
            return False
        self.profile = relative(lease, made_at, at + self.clock_off) if self.make.is_relative else shaped(lease)
        return True

    def _schedule(self, order: PortOrder, at: datetime) -> ShownSchedule:
        assert order.reads_until is not None
        turns = [at]
        if self.profile is not None and self.session_id is not None:
            off = self.clock_off
            turns += [it.starts_at - off for it in self.profile.periods] + [self.profile.ends_at - off]
        shown = [self.period(it) for it in sorted(turns) if it >= at]
        return ShownSchedule(asked_at=at, periods=tuple(shown), until=order.reads_until)

    def period(self, at: datetime) -> Period:
        """What it shows of that moment."""
        return Period(at, self.limit_ma(at))

    def forget(self, *, is_boot: bool) -> None:
        make = self.make
        if not (make.keeps_session_when_booted if is_boot else make.keeps_session_when_cut):
            self.profile = None
        if not (make.keeps_default_when_booted if is_boot else make.keeps_default_when_cut):
            self.default_ma = None


def shaped(lease: Lease) -> Lease:
    """As it is sent: what is lower begins a minute early, and what is higher a minute late."""
    periods = [lease.periods[0]]
    for it in lease.periods[1:]:
        off = CLOCK_SLACK if it.limit_ma > periods[-1].limit_ma else -CLOCK_SLACK
        periods.append(replace(it, starts_at=it.starts_at + off))
    return replace(lease, periods=tuple(periods))


def relative(lease: Lease, made_at: datetime, comes_at: datetime) -> Lease:
    """As the product sends it to whoever counts from its arrival: made then, and there at `comes_at`."""
    turns = [it for it in lease.periods if it.starts_at > made_at]
    allowances = (
        Allowance(0, lease.limit_ma(made_at)),
        *(Allowance(round((it.starts_at - made_at).total_seconds()), it.limit_ma) for it in turns),
    )
    lease_s = max(60, round((lease.ends_at - made_at).total_seconds()))
    grant = PortGrant(port=_PORT, allowances=allowances, at=made_at, lease_s=lease_s)
    command = profile_of(grant, _RELATIVE_FORM, _SINCE_RECEIPT).command
    assert command.duration_s is not None
    return replace(
        lease,
        periods=tuple(
            Period(comes_at + seconds(it.start_s), int(it.limit * 1000), lease.phases) for it in command.limits
        ),
        ends_at=comes_at + seconds(command.duration_s),
    )


class Backend(Protocol):
    """A way to tell chargers their limits."""

    def look(self, at: datetime) -> Sequence[PortOrder]: ...

    def told(self, event: PageEvent) -> None: ...

    def began(self, port_id: PortId, session_id: str, at: datetime) -> None: ...

    def ended(self, port_id: PortId, session_id: str, at: datetime) -> None: ...


@dataclass
class Site:
    """What all ways know: the tree, who charges, and what each should have."""

    tree: SiteTree
    limit_ma: int
    charging: dict[PortId, str] = field(default_factory=dict)
    wants: dict[PortId, int] = field(default_factory=dict)
    plans: dict[PortId, Lease] = field(default_factory=dict)
    numbers: count[int] = field(default_factory=lambda: count(1))

    def new_name(self) -> str:
        return f"f{next(self.numbers)}"

    def worst_ma(self, currents: Mapping[PortId, PortCurrent]) -> int:
        """What flows in the conductor that carries most: all are on one."""
        return sum(it.first_ma for it in currents.values())

    def fits(self, currents: Mapping[PortId, PortCurrent]) -> bool:
        return self.worst_ma(currents) <= self.limit_ma

    def targets(
        self, bases_ma: Mapping[PortId, int], planned: Collection[PortId] = (), by_one: Collection[PortId] = ()
    ) -> dict[PortId, int]:
        """As much as each that charges can use, no one more than others but where they use less; the first get 6 A."""
        ports = [it for it in self.charging if it not in planned]
        found = {it: max(bases_ma.get(it, 0), LEAST_MA) for it in ports}

        def fits(granted_ma: Mapping[PortId, int]) -> bool:
            most = {**bases_ma, **granted_ma}
            one = {it: PortCurrent(most_ma, bases_ma.get(it, 0)) for it, most_ma in most.items() if it in by_one}
            return self.fits({it: PortCurrent.by_all(most_ma) for it, most_ma in most.items()} | one)

        while ports and not fits(found):
            gone = ports.pop()
            found[gone] = bases_ma.get(gone, 0)
        rising = [it for it in ports if found[it] < self.wants.get(it, MOST_MA)]
        while rising and fits(more := found | {it: found[it] + 500 for it in rising}):
            found = more
            rising = [it for it in rising if found[it] + 500 <= self.wants.get(it, MOST_MA)]
        return found


class Booked:
    """The book of grants."""

    def __init__(self, site: Site, makes: Mapping[PortId, str]) -> None:
        self.site = site
        self.pages: Sequence[PortPage] = [PortPage(port_id=it.port_id, most_ma=it.most_ma) for it in site.tree.ports]
        self.makes = makes
        self.firmwares = {name: Firmware(name=name) for name in makes.values()}
        self.events: list[PageEvent] = []
        self._key: object = None
        self._defaults = offline_defaults(site.tree)

    def told(self, event: PageEvent) -> None:
        self.events.append(event)

    def began(self, port_id: PortId, session_id: str, at: datetime) -> None:
        self.site.charging[port_id] = session_id

    def ended(self, port_id: PortId, session_id: str, at: datetime) -> None:
        self.events.append(PageEvent(port_id=port_id, kind=EventKind.SESSION_OVER, at=at, session_id=session_id))
        if self.site.charging.get(port_id) == session_id:
            del self.site.charging[port_id]

    def take_in(self) -> None:
        if not self.events:
            return
        book = {it.port_id: it for it in self.pages}
        for event in sorted(self.events, key=lambda it: it.at):
            name = self.makes[event.port_id]
            page = book[event.port_id]
            if event.shown is not None and event.name == page.read_name:
                self.firmwares[name] = proven(self.firmwares[name], page, event.shown)
            book[event.port_id] = heard(page, replace(event, trust=self.firmwares[name].trust))
        self.events = []
        self.pages = [trusted(it, self.firmwares[self.makes[it.port_id]].trust) for it in book.values()]

    def look(self, at: datetime) -> Sequence[PortOrder]:
        self.take_in()
        site = self.site
        unruly = {it.port_id: it.most_ma for it in self.pages if it.trust is Trust.DISPROVEN}
        charging = self.with_default(at)
        key = (tuple(charging), tuple(unruly))
        if key != self._key:
            self._key, self._defaults = key, offline_defaults(site.tree, charging, unruly)
        defaults = self._defaults
        bases = {it.port_id: max(base_ma(it), defaults.limit_ma[it.port_id]) for it in self.pages}
        plans = {it: plan for it, plan in site.plans.items() if it in site.charging and plan.ends_at > at}
        planned = {it.port_id: held_ma(it, at, at + LEASE) for it in self.pages if it.port_id in plans}
        targets = site.targets(bases | planned, plans, self.shown())
        targets |= {it: plan.limit_ma(at) for it, plan in plans.items()}
        needs = []
        for page in self.pages:
            port_id = page.port_id
            plan = plans.get(port_id)
            needs.append(
                PortNeed(
                    port_id=port_id,
                    limit_ma=targets.get(port_id),
                    session_id=site.charging.get(port_id),
                    default_ma=LEAST_MA if port_id in unruly else defaults.limit_ma[port_id],
                    is_quiet=port_id not in site.charging,
                    plan=plan.periods if plan else (),
                    plan_ends_at=plan.ends_at if plan else None,
                    firmware=self.firmwares[self.makes[port_id]],
                )
            )
        needs = [self.by_phases(it) for it in needs]
        self.pages, orders = ordered(self.pages, needs, at, site.new_name, site.fits)
        return orders

    # By how many phases: see `phases_world.py`.

    def with_default(self, at: datetime) -> list[PortId]:
        """Those who charge, and have a default where not all have one."""
        return list(self.site.charging)

    def shown(self) -> Collection[PortId]:
        """Those who charge by one phase, as the book has it."""
        return ()

    def by_phases(self, need: PortNeed) -> PortNeed:
        return need


class WrittenLast(Booked):
    """The book as well, but written after the frames were sent: whoever dies in between leaves it as it was."""

    def __init__(self, site: Site, makes: Mapping[PortId, str]) -> None:
        super().__init__(site, makes)
        self._before: Sequence[PortPage] = self.pages

    def look(self, at: datetime) -> Sequence[PortOrder]:
        self.take_in()
        self._before = self.pages
        return super().look(at)

    def died(self) -> None:
        self.pages = self._before


class AtOnce:
    """Whoever is to have something else is told so, raises and lowerings alike, until it answers."""

    raises_after = timedelta(0)

    def __init__(self, site: Site, makes: Mapping[PortId, str]) -> None:
        self.site = site
        self.sent: dict[PortId, Lease] = {}
        self.answered: set[str] = set()
        self.lowered_at = NOON - timedelta(hours=1)
        self.is_commissioned: set[PortId] = set()

    def told(self, event: PageEvent) -> None:
        if event.kind is EventKind.CONFIRMED:
            self.answered.add(event.name)
        if event.kind in (EventKind.BOOTED, EventKind.RECONNECTED):
            self.sent.pop(event.port_id, None)
            self.is_commissioned.discard(event.port_id)

    def began(self, port_id: PortId, session_id: str, at: datetime) -> None:
        self.site.charging[port_id] = session_id

    def ended(self, port_id: PortId, session_id: str, at: datetime) -> None:
        if self.site.charging.get(port_id) == session_id:
            del self.site.charging[port_id]
            self.sent.pop(port_id, None)

    def look(self, at: datetime) -> Sequence[PortOrder]:
        site = self.site
        defaults = offline_defaults(site.tree, list(site.charging)).limit_ma
        found: list[PortOrder] = []
        for port_id in defaults:
            if port_id not in self.is_commissioned:
                self.is_commissioned.add(port_id)
                name = site.new_name()
                order = PortOrder(port_id=port_id, kind=OrderKind.DEFAULT, name=name, limit_ma=defaults[port_id])
                found.append(order)
        for port_id, limit_ma in site.targets(defaults).items():
            known = self.sent.get(port_id)
            before = known.limit_ma(at) if known is not None else defaults[port_id]
            is_open = known is not None and known.name not in self.answered
            if known is not None and before == limit_ma and at < known.sent_at + LEASE / 2:
                if is_open and at - known.last_sent_at >= ANSWERED_WITHIN:
                    self.sent[port_id] = replace(known, last_sent_at=at)
                    found.append(self._order(port_id, known, is_lowering=False))
                continue
            lease = lease_of(site.new_name(), limit_ma, at, site.charging[port_id])
            if limit_ma > before and at < self.lowered_at + self.raises_after:
                continue
            if limit_ma < before:
                self.lowered_at = at
            self.sent[port_id] = lease
            found.append(self._order(port_id, lease, is_lowering=limit_ma < before))
        if self.raises_after and any(it.is_lowering for it in found):
            for order in [it for it in found if it.kind is OrderKind.GRANT and not it.is_lowering]:
                self.sent.pop(order.port_id, None)
                found.remove(order)
        return found

    def _order(self, port_id: PortId, lease: Lease, *, is_lowering: bool) -> PortOrder:
        return PortOrder(port_id=port_id, kind=OrderKind.GRANT, name=lease.name, lease=lease, is_lowering=is_lowering)


class LowerFirst(AtOnce):
    """As that, but who is to have more waits for five seconds after others were told to take less."""

    raises_after = seconds(5)


WAYS: Mapping[str, Callable[[Site, Mapping[PortId, str]], Backend]] = {
    "all at once": AtOnce,
    "lower first": LowerFirst,
    "the book": Booked,
    "the book, written last": WrittenLast,
}


@dataclass(frozen=True, kw_only=True)
class History:
    """What came of one history: how long and how far the site was above its limit, and whether the book was wrong."""

    seed: int
    way: str
    overloads: int = 0
    worst_ma: int = 0
    limit_ma: int = 0
    above_book: int = 0
    frames: int = 0
    sessions: int = 0
    granted_ma_s: float = 0
    switched: int = 0


class World:
    """One history; whatever happens at random happens in each way alike."""

    def __init__(self, seed: int, way: str, makes: Sequence[Make] = MAKES, hours: float = 2) -> None:
        self.random = Random(f"{seed}")
        self.wire = Random(f"{seed} wire")
        self.seed, self.way = seed, way
        self.time = NOON
        self.ends_at = NOON + timedelta(hours=hours)
        self._agenda: list[tuple[datetime, int, Callable[[], None]]] = []
        self._order = count()
        self._sessions = count(1)
        number = self.random.randint(3, 7)
        self.chargers = {it.port_id: it for it in (self.charger(n, makes) for n in range(number))}
        limit_ma = max(self.least_ma(), self.random.randint(12, 14 * number) * 1000)
        self.site = self.site_of(limit_ma)
        self.backend = self.backend_of(way)
        self.dead_until = NOON
        self.overloads = self.worst_ma = self.above_book = self.frames = 0
        self.granted_ma_s = 0.0
        self._was_over = False
        self._look_at: datetime | None = None
        self._plan_random_things()

    def least_ma(self) -> int:
        unruly = sum(it.make in UNRULY for it in self.chargers.values())
        return unruly * MOST_MA + (len(self.chargers) - unruly) * LEAST_MA

    def site_of(self, limit_ma: int) -> Site:
        return Site(tree_of(tuple(self.chargers), limit_ma), limit_ma)

    def backend_of(self, way: str) -> Backend:
        return WAYS[way](self.site, {it.port_id: it.make.name for it in self.chargers.values()})

    def charger(self, number: int, makes: Sequence[Make]) -> Charger:
        # Most chargers are sound, and of a site few of the others.
        make = self.random.choice(makes) if self.random.random() < 0.5 else makes[0]
        port_id = QuickPortId(f"CP-{number}", ConnectorId(1), number)
        return Charger(port_id=port_id, make=make, clock_off=seconds(self.random.uniform(-50, 50)))

    # Time.

    def after(self, wait_s: float, what: Callable[[], None]) -> None:
        heapq.heappush(self._agenda, (self.time + seconds(wait_s), next(self._order), what))

    def run(self) -> History:
        self.after(1, self.look)
        self.after(60, self._minute)
        while self._agenda and self._agenda[0][0] <= self.ends_at:
            due, _, what = heapq.heappop(self._agenda)
            self.time = max(self.time, due)
            what()
            self.check()
        return History(
            seed=self.seed,
            way=self.way,
            overloads=self.overloads,
            worst_ma=self.worst_ma,
            limit_ma=self.site.limit_ma,
            above_book=self.above_book,
            frames=self.frames,
            sessions=next(self._sessions) - 1,
            granted_ma_s=self.granted_ma_s,
        )

    def check(self) -> None:
        """Whether the site is over its limit now, or any port above what the book says."""
        draws = {it.port_id: it.draws(self.time) for it in self.chargers.values()}
        total = self.site.worst_ma(draws)
        is_over = total > self.site.limit_ma + EPSILON_MA
        self.overloads += is_over and not self._was_over
        self._was_over = is_over
        self.worst_ma = max(self.worst_ma, total)
        if isinstance(self.backend, Booked):
            # What was told and not yet taken in can only lower what is held, or make it certain.
            pages = zip(draws.values(), self.backend.pages, strict=True)
            self.above_book += any(it.first_ma > 0 and _is_above(it, held(page, self.time)) for it, page in pages)

    def _minute(self) -> None:
        self.look()
        self.granted_ma_s += 120 * sum(it.draws(self.time).first_ma for it in self.chargers.values())
        for charger in self.chargers.values():
            # Leases end, and clocks differ: whatever happens in silence is looked at too.
            if charger.profile is not None and charger.session_id is not None:
                ends_s = (charger.profile.ends_at - charger.clock_off - self.time).total_seconds()
                if 0 <= ends_s < 120:
                    self.after(ends_s + 0.001, lambda: None)
        self.after(120, self._minute)

    # We.

    def look_soon(self, wait_s: float) -> None:
        at = self.time + seconds(wait_s)
        if self._look_at is None or at < self._look_at or self._look_at < self.time:
            self._look_at = at
            self.after(wait_s, lambda: self.look() if self._look_at == at else None)

    def look(self) -> None:
        if self.time < self.dead_until:
            return
        orders = self.backend.look(self.time)
        # Whoever dies between the book and the sockets has booked what was never sent.
        alive = len(orders) if self.wire.random() > 0.02 else self.wire.randint(0, len(orders))
        for order in orders[:alive]:
            self.send(order)
        if isinstance(self.backend, WrittenLast) and orders and self.wire.random() < 0.1:
            self.backend.died()
            self._die(self.wire.uniform(60, 600))
        if orders:
            self.look_soon(10.5)

    def hear(self, event: PageEvent) -> None:
        if self.time < self.dead_until:
            return
        self.backend.told(replace(event, at=self.time))
        self.look_soon(self.wire.uniform(0.2, 1.5))

    # The wire: each frame on its own way, so that none keeps the order of any other.

    def send(self, order: PortOrder) -> None:
        self.frames += 1
        charger = self.chargers[order.port_id]
        socket = charger.socket
        # Now and then whoever sends is slow.
        late_s = self.wire.uniform(10, 120) if self.wire.random() < 0.03 else 0
        if order.kind is OrderKind.CUT:
            self.after(0.5, lambda: self.cut(charger))
        elif order.kind is OrderKind.RESET:
            self.after(self.wire.uniform(0.1, 8), lambda: self.boot(charger))
        elif self.wire.random() >= 0.05:
            made_at = self.time
            self.after(late_s + self.wire.uniform(0.1, 8), lambda: self.arrive(charger, socket, order, made_at))

    def arrive(self, charger: Charger, socket: int, order: PortOrder, made_at: datetime) -> None:
        if not charger.is_online or charger.socket != socket or self.time < charger.deaf_until:
            return
        said = charger.take(order, self.time, made_at)
        if self.wire.random() >= 0.05:
            self.after(self.wire.uniform(0.1, 8), lambda: self.answer(order, said))

    def answer(self, order: PortOrder, said: ShownSchedule | bool | None) -> None:
        kind = EventKind.CONFIRMED if said else EventKind.REFUSED
        kind = EventKind.SHOWN if order.kind is OrderKind.READ else kind
        shown = said if isinstance(said, ShownSchedule) else None
        self.hear(PageEvent(port_id=order.port_id, kind=kind, at=self.time, name=order.name, shown=shown))

    # Chargers.

    def cut(self, charger: Charger, *, away_s: float = 2) -> None:
        if not charger.is_online:
            return
        charger.is_online = False
        self.after(away_s, lambda: self._back(charger, is_boot=False))

    def boot(self, charger: Charger) -> None:
        if not charger.is_online:
            return
        charger.is_online = False
        self.after(self.wire.uniform(20, 90), lambda: self._back(charger, is_boot=True))

    def _back(self, charger: Charger, *, is_boot: bool) -> None:
        charger.forget(is_boot=is_boot)
        charger.socket += 1
        charger.is_online = True
        kind = EventKind.BOOTED if is_boot else EventKind.RECONNECTED
        self._surely(lambda: self.hear(PageEvent(port_id=charger.port_id, kind=kind, at=self.time)))

    def _surely(self, what: Callable[[], None]) -> None:
        """What a charger says again until it is heard."""

        def attempt() -> None:
            if self.time < self.dead_until or self.wire.random() < 0.05:
                self.after(10, attempt)
            else:
                what()

        self.after(self.wire.uniform(0.1, 8), attempt)

    def plug_in(self, charger: Charger) -> None:
        if charger.session_id is not None:
            return
        charger.session_id, charger.profile = f"S{next(self._sessions)}", None
        session_id = charger.session_id
        self._surely(lambda: self._tell_begin(charger, session_id))
        self.after(
            self.random.choice([300, 1200, 3000, 7200]) * self.random.random(), lambda: self.unplug(charger, session_id)
        )

    def _tell_begin(self, charger: Charger, session_id: str) -> None:
        # Charges are told in order: one that is over by now is told as over.
        if charger.session_id == session_id:
            self.backend.began(charger.port_id, session_id, self.time)
            self.look_soon(1)

    def unplug(self, charger: Charger, session_id: str) -> None:
        if charger.session_id != session_id:
            return
        charger.session_id = charger.profile = None

        def tell() -> None:
            self.backend.ended(charger.port_id, session_id, self.time)
            self.look_soon(1)

        self._surely(tell)

    def _plan_random_things(self) -> None:
        """Nobody charges while chargers are taken into service, a quarter of an hour; then all at once."""
        within = (self.ends_at - NOON).total_seconds()
        commissioned = (IN_SERVICE - NOON).total_seconds()
        for charger in self.chargers.values():
            for _ in range(self.random.randint(2, 6)):
                at = self.random.uniform(commissioned, within)
                self.after(at, lambda charger=charger: self.plug_in(charger))  # type: ignore[misc]
            for _ in range(self.random.randint(5, 20)):
                at = self.random.uniform(commissioned, within)
                wants_ma = self.random.choice([6, 8, 10, 16, 32, 32]) * 1000
                self.after(at, lambda c=charger, ma=wants_ma: self._want(c, ma))  # type: ignore[misc]
            for _ in range(self.random.randint(0, 3)):
                at = self.random.uniform(commissioned, within)
                away_s = self.random.choice([2, 2, 30, 600])
                self.after(at, lambda c=charger, s=away_s: self.cut(c, away_s=s))  # type: ignore[misc]
            if self.random.random() < 0.4:
                at = self.random.uniform(commissioned, within)
                self.after(at, lambda charger=charger: self.boot(charger))  # type: ignore[misc]
            if self.random.random() < 0.3:
                at, until = self.random.uniform(commissioned, within), self.random.uniform(30, 1800)
                self.after(at, lambda c=charger, s=until: self._be_deaf(c, s))  # type: ignore[misc]
        for charger in self.chargers.values():
            if self.random.random() < 0.3:
                self.after(self.random.uniform(commissioned, within), lambda c=charger: self._plan(c))  # type: ignore[misc]
        if self.random.random() < 0.3:
            at, lasting = self.random.uniform(commissioned, within), self.random.uniform(300, 9000)
            self.after(at, lambda: self._die(lasting))

    def _want(self, charger: Charger, wants_ma: int) -> None:
        """What its car takes changes, and with that what is there for the others."""
        self.site.wants[charger.port_id] = wants_ma
        if charger.session_id is not None:
            self.look_soon(2)

    def _plan(self, charger: Charger) -> None:
        """A plan for some hours, quarter by quarter."""
        limits = [self.random.choice([6, 6, 10, 16]) * 1000 for _ in range(self.random.randint(2, 8))]
        quarter = timedelta(minutes=15)
        periods = tuple(Period(self.time + number * quarter, it) for number, it in enumerate(limits))
        ends_at = self.time + len(limits) * quarter
        plan = Lease(name="plan", periods=periods, ends_at=ends_at, sent_at=self.time, last_sent_at=self.time)
        self.site.plans[charger.port_id] = plan
        self.look_soon(2)

    def _be_deaf(self, charger: Charger, lasting_s: float) -> None:
        charger.deaf_until = self.time + seconds(lasting_s)

    def _die(self, lasting_s: float) -> None:
        self.dead_until = self.time + seconds(lasting_s)
        self.after(lasting_s + 1, self.look)


def tree_of(ports: Sequence[PortId], limit_ma: int) -> SiteTree:
    grid = Node(node_id="grid", limit_ma=(limit_ma, None, None))
    return SiteTree(
        site_id="site",
        nodes=(grid,),
        ports=tuple(
            Port(port_id=it, node_id="grid", phases=(Phase.L1,), least_ma=LEAST_MA, most_ma=MOST_MA) for it in ports
        ),
    )


def _is_above(drawn: PortCurrent, booked: PortCurrent) -> bool:
    return drawn.exceeds(PortCurrent(booked.first_ma + EPSILON_MA, booked.others_ma + EPSILON_MA))


def live(seed: int, way: str, makes: Sequence[Make] = MAKES, hours: float = 2) -> History:
    """One history by its seed, in one way."""
    return World(seed, way, makes, hours).run()


__all__ = ["MAKES", "WAYS", "History", "World", "held_ma", "live"]
