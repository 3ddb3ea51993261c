"""What the network knows of a charger, each fact changed by one conditional write that a late message cannot undo."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache

from pynamodb.constants import ATTRIBUTES, STRING, UPDATED_OLD
from pynamodb.exceptions import UpdateError

from chalicelib.adapters.tables import (
    ChargerRow,
    ConnectionRow,
    connector_id,
    decode,
    encode,
    find,
    is_refused,
    table_of,
    update,
)
from chalicelib.domain.events import ConnectorId, ConnectorStatus
from chalicelib.ports import Charger, Conflict, Connection, ConnectorState

_CHARGER = "charger"
_CONNECTOR = "connector#"
# API Gateway ends every socket after two hours; a row that its $disconnect never came for is cleared away later.
_CONNECTION_KEPT = timedelta(days=1)
_SOCKETS_REMEMBERED = 10_000


class DynamoChargers:
    """The port Chargers."""

    def __init__(self) -> None:
        self._known_connection = lru_cache(_SOCKETS_REMEMBERED)(_connection)

    def get(self, charger_id: str) -> Charger | None:
        """One call."""
        row = find(ChargerRow, charger_id, _CHARGER)
        return _charger(row) if row else None

    def put(self, charger: Charger) -> None:
        """One call. Raises Conflict when the charger is another operator's."""
        registered = [
            ChargerRow.operator_id.set(charger.operator_id),
            ChargerRow.site_id.set(charger.site_id),
            ChargerRow.password_hash.set(charger.password_hash),
            ChargerRow.connectors.set([str(connector) for connector in charger.connectors]),
        ]
        owner = ChargerRow.operator_id
        own = owner.does_not_exist() | (owner == charger.operator_id)
        if not update(ChargerRow(charger.charger_id, _CHARGER), registered, own):
            raise Conflict(f"charger {charger.charger_id} belongs to another operator")

    def of_operator(self, operator_id: str) -> Sequence[Charger]:
        """One call for each megabyte; a charger registered this second may be missing."""
        return [_charger(row) for row in ChargerRow.by_operator.query(operator_id)]

    def opened(self, connection: Connection, at: datetime) -> str | None:
        """Two calls. `at` orders a charger's sockets.

        News of a socket older than the charger's present one changes nothing, and the id returned is then its own:
        it is the one replaced.
        """
        ConnectionRow(connection.connection_id, body=encode(connection), expires_at=at + _CONNECTION_KEPT).save()
        newest = [
            ChargerRow.connection_id.set(connection.connection_id),
            ChargerRow.protocol.set(connection.protocol),
            ChargerRow.connected_at.set(at),
        ]
        not_older = ChargerRow.connected_at.does_not_exist() | (ChargerRow.connected_at <= at)
        try:
            before = table_of(ChargerRow).update_item(
                connection.charger_id,
                _CHARGER,
                actions=newest,
                condition=ChargerRow.charger_id.exists() & not_older,
                return_values=UPDATED_OLD,
            )
        except UpdateError as error:
            if not is_refused(error):
                raise
            return connection.connection_id
        replaced: str | None = before.get(ATTRIBUTES, {}).get("connection_id", {}).get(STRING)
        return replaced if replaced != connection.connection_id else None

    def closed(self, connection: Connection) -> bool:
        """Two calls; the socket's own row goes last, so that a crash in between can be made good."""
        was_newest = update(
            ChargerRow(connection.charger_id, _CHARGER),
            [ChargerRow.connection_id.remove(), ChargerRow.protocol.remove(), ChargerRow.connected_at.remove()],
            ChargerRow.connection_id == connection.connection_id,
        )
        ConnectionRow(connection.connection_id).delete()
        return was_newest

    def connection(self, connection_id: str) -> Connection | None:
        """One call the first time this process meets the socket, none after that."""
        try:
            return self._known_connection(connection_id)
        except LookupError:
            return None

    def booted(self, charger_id: str, vendor: str, model: str, serial: str | None, firmware: str | None) -> None:
        """One call; nothing is kept of a charger that is not registered."""
        facts = [
            ChargerRow.vendor.set(vendor),
            ChargerRow.model.set(model),
            ChargerRow.serial.set(serial) if serial is not None else ChargerRow.serial.remove(),
            ChargerRow.firmware.set(firmware) if firmware is not None else ChargerRow.firmware.remove(),
        ]
        update(ChargerRow(charger_id, _CHARGER), facts, ChargerRow.charger_id.exists())

    def set_status(self, charger_id: str, state: ConnectorState) -> None:
        """One call. `state.status_at` is needed; two reports of the same time: the one that comes last counts."""
        if state.status_at is None:
            raise ValueError(f"a status of {charger_id} connector {state.connector} needs its time")
        report = [
            ChargerRow.status.set(state.status.value),
            ChargerRow.status_at.set(state.status_at),
            ChargerRow.error.set(state.error),
        ]
        not_older = ChargerRow.status_at.does_not_exist() | (ChargerRow.status_at <= state.status_at)
        update(_connector_row(charger_id, state.connector), report, not_older)

    def connectors(self, charger_id: str) -> Sequence[ConnectorState]:
        """The registered ones and all that ever reported (0 being the charger as a whole), by number. One call."""
        states: dict[ConnectorId, ConnectorState] = {}
        # "charger" sorts before "connector#", so what was reported replaces what is only registered.
        for row in ChargerRow.query(charger_id, consistent_read=True):
            if row.item == _CHARGER:
                states |= {connector: ConnectorState(connector) for connector in _registered(row)}
            else:
                state = _connector_state(row)
                states[state.connector] = state
        return [states[connector] for connector in sorted(states)]

    def claim(self, charger_id: str, connector: ConnectorId, session_id: str) -> bool:
        """One call."""
        holder = ChargerRow.session_id
        free_or_own = holder.does_not_exist() | (holder == session_id)
        return update(_connector_row(charger_id, connector), [holder.set(session_id)], free_or_own)

    def free(self, charger_id: str, connector: ConnectorId, session_id: str) -> None:
        """One call."""
        holder = ChargerRow.session_id
        update(_connector_row(charger_id, connector), [holder.remove()], holder == session_id)


def _connection(connection_id: str) -> Connection:
    row = find(ConnectionRow, connection_id)
    if row is None:
        raise LookupError(connection_id)
    return decode(Connection, row.body)


def _charger(row: ChargerRow) -> Charger:
    return Charger(
        charger_id=row.charger_id,
        operator_id=row.operator_id,
        site_id=row.site_id,
        password_hash=row.password_hash,
        connectors=_registered(row),
        connection_id=row.connection_id,
        protocol=row.protocol,
        connected_at=row.connected_at,
        vendor=row.vendor,
        model=row.model,
        serial=row.serial,
        firmware=row.firmware,
    )


def _registered(row: ChargerRow) -> tuple[ConnectorId, ...]:
    return tuple(connector_id(text) for text in row.connectors)


def _connector_row(charger_id: str, connector: ConnectorId) -> ChargerRow:
    return ChargerRow(charger_id, f"{_CONNECTOR}{connector}")


def _connector_state(row: ChargerRow) -> ConnectorState:
    return ConnectorState(
        connector=connector_id(row.item.removeprefix(_CONNECTOR)),
        status=ConnectorStatus(row.status) if row.status else ConnectorStatus.UNKNOWN,
        status_at=row.status_at,
        error=row.error or "",
        session_id=row.session_id,
    )
