"""What a utility's server tells: events of its programs, as what sites are asked and as prices and emissions.

It is the same whatever protocol and version the server speaks. Prices are millionths of the currency's unit for a kWh,
emissions grams of CO2 for one, and these are of one kWh more (marginal), never an average.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.grid.demand_response import AskedInterval


class SpanKind(StrEnum):
    """What a span's value is."""

    PRICE = "price"
    MARGINAL = "marginal"


@dataclass(frozen=True, slots=True, kw_only=True)
class UtilitySpan:
    """A price, or what one more kWh emits, from a moment to another."""

    kind: SpanKind
    begins_at: datetime
    ends_at: datetime
    value: int
    currency: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class UtilityEvent:
    """An event as its server has it now: `asks` of sites and `spans` of prices; an event may have both, or neither.

    `targets`: the names it is for, without the names of whoever was told; none: all. `passed_over`: kinds of payload
    that say nothing to us. `wants_quarters`: it wants to know of what was delivered before it is over.
    """

    event_id: str
    program_id: str
    program: str
    asks: tuple[AskedInterval, ...] = ()
    spans: tuple[UtilitySpan, ...] = ()
    targets: frozenset[str] = frozenset()
    random_start_s: int = 0
    wants_report: bool = False
    wants_quarters: bool = False
    passed_over: frozenset[str] = frozenset()
