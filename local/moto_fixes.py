"""What moto needs so that many threads may use it as one account, soon enough, and no longer than it is open.

AWS itself needs none of this.
"""

from __future__ import annotations

import base64
import json
import re
import threading
import time
from functools import cache, lru_cache, wraps
from http import HTTPStatus
from typing import Any

from botocore import xform_name
from botocore.awsrequest import AWSResponse
from botocore.client import BaseClient
from botocore.compat import HTTPHeaders
from botocore.loaders import JSONFileLoader
from botocore.model import OperationModel
from moto.core import responses
from moto.core.exceptions import JsonRESTError
from moto.core.models import DEFAULT_ACCOUNT_ID, botocore_stubber
from moto.dynamodb.responses import DynamoHandler, DynamoResult
from moto.kms import models as kms_models
from moto.kms.utils import KeySpec

# Their answers hold nothing but items, counts and keys.
_OF_ITEMS = frozenset(
    [
        *("GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan"),
        *("BatchGetItem", "BatchWriteItem", "TransactGetItems", "TransactWriteItems"),
    ]
)


# A value of bytes, which JSON cannot hold as it is.
_IS_BINARY = re.compile(rb'"BS?":')
_ONE_AT_A_TIME = threading.RLock()


@cache
def make_moto_thread_safe() -> None:
    """Let DynamoDB calls happen one after another, as its promises about single items suppose. Once is enough."""
    call_action: Any = DynamoHandler.call_action

    def one_at_a_time(handler: DynamoHandler) -> Any:
        with _ONE_AT_A_TIME:
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

    @wraps(by_model)
    def as_json(answer: DynamoResult, context: Any) -> Any:
        if context.operation_model.name not in _OF_ITEMS or not isinstance(answer.result, dict):
            return by_model(answer, context)
        return 200, {"Content-Type": "application/x-amz-json-1.0"}, json.dumps(answer.result, default=_blob)

    DynamoResult.execute_result = as_json  # type: ignore[assignment, method-assign]


@cache
def make_moto_run_machines_soon() -> None:
    """Let a state machine's definition be read once, and all its steps call Lambda by one client. Once is enough."""
    from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils  # noqa: PLC0415
    from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser  # noqa: PLC0415

    parser: Any = AmazonStateLanguageParser
    parser.parse = staticmethod(lru_cache(10)(parser.parse))
    within: Any = lambda_eval_utils
    boto_client_for = within.boto_client_for
    of_region = cache(lambda region: boto_client_for(region, "lambda"))
    within.boto_client_for = lambda region, service, state_credentials=None: of_region(region)


@cache
def reach_moto_directly() -> None:
    """Let what botocore would send to DynamoDB be a call of moto's tables. Once is enough.

    Parameters are checked and written as JSON as always; left out are the signature, the HTTP request and how moto
    reads it, which take three times as long as the tables themselves. Where no account is open, or DynamoDB is
    another's, all is as it was.
    """
    base: Any = BaseClient
    by_http = base._make_request

    @wraps(by_http)
    def make_request(client: Any, model: Any, request: dict[str, Any], context: dict[str, Any]) -> Any:
        body = request["body"]
        if not (model.name in _OF_ITEMS and _is_motos(client) and _IS_BINARY.search(body) is None):
            return by_http(client, model, request, context)
        handler: Any = DynamoHandler()
        handler.region, handler.current_account = client.meta.region_name, DEFAULT_ACCOUNT_ID
        handler.body = handler.params = json.loads(body)
        with _ONE_AT_A_TIME:
            try:
                result = getattr(handler, xform_name(model.name))().result
                status, answer = (
                    HTTPStatus.OK,
                    {name: result[name] for name in model.output_shape.members if name in result},
                )
            except JsonRESTError as error:
                status, answer = HTTPStatus.BAD_REQUEST, _error(json.loads(error.description), model)
        answer["ResponseMetadata"] = {"HTTPStatusCode": int(status), "HTTPHeaders": {}, "RetryAttempts": 0}
        return AWSResponse(request["url"], int(status), HTTPHeaders(), None), answer

    base._make_request = make_request


def _is_motos(client: Any) -> bool:
    return (
        client.meta.service_model.service_name == "dynamodb"
        and botocore_stubber.enabled
        and client.meta.endpoint_url.endswith(".amazonaws.com")
    )


def _error(said: dict[str, Any], model: OperationModel) -> dict[str, Any]:
    """What botocore makes of an error that DynamoDB tells: its fields too, where the service's model describes it."""
    code = str(said.pop("__type")).rpartition("#")[2]
    error = {"Code": code, "Message": said.get("message") or said.get("Message")}
    return {"Error": error, **(said if any(it.name == code for it in model.error_shapes) else {})}


@cache
def make_moto_seal_soon() -> None:
    """Let KMS make no pair of keys beside a symmetric one: nobody can ask for it, and it takes 0.2 s. Once will do."""
    within: Any = kms_models
    pair_for = within.generate_private_key
    within.generate_private_key = lambda spec: None if spec == KeySpec.SYMMETRIC_DEFAULT else pair_for(spec)


@cache
def make_botocore_read_once() -> None:
    """Let what describes AWS's services be read once, and not for each session of boto3's. Once is enough."""
    reader: Any = JSONFileLoader
    load_file = reader.load_file
    of_path = cache(lambda path: load_file(reader(), path))
    reader.load_file = lambda _, path: of_path(path)


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
