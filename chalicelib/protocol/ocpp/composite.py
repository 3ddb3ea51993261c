"""Reads an answered GetCompositeSchedule: 1.6 §5.7 and 2.x K08 say the same in other places."""

from __future__ import annotations

import math
from typing import Any

from chalicelib.domain.chargers.charging_ability import RateUnit
from chalicelib.domain.chargers.commands import CommandResult, Verdict
from chalicelib.domain.grid.composite import CompositeSchedule, SchedulePeriod


def told_schedule(result: CommandResult, asked_s: int) -> CompositeSchedule | None:
    """What a charger says its limits come to over the `asked_s` seconds asked for; None where it does not say."""
    schedule = result.data.get("chargingSchedule") or result.data.get("schedule")
    if result.verdict is not Verdict.ACCEPTED or not isinstance(schedule, dict):
        return None
    periods = schedule.get("chargingSchedulePeriod")
    if not isinstance(periods, list):
        return None
    unit = RateUnit.WATTS if schedule.get("chargingRateUnit") == "W" else RateUnit.AMPERES
    found = [_period(it) for it in periods if isinstance(it, dict)]
    duration = _number(schedule.get("duration"))
    return CompositeSchedule(
        unit,
        tuple(sorted((it for it in found if it is not None), key=lambda it: it.start_s)),
        asked_s if duration is None else int(duration),
    )


def _period(raw: dict[str, Any]) -> SchedulePeriod | None:
    start, phases = _number(raw.get("startPeriod")), _number(raw.get("numberPhases"))
    if start is None:
        return None
    return SchedulePeriod(int(start), _number(raw.get("limit")), None if phases is None else int(phases) or None)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)
