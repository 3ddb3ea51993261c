"""The charger's plug-in timeout: how long it waits for a car after a start was accepted, read from its settings.

OCPP 1.6 §9.1.5 ConnectionTimeOut; 2.0.1 TxCtrlr.EVConnectionTimeOut.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_LONGEST_S = 24 * 3600


def plug_in_s(action: str, answer: Mapping[str, Any]) -> int | None:
    """The wait in seconds, where the answer to `action` tells it; 0 and nonsense tell nothing."""
    for value in _told(action, answer):
        text = str(value).strip()
        if text.isdecimal() and 0 < int(text) <= _LONGEST_S:
            return int(text)
    return None


def _told(action: str, answer: Mapping[str, Any]) -> Iterator[object]:
    match action:
        case "GetConfiguration":
            for item in _objects(answer.get("configurationKey")):
                if str(item.get("key")).casefold() == "connectiontimeout":
                    yield item.get("value")
        case "GetVariables":
            for item in _objects(answer.get("getVariableResult")):
                component, variable = item.get("component"), item.get("variable")
                name = variable.get("name") if isinstance(variable, dict) else None
                owner = component.get("name") if isinstance(component, dict) else None
                if (owner, name) == ("TxCtrlr", "EVConnectionTimeOut"):
                    yield item.get("attributeValue")


def _objects(items: object) -> Iterator[Mapping[str, Any]]:
    for item in items if isinstance(items, list) else ():
        if isinstance(item, dict):
            yield item
