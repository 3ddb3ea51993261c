"""What is known of single makers' charging profiles beyond what their chargers say: one row each, with its source.

A row corrects a charger's ability (`abilities.py`); what its firmware is seen to do corrects the row. A charger that
merely refuses what it is sent needs no row: it is asked the next best by itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from chalicelib.domain.chargers.charging_ability import ChargingAbility, RateUnit, RefusedForm
from chalicelib.domain.chargers.commands import ProfileKind, ProfilePurpose
from chalicelib.domain.data_classes import dataclass, replace

Change = Callable[[ChargingAbility], ChargingAbility]


@dataclass(frozen=True, slots=True)
class Make:
    """Chargers whose vendor, model and firmware begin with these patterns, whatever their capitals."""

    vendor: str
    model: str = ""
    firmware: str = ""

    def is_of(self, vendor: str, model: str, firmware: str) -> bool:
        """Whether a charger that says so of itself is one of them."""
        pairs = ((self.vendor, vendor), (self.model, model), (self.firmware, firmware))
        return all(re.match(pattern, said.strip(), re.IGNORECASE) for pattern, said in pairs)


@dataclass(frozen=True, slots=True)
class ProfileQuirk:
    """A quirk of a make: where it was found, and what it makes of their ability."""

    make: Make
    source: str
    change: Change


def _lowest_level_only(ability: ChargingAbility) -> ChargingAbility:
    return replace(ability, most_stack_level=0)


def _watts_only(ability: ChargingAbility) -> ChargingAbility:
    return replace(ability, units=(RateUnit.WATTS,))


def _amperes_only(ability: ChargingAbility) -> ChargingAbility:
    return replace(ability, units=(RateUnit.AMPERES,))


def _never_zero(ability: ChargingAbility) -> ChargingAbility:
    return replace(ability, pauses_at_zero=False)


def _forgets_when_cut(ability: ChargingAbility) -> ChargingAbility:
    return replace(ability, keeps_when_cut=False)


def _never_switches(ability: ChargingAbility) -> ChargingAbility:
    return replace(ability, switches_phases=False)


def _refuses(*forms: RefusedForm) -> Change:
    return lambda ability: replace(ability, refused=(*ability.refused, *forms))


def _says(note: str) -> Change:
    return lambda ability: replace(ability, note=note)


_WHOLE, _OF_SESSION = ProfilePurpose.CHARGER, ProfilePurpose.SESSION
_RELATIVE_WHOLE = _refuses(RefusedForm(_WHOLE, ProfileKind.RELATIVE))
_BEFORE_56 = r"0?5[0-5]\."
_SCHNEIDER = "limits are taken only while its installer lets an external system manage its energy"

QUIRKS: tuple[ProfileQuirk, ...] = (
    # ChargeProfileMaxStackLevel says 3; all but 0 is refused, or drives nothing.
    ProfileQuirk(Make("abb", r"(cdt_)?tac"), "evcc-io/evcc issue 15493, lbbrhzn/ocpp issue 1737", _lowest_level_only),
    # "We only do support StackLevel: 0."
    ProfileQuirk(
        Make("wall ?box"), "evcc-io/evcc issues 4957 and 15581, sap-labs-france/ev-server 3997", _lowest_level_only
    ),
    # Paused by 0 A it says SuspendedEVSE, then SuspendedEV, and never goes on; 6.7 does (ConnectorIO/addons 152).
    ProfileQuirk(Make("wall ?box", firmware=r"[1-5]\.|6\.[0-6]\."), "lbbrhzn/ocpp issue 1245", _never_zero),
    # "When chargingProfilePurpose =ChargingStationMaxProfile, chargingProfileKind SHALL NOT be Relative", over 1.6.
    ProfileQuirk(Make("autel"), "lbbrhzn/ocpp issues 677 and 1565", _RELATIVE_WHOLE),
    # It needs its limits in W; its controller is EFR's.
    ProfileQuirk(Make("homecharge|efr"), "evcc-io/evcc issue 9838", _watts_only),
    # Its key says "power". Some firmwares leave the vendor out (evcc issue 32170).
    ProfileQuirk(Make("huawei"), "lbbrhzn/ocpp issues 1635 and 1810", _watts_only),
    ProfileQuirk(Make("$", "acchargepoint"), "evcc-io/evcc issue 32170, lbbrhzn/ocpp issue 1635", _watts_only),
    # "Load balancer is disabled", "EM controlled by external system is disabled": a switch for its installer.
    ProfileQuirk(Make("schneider", "ev ?link"), "lbbrhzn/ocpp issue 877", _says(_SCHNEIDER)),
    # Of 56.2 on: with the socket goes the profile, and it charges at full speed.
    ProfileQuirk(Make("go-e"), "goecharger/go-eCharger-API-v2 issue 217", _forgets_when_cut),
    ProfileQuirk(Make("go-e"), "goecharger/go-eCharger-API-v2 issue 190", _amperes_only),
    # What comes after a limit of 0 is not kept at first: it resumes without limit.
    ProfileQuirk(Make("go-e", firmware=_BEFORE_56), "goecharger/go-eCharger-API-v2 issue 155", _never_zero),
    # It says that it can, and stays on three phases.
    ProfileQuirk(Make("go-e", firmware=_BEFORE_56), "goecharger/go-eCharger-API-v2 issue 154", _never_switches),
    # Rejected, where a default is Accepted.
    ProfileQuirk(Make("ev-?box"), "lbbrhzn/ocpp issues 221 and 1703", _refuses(RefusedForm(_WHOLE))),
    ProfileQuirk(Make("timxon"), "lbbrhzn/ocpp issue 2158", _refuses(RefusedForm(_WHOLE), RefusedForm(_OF_SESSION))),
    # It says Accepted to a TxProfile while suspended, and throws it away: a default holds.
    ProfileQuirk(Make("delta|bmw"), "JoaoPedroBelo/bmw-wallbox-ha 19 and 20", _refuses(RefusedForm(_OF_SESSION))),
)


def corrected(ability: ChargingAbility, vendor: str | None, model: str | None, firmware: str | None) -> ChargingAbility:
    """The ability of a charger of that make, by what is known of it."""
    for quirk in QUIRKS:
        if quirk.make.is_of(vendor or "", model or "", firmware or ""):
            ability = quirk.change(ability)
    return ability
