"""Redacts messages before they are written down: no secret is in what is kept, and it is never long."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

_LONGEST = 8_000
_MASK = "***"
_SECRET_NAME = re.compile(
    # EXI is sealed for one car, its contract's private key in it.
    r"password|secret|^authorizationkey$|^basicauthpassword$|^vpn(user|key)$|^apn(password|user)|^exi(request|response)$",
    re.I,
)
_SECRET_SETTING = re.compile(r"AuthorizationKey|BasicAuthPassword|Password|Secret", re.I)
# The same in 1.6's DataTransfer, where it is a text within a text.
_EXI = re.compile(r'"exi(Request|Response)"', re.I)
_LOGIN_IN_URL = re.compile(r"(?<=://)[^/@\s]{1,200}@")
# People's own data: who asked for it gets it as a report.
_PERSONAL = frozenset({"NotifyCustomerInformation"})


def redacted(action: str, payload: Mapping[str, Any]) -> str:
    """A payload as JSON, without passwords, without personal data, cut where it grows long."""
    if action in _PERSONAL:
        return '{"data":"***"}'
    text = msgspec.json.encode(_discreet(payload)).decode()
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"


def _discreet(value: Any) -> Any:
    if isinstance(value, Mapping):
        names_secret = _names_secret_setting(value)
        return {
            name: _MASK
            if _SECRET_NAME.search(name) or (names_secret and name in ("value", "attributeValue"))
            else _discreet(it)
            for name, it in value.items()
        }
    if isinstance(value, list | tuple):
        return [_discreet(it) for it in value]
    if isinstance(value, str) and _EXI.search(value):
        return _MASK
    if isinstance(value, str) and "://" in value:
        return _LOGIN_IN_URL.sub(f"{_MASK}@", value)
    return value


def _names_secret_setting(item: Mapping[str, Any]) -> bool:
    """1.6 names a setting by its key; 2.x by its variable."""
    variable = item.get("variable")
    name = variable.get("name") if isinstance(variable, Mapping) else item.get("key")
    return isinstance(name, str) and _SECRET_SETTING.search(name) is not None
