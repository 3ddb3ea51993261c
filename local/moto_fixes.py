"""What moto needs so that many threads may use it as one account, and soon enough; AWS itself needs none of this."""

from __future__ import annotations

import base64
import json
import threading
from functools import cache
from typing import Any

from moto.core import responses
from moto.dynamodb.responses import DynamoHandler, DynamoResult

# Their answers hold nothing but items, counts and keys.
_OF_ITEMS = frozenset(
    [
        *("GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan"),
        *("BatchGetItem", "BatchWriteItem", "TransactGetItems", "TransactWriteItems"),
    ]
)


@cache
def make_moto_thread_safe() -> None:
    """Let DynamoDB calls happen one after another, as its promises about single items suppose. Once is enough."""
    call_action: Any = DynamoHandler.call_action
    lock = threading.RLock()

    def one_at_a_time(handler: DynamoHandler) -> Any:
        with lock:
            return call_action(handler)

    DynamoHandler.call_action = one_at_a_time  # type: ignore[method-assign]


@cache
def make_moto_answer_plainly() -> None:
    """Let DynamoDB's items be written as the JSON they already are. Once is enough.

    moto walks each answer by its service's model, which takes longer than all else a read does, and looks for a
    service's operations anew at each call.
    """
    within: Any = responses
    within.method_names_from_class = cache(within.method_names_from_class)
    by_model: Any = DynamoResult.execute_result

    def as_json(answer: DynamoResult, context: Any) -> Any:
        if context.operation_model.name not in _OF_ITEMS or not isinstance(answer.result, dict):
            return by_model(answer, context)
        return 200, {"Content-Type": "application/x-amz-json-1.0"}, json.dumps(answer.result, default=_blob)

    DynamoResult.execute_result = as_json  # type: ignore[assignment, method-assign]


def _blob(value: bytes) -> str:
    return base64.b64encode(value).decode()
