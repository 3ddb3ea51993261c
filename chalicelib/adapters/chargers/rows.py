"""The rows of one charger lie under its name, told apart by `item`: the charger itself, and each of its connectors."""

from __future__ import annotations

from chalicelib.adapters.dynamo import connector_id, decode, record_of
from chalicelib.adapters.tables import ChargerRow
from chalicelib.domain.chargers.charging_ability import ChargingAbility
from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.domain.chargers.setup import MeteringCapability
from chalicelib.records.chargers import Admission, Charger, HeldList, Plug

CHARGER = "charger"
CONNECTOR = "connector#"


def connector_row(charger_id: str, connector: ConnectorId) -> ChargerRow:
    """Names a connector's row; nothing is read."""
    return ChargerRow(charger_id, f"{CONNECTOR}{connector}")


def registered_connectors(row: ChargerRow) -> tuple[ConnectorId, ...]:
    """The connectors that the charger of that row was registered with."""
    return tuple(connector_id(text) for text in row.connectors)


def charger_of(row: ChargerRow) -> Charger:
    """The charger that a row of item `CHARGER` holds."""
    return record_of(
        Charger,
        row,
        # One that waits to be accepted stands nowhere, and no key of an index may be empty.
        site_id=row.site_id or "",
        connectors=registered_connectors(row),
        admission=row.admission or Admission.ACCEPTED,
        list=_held(row),
        limits=decode(dict[str, str], row.limits) if row.limits is not None else None,
        plugs=decode(tuple[Plug, ...], row.plugs) if row.plugs else (),
        previous_connection_id=row.previous_connection_id or None,
        metering=row.metering or MeteringCapability.UNKNOWN,
        ability=decode(ChargingAbility, row.ability) if row.ability else None,
    )


def _held(row: ChargerRow) -> HeldList:
    # Until there was a second beside the version, the version was the second.
    until_s = row.list_version if row.list_until_s is None else row.list_until_s
    more = decode(dict[str, int], row.list_more) if row.list_more else {}
    return HeldList(max(0, until_s or 0), more, row.list_sent or 0, row.list_size or 0)
