"""Somebody is told when a promise breaks; an alarm stands only on a figure that something really reports.

Not counted, for it would cost a log line a frame or a call: seconds from a charger's status to a driver's screen
(promise: 10 s), and calls to the payment provider that failed. What stands in for them is the time and the failures of
the functions that do that work.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from infrastructure.stage import Resources, Stage, logical_id, ref

PARAMETERS: dict[str, Any] = {
    "AlarmEmail": {"Type": "String", "Default": "", "Description": "Who is told of alarms; nobody if empty"},
}
CONDITIONS: dict[str, Any] = {"HasAlarmEmail": {"Fn::Not": [{"Fn::Equals": [ref("AlarmEmail"), ""]}]}}

_MINUTE = 60
# What reaches the world a tenth at a time (rollout.py): the alias that is called, and functions by both their names.
LIVE_ALIAS = "live"
GRADUAL = {
    "APIHandler": "api_handler",
    "WebsocketConnect": "websocket_connect",
    "WebsocketMessage": "websocket_message",
}
STATUS_MS = 10_000
START_MS = 3_000


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
    period_s: int = 5 * _MINUTE
    periods: int = 1
    comparison: str = "GreaterThanThreshold"
    when_silent: str = "notBreaching"


@dataclass(frozen=True, slots=True)
class Share:
    """`bad` above `percent` of `all`, both metrics of one thing."""

    name: str
    namespace: str
    bad: str
    all: str
    dimensions: dict[str, Any]
    why: str
    percent: float = 1
    least: int = 20  # of fewer, one is no rate


def alarms(stage: Stage) -> list[Alarm]:
    """All that watch a single figure."""
    machine = {"StateMachineArn": ref("SessionMachine")}
    # What `handlers/http/observability.py` puts beside every figure.
    ours = {"service": stage.stack}
    silent = [
        Alarm(
            f"{name}-stopped",
            "AWS/Lambda",
            "Invocations",
            _function(stage, name),
            f"the schedule {name} has stopped",
            limit=1,
            comparison="LessThanThreshold",
            when_silent="breaching",
        )
        for name in ("sweep", "claim", "reservations", "lists", "notices", "alarm_desk")
    ]
    return [
        Alarm(
            "status-late",
            "AWS/Lambda",
            "Duration",
            _function(stage, "websocket_message"),
            "a status is stored in this call, and should be seen within 10 s",
            STATUS_MS / 2,
            "p99",
            periods=2,
        ),
        Alarm(
            "start-late",
            "Kerb",
            "StartCommand",
            ours,
            "chargers are asked to start more than 3 s after their drivers asked",
            START_MS,
            "p99",
            periods=2,
        ),
        Alarm(
            "hold-late",
            "AWS/Lambda",
            "Duration",
            _function(stage, "place_hold"),
            "a start waits for the hold",
            START_MS * 2 / 3,
            "p99",
            periods=2,
        ),
        Alarm(
            "api-late",
            "AWS/ApiGateway",
            "Latency",
            {"ApiName": stage.stack, "Stage": "api"},
            "the API is slow",
            3_000,
            "p99",
            periods=3,
        ),
        Alarm("throttled", "AWS/Lambda", "Throttles", {}, "the account's concurrency is used up"),
        Alarm(
            "failures",
            "AWS/SQS",
            "ApproximateNumberOfMessagesVisible",
            {"QueueName": {"Fn::GetAtt": ["Failures", "QueueName"]}},
            "something done in the background failed and waits in the queue",
            statistic="Maximum",
        ),
        Alarm(
            "workflow-failed",
            "AWS/States",
            "ExecutionsFailed",
            machine,
            "an orderly end never fails: a session's workflow met an accident",
        ),
        Alarm("workflow-timed-out", "AWS/States", "ExecutionsTimedOut", machine, "a session's workflow timed out"),
        Alarm("workflow-throttled", "AWS/States", "ExecutionThrottled", machine, "workflows wait for their turn"),
        Alarm(
            "hold-failed",
            "AWS/Lambda",
            "Errors",
            _function(stage, "place_hold"),
            "money cannot be set aside (cards that were declined count too)",
            10,
        ),
        Alarm("settle-failed", "AWS/Lambda", "Errors", _function(stage, "settle"), "money cannot be taken", 3),
        Alarm(
            "payment-failed", "Kerb", "SessionsFailed", {**ours, "reason": "payment_failed"}, "a session ended unpaid"
        ),
        Alarm(
            "session-broken",
            "Kerb",
            "SessionsFailed",
            {**ours, "reason": "internal"},
            "a session failed by our own fault",
        ),
        Alarm(
            "edge-passed-by",
            "Kerb",
            "EdgePassedBy",
            ours,
            "somebody knocks at the door behind the edge, or the edge has another secret",
            5,
        ),
        Alarm(
            "mails-failed",
            "Kerb",
            "MailsFailed",
            ours,
            "a code could not be mailed: people cannot open accounts or set another password",
        ),
        # Of the whole account, as SES reports them. Above 5% and 0.1% it puts the account under review.
        Alarm(
            "mails-bounced",
            "AWS/SES",
            "Reputation.BounceRate",
            {},
            "too many mails come back: SES may stop sending for us",
            0.04,
            "Maximum",
            period_s=60 * _MINUTE,
        ),
        Alarm(
            "mails-unwanted",
            "AWS/SES",
            "Reputation.ComplaintRate",
            {},
            "too many people call our mails spam: SES may stop sending for us",
            0.0008,
            "Maximum",
            period_s=60 * _MINUTE,
        ),
        Alarm(
            "mails-quota",
            "AWS/SES",
            "Send",
            {},
            "SES has sent nearly as many mails as it may in a day; ask for a larger quota",
            ref("MailsADayAlarm"),
            period_s=24 * 60 * _MINUTE,
        ),
        *(
            Alarm(
                f"release-{name}",
                "AWS/Lambda",
                "Errors",
                {
                    **_function(stage, name),
                    "Resource": f"{stage.prefix}{name}:{LIVE_ALIAS}",
                    "ExecutedVersion": {"Fn::GetAtt": [f"{function}VersionAtRelease", "Version"]},
                },
                "the release that is being rolled out fails, and is taken back",
                2,
                period_s=_MINUTE,
            )
            for function, name in GRADUAL.items()
        ),
        *silent,
    ]


def shares(stage: Stage) -> list[Share]:
    """All that watch how much of something goes wrong."""
    # Not `jwt`: a token that is refused is its error; one that it cannot judge is the API's 500.
    functions = ("api_handler", "websocket_connect", "websocket_message", "websocket_disconnect")
    return [
        Share(
            "api-errors",
            "AWS/ApiGateway",
            "5XXError",
            "Count",
            {"ApiName": stage.stack, "Stage": "api"},
            "the API fails",
        ),
        *(
            Share(f"{name}-errors", "AWS/Lambda", "Errors", "Invocations", _function(stage, name), f"{name} fails")
            for name in functions
        ),
    ]


def resources(stage: Stage) -> Resources:
    found: Resources = {
        "Alarms": {
            "Type": "AWS::SNS::Topic",
            "Properties": {"TopicName": f"{stage.prefix}alarms", "KmsMasterKeyId": ref("Key")},
        },
        "AlarmEmailSubscription": {
            "Type": "AWS::SNS::Subscription",
            "Condition": "HasAlarmEmail",
            "Properties": {"TopicArn": ref("Alarms"), "Protocol": "email", "Endpoint": ref("AlarmEmail")},
        },
    }
    for alarm in alarms(stage):
        found[f"{logical_id(alarm.name)}Alarm"] = _declared(stage, alarm, _single(alarm))
    for share in shares(stage):
        found[f"{logical_id(share.name)}Alarm"] = _declared(stage, share, _of_two(share))
    return found


def _function(stage: Stage, name: str) -> dict[str, str]:
    return {"FunctionName": stage.prefix + name}


def _declared(stage: Stage, alarm: Alarm | Share, watched: dict[str, Any]) -> dict[str, Any]:
    return {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "AlarmName": stage.prefix + alarm.name,
            "AlarmDescription": alarm.why,
            "AlarmActions": [ref("Alarms")],
            "OKActions": [ref("Alarms")],
            **watched,
        },
    }


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


def _of_two(share: Share) -> dict[str, Any]:
    def counted(name: str, metric: str) -> dict[str, Any]:
        what = {"Namespace": share.namespace, "MetricName": metric, "Dimensions": _dimensions(share.dimensions)}
        return {
            "Id": name,
            "ReturnData": False,
            "MetricStat": {"Metric": what, "Period": 5 * _MINUTE, "Stat": "Sum"},
        }

    rate = f"IF(all >= {share.least}, 100 * bad / all, 0)"
    return {
        "Metrics": [
            counted("bad", share.bad),
            counted("all", share.all),
            {"Id": "rate", "Expression": rate, "Label": "%", "ReturnData": True},
        ],
        "EvaluationPeriods": 2,
        "Threshold": share.percent,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
    }


def _dimensions(dimensions: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"Name": name, "Value": value} for name, value in dimensions.items()]
