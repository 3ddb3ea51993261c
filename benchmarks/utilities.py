"""Utilities' servers by the hundred, for what asking one takes, and one that tells of an event."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

from chalicelib.domain.grid.demand_response import AskedInterval
from chalicelib.domain.grid.utility import UtilityEvent
from chalicelib.records.grid import OpenAdrVersion, UtilityLink
from tests.services.conftest import NOW, Kit

_OPERATORS = 200
_LINK = UtilityLink(
    operator_id="op",
    url="https://vtn.example.com",
    version=OpenAdrVersion.V3_1_0,
    client_id="kerb",
    client_secret="x",
    ven_name="kerb",
)


class _Server:
    """A server that tells of one event, the first time that it is asked."""

    def __init__(self) -> None:
        asked = AskedInterval(begins_at=NOW, ends_at=NOW + timedelta(hours=1))
        self._events = [UtilityEvent(event_id="e", program_id="p", program="peak", asks=(asked,))]

    def events(self, link: UtilityLink) -> Sequence[UtilityEvent]:
        return self._events

    def report(self, *told: object) -> None:
        """Nothing is over."""


def servers(kit: Kit) -> tuple[Callable[[], object], int]:
    """Two hundred operators, each with a server."""
    for number in range(_OPERATORS):
        kit.utilities.links.put(replace(_LINK, operator_id=f"op-{number}"))
    left = [kit.utilities]

    def begin() -> None:
        for it in left:
            it.begin()
        left.clear()

    return begin, _OPERATORS


def operators_server(kit: Kit) -> tuple[Callable[[], object], int]:
    """One operator whose server tells of an event, which is written and spread."""
    kit.utilities.links.put(_LINK)
    left = [replace(kit.utilities, servers=_Server())]

    def ask() -> None:
        for it in left:
            it.ask("op")
        left.clear()

    return ask, 1
