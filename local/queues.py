"""SQS on one machine: moto keeps the queues, and their functions run in this process once a delay is over.

As on AWS a function gets messages in batches and may get one again; here after a failure, three times in all.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import os
import threading
import time
from collections.abc import Callable
from typing import Any

import boto3
from chalice import Chalice
from chalice.app import SQSEventConfig
from moto.sqs.models import SQSBackend

from local.context import LambdaContext

PREFIX = "kerb-"
_LAMBDA_TIMEOUT_S = 60
_TRIES = 3
_SEND: Any = SQSBackend.send_message
_log = logging.getLogger(__name__)

Handler = Callable[[Any, Any], Any]


class Queues:
    """The app's queues. Delays are `pace` times too short; with 0 nothing is delivered but by `deliver`."""

    def __init__(self, pace: float) -> None:
        self._pace = pace
        self._handlers: dict[str, tuple[str, Handler]] = {}
        self._waiting: list[tuple[float, int, str, str, int]] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._is_over = False
        self._thread: threading.Thread | None = None

    def deploy(self, app: Chalice) -> None:
        """Make the queues, and name each in the environment as the deployment does."""
        client = boto3.client("sqs")
        for source in app.event_sources:
            if isinstance(source, SQSEventConfig):
                name = PREFIX + str(source.queue)
                url = client.create_queue(QueueName=name)["QueueUrl"]
                os.environ[f"KERB_{str(source.queue).upper().replace('-', '_')}_QUEUE"] = url
                self._handlers[name] = (source.name, app.handler_map[source.name])
        backend: Any = SQSBackend
        backend.send_message = self._sender()
        if self._handlers and self._pace:
            self._thread = threading.Thread(target=self._run, name="queues", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Deliver nothing more."""
        with self._changed:
            self._is_over = True
            self._waiting.clear()
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(timeout=5)
        backend: Any = SQSBackend
        backend.send_message = _SEND

    def deliver(self) -> int:
        """Call the functions for all that waits, whatever its delay; returns how many messages that were."""
        delivered = 0
        while (item := self._next(at=None)) is not None:
            delivered += 1
            self._call(*item)
        return delivered

    def _sender(self) -> Callable[..., Any]:
        def send(backend: Any, queue_name: str, message_body: str, *args: Any, **kwargs: Any) -> Any:
            sent = _SEND(backend, queue_name, message_body, *args, **kwargs)
            if queue_name in self._handlers:
                self._put(float(kwargs.get("delay_seconds") or 0), queue_name, message_body, 1)
            return sent

        return send

    def _put(self, delay_s: float, queue: str, body: str, attempt: int) -> None:
        due = time.monotonic() + (delay_s / self._pace if self._pace else 0)
        with self._changed:
            if not self._is_over:
                heapq.heappush(self._waiting, (due, next(self._numbers), queue, body, attempt))
                self._changed.notify_all()

    def _next(self, at: float | None) -> tuple[str, str, int] | None:
        with self._changed:
            if not self._waiting or (at is not None and self._waiting[0][0] > at):
                return None
            return heapq.heappop(self._waiting)[2:]

    def _run(self) -> None:
        while not self._is_over:
            item = self._next(time.monotonic())
            if item is not None:
                self._call(*item)
                continue
            with self._changed:
                left = self._waiting[0][0] - time.monotonic() if self._waiting else None
                if not self._is_over and (left is None or left > 0):
                    self._changed.wait(left)

    def _call(self, queue: str, body: str, attempt: int) -> None:
        name, handler = self._handlers[queue]
        event = {
            "Records": [
                {
                    "messageId": str(attempt),
                    "receiptHandle": "",
                    "body": body,
                    "attributes": {"ApproximateReceiveCount": str(attempt)},
                    "messageAttributes": {},
                    "eventSource": "aws:sqs",
                    "eventSourceARN": f"arn:aws:sqs:us-east-1:123456789012:{queue}",
                    "awsRegion": "us-east-1",
                }
            ]
        }
        try:
            handler(event, LambdaContext(name, _LAMBDA_TIMEOUT_S))
        except Exception:
            _log.exception("function %s failed on a message", name)
            if attempt < _TRIES and not self._is_over:
                self._put(0, queue, body, attempt + 1)
