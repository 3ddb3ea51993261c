"""What the network knows of a charger, each fact changed by one conditional write that a late message cannot undo."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from pynamodb.constants import ALL_OLD, ATTRIBUTES, STRING, UPDATED_OLD
from pynamodb.exceptions import UpdateError
from pynamodb.expressions.condition import Condition

from chalicelib.adapters.dynamo import connector_id, decode, encode, find, is_refused, put, table_of, update
from chalicelib.adapters.tables import ChargerRow, ConnectionRow
from chalicelib.domain.chargers.events import ConnectorId, ConnectorStatus, Currents, NewsReceived, Topic
from chalicelib.domain.chargers.identity import folded
from chalicelib.domain.chargers.setup import Metering
from chalicelib.ports import Clock
from chalicelib.records import Conflict
from chalicelib.records.chargers import Admission, Charger, Connection, ConnectorState, HeldList, MainMeter, Plug

_CHARGER = "charger"
_CONNECTOR = "connector#"
_NEWS = "news#"
_SPELLINGS = "spellings"
_MAIN_METER = "main_meter"
# So soon an operator's wish to read along reaches every process.
_REMEMBERED_S = 60
# API Gateway ends every socket after two hours; a row that its $disconnect never came for is cleared away later.
_CONNECTION_KEPT = timedelta(days=1)
_SOCKETS_REMEMBERED = 10_000
_SHARDS = 8
# Two are too many to be told apart.
_MOST_ALIKE = 2


def _now() -> datetime:
    return datetime.now(UTC)


class DynamoChargers:
    """The port Chargers. `clock` says when what is remembered of a socket is due to be read again."""

    def __init__(self, clock: Clock = _now) -> None:
        self._clock = clock
        self._known_connection = lru_cache(_SOCKETS_REMEMBERED)(_connection)

    def get(self, charger_id: str) -> Charger | None:
        """One call."""
        row = find(ChargerRow, charger_id, _CHARGER)
        return _charger(row) if row else None

    def put(self, charger: Charger, *, keep_password: bool = False) -> None:
        """Two calls. Raises Conflict when the charger is another operator's."""
        self._note_spelling(charger.charger_id)
        password = ChargerRow.password_hash
        registered = [
            ChargerRow.operator_id.set(charger.operator_id),
            ChargerRow.site_id.set(charger.site_id),
            password.set(password | charger.password_hash if keep_password else charger.password_hash),
            ChargerRow.connectors.set([str(connector) for connector in charger.connectors]),
            ChargerRow.security_profile.set(charger.security_profile),
            ChargerRow.keeps_list.set(charger.keeps_list),
            ChargerRow.plugs.set(encode(charger.plugs)),
            ChargerRow.is_found_in_any_case.set(True),
            ChargerRow.has_main_meter.set(charger.has_main_meter),
            ChargerRow.admission.set(charger.admission.value),
            ChargerRow.pending_operator.remove(),
            ChargerRow.expires_at.remove(),
        ]
        owner = ChargerRow.operator_id
        own = owner.does_not_exist() | (owner == charger.operator_id)
        if not update(ChargerRow(charger.charger_id, _CHARGER), registered, own):
            raise Conflict(f"charger {charger.charger_id} belongs to another operator")

    def known_as(self, names: Sequence[str]) -> Mapping[str, Sequence[Charger]]:
        """One call, and one more where a name is known in another case only."""
        keys = [(name, _CHARGER) for name in names] + [(fold, _SPELLINGS) for fold in {folded(it) for it in names}]
        rows = {(row.charger_id, row.item): row for row in ChargerRow.batch_get(keys, consistent_read=True)}
        chargers = {row.charger_id: _charger(row) for (_, item), row in rows.items() if item == _CHARGER}
        alike = {
            name: sorted(rows[folded(name), _SPELLINGS].spellings or ())[:_MOST_ALIKE]
            for name in names
            if name not in chargers and (folded(name), _SPELLINGS) in rows
        }
        missing = sorted({it for found in alike.values() for it in found} - chargers.keys())
        if missing:
            more = ChargerRow.batch_get([(it, _CHARGER) for it in missing], consistent_read=True)
            chargers |= {row.charger_id: _charger(row) for row in more}
        return {
            name: [chargers[name]]
            if name in chargers
            else [chargers[it] for it in alike.get(name, ()) if it in chargers]
            for name in names
        }

    def note_spelling(self, charger_id: str) -> None:
        """Two calls."""
        self._note_spelling(charger_id)
        found = ChargerRow.is_found_in_any_case
        update(ChargerRow(charger_id, _CHARGER), [found.set(True)], ChargerRow.charger_id.exists())

    def _note_spelling(self, charger_id: str) -> None:
        # Before the charger itself: a spelling of nobody does no harm.
        update(ChargerRow(folded(charger_id), _SPELLINGS), [ChargerRow.spellings.add({charger_id})])

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

    def closed(self, connection: Connection) -> Charger | None:
        """Two calls; the socket's own row goes last, so that a crash in between can be made good."""
        row = ChargerRow(connection.charger_id, _CHARGER)
        was_newest = update(
            row,
            [
                ChargerRow.connection_id.remove(),
                ChargerRow.protocol.remove(),
                ChargerRow.connected_at.remove(),
                ChargerRow.disconnected_at.set(self._clock()),
                ChargerRow.list_operator.remove(),
            ],
            ChargerRow.connection_id == connection.connection_id,
        )
        ConnectionRow(connection.connection_id).delete()
        return _charger(row) if was_newest else None

    def put_place(self, charger_id: str, connectors: Sequence[ConnectorId], place: str | None) -> None:
        """One call, and one for each connector."""
        change = [ChargerRow.place.set(place) if place else ChargerRow.place.remove()]
        update(ChargerRow(charger_id, _CHARGER), change, ChargerRow.charger_id.exists())
        for connector in connectors:
            update(_connector_row(charger_id, connector), change)

    def connection(self, connection_id: str) -> Connection | None:
        """One call the first time in a minute that this process meets the socket, none after that."""
        try:
            return self._known_connection(connection_id, int(self._clock().timestamp()) // _REMEMBERED_S)
        except LookupError:
            return None

    def admit(self, charger_id: str, admission: Admission) -> bool:
        """One call."""
        change = [ChargerRow.admission.set(admission.value)]
        return update(ChargerRow(charger_id, _CHARGER), change, ChargerRow.charger_id.exists())

    def propose(self, charger: Charger, until: datetime) -> None:
        """One call. Raises Conflict when the charger is known."""
        row = ChargerRow(
            charger.charger_id,
            _CHARGER,
            operator_id=charger.operator_id,
            site_id=charger.site_id,
            password_hash=charger.password_hash,
            connectors=[],
            security_profile=charger.security_profile,
            admission=Admission.PENDING.value,
            pending_operator=charger.operator_id,
            expires_at=until,
        )
        if not put(row, ChargerRow.charger_id.does_not_exist()):
            raise Conflict(f"charger {charger.charger_id} is known")

    def pending(self, operator_id: str, most: int) -> int:
        """One call."""
        return sum(1 for _ in ChargerRow.pending.query(operator_id, limit=most))

    def offer_password(self, charger_id: str, password_hash: str) -> None:
        """One call."""
        change = [ChargerRow.next_password_hash.set(password_hash)]
        update(ChargerRow(charger_id, _CHARGER), change, ChargerRow.charger_id.exists())

    def drop_password(self, charger_id: str, password_hash: str) -> None:
        """One call."""
        offered = ChargerRow.next_password_hash
        update(ChargerRow(charger_id, _CHARGER), [offered.remove()], offered == password_hash)

    def change_password(self, charger_id: str, password_hash: str) -> None:
        """One call."""
        offered = ChargerRow.next_password_hash
        changes = [ChargerRow.password_hash.set(password_hash), offered.remove()]
        update(ChargerRow(charger_id, _CHARGER), changes, offered == password_hash)

    def trace(self, charger_id: str, until: datetime) -> bool:
        """Two or three calls: the charger for the sockets to come, its present socket for now."""
        row = ChargerRow(charger_id, _CHARGER)
        if not update(row, [ChargerRow.traced_until.set(until)], ChargerRow.charger_id.exists()):
            return False
        socket = find(ConnectionRow, row.connection_id) if row.connection_id else None
        if socket is not None:
            traced = replace(decode(Connection, socket.body), traced_until=until)
            update(socket, [ConnectionRow.body.set(encode(traced))], ConnectionRow.connection_id.exists())
        return True

    def confirm_list(self, charger_id: str, version: int) -> None:
        """One call."""
        change = [ChargerRow.list_version.set(version)]
        if version < 0:
            change.append(ChargerRow.list_operator.remove())
        update(ChargerRow(charger_id, _CHARGER), change, ChargerRow.charger_id.exists())

    def sends_list(self, charger: Charger, held: HeldList) -> bool:
        """One call."""
        sent = ChargerRow.list_sent
        changes = [
            ChargerRow.list_operator.set(charger.operator_id),
            ChargerRow.list_until_s.set(held.until_s),
            ChargerRow.list_more.set(encode(held.more)) if held.more else ChargerRow.list_more.remove(),
            sent.set(held.sent),
            ChargerRow.list_size.set(held.size),
        ]
        as_known: Condition = sent == charger.list.sent
        if not charger.list.sent:
            as_known = sent.does_not_exist() | as_known
        is_there = ChargerRow.connection_id == charger.connection_id
        return update(ChargerRow(charger.charger_id, _CHARGER), changes, as_known & is_there)

    def lists_behind(self, operator_id: str, until_s: int) -> Iterable[str]:
        """One call for each megabyte: some 10,000 chargers."""
        for key in ChargerRow.lists.query(operator_id, ChargerRow.list_until_s < until_s):
            yield key.charger_id

    def note_limits(self, charger_id: str, limits: Mapping[str, str]) -> None:
        """Two calls."""
        known = self.get(charger_id)
        if known is None or (known.limits is not None and {**known.limits, **limits} == dict(known.limits)):
            return
        change = [ChargerRow.limits.set(encode({**(known.limits or {}), **limits}))]
        update(ChargerRow(charger_id, _CHARGER), change, ChargerRow.charger_id.exists())

    def list_is_due(self, charger_id: str) -> None:
        """One call."""
        shard = str(hashlib.sha256(charger_id.encode()).digest()[0] % _SHARDS)
        update(ChargerRow(charger_id, _CHARGER), [ChargerRow.list_due_shard.set(shard)])

    def lists_due(self) -> Iterable[str]:
        """Eight calls, and one more for each charger given out: it is off the list then."""
        for shard in range(_SHARDS):
            for key in ChargerRow.list_due.query(str(shard)):
                update(ChargerRow(key.charger_id, _CHARGER), [ChargerRow.list_due_shard.remove()])
                yield key.charger_id

    def note_news(self, charger_id: str, news: NewsReceived, at: datetime) -> None:
        """One call."""
        ChargerRow(charger_id, f"{_NEWS}{news.topic}", status=news.word, status_at=at).save()

    def news(self, charger_id: str) -> Sequence[tuple[NewsReceived, datetime]]:
        """One call."""
        rows = ChargerRow.query(charger_id, ChargerRow.item.startswith(_NEWS), consistent_read=True)
        return [
            (NewsReceived(Topic(row.item.removeprefix(_NEWS)), row.status or ""), row.status_at)
            for row in rows
            if row.status_at is not None
        ]

    def booted(
        self, charger_id: str, vendor: str, model: str, serial: str | None, firmware: str | None
    ) -> Charger | None:
        """One call; nothing is kept of a charger that is not registered."""
        facts = [
            ChargerRow.booted_at.set(self._clock()),
            ChargerRow.vendor.set(vendor),
            ChargerRow.model.set(model),
            ChargerRow.serial.set(serial) if serial is not None else ChargerRow.serial.remove(),
            ChargerRow.firmware.set(firmware) if firmware is not None else ChargerRow.firmware.remove(),
        ]
        row = ChargerRow(charger_id, _CHARGER)
        return _charger(row) if update(row, facts, ChargerRow.charger_id.exists()) else None

    def note_main_meter(self, charger_id: str, told: MainMeter, at: datetime) -> None:
        """One call."""
        change = [ChargerRow.status_at.set(at)]
        if told.energy_wh is not None and told.energy_at is not None:
            change += [ChargerRow.meter_energy_wh.set(told.energy_wh), ChargerRow.meter_energy_at.set(told.energy_at)]
        if told.power_w is not None and told.power_at is not None:
            change += [ChargerRow.meter_power_w.set(told.power_w), ChargerRow.meter_power_at.set(told.power_at)]
        if told.current_at is not None:
            current = encode((told.current_ma, told.phase_currents_ma))
            change += [ChargerRow.meter_current.set(current), ChargerRow.meter_current_at.set(told.current_at)]
        not_older = ChargerRow.status_at.does_not_exist() | (ChargerRow.status_at <= at)
        update(ChargerRow(charger_id, _MAIN_METER), change, not_older)

    def main_meter(self, charger_id: str) -> MainMeter | None:
        """One call."""
        row = find(ChargerRow, charger_id, _MAIN_METER)
        if row is None:
            return None
        current_ma, by_phase = decode(tuple[int | None, Currents | None], row.meter_current or "[null,null]")
        return MainMeter(
            energy_wh=row.meter_energy_wh,
            energy_at=row.meter_energy_at,
            power_w=row.meter_power_w,
            power_at=row.meter_power_at,
            current_ma=current_ma,
            phase_currents_ma=by_phase,
            current_at=row.meter_current_at,
        )

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
        if not state.status.may_start:
            report.append(ChargerRow.setup_is_due.remove())
        is_news = ChargerRow.status_at.does_not_exist() | (ChargerRow.status_at <= state.status_at)
        if state.told_at is not None:
            report.append(ChargerRow.told_at.set(state.told_at))
            is_news &= ChargerRow.told_at.does_not_exist() | (ChargerRow.told_at <= state.told_at)
        try:
            before = table_of(ChargerRow).update_item(
                charger_id,
                f"{_CONNECTOR}{state.connector}",
                actions=report,
                condition=is_news,
                return_values=ALL_OLD,
            )
        except UpdateError as error:
            if not is_refused(error):
                raise
            return None
        known = before.get(ATTRIBUTES)
        return _connector_state(ChargerRow.from_raw_data(known)) if known else ConnectorState(state.connector)

    def connectors(self, charger_id: str) -> Sequence[ConnectorState]:
        """The registered ones and all that ever reported (0 being the charger as a whole), by number. One call."""
        states: dict[ConnectorId, ConnectorState] = {}
        # "charger" sorts before "connector#", so what was reported replaces what is only registered.
        # Not its news, nor its setup, which is long.
        for row in ChargerRow.query(
            charger_id, ChargerRow.item.between(_CHARGER, _CONNECTOR + "~"), consistent_read=True
        ):
            if row.item == _CHARGER:
                states |= {connector: ConnectorState(connector) for connector in _registered(row)}
            elif row.item.startswith(_CONNECTOR):
                state = _connector_state(row)
                states[state.connector] = state
        return [states[connector] for connector in sorted(states)]

    def claim(self, charger_id: str, connector: ConnectorId, session_id: str) -> bool:
        """One call."""
        authorization = ChargerRow.session_id
        free_or_own = authorization.does_not_exist() | (authorization == session_id)
        actions = [authorization.set(session_id), ChargerRow.reserved_for.remove(), ChargerRow.reserved_until.remove()]
        condition = free_or_own & _is_kept_by_no_other(session_id, self._clock())
        return update(_connector_row(charger_id, connector), actions, condition)

    def free(self, charger_id: str, connector: ConnectorId, session_id: str) -> None:
        """One call."""
        authorization = ChargerRow.session_id
        actions = [authorization.remove(), ChargerRow.last_session_id.set(session_id)]
        update(_connector_row(charger_id, connector), actions, authorization == session_id)

    def give(self, charger_id: str, connector: ConnectorId, session_id: str, instead_of: str | None) -> bool:
        """One call."""
        authorization = ChargerRow.session_id
        actions = [authorization.set(session_id)]
        if instead_of is not None:
            actions.append(ChargerRow.last_session_id.set(instead_of))
        is_as_known = authorization.does_not_exist() if instead_of is None else authorization == instead_of
        return update(_connector_row(charger_id, connector), actions, is_as_known | (authorization == session_id))

    def note_plug_in(self, charger_id: str, seconds: int) -> None:
        """One call."""
        change = [ChargerRow.plug_in_s.set(seconds)]
        update(ChargerRow(charger_id, _CHARGER), change, ChargerRow.charger_id.exists())

    def keep(self, charger_id: str, connector: ConnectorId, reservation_id: str, until: datetime, at: datetime) -> bool:
        """One call."""
        actions = [ChargerRow.reserved_for.set(reservation_id), ChargerRow.reserved_until.set(until)]
        condition = ChargerRow.session_id.does_not_exist() & _is_kept_by_no_other(reservation_id, at)
        return update(_connector_row(charger_id, connector), actions, condition)

    def keep_no_longer(self, charger_id: str, connector: ConnectorId, reservation_id: str) -> None:
        """One call."""
        kept_for = ChargerRow.reserved_for
        actions = [kept_for.remove(), ChargerRow.reserved_until.remove()]
        update(_connector_row(charger_id, connector), actions, kept_for == reservation_id)


def _is_kept_by_no_other(name: str, at: datetime) -> Condition:
    kept_for = ChargerRow.reserved_for
    is_free: Condition = kept_for.does_not_exist() | (kept_for == name) | (ChargerRow.reserved_until <= at)
    return is_free


def _connection(connection_id: str, minute: int) -> Connection:
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
        security_profile=1 if row.security_profile is None else row.security_profile,
        admission=Admission(row.admission) if row.admission else Admission.ACCEPTED,
        next_password_hash=row.next_password_hash,
        keeps_list=bool(row.keeps_list),
        list_version=row.list_version or 0,
        list=_held(row),
        limits=decode(dict[str, str], row.limits) if row.limits is not None else None,
        traced_until=row.traced_until,
        plugs=decode(tuple[Plug, ...], row.plugs) if row.plugs else (),
        place=row.place,
        is_found_in_any_case=bool(row.is_found_in_any_case),
        booted_at=row.booted_at,
        disconnected_at=row.disconnected_at,
        plug_in_s=row.plug_in_s,
        connection_id=row.connection_id,
        protocol=row.protocol,
        connected_at=row.connected_at,
        vendor=row.vendor,
        model=row.model,
        serial=row.serial,
        firmware=row.firmware,
        has_main_meter=bool(row.has_main_meter),
        setup_profile=row.setup_profile,
        metering=Metering(row.metering) if row.metering else Metering.UNKNOWN,
    )


def _held(row: ChargerRow) -> HeldList:
    # Until there was a second beside the version, the version was the second.
    until_s = row.list_version if row.list_until_s is None else row.list_until_s
    more = decode(dict[str, int], row.list_more) if row.list_more else {}
    return HeldList(max(0, until_s or 0), more, row.list_sent or 0, row.list_size or 0)


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
        place=row.place,
        reserved_for=row.reserved_for,
        reserved_until=row.reserved_until,
        setup_is_due=bool(row.setup_is_due),
        told_at=row.told_at,
        last_session_id=row.last_session_id,
    )
