"""Busy sites by the hundred, for what each minute's schedule takes for one of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.domain.grid.tree import PortId
from chalicelib.records.grid import StoredClaim
from tests.services.conftest import NOW, Kit

_SITES_A_CALL = 250


class _ManyLooks:
    """The queue of each minute's looks, asked as `SqsLooks` asks: a call for 250 sites."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    def ask_for_many(self, site_ids: Sequence[str]) -> None:
        for _ in range(0, len(site_ids), _SITES_A_CALL):
            self._kit.invocations.begin("queue", {})


def busy_sites(kit: Kit) -> tuple[Callable[[], object], int]:
    """Two hundred and fifty sites at which three cars charge each."""
    for number in range(_SITES_A_CALL):
        for car in range(3):
            claim = StoredClaim(
                site_id=f"site-{number}",
                port_id=PortId(f"CP-{number}-{car}", ConnectorId(1)),
                session_id=f"S-{number}-{car}",
                begun_at=NOW,
            )
            kit.managed_sites.begin(claim)
    vars(kit)["looks"] = _ManyLooks(kit)

    left = [kit.busy_sites]

    def ask() -> None:
        for it in left:
            it.ask()
        left.clear()

    return ask, _SITES_A_CALL
