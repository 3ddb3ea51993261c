"""SQS on one machine: moto keeps the queues, and their functions run in this process once a delay is over.

As on AWS a function gets messages in batches and may get one again; here after a failure, three times in all. A queue
whose name ends in `.fifo` takes what bears one name once within five minutes, and holds back what it gets as the
deployed one does. One function runs at a time, so that groups keep their order.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import os
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import boto3
from chalice import Chalice
from chalice.app import SQSEventConfig
from moto.sqs.models import SQSBackend

from infrastructure import queues
from local.context import LambdaContext

PREFIX = "kerb-"
_LAMBDA_TIMEOUT_S = 60
_TRIES = 3
_MOST_DELIVERED = 5_000
_MOST_AT_ONCE = 10
_FIFO = ".fifo"
_SAID_ONCE_S = 300
_SEND: Any = SQSBackend.send_message
_log = logging.getLogger(__name__)

Handler = Callable[[Any, Any], Any]


class _Message(NamedTuple):
    due: float
    number: int
    queue: str
    body: str
    attempt: int


class Queues:
    """The app's queues. Delays are `pace` times too short; with 0 nothing is delivered but by `deliver`."""

    def __init__(self, pace: float) -> None:
        self._pace = pace
        self._handlers: dict[str, tuple[str, Handler]] = {}
        self._waiting: list[_Message] = []
        self._said: dict[tuple[str, str], float] = {}
        self._held_back_s: dict[str, float] = {}
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
                is_fifo = name.endswith(_FIFO)
                kind: Any = {"FifoQueue": "true"} if is_fifo else {}
                url = client.create_queue(QueueName=name, Attributes=kind)["QueueUrl"]
                self._held_back_s[name] = float(queues.HELD_BACK_S.get(str(source.queue), 0))
                told = str(source.queue).removesuffix(_FIFO).upper().replace("-", "_")
                os.environ[f"KERB_{told}_QUEUE"] = url
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
        """Call the functions for all that waits, whatever its delay; returns how many messages that were.

        Raises RuntimeError where messages call for others without end.
        """
        delivered = 0
        while batch := self._batch(at=None):
            delivered += len(batch)
            if delivered > _MOST_DELIVERED:
                raise RuntimeError(f"queues never come to rest: {batch[0].queue} has {batch[0].body} again and again")
            self._call(batch)
        return delivered

    def _sender(self) -> Callable[..., Any]:
        def send(backend: Any, queue_name: str, message_body: str, *args: Any, **kwargs: Any) -> Any:
            sent = _SEND(backend, queue_name, message_body, *args, **kwargs)
            if queue_name in self._handlers and not self._is_said(queue_name, kwargs.get("deduplication_id")):
                delay_s = float(kwargs.get("delay_seconds") or self._held_back_s[queue_name])
                self._put(delay_s, queue_name, message_body, 1)
            return sent

        return send

    def _is_said(self, queue: str, name: str | None) -> bool:
        """Whether that was said within the last five minutes; it is from now on."""
        if name is None:
            return False
        now = time.monotonic()
        with self._changed:
            until = self._said.get((queue, name), now)
            self._said[queue, name] = max(until, now + _SAID_ONCE_S / (self._pace or 1)) if until <= now else until
            return until > now

    def _put(self, delay_s: float, queue: str, body: str, attempt: int) -> None:
        due = time.monotonic() + (delay_s / self._pace if self._pace else 0)
        with self._changed:
            if not self._is_over:
                heapq.heappush(self._waiting, _Message(due, next(self._numbers), queue, body, attempt))
                self._changed.notify_all()

    def _batch(self, at: float | None) -> list[_Message]:
        """Messages of one queue that are due."""
        batch: list[_Message] = []
        with self._changed:
            while self._waiting and len(batch) < _MOST_AT_ONCE and (at is None or self._waiting[0].due <= at):
                if batch and self._waiting[0].queue != batch[0].queue:
                    break
                batch.append(heapq.heappop(self._waiting))
        return batch

    def _run(self) -> None:
        while not self._is_over:
            if batch := self._batch(time.monotonic()):
                self._call(batch)
                continue
            with self._changed:
                left = self._waiting[0].due - time.monotonic() if self._waiting else None
                if not self._is_over and (left is None or left > 0):
                    self._changed.wait(left)

    def _call(self, batch: list[_Message]) -> None:
        name, handler = self._handlers[batch[0].queue]
        try:
            handler({"Records": [_record(it) for it in batch]}, LambdaContext(name, _LAMBDA_TIMEOUT_S))
        except Exception:
            _log.exception("function %s failed on its messages", name)
            for it in batch:
                if it.attempt < _TRIES:
                    self._put(0, it.queue, it.body, it.attempt + 1)


def _record(message: _Message) -> dict[str, Any]:
    return {
        "messageId": str(message.number),
        "receiptHandle": "",
        "body": message.body,
        "attributes": {"ApproximateReceiveCount": str(message.attempt)},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:us-east-1:123456789012:{message.queue}",
        "awsRegion": "us-east-1",
    }
