"""Watches: a driver at an occupied connector is told, once, when it is free; whoever is not waited for costs nothing.

A watch stands with its driver, whose word it is, and as a mark at each connector it is for: the writes that change a
connector bring its marks along, so that only where there is one is anything looked at. Free is what a search calls
free, and had by no session: available, online, kept for nobody. The notice is named after the watch and written before
the watch ends, so that what a crash repeats is told once. A mark without a watch means nothing, and goes when seen.
"""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.domain.chargers.events import ConnectorId, ConnectorStatus
from chalicelib.domain.chargers.watches import MOST_WATCHES, WATCHED_FOR, Watch, Watcher
from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.ports import Clock, NewId
from chalicelib.ports.chargers import Chargers, Connectors
from chalicelib.ports.charging import Sessions
from chalicelib.ports.drivers import Drivers
from chalicelib.records.chargers import Admission, Charger, ConnectorState
from chalicelib.records.drivers import Driver
from chalicelib.services.access import NotFound, Refusal
from chalicelib.services.chargers.connectors import is_held
from chalicelib.services.drivers.eligibility import why_barred
from chalicelib.services.notifications.outbox import Notifications


@dataclass(frozen=True, kw_only=True)
class Watches:
    """Takes watches and ends them, and tells of connectors that have become free."""

    drivers: Drivers
    chargers: Chargers
    connectors: Connectors
    sessions: Sessions
    notifications: Notifications
    clock: Clock
    new_id: NewId

    def make(self, driver_id: str, charger_id: str, connector: ConnectorId | None) -> Watch:
        """Tell the driver once that connector is free, None: any of that charger's; the same wish is the same watch.

        Raises NotFound; Refusal where it is free now, where the driver waits for too much, or too many wait there.
        """
        charger = self.chargers.get(charger_id)
        if charger is None or charger.admission is not Admission.ACCEPTED:
            raise NotFound(f"charger {charger_id}")
        if connector is not None and connector not in charger.connectors:
            raise NotFound(f"connector {connector} of charger {charger_id}")
        now = self.clock()
        # To the second, as its mark is kept.
        until = (now + WATCHED_FOR).replace(microsecond=0)
        new = Watch(watch_id=self.new_id(), charger_id=charger_id, connector=connector, created_at=now, until=until)
        known = self.drivers.get(driver_id)
        if known is None or _same(known, new) is None:
            self._check_occupied(charger, connector)
        driver = self.drivers.change(driver_id, lambda it: _watching(it, new))
        watch = _same(driver, new) if driver is not None else None
        if driver is None or watch is None:
            raise NotFound(f"driver {driver_id}")
        # The watch first, its marks afterwards: what becomes free in between is seen right after.
        is_marked = self._mark(charger, driver_id, watch)
        self._look(charger_id)
        if not is_marked and not self._mark(charger, driver_id, watch):
            self._end(driver_id, watch)
            raise Refusal("too_many_wait", "too many wait there already; look again later")
        return watch

    def of_driver(self, driver_id: str) -> list[Watch]:
        """What a driver waits for, the oldest first."""
        driver, now = self.drivers.get(driver_id), self.clock()
        return [it for it in driver.watches if now < it.until] if driver is not None else []

    def end(self, driver_id: str, watch_id: str) -> None:
        """Wait for it no longer. Raises NotFound for what the driver does not wait for."""
        driver = self.drivers.get(driver_id)
        watch = driver.watch(watch_id, self.clock()) if driver is not None else None
        if watch is None:
            raise NotFound(f"watch {watch_id}")
        self._end(driver_id, watch)

    def forget_driver(self, driver_id: str) -> None:
        """Take a driver's marks from all connectors; the watches go with the account."""
        driver = self.drivers.get(driver_id)
        for watch in driver.watches if driver is not None else ():
            self._unmark(driver_id, watch)

    def free(self, charger_id: str, connector: ConnectorId, session_id: str) -> ConnectorState | None:
        """Take a connector from a session, and tell whoever waits for it; None (nothing happens) if it is another's."""
        state = self.connectors.free(charger_id, connector, session_id)
        self.seen(charger_id, state)
        return state

    def is_back(self, charger: Charger) -> None:
        """A charger is online again, and with it what was free all along."""
        if charger.watched_until is not None and self.clock() < charger.watched_until:
            self._look(charger.charger_id)

    def seen(self, charger_id: str, state: ConnectorState | None) -> None:
        """Something has changed at a connector, None: at none: whoever waits for it is told if it is free now.

        Nothing is asked where nobody waits; `state` may be as it was before the change.
        """
        if state is None or not state.watchers:
            return
        now = self.clock()
        over = [it for it in state.watchers if it.until <= now]
        waiting = [it for it in state.watchers if now < it.until]
        charger = self._if_free(charger_id, state.connector) if waiting else None
        if charger is not None:
            for watcher in waiting:
                self._tell(watcher, charger, state.connector)
            over += waiting
        if over:
            self.connectors.watch_no_longer(charger_id, state.connector, over)

    def _look(self, charger_id: str) -> None:
        for state in self.connectors.of_charger(charger_id):
            self.seen(charger_id, state)

    def _check_occupied(self, charger: Charger, connector: ConnectorId | None) -> None:
        wanted = charger.connectors if connector is None else (connector,)
        found = [it for it in self.connectors.of_charger(charger.charger_id) if it.connector in wanted]
        free = next((it.connector for it in found if self._is_free(charger, it)), None)
        if free is not None:
            raise Refusal("connector_free", f"connector {free} is free now")

    def _if_free(self, charger_id: str, connector: ConnectorId) -> Charger | None:
        """The charger, if that connector of it is free now."""
        charger = self.chargers.get(charger_id)
        states = self.connectors.of_charger(charger_id) if charger is not None else ()
        is_free = any(it.connector == connector and self._is_free(charger, it) for it in states)
        return charger if is_free else None

    def _is_free(self, charger: Charger | None, state: ConnectorState) -> bool:
        is_online = charger is not None and charger.connection_id is not None
        is_available = state.seen(self.clock()) is ConnectorStatus.AVAILABLE
        return is_online and is_available and not is_held(self.sessions, state)

    def _tell(self, watcher: Watcher, charger: Charger, connector: ConnectorId) -> None:
        driver = self.drivers.get(watcher.driver_id)
        if driver is None or driver.watch(watcher.watch_id, self.clock()) is None:
            return
        self.notifications.tell_of_free_connector(
            driver.driver_id, watcher.watch_id, charger.operator_id, charger.charger_id, connector
        )
        self.drivers.change(driver.driver_id, lambda it: _without(it, watcher.watch_id))

    def _mark(self, charger: Charger, driver_id: str, watch: Watch) -> bool:
        return self.connectors.watch(charger.charger_id, _places(charger, watch), _watcher(driver_id, watch))

    def _end(self, driver_id: str, watch: Watch) -> None:
        self._unmark(driver_id, watch)
        self.drivers.change(driver_id, lambda it: _without(it, watch.watch_id))

    def _unmark(self, driver_id: str, watch: Watch) -> None:
        charger = self.chargers.get(watch.charger_id)
        for connector in _places(charger, watch) if charger is not None else ():
            self.connectors.watch_no_longer(watch.charger_id, connector, [_watcher(driver_id, watch)])


def _watching(driver: Driver, new: Watch) -> Driver:
    """The driver, waiting for that as well. Raises Refusal where they wait for too much, or their account is closed."""
    barred = why_barred(driver, new.created_at)
    if barred is not None:
        raise barred
    if _same(driver, new) is not None:
        return driver
    others = [it for it in driver.watches if new.created_at < it.until]
    if len(others) >= MOST_WATCHES:
        raise Refusal("too_many_watches", f"you wait for {MOST_WATCHES} connectors already; end a watch first")
    return replace(driver, watches=(*others, new))


def _same(driver: Driver, new: Watch) -> Watch | None:
    """The driver's watch with the same wish."""
    place, at = (new.charger_id, new.connector), new.created_at
    return next((it for it in driver.watches if (it.charger_id, it.connector) == place and at < it.until), None)


def _without(driver: Driver, watch_id: str) -> Driver:
    return replace(driver, watches=tuple(it for it in driver.watches if it.watch_id != watch_id))


def _places(charger: Charger, watch: Watch) -> Sequence[ConnectorId]:
    return charger.connectors if watch.connector is None else (watch.connector,)


def _watcher(driver_id: str, watch: Watch) -> Watcher:
    return Watcher(driver_id, watch.watch_id, watch.until)
