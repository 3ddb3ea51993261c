"""One page shows whether the promises are kept, and what the alarms watch."""

from __future__ import annotations

import json
from typing import Any

from infrastructure.alarms import START_MS, STATUS_MS, alarms, shares
from infrastructure.stage import Resources, Stage, logical_id

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

    names = [it.name for it in alarms(stage)] + [it.name for it in shares(stage)]
    mine = f' service="{stage.stack}"'
    machine = ["StateMachineArn", "${SessionMachine}"]
    return [
        {
            "type": "text",
            "properties": {
                "markdown": "**Not counted**: seconds from a status to a screen, and failed calls to Stripe. "
                "Beside it stand the calls in which each happens."
            },
        },
        _graph(f"Status within {STATUS_MS // 1000} s: time of its call (ms, p99)", durations("websocket_message")),
        _graph(
            f"Start within {START_MS // 1000} s: from the request to the charger's socket, and its calls (ms, p99)",
            [
                ["Kerb", "StartCommand", "service", stage.stack, {"stat": "p99"}],
                *durations("place_hold", "start_charging"),
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
        {
            "type": "alarm",
            "properties": {
                "title": "Alarms",
                "alarms": [f"${{{logical_id(it)}Alarm.Arn}}" for it in names],
            },
        },
    ]


def _graph(title: str, metrics: list[Any]) -> dict[str, Any]:
    return {
        "type": "metric",
        "properties": {"title": title, "region": "${AWS::Region}", "stat": "Sum", "period": 300, "metrics": metrics},
    }


def _search(namespace: str, dimensions: str, metric: str, kept: str = "") -> list[dict[str, str]]:
    return [{"expression": f"SEARCH('{{{namespace},{dimensions}}} MetricName=\"{metric}\"{kept}', 'Sum', 300)"}]


def _placed(index: int, widget: dict[str, Any]) -> dict[str, Any]:
    row, column = divmod(index, _COLUMNS)
    return {"x": column * _WIDTH, "y": row * _HEIGHT, "width": _WIDTH, "height": _HEIGHT, **widget}
