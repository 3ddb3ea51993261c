"""Energy contracts and signals in DynamoDB: a partition for each contract and each feed, and a list of feeds by shard.

A feed's days lie beside the sites that go by it, so that what a site's day costs is one query, however many share it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from chalicelib.adapters.dynamo import decode, delete, encode, find, put, shard_of, shards_of
from chalicelib.adapters.tables import GridRow
from chalicelib.domain.data_classes import dataclass, field, replace
from chalicelib.domain.grid.energy import EnergyContract, Feed, days_of, series_of
from chalicelib.domain.grid.signals import Signal, SignalRow
from chalicelib.records.grid import FEED_SHARDS, FeedState

# No site's id has such a sign.
_CONTRACT, _FEED, _FEEDS = "energy#", "feed#", "feeds#"
_BODY = "contract"
_SITE, _DAY = "site#", "day#"
# A receipt can be worked out anew for as long as one may be disputed.
_KEPT = timedelta(days=400)
# Nobody tells a price further ahead.
_KNOWN_AHEAD = timedelta(days=62)
_A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Day:
    """What is known of a day (UTC): of each row its 96 quarters."""

    currency: str = ""
    rows: Mapping[SignalRow, tuple[int | None, ...]] = field(default_factory=dict)


class DynamoEnergyContracts:
    """The port EnergyContracts. Methods make one call where they say nothing else."""

    def put(self, contract: EnergyContract, before: EnergyContract | None, at: datetime) -> None:
        """Two calls more for each feed that it goes by, and one for each that it no more goes by."""
        feeds = dict.fromkeys(contract.fetched)
        # The feed first: one that a site goes by and nobody fetches would never be noticed.
        for it in feeds:
            self._follow(it, contract.site_id, at)
        put(GridRow(_CONTRACT + contract.site_id, _BODY, body=encode(contract)))
        if before is not None:
            self._leave(contract.site_id, [it for it in before.fetched if it not in feeds])

    def of(self, site_id: str) -> EnergyContract | None:
        row = find(GridRow, _CONTRACT + site_id, _BODY)
        return decode(EnergyContract, row.body) if row is not None else None

    def remove(self, contract: EnergyContract) -> None:
        """A call more for each feed."""
        delete(GridRow(_CONTRACT + contract.site_id, _BODY))
        self._leave(contract.site_id, contract.fetched)

    @staticmethod
    def _follow(feed: Feed, site_id: str, at: datetime) -> None:
        put(GridRow(_FEED + feed.name, _SITE + site_id))
        put(_state_row(FeedState(feed=feed, next_at=at)), GridRow.body.does_not_exist())

    @staticmethod
    def _leave(site_id: str, feeds: Iterable[Feed]) -> None:
        for it in feeds:
            delete(GridRow(_FEED + it.name, _SITE + site_id))


class DynamoSignals:
    """The port SignalStore. Methods make one call where they say nothing else."""

    def told(self, feed: Feed, begins_at: datetime, ends_at: datetime) -> Signal:
        return self._told(feed, begins_at, ends_at)

    @staticmethod
    def _told(feed: Feed, begins_at: datetime, ends_at: datetime, *, consistent: bool = False) -> Signal:
        first, last = (_DAY + it.astimezone(UTC).date().isoformat() for it in (begins_at, ends_at))
        rows = GridRow.query(_FEED + feed.name, GridRow.item.between(first, last), consistent_read=consistent)
        days = {_date(row.item): decode(_Day, row.body) for row in rows}
        kinds = {kind for day in days.values() for kind in day.rows}
        newest = max(days, default=None)
        currency = days[newest].currency if newest is not None else ""
        # Where a zone has changed its currency the days before are of another price.
        same = {at: day for at, day in days.items() if day.currency == currency}
        return Signal(
            rows={kind: series_of({at: day.rows.get(kind, ()) for at, day in same.items()}) for kind in kinds},
            currency=currency,
        )

    def keep(self, feed: Feed, signal: Signal) -> Signal:
        """One call, and one for each day that is known otherwise than before."""
        days = _days(signal)
        if not days:
            return signal
        # A day is replaced as a whole: what another has just added must not be missed.
        before = self._told(feed, min(days), max(days), consistent=True)
        together = before.joined(signal)
        self._replace(feed, before, together)
        return together

    def restate(self, feed: Feed, signal: Signal, since: datetime) -> None:
        """One call, and one for each day that is known otherwise than before."""
        before = self._told(feed, since, max([since + _KNOWN_AHEAD, *_days(signal)]), consistent=True)
        self._replace(feed, before, before.until(since).joined(signal))

    @staticmethod
    def _replace(feed: Feed, before: Signal, after: Signal) -> None:
        known, told = _days(before), _days(after)
        for day in known.keys() | told.keys():
            row = GridRow(_FEED + feed.name, _DAY + day.date().isoformat())
            if day not in told:
                delete(row)
            elif known.get(day) != told[day]:
                row.body, row.expires_at = encode(told[day]), day + _KEPT
                put(row)

    def state(self, feed: Feed) -> FeedState | None:
        row = find(GridRow, *_place(feed), consistent=False)
        return _state(row) if row is not None else None

    def states(self, shard: int | None = None) -> Iterable[FeedState]:
        """One call for each shard."""
        for it in shards_of(shard, FEED_SHARDS):
            yield from map(_state, GridRow.query(_FEEDS + it))

    def save(self, state: FeedState) -> bool:
        is_next = GridRow.version == state.version - 1
        return put(_state_row(state), is_next)

    def is_wanted(self, feed: Feed) -> bool:
        return any(GridRow.query(_FEED + feed.name, GridRow.item.startswith(_SITE), limit=1, consistent_read=True))

    def forget(self, state: FeedState) -> None:
        """Two calls, and one more for a feed that a site has come to go by meanwhile."""
        delete(GridRow(*_place(state.feed)), GridRow.version == state.version)
        if self.is_wanted(state.feed):
            put(_state_row(FeedState(feed=state.feed, next_at=state.next_at)), GridRow.body.does_not_exist())


def _place(feed: Feed) -> tuple[str, str]:
    return _FEEDS + shard_of(feed.name, FEED_SHARDS), feed.name


def _state_row(state: FeedState) -> GridRow:
    return GridRow(*_place(state.feed), body=encode(state), version=state.version)


def _state(row: GridRow) -> FeedState:
    return decode(FeedState, row.body)


def _date(item: str) -> datetime:
    return datetime.fromisoformat(item.removeprefix(_DAY)).replace(tzinfo=UTC)


def _days(signal: Signal) -> Mapping[datetime, _Day]:
    found: dict[datetime, _Day] = {}
    for kind, series in sorted(signal.rows.items()):
        for day, quarters in days_of(series).items():
            known = found.get(day, _Day(currency=signal.currency))
            found[day] = replace(known, rows={**known.rows, kind: quarters})
    return found
