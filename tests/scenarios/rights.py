"""What each Lambda called while stories were told, seen beneath botocore; AWS would ask its policy about just that."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

from botocore.client import BaseClient

from local.context import LambdaContext

_CHALICE = Path(__file__).parents[2] / ".chalice"
_SERVICES = {"stepfunctions": "states", "apigatewaymanagementapi": "execute-api"}
_ACTIONS = {
    "PostToConnection": "ManageConnections",
    "GetConnection": "ManageConnections",
    "DeleteConnection": "ManageConnections",
    "Invoke": "InvokeFunction",
    "SendMessageBatch": "SendMessage",
}
# In a transaction each item asks for what it does alone.
_IN_TRANSACTION = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}


class Call(NamedTuple):
    """A function's call of an action, on a table (or its index) where it is DynamoDB's."""

    function: str
    action: str
    table: str = ""

    @property
    def service(self) -> str:
        """As policies name it."""
        return self.action.partition(":")[0]


@contextmanager
def recorded() -> Iterator[set[Call]]:
    """All calls of Lambdas in this process from now on."""
    client_class: Any = BaseClient
    original = client_class._make_api_call
    calls: set[Call] = set()

    def make_api_call(client: Any, operation: str, params: dict[str, Any]) -> Any:
        function = _function(sys._getframe(1))
        if function:
            calls.update(_calls(function, client.meta.service_model.service_name, operation, params))
        return original(client, operation, params)

    client_class._make_api_call = make_api_call
    try:
        yield calls
    finally:
        client_class._make_api_call = original


def _function(frame: FrameType | None) -> str:
    """Whose work this is: the nearest caller that was given a Lambda's context. The test's own is nobody's."""
    while frame is not None:
        context = frame.f_locals.get("context")
        if isinstance(context, LambdaContext):
            return context.function_name
        frame = frame.f_back
    return ""


def _calls(function: str, service: str, operation: str, params: dict[str, Any]) -> Iterator[Call]:
    if service != "dynamodb":
        yield Call(function, f"{_SERVICES.get(service, service)}:{_ACTIONS.get(operation, operation)}")
    elif operation == "TransactWriteItems":
        for item in params["TransactItems"]:
            for kind, what in item.items():
                yield Call(function, f"dynamodb:{_IN_TRANSACTION[kind]}", what["TableName"])
    elif operation in ("BatchGetItem", "BatchWriteItem"):
        for table in params["RequestItems"]:
            yield Call(function, f"dynamodb:{operation}", table)
    elif operation != "DescribeTable":
        index = f"/index/{params['IndexName']}" if "IndexName" in params else ""
        yield Call(function, f"dynamodb:{operation}", params["TableName"] + index)


@cache
def granted(function: str) -> frozenset[tuple[str, str]]:
    """Each action and resource that the function's policy names."""
    config = json.loads((_CHALICE / "config.json").read_text())
    of_function = config["lambda_functions"].get(function, {})
    policy = json.loads((_CHALICE / of_function.get("iam_policy_file", config["iam_policy_file"])).read_text())
    return frozenset(
        (action, resource) for it in policy["Statement"] for action in it["Action"] for resource in it["Resource"]
    )


def is_allowed(call: Call) -> bool:
    """Whether the function's policy lets it."""
    return any(
        call.action == action and (not call.table or fnmatch(call.table, resource.partition(":table/")[2]))
        for action, resource in granted(call.function)
    )
