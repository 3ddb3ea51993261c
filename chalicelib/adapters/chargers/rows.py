"""The rows of one charger lie under its name, told apart by `item`: the charger itself, and each of its connectors."""

from __future__ import annotations

from chalicelib.adapters.dynamo import connector_id, decode
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
    return Charger(
        charger_id=row.charger_id,
        operator_id=row.operator_id,
        site_id=row.site_id,
        password_hash=row.password_hash,
        connectors=registered_connectors(row),
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
        silent_until=row.silent_until,
        watched_until=row.watched_until,
        password_note=row.password_note,
        was_renewed=bool(row.was_renewed),
        certificate_until=row.certificate_until,
        managed_at=row.managed_at or "",
        is_site_meter=bool(row.is_site_meter),
        connection_id=row.connection_id,
        previous_connection_id=row.previous_connection_id or None,
        brought_password=bool(row.brought_password),
        protocol=row.protocol,
        connected_at=row.connected_at,
        vendor=row.vendor,
        model=row.model,
        serial=row.serial,
        firmware=row.firmware,
        has_main_meter=bool(row.has_main_meter),
        has_card_terminal=bool(row.has_card_terminal),
        setup_profile=row.setup_profile,
        metering=MeteringCapability(row.metering) if row.metering else MeteringCapability.UNKNOWN,
        ability=decode(ChargingAbility, row.ability) if row.ability else None,
    )


def _held(row: ChargerRow) -> HeldList:
    # Until there was a second beside the version, the version was the second.
    until_s = row.list_version if row.list_until_s is None else row.list_until_s
    more = decode(dict[str, int], row.list_more) if row.list_more else {}
    return HeldList(max(0, until_s or 0), more, row.list_sent or 0, row.list_size or 0)
