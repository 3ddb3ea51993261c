"""SiteOutlooks: what a kWh costs and emits at a site, in quarters of an hour that come or are past."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import partial

from chalicelib.domain.data_classes import dataclass, field, replace
from chalicelib.domain.grid.energy import EnergyContract, Feed
from chalicelib.domain.grid.outlook import QUARTER, Outlook
from chalicelib.domain.grid.signals import Signal, quarter_of
from chalicelib.ports import Clock
from chalicelib.ports.grid import EnergyContracts, SignalStore
from chalicelib.services.at_once import together

# The sites of a zone are planned within seconds of each other, and by one process many of them.
REMEMBERED = timedelta(minutes=1)
_MOST_REMEMBERED = 500
_Key = tuple[Feed, date, date]


@dataclass(frozen=True, kw_only=True)
class SiteOutlooks:
    """Composes a site's outlook of its energy contract, its own sun, and the signals of its zones.

    A read of the contract, and two of each of its feeds, which a process remembers for as long as `remembered`.
    """

    contracts: EnergyContracts
    signals: SignalStore
    clock: Clock
    remembered: timedelta = REMEMBERED
    _known: dict[_Key, tuple[datetime, Signal]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def of(self, site_id: str, begins_at: datetime, quarters: int) -> Outlook:
        """So many quarters from the quarter of `begins_at` on, past or to come; rows end where nothing is known.

        A site without an energy contract has an outlook of empty rows. `guidance(outlook.told_at, at)` of
        `domain/grid/signals.py` says whether it may be planned by.
        """
        contract = self.contracts.of(site_id)
        if contract is None:
            return Outlook(begins_at=quarter_of(begins_at))
        return self.by(contract, begins_at, quarters)

    def by(self, contract: EnergyContract, begins_at: datetime, quarters: int) -> Outlook:
        """As `of`, by a contract that is known."""
        begins_at = quarter_of(begins_at)
        ends_at = begins_at + max(0, quarters - 1) * QUARTER
        told: dict[Feed, Signal] = {}

        def read(feed: Feed) -> None:
            told[feed] = self._told(feed, begins_at, ends_at)

        if works := [partial(read, it) for it in contract.feeds]:
            together(*works)
        return contract.outlook(told, begins_at, quarters)

    def _told(self, feed: Feed, begins_at: datetime, ends_at: datetime) -> Signal:
        now = self.clock()
        key = feed, begins_at.date(), ends_at.date()
        until, signal = self._known.get(key, (now, Signal()))
        if now < until:
            return signal
        state = self.signals.state(feed)
        told = self.signals.told(feed, begins_at, ends_at)
        signal = replace(told, told_at=state.told_at if state is not None else None)
        if len(self._known) >= _MOST_REMEMBERED:
            self._known.clear()
        self._known[key] = now + self.remembered, signal
        return signal
