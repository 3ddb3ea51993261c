"""The local cloud ends as an account does that is closed: what ran in it calls nobody else's functions."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from chalice import Chalice
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from infrastructure import workflow
from local.cloud import REGION, Cloud
from tests.patience import PATIENCE_S

ACCOUNT = "123456789012"
SESSION = {"session_id": "s-1", "start_timeout_s": 60}


class Functions:
    """The workflow's functions, which remember what they were called with; a test replaces the one it is about."""

    def __init__(self, **steps: Any) -> None:
        self.called: list[tuple[str, Any]] = []
        self.changed = threading.Condition()
        self.app = Chalice("kerb")
        names: set[str] = set()
        workflow.definition(lambda name: names.add(name) or name)  # type: ignore[func-returns-value]
        for name in sorted(names):
            self.app.lambda_function(name)(self._step(name, steps.get(name)))

    def _step(self, name: str, step: Any) -> Any:
        def run(event: Any, context: Any) -> Any:
            with self.changed:
                self.called.append((name, event))
                self.changed.notify_all()
            return step(event) if step else {}

        return run

    def until_called(self, name: str) -> Any:
        """What it was first called with."""
        with self.changed:
            assert self.changed.wait_for(lambda: name in dict(self.called), PATIENCE_S), self.called
            return dict(self.called)[name]


@contextmanager
def running(functions: Functions) -> Iterator[Cloud]:
    cloud = Cloud(ticks_per_second=0)
    cloud.start()
    with pytest.MonkeyPatch.context() as patch:
        # What is under way as it stops is over in the end, on a slow machine too.
        patch.setattr("local.cloud._STOP_TIMEOUT_S", PATIENCE_S)
        try:
            cloud.deploy(functions.app)
            yield cloud
        finally:
            cloud.stop()


def begin() -> Any:
    """A session's workflow; what moto keeps of it."""
    client = boto3.client("stepfunctions")
    (machine,) = client.list_state_machines()["stateMachines"]
    client.start_execution(stateMachineArn=machine["stateMachineArn"], name="s-1", input=json.dumps(SESSION))
    return stepfunctions_parser_backends[ACCOUNT][REGION].state_machines[0].executions[0]


def definition() -> str:
    client = boto3.client("stepfunctions")
    (machine,) = client.list_state_machines()["stateMachines"]
    return str(client.describe_state_machine(stateMachineArn=machine["stateMachineArn"])["definition"])


def test_a_workflow_that_waits_ends_with_its_cloud() -> None:
    functions = Functions()
    with running(functions):
        execution = begin()
        functions.until_called("place_hold")
    assert execution.status != "RUNNING"
    assert [name for name, _ in functions.called] == ["place_hold"]


def test_what_a_workflow_waited_for_in_a_cloud_that_is_gone_calls_nothing_in_the_next() -> None:
    before, after = Functions(), Functions()
    with running(before):
        execution = begin()
        token = before.until_called("place_hold")["task_token"]
    with running(after):
        # Its time is over, or somebody who still holds the token says so, long after.
        execution.exec_worker.env.callback_pool_manager.get(token).interrupt_all()
        begin()
        after.until_called("place_hold")
    assert [name for name, _ in after.called] == ["place_hold"]


def test_a_function_that_still_runs_is_waited_for() -> None:
    go_on, over = threading.Event(), threading.Event()

    def slowly(_: Any) -> None:
        go_on.wait(PATIENCE_S)
        # As a function does: its tables are still there.
        boto3.client("dynamodb").list_tables()
        over.set()

    functions = Functions(place_hold=slowly)
    with running(functions):
        begin()
        functions.until_called("place_hold")
        threading.Timer(0.1, go_on.set).start()
    assert over.is_set()


def test_functions_of_one_cloud_are_unknown_in_the_next() -> None:
    before, after = Functions(), Functions()
    with running(before):
        called = json.loads(definition())["States"]["IssueReceipt"]["Resource"]
        boto3.client("lambda").invoke(FunctionName=called, Payload=b"{}")
    assert [name for name, _ in before.called] == ["issue_receipt"]
    with running(after):
        with pytest.raises(ClientError) as unknown:
            boto3.client("lambda").invoke(FunctionName=called, Payload=b"{}")
        assert unknown.value.response["Error"]["Code"] == "ResourceNotFoundException"
    assert after.called == []
