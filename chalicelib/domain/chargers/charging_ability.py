"""A charger's charging ability: how it can be told to limit power, by its settings, its make, and what it has shown.

Three speak of it, the later over the earlier: what the charger says it is set to (`protocol/ocpp/abilities.py`), what
others have found of its make (`protocol/ocpp/quirks.py`), and what its firmware was seen to do (`LearntAbility`). What
nobody spoke of is taken for what OCPP asks of every charger.
"""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache

from chalicelib.domain.chargers.commands import ProfileKind, ProfilePurpose
from chalicelib.domain.data_classes import dataclass, replace


class RateUnit(StrEnum):
    """What a charging limit is counted in."""

    AMPERES = "A"
    WATTS = "W"


@dataclass(frozen=True, slots=True, order=True)
class ProfileForm:
    """How one limit is put: by a profile of what purpose and kind, in what unit, on what stack level."""

    purpose: ProfilePurpose
    kind: ProfileKind
    unit: RateUnit
    stack_level: int


@dataclass(frozen=True, slots=True)
class RefusedForm:
    """Forms that a charger does not take: all that agree in whatever is given here. Nothing given: all."""

    purpose: ProfilePurpose | None = None
    kind: ProfileKind | None = None
    unit: RateUnit | None = None
    stack_level: int | None = None

    def covers(self, form: ProfileForm) -> bool:
        """Whether `form` is one of them."""
        pairs = (
            (self.purpose, form.purpose),
            (self.kind, form.kind),
            (self.unit, form.unit),
            (self.stack_level, form.stack_level),
        )
        return all(mine is None or mine == its for mine, its in pairs)


def exactly(form: ProfileForm) -> RefusedForm:
    """What covers that form alone, and none beside it."""
    return RefusedForm(form.purpose, form.kind, form.unit, form.stack_level)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargingAbility:
    """What a charger can be told of power.

    `is_controllable` False: it takes no limit from us at all, `note` says why, for a person. `units`: the one it
    understands best first. `most_stack_level`, `most_periods` (of one schedule), `most_profiles` (at once): None where
    it has not said. `refused`: forms it does not take. `pauses_at_zero`: a limit of 0 pauses a charge, and a higher
    one lets it go on; where False, the charge is to keep its least current, or to be ended.

    `switches_phases`: it can charge by one phase what it could charge by three; `names_phase`: and by which one is ours
    to say. `is_relative_since_receipt`: a Relative profile of a charge under way counts from its arrival (OCPP 2.x),
    not from the charge's beginning (1.6). `keeps_when_cut`: its profiles outlive its connection; None where nobody
    knows. `falls_back`: once a charge's own profile has run out it was seen to keep its default; None: never tried.
    """

    is_controllable: bool = True
    note: str = ""
    units: tuple[RateUnit, ...] = (RateUnit.AMPERES, RateUnit.WATTS)
    most_stack_level: int | None = None
    most_periods: int | None = None
    most_profiles: int | None = None
    refused: tuple[RefusedForm, ...] = ()
    pauses_at_zero: bool = True
    switches_phases: bool = False
    names_phase: bool = False
    is_relative_since_receipt: bool = False
    keeps_when_cut: bool | None = None
    falls_back: bool | None = None

    def takes(self, form: ProfileForm) -> bool:
        """Whether nothing is known that speaks against `form`."""
        is_refused = any(it.covers(form) for it in self.refused)
        is_too_high = self.most_stack_level is not None and form.stack_level > self.most_stack_level
        return self.is_controllable and form.unit in self.units and not is_refused and not is_too_high


@dataclass(frozen=True, slots=True, kw_only=True)
class LearntAbility:
    """What a firmware was seen to do, whatever its settings and its maker say; None: it was not seen to do either.

    `best` is the form that worked where another did not.
    """

    refused: tuple[RefusedForm, ...] = ()
    best: ProfileForm | None = None
    is_controllable: bool | None = None
    pauses_at_zero: bool | None = None
    keeps_when_cut: bool | None = None
    falls_back: bool | None = None


# A site's chargers are alike, and each look asks it of each of them more than once.
@lru_cache(maxsize=256)
def seen_in(ability: ChargingAbility, learnt: LearntAbility | None) -> ChargingAbility:
    """The ability of a charger whose firmware has shown that."""
    if learnt is None:
        return ability
    refused = tuple(dict.fromkeys((*ability.refused, *learnt.refused)))
    found = replace(ability, refused=refused)
    if learnt.best is not None:
        others = [it for it in found.units if it is not learnt.best.unit]
        found = replace(found, units=(learnt.best.unit, *others))
    if learnt.is_controllable is not None:
        found = replace(found, is_controllable=learnt.is_controllable)
    if learnt.pauses_at_zero is not None:
        found = replace(found, pauses_at_zero=learnt.pauses_at_zero)
    if learnt.keeps_when_cut is not None:
        found = replace(found, keeps_when_cut=learnt.keeps_when_cut)
    if learnt.falls_back is not None:
        found = replace(found, falls_back=learnt.falls_back)
    return found


# Relative where an end does not matter: a charger that has lost its clock keeps it all the same. A limit of the whole
# charger may not be relative (2.0.1 K01.FR.38; lbbrhzn/ocpp issues 677 and 1565 of 1.6).
_KINDS = {
    ProfilePurpose.SESSION: (ProfileKind.RELATIVE, ProfileKind.ABSOLUTE),
    ProfilePurpose.DEFAULT: (ProfileKind.RELATIVE, ProfileKind.ABSOLUTE),
    ProfilePurpose.CHARGER: (ProfileKind.ABSOLUTE, ProfileKind.RELATIVE),
}
_OTHER_PURPOSES = {
    ProfilePurpose.SESSION: (ProfilePurpose.DEFAULT, ProfilePurpose.CHARGER),
    ProfilePurpose.DEFAULT: (ProfilePurpose.CHARGER,),
    ProfilePurpose.CHARGER: (),
}


def forms(ability: ChargingAbility, purpose: ProfilePurpose, best: ProfileForm | None = None) -> list[ProfileForm]:
    """The ways to put a limit of `purpose`, in the order in which they are tried; none where it takes none.

    The first is what should do; then another unit, another kind, other stack levels, another purpose, each a single
    step away from it. `best` is what is known to work, and stands before all. A grant of a session stands on the
    highest level, so that whatever an operator sets is below it; a default on the lowest, so that a grant that has to
    be put as a default is above it. A limit of the whole charger is one of all its connectors together.
    """
    units = ability.units or (RateUnit.AMPERES,)
    top = 1 if ability.most_stack_level is None else ability.most_stack_level
    kinds = _kinds(ability, purpose)
    levels = (0, 1, top) if purpose is not ProfilePurpose.SESSION else (top, 0, max(top - 1, 0))
    first = ProfileForm(purpose, kinds[0], units[0], levels[0])
    found = [first, *(replace(first, unit=it) for it in units[1:]), replace(first, kind=kinds[1])]
    found += [replace(first, stack_level=it) for it in levels]
    for other in _OTHER_PURPOSES[purpose]:
        kinds = _kinds(ability, other)
        found += [ProfileForm(other, it, units[0], top) for it in kinds]
    if best is not None and best.purpose in (purpose, *_OTHER_PURPOSES[purpose]):
        found.insert(0, best)
    return [it for it in dict.fromkeys(found) if ability.takes(it)]


def _kinds(ability: ChargingAbility, purpose: ProfilePurpose) -> tuple[ProfileKind, ...]:
    """Those of a purpose, the better first: a lease has to end when we say, and not since some beginning."""
    kinds = _KINDS[purpose]
    if purpose is ProfilePurpose.SESSION and not ability.is_relative_since_receipt:
        return kinds[::-1]
    return kinds


def firmware_key(protocol: str | None, vendor: str | None, model: str | None, firmware: str | None) -> str:
    """What is learnt of a charger is good for: another version, make or firmware may act otherwise."""
    return " ".join(it or "-" for it in (protocol, vendor, model, firmware))
