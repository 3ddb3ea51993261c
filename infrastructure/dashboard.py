"""One page shows whether the promises are kept, and what the alarms watch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from infrastructure import access_logs, queues
from infrastructure.alarms import everything
from infrastructure.cloudwatch import Formula, Metric, alarm_id
from infrastructure.promises import promises
from infrastructure.stage import Resources, Stage

_WIDTH, _HEIGHT, _COLUMNS = 8, 6, 3


def resources(stage: Stage) -> Resources:
    body = {"widgets": [_placed(index, it) for index, it in enumerate(_widgets(stage))]}
    return {
        "Dashboard": {
            "Type": "AWS::CloudWatch::Dashboard",
            "Properties": {"DashboardName": stage.stack, "DashboardBody": {"Fn::Sub": json.dumps(body)}},
        }
    }


def _widgets(stage: Stage) -> list[dict[str, Any]]:
    def durations(*names: str) -> list[list[Any]]:
        return [["AWS/Lambda", "Duration", "FunctionName", stage.prefix + name, {"stat": "p99"}] for name in names]

    shown = [it for it in everything(stage) if not it.condition and (not isinstance(it, Formula) or it.rings)]
    mine = f' service="{stage.stack}"'
    machine = ["StateMachineArn", "${SessionMachine}"]
    return [
        {
            "type": "text",
            "properties": {
                "markdown": "**Promised**: no more than so many of a hundred fail in a month (docs/operations.md). "
                "**Not counted**: failed calls to Stripe; the calls in which they happen stand here."
            },
        },
        *(
            _graph(f"Promise {it.name}: failures of a hundred, {it.allowed_percent} allowed", _formula(it.of, it.shown))
            for it in promises(stage)
        ),
        _graph(
            "Where the time goes: a status stored; a start, its hold and its call (ms, p99)",
            [
                ["Kerb", "StartCommand", "service", stage.stack, {"stat": "p99"}],
                *durations("websocket_message", "place_hold", "start_charging"),
            ],
        ),
        _graph(
            "Sessions",
            [
                ["Kerb", "SessionsCompleted", "service", stage.stack],
                _search("Kerb", "reason,service", "SessionsFailed", mine),
            ],
        ),
        _graph("Chargers refused", [_search("Kerb", "service,status", "ChargersRefused", mine)]),
        _graph("Requests refused at the door, 401 or 403", [[access_logs.namespace(stage), access_logs.REFUSED]]),
        _graph(
            "Workflows",
            [
                ["AWS/States", name, *machine]
                for name in ("ExecutionsStarted", "ExecutionsFailed", "ExecutionsTimedOut")
            ],
        ),
        _graph("Errors", [_search("AWS/Lambda", "FunctionName", "Errors")]),
        _graph(
            "Throttles",
            [
                _search("AWS/Lambda", "FunctionName", "Throttles"),
                _search("AWS/DynamoDB", "Operation,TableName", "ThrottledRequests"),
            ],
        ),
        _graph(
            "API",
            [
                ["AWS/ApiGateway", name, "ApiName", stage.stack, "Stage", "api"]
                for name in ("Count", "4XXError", "5XXError")
            ],
        ),
        _graph(
            "Sockets",
            [
                ["AWS/ApiGateway", name, "ApiId", "${WebsocketAPI}"]
                for name in ("ConnectCount", "MessageCount", "IntegrationError")
            ],
        ),
        _graph(
            "Left in the queue",
            [["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", "${Failures.QueueName}"]],
        ),
        _graph(
            "How long the oldest message of each queue has waited (s)",
            [
                ["AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", stage.prefix + name, {"stat": "Maximum"}]
                for name in queues.NAMES
            ],
        ),
        _graph(
            "Given up: notices that nobody took, signals that a source did not tell",
            [["Kerb", name, "service", stage.stack] for name in ("NoticesGivenUp", "SignalsFailed")],
        ),
        {
            "type": "alarm",
            "properties": {
                "title": "Alarms",
                "alarms": [f"${{{alarm_id(it.name)}.Arn}}" for it in shown],
            },
        },
    ]


def _graph(title: str, metrics: list[Any]) -> dict[str, Any]:
    return {
        "type": "metric",
        "properties": {"title": title, "region": "${AWS::Region}", "stat": "Sum", "period": 300, "metrics": metrics},
    }


def _formula(of: Mapping[str, Metric], expression: str) -> list[Any]:
    """A formula of figures that are not shown themselves."""
    told: list[Any] = [[{"expression": expression, "label": "%", "id": "shown"}]]
    for name, it in of.items():
        dimensions = [part for key, value in it.dimensions.items() for part in (key, _written(value))]
        told.append([it.namespace, it.name, *dimensions, {"id": name, "stat": it.statistic, "visible": False}])
    return told


def _written(value: Any) -> str:
    """A reference as the board's text has it."""
    return f"${{{value['Ref']}}}" if isinstance(value, dict) else str(value)


def _search(namespace: str, dimensions: str, metric: str, kept: str = "") -> list[dict[str, str]]:
    return [{"expression": f"SEARCH('{{{namespace},{dimensions}}} MetricName=\"{metric}\"{kept}', 'Sum', 300)"}]


def _placed(index: int, widget: dict[str, Any]) -> dict[str, Any]:
    row, column = divmod(index, _COLUMNS)
    return {"x": column * _WIDTH, "y": row * _HEIGHT, "width": _WIDTH, "height": _HEIGHT, **widget}
