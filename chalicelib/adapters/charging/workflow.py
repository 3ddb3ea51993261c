"""Runs the session workflow on AWS Step Functions. An execution is named after its session, so it begins only once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from chalicelib.domain.charging.session import Session
from chalicelib.domain.data_classes import dataclass
from chalicelib.records.charging import StaleTask

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

# Step Functions keeps at most this much of an error's cause.
_CAUSE_CHARACTERS = 32_768


@dataclass(frozen=True)
class StepFunctions:
    """Step Functions: the port Workflow. Starts executions and answers their task tokens, one call each."""

    client: SFNClient
    state_machine_arn: str

    def start(self, session: Session) -> None:
        """Begin the session's execution; nothing happens when it has begun already."""
        try:
            self.client.start_execution(
                stateMachineArn=self.state_machine_arn,
                name=session.session_id,
                input=json.dumps({"session_id": session.session_id}),
            )
        except self.client.exceptions.ExecutionAlreadyExists:
            return

    def succeed(self, task_token: str, output: Mapping[str, Any]) -> None:
        """Raises StaleTask when the workflow has gone on already."""
        try:
            self.client.send_task_success(taskToken=task_token, output=json.dumps(output))
        except (
            self.client.exceptions.InvalidToken,
            self.client.exceptions.TaskTimedOut,
            self.client.exceptions.TaskDoesNotExist,
        ) as error:
            raise StaleTask(str(error)) from None

    def fail(self, task_token: str, error: str, cause: str) -> None:
        """Raises StaleTask when the workflow has gone on already."""
        try:
            self.client.send_task_failure(taskToken=task_token, error=error, cause=cause[:_CAUSE_CHARACTERS])
        except (
            self.client.exceptions.InvalidToken,
            self.client.exceptions.TaskTimedOut,
            self.client.exceptions.TaskDoesNotExist,
        ) as stale:
            raise StaleTask(str(stale)) from None
