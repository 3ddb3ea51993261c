"""Reads an answered GetCompositeSchedule: 1.6 §5.7 and 2.x K08 say the same in other places."""

from __future__ import annotations

import math
from typing import Any

from chalicelib.domain.chargers.charging_ability import RateUnit
from chalicelib.domain.chargers.commands import CommandResult, Verdict
from chalicelib.domain.grid.composite import CompositeSchedule, SchedulePeriod


def told_schedule(result: CommandResult, asked_s: int) -> CompositeSchedule | None:
    """What a charger says its limits come to over the `asked_s` seconds asked for; None where it does not say.

    Of what is beyond them nothing is believed: SAP's simulator tells of 270,000 years.
    """
    schedule = result.data.get("chargingSchedule") or result.data.get("schedule")
    if result.verdict is not Verdict.ACCEPTED or not isinstance(schedule, dict):
        return None
    periods = schedule.get("chargingSchedulePeriod")
    if not isinstance(periods, list):
        return None
    unit = RateUnit.WATTS if schedule.get("chargingRateUnit") == "W" else RateUnit.AMPERES
    found = (_period(it) for it in periods if isinstance(it, dict))
    in_order = sorted((it for it in found if it is not None), key=lambda it: it.start_s)
    duration = _number(schedule.get("duration"))
    until_s = asked_s if duration is None else max(min(int(duration), asked_s), 0)
    return CompositeSchedule(unit, tuple(it for it in in_order if 0 <= it.start_s < until_s), until_s)


def _period(raw: dict[str, Any]) -> SchedulePeriod | None:
    start, limit, phases = (_number(raw.get(it)) for it in ("startPeriod", "limit", "numberPhases"))
    if start is None:
        return None
    # MicroOcpp says -1 for "no limit", and of a unit in which it was told none.
    is_limited, has_phases = limit is not None and limit >= 0, phases is not None and phases >= 1
    return SchedulePeriod(int(start), limit if is_limited else None, int(phases or 0) if has_phases else None)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)
