"""A part of a schedule's work: what one invocation does of it, so that no list outgrows the invocation that reads it.

What is due lies in the shards of an index; a part is one of these, until a time. Work that was not done by then is
still due, and another invocation's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import TypeVar

from chalicelib.domain.data_classes import dataclass

Item = TypeVar("Item")

# Into so many shards every index of what is due is spread. More may be written at any time: rows in the first few are
# found there all the same.
SHARDS = 8
# As many as each have work of their own every minute when half a million chargers change sockets.
LIST_SHARDS = 32


@dataclass(frozen=True, slots=True)
class Part:
    """The shard to be looked into (None: all of them), and when to stop (None: when all is done)."""

    shard: int | None = None
    ends_at: datetime | None = None

    def is_over(self, at: datetime) -> bool:
        """Whether its time is up."""
        return self.ends_at is not None and at >= self.ends_at

    def in_time(self, items: Iterable[Item], clock: Callable[[], datetime]) -> Iterator[Item]:
        """The items one by one, none of which is even looked for once time is up."""
        found = iter(items)
        while not self.is_over(clock()):
            try:
                yield next(found)
            except StopIteration:
                return


WHOLE = Part()
