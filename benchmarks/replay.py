"""The far side of HTTP, played again: what an account answered once is answered as often as asked, for nothing."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from botocore.client import BaseClient
from moto.core.models import botocore_stubber

Answer = tuple[int, Mapping[str, str], Any]
_Name = tuple[str, bytes]


class Wire:
    """The far side of HTTP: moto answers, and later what it answered is given again at next to no cost."""

    def __init__(self) -> None:
        self._known: dict[_Name, list[Answer]] = {}
        self._given: Counter[_Name] = Counter()
        # What a process remembers is asked for in one step, and may be asked for again in another.
        self._last: dict[tuple[str, str], Answer] = {}
        self._lock = threading.Lock()
        self.is_replaying = False
        self.held_s = 0.0
        self.spent_s = 0.0
        self.intervals: list[tuple[float, float]] = []

    @contextmanager
    def connected(self) -> Iterator[None]:
        """Stand between botocore and the account while inside."""
        stubber: Any = botocore_stubber
        base: Any = BaseClient
        original, make_request = stubber.process_request, base._make_request
        stubber.process_request = partial(self._process, original)
        # Tests reach their account without HTTP (local/moto_fixes.py): what that leaves out is measured here.
        base._make_request = getattr(make_request, "__wrapped__", make_request)
        try:
            yield
        finally:
            stubber.process_request, base._make_request = original, make_request

    def forget(self) -> None:
        """Another step is played for the first time."""
        self._known.clear()
        self.is_replaying = False

    def rewind(self) -> None:
        """The step is played again from its beginning."""
        self._given.clear()
        self.is_replaying = True

    def _process(self, original: Callable[[Any], Answer], request: Any) -> Answer:
        began, began_at = time.thread_time(), time.monotonic()
        body: bytes = request.body if isinstance(request.body, bytes) else b""
        name = (str(request.headers.get("X-Amz-Target", request.url)), body)
        if self.is_replaying:
            answer = self._again(name)
            if self.held_s:
                time.sleep(self.held_s)
                self.intervals.append((began_at, time.monotonic()))
        else:
            answer = original(request)
            self._known.setdefault(name, []).append(answer)
            self._last[name[0], _table(body)] = answer
        with self._lock:
            self.spent_s += time.thread_time() - began
        return answer

    def _again(self, name: _Name) -> Answer:
        answers = self._known.get(name)
        if answers is None:
            return self._last[name[0], _table(name[1])]
        with self._lock:
            self._given[name] += 1
            return answers[min(self._given[name], len(answers)) - 1]


def _table(body: bytes) -> str:
    asked = json.loads(body)
    return str(asked.get("TableName") or sorted(asked.get("RequestItems", ())))


def in_turn(intervals: Sequence[tuple[float, float]]) -> int:
    """The longest row of calls of which each began when the one before was answered."""
    count, over_at = 0, 0.0
    for began, ended in sorted(intervals, key=lambda it: it[1]):
        if began >= over_at:
            count, over_at = count + 1, ended
    return count
