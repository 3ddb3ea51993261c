"""CloudWatch's alarms as data: on one figure, on a formula of several, and on other alarms; and how each is declared.

Each says what becomes of it when nothing is reported at all (`silence`): the alarm that rings then, or why none need.
AWS bills an alarm by the metrics that it looks at, and one on other alarms for itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from infrastructure.stage import Resources, Stage, logical_id, ref

MINUTE, HOUR, DAY = 60, 3600, 24 * 3600
# What a formula may look at, by CloudWatch's own limit.
MOST_METRICS = 10


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure that AWS or we report; `statistic` of what is reported in a period."""

    namespace: str
    name: str
    dimensions: Mapping[str, Any] = field(default_factory=dict)
    statistic: str = "Sum"


@dataclass(frozen=True, slots=True)
class Alarm:
    """`metric` of `namespace` above `limit` in `periods` periods running; a `limit` may be a parameter's."""

    name: str
    namespace: str
    metric: str
    dimensions: dict[str, Any]
    why: str
    limit: float | dict[str, str] = 0
    statistic: str = "Sum"
    period_s: int = 5 * MINUTE
    periods: int = 1
    comparison: str = "GreaterThanThreshold"
    when_silent: str = "notBreaching"
    silence: str = field(kw_only=True)
    condition: str = ""  # of the template; without it the alarm is always there

    @property
    def metrics(self) -> int:
        """That AWS bills it for."""
        return 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Formula:
    """`expression` of several metrics above `limit` in `at_least` of `periods` periods.

    With `rings` false nobody is told: it is part of a `Joined`.
    """

    name: str
    expression: str
    of: Mapping[str, Metric]
    why: str
    silence: str
    limit: float = 0
    period_s: int = 5 * MINUTE
    periods: int = 1
    at_least: int | None = None
    comparison: str = "GreaterThanThreshold"
    when_silent: str = "notBreaching"
    rings: bool = True
    condition: str = ""

    @property
    def metrics(self) -> int:
        """That AWS bills it for; a query over many counts as one, for those that report something are few."""
        return max(1, len(self.of))


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """An alarm on other alarms: `rule` says how, each named in braces: `ALARM({a}) AND ALARM({b})`."""

    name: str
    rule: str
    why: str
    silence: str
    condition: str = ""


Any_ = Alarm | Formula | Joined
# Of what counts failures only, and of what is done only when somebody asks for it.
HAPPENS = "counted only when it happens: silence is as it should be"
ASKED = "nobody may ask for it for hours; the canary does, where it is on"


def declared(stage: Stage, alarm: Any_) -> Resources:
    """The alarm as CloudFormation takes it."""
    rings = not isinstance(alarm, Formula) or alarm.rings
    properties: dict[str, Any] = {
        "AlarmName": stage.prefix + alarm.name,
        "AlarmDescription": alarm.why,
        **({"AlarmActions": [ref("Alarms")], "OKActions": [ref("Alarms")]} if rings else {}),
    }
    match alarm:
        case Alarm():
            kind, watched = "Alarm", _single(alarm)
        case Formula():
            kind, watched = "Alarm", _of_several(alarm)
        case Joined():
            kind, watched = "CompositeAlarm", {"AlarmRule": {"Fn::Sub": _named(alarm.rule)}}
    made = {"Type": f"AWS::CloudWatch::{kind}", "Properties": properties | watched}
    if alarm.condition:
        made["Condition"] = alarm.condition
    return {alarm_id(alarm.name): made}


def alarm_id(name: str) -> str:
    return f"{logical_id(name)}Alarm"


def _named(rule: str) -> str:
    """By reference, so that CloudFormation makes those first that it names."""
    return "".join(
        f'"${{{alarm_id(part.partition("}")[0])}}}"{part.partition("}")[2]}' if number else part
        for number, part in enumerate(rule.split("{"))
    )


def _single(alarm: Alarm) -> dict[str, Any]:
    is_percentile = alarm.statistic.startswith("p")
    return {
        "Namespace": alarm.namespace,
        "MetricName": alarm.metric,
        "Dimensions": _dimensions(alarm.dimensions),
        ("ExtendedStatistic" if is_percentile else "Statistic"): alarm.statistic,
        "Period": alarm.period_s,
        "EvaluationPeriods": alarm.periods,
        "Threshold": alarm.limit,
        "ComparisonOperator": alarm.comparison,
        "TreatMissingData": alarm.when_silent,
    }


def _of_several(alarm: Formula) -> dict[str, Any]:
    def counted(name: str, metric: Metric) -> dict[str, Any]:
        what = {
            "Namespace": metric.namespace,
            "MetricName": metric.name,
            "Dimensions": _dimensions(metric.dimensions),
        }
        stat = {"Metric": what, "Period": alarm.period_s, "Stat": metric.statistic}
        return {"Id": name, "ReturnData": False, "MetricStat": stat}

    watched: dict[str, Any] = {"Id": "watched", "Expression": alarm.expression, "ReturnData": True}
    if not alarm.of:
        watched["Period"] = alarm.period_s  # a query says by itself what it reads
    return {
        "Metrics": [*(counted(name, it) for name, it in alarm.of.items()), watched],
        "EvaluationPeriods": alarm.periods,
        **({} if alarm.at_least is None else {"DatapointsToAlarm": alarm.at_least}),
        "Threshold": alarm.limit,
        "ComparisonOperator": alarm.comparison,
        "TreatMissingData": alarm.when_silent,
    }


def _dimensions(dimensions: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"Name": name, "Value": value} for name, value in dimensions.items()]
