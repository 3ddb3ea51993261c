"""What a demand response event delivered: what would have been drawn less what was, by site and quarter of an hour.

What would have been drawn is worked out at each look while the event holds, from the cars that are there and what is
known of each. A look stands for its minute: the first of a minute counts, and a minute without one for nothing, so that
what is noted twice changes nothing and what sites deliver adds up.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.grid.outlook import QUARTER

_MINUTE = timedelta(minutes=1)
MINUTES = QUARTER // _MINUTE


@dataclass(frozen=True, slots=True, order=True)
class Sample:
    """A look at a site while an event holds: what its cars would draw, and what they draw."""

    at: datetime
    baseline_w: int
    drawn_w: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarterDelivery:
    """A quarter of an hour: watts on its average, those minutes counted in which the event held."""

    begins_at: datetime
    baseline_w: int
    drawn_w: int

    @property
    def delivered_w(self) -> int:
        """How much less was drawn; below nothing where cars took more than was thought."""
        return self.baseline_w - self.drawn_w


def quarter_of(at: datetime) -> datetime:
    """When the quarter of an hour began that a moment lies in."""
    return at.replace(minute=at.minute - at.minute % MINUTES, second=0, microsecond=0)


def quarters(samples: Iterable[Sample]) -> list[QuarterDelivery]:
    """What a site's looks come to, in the order of time."""
    first: dict[datetime, Sample] = {}
    for it in sorted(samples):
        first.setdefault(it.at.replace(second=0, microsecond=0), it)
    sums: dict[datetime, tuple[int, int]] = {}
    for minute, it in first.items():
        baseline_w, drawn_w = sums.get(quarter_of(minute), (0, 0))
        sums[quarter_of(minute)] = baseline_w + it.baseline_w, drawn_w + it.drawn_w
    return [
        QuarterDelivery(begins_at=at, baseline_w=baseline // MINUTES, drawn_w=drawn // MINUTES)
        for at, (baseline, drawn) in sorted(sums.items())
    ]


def summed(sites: Iterable[Iterable[QuarterDelivery]]) -> list[QuarterDelivery]:
    """What several sites delivered together."""
    sums: dict[datetime, tuple[int, int]] = {}
    for it in (quarter for site in sites for quarter in site):
        baseline_w, drawn_w = sums.get(it.begins_at, (0, 0))
        sums[it.begins_at] = baseline_w + it.baseline_w, drawn_w + it.drawn_w
    return [
        QuarterDelivery(begins_at=at, baseline_w=baseline, drawn_w=drawn)
        for at, (baseline, drawn) in sorted(sums.items())
    ]
