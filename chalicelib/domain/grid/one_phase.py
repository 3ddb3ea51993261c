"""One phase or three: by how many phases a port charges, as its meter shows, and as its charge is to go on.

What is learnt of a car is a fact about the car; what a switched port does is a promise of its charger's. So a port that
was told to use one phase counts by all of them until its meter has shown one, twice, and again as soon as it shows
more. Two switches a charge, there and back: contactors wear.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.grid.firmware import Firmware
from chalicelib.domain.grid.grants import PortPage, shown_by_one
from chalicelib.domain.grid.obedience import SAMPLES, looks_since
from chalicelib.domain.grid.tree import Draw, Switching
from chalicelib.domain.grid.turns import TURN

# Somebody has to wait for so long before anybody is switched for it, and three phases to fit for as long as a turn.
_WAITS_FOR, _FITS_FOR = timedelta(minutes=5), TURN
# A car that charges by three is tried by one for so long at most: two readings take some two minutes.
_TRIED_FOR = timedelta(minutes=10)
_SHOWN_WITHIN = timedelta(minutes=10)
# Of less than this at a phase nothing is charged by it.
_IDLE_MA = 1_000
_THREE = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchFacts:
    """What is known of a charge that bears on its phases.

    `is_possible`: its port, its charger's settings and its site allow a switch, and no plan or car speaks against it.
    `car_phases`: by how many its car was seen to charge. `is_fed`: it was told to charge, by all, and said it would.
    """

    session_id: str
    is_possible: bool
    car_phases: int | None
    is_fed: bool


def metered(page: PortPage, firmware: Firmware, draws: Sequence[Draw]) -> tuple[PortPage, Firmware]:
    """What a port's newest looks at its meter say of its phases, and of its firmware's; `draws` in order of time."""
    if page.shown_one and not firmware.switches:
        page = shown_by_one(page, "")
    lease, looks = page.newest, looks_since(page, draws)
    if lease is None or lease.phases != 1 or not looks:
        return page, firmware
    one = firmware.one_phase
    if _uses_more(looks[-1]):
        if page.shown_one:
            page = shown_by_one(page, "")
        if len(looks) == SAMPLES and all(_uses_more(it) for it in looks):
            firmware = replace(firmware, one_phase=replace(one, drawn=False))
        return page, firmware
    if len(looks) < SAMPLES or not all(_uses_one(it) for it in looks):
        return page, firmware
    if one.drawn is None and one.shown:
        firmware = replace(firmware, one_phase=replace(one, drawn=True))
    if firmware.switches and lease.session_id is not None and lease.ends_with_charge:
        page = shown_by_one(page, lease.session_id)
    return page, firmware


def standing(
    before: Switching | None, facts: SwitchFacts, page: PortPage, firmware: Firmware, at: datetime
) -> Switching | None:
    """How a charge stands before its site is shared out; None: it was never switched, and nobody may.

    A firmware of which everything but a car's charge is proven is tried once at a car that charges by three phases.
    """
    now = before or Switching()
    if now.is_trial:
        is_over = now.other_since is None or at - now.other_since >= _TRIED_FOR
        is_known = firmware.one_phase.is_proven or firmware.one_phase.is_disproven
        # One that could not be tried to its end is not tried at this car again.
        return Switching(left=0) if is_over or is_known or not facts.is_possible else now
    if not facts.is_possible or not firmware.switches:
        if facts.is_possible and before is None and _is_triable(facts, firmware):
            return Switching(is_one=True, left=1, is_trial=True, other_since=at)
        return replace(now, is_one=False, is_shown=False, other_since=None) if before is not None else None
    return replace(now, is_shown=now.is_one and page.shown_one == facts.session_id)


def considered(now: Switching, at: datetime, *, wants_one: bool) -> Switching:
    """How it stands after a look that found it better by one phase, or by all: switched where that has lasted."""
    if now.is_trial or not now.left or wants_one is now.is_one:
        return replace(now, other_since=now.other_since if now.is_trial else None)
    since = now.other_since or at
    if at - since < (_WAITS_FOR if wants_one else _FITS_FOR):
        return replace(now, other_since=since)
    return Switching(is_one=wants_one, left=now.left - 1)


def fed(now: Switching, at: datetime) -> Switching:
    """How it stands that has current now."""
    return replace(now, fed_at=at) if has_to_show(now, at) and now.fed_at is None else now


def has_to_show(now: Switching | None, at: datetime) -> bool:
    """Whether its meter is yet to show that it charges by one phase, so that others can charge beside it.

    For that it goes before those who have shown it; not for long, as some meters tell of no phases.
    """
    if now is None or not now.is_one or now.is_shown or now.is_trial:
        return False
    return now.fed_at is None or at - now.fed_at < _SHOWN_WITHIN


def _is_triable(facts: SwitchFacts, firmware: Firmware) -> bool:
    one = firmware.one_phase
    return one.is_kept and one.drawn is None and facts.car_phases == _THREE and facts.is_fed


def _uses_more(look: Draw) -> bool:
    return any(it is not None and it >= _IDLE_MA for it in look.current_ma[1:])


def _uses_one(look: Draw) -> bool:
    first, *others = look.current_ma
    return first is not None and first >= _IDLE_MA and all(it is not None and it < _IDLE_MA for it in others)
