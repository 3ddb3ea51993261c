"""AWS on one machine: moto keeps the state, and the app's own handlers run in this process as its Lambdas would.

Nothing here knows charging. Tables and workflow are the deployed ones, taken from `infrastructure/`.
"""

from __future__ import annotations

import io
import json
import logging
import os
import secrets
import threading
import traceback
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import boto3
import moto.awslambda.models
from chalice import Chalice, Rate
from chalice.app import ScheduledEventConfig
from moto import mock_aws

from infrastructure import workflow
from infrastructure.tables import create_tables
from local.context import LambdaContext
from local.moto_fixes import make_moto_answer_plainly, make_moto_thread_safe
from local.queues import Queues

REGION = "us-east-1"
_SECONDS = {Rate.MINUTES: 60.0, "MINUTE": 60.0, Rate.HOURS: 3600.0, Rate.DAYS: 86400.0}
_LAMBDA_TIMEOUT_S = 60
_INVOKE: Any = moto.awslambda.models.LambdaFunction.invoke
_log = logging.getLogger(__name__)

Handler = Callable[[Any, Any], Any]


class Cloud:
    """A whole account: started, used through boto3 by whoever runs in this process, stopped."""

    def __init__(self, ticks_per_second: float = 1.0, *, own_key: bool = False) -> None:
        """Schedules fire `ticks_per_second` times too often.

        With 0 none fires by itself, and `fire` is the only one who does. `own_key`: with a secret access key that
        nobody else knows; for a process that has signed nothing yet, since what once signed keeps the key it had.
        """
        self._own_key = own_key
        self._ticks_per_second = ticks_per_second
        self._moto = mock_aws(config={"stepfunctions": {"execute_state_machine": True}})
        self._handlers: dict[str, Handler] = {}
        self._schedules: dict[str, Handler] = {}
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._beside: list[threading.Thread] = []
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
        create_tables()

    def deploy(self, app: Chalice) -> None:
        """Make the app's functions invocable, its workflow executable and its schedules tick."""
        self._schedules = {
            source.name: app.handler_map[source.name]
            for source in app.event_sources
            if isinstance(source, ScheduledEventConfig)
        }
        self._handlers = {function.name: function for function in app.pure_lambda_functions} | self._schedules
        lambda_function: Any = moto.awslambda.models.LambdaFunction
        lambda_function._invoke_lambda = _invoker(self._handlers)
        lambda_function.invoke = _beside(self._beside)
        role = boto3.client("iam").create_role(RoleName="kerb", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
        arns = {name: _create_function(name, role) for name in self._handlers}
        machine = boto3.client("stepfunctions").create_state_machine(
            name="kerb-session",
            definition=json.dumps(workflow.definition(arns.__getitem__)),
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
        while self._beside:
            self._beside.pop().join(timeout=_LAMBDA_TIMEOUT_S)

    def stop(self) -> None:
        """Close the account and forget everything in it."""
        self._stopping.set()
        self.queues.stop()
        for thread in (*self._threads, *self._beside):
            thread.join(timeout=5)
        self._moto.stop()

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
        self._threads.append(thread)


def _invoker(handlers: dict[str, Handler]) -> Callable[[Any, Any], tuple[str, bool, str]]:
    def invoke(function: Any, event: Any) -> tuple[str, bool, str]:
        """What moto would do in Docker, done in the process: JSON in, JSON or a Lambda error out."""
        name = function.function_name
        payload = json.loads(event) if isinstance(event, str | bytes) else event
        try:
            result = handlers[name](payload, LambdaContext(name, _LAMBDA_TIMEOUT_S))
            return json.dumps(result), False, ""
        except Exception as error:
            _log.info("function %s raised %s: %s", name, type(error).__name__, error)
            failure = {
                "errorMessage": str(error),
                "errorType": type(error).__name__,
                "stackTrace": traceback.format_tb(error.__traceback__),
            }
            return json.dumps(failure), True, ""

    return invoke


def _beside(begun: list[threading.Thread]) -> Callable[..., Any]:
    def invoke(function: Any, body: Any, request_headers: Any, response_headers: Any) -> Any:
        """As moto does, but that nobody waits for what is to run beside its caller."""
        if request_headers.get("x-amz-invocation-type") != "Event":
            return _INVOKE(function, body, request_headers, response_headers)
        thread = threading.Thread(target=_INVOKE, args=(function, body, {}, {}), name="beside", daemon=True)
        thread.start()
        begun[:] = [*(it for it in begun if it.is_alive()), thread]
        return ""

    return invoke


def _create_function(name: str, role: str) -> str:
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("app.py", "")
    created = boto3.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.13",
        Role=role,
        Handler=f"app.{name}",
        Code={"ZipFile": package.getvalue()},
    )
    return str(created["FunctionArn"])


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
