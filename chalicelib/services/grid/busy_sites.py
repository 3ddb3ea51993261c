"""Each minute's looks: at the sites where sessions claim power, or a charger owes an answer, and at no other."""

from __future__ import annotations

from chalicelib.domain.data_classes import dataclass
from chalicelib.ports import Clock
from chalicelib.ports.grid import Looks, ManagedSites
from chalicelib.records.parts import WHOLE, Part


@dataclass(frozen=True, kw_only=True)
class BusySites:
    """Asks for looks at all busy sites: leases run out, turns end, frames stay unanswered, and messages get lost."""

    managed_sites: ManagedSites
    looks: Looks
    clock: Clock

    def ask(self, part: Part = WHOLE) -> int:
        """Have those of a shard looked at; returns how many."""
        found = list(part.in_time(self.managed_sites.busy(part.shard), self.clock))
        self.looks.ask_for_many(found)
        return len(found)
