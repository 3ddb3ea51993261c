"""CloudWatch's arithmetic and its alarms, as far as ours use them: series of counts a minute in, who rings when out.

An alarm looks each minute at the last `period_s`, as CloudWatch does (user guide, "Alarm evaluation"). A figure that
nothing was reported of is missing (None), not nought; what is computed of it is missing too, but for FILL.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from infrastructure.cloudwatch import Alarm, Any_, Formula, Joined, Metric

Value = float | None
# Metric -> what each minute reported: a list of values, none if nothing was.
Series = Mapping[tuple[str, str], Sequence[Sequence[float]]]


class _Figure:
    """A number or nothing; nothing makes nothing of all it is computed with."""

    def __init__(self, value: Value) -> None:
        self.value = value

    def _with(self, other: Any, how: Callable[[float, float], float]) -> _Figure:
        right = other.value if isinstance(other, _Figure) else other
        if self.value is None or right is None:
            return _Figure(None)
        try:
            return _Figure(float(how(self.value, right)))
        except ZeroDivisionError:
            return _Figure(None)

    def __add__(self, other: Any) -> _Figure:
        return self._with(other, lambda a, b: a + b)

    def __sub__(self, other: Any) -> _Figure:
        return self._with(other, lambda a, b: a - b)

    def __rsub__(self, other: Any) -> _Figure:
        return self._with(other, lambda a, b: b - a)

    def __mul__(self, other: Any) -> _Figure:
        return self._with(other, lambda a, b: a * b)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> _Figure:
        return self._with(other, lambda a, b: a / b)

    def __gt__(self, other: Any) -> _Figure:
        return self._with(other, lambda a, b: a > b)

    def __ge__(self, other: Any) -> _Figure:
        return self._with(other, lambda a, b: a >= b)

    def __lt__(self, other: Any) -> _Figure:
        return self._with(other, lambda a, b: a < b)


def _of(value: Any) -> _Figure:
    return value if isinstance(value, _Figure) else _Figure(float(value))


def _if(condition: Any, then: Any, otherwise: Any) -> _Figure:
    decided = _of(condition).value
    return _Figure(None) if decided is None else _of(then if decided else otherwise)


def _fill(it: Any, value: float) -> _Figure:
    return _Figure(value) if _of(it).value is None else _of(it)


def _max(of: Sequence[Any]) -> _Figure:
    known = [value for it in of if (value := _of(it).value) is not None]
    return _Figure(max(known) if known else None)


def computed(expression: str, values: Mapping[str, Value]) -> Value:
    """What the expression makes of the metrics' values of one period."""
    known = {name: _Figure(value) for name, value in values.items()}
    functions = {"IF": _if, "FILL": _fill, "MAX": _max, "__builtins__": {}}
    return _of(eval(expression, functions, known)).value


def statistic(of: str, values: Sequence[float]) -> Value:
    """`Sum`, `SampleCount`, `Average`, `Maximum`, or the percentile rank `PR(:1500)`."""
    if not values:
        return None
    if rank := re.fullmatch(r"PR\(:(\d+)\)", of):
        return 100 * sum(it <= float(rank[1]) for it in values) / len(values)
    known = {"Sum": sum(values), "SampleCount": float(len(values)), "Maximum": max(values)}
    return {**known, "Average": sum(values) / len(values)}[of]


def rings(alarm: Any_, others: Sequence[Any_], series: Series, minute: int) -> bool:
    """Whether it is in ALARM at the end of that minute of the series."""
    if isinstance(alarm, Joined):
        by_name = {it.name: it for it in others}
        rule = re.sub(
            r"ALARM\(\{([\w-]+)\}\)", lambda it: str(rings(by_name[it[1]], others, series, minute)), alarm.rule
        )
        return bool(eval(rule.replace("AND", "and").replace("OR", "or"), {"__builtins__": {}}))
    if isinstance(alarm, Alarm):
        of = {"m": Metric(alarm.namespace, alarm.metric, alarm.dimensions, alarm.statistic)}
        expression, at_least = "m", alarm.periods
    else:
        of, expression, at_least = dict(alarm.of), alarm.expression, alarm.at_least or alarm.periods
    minutes = alarm.period_s // 60
    above = 0
    for back in range(alarm.periods):
        end = minute + 1 - back * minutes
        values = {name: statistic(it.statistic, _reported(series, it, end - minutes, end)) for name, it in of.items()}
        above += _is_above(alarm, computed(expression, values))
    return above >= at_least


def _is_above(alarm: Alarm | Formula, value: Value) -> bool:
    if value is None:
        return alarm.when_silent == "breaching"
    assert isinstance(alarm.limit, int | float)
    return value > alarm.limit if alarm.comparison == "GreaterThanThreshold" else value < alarm.limit


def _reported(series: Series, metric: Metric, start: int, end: int) -> list[float]:
    minutes = series.get((metric.namespace, metric.name), ())
    return [value for minute in minutes[max(0, start) : max(0, end)] for value in minute]
