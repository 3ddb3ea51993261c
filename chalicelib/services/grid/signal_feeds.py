"""Feeds of signals: fetched once for all the sites that go by them, when they may have something new."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta

from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.grid.signals import Signal
from chalicelib.ports import Clock
from chalicelib.ports.grid import SignalSource, SignalStore
from chalicelib.records.grid import FeedState, SignalUnavailable
from chalicelib.records.parts import WHOLE, Part

# Whoever fetches has this long; one that dies in between leaves the feed to the next round.
_CLAIMED = timedelta(minutes=5)
_LEAST_WAIT, _MOST_WAIT = timedelta(minutes=5), timedelta(hours=1)
# Day-ahead prices come at noon or later, when the rest of the day is shorter than this.
_AWAITED_BELOW, _AWAITED_EVERY = timedelta(hours=12), timedelta(minutes=15)
_BACK, _AHEAD = timedelta(days=1), timedelta(days=3)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class SignalFeeds:
    """Fetches the feeds that are due. One that fails is tried again, ever more seldom; what it told before stands."""

    signals: SignalStore
    sources: Mapping[str, SignalSource]
    clock: Clock

    def tend(self, part: Part = WHOLE) -> Mapping[str, int]:
        """Fetch those of a shard that are due, the longest due first and those that fail last.

        How many were told, failed, or forgotten.
        """
        now = self.clock()
        due = sorted(
            (it for it in self.signals.states(part.shard) if it.next_at <= now),
            key=lambda it: (it.failing_since is not None, it.next_at),
        )
        done: Counter[str] = Counter()
        for state in part.in_time(due, self.clock):
            claimed = replace(state, version=state.version + 1, next_at=self.clock() + _CLAIMED)
            if not self.signals.save(claimed):
                continue
            if self.signals.is_wanted(state.feed):
                after = self._fetched(claimed)
                self.signals.save(after)
                done["failed" if after.failure else "told"] += 1
            else:
                self.signals.forget(claimed)
                done["forgotten"] += 1
        return done

    def _fetched(self, state: FeedState) -> FeedState:
        """How the feed stands after it was fetched."""
        source = self.sources.get(state.feed.source)
        try:
            if source is None:
                raise SignalUnavailable(f"there is no source {state.feed.source}")
            told = self._told(source, state)
        except SignalUnavailable as error:
            return self._failed(state, str(error), error.retry_after)
        except Exception as error:
            _log.exception("a feed was not fetched", extra={"feed": state.feed.name})
            return self._failed(state, type(error).__name__, None)
        now = self.clock()
        known_until = min((it for row in told.rows.values() if (it := row.known_until(now))), default=None)
        is_awaited = source.is_daily and (known_until is None or known_until < now + _AWAITED_BELOW)
        return replace(
            state,
            version=state.version + 1,
            next_at=now + (_AWAITED_EVERY if is_awaited else source.pace),
            told_at=now,
            known_until=known_until,
            failing_since=None,
            failure="",
        )

    def _told(self, source: SignalSource, state: FeedState) -> Signal:
        """What is known of the feed once it has told the days around now."""
        today = datetime.combine(self.clock().astimezone(UTC).date(), time(), UTC)
        return self.signals.keep(state.feed, source.fetch(state.feed.zone, today - _BACK, today + _AHEAD))

    def _failed(self, state: FeedState, why: str, retry_after: timedelta | None) -> FeedState:
        """Asked again after half the time that it has failed for, and not before its source wants it."""
        now = self.clock()
        since = state.failing_since or now
        wait = max(_LEAST_WAIT, min((now - since) / 2, _MOST_WAIT), retry_after or _LEAST_WAIT)
        _log.warning("a feed told nothing", extra={"feed": state.feed.name, "why": why})
        return replace(state, version=state.version + 1, next_at=now + wait, failing_since=since, failure=why)
