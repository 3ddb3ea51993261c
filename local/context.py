"""An invocation sees only its own request and context, as on Lambda, though many share this process.

Lambda gives every invocation a process to itself and Chalice relies on it: the app object carries the current
request. `isolate_invocations` makes that safe for threads; `LambdaContext` is what a handler is passed.
"""

import threading
import time
import uuid
from typing import Any

from chalice.app import Chalice, EventSourceHandler


class LambdaContext:
    """What Lambda passes beside the event: which function runs, and how long it still may."""

    def __init__(self, function_name: str, timeout_s: float) -> None:
        self.function_name = function_name
        self.function_version = "$LATEST"
        self.invoked_function_arn = f"arn:aws:lambda:us-east-1:123456789012:function:{function_name}"
        self.memory_limit_in_mb = 512
        self.aws_request_id = str(uuid.uuid4())
        self.log_group_name = f"/aws/lambda/{function_name}"
        self.log_stream_name = "local"
        self._deadline = time.monotonic() + timeout_s

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until Lambda would end the invocation, never negative."""
        return max(0, int((self._deadline - time.monotonic()) * 1000))


class _PerThread:
    """Chalice's two per-request attributes, one value a thread.

    `chalice local` does this for `current_request` alone, by changing the bases of one global class, which a second
    app in the process would change again; `lambda_context` it leaves shared.
    """

    _thread: threading.local

    @property
    def current_request(self) -> Any:
        return self._thread.current_request

    @current_request.setter
    def current_request(self, request: Any) -> None:
        self._thread.current_request = request

    @property
    def lambda_context(self) -> Any:
        return self._thread.lambda_context

    @lambda_context.setter
    def lambda_context(self, context: Any) -> None:
        self._thread.lambda_context = context


def isolate_invocations(app: Chalice) -> None:
    """Let several threads run the app's handlers at once. Call when all routes are registered; twice is harmless."""
    if not isinstance(app, _PerThread):
        app.__dict__["_thread"] = threading.local()
        app.__class__ = type("LocalChalice", (_PerThread, type(app)), {})
    for handler in app.handler_map.values():
        # A handler's middleware is a generator that its first call uses up; of two first calls at once, one would
        # run without middleware or fail. A list can be read twice.
        if isinstance(handler, EventSourceHandler):
            handler.middleware_handlers = list(handler.middleware_handlers)
