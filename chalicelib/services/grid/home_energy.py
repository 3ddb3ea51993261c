"""What power costs at drivers' homes: an energy contract of each car's own, as sites have one, by its driver's word.

Nobody reads it but that car's plans; it goes with the car.
"""

from __future__ import annotations

from collections.abc import Mapping

from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.grid.energy import EnergyContract
from chalicelib.ports import Clock
from chalicelib.ports.grid import EnergyContracts, SignalSource
from chalicelib.services.grid.energy import check_feeds


def home_of(vehicle_id: str) -> str:
    """The name of a car's home among sites; no operator's site has one like it."""
    return f"home/{vehicle_id}"


@dataclass(frozen=True, kw_only=True)
class HomeEnergy:
    """Keeps the contracts of cars' homes."""

    contracts: EnergyContracts
    sources: Mapping[str, SignalSource]
    clock: Clock

    def keep(self, vehicle_id: str, contract: EnergyContract | None) -> str:
        """From now on that holds (None: nothing is known); returns the name it is known by, "" where it is not.

        Raises Refusal (`invalid_energy`) that names what cannot be so.
        """
        before = self.contracts.of(home_of(vehicle_id))
        if contract is None:
            if before is not None:
                self.contracts.remove(before)
            return ""
        check_feeds(contract, self.sources)
        now = self.clock()
        self.contracts.put(replace(contract, site_id=home_of(vehicle_id), changed_at=now), before, now)
        return home_of(vehicle_id)
