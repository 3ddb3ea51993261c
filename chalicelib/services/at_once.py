"""Work on many things that do not need each other, several at a time: most of it is waiting for DynamoDB."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Thing = TypeVar("Thing")

# A function has ten connections to DynamoDB.
_AT_ONCE = 8


def at_once(work: Callable[[Thing], object], things: Iterable[Thing]) -> None:
    """Do the work for each thing. Raises the first error, once all that was begun is over; the rest is not begun."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        begun = [pool.submit(work, it) for it in things]
        try:
            for it in begun:
                it.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
