"""What moto needs so that many threads may use it as one account; AWS itself needs none of this."""

from __future__ import annotations

import threading
from functools import cache
from typing import Any

from moto.dynamodb.responses import DynamoHandler


@cache
def make_moto_thread_safe() -> None:
    """Let DynamoDB calls happen one after another, as its promises about single items suppose. Once is enough."""
    call_action: Any = DynamoHandler.call_action
    lock = threading.RLock()

    def one_at_a_time(handler: DynamoHandler) -> Any:
        with lock:
            return call_action(handler)

    DynamoHandler.call_action = one_at_a_time  # type: ignore[method-assign]
