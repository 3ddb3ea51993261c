"""What chargers of managed sites tell beside their charges: boots, new lines, what they can do; and what sites take.

Whether a charger is one stands in its row and its socket; of any other nothing is asked, and nothing of power loaded:
each start of the socket's process would pay for it.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.operators import is_clock_wrong
from chalicelib.ports import Clock
from chalicelib.ports.chargers import Chargers
from chalicelib.ports.grid import Looks, ManagedSites
from chalicelib.records.chargers import Charger, Connection, MainMeter

if TYPE_CHECKING:
    from chalicelib.records.grid import ToldLoad

# By less a building's load differs from itself.
STEP_MA = 1_000
_WHOLE = ConnectorId(0)
# So long after it came back a charger tells what it could not tell before.
_CATCHES_UP = timedelta(minutes=5)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class ManagedChargerNews:
    """Writes down what the next look at a site has to know of its chargers, and asks for that. No error leaves it."""

    managed_sites: ManagedSites
    looks: Looks
    chargers: Chargers
    clock: Clock

    def line_told(self, charger: Charger, online: bool) -> None:
        """A charger has a new socket: it may have lost what it was told. One that is gone says so when it is asked."""
        if online and charger.managed_at:
            self._told(charger.charger_id, charger.managed_at, "reconnected")

    def booted(self, connection: Connection) -> None:
        """A charger has started anew."""
        if connection.managed_at:
            self._told(connection.charger_id, connection.managed_at, "booted")

    def set_up(self, charger: Charger) -> None:
        """What a charger can be told of power is known now, or is another than before."""
        if charger.managed_at:
            self._told(charger.charger_id, charger.managed_at, "set_up")

    def clock_told(self, connection: Connection, ahead_s: int) -> None:
        """How far ahead of ours its clock was in a report, where that is wrong or was before: grants name times.

        What is told in its first minutes may be of the time before it came back, and makes no clock slow.
        """
        if not connection.managed_at:
            return
        from chalicelib.domain.grid.page_events import EventKind, PageEvent  # noqa: PLC0415  (for managed sites alone)
        from chalicelib.domain.grid.tree import PortId  # noqa: PLC0415

        charger_id, site_id = connection.charger_id, connection.managed_at
        try:
            if ahead_s < 0 and not self._is_up_to_date(charger_id):
                return
            told = PageEvent(
                port_id=PortId(charger_id, _WHOLE),
                kind=EventKind.CLOCK,
                at=self.clock(),
                clock_ahead_s=ahead_s if is_clock_wrong(ahead_s) else 0,
            )
            self.managed_sites.heard(site_id, told)
            self.looks.ask(site_id)
        except Exception:
            _log.exception("site not told of a clock", extra={"charger_id": charger_id})

    def _is_up_to_date(self, charger_id: str) -> bool:
        charger = self.chargers.get(charger_id)
        since = charger.connected_at if charger is not None else None
        return since is not None and self.clock() >= since + _CATCHES_UP

    def meter_read(self, connection: Connection, told: MainMeter) -> None:
        """A station's own meter was read: where it is its site's, it counts all that the site takes, cars among it."""
        currents = told.phase_currents_ma
        if not connection.is_site_meter or told.current_at is None or currents is None:
            return
        from chalicelib.records.grid import ToldLoad  # noqa: PLC0415  (for a site's meter alone)

        one, two, three = (it or 0 for it in currents)
        try:
            self.tell(connection.managed_at, ToldLoad(at=told.current_at, load_ma=(one, two, three), with_cars=True))
        except Exception:
            _log.exception("load not told", extra={"charger_id": connection.charger_id})

    def tell(self, site_id: str, told: ToldLoad) -> None:
        """What a building takes; a look is asked for where that is an ampere more or less, at once where it is more."""
        from chalicelib.domain.grid.currents import BUILDING_LOAD_LASTS  # noqa: PLC0415  (as above)

        before = self.managed_sites.tell_load(site_id, told)
        was = before.load_ma if before is not None else (0, 0, 0)
        steps = [now - then for now, then in zip(told.load_ma, was, strict=True)]
        is_news = before is None or told.at - before.at > BUILDING_LOAD_LASTS
        if is_news or any(abs(it) >= STEP_MA for it in steps):
            self.looks.ask(site_id, at_once=any(it >= STEP_MA for it in steps))

    def _told(self, charger_id: str, site_id: str, what: str) -> None:
        from chalicelib.domain.grid.page_events import EventKind, PageEvent  # noqa: PLC0415  (for managed sites alone)
        from chalicelib.domain.grid.tree import PortId  # noqa: PLC0415

        told = PageEvent(port_id=PortId(charger_id, _WHOLE), kind=EventKind(what), at=self.clock())
        try:
            self.managed_sites.heard(site_id, told)
            self.looks.ask(site_id)
        except Exception:
            _log.exception("site not told of its charger", extra={"charger_id": charger_id})
