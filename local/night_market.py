"""What a kilowatt-hour costs and emits in each quarter of a simulated month; each run has the same days."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from functools import cache
from zoneinfo import ZoneInfo

from chalicelib.domain.grid.outlook import QUARTER, Outlook
from local.simulate.signals import CARBON, PRICES

ZONE = "Europe/Berlin"


class Prices:
    """The port Outlooks: a day-ahead market whose days differ, told until the end of the next day after one o'clock."""

    def of(self, site_id: str, begins_at: datetime, quarters: int) -> Outlook:
        """As the market and the grid's mix would have it."""
        begins_at = datetime.fromtimestamp(begins_at.timestamp() // 900 * 900, UTC)
        moments = [begins_at + it * QUARTER for it in range(quarters)]
        return Outlook(
            begins_at=begins_at,
            currency="EUR",
            price_micros=tuple(price_micros(it) for it in moments),
            carbon_g=tuple(carbon_g(it) for it in moments),
            renewable_permille=tuple(max(0, 900 - 2 * carbon_g(it)) for it in moments),
            carbon_micros_per_kg=100_000,
            source="simulated",
        )


@cache
def price_micros(at: datetime) -> int:
    """A kilowatt-hour in that quarter."""
    chance = random.Random(at.toordinal())
    level, swing = chance.uniform(0.7, 1.4), chance.uniform(0.6, 1.5)
    usual = PRICES["day-ahead"](_local_hour(at))
    return round((0.11 + swing * (usual - 0.11) + 0.06) * level * 1e6)


@cache
def carbon_g(at: datetime) -> int:
    """Of a kilowatt-hour in that quarter."""
    chance = random.Random(at.toordinal() + 1)
    return round(CARBON["sunny"](_local_hour(at)) * chance.uniform(0.6, 1.2))


def _local_hour(at: datetime) -> float:
    here = at.astimezone(ZoneInfo(ZONE))
    return here.hour + here.minute / 60
