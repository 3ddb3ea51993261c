"""Which charging profiles a charger takes: those that its settings have room for, and that it is not too odd for.

1.6 §9.4 and 2.x SmartChargingCtrlr say how many there may be, how high, how long and in which unit; an odd charger
refuses more (`Oddities.refuses`).
"""

from __future__ import annotations

from dataclasses import dataclass

from local.simulator.profiles import Profile, Profiles
from local.simulator.settings import Settings

_LEVELS = ("ChargeProfileMaxStackLevel", "SmartChargingCtrlr.ProfileStackLevel")
_PERIODS = ("ChargingScheduleMaxPeriods", "SmartChargingCtrlr.PeriodsPerSchedule")
_ENTRIES = ("MaxChargingProfilesInstalled", "SmartChargingCtrlr.Entries[ChargingProfiles]")
_UNITS = ("ChargingScheduleAllowedChargingRateUnit", "SmartChargingCtrlr.RateUnit")
_WORDS = {"A": ("current", "a"), "W": ("power", "w")}


@dataclass(frozen=True)
class Oddities:
    """How a charger misbehaves with charging profiles.

    `ignores`: it takes them and charges as it likes. `refuses`: words of profiles that it does not take, each one or
    two joined by a blank: a purpose, a kind ("ChargePointMaxProfile Relative"). `forgets_when_cut`: with its
    connection they are gone. `wedges_at_zero`: once a limit of 0 has paused a charge it never goes on.
    `passes_over_phases`: it says that it can switch, shows so, and charges by three all the same.
    """

    ignores: bool = False
    refuses: frozenset[str] = frozenset()
    forgets_when_cut: bool = False
    wedges_at_zero: bool = False
    passes_over_phases: bool = False


def refusal(profile: Profile, kept: Profiles, settings: Settings, oddities: Oddities) -> str | None:
    """Why a charger does not take it, as 2.x gives reasons; None: it does."""
    words = {profile.purpose, profile.kind, f"{profile.purpose} {profile.kind}"}
    if words & oddities.refuses:
        return "UnsupportedParam"
    if profile.stack_level > _number(settings, _LEVELS):
        return "InvalidStackLevel"
    if len(profile.schedule["chargingSchedulePeriod"]) > _number(settings, _PERIODS):
        return "InvalidSchedule"
    told = {it.strip().casefold() for it in _text(settings, _UNITS).split(",")}
    if told and told.isdisjoint(_WORDS[profile.schedule["chargingRateUnit"]]):
        return "UnsupportedRateUnit"
    is_new = not kept.find([profile.profile_id])
    return "NoProfileSlot" if is_new and len(kept) >= _number(settings, _ENTRIES) else None


def _text(settings: Settings, names: tuple[str, str]) -> str:
    found = [it for it in map(settings.find, names) if it is not None]
    return found[0].value if found else ""


def _number(settings: Settings, names: tuple[str, str]) -> float:
    text = _text(settings, names)
    return float(text) if text else float("inf")
