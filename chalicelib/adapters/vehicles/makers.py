"""The car makers that Kerb speaks with: a maker is a file beside this one, and one line here.

One is offered where its keys are set. One whose line is gone leaves its cars behind as manual ones, and says so.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from chalicelib.adapters.vehicles.http import MakerAccount, MakerClient
from chalicelib.ports import Clock
from chalicelib.ports.vehicles import LinksCars

# Name -> module.Class; imported where it is asked for.
MAKERS = {
    "smartcar": "smartcar.Smartcar",
    "enode": "enode.Enode",
    "tesla": "tesla.Tesla",
}
# An API that a maker is about to end: spoken where the account has no key of the name that only its next one asks for.
_ENDING = {"smartcar": ("application_id", "smartcar_v2.SmartcarV2")}
# What a secret holds until somebody puts in the true ones.
_UNSET = "unset"
_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")


def maker_class(name: str, keys: Mapping[str, str] | None = None) -> Any:
    """The class of a maker, for an account with those keys. Raises KeyError for one that has no line."""
    needs, before = _ENDING.get(name, ("", ""))
    is_before = keys is not None and needs and keys.get(needs, _UNSET) in ("", _UNSET)
    module, _, kind = (before if is_before else MAKERS[name]).partition(".")
    return getattr(import_module(f"chalicelib.adapters.vehicles.{module}"), kind)


def makers_of(*, keys: str, addresses: str, clock: Clock) -> Mapping[str, LinksCars]:
    """The makers whose keys are set, by name. `keys` and `addresses` are JSON objects of objects of texts, by maker.

    Raises ValueError for other JSON, and for an address at which tokens would go over the line in plain text.
    """
    elsewhere = _by_maker(addresses)
    for name, some in elsewhere.items():
        for what, address in some.items():
            if not _is_private(address):
                raise ValueError(f"the address {what} of {name} is no https address, nor one of this machine")
    client = MakerClient(clock)
    found: dict[str, LinksCars] = {}
    for name, secret in _by_maker(keys).items():
        if name not in MAKERS or secret.get("client_id", _UNSET) in ("", _UNSET):
            continue
        kind = maker_class(name, secret)
        account = MakerAccount(keys=secret, addresses={**kind.addresses, **elsewhere.get(name, {})})
        found[name] = kind(account=account, client=client)
    return found


def _by_maker(text: str) -> Mapping[str, Mapping[str, str]]:
    told = json.loads(text) if text else {}
    is_so = isinstance(told, dict) and all(
        isinstance(it, dict) and all(isinstance(each, str) for each in it.values()) for it in told.values()
    )
    if not is_so:
        raise ValueError("a setting of car makers is a JSON object of objects of texts")
    return dict(told)


def _is_private(address: str) -> bool:
    """Whether nobody on the way reads what is sent there; an empty one is none."""
    parts = urlsplit(address)
    if not address or (parts.scheme == "https" and parts.hostname):
        return True
    return parts.scheme == "http" and (parts.hostname or "") in _THIS_MACHINE
