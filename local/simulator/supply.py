"""What flows through a plug: as much as its charger's profiles let it, by the car's phases, and no faster than it can.

A car changes its current within seconds, not at once: `ramp_s` is how long from nothing to all that a plug gives.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from local.simulator.battery import Car
from local.simulator.limits import Oddities
from local.simulator.parts import Connector
from local.simulator.profiles import OFFERED_W, PHASES, VOLTAGE_V, Charge, Profiles
from local.simulator.settings import Settings
from local.simulator.setup import Setup

_S_PER_HOUR = 3600
_SWITCHES = ("ConnectorSwitch3to1PhaseSupported", "SmartChargingCtrlr.Phases3to1")


@dataclass(frozen=True)
class Drive:
    """How a charger gives power: so many of its connectors charge, no car does below `least_a`; and how odd it is."""

    sharing: int
    least_a: float
    oddities: Oddities


def charge_at(at: Connector, profiles: Profiles, settings: Settings, now: datetime, oddities: Oddities) -> Charge:
    """What the limit of its power depends on: the charge, and by how many phases its car may draw."""
    switch = next((it for it in map(settings.find, _SWITCHES) if it is not None), None)
    switches = switch is not None and switch.value.casefold() == "true"
    phases = at.car.phases if at.car is not None else PHASES
    charge = replace(at.charge, phases=phases, most_phases=phases, switches=switches)
    if not switches or oddities.passes_over_phases:
        return charge
    return replace(charge, phases=min(phases, profiles.phases(at.number, now, charge)))


def offered_w(at: Connector, profiles: Profiles, charge: Charge, now: datetime, drive: Drive) -> float:
    """What a connector gives its car: nothing, or at least what a car can charge by."""
    at.phases = charge.phases
    most_w = OFFERED_W * charge.phases / PHASES
    if drive.oddities.ignores:
        return most_w
    limit_w = profiles.offered_w(at.number, now, charge, drive.sharing)
    offered = limit_w if limit_w >= drive.least_a * VOLTAGE_V * charge.phases else 0.0
    if drive.oddities.wedges_at_zero and at.transaction is not None:
        at.is_wedged = at.is_wedged or offered == 0
        return 0.0 if at.is_wedged else offered
    return offered


def flow(at: Connector, car: Car, offered_w: int, passed_s: float, setup: Setup) -> None:
    """Let time pass: the car follows what it is offered, and takes it."""
    at.power_w = int(_ramped_w(at.power_w, car.power_w(offered_w), passed_s, setup.ramp_s))
    at.register_wh += car.take(at.power_w * passed_s * setup.speed / _S_PER_HOUR)


def _ramped_w(before_w: float, wanted_w: float, passed_s: float, ramp_s: float) -> float:
    """Where the power is after `passed_s` on its way; a fall is as slow as a rise."""
    if ramp_s <= 0:
        return wanted_w
    step_w = OFFERED_W * passed_s / ramp_s
    return max(before_w - step_w, min(before_w + step_w, wanted_w))


def currents_a(at: Connector) -> tuple[float, float, float]:
    """What flows in L1, L2 and L3 of the plug."""
    each = at.power_w / (VOLTAGE_V * at.phases) if at.phases else 0.0
    return tuple(each if number < at.phases else 0.0 for number in range(PHASES))  # type: ignore[return-value]
