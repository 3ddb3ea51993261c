"""The APIs' access logs: nothing secret in a line, a bound for what they cost, and a role that no stack takes away."""

from __future__ import annotations

import json
import re
from typing import Any
from unittest.mock import Mock

import boto3
import pytest
from moto import mock_aws

from cli.fleet import ACCESS_LOG_BYTES, FRAME_LOG_BYTES, LOG_MONTHS
from infrastructure import access_logs, rest
from infrastructure.alarms import throttles
from infrastructure.cloudwatch import Alarm
from infrastructure.stage import Stage

# As long as each gets: `$context.` -> what API Gateway writes.
LONG = {
    "requestId": "01234567-89ab-cdef-0123-456789abcdef",
    "requestTimeEpoch": "1796000000000",
    "httpMethod": "DELETE",
    "resourcePath": "/v1/operator/chargers/{charger_id}/commands",
    "status": "200",
    "responseLatency": "1234",
    "integrationLatency": "123",
    "responseLength": "123456",
    "error.responseType": "-",
    "connectionId": "L0SM9cOFvHcCIhw=",
    "eventType": "MESSAGE",
    "routeKey": "$default",
}


def formats(template: dict[str, Any]) -> dict[str, str]:
    sockets = dict.fromkeys(("WebsocketAPIStage", "LiveStage"), "AccessLogSettings")
    stages = {"RestAPIStage": "AccessLogSetting", **sockets}
    found = {name: template["Resources"][name]["Properties"][key]["Fn::If"] for name, key in stages.items()}
    assert [it[0] for it in found.values()] == ["LogsApi", "LogsSockets", "LogsSockets"]
    assert [it[2] for it in found.values()] == [{"Ref": "AWS::NoValue"}] * 3
    return {name: it[1]["Format"] for name, it in found.items()}


def test_a_line_holds_no_path_as_it_was_asked_no_query_no_header_and_no_address(dev: dict[str, Any]) -> None:
    """Tickets and checkouts stand in paths and queries, passwords in headers; what else there is names nobody."""
    for line in formats(dev).values():
        asked = set(re.findall(r"\$context\.([\w.]+)", line))
        assert asked <= LONG.keys()
        assert not asked & {"path", "identity.sourceIp", "authorizer.principalId", "requestOverride.path"}
        assert not [it for it in asked if it.startswith(("request.", "identity.", "authorizer."))]


def test_a_line_is_json_whatever_api_gateway_does_not_know_and_as_long_as_it_is_paid_for(dev: dict[str, Any]) -> None:
    sizes = []
    for line in formats(dev).values():
        assert set(json.loads(re.sub(r"\$context\.[\w.]+", "-", line)).values()) == {"-"}
        sizes.append(len(re.sub(r"\$context\.([\w.]+)", lambda it: LONG[it[1]], line)))
    # Beside what CloudWatch adds to each line.
    assert sizes[0] + 26 <= ACCESS_LOG_BYTES
    assert max(sizes[1:]) + 26 <= FRAME_LOG_BYTES


def test_frames_are_logged_only_where_somebody_asks_and_requests_unless_somebody_does_not(dev: dict[str, Any]) -> None:
    assert dev["Parameters"]["AccessLogs"]["Default"] == "api"
    assert dev["Conditions"]["LogsSockets"] == {"Fn::Equals": [{"Ref": "AccessLogs"}, "all"]}
    assert dev["Conditions"]["LogsApi"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "AccessLogs"}, "none"]}]}


def test_logs_are_kept_as_long_as_they_are_paid_for(templates: dict[str, dict[str, Any]]) -> None:
    for name in ("ApiAccessLog", "SocketAccessLog", "LiveAccessLog"):
        assert templates["prod"]["Resources"][name]["Properties"]["RetentionInDays"] <= 31 * LOG_MONTHS


def test_its_own_429_is_what_api_gateway_calls_so(dev: dict[str, Any]) -> None:
    """A 429 that our code answers, or a 403 of the firewall, is another matter."""
    rule = dev["Resources"]["ApiThrottledFilter"]["Properties"]
    reasons = set(re.findall(r'\$\.refused = "(\w+)"', rule["FilterPattern"]))
    assert reasons == {reason for reason, (status, _, _) in rest.REFUSALS.items() if status == 429}
    told = rule["MetricTransformations"][0]
    (watched,) = (it for it in throttles(Stage("dev")) if it.name == "api-throttled")
    assert isinstance(watched, Alarm)
    assert (watched.namespace, watched.metric) == (told["MetricNamespace"], told["MetricName"])
    assert watched.condition == "LogsApi"


def test_whoever_is_refused_at_the_door_is_counted_whoever_refused_it(dev: dict[str, Any]) -> None:
    rule = dev["Resources"]["ApiRefusedFilter"]["Properties"]
    assert set(re.findall(r'\$\.status = "(\d+)"', rule["FilterPattern"])) == {"401", "403"}
    assert access_logs.API_LINE["status"] == "$context.status"
    told = rule["MetricTransformations"][0]
    shown = dev["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    assert json.dumps([told["MetricNamespace"], told["MetricName"]]) in shown


def test_two_stages_do_not_count_each_others_refusals() -> None:
    assert access_logs.namespace(Stage("dev")) != access_logs.namespace(Stage("prod"))


def test_no_stack_has_the_role_that_api_gateway_writes_by(dev: dict[str, Any]) -> None:
    """It is the account's: with the stack that had it, it would go for all others."""
    assert not [it for it in dev["Resources"].values() if it["Type"] == "AWS::ApiGateway::Account"]


def test_api_gateway_is_given_a_role_once_and_what_it_has_is_left() -> None:
    with mock_aws():
        assert access_logs.let_gateway_write()
        gateway, iam = boto3.client("apigateway"), boto3.client("iam")
        role = gateway.get_account()["cloudwatchRoleArn"]
        assert role == iam.get_role(RoleName="kerb-api-gateway-logs")["Role"]["Arn"]
        policy = iam.get_role_policy(RoleName="kerb-api-gateway-logs", PolicyName="logs")["PolicyDocument"]
        assert "logs:PutLogEvents" in json.dumps(policy)
        assert not access_logs.let_gateway_write()
        # The other region of the same account has no such setting, and takes the role that is there.
        gateway.update_account(patchOperations=[{"op": "remove", "path": "/cloudwatchRoleArn", "value": ""}])


def test_a_role_that_iam_has_not_told_the_world_of_yet_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    class Refused(Exception):
        pass

    gateway = Mock(**{"get_account.return_value": {}, "update_account.side_effect": [Refused, Refused, {}]})
    gateway.exceptions.BadRequestException = Refused
    monkeypatch.setattr(access_logs, "_role", lambda: "arn:role")
    monkeypatch.setattr(boto3, "client", lambda _: gateway)
    waited: list[float] = []
    assert access_logs.let_gateway_write(waited.append)
    assert len(waited) == 2
    gateway.update_account.side_effect = Refused
    with pytest.raises(Refused):
        access_logs.let_gateway_write(waited.append)
