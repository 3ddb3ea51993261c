"""A charger's limits on message size, read wherever it tells them: how much it takes in one message.

OCPP 1.6 §9.1 and §9.3 (configuration keys); OCPP 2.x referenced variables (`Component.Variable/instance`). A setting
has one name here however the charger spells it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

LONGEST_LIST = ("LocalAuthListMaxLength", "LocalAuthListCtrlr.Entries")
ENTRIES_PER_MESSAGE = ("SendLocalListMaxLength", "LocalAuthListCtrlr.ItemsPerMessage")
BYTES_PER_MESSAGE = ("LocalAuthListCtrlr.BytesPerMessage",)
# Whether it shows a driver what we say a charge costs (OCPP 2.x I02).
COST_SHOWN = "TariffCostCtrlr.Enabled/Cost"
# Where the items of a request stand, and which setting bounds their number.
_ITEMS = {
    "GetConfiguration": ("key", "GetConfigurationMaxKeys"),
    "GetVariables": ("getVariableData", "DeviceDataCtrlr.ItemsPerMessage/GetVariables"),
    "SetVariables": ("setVariableData", "DeviceDataCtrlr.ItemsPerMessage/SetVariables"),
    "SetVariableMonitoring": ("setMonitoringData", "MonitoringCtrlr.ItemsPerMessage/SetVariableMonitoring"),
    "ClearVariableMonitoring": ("id", "MonitoringCtrlr.ItemsPerMessage/ClearVariableMonitoring"),
}
_KNOWN = {
    name.casefold(): name
    for name in (
        *LONGEST_LIST,
        *ENTRIES_PER_MESSAGE,
        *BYTES_PER_MESSAGE,
        COST_SHOWN,
        *(limit for _, limit in _ITEMS.values()),
    )
}


def limits_told(payload: Mapping[str, Any]) -> dict[str, str]:
    """The limits that an answer, or a part of a report, tells; by name, in the charger's own words."""
    found = {}
    for name, value in _settings(payload):
        known = _KNOWN.get(name.strip().casefold())
        if known is not None and isinstance(value, str | int):
            found[known] = str(value)[:20]
    return found


def limit(limits: Mapping[str, str] | None, *names: str) -> int | None:
    """The first of these limits that is known and a positive number."""
    for name in names:
        value = (limits or {}).get(name, "").strip()
        if value.isdecimal() and int(value) > 0:
            return int(value)
    return None


def shows_cost(limits: Mapping[str, str] | None) -> bool:
    """Whether the charger has said that it shows a driver what a charge costs."""
    return (limits or {}).get(COST_SHOWN, "").strip().casefold() == "true"


def in_parts(action: str, payload: Mapping[str, Any], limits: Mapping[str, str] | None) -> list[dict[str, Any]]:
    """The payload, taken apart where its charger takes fewer items in one message."""
    field, name = _ITEMS.get(action, ("", ""))
    items, most = payload.get(field), limit(limits, name)
    if not isinstance(items, list) or most is None or len(items) <= most:
        return [dict(payload)]
    return [{**payload, field: items[start : start + most]} for start in range(0, len(items), most)]


def put_together(parts: list[Mapping[str, Any]]) -> dict[str, Any]:
    """One answer made of the answers to the parts: what is a list in them is one list, what else the last one's."""
    whole: dict[str, Any] = {}
    for part in parts:
        for name, value in part.items():
            known = whole.get(name)
            whole[name] = [*known, *value] if isinstance(known, list) and isinstance(value, list) else value
    return whole


def _settings(payload: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    for it in _objects(payload.get("configurationKey")):
        yield str(it.get("key")), it.get("value")
    for it in _objects(payload.get("getVariableResult")):
        if it.get("attributeStatus") == "Accepted":
            yield _variable(it), it.get("attributeValue")
    for it in _objects(payload.get("reportData")):
        name = _variable(it)
        facts = it.get("variableCharacteristics")
        if name.casefold() == "localauthlistctrlr.entries":
            # Its value is how many there are; how many there may be is among its characteristics.
            most = facts.get("maxLimit") if isinstance(facts, dict) else None
            yield name, int(most) if isinstance(most, int | float) else None
            continue
        for attribute in _objects(it.get("variableAttribute")):
            if attribute.get("type", "Actual") == "Actual":
                yield name, attribute.get("value")


def _variable(it: Mapping[str, Any]) -> str:
    component, variable = it.get("component"), it.get("variable")
    if not isinstance(component, dict) or not isinstance(variable, dict):
        return ""
    instance = variable.get("instance")
    return f"{component.get('name')}.{variable.get('name')}" + (f"/{instance}" if instance else "")


def _objects(value: object) -> list[dict[str, Any]]:
    return [it for it in value if isinstance(it, dict)] if isinstance(value, list) else []
