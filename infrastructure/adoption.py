"""What a deleted stack left becomes a stack again: CloudFormation imports what is there and changes nothing in it.

An import takes only what exists, so its template holds what production keeps and what was found of that; the
deployment after it makes the rest. Not tried on AWS: docs/operations.md.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import boto3
from botocore.exceptions import ClientError

from infrastructure.releases import Bucket
from infrastructure.stage import Stage

# By which property CloudFormation knows a thing that it imports.
IDENTIFIERS: Mapping[str, str] = {
    "AWS::CloudFront::Distribution": "Id",
    "AWS::CloudFront::OriginAccessControl": "Id",
    "AWS::Cognito::UserPool": "UserPoolId",
    "AWS::DynamoDB::Table": "TableName",
    "AWS::KMS::Key": "KeyId",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::S3::Bucket": "BucketName",
    "AWS::SQS::Queue": "QueueUrl",
    "AWS::SecretsManager::Secret": "Id",
    "AWS::StepFunctions::StateMachine": "Arn",
}
# The workflow alone speaks of what is not imported. The deployment that follows says it again.
_UNTIL_THEN = {
    "DefinitionString": '{"StartAt":"Over","States":{"Over":{"Type":"Succeed"}}}',
    "RoleArn": {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/imported"},
}
_KEPT = "RetainExceptOnCreate"
_GONE = {"ResourceNotFoundException", "AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"}
Found = Mapping[str, str]


def find(template: Mapping[str, Any], stage: Stage) -> Found:
    """Logical name -> CloudFormation's identifier, of what production keeps and is there."""
    found = {}
    for name, it in template["Resources"].items():
        if it.get("DeletionPolicy") == _KEPT:
            identifier = _LOOK[it["Type"]](stage, name, it["Properties"])
            if identifier is not None:
                found[name] = identifier
    return found


def import_template(template: Mapping[str, Any], found: Found) -> dict[str, Any]:
    """`template` with what was found and nothing else."""
    resources = {name: dict(template["Resources"][name]) for name in found}
    for it in resources.values():
        it.pop("DependsOn", None)
        if it["Type"] == "AWS::StepFunctions::StateMachine":
            it["Properties"] = {
                key: value for key, value in it["Properties"].items() if key != "LoggingConfiguration"
            } | _UNTIL_THEN
    return {key: value for key, value in template.items() if key != "Outputs"} | {"Resources": resources}


def to_import(template: Mapping[str, Any], found: Found) -> list[dict[str, Any]]:
    """CloudFormation's ResourcesToImport."""
    kinds = {name: template["Resources"][name]["Type"] for name in found}
    return [
        {
            "ResourceType": kinds[name],
            "LogicalResourceId": name,
            "ResourceIdentifier": {IDENTIFIERS[kinds[name]]: identifier},
        }
        for name, identifier in found.items()
    ]


def adopt(template: Mapping[str, Any], stage: Stage, bucket: Bucket, chosen: Mapping[str, str]) -> Found:
    """Make the stack out of what is there; returns that. Raises SystemExit without the key, for all lies under it."""
    found = find(template, stage)
    if "Key" not in found:
        raise SystemExit("nothing to import: the key that everything is encrypted with was not found")
    cloudformation = boto3.client("cloudformation")
    path, change = f"{stage.name}/import.json", "import"
    body = json.dumps(import_template(template, found)).encode()
    boto3.client("s3").put_object(**bucket.ours, Key=path, Body=body)
    told = {key: chosen.get(key, str(it.get("Default", "none"))) for key, it in template["Parameters"].items()}
    cloudformation.create_change_set(
        StackName=stage.stack,
        ChangeSetName=change,
        ChangeSetType="IMPORT",
        TemplateURL=f"https://{bucket.name}.s3.{cloudformation.meta.region_name}.amazonaws.com/{path}",
        ResourcesToImport=to_import(template, found),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in told.items()],
        Capabilities=["CAPABILITY_IAM"],
    )
    cloudformation.get_waiter("change_set_create_complete").wait(StackName=stage.stack, ChangeSetName=change)
    cloudformation.execute_change_set(StackName=stage.stack, ChangeSetName=change)
    cloudformation.get_waiter("stack_import_complete").wait(StackName=stage.stack)
    return found


def _if_there(ask: Callable[[], str]) -> str | None:
    try:
        return ask()
    except ClientError as error:
        if error.response["Error"]["Code"] in _GONE:
            return None
        raise


def _table(_: Stage, __: str, properties: Mapping[str, Any]) -> str | None:
    name = properties["TableName"]
    return _if_there(lambda: str(boto3.client("dynamodb").describe_table(TableName=name)["Table"]["TableName"]))


def _key(stage: Stage, logical: str, properties: Mapping[str, Any]) -> str | None:
    """Its alias went with the stack, but any table names it; the log's is known by what is said of it."""
    if logical != "Key":
        return _key_described(properties["Description"])
    dynamodb = boto3.client("dynamodb")
    name = f"{stage.prefix}sessions"
    arn = _if_there(lambda: str(dynamodb.describe_table(TableName=name)["Table"]["SSEDescription"]["KMSMasterKeyArn"]))
    return arn and arn.rpartition("/")[2]


def _key_described(description: str) -> str | None:
    kms = boto3.client("kms")
    for page in kms.get_paginator("list_keys").paginate():
        for it in page["Keys"]:
            key = kms.describe_key(KeyId=it["KeyId"])["KeyMetadata"]
            if key.get("Description") == description and key["Enabled"]:
                return str(key["KeyId"])
    return None


def _loggroup(_: Stage, __: str, properties: Mapping[str, Any]) -> str | None:
    name: str = properties["LogGroupName"]
    groups = boto3.client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    return name if name in {it["logGroupName"] for it in groups} else None


def _secret(_: Stage, __: str, properties: Mapping[str, Any]) -> str | None:
    name = properties["Name"]
    return _if_there(lambda: str(boto3.client("secretsmanager").describe_secret(SecretId=name)["ARN"]))


def _queue(_: Stage, __: str, properties: Mapping[str, Any]) -> str | None:
    name = properties["QueueName"]
    return _if_there(lambda: str(boto3.client("sqs").get_queue_url(QueueName=name)["QueueUrl"]))


def _bucket(stage: Stage, logical: str, _: Mapping[str, Any]) -> str | None:
    """CloudFormation named it: by stack and resource, and something made up."""
    buckets = sorted(boto3.client("s3").list_buckets()["Buckets"], key=lambda it: it["CreationDate"])
    ours = [it["Name"] for it in buckets if it["Name"].startswith(f"{stage.stack}-{logical.lower()}-")]
    return ours[-1] if ours else None


def _statemachine(_: Stage, __: str, properties: Mapping[str, Any]) -> str | None:
    pages = boto3.client("stepfunctions").get_paginator("list_state_machines").paginate()
    machines = {it["name"]: it["stateMachineArn"] for page in pages for it in page["stateMachines"]}
    return machines.get(properties["StateMachineName"])


def _userpool(_: Stage, __: str, properties: Mapping[str, Any]) -> str | None:
    pages = boto3.client("cognito-idp").get_paginator("list_user_pools").paginate(PaginationConfig={"PageSize": 60})
    pools = {it["Name"]: it["Id"] for page in pages for it in page["UserPools"]}
    return pools.get(properties["UserPoolName"])


def _distribution(_: Stage, __: str, properties: Mapping[str, Any]) -> str | None:
    """It has no name but what is said of it."""
    pages = boto3.client("cloudfront").get_paginator("list_distributions").paginate()
    items = (it for page in pages for it in page["DistributionList"].get("Items", []))
    distributions = {it["Comment"]: it["Id"] for it in items}
    return distributions.get(properties["DistributionConfig"]["Comment"])


def _originaccesscontrol(_: Stage, __: str, properties: Mapping[str, Any]) -> str | None:
    listed = boto3.client("cloudfront").list_origin_access_controls()["OriginAccessControlList"]
    controls = {it["Name"]: it["Id"] for it in listed.get("Items", [])}
    return controls.get(properties["OriginAccessControlConfig"]["Name"])


_LOOK: Mapping[str, Callable[[Stage, str, Mapping[str, Any]], str | None]] = {
    "AWS::CloudFront::Distribution": _distribution,
    "AWS::CloudFront::OriginAccessControl": _originaccesscontrol,
    "AWS::Cognito::UserPool": _userpool,
    "AWS::DynamoDB::Table": _table,
    "AWS::KMS::Key": _key,
    "AWS::Logs::LogGroup": _loggroup,
    "AWS::S3::Bucket": _bucket,
    "AWS::SQS::Queue": _queue,
    "AWS::SecretsManager::Secret": _secret,
    "AWS::StepFunctions::StateMachine": _statemachine,
}
