"""Invokes our own functions in the background (Lambda's asynchronous invocation), as EventBridge invokes a schedule's.

What is told stands where an event of EventBridge has its detail, so that a schedule's function has one kind of event.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC
from typing import Any

from chalicelib.domain.data_classes import dataclass
from chalicelib.ports import Clock


@dataclass(frozen=True)
class LambdaInvocations:
    """The port Invocations: functions are named with the stage's `prefix`. Methods make one call."""

    client: Any
    prefix: str
    clock: Clock

    def begin(self, function: str, told: Mapping[str, object]) -> None:
        event = {
            "version": "0",
            "id": function,
            "detail-type": "Part of a schedule",
            "source": "kerb",
            "account": "",
            "time": self.clock().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": "",
            "resources": [],
            "detail": dict(told),
        }
        name = self.prefix + function
        self.client.invoke(FunctionName=name, InvocationType="Event", Payload=json.dumps(event).encode())
