"""What a connector does and whose it is: each changed by one conditional write that a late message cannot undo."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime

from chalicelib.adapters.chargers.rows import CHARGER, CONNECTOR, connector_row, registered_connectors
from chalicelib.adapters.dynamo import connector_id, replaced, update, update_and_read
from chalicelib.adapters.expressions import Clause
from chalicelib.adapters.tables import ChargerRow
from chalicelib.domain.chargers.events import ConnectorId, ConnectorStatus
from chalicelib.domain.chargers.watches import MOST_WATCHERS, Watcher
from chalicelib.ports import Clock
from chalicelib.records.chargers import ConnectorState


def _now() -> datetime:
    return datetime.now(UTC)


class DynamoConnectors:
    """The port Connectors. `clock` says which reservations are over. One call a method where it says nothing else."""

    def __init__(self, clock: Clock = _now) -> None:
        self._clock = clock

    def set_status(self, charger_id: str, state: ConnectorState) -> ConnectorState | None:
        """One call. `state.status_at` is needed; two reports of the same time: the one that comes last counts.

        A charger that tells when it was is believed about the order of its own reports.
        """
        if state.status_at is None:
            raise ValueError(f"a status of {charger_id} connector {state.connector} needs its time")
        report = [
            ChargerRow.status.set(state.status.value),
            ChargerRow.status_at.set(state.status_at),
            ChargerRow.error.set(state.error),
        ]
        if state.skew_s is not None:
            report.append(ChargerRow.skew_s.set(state.skew_s))
        if not state.status.may_start:
            report.append(ChargerRow.setup_is_due.remove())
        is_news = ChargerRow.status_at.does_not_exist() | (ChargerRow.status_at <= state.status_at)
        if state.told_at is not None:
            report.append(ChargerRow.told_at.set(state.told_at))
            is_news &= ChargerRow.told_at.does_not_exist() | (ChargerRow.told_at <= state.told_at)
        before = replaced(connector_row(charger_id, state.connector), report, is_news)
        if before is None:
            return None
        return _connector_state(before) if before.item else ConnectorState(connector=state.connector)

    def of_charger(self, charger_id: str) -> Sequence[ConnectorState]:
        """The registered ones and all that ever reported (0 being the charger as a whole), by number. One call."""
        states: dict[ConnectorId, ConnectorState] = {}
        # "charger" sorts before "connector#", so what was reported replaces what is only registered.
        # Not its news, nor its setup, which is long.
        for row in ChargerRow.query(
            charger_id, ChargerRow.item.between(CHARGER, CONNECTOR + "~"), consistent_read=True
        ):
            if row.item == CHARGER:
                states |= {connector: ConnectorState(connector=connector) for connector in registered_connectors(row)}
            elif row.item.startswith(CONNECTOR):
                state = _connector_state(row)
                states[state.connector] = state
        return [states[connector] for connector in sorted(states)]

    def put_place(self, charger_id: str, connectors: Sequence[ConnectorId], place: str | None) -> None:
        """One call, and one for each connector."""
        change = [ChargerRow.place.set(place) if place else ChargerRow.place.remove()]
        update(ChargerRow(charger_id, CHARGER), change, ChargerRow.charger_id.exists())
        for connector in connectors:
            update(connector_row(charger_id, connector), change)

    def claim(self, charger_id: str, connector: ConnectorId, session_id: str) -> bool:
        authorization = ChargerRow.session_id
        free_or_own = authorization.does_not_exist() | (authorization == session_id)
        actions = [authorization.set(session_id), ChargerRow.reserved_for.remove(), ChargerRow.reserved_until.remove()]
        condition = free_or_own & _is_kept_by_no_other(session_id, self._clock())
        return update(connector_row(charger_id, connector), actions, condition)

    def free(self, charger_id: str, connector: ConnectorId, session_id: str) -> ConnectorState | None:
        """One call. Done again, as long as nobody else has had it since, it says the same."""
        holder, last = ChargerRow.session_id, ChargerRow.last_session_id
        row = connector_row(charger_id, connector)
        own = (holder == session_id) | (holder.does_not_exist() & (last == session_id))
        is_freed = update_and_read(row, [holder.remove(), last.set(session_id)], own)
        return _connector_state(row) if is_freed else None

    def give(self, charger_id: str, connector: ConnectorId, session_id: str, instead_of: str | None) -> bool:
        authorization = ChargerRow.session_id
        actions = [authorization.set(session_id)]
        if instead_of is not None:
            actions.append(ChargerRow.last_session_id.set(instead_of))
        is_as_known = authorization.does_not_exist() if instead_of is None else authorization == instead_of
        return update(connector_row(charger_id, connector), actions, is_as_known | (authorization == session_id))

    def keep(self, charger_id: str, connector: ConnectorId, reservation_id: str, until: datetime, at: datetime) -> bool:
        actions = [ChargerRow.reserved_for.set(reservation_id), ChargerRow.reserved_until.set(until)]
        condition = ChargerRow.session_id.does_not_exist() & _is_kept_by_no_other(reservation_id, at)
        return update(connector_row(charger_id, connector), actions, condition)

    def keep_no_longer(self, charger_id: str, connector: ConnectorId, reservation_id: str) -> ConnectorState | None:
        kept_for, row = ChargerRow.reserved_for, connector_row(charger_id, connector)
        actions = [kept_for.remove(), ChargerRow.reserved_until.remove()]
        own = ChargerRow.charger_id.exists() & (kept_for.does_not_exist() | (kept_for == reservation_id))
        return _connector_state(row) if update_and_read(row, actions, own) else None

    def watch(self, charger_id: str, connectors: Sequence[ConnectorId], watcher: Watcher) -> bool:
        """One call, and one for each connector."""
        update(
            ChargerRow(charger_id, CHARGER),
            [ChargerRow.watched_until.set(watcher.until)],
            ChargerRow.charger_id.exists(),
        )
        mark, watchers = _mark(watcher), ChargerRow.watchers
        may = watchers.does_not_exist() | watchers.contains(mark) | watchers.has_fewer_than(MOST_WATCHERS)
        return all(update(connector_row(charger_id, it), [watchers.add({mark})], may) for it in connectors)

    def watch_no_longer(self, charger_id: str, connector: ConnectorId, watchers: Collection[Watcher]) -> None:
        change = [ChargerRow.watchers.delete({_mark(it) for it in watchers})]
        update(connector_row(charger_id, connector), change, ChargerRow.watchers.exists())


def _is_kept_by_no_other(name: str, at: datetime) -> Clause:
    kept_for = ChargerRow.reserved_for
    is_free: Clause = kept_for.does_not_exist() | (kept_for == name) | (ChargerRow.reserved_until <= at)
    return is_free


def _connector_state(row: ChargerRow) -> ConnectorState:
    return ConnectorState(
        connector=connector_id(row.item.removeprefix(CONNECTOR)),
        status=ConnectorStatus(row.status) if row.status else ConnectorStatus.UNKNOWN,
        status_at=row.status_at,
        error=row.error or "",
        session_id=row.session_id,
        place=row.place,
        reserved_for=row.reserved_for,
        reserved_until=row.reserved_until,
        setup_is_due=bool(row.setup_is_due),
        told_at=row.told_at,
        last_session_id=row.last_session_id,
        watchers=tuple(_watcher(it) for it in sorted(row.watchers or ())),
        skew_s=row.skew_s,
    )


def _mark(watcher: Watcher) -> str:
    return f"{int(watcher.until.timestamp())}/{watcher.watch_id}/{watcher.driver_id}"


def _watcher(mark: str) -> Watcher:
    second, watch_id, driver_id = mark.split("/", 2)
    return Watcher(driver_id, watch_id, datetime.fromtimestamp(int(second), UTC))
