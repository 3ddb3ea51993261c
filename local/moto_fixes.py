"""What moto needs so that many threads may use it as one account, soon enough, and no longer than it is open.

AWS itself needs none of this.
"""

from __future__ import annotations

import base64
import json
import threading
import time
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


def end_executions(within_s: float) -> None:
    """End all workflows, as `StopExecution` does, and what they wait for; then forget them.

    One whose retry still sleeps after `within_s` calls nothing when it wakes.
    """
    # Its grammar takes half a second to load; who tests tables alone has no use for it.
    from moto.stepfunctions.parser.api import ExecutionStatus  # noqa: PLC0415
    from moto.stepfunctions.parser.models import stepfunctions_parser_backends  # noqa: PLC0415

    deadline = time.monotonic() + within_s
    backends = [it for regions in stepfunctions_parser_backends.values() for it in regions.values()]
    executions: list[Any] = [
        it for backend in backends for machine in backend.state_machines for it in machine.executions
    ]
    while running := [it for it in executions if it.status == ExecutionStatus.RUNNING]:
        for execution in running:
            env = execution.exec_worker.env
            if env is None:
                continue  # its definition is still being read
            env.set_stop(stop_date=None, cause=None, error=None)
            for waiting in list(env.callback_pool_manager._pool.values()):
                waiting.interrupt_all()
        if time.monotonic() > deadline:
            break
        time.sleep(0.01)
    for backend in backends:
        backend.state_machines.clear()


def _blob(value: bytes) -> str:
    return base64.b64encode(value).decode()
