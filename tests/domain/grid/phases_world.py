"""The world of histories with chargers of three phases that are told to charge by one, and do, or do not, or forget.

Each is wired in by another of the site's phases, and each of these has its limit. Cars are told by meters, late and not
always; whoever wants a car switched wants it at any moment, without a reason.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.domain.grid.firmware import OnePhase, ShownSchedule
from chalicelib.domain.grid.grants import PortPage, Trust, shown_by_one
from chalicelib.domain.grid.leases import CLOCK_SLACK, Period
from chalicelib.domain.grid.one_phase import SwitchFacts, considered, metered, standing
from chalicelib.domain.grid.port_look import OrderKind, PortNeed, PortOrder
from chalicelib.domain.grid.tree import Draw, Node, Phase, Port, PortCurrent, PortId, SiteTree, Switching
from tests.domain.grid.world import (
    LEAST_MA,
    MOST_MA,
    Backend,
    Booked,
    Charger,
    History,
    Make,
    QuickPortId,
    Site,
    World,
    seconds,
)

_PHASES = tuple(Phase)


@dataclass(frozen=True)
class PhaseMake(Make):
    """A make that says whether it can charge by one phase (`can`), whether it does, shows it, and keeps to it."""

    can: bool = True
    obeys: bool = True
    shows_phases: bool = True
    keeps_one_when_cut: bool = True
    keeps_one_when_booted: bool = True


SWITCHES = PhaseMake("switches")
SWITCHES_RELATIVE = PhaseMake("switches, relative", is_relative=True)
SWITCHES_GO_E = PhaseMake("switches, forgets its charge's limit when cut", keeps_session_when_cut=False)
LIES = PhaseMake("shows one, and charges by three", obeys=False)
PASSES_OVER = PhaseMake("passes over the word", obeys=False, shows_phases=False)
THREE_AFTER_CUT = PhaseMake("keeps the limit when cut, by three", keeps_one_when_cut=False)
THREE_AFTER_BOOT = PhaseMake(
    "keeps the limit when booted, by three", keeps_session_when_booted=True, keeps_one_when_booted=False
)
KEEPS_ALL = PhaseMake("keeps all when booted", keeps_session_when_booted=True)
RUNS_FREE_BY_THREE = PhaseMake("switches, runs free after a lease", falls_back=False)
CANNOT = PhaseMake("cannot", can=False, obeys=False, shows_phases=False)
SWITCHING_MAKES = (SWITCHES, SWITCHES_GO_E, SWITCHES_RELATIVE, KEEPS_ALL)
PHASE_MAKES = (
    SWITCHES,
    SWITCHES_RELATIVE,
    SWITCHES_GO_E,
    LIES,
    PASSES_OVER,
    THREE_AFTER_CUT,
    THREE_AFTER_BOOT,
    KEEPS_ALL,
    RUNS_FREE_BY_THREE,
    CANNOT,
)


@dataclass
class PhaseCharger(Charger):
    """A charger of three phases. `is_stuck`: its contactor is, whatever its firmware believes."""

    default_phases: int | None = None
    is_stuck: bool = False
    car_phases: int = 3

    @property
    def phase_make(self) -> PhaseMake:
        assert isinstance(self.make, PhaseMake)
        return self.make

    def told_phases(self, at: datetime) -> int | None:
        """By how many phases what holds now says that it is to charge."""
        profile = self.profile
        if profile is None or self.session_id is None:
            return self.default_phases
        clock = at + self.clock_off
        if clock >= profile.ends_at:
            return self.default_phases if self.make.falls_back else None
        if not self.make.is_relative and clock < profile.periods[0].starts_at - CLOCK_SLACK:
            return self.default_phases
        return profile.phases

    def draws(self, at: datetime) -> PortCurrent:
        """By the first of its phases, and by each of the others: as many as its car has, and it closes."""
        drawn_ma = super().draws(at).first_ma
        is_one = self.told_phases(at) == 1 and self.phase_make.obeys and not self.is_stuck
        is_car_of_one = self.session_id is not None and self.car_phases == 1
        return PortCurrent(drawn_ma, 0 if is_one or is_car_of_one else drawn_ma)

    def take(self, order: PortOrder, at: datetime, made_at: datetime) -> ShownSchedule | bool | None:
        if order.kind is OrderKind.DEFAULT:
            self.default_phases = order.phases
        return super().take(order, at, made_at)

    def period(self, at: datetime) -> Period:
        is_one = self.told_phases(at) == 1 and self.phase_make.shows_phases
        return replace(super().period(at), phases=1 if is_one else 3)

    def forget(self, *, is_boot: bool) -> None:
        super().forget(is_boot=is_boot)
        make = self.phase_make
        if not (make.keeps_one_when_booted if is_boot else make.keeps_one_when_cut):
            self.default_phases = None
            if self.profile is not None:
                self.profile = replace(
                    self.profile, periods=tuple(replace(it, phases=None) for it in self.profile.periods)
                )


@dataclass
class PhaseSite(Site):
    """Each of its phases has the limit. `wants_one`: for whom one phase would be better, by whoever says so."""

    wiring: dict[PortId, tuple[Phase, ...]] = field(default_factory=dict)
    wants_one: dict[PortId, bool] = field(default_factory=dict)

    def worst_ma(self, currents: Mapping[PortId, PortCurrent]) -> int:
        sums = dict.fromkeys(_PHASES, 0)
        for port_id, current in currents.items():
            first, *others = self.wiring[port_id]
            sums[first] += current.first_ma
            for it in others:
                sums[it] += current.others_ma
        return max(sums.values())


class PhasesBook(Booked):
    """The book, with its phases."""

    def __init__(self, site: PhaseSite, makes: Mapping[PortId, str], able: Collection[PortId]) -> None:
        super().__init__(site, makes)
        self.phase_site, self.able = site, able
        self.draws: dict[PortId, list[Draw]] = {}
        self.standing: dict[PortId, Switching] = {}
        self.switched: set[str] = set()

    def began(self, port_id: PortId, session_id: str, at: datetime) -> None:
        super().began(port_id, session_id, at)
        self._forget(port_id)

    def ended(self, port_id: PortId, session_id: str, at: datetime) -> None:
        super().ended(port_id, session_id, at)
        if port_id not in self.site.charging:
            self._forget(port_id)

    def _forget(self, port_id: PortId) -> None:
        self.draws.pop(port_id, None)
        self.standing.pop(port_id, None)

    def drew(self, port_id: PortId, session_id: str, draw: Draw) -> None:
        """A reading came; one of before the last is of no use."""
        before = self.draws.get(port_id, [])
        if self.site.charging.get(port_id) != session_id or (before and before[-1].at >= draw.at):
            return
        page = next(it for it in self.pages if it.port_id == port_id)
        is_by_one = page.default_phases == 1 or any(it.phases == 1 and it.sent_at <= draw.at for it in page.leases)
        self.draws[port_id] = [*before[-1:], replace(draw, is_by_one=is_by_one)]

    def look(self, at: datetime) -> Sequence[PortOrder]:
        self.take_in()
        pages = []
        for page in self.pages:
            name = self.makes[page.port_id]
            after, self.firmwares[name] = metered(page, self.firmwares[name], self.draws.get(page.port_id, ()))
            if after.shown_one:
                self.switched.add(after.shown_one)
            pages.append(after)
        self.pages = pages
        for page in self.pages:
            self._consider(page, at)
        return super().look(at)

    def _consider(self, page: PortPage, at: datetime) -> None:
        port_id = page.port_id
        session_id = self.site.charging.get(port_id)
        if session_id is None:
            return
        lease = page.newest
        facts = SwitchFacts(
            session_id=session_id,
            is_possible=port_id in self.able and port_id not in self.site.plans,
            car_phases=self._car_phases(port_id),
            is_fed=lease is not None
            and lease.session_id == session_id
            and lease.is_confirmed
            and lease.phases is None
            and lease.limit_ma(at) >= LEAST_MA,
        )
        now = standing(self.standing.get(port_id), facts, page, self.firmwares[self.makes[port_id]], at)
        if now is None:
            self.standing.pop(port_id, None)
        else:
            wants_one = self.phase_site.wants_one.get(port_id, False)
            self.standing[port_id] = considered(now, at, wants_one=wants_one)

    def _car_phases(self, port_id: PortId) -> int | None:
        looks = self.draws.get(port_id, [])
        is_three = len(looks) > 1 and all((it.current_ma[1] or 0) >= 1_000 and not it.is_by_one for it in looks)
        return 3 if is_three else None

    def with_default(self, at: datetime) -> list[PortId]:
        one = {it for it, now in self.standing.items() if now.is_one and not now.is_trial}
        return [it for it in self.site.charging if it not in one]

    def shown(self) -> Collection[PortId]:
        return [it.port_id for it in self.pages if it.shown_one and it.shown_one == self.site.charging.get(it.port_id)]

    def by_phases(self, need: PortNeed) -> PortNeed:
        firmware, now = need.firmware, self.standing.get(need.port_id)
        is_open = firmware.trust is Trust.PROVEN and not firmware.one_phase.is_kept
        is_tried = need.is_quiet and is_open and not firmware.one_phase.is_disproven and need.port_id in self.able
        return replace(
            need, phases=1 if now is not None and now.is_one else None, default_phases=1 if is_tried else None
        )


class BelievesFirmwares(PhasesBook):
    """Whatever a charger says it can is taken for proven; what its meter shows is waited for all the same."""

    def take_in(self) -> None:
        super().take_in()
        told = OnePhase(shown=True, kept_when_cut=True, kept_when_booted=True, drawn=True)
        self.firmwares = {name: replace(it, one_phase=told) for name, it in self.firmwares.items()}


class BelievesWords(BelievesFirmwares):
    """A charge that was told to go by one phase counts so from its charger's answer."""

    def look(self, at: datetime) -> Sequence[PortOrder]:
        orders = super().look(at)
        pages = []
        for page in self.pages:
            lease = page.newest
            is_one = lease is not None and lease.phases == 1 and lease.is_confirmed
            pages.append(shown_by_one(page, lease.session_id or "") if lease is not None and is_one else page)
        self.pages = pages
        return orders


PHASE_WAYS = {"proven": PhasesBook, "believes firmwares": BelievesFirmwares, "believes words": BelievesWords}


class PhasesWorld(World):
    """One history of such a site."""

    def charger(self, number: int, makes: Sequence[Make]) -> Charger:
        make = self.random.choice(makes) if self.random.random() < 0.5 else makes[0]
        port_id = QuickPortId(f"CP-{number}", ConnectorId(1), number)
        off = seconds(self.random.uniform(-50, 50))
        return PhaseCharger(
            port_id=port_id, make=make, clock_off=off, is_stuck=self.random.random() < 0.05, car_phases=3
        )

    def least_ma(self) -> int:
        """Short, but for who runs free before anybody can know: beside that, all have their defaults."""
        unruly = sum(not it.make.falls_back for it in self.chargers.values())
        return unruly * MOST_MA + (len(self.chargers) - unruly) * LEAST_MA if unruly else 8_000

    def site_of(self, limit_ma: int) -> Site:
        # Short: two or three could charge by three phases.
        limit_ma = max(self.least_ma(), self.random.randint(8, 24) * 1000)
        wiring = {it: _PHASES[place % 3 :] + _PHASES[: place % 3] for place, it in enumerate(self.chargers)}
        grid = Node(node_id="grid", limit_ma=(limit_ma, limit_ma, limit_ma))
        ports = (
            Port(port_id=it, node_id="grid", phases=phases, least_ma=LEAST_MA, most_ma=MOST_MA)
            for it, phases in wiring.items()
        )
        tree = SiteTree(site_id="site", nodes=(grid,), ports=tuple(ports))
        return PhaseSite(tree, limit_ma, wiring=wiring)

    def backend_of(self, way: str) -> Backend:
        assert isinstance(self.site, PhaseSite)
        self.phase_site = self.site
        makes = {it.port_id: it.make.name for it in self.chargers.values()}
        able = [it.port_id for it in self.chargers.values() if isinstance(it.make, PhaseMake) and it.make.can]
        self.book = PHASE_WAYS[way](self.site, makes, able)
        return self.book

    def run(self) -> History:
        for charger in self.chargers.values():
            self._read(charger)
            self.phase_site.wants_one[charger.port_id] = self.random.random() < 0.8
            for _ in range(self.random.randint(0, 4)):
                at = self.random.uniform(0, (self.ends_at - self.time).total_seconds())
                self.after(at, lambda c=charger: self._change_mind(c))  # type: ignore[misc]
        return replace(super().run(), switched=len(self.book.switched))

    def plug_in(self, charger: Charger) -> None:
        assert isinstance(charger, PhaseCharger)
        if charger.session_id is None:
            charger.car_phases = 1 if self.random.random() < 0.15 else 3
        super().plug_in(charger)

    def _change_mind(self, charger: Charger) -> None:
        self.phase_site.wants_one[charger.port_id] = not self.phase_site.wants_one.get(charger.port_id, False)

    def _read(self, charger: Charger) -> None:
        """Its meter tells what flows, now and then, late, and not always."""
        session_id = charger.session_id
        if session_id is not None and charger.is_online and self.wire.random() >= 0.05:
            drawn = charger.draws(self.time)
            currents = (drawn.first_ma, drawn.others_ma, drawn.others_ma)
            draw = Draw(at=self.time, current_ma=currents, granted_ma=0)
            self.after(self.wire.uniform(0.1, 8), lambda: self._tell(charger, session_id, draw))
        self.after(self.wire.uniform(30, 70), lambda: self._read(charger))

    def _tell(self, charger: Charger, session_id: str, draw: Draw) -> None:
        if self.time >= self.dead_until:
            self.book.drew(charger.port_id, session_id, draw)


def live_by_phases(seed: int, way: str = "proven", makes: Sequence[Make] = PHASE_MAKES, hours: float = 4) -> History:
    """One history by its seed."""
    return PhasesWorld(seed, way, makes, hours).run()
