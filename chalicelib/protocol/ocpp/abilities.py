"""A charger's ability to be limited, as its settings tell it by their names, and as its make is known to bend it.

1.6: the keys of §9.4 (Smart Charging profile). 2.x: the variables of SmartChargingCtrlr (part 2, appendix 3.1.15). A
setting that the charger does not know says nothing; what it says in another spelling (`power`, `A,W`) is understood.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from chalicelib.domain.chargers.charging_ability import ChargingAbility, RateUnit, RefusedForm
from chalicelib.domain.chargers.commands import ProfileKind, ProfilePurpose
from chalicelib.domain.chargers.setup import Setup
from chalicelib.domain.chargers.setup_profile import Aspect
from chalicelib.protocol.ocpp.quirks import corrected

_UNITS = {
    "current": RateUnit.AMPERES,
    "a": RateUnit.AMPERES,
    "amp": RateUnit.AMPERES,
    "amps": RateUnit.AMPERES,
    "ampere": RateUnit.AMPERES,
    "power": RateUnit.WATTS,
    "w": RateUnit.WATTS,
    "watt": RateUnit.WATTS,
    "watts": RateUnit.WATTS,
}
_YES, _NO = ("true", "1", "yes"), ("false", "0", "no")
# Who says more has never met so many.
_HIGHEST_LEVEL = 1_000


def ability_of(
    protocol: str, vendor: str | None, model: str | None, firmware: str | None, setup: Setup | None
) -> ChargingAbility:
    """What a charger can be told of power; `setup` is what was read of its settings, None: nothing."""

    def said(aspect: Aspect) -> str | None:
        line = setup.of(aspect) if setup is not None else None
        return line.said if line is not None else None

    is_16 = protocol.lower() == "ocpp1.6"
    hindrance = _hindrance(said, is_16=is_16)
    level = _number(said(Aspect.MOST_STACK_LEVEL))
    ability = ChargingAbility(
        is_controllable=not hindrance,
        note=hindrance,
        units=_units(said(Aspect.RATE_UNITS)),
        most_stack_level=None if level is None else min(level, _HIGHEST_LEVEL),
        most_periods=_number(said(Aspect.MOST_PERIODS)) or None,
        most_profiles=_number(said(Aspect.MOST_PROFILES)) or None,
        switches_phases=_flag(said(Aspect.PHASES_SWITCH)) is True,
        names_phase=_flag(said(Aspect.PHASE_IS_CHOSEN)) is True,
        # K01.FR.38
        refused=() if is_16 else (RefusedForm(ProfilePurpose.CHARGER, ProfileKind.RELATIVE),),
        is_relative_since_receipt=not is_16,
    )
    return corrected(ability, vendor, model, firmware)


def _hindrance(said: Callable[[Aspect], str | None], *, is_16: bool) -> str:
    """Why it cannot be limited at all; empty where it can."""
    if is_16:
        features = said(Aspect.FEATURES)
        # Without a word of Core it is no list of features, but a firmware's fancy (lbbrhzn/ocpp issue 2089).
        if features and "core" in features.lower() and "smartcharging" not in features.lower():
            return "its feature profiles are without SmartCharging"
        return ""
    if _flag(said(Aspect.LIMITS_THERE)) is False:
        return "SmartChargingCtrlr.Available is false"
    if _flag(said(Aspect.LIMITS_ON)) is False:
        return "SmartChargingCtrlr.Enabled is false"
    return ""


def _units(text: str | None) -> tuple[RateUnit, ...]:
    words = re.split(r"[^a-z]+", (text or "").lower())
    told = {_UNITS[it] for it in words if it in _UNITS}
    # Amperes first: what a cable carries is counted in them, whatever the voltage.
    return tuple(it for it in RateUnit if it in told) or tuple(RateUnit)


def _number(text: str | None) -> int | None:
    found = re.fullmatch(r"\s*(\d{1,9})(\.0*)?\s*", text or "")
    return int(found[1]) if found else None


def _flag(text: str | None) -> bool | None:
    word = (text or "").strip().lower()
    return True if word in _YES else False if word in _NO else None
