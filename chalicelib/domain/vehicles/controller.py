"""Who carries out a car's plan: the charger or the car, by rule, written down, and never both.

A charger that shares its site's power is always the one: what a car decided beside it would be another's current. A car
waits by its own word only where it begins by itself should everybody else fall silent, or its driver said it may.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from chalicelib.domain.data_classes import dataclass


class Controller(StrEnum):
    """Who alone begins and ends the charge."""

    CAR = "car"
    CHARGER = "charger"
    # It charges as it is plugged in.
    NOBODY = "nobody"


class ControlRule(StrEnum):
    """Why it is that one."""

    SITE_SHARES_POWER = "site_shares_power"
    OWN_SCHEDULE_BENEATH = "own_schedule_beneath"
    DRIVER_LETS_IT_WAIT = "driver_lets_it_wait"
    CHARGER_ALONE = "charger_alone"
    AWAY_FROM_HOME = "away_from_home"
    NOTHING_BENEATH = "nothing_beneath"
    HANDED_ON = "handed_on"
    CHARGE_NOW = "charge_now"


@dataclass(frozen=True, slots=True)
class Control:
    """Who has it, by which rule, since when."""

    controller: Controller
    rule: ControlRule
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What there is to carry a plan out with.

    `is_charger_ours`: the car is known to stand at a charger of ours, in a session; `charger_shares_power`: that
    session's site is planned as one.
    """

    car_switches: bool = False
    car_keeps_schedule: bool = False
    may_wait_unguarded: bool = False
    is_charger_ours: bool = False
    charger_shares_power: bool = False
    is_home: bool = True

    @property
    def has_charger(self) -> bool:
        """Whether a charger can take a plan over: one that does not share power follows none."""
        return self.is_charger_ours and self.charger_shares_power


def chosen(means: Means, at: datetime) -> Control:
    """The one who carries a plan out; the first rule that fits is the one."""
    if means.has_charger:
        return Control(Controller.CHARGER, ControlRule.SITE_SHARES_POWER, at)
    if means.is_charger_ours:
        # Who occupies a paid plug does not wait there for cheaper hours.
        return Control(Controller.NOBODY, ControlRule.CHARGER_ALONE, at)
    if not means.is_home:
        return Control(Controller.NOBODY, ControlRule.AWAY_FROM_HOME, at)
    if means.car_switches and means.car_keeps_schedule:
        return Control(Controller.CAR, ControlRule.OWN_SCHEDULE_BENEATH, at)
    if means.car_switches and means.may_wait_unguarded:
        return Control(Controller.CAR, ControlRule.DRIVER_LETS_IT_WAIT, at)
    return Control(Controller.NOBODY, ControlRule.NOTHING_BENEATH, at)
