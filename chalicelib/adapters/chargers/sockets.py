"""A charger's newest socket is the one that counts, whichever process hears of it first; an older one may speak."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from chalicelib.adapters.chargers.rows import CHARGER, charger_of
from chalicelib.adapters.dynamo import decode, delete, encode, find, put, replaced, update, update_and_read
from chalicelib.adapters.expressions import Change
from chalicelib.adapters.tables import ChargerRow, ConnectionRow
from chalicelib.ports import Clock
from chalicelib.records import Conflict
from chalicelib.records.chargers import Charger, Connection

# So soon an operator's wish to read along reaches every process.
_REMEMBERED_S = 60
# API Gateway ends every socket after two hours; a row that its $disconnect never came for is cleared away later.
_CONNECTION_KEPT = timedelta(days=1)
_SOCKETS_REMEMBERED = 10_000
# What stands for the socket before a charger's first.
_NONE = ""


def _now() -> datetime:
    return datetime.now(UTC)


class DynamoSockets:
    """The port Sockets. `clock` says when what is remembered of a socket is due to be read again.

    Methods make one call where they say nothing else.
    """

    def __init__(self, clock: Clock = _now) -> None:
        self._clock = clock
        self._known_connection = lru_cache(_SOCKETS_REMEMBERED)(_connection)

    def opened(
        self,
        connection: Connection,
        at: datetime,
        password_hash: str | None = None,
        password_note: str | None = None,
    ) -> str | None:
        """Two calls, and two more for a socket that is outdated. `at` orders a charger's sockets.

        News of a socket older than the charger's present one changes nothing, and the id returned is then its own:
        it is the one replaced.
        """
        row = ConnectionRow(connection.connection_id, body=encode(connection), expires_at=at + _CONNECTION_KEPT)
        put(row)
        newest, own_id = ChargerRow.connection_id, connection.connection_id
        changes = [
            # The socket before it may not have closed: whoever ends the charger's sockets ends both.
            ChargerRow.previous_connection_id.set(newest | _NONE),
            newest.set(own_id),
            ChargerRow.protocol.set(connection.protocol),
            ChargerRow.connected_at.set(at),
        ]
        if connection.certificate_until is not None:
            changes.append(ChargerRow.certificate_until.set(connection.certificate_until))
        if password_note is not None:
            changes.append(ChargerRow.password_note.set(password_note))
        not_older = ChargerRow.connected_at.does_not_exist() | (ChargerRow.connected_at <= at)
        is_its = ChargerRow.charger_id.exists() if password_hash is None else ChargerRow.password_hash == password_hash
        before = replaced(ChargerRow(connection.charger_id, CHARGER), changes, is_its & not_older, only_changed=True)
        if before is None:
            now = find(ChargerRow, connection.charger_id, CHARGER)
            if password_hash is not None and (now is None or now.password_hash != password_hash):
                delete(row)
                raise Conflict("what the charger showed counts no more")
            return own_id
        return before.connection_id if before.connection_id != own_id else None

    def end(self, connection_id: str) -> None:
        """Two calls. What a process remembers of the socket it remembers for a minute."""
        row = find(ConnectionRow, connection_id)
        if row is not None:
            ended = replace(decode(Connection, row.body), is_ended=True)
            update(row, [ConnectionRow.body.set(encode(ended))], ConnectionRow.connection_id.exists())

    def closed(self, connection: Connection, *, renewed: bool = False) -> Charger | None:
        """Two calls; the socket's own row goes last, so that a crash in between can be made good."""
        row = ChargerRow(connection.charger_id, CHARGER)
        was_newest = update_and_read(
            row,
            [
                ChargerRow.connection_id.remove(),
                ChargerRow.protocol.remove(),
                ChargerRow.connected_at.remove(),
                ChargerRow.disconnected_at.set(self._clock()),
                ChargerRow.list_operator.remove(),
                ChargerRow.was_renewed.set(True) if renewed else ChargerRow.was_renewed.remove(),
            ],
            ChargerRow.connection_id == connection.connection_id,
        )
        delete(ConnectionRow(connection.connection_id))
        return charger_of(row) if was_newest else None

    def connection(self, connection_id: str) -> Connection | None:
        """One call the first time in a minute that this process meets the socket, none after that."""
        try:
            return self._known_connection(connection_id, int(self._clock().timestamp()) // _REMEMBERED_S)
        except LookupError:
            return None

    def trace(self, charger_id: str, until: datetime) -> bool:
        """Two or three calls: the charger for the sockets to come, its present socket for now."""
        return _marked(charger_id, [ChargerRow.traced_until.set(until)], lambda it: replace(it, traced_until=until))

    def manage(self, charger_id: str, site_id: str, *, is_meter: bool = False) -> bool:
        """Two or three calls, as `trace`."""
        changes = [ChargerRow.managed_at.set(site_id or None), ChargerRow.is_site_meter.set(is_meter or None)]
        return _marked(charger_id, changes, lambda it: replace(it, managed_at=site_id, is_site_meter=is_meter))


def _marked(charger_id: str, changes: Sequence[Change], marked: Callable[[Connection], Connection]) -> bool:
    row = ChargerRow(charger_id, CHARGER)
    if not update_and_read(row, changes, ChargerRow.charger_id.exists()):
        return False
    socket = find(ConnectionRow, row.connection_id) if row.connection_id else None
    if socket is not None:
        body = encode(marked(decode(Connection, socket.body)))
        update(socket, [ConnectionRow.body.set(body)], ConnectionRow.connection_id.exists())
    return True


def _connection(connection_id: str, minute: int) -> Connection:
    # Half as dear, and as good but for a socket of this second: what is remembered may be a minute old anyhow.
    row = find(ConnectionRow, connection_id, consistent=False) or find(ConnectionRow, connection_id)
    if row is None:
        raise LookupError(connection_id)
    return decode(Connection, row.body)
