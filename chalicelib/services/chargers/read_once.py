"""The chargers as one answer sees them: each is read once, however often it is asked for."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from chalicelib.domain.data_classes import dataclass, field
from chalicelib.ports.chargers import Chargers
from chalicelib.records.chargers import Charger


@dataclass(frozen=True)
class ReadOnce:
    """The port Chargers for as long as one answer takes: what it was at the first look."""

    chargers: Chargers
    _known: dict[str, Charger | None] = field(default_factory=dict)

    def get(self, charger_id: str) -> Charger | None:
        """The charger of that id; one read the first time."""
        if charger_id not in self._known:
            self._known[charger_id] = self.chargers.get(charger_id)
        return self._known[charger_id]

    def many(self, charger_ids: Collection[str]) -> Mapping[str, Charger]:
        """Those of them that are known; a read for each the first time."""
        found = {it: self.get(it) for it in charger_ids}
        return {it: charger for it, charger in found.items() if charger is not None}
