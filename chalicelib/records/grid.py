"""Records of the grid: a managed site as it is described, what is told of it, who claims power, what was decided."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from chalicelib.domain.chargers.charging_ability import ChargingAbility
from chalicelib.domain.chargers.events import Currents
from chalicelib.domain.charging.preferences import ChargingPreferences, ToldPlan
from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.grid.arrivals import Arrivals
from chalicelib.domain.grid.currents import BUILDING_LOAD_LASTS
from chalicelib.domain.grid.demand_response import SiteDemand
from chalicelib.domain.grid.energy import Feed
from chalicelib.domain.grid.firmware import Firmware
from chalicelib.domain.grid.grants import PortPage
from chalicelib.domain.grid.outlook import Plan
from chalicelib.domain.grid.page_events import PageEvent
from chalicelib.domain.grid.tree import OperatorLimit, Port, PortId, SiteTree, Switching
from chalicelib.domain.grid.waits import PowerWait


class OpenAdrVersion(StrEnum):
    """The versions of OpenADR that a utility's server may speak with us."""

    V3_0_1 = "3.0.1"
    V3_1_0 = "3.1.0"


class ServerUnavailable(Exception):
    """A utility's server did not say what it was asked; the text says why, and nothing secret.

    `rest`: for so long it wants to be left alone.
    """

    def __init__(self, why: str, rest: timedelta = timedelta(0)) -> None:
        super().__init__(why)
        self.rest = rest


# Into so many shards the index of sites with sessions is spread.
BUSY_SHARDS = 16


@dataclass(frozen=True, slots=True)
class FormerPort:
    """A port that its site's tree has no more: what its charger was told counts `until` then, and is told no more."""

    port: Port
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagedSite:
    """A site whose power is shared out: its tree, and who described it.

    `meter_charger_id`: the charger whose main meter (connector 0) counts all that the site takes, cars among it; None:
    the building's load is told by API, or by nobody. `former`: ports of the trees before this one. `left`: chargers
    that were the site's before it was described last, and may not know yet that they are no more.
    """

    operator_id: str
    tree: SiteTree
    changed_at: datetime
    meter_charger_id: str | None = None
    former: tuple[FormerPort, ...] = ()
    left: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldLoad:
    """What the building takes by phase, as it was told `at`; `with_cars`: what all ports take is within it."""

    at: datetime
    load_ma: tuple[int, int, int]
    with_cars: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedLimit:
    """A temporary limit, by the id that its teller chose; what is told again under that id replaces it."""

    limit_id: str
    limit: OperatorLimit
    told_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class UtilityLink:
    """A utility's OpenADR 3 server that an operator's events come from, and who we are there.

    `programs`: by name, those that count; none: all. `token_url` empty: where the server says.
    """

    operator_id: str
    url: str
    version: OpenAdrVersion
    client_id: str
    client_secret: str
    ven_name: str
    token_url: str = ""
    programs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardEvent:
    """A utility's event as it was heard last, and `told_as` which of the operator's own.

    `digest` is the same while it says the same. All that it took is given back by `over_at`. `zones`: where what it
    tells of prices and emissions is kept. `reported_until`: its server knows what was delivered until then; `reported`:
    all of it.
    """

    event_id: str
    program_id: str
    told_as: str
    digest: str
    over_at: datetime
    is_demand: bool
    wants_report: bool = False
    reported: bool = False
    zones: tuple[str, ...] = ()
    begins_at: datetime | None = None
    wants_quarters: bool = False
    reported_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UtilityNews:
    """What is kept of a server from one time to the next: the events that it told, when, and what went wrong."""

    heard: tuple[HeardEvent, ...] = ()
    heard_at: datetime | None = None
    fault: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldDraw:
    """What a port took as its meter said: by its own L1, L2, L3 where told, else the power of all."""

    at: datetime
    current_ma: Currents | None = None
    power_w: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredClaim:
    """A session that claims power at a port; `ref` is what its charger calls the transaction, empty where unknown.

    `draws`: the newest, oldest first; `first_wh` and `last_wh` its meter's register as first and last told.

    `preferences`: what its driver said. `asked_wh` and `departs_at`: what follows of that and of its car's word
    (`preferences.combined`); None: nothing. `wait`: what its driver was told of its waiting for power last; None: that
    it waits for nothing.
    """

    site_id: str
    port_id: PortId
    session_id: str
    begun_at: datetime
    ref: str = ""
    draws: tuple[ToldDraw, ...] = ()
    first_wh: int | None = None
    last_wh: int | None = None
    asked_wh: int | None = None
    departs_at: datetime | None = None
    wait: PowerWait | None = None
    preferences: ChargingPreferences | None = None

    @property
    def wish(self) -> str:
        """What a plan has to heed of it, in a word that changes when that does; empty where no plan holds it back."""
        return f"{self.asked_wh}/{self.departs_at.isoformat()}" if self.departs_at and self.is_plannable else ""

    @property
    def is_plannable(self) -> bool:
        """Whether a plan may hold it back: somebody said when it leaves, and its driver does not want it at once."""
        return self.departs_at is not None and not (self.preferences and self.preferences.is_boosted)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargerFacts:
    """A managed charger as it was when it was last read: whether it is there, and how it can be told of power.

    `ability` None: its settings have not been read yet. It came back at `since`, and was read at `read_at`.
    `clock_ahead_s`: so far ahead of ours its clock was when it last told the time, 0 where that is right.
    """

    charger_id: str
    since: datetime
    read_at: datetime
    is_online: bool
    firmware: Firmware
    ability: ChargingAbility | None = None
    clock_ahead_s: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PortNote:
    """What a look found out of a port, for the next one and for people; of the session that claimed power then.

    `grant_ma`: what it may draw now, `target_ma` once others have lowered theirs. `bound`: the node that holds it back.
    `turn_since`, `idle_since`, `car_phases`, `car_most_ma`: as in `Grants`, to be given again with the next claims.
    `wish`: its claim's, when its driver was last to be told what comes of that. `switching`: by how many phases it is
    to charge, of a charge that may be switched.
    """

    port_id: PortId
    session_id: str = ""
    grant_ma: int = 0
    target_ma: int = 0
    bound: str | None = None
    turn_since: datetime | None = None
    idle_since: datetime | None = None
    car_phases: int | None = None
    car_most_ma: int | None = None
    wish: str = ""
    switching: Switching | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteBook:
    """What was decided for a site: the book of grants, a page for each port, and the notes; each change a `version`.

    `is_room_wanted`: a port waits for others to hold less.
    """

    version: int = 0
    pages: tuple[PortPage, ...] = ()
    notes: tuple[PortNote, ...] = ()
    chargers: tuple[ChargerFacts, ...] = ()
    changed_at: datetime | None = None
    alarms: tuple[str, ...] = ()
    is_room_wanted: bool = False

    def page(self, port_id: PortId) -> PortPage | None:
        """The page of a port; None where it has none yet."""
        return next((it for it in self.pages if it.port_id == port_id), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedPort:
    """What the charge of a session is to draw at a port in each quarter of an hour, by each phase; what it comes to.

    `is_full` as in `Plan`.
    """

    port_id: PortId
    session_id: str
    limit_ma: tuple[int, ...]
    is_full: tuple[bool, ...] = ()
    estimate: ToldPlan | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnaskedPort:
    """What the charge of a session would draw at a port if nobody asked its site for less, while somebody will or does.

    `is_moved`: some of it was had at another time by now, so that it stays as it was planned before that. `wish`: what
    was wanted of the charge then.
    """

    port_id: PortId
    session_id: str
    wish: str
    limit_ma: tuple[int, ...]
    is_moved: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPlan:
    """A site's plan, beside its book; each change a `version`. Without ports: power is shared out without one.

    `source`: by whose signals it was made. It stands until another comes, or its rows end. `failed_since`: then, and
    each time since, none was found. `arrivals`: when cars come there, as far as it was watched. `lacked_at`: the hour
    in which one last left lacking what a roomy site's does not; `is_roomy`: it was made as such a site's (`day_plans`).
    `unasked`: what it would be, were it not for a demand response event.
    """

    version: int
    planned_at: datetime
    begins_at: datetime
    ports: tuple[PlannedPort, ...] = ()
    source: str = ""
    failed_since: datetime | None = None
    arrivals: Arrivals | None = None
    lacked_at: datetime | None = None
    is_roomy: bool = False
    unasked: tuple[UnaskedPort, ...] = ()

    def of(self, claims: Mapping[PortId, StoredClaim]) -> Plan:
        """The plan for those who charge now: the row of a session that has gone is nobody's."""
        rows = [it for it in self.ports if it.port_id in claims and claims[it.port_id].session_id == it.session_id]
        come = {port_id for port_id, it in claims.items() if it.begun_at > self.planned_at} if self.is_roomy else ()
        return Plan(
            begins_at=self.begins_at,
            limit_ma={it.port_id: it.limit_ma for it in rows},
            is_full={it.port_id: it.is_full for it in rows},
            newcomers=frozenset(come),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteState:
    """All that is kept of a managed site, read in one query."""

    managed: ManagedSite
    book: SiteBook = SiteBook()
    claims: tuple[StoredClaim, ...] = ()
    load: ToldLoad | None = None
    limits: tuple[NamedLimit, ...] = ()
    events: tuple[PageEvent, ...] = ()
    plan: StoredPlan | None = None
    demands: tuple[SiteDemand, ...] = ()

    def is_load_silent(self, at: datetime) -> bool:
        """Whether somebody told what its building takes, and tells no more, so that its worst counts."""
        return self.load is not None and at - self.load.at > BUILDING_LOAD_LASTS

    @property
    def plans_failed_since(self) -> datetime | None:
        """Since when no plan is found for those who wait for one; None: one was, or nobody does."""
        is_wanted = any(it.is_plannable for it in self.claims)
        return self.plan.failed_since if self.plan is not None and is_wanted else None

    def former_ports(self, at: datetime) -> tuple[Port, ...]:
        """The ports of former trees that may still draw what they were told then, at nodes that the tree has."""
        tree = self.managed.tree
        known = {it.node_id for it in tree.nodes}
        root_id = next((it.node_id for it in tree.nodes if it.parent_id is None), "")
        return tuple(
            it.port if it.port.node_id in known else replace(it.port, node_id=root_id)
            for it in self.managed.former
            if at < it.until or _is_leased(self.book.page(it.port.port_id), at)
        )


def _is_leased(page: PortPage | None, at: datetime) -> bool:
    return page is not None and any(it.counts(at) for it in page.leases)


# Into so many shards the list of feeds is spread: some sixty zones, and suns by the place.
FEED_SHARDS = 8


class SignalUnavailable(Exception):
    """A source of signals told nothing that can be read; the text says why, and repeats no secret.

    `retry_after`: how long it asked to be left alone, None where it said nothing of that.
    """

    def __init__(self, why: str, retry_after: timedelta | None = None) -> None:
        super().__init__(why)
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedState:
    """How a feed stands: when it was last told, until when it is known, and what went wrong since, if anything.

    It is to be fetched at `next_at`. `version` counts the changes, so that of two who find it due one fetches.
    """

    feed: Feed
    next_at: datetime
    version: int = 0
    told_at: datetime | None = None
    known_until: datetime | None = None
    failing_since: datetime | None = None
    failure: str = ""
