"""The edge's alarms are a stack of their own where CloudFront and its certificates report: us-east-1."""

from __future__ import annotations

import json
from typing import Any
from unittest.mock import Mock

import boto3
import pytest
from botocore.exceptions import ClientError
from cfnlint.api import lint  # type: ignore[import-untyped]
from cfnlint.config import ManualArgs  # type: ignore[import-untyped]
from moto import mock_aws

from infrastructure import edge_alarms
from infrastructure.stage import Stage

PROD = Stage("prod")
OUTPUTS = {"ChargerEdgeId": "E2EXAMPLE", "ApiUrl": "https://api.example.com"}
CHOSEN = {"AlarmEmail": "on-call@example.com", "ChargerDomain": "ocpp.example.com", "Maps": ""}


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_cloudformation_has_nothing_to_complain_about(name: str) -> None:
    found = lint(json.dumps(edge_alarms.template(Stage(name))), config=ManualArgs(regions=["us-east-1"]))
    assert [f"{it.rule.id} {it.message} {it.path}" for it in found] == []


def test_it_fits_what_cloudformation_takes_without_a_bucket() -> None:
    assert len(json.dumps(edge_alarms.template(PROD))) < 51_200


def test_each_edge_and_each_certificate_is_watched_where_there_is_one() -> None:
    made = edge_alarms.template(PROD)["Resources"]
    conditions = {it["Properties"]["AlarmName"]: it.get("Condition") for it in made.values() if "Alarm" in it["Type"]}
    assert conditions == {
        "kerb-prod-edge-failing": None,
        "kerb-prod-edge-refusing": None,
        "kerb-prod-certificate-chargers": "HasChargerDomain",
        "kerb-prod-edge-failing-ecdsa": "HasChargerEcdsaDomain",
        "kerb-prod-edge-refusing-ecdsa": "HasChargerEcdsaDomain",
        "kerb-prod-certificate-chargers-ecdsa": "HasChargerEcdsaDomain",
    }


def test_the_stage_puts_out_and_takes_what_the_small_stack_wants_to_know(dev: dict[str, Any]) -> None:
    wanted = edge_alarms.template(Stage("dev"))["Parameters"].keys()
    assert wanted <= dev["Outputs"].keys() | dev["Parameters"].keys()
    assert {"ChargerEdgeId", "ChargerEcdsaEdgeId"} <= dev["Outputs"].keys()


def test_it_is_made_in_us_east_1_wherever_the_stage_is_and_changed_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    # moto's CloudFormation knows no alarms: what becomes of the parameters is seen all the same.
    few = {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": {"Ref": "AlarmEmail"}}}}
    whole = edge_alarms.template(PROD)
    monkeypatch.setattr(edge_alarms, "template", lambda _: {**whole, "Resources": few})
    with mock_aws():
        assert edge_alarms.deploy(PROD, OUTPUTS, CHOSEN) == "made"
        told = {**CHOSEN, "AlarmEmail": "others@example.com"}
        assert edge_alarms.deploy(PROD, OUTPUTS, told) == "changed"
        there = boto3.client("cloudformation", region_name="us-east-1").describe_stacks(StackName="kerb-prod-edge")
        parameters = {it["ParameterKey"]: it["ParameterValue"] for it in there["Stacks"][0]["Parameters"]}
        assert parameters["ChargerEdgeId"] == "E2EXAMPLE"
        assert parameters["AlarmEmail"] == "others@example.com"
        assert parameters["ChargerEcdsaDomain"] == ""
        elsewhere = boto3.client("cloudformation", region_name="eu-central-1").describe_stacks()["Stacks"]
        assert elsewhere == []


def refused(message: str) -> ClientError:
    return ClientError({"Error": {"Code": "ValidationError", "Message": message}}, "UpdateStack")


def test_what_is_as_it_should_be_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    there = {"describe_stacks.return_value": {"Stacks": [{"StackStatus": "UPDATE_COMPLETE"}]}}
    cloudformation = Mock(**there, **{"update_stack.side_effect": refused("No updates are to be performed.")})
    monkeypatch.setattr(boto3, "client", lambda *_, **__: cloudformation)
    assert edge_alarms.deploy(PROD, OUTPUTS, CHOSEN) == "as it was"


def test_a_failed_first_try_is_taken_away_and_another_failure_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    there = {"describe_stacks.return_value": {"Stacks": [{"StackStatus": "ROLLBACK_COMPLETE"}]}}
    cloudformation = Mock(**there, **{"create_stack.side_effect": refused("not authorized")})
    monkeypatch.setattr(boto3, "client", lambda *_, **__: cloudformation)
    with pytest.raises(SystemExit, match=r"kerb-prod is deployed, but .* not authorized"):
        edge_alarms.deploy(PROD, OUTPUTS, CHOSEN)
    cloudformation.delete_stack.assert_called_once_with(StackName="kerb-prod-edge")


def test_a_stage_without_an_edge_has_no_such_stack() -> None:
    assert edge_alarms.deploy(PROD, {}, CHOSEN) == "nothing to watch"
