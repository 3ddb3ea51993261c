"""What production keeps refuses to be deleted, from when it is deployed: tables and the pool of accounts.

Never by the template: what refuses its deletion cannot be taken back when the deployment that makes it fails, and
then no other deployment works. CloudFormation sets back what a template does not say whenever it changes the thing, so
this is done after each deployment. Done again it does nothing.
"""

from __future__ import annotations

from typing import Any

import boto3
from botocore.exceptions import ClientError

from infrastructure.stage import Stage


def protect(stage: Stage) -> list[str]:
    """Let everything of the stack that can refuse its deletion do so; returns what could not be told so now.

    A table is busy while DynamoDB builds an index, which CloudFormation does not wait for.
    """
    open_still = []
    for kind, name in _made(stage):
        if kind == "AWS::DynamoDB::Table" and not _table_refuses(name):
            open_still.append(name)
        elif kind == "AWS::Cognito::UserPool":
            _pool_refuses(name)
    return open_still


def _made(stage: Stage) -> list[tuple[str, str]]:
    pages = boto3.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stage.stack)
    return [(it["ResourceType"], it["PhysicalResourceId"]) for page in pages for it in page["StackResourceSummaries"]]


def _table_refuses(name: str) -> bool:
    dynamodb = boto3.client("dynamodb")
    if dynamodb.describe_table(TableName=name)["Table"].get("DeletionProtectionEnabled"):
        return True
    try:
        dynamodb.update_table(TableName=name, DeletionProtectionEnabled=True)
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceInUseException":
            return False
        raise
    return True


def _pool_refuses(pool_id: str) -> None:
    """Cognito sets back whatever an update does not say, so everything is said again."""
    cognito = boto3.client("cognito-idp")
    pool = cognito.describe_user_pool(UserPoolId=pool_id)["UserPool"]
    if pool.get("DeletionProtection") == "ACTIVE":
        return
    takes: Any = cognito.meta.service_model.operation_model("UpdateUserPool").input_shape
    said: dict[str, Any] = {key: value for key, value in pool.items() if key in takes.members}
    # Cognito tells both, and takes only the one within the password policy.
    said.get("AdminCreateUserConfig", {}).pop("UnusedAccountValidityDays", None)
    cognito.update_user_pool(**said | {"UserPoolId": pool_id, "DeletionProtection": "ACTIVE"})
