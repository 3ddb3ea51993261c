"""Somebody is told when something goes wrong; an alarm stands only on a figure that something really reports.

Here are those of single things and of what is turned away; promises are in `promises.py`, silence in `absence.py`, the
chargers' edge in `edge_alarms.py`. Not counted, for it would cost a log line a call: calls to the payment provider that
failed. What stands in for them is the time and the failures of the functions that make them.
"""

from __future__ import annotations

from typing import Any

from infrastructure import absence, access_logs, canary, promises, rest
from infrastructure.cloudwatch import ASKED, DAY, HAPPENS, HOUR, MINUTE, Alarm, Any_, Formula, Metric, declared
from infrastructure.stage import Resources, Stage, ref

PARAMETERS: dict[str, Any] = {
    "AlarmEmail": {"Type": "String", "Default": "", "Description": "Who is told of alarms; nobody if empty"},
}
CONDITIONS: dict[str, Any] = {"HasAlarmEmail": {"Fn::Not": [{"Fn::Equals": [ref("AlarmEmail"), ""]}]}}

# What reaches the world a tenth at a time (rollout.py): the alias that is called, and functions by both their names.
LIVE_ALIAS = "live"
GRADUAL = {
    "APIHandler": "api_handler",
    "WebsocketConnect": "websocket_connect",
    "WebsocketMessage": "websocket_message",
}
# Turned away in five minutes: a few come again by themselves, and so do boto's own calls.
_FEW_REFUSED = 100
# A site that fails each time fails five times in five minutes, and four quarters of an hour in one.
_FEW_LOOKS = 3
_CERTIFICATE_DAYS = 30
# A batch is gathered for a minute, and one that fails comes again after three.
_LOGGED_WITHIN_S = 900


def alarms(stage: Stage) -> list[Alarm]:
    """All that watch a single figure."""
    machine = {"StateMachineArn": ref("SessionMachine")}
    # What `handlers/http/observability.py` puts beside every figure.
    ours = {"service": stage.stack}
    return [
        Alarm(
            "hold-late",
            "AWS/Lambda",
            "Duration",
            _function(stage, "place_hold"),
            "a start waits for the hold",
            promises.START_MS * 2 / 3,
            "p99",
            periods=2,
            silence=ASKED,
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
            silence=ASKED,
        ),
        Alarm(
            "failures",
            "AWS/SQS",
            "ApproximateNumberOfMessagesVisible",
            {"QueueName": {"Fn::GetAtt": ["Failures", "QueueName"]}},
            "something done in the background failed and waits in the queue",
            statistic="Maximum",
            silence=HAPPENS,
        ),
        Alarm(
            "log-late",
            "AWS/SQS",
            "ApproximateAgeOfOldestMessage",
            {"QueueName": {"Fn::GetAtt": ["LogQueue", "QueueName"]}},
            "settled charges are not logged, and nobody can prove them yet",
            _LOGGED_WITHIN_S,
            "Maximum",
            periods=2,
            silence=HAPPENS,
        ),
        Alarm(
            "workflow-failed",
            "AWS/States",
            "ExecutionsFailed",
            machine,
            "an orderly end never fails: a session's workflow met an accident",
            silence=HAPPENS,
        ),
        Alarm(
            "workflow-timed-out",
            "AWS/States",
            "ExecutionsTimedOut",
            machine,
            "a session's workflow timed out",
            silence=HAPPENS,
        ),
        Alarm(
            "workflow-throttled",
            "AWS/States",
            "ExecutionThrottled",
            machine,
            "workflows wait for their turn",
            silence=HAPPENS,
        ),
        Alarm(
            "hold-failed",
            "AWS/Lambda",
            "Errors",
            _function(stage, "place_hold"),
            "money cannot be set aside (cards that were declined count too)",
            10,
            silence=HAPPENS,
        ),
        Alarm(
            "settle-failed",
            "AWS/Lambda",
            "Errors",
            _function(stage, "settle"),
            "money cannot be taken",
            3,
            silence=HAPPENS,
        ),
        Alarm(
            "payment-failed",
            "Kerb",
            "SessionsFailed",
            {**ours, "reason": "payment_failed"},
            "a session ended unpaid",
            silence=HAPPENS,
        ),
        Alarm(
            "session-broken",
            "Kerb",
            "SessionsFailed",
            {**ours, "reason": "internal"},
            "a session failed by our own fault",
            silence=HAPPENS,
        ),
        # Both go on with the next site, so that no function's own errors tell of them.
        Alarm(
            "looks-failed",
            "Kerb",
            "LooksFailed",
            ours,
            "a site's power cannot be shared out, minute after minute",
            _FEW_LOOKS,
            periods=2,
            silence=HAPPENS,
        ),
        Alarm(
            "plans-failed",
            "Kerb",
            "PlansFailed",
            ours,
            "a site or a car cannot be planned, quarter after quarter",
            _FEW_LOOKS,
            period_s=HOUR,
            silence=HAPPENS,
        ),
        Alarm(
            "edge-passed-by",
            "Kerb",
            "EdgePassedBy",
            ours,
            "somebody knocks at the door behind the edge, or the edge has another secret",
            5,
            silence=HAPPENS,
        ),
        Alarm(
            "mails-failed",
            "Kerb",
            "MailsFailed",
            ours,
            "a code could not be mailed: people cannot open accounts or set another password",
            silence=HAPPENS,
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
            period_s=HOUR,
            silence=HAPPENS,
        ),
        Alarm(
            "mails-unwanted",
            "AWS/SES",
            "Reputation.ComplaintRate",
            {},
            "too many people call our mails spam: SES may stop sending for us",
            0.0008,
            "Maximum",
            period_s=HOUR,
            silence=HAPPENS,
        ),
        Alarm(
            "mails-quota",
            "AWS/SES",
            "Send",
            {},
            "SES has sent nearly as many mails as it may in a day; ask for a larger quota",
            ref("MailsADayAlarm"),
            period_s=DAY,
            silence=HAPPENS,
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
                period_s=MINUTE,
                silence=HAPPENS,
            )
            for function, name in GRADUAL.items()
        ),
    ]


def shares(stage: Stage) -> list[Formula]:
    """All that watch how much of something goes wrong."""
    # Not `jwt`: a token that is refused is its error; one that it cannot judge is the API's 500.
    functions = {
        "api_handler": ASKED,
        "websocket_connect": "connects-absent",
        "websocket_message": "frames-absent",
        "websocket_disconnect": "sockets end by our own renewal, which calls no function",
    }
    api = {"ApiName": stage.stack, "Stage": "api"}
    return [
        _share("api-errors", "AWS/ApiGateway", ("5XXError", "Count"), api, "the API fails", ASKED),
        *(
            _share(
                f"{name}-errors",
                "AWS/Lambda",
                ("Errors", "Invocations"),
                _function(stage, name),
                f"{name} fails",
                silence,
            )
            for name, silence in functions.items()
        ),
    ]


def throttles(stage: Stage) -> list[Alarm | Formula]:
    """All that ring because AWS, or a bound of our own, lets too few through."""
    pool = {"UserPool": ref("UserPool"), "UserPoolClient": ref("UserPoolClient")}
    return [
        Alarm("throttled", "AWS/Lambda", "Throttles", {}, "the account's concurrency is used up", silence=HAPPENS),
        # API Gateway's 4XXError holds everybody's mistakes; which it refused itself for there being too many says only
        # the access log (access_logs.py).
        Alarm(
            "api-throttled",
            access_logs.namespace(stage),
            access_logs.THROTTLED,
            {},
            "API Gateway turns requests away because there are too many",
            _FEW_REFUSED,
            periods=2,
            silence=HAPPENS,
            condition="LogsApi",
        ),
        # Its own 4XX before any function of ours is asked: hardly anything but 429. Those that we refuse are not in it.
        Alarm(
            "sockets-throttled",
            "AWS/ApiGateway",
            "ClientError",
            {"ApiId": ref("WebsocketAPI"), "Stage": "api"},
            "API Gateway turns frames or sockets away because there are too many",
            _FEW_REFUSED,
            periods=2,
            silence=HAPPENS,
        ),
        # Each table and each index reports for itself, and only what it throttles: whichever they are, of both stages.
        *(
            Formula(
                name=f"tables-throttled-{way.lower()}s",
                expression=f'SELECT SUM({way}ThrottleEvents) FROM "AWS/DynamoDB"',  # noqa: S608
                of={},
                why=f"DynamoDB turns {way.lower()}s away: a table is new, a partition hot, or the account at its limit",
                limit=_FEW_REFUSED,
                periods=2,
                silence=HAPPENS,
            )
            for way in ("Read", "Write")
        ),
        Formula(
            name="accounts-throttled",
            expression="FILL(logins, 0) + FILL(accounts, 0) + FILL(tokens, 0)",
            of={
                "logins": Metric("AWS/Cognito", "SignInThrottles", pool),
                "accounts": Metric("AWS/Cognito", "SignUpThrottles", pool),
                "tokens": Metric("AWS/Cognito", "TokenRefreshThrottles", pool),
            },
            why="Cognito turns people away who log in or open accounts",
            silence=HAPPENS,
        ),
    ]


def certificate(name: str, arn: str, condition: str) -> Alarm:
    """On the days that a certificate of ACM has left; 60 days before its end it renews itself, if it can."""
    return Alarm(
        name,
        "AWS/CertificateManager",
        "DaysToExpiry",
        {"CertificateArn": {"Fn::Sub": arn}},
        f"the certificate ends within {_CERTIFICATE_DAYS} days, and ACM has not renewed it",
        _CERTIFICATE_DAYS,
        "Minimum",
        period_s=DAY,
        comparison="LessThanThreshold",
        when_silent="ignore",
        silence="ACM reports daily until the end, and the state stays as it is (ignore): what rang goes on",
        condition=condition,
    )


def everything(stage: Stage) -> list[Any_]:
    """Every alarm of the stack; those of the edge are in a stack of their own (edge_alarms.py)."""
    return [
        *alarms(stage),
        *shares(stage),
        *throttles(stage),
        certificate("certificate-api", rest.CERTIFICATE, "HasApiDomain"),
        *promises.burn_rates(stage),
        *absence.absences(stage),
        *canary.alarms(stage),
    ]


def topic(stage: Stage) -> Resources:
    """Who is told."""
    return {
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


def resources(stage: Stage) -> Resources:
    found = topic(stage)
    for alarm in everything(stage):
        found |= declared(stage, alarm)
    return found


def _share(  # noqa: PLR0913, PLR0917 (two metrics of one thing)
    name: str, namespace: str, metrics: tuple[str, str], dimensions: dict[str, Any], why: str, silence: str
) -> Formula:
    """More than one of a hundred goes wrong, twice running; of less than twenty in five minutes one is no rate."""
    bad, counted = metrics
    return Formula(
        name=name,
        expression="IF(all >= 20, 100 * bad / all, 0)",
        of={"bad": Metric(namespace, bad, dimensions), "all": Metric(namespace, counted, dimensions)},
        why=why,
        limit=1,
        periods=2,
        silence=silence,
    )


def _function(stage: Stage, name: str) -> dict[str, str]:
    return {"FunctionName": stage.prefix + name}
