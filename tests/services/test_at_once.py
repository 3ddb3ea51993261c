"""Works that do not need each other are done at once, and what becomes of each is heard."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from chalicelib.services import at_once
from chalicelib.services.at_once import together

# Long enough for any machine; nobody waits for it but where something is wrong.
_AT_MOST_S = 30


def test_what_does_not_need_each_other_is_under_way_at_once() -> None:
    both = threading.Barrier(2, timeout=_AT_MOST_S)

    assert together(lambda: (both.wait(), "a")[1], lambda: (both.wait(), "b")[1]) == ("a", "b")


def test_of_no_work_and_of_one_nothing_is_made() -> None:
    assert together() == ()
    assert together(threading.current_thread) == (threading.current_thread(),)


def test_the_error_of_the_first_that_has_one_is_raised_once_all_is_over() -> None:
    begun, done = threading.Event(), threading.Event()

    def fails() -> None:
        begun.wait(_AT_MOST_S)
        raise LookupError("the first")

    def works() -> None:
        begun.set()
        done.set()
        raise ValueError("the second")

    with pytest.raises(LookupError, match="the first"):
        together(fails, works)
    assert done.is_set()


def test_what_fails_beside_is_raised_too() -> None:
    def fails() -> None:
        raise ValueError("beside")

    with pytest.raises(ValueError, match="beside"):
        together(lambda: None, fails)


def test_works_within_works_do_not_wait_for_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    one = ThreadPoolExecutor(1)
    monkeypatch.setattr(at_once, "helpers", lambda: one)

    def deep(levels: int) -> int:
        return 1 if not levels else sum(together(lambda: deep(levels - 1), lambda: deep(levels - 1)))

    assert deep(5) == 32
    one.shutdown()
