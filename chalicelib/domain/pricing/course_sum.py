"""Course sum: the part of a charge under way that no later reading changes, tallied, so that it is walked through once.

What comes of it (`course.py`) is to the last fraction what walking through the whole charge comes to.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime

from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.pricing.periods import Uses
from chalicelib.domain.pricing.registers import Point, Supply
from chalicelib.domain.pricing.standstills import COARSE_WH
from chalicelib.domain.pricing.tally import Amount, TallySoFar
from chalicelib.domain.pricing.tariff import PriceComponent


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """How a charge's registers are read: `first` is the first believed, each is raised by `offset_wh`.

    `life_wh` is the first register told where a start of 0 stood for nothing, and is left out.
    """

    first: Point
    offset_wh: int = 0
    life_wh: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CourseSum:
    """The sum of a charge until its register at `until`, which stands at `register_wh` since `register_since`.

    It holds for a charge that began at `began_at`, at `start_wh`, at that `supply`, of whose connector was told what
    `told` is the digest of. Pauses until then were shown by `shown_by`; what follows needs the registers from
    `context_from` on. `between` counts registers between the first and this one (no more than two), `are_whole`: they
    are whole kWh. A car that stands at the end of it does so since `stand_began_at`; `let_go` is the tally without the
    price of that. `parking` are the prices for parking in the order of their use, those let go included.
    """

    began_at: datetime
    start_wh: int | None
    supply: Supply
    told: str
    chain: Chain
    until: datetime
    register_wh: int
    register_since: datetime
    shown_by: datetime
    context_from: datetime
    between: int
    are_whole: bool
    is_coarse: bool
    tally: TallySoFar
    let_go: TallySoFar
    stand_began_at: datetime | None = None
    parking: tuple[PriceComponent, ...] = ()

    @property
    def parked(self) -> TallySoFar:
        """The prices for parking alone, none of it used yet."""
        unused = TallySoFar(began_at=self.began_at, energy_wh=self.tally.energy_wh)
        return replace(unused, amounts=tuple(Amount(it, "0") for it in self.parking))

    @property
    def without_stand(self) -> CourseSum:
        """The same, where the car that stands at its end pays nothing for that."""
        return replace(self, tally=self.let_go, stand_began_at=None)

    def shows_coarse(self, inner: Iterable[int], last_wh: int) -> bool:
        """Whether the meter tells whole kWh, as far as this and the registers after it (`inner`) show it."""
        values = {it for it in (self.register_wh, *inner) if max(self.register_wh, self._low_wh) <= it < last_wh}
        return self.between + len(values) > 1 and self.are_whole and all(it % COARSE_WH == 0 for it in values)

    @property
    def _low_wh(self) -> int:
        return self.chain.first.energy_wh + 1


def digest(uses: Uses, until: datetime) -> str:
    """What was told of a connector until then, in short."""
    text = "|".join(f"{at.timestamp()}{use or ''}" for at, use in uses if at <= until)
    return hashlib.sha256(text.encode()).hexdigest()[:24]
