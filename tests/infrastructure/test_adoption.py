"""What a deleted stack of production left can all be imported, by a template that speaks of nothing else."""

from __future__ import annotations

import json
from typing import Any

import boto3
from cfnlint.api import lint  # type: ignore[import-untyped]
from cfnlint.config import ManualArgs  # type: ignore[import-untyped]
from moto import mock_aws

from infrastructure import adoption
from infrastructure.stage import Stage

PROD = Stage("prod")
Template = dict[str, Any]


def kept(template: Template) -> dict[str, str]:
    resources = template["Resources"].items()
    return {name: f"id of {name}" for name, it in resources if it.get("DeletionPolicy") == "RetainExceptOnCreate"}


def test_everything_that_is_kept_can_be_imported(templates: dict[str, Template]) -> None:
    found = kept(templates["prod"])
    told = adoption.to_import(templates["prod"], found)
    assert {it["LogicalResourceId"] for it in told} == found.keys()
    assert len(found) > 50
    assert {it["ResourceType"] for it in told} == adoption.IDENTIFIERS.keys() == adoption._LOOK.keys()


def test_an_import_speaks_of_nothing_but_what_it_imports(templates: dict[str, Template]) -> None:
    """CloudFormation makes nothing in an import, and would fail on a reference to what is not there."""
    imported = adoption.import_template(templates["prod"], kept(templates["prod"]))
    problems = lint(json.dumps(imported), config=ManualArgs(regions=["eu-central-1"]))
    unused = {"W2001", "W8001"}  # parameters and conditions of what is not imported
    assert [f"{it.rule.id} {it.message}" for it in problems if it.rule.id not in unused] == []
    assert "Outputs" not in imported
    for it in imported["Resources"].values():
        assert it["DeletionPolicy"] == "RetainExceptOnCreate"


def test_what_is_not_there_is_left_to_the_deployment_that_follows(templates: dict[str, Template]) -> None:
    few = {"SitesTable": "kerb-prod-sites", "Key": "1"}
    assert adoption.import_template(templates["prod"], few)["Resources"].keys() == few.keys()


def test_what_is_there_is_found_by_its_name(templates: dict[str, Template]) -> None:
    attribute: dict[str, Any] = {"AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}]}
    attribute["KeySchema"] = [{"AttributeName": "id", "KeyType": "HASH"}]
    with mock_aws():
        assert not adoption.find(templates["prod"], PROD)
        key = boto3.client("kms").create_key()["KeyMetadata"]
        boto3.client("dynamodb").create_table(
            TableName="kerb-prod-sessions",
            BillingMode="PAY_PER_REQUEST",
            SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key["Arn"]},
            **attribute,
        )
        boto3.client("logs").create_log_group(logGroupName="/aws/lambda/kerb-prod-sweep")
        boto3.client("logs").create_log_group(logGroupName="/aws/lambda/kerb-prod-settle-not")
        secret = boto3.client("secretsmanager").create_secret(Name="kerb-prod/stripe", SecretString="x")
        queue = boto3.client("sqs").create_queue(QueueName="kerb-prod-failures")
        boto3.client("s3").create_bucket(Bucket="kerb-prod-receiptbucket-1a2b")
        pool = boto3.client("cognito-idp").create_user_pool(PoolName="kerb-prod")["UserPool"]
        front = boto3.client("cloudfront")
        control = {"Name": "kerb-prod-log", "OriginAccessControlOriginType": "s3", "SigningBehavior": "always"}
        access = front.create_origin_access_control(OriginAccessControlConfig={**control, "SigningProtocol": "sigv4"})[
            "OriginAccessControl"
        ]
        origin = {"Id": "files", "DomainName": "b.s3.amazonaws.com", "S3OriginConfig": {"OriginAccessIdentity": ""}}
        cached = {"TargetOriginId": "files", "ViewerProtocolPolicy": "https-only", "CachePolicyId": "x"}
        door = front.create_distribution(
            DistributionConfig={
                "CallerReference": "1",
                "Comment": "kerb-prod: the log of settled charges",
                "Enabled": True,
                "Origins": {"Quantity": 1, "Items": [origin]},
                "DefaultCacheBehavior": cached,
            }
        )["Distribution"]
        signs = boto3.client("kms").create_key(Description="signs the log of settled charges of kerb-prod")
        assert adoption.find(templates["prod"], PROD) == {
            "LogKey": signs["KeyMetadata"]["KeyId"],
            "LogAccess": access["Id"],
            "LogDoor": door["Id"],
            "SessionsTable": "kerb-prod-sessions",
            "Key": key["KeyId"],
            "SweepLogs": "/aws/lambda/kerb-prod-sweep",
            "StripeSecret": secret["ARN"],
            "Failures": queue["QueueUrl"],
            "ReceiptBucket": "kerb-prod-receiptbucket-1a2b",
            "UserPool": pool["Id"],
        }
