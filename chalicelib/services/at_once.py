"""Work on things that do not need each other, several at a time: most of it is waiting for DynamoDB."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from functools import cache
from typing import Any, TypeVar, overload

Thing = TypeVar("Thing")
First = TypeVar("First")
Second = TypeVar("Second")
Third = TypeVar("Third")

# With those who ask there are never more than a client has connections.
_AT_ONCE = 8
_BESIDE = 16


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


@cache
def helpers() -> Executor:
    """The threads of this process that wait beside the one that was asked."""
    return ThreadPoolExecutor(_BESIDE, "beside")


@overload
def together(first: Callable[[], First], second: Callable[[], Second], /) -> tuple[First, Second]:
    """What two works return."""


@overload
def together(
    first: Callable[[], First], second: Callable[[], Second], third: Callable[[], Third], /
) -> tuple[First, Second, Third]:
    """What three works return."""


@overload
def together(*works: Callable[[], object]) -> tuple[object, ...]:
    """What any number returns."""


def together(*works: Callable[[], Any]) -> tuple[Any, ...]:
    """What each of a few works returns that may be done in any order, or at once; a read or write of its own each.

    Raises the error of the first of them that has one, once all that was begun is over; the rest is not begun. What no
    thread is free for is done by the one that asks, so that works within works never wait for each other.
    """
    begun = [(work, helpers().submit(work)) for work in works[1:]]
    try:
        return *(work() for work in works[:1]), *(_done(work, it) for work, it in begun)
    except BaseException:
        for _, it in begun:
            if not it.cancel():
                it.exception()
        raise


def _done(work: Callable[[], Any], begun: Future[Any]) -> Any:
    return work() if begun.cancel() else begun.result()
