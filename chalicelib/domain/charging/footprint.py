"""The footprint of a charge: what its energy cost its site and emitted, and what was saved against charging at once."""

from __future__ import annotations

from chalicelib.domain.data_classes import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """What is told of a session's energy afterwards, and for ever; None: not known of each quarter of an hour.

    `carbon_g` of CO2 equivalent, by the average of the mix, never a marginal one; `renewable_permille` of the energy.
    `energy_cost_micros`: what the site paid for it (millionths of `currency`), which is no price of the driver's.
    `saved_micros` and `saved_g`: how much less that is than the same energy would have been, had the car charged from
    the moment it was plugged in, as fast as it ever did; below 0 where waiting made it more. `source`: whose numbers
    they are; `method`: how they were made.
    """

    energy_wh: int
    source: str
    method: str
    carbon_g: int | None = None
    renewable_permille: int | None = None
    energy_cost_micros: int | None = None
    currency: str = ""
    saved_micros: int | None = None
    saved_g: int | None = None
