"""Every AWS call any handler makes is seen, because all of them pass through one botocore method.

boto3 and PynamoDB both end in `BaseClient._make_api_call`; counting there counts what AWS would bill.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from botocore.client import BaseClient

READS = frozenset({"GetItem", "Query", "BatchGetItem", "Scan", "TransactGetItems"})
WRITES = frozenset({"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"})


_LOOKS = 5
# Of threads that only wait, between one look and the next; whoever works takes more.
_IDLE_S = 0.002


def until_quiet(
    quiet_s: float, changed_at: Callable[[], float] = lambda: 0.0, is_under_way: Callable[[], bool] = lambda: False
) -> None:
    """Wait until nothing has changed for so long, and no other thread of this process has worked, or wanted to.

    It is looked several times: on a busy machine what goes on may get no processor for longer than that, and all may
    stand still between two looks. What does nothing but wait and still is not over, `is_under_way` tells.
    """
    changed, worked_s, quiet_looks = changed_at(), _others_s(), 0 if quiet_s else _LOOKS
    while quiet_looks < _LOOKS:
        time.sleep(quiet_s / _LOOKS)
        before, before_s = changed, worked_s
        changed, worked_s = changed_at(), _others_s()
        is_busy = changed != before or worked_s > before_s + _IDLE_S or is_under_way() or _others_would_run()
        quiet_looks = 0 if is_busy else quiet_looks + 1


def _others_would_run() -> bool:
    """Whether another thread of this process has a processor or waits for one; False where the system is not Linux."""
    own = threading.get_native_id()
    for stat in Path("/proc/self/task").glob("*/stat"):
        with suppress(OSError):
            number, _, told = stat.read_text().partition(" ")
            if int(number) != own and told.rpartition(")")[2].split()[0] == "R":
                return True
    return False


def _others_s() -> float:
    """The processor time that all threads but this one have taken."""
    return time.process_time() - time.thread_time()


class Calls:
    """Counts by (service, operation) since the last `take`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[tuple[str, str]] = Counter()
        self._changed_at = time.monotonic()

    def add(self, service: str, operation: str) -> None:
        """One more."""
        with self._lock:
            self._counts[service, operation] += 1
            self._changed_at = time.monotonic()

    def take(self, quiet_s: float = 0.25) -> Counter[tuple[str, str]]:
        """Wait until nothing has been called for `quiet_s`, then return the counts and begin anew."""
        until_quiet(quiet_s, lambda: self._changed_at)
        with self._lock:
            counts, self._counts = self._counts, Counter()
        return counts


@contextmanager
def counted() -> Iterator[Calls]:
    """Count all calls made in this process while inside."""
    calls = Calls()
    client: Any = BaseClient
    original = client._make_api_call

    def make_api_call(self: Any, operation_name: str, api_params: dict[str, Any]) -> Any:
        calls.add(self.meta.service_model.service_name, operation_name)
        return original(self, operation_name, api_params)

    client._make_api_call = make_api_call
    try:
        yield calls
    finally:
        client._make_api_call = original


def summary(counts: Counter[tuple[str, str]]) -> dict[str, int]:
    """Reads and writes of the database, and calls of each other service."""
    totals = {"reads": 0, "writes": 0, "workflow": 0, "sockets": 0}
    for (service, operation), count in counts.items():
        if service == "dynamodb":
            totals["reads" if operation in READS else "writes"] += count
        elif service == "stepfunctions":
            totals["workflow"] += count
        elif service == "apigatewaymanagementapi":
            totals["sockets"] += count
    return totals
