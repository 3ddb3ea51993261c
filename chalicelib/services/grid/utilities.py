"""Events that come from utilities' servers: asked for thrice a minute, told as an operator's own, and reported back.

What was heard is kept in one row, so that what stands there as before is told nobody. Whoever asks a server claims
that row first: one asks at a time, and what one tells the next knows. An event that its server has no more is
cancelled; a server that does not answer leaves all as it is.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import reduce
from hashlib import sha256

from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.grid.delivery import quarter_of
from chalicelib.domain.grid.demand_response import RESTORED_WITHIN, DemandEvent, DemandTarget
from chalicelib.domain.grid.energy import told_feed
from chalicelib.domain.grid.signals import Series, Signal, SignalRow, TimedValue
from chalicelib.domain.grid.utility import SpanKind, UtilityEvent, UtilitySpan
from chalicelib.domain.notifications import check_webhook
from chalicelib.ports import Clock, Invocations
from chalicelib.ports.grid import PriceSeries, SignalStore, UtilityAsks, UtilityLinks, UtilityServers
from chalicelib.records.grid import HeardEvent, ServerUnavailable, UtilityLink, UtilityNews
from chalicelib.records.parts import WHOLE, Part
from chalicelib.services.access import NotFound, Refusal
from chalicelib.services.grid.demand_response import DemandResponse

SCHEDULE = "openadr"
# A schedule comes once a minute at the most. At this pace sites are lowered within a minute of an event even where the
# first ask that would have heard it is lost.
_EVERY = timedelta(seconds=20)
ASKED_AGAIN = (_EVERY, 2 * _EVERY)
# Longer than its function may run: whoever claimed a server and is not heard of is no more.
ASKED_WITHIN = timedelta(seconds=35)
# Of a server that means ill, or is broken: what is remembered of its events is one row.
_MOST_EVENTS, _MOST_LETTERS, _MOST_ASKS, _MOST_SPANS = 200, 128, 96, 700
_MOST_SITES, _MOST_ZONES = 1000, 20
# Of a kilowatt-hour: ten thousand of the currency, or ten tons, either way.
_MOST_OF: Mapping[SpanKind, int] = {SpanKind.PRICE: 10_000_000_000, SpanKind.MARGINAL: 10_000_000}
_REPORTED_WITHIN = timedelta(days=1)
# By then what was drawn in a quarter of an hour is noted.
_NOTED_WITHIN = timedelta(minutes=1)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Utilities:
    """Asks utilities' servers, each in an invocation of its own, so that a slow one holds up nobody else."""

    links: UtilityLinks
    servers: UtilityServers
    demand_response: DemandResponse
    prices: PriceSeries
    invocations: Invocations
    asks: UtilityAsks
    clock: Clock
    may_be_inside: bool = False

    def link(self, link: UtilityLink) -> None:
        """An operator's events come from that server; what another before it asked for is cancelled.

        ValueError for an address that nobody may be sent to.
        """
        for url in filter(None, (link.url, link.token_url)):
            check_webhook(url, may_be_inside=self.may_be_inside)
        before = self.links.get(link.operator_id)
        is_known = before is not None and before[0].url == link.url
        self.links.put(link, is_known=is_known)
        if before is not None and not is_known:
            self._forget(link.operator_id, before[1])

    def linked(self, operator_id: str) -> tuple[UtilityLink, UtilityNews]:
        """An operator's server, and what was heard of it. Raises NotFound."""
        found = self.links.get(operator_id)
        if found is None:
            raise NotFound("an OpenADR server")
        return found

    def unlink(self, operator_id: str) -> None:
        """Ask it no more; what it asked for is cancelled. Raises NotFound."""
        _, news = self.linked(operator_id)
        self.links.remove(operator_id)
        self._forget(operator_id, news)

    def begin(self, part: Part = WHOLE) -> int:
        """Have each server asked now, and twice more before the next minute; returns how many there are."""
        operators = list(part.in_time(self.links.operators(), self.clock))
        if operators:
            now = self.clock()
            self.asks.ask_later([(after, now + after + _EVERY) for after in ASKED_AGAIN])
        return self._begin_each(operators)

    def ask_all(self, until: datetime) -> int:
        """Have each server asked now, unless the next ask is due by then; returns how many are."""
        return self._begin_each(self.links.operators()) if self.clock() < until else 0

    def ask(self, operator_id: str) -> int:
        """Hear what an operator's server has now; returns how many of its events are new, changed or gone.

        Whoever comes while somebody else asks, or while it rests, leaves it alone.
        """
        now = self.clock()
        until = now + ASKED_WITHIN
        found = self.links.claim(operator_id, now, until)
        if found is None:
            return 0
        link, before = found
        try:
            events = self.servers.events(link)
        except ServerUnavailable as error:
            news, changes, rest = replace(before, fault=str(error)), 0, error.rest
        else:
            if self.clock() >= until:
                # Another may have heard something newer, and told it.
                return 0
            heard, changes = self._heard(link, before, events, now)
            heard, rest = self._all_reported(link, heard, now)
            news = UtilityNews(heard=heard, heard_at=now)
            news = news if replace(news, heard_at=before.heard_at) != before else before
        if not self.links.heard(link, news, until, self.clock() + rest):
            self._leave(link, news)
        return changes

    def _begin_each(self, operators: Iterable[str]) -> int:
        number = 0
        for operator_id in operators:
            self.invocations.begin(SCHEDULE, {"part": "operator", "operator": operator_id})
            number += 1
        return number

    def _leave(self, link: UtilityLink, news: UtilityNews) -> None:
        """What was heard of a server that is the operator's no more ends."""
        found = self.links.get(link.operator_id)
        if found is None or found[0].url != link.url:
            self._forget(link.operator_id, news)

    def _heard(
        self, link: UtilityLink, before: UtilityNews, events: Sequence[UtilityEvent], now: datetime
    ) -> tuple[tuple[HeardEvent, ...], int]:
        """Have what is new, changed or gone come about; all that is known from then on, and how many of that is so."""
        operator_id = link.operator_id
        known = {it.event_id: it for it in before.heard}
        # Servers keep what is long over, and tell it for ever.
        fitting = [it for it in events if _fits(it)]
        if len(fitting) < len(events):
            _log.warning("events too large", extra={"operator_id": operator_id, "number": len(events) - len(fitting)})
        meant = [it for it in fitting if (it.asks or it.spans or it.passed_over or it.event_id in known)]
        events = sorted(meant, key=lambda it: it.event_id)[:_MOST_EVENTS]
        heard, changes = list[HeardEvent](), 0
        restated, holding = set[str](), dict[str, list[UtilitySpan]]()
        # What says the same as before comes first: where two prices hold for one moment, the one told later does.
        told = [(it, _digest(it)) for it in events]
        for event, digest in sorted(told, key=lambda it: _is_news(known.get(it[0].event_id), it[1])):
            was = known.pop(event.event_id, None)
            if was is None or _is_news(was, digest):
                changes += 1
                restated.update(was.zones if was is not None else ())
                was = self._told_anew(link, event, digest, was, now)
                restated.update(was.zones)
            for zone in was.zones:
                holding.setdefault(zone, []).extend(event.spans)
            heard.append(was)
        for it in known.values():
            restated.update(it.zones)
            is_early = it.over_at - RESTORED_WITHIN > now
            if is_early:
                changes += 1
                self._cancel(operator_id, it)
            gone = replace(it, over_at=now + RESTORED_WITHIN) if is_early else it
            # A server need not show what is over; it is still told what came of it.
            if now < gone.over_at + _REPORTED_WITHIN and not gone.reported:
                heard.append(replace(gone, zones=()))
        for zone in sorted(restated):
            self.prices.tell(operator_id, zone, holding.get(zone, ()), now)
        return tuple(heard), changes

    def _told_anew(
        self, link: UtilityLink, event: UtilityEvent, digest: str, was: HeardEvent | None, now: datetime
    ) -> HeardEvent:
        """As `_told`; what comes to ask for nothing, or for what nobody can be asked for, is called off by that."""
        if event.passed_over:
            about = {"operator_id": link.operator_id, "event_id": event.event_id, "kinds": sorted(event.passed_over)}
            _log.warning("payloads passed over", extra=about)
        told = replace(self._told(link, event, digest, now), reported_until=was.reported_until if was else None)
        if was is None or not was.is_demand or told.is_demand:
            return told
        over_at = min(was.over_at, now + RESTORED_WITHIN)
        if over_at < was.over_at:
            self._cancel(link.operator_id, was)
        # What it delivered until then is reported.
        return replace(was, digest=digest, over_at=over_at, zones=told.zones)

    def _told(self, link: UtilityLink, event: UtilityEvent, digest: str, now: datetime) -> HeardEvent:
        told_as = f"openadr-{sha256(f'{link.url} {event.event_id}'.encode()).hexdigest()[:24]}"
        over_at, is_demand = now, bool(event.asks)
        if is_demand:
            over_at = max(it.ends_at for it in event.asks) + RESTORED_WITHIN
            # Names that are no site's or area's of ours are for nobody.
            names = frozenset(sorted(event.targets)[:_MOST_SITES])
            demand = DemandEvent(
                event_id=told_as,
                operator_id=link.operator_id,
                program=event.program,
                intervals=event.asks,
                target=DemandTarget(site_ids=names, areas=names),
                random_start_s=event.random_start_s,
                told_at=now,
                told_by="openadr",
                source=link.url,
            )
            try:
                self.demand_response.tell(demand)
            except Refusal:
                _log.exception("event refused", extra={"operator_id": link.operator_id, "event_id": event.event_id})
                is_demand = False
        return HeardEvent(
            event_id=event.event_id,
            program_id=event.program_id,
            told_as=told_as,
            digest=digest,
            over_at=over_at,
            is_demand=is_demand,
            wants_report=event.wants_report,
            wants_quarters=event.wants_quarters,
            zones=_zones(event),
            begins_at=min((it.begins_at for it in event.asks), default=None),
        )

    def _all_reported(
        self, link: UtilityLink, heard: Sequence[HeardEvent], now: datetime
    ) -> tuple[tuple[HeardEvent, ...], timedelta]:
        """As `_reported`, for all; and for how long their server wants to be left alone: it is told no more then."""
        rest = timedelta(0)
        after = list(heard)
        for number, it in enumerate(heard):
            if rest:
                break
            try:
                after[number] = self._reported(link, it, now)
            except ServerUnavailable as error:
                _log.warning("not reported", extra={"operator_id": link.operator_id, "why": str(error)})
                rest = error.rest
        return tuple(after), rest

    def _reported(self, link: UtilityLink, it: HeardEvent, now: datetime) -> HeardEvent:
        """Its server is told what it delivered, if it wants to know: once all is given back.

        Where it wants to know sooner, each quarter of an hour as that is over; nothing is read but for one that is new.
        Raises ServerUnavailable.
        """
        if it.reported or not it.is_demand or not it.wants_report:
            return it
        is_over, until, since = now >= it.over_at, quarter_of(now - _NOTED_WITHIN), it.reported_until
        if not is_over and not (
            it.wants_quarters and it.begins_at and max(it.begins_at, since or it.begins_at) < until
        ):
            return it
        found = self.demand_response.report(link.operator_id, it.told_as, 1, None).total
        new = [quarter for quarter in found if since is None or quarter.begins_at >= since]
        new = new if is_over else [quarter for quarter in new if quarter.begins_at < until]
        # That nothing was delivered at all is said once.
        if new or (is_over and since is None):
            self.servers.report(link, it.program_id, it.event_id, new)
        return replace(it, reported=is_over, reported_until=until)

    def _forget(self, operator_id: str, news: UtilityNews) -> None:
        """What its server asked for and told ends."""
        for it in news.heard:
            self._cancel(operator_id, it)
        for zone in sorted({zone for it in news.heard for zone in it.zones}):
            self.prices.tell(operator_id, zone, (), self.clock())

    def _cancel(self, operator_id: str, it: HeardEvent) -> None:
        if it.is_demand:
            self.demand_response.cancel(operator_id, it.told_as)


def _fits(event: UtilityEvent) -> bool:
    """Whether it is of a size that anybody means: one that is not is passed over, and holds up no other."""
    names = (event.event_id, event.program_id, event.program)
    if max(map(len, names)) > _MOST_LETTERS or len(event.asks) > _MOST_ASKS or len(event.spans) > _MOST_SPANS:
        return False
    return all(abs(it.value) <= _MOST_OF[it.kind] for it in event.spans)


def _zones(event: UtilityEvent) -> tuple[str, ...]:
    """Where its prices are kept: under its program; what is for some only, under that at each of their names."""
    if not event.spans:
        return ()
    program = event.program or event.program_id
    return tuple(f"{program}@{it}" for it in sorted(event.targets)[:_MOST_ZONES]) or (program,)


def _is_news(was: HeardEvent | None, digest: str) -> bool:
    return was is None or was.digest != digest


def _digest(event: UtilityEvent) -> str:
    """What it says, the same in every process: sets have no order of their own."""
    plain = replace(event, targets=frozenset(), passed_over=frozenset())
    said = repr((plain, sorted(event.targets), sorted(event.passed_over)))
    return sha256(said.encode()).hexdigest()[:32]


@dataclass(frozen=True)
class ToldPrices:
    """The port PriceSeries: kept beside what sources tell, a call and one for each day that is known otherwise."""

    signals: SignalStore

    def tell(self, operator_id: str, zone: str, spans: Sequence[UtilitySpan], since: datetime) -> None:
        """As the port says: both kinds at once, for a zone's days hold both."""
        rows, currency = dict[SignalRow, Series](), ""
        for kind, row in ((SpanKind.PRICE, SignalRow.PRICE), (SpanKind.MARGINAL, SignalRow.MARGINAL)):
            if found := [it for it in spans if it.kind is kind]:
                rows[row] = _series(found)
                currency = found[-1].currency if kind is SpanKind.PRICE else currency
        self.signals.restate(told_feed(operator_id, zone), Signal(rows=rows, currency=currency), since)


def _series(spans: Sequence[UtilitySpan]) -> Series:
    values = [TimedValue(it.begins_at, it.ends_at, it.value) for it in spans]
    try:
        return Series.of(values)
    except ValueError:
        return reduce(Series.joined, (Series.of([it]) for it in values), Series())
