"""What is done about a charger that refuses its limit, or draws more than that: measure by measure, each once.

First it is told in another form (unit, kind, stack level, purpose), then 0 A, at last its charge is ended. What a
firmware refused or ignored is remembered for it, so that the next charger of it is told as it understands. Until its
port was seen to keep a grant again, it is booked at its maximum.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from chalicelib.domain.chargers.charging_ability import ChargingAbility, ProfileForm, exactly, forms, seen_in
from chalicelib.domain.chargers.commands import ProfilePurpose
from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.grid.firmware import Firmware
from chalicelib.domain.grid.grants import PortPage, ignored, obeyed
from chalicelib.domain.grid.leases import CLOCK_SLACK, Lease
from chalicelib.domain.grid.tree import Draw

# What a car may take above its grant, and how long after it (IEC 61851-1: 5 s; a meter tells of the past).
TOLERATED_MA = 1_000
SETTLES_S = 15
SAMPLES = 2
# A grant may be refused because its charge has just ended; twice it is refused for good.
_REFUSALS = 2


class Measure(StrEnum):
    """What is done about a port whose charger does not keep its limit; the last two for one charge alone."""

    OTHER_FORM = "other_form"
    ZERO = "zero"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A page and its charger's firmware after a look at what it draws, and what was done about it, if anything."""

    page: PortPage
    firmware: Firmware
    measure: Measure | None = None


def judged(
    page: PortPage, firmware: Firmware, ability: ChargingAbility, draws: Sequence[Draw], at: datetime
) -> Judgement:
    """What a port's newest looks at its meter, and its charger's refusals, come to; `draws` in order of time.

    `ability` is what its settings and make say; what its firmware was seen to do is added to it here.
    """
    if page.refused_default is not None:
        after = _declined(firmware, page.refused_default, ability)
        return Judgement(replace(page, refused_default=None), after, Measure.OTHER_FORM)
    if page.refusals >= _REFUSALS and page.refused_form is not None:
        after = _declined(firmware, page.refused_form, ability)
        return Judgement(replace(page, refusals=0, refused_form=None), after, Measure.OTHER_FORM)
    lease = page.newest
    if lease is not None and page.ignored_since is not None and is_obeyed(page, draws):
        return Judgement(obeyed(page), _kept(firmware, lease.form))
    # Each grant is judged once: what is done about it is a grant of its own.
    if lease is None or page.judged == lease.name or not is_ignored(page, draws):
        return Judgement(page, firmware)
    return _about(replace(ignored(page, at), judged=lease.name), lease, firmware, ability)


def _about(page: PortPage, lease: Lease, firmware: Firmware, ability: ChargingAbility) -> Judgement:
    """The next measure about a grant that is not kept."""
    if lease.form is not None and Measure.ZERO not in page.measures:
        after = _declined(firmware, lease.form, ability)
        if forms(seen_in(ability, after.learnt), ProfilePurpose.SESSION):
            return Judgement(page, after, Measure.OTHER_FORM)
    can_pause = seen_in(ability, firmware.learnt).pauses_at_zero
    measure = Measure.ZERO if can_pause and Measure.ZERO not in page.measures else Measure.STOP
    return Judgement(replace(page, measures=(*page.measures, measure)), firmware, measure)


def is_ignored(page: PortPage, draws: Sequence[Draw]) -> bool:
    """Whether a port's newest looks at its meter all show more than it was granted.

    Those count that were taken long enough after the charger confirmed its grant, and while no other was asked for.
    """
    newest = looks_since(page, draws)
    return len(newest) == SAMPLES and all(_most(it) > _granted(page, it.at) + TOLERATED_MA for it in newest)


def is_obeyed(page: PortPage, draws: Sequence[Draw]) -> bool:
    """Whether they all show no more than that, and something at all, or nothing where nothing was granted."""
    newest = looks_since(page, draws)
    return len(newest) == SAMPLES and all(
        _most(it) <= _granted(page, it.at) + TOLERATED_MA and (_most(it) > 0) == (_granted(page, it.at) > 0)
        for it in newest
    )


def looks_since(page: PortPage, draws: Sequence[Draw]) -> Sequence[Draw]:
    """The newest looks at its meter that tell of its newest grant: from some time after its charger confirmed it."""
    lease = page.newest
    if lease is None or not lease.is_confirmed or lease.answered_at is None or page.lost_at is not None:
        return ()
    since = lease.answered_at
    return [it for it in draws if (it.at - since).total_seconds() >= SETTLES_S][-SAMPLES:]


def _declined(firmware: Firmware, form: ProfileForm, ability: ChargingAbility) -> Firmware:
    """It is told in another form from now on; where that ends otherwise, what silence leaves is to be proven anew."""
    learnt = firmware.learnt
    refused = tuple(dict.fromkeys((*learnt.refused, exactly(form))))
    learnt = replace(learnt, refused=refused, best=None if learnt.best == form else learnt.best)
    other = next(iter(forms(seen_in(ability, learnt), form.purpose)), None)
    if other is not None and (other.kind, other.purpose) != (form.kind, form.purpose):
        learnt = replace(learnt, falls_back=None)
    return replace(firmware, learnt=learnt)


def _kept(firmware: Firmware, form: ProfileForm | None) -> Firmware:
    if form is None or not firmware.learnt.refused or firmware.learnt.best == form:
        return firmware
    return replace(firmware, learnt=replace(firmware.learnt, best=form))


def _granted(page: PortPage, at: datetime) -> int:
    """What it may draw by its newest grant, as far as clocks may differ."""
    lease = page.newest
    default_ma = page.default_ma if page.default_ma is not None else page.most_ma
    if lease is None or at >= lease.ends_at + CLOCK_SLACK:
        return default_ma
    is_ending = at >= lease.ends_at - CLOCK_SLACK
    return max(lease.worst_ma(at, at), default_ma if is_ending else 0)


def _most(draw: Draw) -> int:
    return max((it for it in draw.current_ma if it is not None), default=0)
