"""What chargers tell of themselves; of each thing the latest is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from chalicelib.adapters.chargers.rows import CHARGER, charger_of
from chalicelib.adapters.dynamo import decode, encode, find, put, update, update_and_read
from chalicelib.adapters.tables import ChargerRow
from chalicelib.domain.chargers.events import Currents, NewsReceived, Topic
from chalicelib.ports import Clock
from chalicelib.records.chargers import Charger, MainMeter

_NEWS = "news#"
_MAIN_METER = "main_meter"


def _now() -> datetime:
    return datetime.now(UTC)


class DynamoChargerNews:
    """The port ChargerNews. `clock` says when a charger has booted. One call a method where it says nothing else."""

    def __init__(self, clock: Clock = _now) -> None:
        self._clock = clock

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
        row = ChargerRow(charger_id, CHARGER)
        return charger_of(row) if update_and_read(row, facts, ChargerRow.charger_id.exists()) else None

    def note_plug_in(self, charger_id: str, seconds: int) -> None:
        change = [ChargerRow.plug_in_s.set(seconds)]
        update(ChargerRow(charger_id, CHARGER), change, ChargerRow.charger_id.exists())

    def note_limits(self, charger_id: str, limits: Mapping[str, str]) -> None:
        row = find(ChargerRow, charger_id, CHARGER)
        known = charger_of(row) if row else None
        if known is None or (known.limits is not None and {**known.limits, **limits} == dict(known.limits)):
            return
        change = [ChargerRow.limits.set(encode({**(known.limits or {}), **limits}))]
        update(ChargerRow(charger_id, CHARGER), change, ChargerRow.charger_id.exists())

    def note(self, charger_id: str, news: NewsReceived, at: datetime) -> None:
        put(ChargerRow(charger_id, f"{_NEWS}{news.topic}", status=news.word, status_at=at))

    def of_charger(self, charger_id: str) -> Sequence[tuple[NewsReceived, datetime]]:
        rows = ChargerRow.query(charger_id, ChargerRow.item.startswith(_NEWS), consistent_read=True)
        return [
            (NewsReceived(Topic(row.item.removeprefix(_NEWS)), row.status or ""), row.status_at)
            for row in rows
            if row.status_at is not None
        ]

    def note_main_meter(self, charger_id: str, told: MainMeter, at: datetime) -> None:
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
