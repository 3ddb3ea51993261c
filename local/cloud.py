"""AWS on one machine: moto keeps the state, and the app's own handlers run in this process as its Lambdas would.

Nothing here knows charging. Tables and workflow are the deployed ones, taken from `infrastructure/`.
"""

from __future__ import annotations

import base64
import io
import json
import logging
import os
import secrets
import threading
import traceback
import zipfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

import boto3
import moto.awslambda.models
from botocore.exceptions import ClientError
from chalice import Chalice, Rate
from chalice.app import ScheduledEventConfig
from moto import mock_aws

from infrastructure import workflow
from infrastructure.tables import create_tables
from local.context import LambdaContext
from local.moto_expressions import make_moto_read_once
from local.moto_fixes import (
    end_executions,
    make_moto_answer_plainly,
    make_moto_run_machines_soon,
    make_moto_seal_soon,
    make_moto_thread_safe,
    reach_moto_directly,
)
from local.moto_tables import make_moto_measure_soon
from local.queues import Queues

REGION = "us-east-1"
LOG_BUCKET = "kerb-log"
_SECONDS = {Rate.MINUTES: 60.0, "MINUTE": 60.0, Rate.HOURS: 3600.0, Rate.DAYS: 86400.0}
_LAMBDA_TIMEOUT_S = 60
_STOP_TIMEOUT_S = 5  # how long stopping waits for each kind of work
_log = logging.getLogger(__name__)

Handler = Callable[[Any, Any], Any]


class Cloud:
    """A whole account: started, used through boto3 by whoever runs in this process, stopped. One at a time.

    Its functions are its own: its workflow calls them by an alias that no other cloud knows, and when it stops, it ends
    its workflows and waits for the functions that run.
    """

    def __init__(self, ticks_per_second: float = 1.0, *, own_key: bool = False) -> None:
        """Schedules fire `ticks_per_second` times too often.

        With 0 none fires by itself, and `fire` is the only one who does. `own_key`: with a secret access key that
        nobody else knows; for a process that has signed nothing yet, since what once signed keeps the key it had.
        """
        self._own_key = own_key
        self._ticks_per_second = ticks_per_second
        self._moto = mock_aws(config={"stepfunctions": {"execute_state_machine": True}})
        self._alias = f"cloud-{secrets.token_hex(4)}"
        self._functions = _Functions()
        self._schedules: dict[str, Handler] = {}
        self._stopping = threading.Event()
        self._ticking: list[threading.Thread] = []
        self.queues = Queues(ticks_per_second)

    def start(self) -> None:
        """Open the account and create the tables; the environment then names them for the app."""
        os.environ["AWS_DEFAULT_REGION"] = os.environ["AWS_REGION"] = REGION
        self._moto.start()
        if self._own_key:
            # moto's own is in every copy of moto; who knows it could speak to chargers through the gateway.
            os.environ["AWS_SECRET_ACCESS_KEY"] = secrets.token_hex(20)
        make_moto_thread_safe()
        make_moto_answer_plainly()
        make_moto_read_once()
        make_moto_measure_soon()
        make_moto_run_machines_soon()
        make_moto_seal_soon()
        reach_moto_directly()
        create_tables()
        _create_log()

    def deploy(self, app: Chalice) -> None:
        """Make the app's functions invocable, its workflow executable and its schedules tick."""
        self._schedules = {
            source.name: app.handler_map[source.name]
            for source in app.event_sources
            if isinstance(source, ScheduledEventConfig)
        }
        handlers = {function.name: function for function in app.pure_lambda_functions} | self._schedules
        self._functions.install(handlers)
        role = boto3.client("iam").create_role(RoleName="kerb", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
        for name in handlers:
            _create_function(name, role)
        machine = boto3.client("stepfunctions").create_state_machine(
            name="kerb-session",
            definition=json.dumps(workflow.definition(cache(self._aliased))),
            roleArn=role,
        )
        os.environ["KERB_STATE_MACHINE_ARN"] = machine["stateMachineArn"]
        self.queues.deploy(app)
        for source in app.event_sources:
            if isinstance(source, ScheduledEventConfig) and self._ticks_per_second:
                self._tick(source)

    @property
    def schedules(self) -> list[str]:
        """The names of the app's schedules."""
        return list(self._schedules)

    def fire(self, schedule: str) -> Any:
        """Let a schedule's function run now; returns what it returns, and raises what it raises.

        What it began beside itself is over by then as well.
        """
        try:
            return self._run(schedule)
        finally:
            self.settle()

    def settle(self) -> None:
        """Wait until the functions are over that were begun beside others."""
        self._functions.settle(_LAMBDA_TIMEOUT_S)

    def stop(self) -> None:
        """End the workflows, wait for the functions that run, close the account and forget everything in it."""
        self._stopping.set()
        self.queues.stop()
        for thread in self._ticking:
            thread.join(timeout=_STOP_TIMEOUT_S)
        end_executions(_STOP_TIMEOUT_S)
        self._functions.close(_STOP_TIMEOUT_S)
        self._moto.stop()

    def _aliased(self, function: str) -> str:
        """The function's ARN by the name that this cloud alone gives it."""
        client = boto3.client("lambda")
        alias = client.create_alias(FunctionName=function, Name=self._alias, FunctionVersion="$LATEST")
        return str(alias["AliasArn"])

    def _run(self, schedule: str) -> Any:
        return self._schedules[schedule](schedule_event(schedule), LambdaContext(schedule, _LAMBDA_TIMEOUT_S))

    def _tick(self, schedule: ScheduledEventConfig) -> None:
        rate = schedule.schedule_expression
        assert isinstance(rate, Rate), "only rate() schedules are ticked on this machine"
        period_s = rate.value * _SECONDS[rate.unit] / self._ticks_per_second

        def run() -> None:
            while not self._stopping.wait(period_s):
                try:
                    self._run(schedule.name)
                except Exception:
                    _log.exception("schedule %s failed", schedule.name)

        thread = threading.Thread(target=run, name=f"schedule-{schedule.name}", daemon=True)
        thread.start()
        self._ticking.append(thread)


def _create_log() -> None:
    """The log's bucket, and a key for it, since moto's KMS knows no Ed25519."""
    boto3.client("s3").create_bucket(Bucket=LOG_BUCKET)
    os.environ["KERB_LOG_BUCKET"] = LOG_BUCKET
    os.environ["KERB_LOG_SECRET"] = base64.b64encode(secrets.token_bytes(32)).decode()
    os.environ["KERB_LOG_NAME"] = "localhost/log"


def log_file(path: str) -> tuple[bytes, str] | None:
    """A file of the log and its type, as its door would serve it; None where there is none."""
    try:
        found = boto3.client("s3").get_object(Bucket=LOG_BUCKET, Key=path)
    except ClientError:
        return None
    return found["Body"].read(), found["ContentType"]


class _Functions:
    """A cloud's functions, run in this process as Lambda would: open from `install` to `close`."""

    def __init__(self) -> None:
        self._handlers: dict[str, Handler] = {}
        self._changed = threading.Condition()
        self._running = 0
        self._asynchronous: list[threading.Thread] = []
        self._replaced: dict[str, Any] = {}

    def install(self, handlers: Mapping[str, Handler]) -> None:
        """Let moto's Lambda call them by these names."""
        self._handlers = dict(handlers)
        lambda_function: Any = moto.awslambda.models.LambdaFunction
        self._replaced = {name: vars(lambda_function)[name] for name in ("_invoke_lambda", "invoke")}
        lambda_function._invoke_lambda = lambda function, event: self._invoke(function.function_name, event)
        lambda_function.invoke = self._invoked_by(lambda_function.invoke)

    def settle(self, within_s: float) -> None:
        """Wait until those are over that were invoked asynchronously."""
        while self._asynchronous:
            self._asynchronous.pop().join(timeout=within_s)

    def close(self, within_s: float) -> None:
        """Refuse further calls and wait for those that run."""
        with self._changed:
            self._handlers = {}
            self._changed.wait_for(lambda: self._running == 0, within_s)
        for name, original in self._replaced.items():
            setattr(moto.awslambda.models.LambdaFunction, name, original)

    def _invoke(self, name: str, event: Any) -> tuple[str, bool, str]:
        """What moto would do in Docker, done in the process: JSON in, JSON or a Lambda error out."""
        payload = json.loads(event) if isinstance(event, str | bytes) else event
        with self._changed:
            handler = self._handlers.get(name)
            self._running += handler is not None
        if handler is None:
            return (
                json.dumps({"errorMessage": "the cloud is closed", "errorType": "ResourceNotFoundException"}),
                True,
                "",
            )
        try:
            return json.dumps(handler(payload, LambdaContext(name, _LAMBDA_TIMEOUT_S))), False, ""
        except Exception as error:
            _log.info("function %s raised %s: %s", name, type(error).__name__, error)
            failure = {
                "errorMessage": str(error),
                "errorType": type(error).__name__,
                "stackTrace": traceback.format_tb(error.__traceback__),
            }
            return json.dumps(failure), True, ""
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify_all()

    def _invoked_by(self, moto_invoke: Callable[..., Any]) -> Callable[..., Any]:
        def invoke(function: Any, body: Any, request_headers: Any, response_headers: Any) -> Any:
            """As moto does, but that nobody waits for what is invoked asynchronously."""
            if request_headers.get("x-amz-invocation-type") != "Event":
                return moto_invoke(function, body, request_headers, response_headers)
            thread = threading.Thread(target=moto_invoke, args=(function, body, {}, {}), name="async", daemon=True)
            thread.start()
            self._asynchronous[:] = [*(it for it in self._asynchronous if it.is_alive()), thread]
            return ""

        return invoke


def _create_function(name: str, role: str) -> None:
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("app.py", "")
    boto3.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.13",
        Role=role,
        Handler=f"app.{name}",
        Code={"ZipFile": package.getvalue()},
    )


def schedule_event(name: str) -> dict[str, Any]:
    """What EventBridge hands to a schedule's function."""
    return {
        "version": "0",
        "id": name,
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "123456789012",
        "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": REGION,
        "resources": [f"arn:aws:events:{REGION}:123456789012:rule/{name}"],
        "detail": {},
    }
