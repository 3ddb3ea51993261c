"""Ports of the grid: what is kept of a managed site, and how a look at one is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from chalicelib.domain.charging.preferences import ChargingPreferences
    from chalicelib.domain.grid.delivery import QuarterDelivery, Sample
    from chalicelib.domain.grid.demand_response import Contract, DemandEvent, SiteDemand
    from chalicelib.domain.grid.energy import EnergyContract, Feed
    from chalicelib.domain.grid.firmware import Firmware
    from chalicelib.domain.grid.outlook import Outlook, Plan
    from chalicelib.domain.grid.page_events import PageEvent
    from chalicelib.domain.grid.programs import LinearProgram
    from chalicelib.domain.grid.signals import Signal, SignalKind
    from chalicelib.domain.grid.tree import Claim, Conditions, PortId, SiteTree
    from chalicelib.domain.grid.utility import UtilityEvent, UtilitySpan
    from chalicelib.domain.grid.waits import PowerWait
    from chalicelib.records.grid import (
        FeedState,
        ManagedSite,
        NamedLimit,
        SiteBook,
        SiteState,
        StoredClaim,
        StoredPlan,
        ToldDraw,
        ToldLoad,
        UtilityLink,
        UtilityNews,
    )


class ManagedSites(Protocol):
    """Managed sites: trees, what is told of them, who claims power, and the book of grants."""

    def state(self, site_id: str, *, consistent: bool = True) -> SiteState | None:
        """All that is kept of a site; None: it is not managed.

        Where not `consistent`, half as dear, and what was written this second may be missing.
        """

    def put(self, managed: ManagedSite) -> None:
        """Describe a site, or describe it anew."""

    def get(self, site_id: str) -> ManagedSite | None:
        """A site as described; None: it is not managed."""

    def remove(self, site_id: str) -> None:
        """It is managed no more; what else is kept of it goes too."""

    def clear_away(self, site_id: str) -> None:
        """What was told of a site that is managed no more, or never was, goes too; nothing where it is managed."""

    def keep(self, site_id: str, book: SiteBook, *, is_awaited: bool) -> bool:
        """Replace a site's book by the next version; False if another has done so since it was read.

        `is_awaited`: something in it is to be answered, so that the site is looked at though nobody charges there.
        """

    def heard(self, site_id: str, *events: PageEvent) -> None:
        """Something was told of ports; until it is in the book it stands beside it. The whole charger: connector 0."""

    def folded(self, site_id: str, events: Sequence[PageEvent]) -> None:
        """These are in the book; they need stand beside it no more."""

    def begin(self, claim: StoredClaim) -> bool:
        """A session claims power at a port, in place of any before it; False if it claimed it already."""

    def end(self, site_id: str, port_id: PortId, session_id: str) -> bool:
        """It claims none any more; False if it did not."""

    def drew(
        self, site_id: str, port_id: PortId, session_id: str, draw: ToldDraw, energy_wh: int | None
    ) -> Sequence[ToldDraw]:
        """A port took so much: the newest draws, oldest first; none where that session claims nothing there."""

    def needs(self, site_id: str, port_id: PortId, asked_wh: int | None, departs_at: datetime | None) -> bool:
        """What the car at a port asks for (ISO 15118); False where nobody claims power there."""

    def prefer(self, site_id: str, port_id: PortId, session_id: str, preferences: ChargingPreferences) -> bool:
        """What the driver at a port wants, in place of what they said before; False where that session claims nothing.

        Their word goes before the car's (`preferences.combined`), whichever comes last.
        """

    def keep_plan(self, site_id: str, plan: StoredPlan) -> bool:
        """Replace a site's plan by the next version; False if another has done so since it was read."""

    def wait_told(self, claim: StoredClaim, wait: PowerWait | None) -> bool:
        """Its driver was told that it waits for power, or waits no more; False where it claims none any more."""

    def wait(self, site_id: str, port_id: PortId, session_id: str) -> PowerWait | None:
        """What was told so last of a session that claims power there; None: it waits for nothing, or claims none."""

    def tell_load(self, site_id: str, told: ToldLoad) -> ToldLoad | None:
        """What the building takes: what was told before, or None. An older word changes nothing."""

    def forget_load(self, site_id: str) -> None:
        """Nobody tells what the building takes, nor is expected to."""

    def limit(self, site_id: str, limit: NamedLimit) -> None:
        """The site may take less for a time; it is forgotten a while after it has ended."""

    def lift(self, site_id: str, limit_id: str) -> bool:
        """That limit holds no more; False if there is none of that id."""

    def busy(self, shard: int | None = None) -> Iterable[str]:
        """The sites where sessions claim power, chargers owe an answer, or a building's load was told, each once."""

    def wishing(self, shard: int | None = None) -> Iterable[str]:
        """The sites at which somebody who claims power said when they leave, or how much they need; each once."""


class Firmwares(Protocol):
    """What was proven of each firmware, at whatever site."""

    def of(self, name: str) -> Firmware:
        """The firmware of that name (`firmware_key`), with what is known of it by now."""

    def learn(self, before: Firmware, after: Firmware) -> None:
        """Something was proven of it; what others have proven meanwhile stays."""


class ManagedChargers(Protocol):
    """Which chargers a site's power is shared out to; their sockets know it, so that no message has to ask."""

    def manage(self, charger_id: str, site_id: str, *, is_meter: bool = False) -> bool:
        """That site shares out what the charger draws, none if empty; `is_meter`: its main meter is the site's.

        False for an unknown charger.
        """


class Looks(Protocol):
    """Asks for a look at a site, by somebody else. What fails stops nothing: each minute all sites are looked at."""

    def ask(self, site_id: str, *, at_once: bool = False) -> None:
        """`at_once`: a limit has come down, or room has come free that others wait for; else within a second or two."""

    def ask_later(self, site_id: str, after: timedelta) -> None:
        """A look that late: whoever was told something should have answered by then."""

    def ask_for_many(self, site_ids: Sequence[str], *, at_once: bool = False) -> None:
        """Look at all of these, in any order. Raises what the queue does: whoever asks finds them again in a minute.

        `at_once`: as of `ask`; each is then looked at by itself, and by nobody who waits.
        """


class Plans(Protocol):
    """Asks for plans of sites, made by somebody else: within a quarter's last minute, or to tell a newcomer of it."""

    def ask_for_many(self, site_ids: Sequence[str]) -> None:
        """Plan all of these, at moments that are theirs alone. Raises what the queue does: the last plan stands."""

    def foretell(self, site_id: str, session_ids: Sequence[str]) -> None:
        """Have these sessions' drivers told, within seconds, what they may expect. What fails the next plan tells."""


class Outlooks(Protocol):
    """What a kWh costs and emits at a site."""

    def of(self, site_id: str, begins_at: datetime, quarters: int) -> Outlook:
        """So many quarters from the quarter of `begins_at` on, past or to come; rows end where nothing is known."""


class Planner(Protocol):
    """Whoever plans a site's coming day."""

    def plan(
        self, tree: SiteTree, claims: Sequence[Claim], outlook: Outlook, at: datetime, conditions: Conditions
    ) -> Plan | None:
        """When each claim is to have what; None where no plan was found: power is shared out without one."""


class Solver(Protocol):
    """Whoever solves linear programs."""

    def solve(self, program: LinearProgram) -> Sequence[float] | None:
        """The cheapest amounts, by column; None where none was found in time, or not the cheapest."""


class EnergyContracts(Protocol):
    """Sites' energy contracts, and which feeds they go by."""

    def put(self, contract: EnergyContract, before: EnergyContract | None, at: datetime) -> None:
        """Keep it in place of `before`. A feed that is new to all sites is due at once."""

    def of(self, site_id: str) -> EnergyContract | None:
        """The contract of a site; None where nobody said."""

    def remove(self, contract: EnergyContract) -> None:
        """The site has none any more, and goes by no feed."""


class SignalStore(Protocol):
    """What feeds have told, and how they stand."""

    def told(self, feed: Feed, begins_at: datetime, ends_at: datetime) -> Signal:
        """What it told of the days that this time touches, and when it was last confirmed."""

    def keep(self, feed: Feed, signal: Signal) -> Signal:
        """Add what was told to what is known; returns both, for the days that it touches."""

    def restate(self, feed: Feed, signal: Signal, since: datetime) -> None:
        """What was told is all that is known from the quarter of `since` on: whatever else was is withdrawn."""

    def state(self, feed: Feed) -> FeedState | None:
        """How it stands; None for a feed that nobody goes by."""

    def states(self, shard: int | None = None) -> Iterable[FeedState]:
        """All feeds of a shard, as each stands."""

    def save(self, state: FeedState) -> bool:
        """Replace the state of the version before; False where another has done so since it was read."""

    def is_wanted(self, feed: Feed) -> bool:
        """Whether a site goes by it."""

    def forget(self, state: FeedState) -> None:
        """Nobody goes by it: it is fetched no more. What it told stays as long as it would."""


class SignalSource(Protocol):
    """Who publishes prices, carbon or sun for zones."""

    @property
    def kind(self) -> SignalKind:
        """What it can be asked for."""

    @property
    def pace(self) -> timedelta:
        """How often it has anything new."""

    @property
    def is_daily(self) -> bool:
        """Whether it publishes a day at once, so that it is asked more often while the next is awaited."""

    def is_zone(self, zone: str) -> bool:
        """Whether a zone can be asked for, by its form."""

    def fetch(self, zone: str, begins_at: datetime, ends_at: datetime) -> Signal:
        """What it tells of a zone in that time, within seconds. Raises SignalUnavailable."""


class DemandEvents(Protocol):
    """What was asked of an operator's sites for a time, which of them agreed to that, and what came of it."""

    def put(self, before: DemandEvent | None, after: DemandEvent) -> bool:
        """Keep an event's next revision; False if another has been kept since `before` was read."""

    def get(self, operator_id: str, event_id: str) -> DemandEvent | None:
        """An event as it was told last; None for an unknown one."""

    def page(self, operator_id: str, limit: int, before: str | None) -> tuple[Sequence[DemandEvent], str | None]:
        """So many events by their ids, the last first, and the next page's cursor. Raises BadCursor."""

    def sign(self, contract: Contract) -> None:
        """A site agrees to take part, or to something else than before."""

    def contract(self, operator_id: str, site_id: str) -> Contract | None:
        """What a site agreed to; None: nothing."""

    def end(self, operator_id: str, site_id: str) -> bool:
        """It takes part in nothing told from now on; False if it did not."""

    def contracts(self, operator_id: str) -> Iterable[Contract]:
        """All that an operator's sites agreed to."""

    def demand(self, demand: SiteDemand, *, is_known: bool = False) -> bool:
        """Write an event among what is kept of a site; False where a younger revision is there.

        That the site opted out of it stays. `is_known`: only where an older revision is there.
        """

    def opt_out(self, site_id: str, event_id: str, at: datetime) -> bool:
        """A site takes part in an event no more, from then on; False where it does not, or has said so before."""

    def note(self, demand: SiteDemand, sample: Sample) -> None:
        """What a look found while an event held at its site. Noted again, nothing changes."""

    def samples(self, operator_id: str, event_id: str) -> Iterable[tuple[str, Sequence[Sample]]]:
        """What was noted of an event, site by site, in their order."""


class UtilityLinks(Protocol):
    """The utilities' servers that operators' events come from, one for each operator."""

    def put(self, link: UtilityLink, *, is_known: bool = False) -> None:
        """From now on events come from there; what was heard is forgotten, unless that server `is_known` already."""

    def get(self, operator_id: str) -> tuple[UtilityLink, UtilityNews] | None:
        """An operator's server, and what was heard of it."""

    def remove(self, operator_id: str) -> bool:
        """Ask it no more; False if there is none."""

    def operators(self) -> Iterable[str]:
        """All operators that have one."""

    def claim(self, operator_id: str, now: datetime, until: datetime) -> tuple[UtilityLink, UtilityNews] | None:
        """As `get`, for whoever asks that server now: nobody else does before `until`. None: one does, or it rests."""

    def heard(self, link: UtilityLink, news: UtilityNews, claimed_until: datetime, rests_until: datetime) -> bool:
        """Keep what was heard by that claim, and let the server rest; False where either is that operator's no more."""


class UtilityAsks(Protocol):
    """Has all servers asked between one minute's ask and the next."""

    def ask_later(self, asks: Sequence[tuple[timedelta, datetime]]) -> None:
        """Once each of these waits is over; whatever comes after its moment is passed over. May be lost."""


class UtilityServers(Protocol):
    """Utilities' servers, asked as a client of theirs."""

    def events(self, link: UtilityLink) -> Sequence[UtilityEvent]:
        """The events of its programs as it has them now; one that nobody understands is left out and logged.

        Raises ServerUnavailable.
        """

    def report(self, link: UtilityLink, program_id: str, event_id: str, quarters: Sequence[QuarterDelivery]) -> None:
        """Tell it what an event delivered; said again, it may have it twice. Raises ServerUnavailable."""


class PriceSeries(Protocol):
    """Takes prices and emissions that a utility tells of the coming hours."""

    def tell(self, operator_id: str, zone: str, spans: Sequence[UtilitySpan], since: datetime) -> None:
        """They are all that holds from then on for those sites of the operator's that go by this zone.

        Where two hold for one moment, the later one of the row does.
        """


class DemandSpread(Protocol):
    """Has an event reach its sites, by others and beside each other."""

    def begin(self, operator_id: str, event_id: str) -> None:
        """Find the sites that an event is for, and have it reach them. Raises what the queue does."""

    def reach(self, operator_id: str, event_id: str, rated_w: int, site_ids: Sequence[str]) -> None:
        """Have it reach these. `rated_w`: what the ports of all its sites can draw. Raises what the queue does."""
