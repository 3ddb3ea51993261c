"""The device model of OCPP 2.x: what a CSMS reads, sets, watches or shows; reports come in parts till the last."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from local.simulator.line import Payload
from local.simulator.parts import Answers, Obedient, now, timestamp
from local.simulator.settings import Setting

_LONGEST_PART = 12
_NAME = re.compile(
    r"(?P<component>[^.\[#]+)(\[(?P<component_instance>[^]]*)\])?(#(?P<evse>\d+)(/(?P<connector>\d+))?)?"
    r"\.(?P<variable>[^\[]+)(\[(?P<variable_instance>[^]]*)\])?"
)
_STATES = {"Available": "Available", "Reserved": "Reserved", "Unavailable": "Unavailable", "Faulted": "Faulted"}
_FORMATS, _HIGHEST_SEVERITY = ("ASCII", "UTF8"), 9


def name_of(place: Payload) -> str:
    """The setting that a component and a variable mean."""
    component, variable = place["component"], place["variable"]
    instance = f"[{component['instance']}]" if "instance" in component else ""
    evse = f"#{component['evse']['id']}" if "evse" in component else ""
    connector = f"/{component['evse']['connectorId']}" if "connectorId" in component.get("evse", {}) else ""
    which = f"[{variable['instance']}]" if "instance" in variable else ""
    return f"{component['name']}{instance}{evse}{connector}.{variable['name']}{which}"


def place_of(name: str) -> Payload:
    """The component and the variable that a setting is."""
    found = _NAME.fullmatch(name)
    if found is None:
        raise ValueError(f"not a variable of a component: {name}")
    component: Payload = {"name": found["component"]}
    if found["component_instance"] is not None:
        component["instance"] = found["component_instance"]
    if found["evse"] is not None:
        component["evse"] = {"id": int(found["evse"])}
        if found["connector"] is not None:
            component["evse"]["connectorId"] = int(found["connector"])
    variable = {"name": found["variable"]}
    if found["variable_instance"] is not None:
        variable["instance"] = found["variable_instance"]
    return {"component": component, "variable": variable}


# Variables (B05, B06).


def _inventory(charger: Obedient) -> list[Setting]:
    states: dict[str, str] = {}
    for at in charger.connectors.values():
        state = _STATES.get(at.status, "Occupied")
        states |= {f"EVSE#{at.number}.AvailabilityState": state, f"Connector#{at.number}/1.AvailabilityState": state}
    counts = {"LocalAuthListCtrlr.Entries": len(charger.memory.local_list)}
    counts["DisplayMessageCtrlr.DisplayMessages"] = len(charger.memory.displays)
    for name, value in {**states, **counts, "SecurityCtrlr.Identity": charger.charger_id}.items():
        setting = charger.memory.settings.find(name)
        if setting is not None:
            setting.value = str(value)
    return charger.memory.settings.all()


def _missing(charger: Obedient, place: Payload) -> str | None:
    """Why there is no such variable; None when there is."""
    if charger.memory.settings.find(name_of(place)) is not None:
        return None
    component = place["component"]["name"].casefold()
    known = {place_of(it.name)["component"]["name"].casefold() for it in charger.memory.settings.all()}
    return "UnknownVariable" if component in known else "UnknownComponent"


def _asked(it: Payload) -> Payload:
    return {name: it[name] for name in ("component", "variable", "attributeType") if name in it}


def _get_variables(charger: Obedient, payload: Payload) -> Payload:
    _inventory(charger)
    return {"getVariableResult": [{**_asked(it), **_read(charger, it)} for it in payload["getVariableData"]]}


def _read(charger: Obedient, asked: Payload) -> Payload:
    setting = charger.memory.settings.find(name_of(asked))
    if setting is None:
        return {"attributeStatus": _missing(charger, asked)}
    if asked.get("attributeType", "Actual") != "Actual":
        return {"attributeStatus": "NotSupportedAttributeType"}
    if not setting.is_readable:
        return {"attributeStatus": "Rejected"}
    return {"attributeStatus": "Accepted", "attributeValue": setting.value}


def _set_variables(charger: Obedient, payload: Payload) -> Payload:
    asked = payload["setVariableData"]
    return {"setVariableResult": [{**_asked(it), "attributeStatus": _write(charger, it)} for it in asked]}


def _write(charger: Obedient, asked: Payload) -> str:
    if (missing := _missing(charger, asked)) is not None:
        return missing
    if asked.get("attributeType", "Actual") != "Actual":
        return "NotSupportedAttributeType"
    return charger.write(name_of(asked), asked["attributeValue"])


# Reports (B07, B08).


def _get_base_report(charger: Obedient, payload: Payload) -> Payload:
    settings = _inventory(charger)
    match payload["reportBase"]:
        case "ConfigurationInventory":
            settings = [it for it in settings if it.is_writable]
        case "SummaryInventory":
            settings = [it for it in settings if it.name.endswith("AvailabilityState")]
    return _report(charger, payload["requestId"], settings)


def _get_report(charger: Obedient, payload: Payload) -> Payload:
    settings, wanted = _inventory(charger), payload.get("componentVariable")
    if wanted is not None:
        settings = [it for it in settings if any(_covers(asked, place_of(it.name)) for asked in wanted)]
    # All components are there and active, none has a problem: B08.FR.07 asks for those of any listed criterion.
    if payload.get("componentCriteria") == ["Problem"]:
        settings = []
    return _report(charger, payload["requestId"], settings)


def _covers(asked: Payload, place: Payload) -> bool:
    """Whether all that is asked for is so; what is left out does not matter."""
    return all(
        _covers(value, place.get(name, {})) if isinstance(value, dict) else _same(value, place.get(name))
        for name, value in asked.items()
        if name != "customData"
    )


def _same(one: Any, other: Any) -> bool:
    return str(one).casefold() == str(other).casefold()


def _report(charger: Obedient, request_id: int, settings: list[Setting]) -> Payload:
    if not settings:
        return {"status": "EmptyResultSet"}
    _send_parts(charger, "NotifyReport", request_id, "reportData", [_described(it) for it in settings])
    return {"status": "Accepted"}


def _described(setting: Setting) -> Payload:
    attribute: Payload = {"type": "Actual", "mutability": setting.mutability}
    if setting.is_readable:
        attribute["value"] = setting.value
    characteristics: Payload = {"dataType": setting.kind, "supportsMonitoring": True}
    if setting.kind == "integer" and setting.is_writable:
        characteristics |= {"minLimit": setting.limits[0], "maxLimit": setting.limits[1]}
    return {
        **place_of(setting.name),
        "variableAttribute": [attribute],
        "variableCharacteristics": characteristics,
    }


def _send_parts(charger: Obedient, action: str, request_id: int, field: str, data: list[Payload]) -> None:
    # Two parts at least where there is enough to part: a backend has to put them together.
    size = min(_LONGEST_PART, max(1, (len(data) + 1) // 2))
    parts = [data[first : first + size] for first in range(0, len(data), size)]
    head = {"requestId": request_id, "generatedAt": timestamp(now())}
    messages = [
        (action, {**head, "seqNo": number, "tbc": number < len(parts) - 1, field: part})
        for number, part in enumerate(parts)
    ]
    charger.tell_soon(*messages)


# Monitoring (N02 to N06): monitors are kept and reported, none ever fires.


def _set_monitoring_base(charger: Obedient, payload: Payload) -> Payload:
    charger.memory.monitors.clear()
    return {"status": "Accepted"}


def _set_monitoring_level(charger: Obedient, payload: Payload) -> Payload:
    return {"status": "Accepted" if 0 <= payload["severity"] <= _HIGHEST_SEVERITY else "Rejected"}


def _set_variable_monitoring(charger: Obedient, payload: Payload) -> Payload:
    return {"setMonitoringResult": [_watch(charger, it) for it in payload["setMonitoringData"]]}


def _watch(charger: Obedient, asked: Payload) -> Payload:
    monitors = charger.memory.monitors
    result = {name: asked[name] for name in ("component", "variable", "type", "severity")}
    if (missing := _missing(charger, asked)) is not None:
        return {**result, "status": missing}
    if not 0 <= asked["severity"] <= _HIGHEST_SEVERITY or ("id" in asked and asked["id"] not in monitors):
        return {**result, "status": "Rejected"}
    number = asked.get("id", max(monitors, default=0) + 1)
    monitors[number] = {**asked, "id": number}
    return {**result, "status": "Accepted", "id": number}


def _clear_variable_monitoring(charger: Obedient, payload: Payload) -> Payload:
    results = [
        {"id": number, "status": "NotFound" if charger.memory.monitors.pop(number, None) is None else "Accepted"}
        for number in payload["id"]
    ]
    return {"clearMonitoringResult": results}


def monitoring_report(charger: Obedient, payload: Payload, more: Payload | None = None) -> Payload:
    """Those kept, each with what a later version adds to it."""
    wanted = payload.get("componentVariable")
    kinds = payload.get("monitoringCriteria", ["Threshold", "Delta", "Periodic"])
    found = [
        it
        for it in charger.memory.monitors.values()
        if (wanted is None or any(_covers(asked, it) for asked in wanted))
        and any(kind.removesuffix("Monitoring") in it["type"] for kind in kinds)
    ]
    if not found:
        return {"status": "EmptyResultSet"}
    data = [_monitored(it, more or {}) for it in found]
    _send_parts(charger, "NotifyMonitoringReport", payload["requestId"], "monitor", data)
    return {"status": "Accepted"}


def _monitored(monitor: Payload, more: Payload) -> Payload:
    told = {name: monitor[name] for name in ("id", "value", "type", "severity")}
    told = {**told, "transaction": monitor.get("transaction", False), **more}
    return {"component": monitor["component"], "variable": monitor["variable"], "variableMonitoring": [told]}


# Customers (N09, N10) and displays (O).


def _customer_information(charger: Obedient, payload: Payload) -> Payload:
    token = payload.get("idToken", {}).get("idToken")
    names = (token, payload.get("customerIdentifier"), payload.get("customerCertificate"))
    if sum(it is not None for it in names) != 1:
        return {"status": "Invalid"}
    if not (payload["report"] or payload["clear"]):
        return {"status": "Rejected"}
    data = "" if token is None else _known(charger, token)
    if payload["clear"] and token is not None:
        charger.memory.local_list.forget(token)
        charger.memory.cache.pop(token.casefold(), None)
    told = {"requestId": payload["requestId"], "generatedAt": timestamp(now()), "seqNo": 0, "tbc": False}
    charger.tell_soon(("NotifyCustomerInformation", {**told, "data": data if payload["report"] else ""}))
    return {"status": "Accepted"}


def _known(charger: Obedient, token: str) -> str:
    listed, cached = charger.memory.local_list.says(token, now()), charger.memory.cache.get(token.casefold())
    known: Iterable[tuple[str, bool | None]] = (("local list", listed), ("cache", cached))
    return ", ".join(f"{place}: {'accepted' if it else 'refused'}" for place, it in known if it is not None)


def _set_display_message(charger: Obedient, payload: Payload) -> Payload:
    message = payload["message"]
    if message["message"]["format"] not in _FORMATS:
        return {"status": "NotSupportedMessageFormat"}
    if "transactionId" in message and charger.under_way(message["transactionId"]) is None:
        return {"status": "UnknownTransaction"}
    charger.memory.displays[message["id"]] = message
    return {"status": "Accepted"}


def _get_display_messages(charger: Obedient, payload: Payload) -> Payload:
    ids, wanted = payload.get("id"), {name: payload[name] for name in ("priority", "state") if name in payload}
    found = [
        it
        for number, it in charger.memory.displays.items()
        if (ids is None or number in ids) and all(it.get(name) == value for name, value in wanted.items())
    ]
    if not found:
        return {"status": "Unknown"}
    told = {"requestId": payload["requestId"], "messageInfo": found, "tbc": False}
    charger.tell_soon(("NotifyDisplayMessages", told))
    return {"status": "Accepted"}


def _clear_display_message(charger: Obedient, payload: Payload) -> Payload:
    return {"status": "Unknown" if charger.memory.displays.pop(payload["id"], None) is None else "Accepted"}


REPORTS: Answers = {
    "ClearDisplayMessage": _clear_display_message,
    "ClearVariableMonitoring": _clear_variable_monitoring,
    "CustomerInformation": _customer_information,
    "GetBaseReport": _get_base_report,
    "GetDisplayMessages": _get_display_messages,
    "GetMonitoringReport": monitoring_report,
    "GetReport": _get_report,
    "GetVariables": _get_variables,
    "SetDisplayMessage": _set_display_message,
    "SetMonitoringBase": _set_monitoring_base,
    "SetMonitoringLevel": _set_monitoring_level,
    "SetVariableMonitoring": _set_variable_monitoring,
    "SetVariables": _set_variables,
}
