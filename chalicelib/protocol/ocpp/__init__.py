"""OCPP, sans-IO: text and payloads on one side, domain events and commands on the other; no socket, no clock, no store.

A version is imported when a charger first speaks it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import import_module

from chalicelib.protocol.ocpp.dialect import Dialect, choose_among, subprotocol_of

OLDEST = "ocpp1.6"
# In our order of preference.
_MODULES = {"ocpp2.1": "ocpp21", "ocpp2.0.1": "ocpp201", "ocpp1.6": "ocpp16"}


def choose(offers: Sequence[str]) -> str | None:
    """The subprotocol to agree on, spelled as offered; None when none is spoken here."""
    return choose_among(offers, list(_MODULES))


def holds_to_user(subprotocol: str) -> bool:
    """Whether a charger's user name has to be its id (OCPP 2.0.1 A00.FR.204); 1.6 is spoken under makers' own names."""
    return registered(subprotocol) != OLDEST


def may_boot_when_back(subprotocol: str) -> bool:
    """Whether a charger that says BootNotification may only be back: many do over 1.6; over 2.x it has booted (B01)."""
    return registered(subprotocol) == OLDEST


def registered(subprotocol: str) -> str:
    """An agreed subprotocol in the registry's spelling. Raises KeyError for one that is not spoken here."""
    meant = subprotocol_of(subprotocol)
    if meant not in _MODULES:
        raise KeyError(subprotocol)
    return meant


@cache
def dialect_for(subprotocol: str) -> Dialect:
    """The version behind an agreed subprotocol, however it was offered."""
    module = import_module(f"chalicelib.protocol.ocpp.{_MODULES[registered(subprotocol)]}")
    dialect: Dialect = module.DIALECT
    return dialect
