"""How hypothesis asks: by no clock, and in `make quick` a few examples of each property; as few of other long rows.

A deadline for an example, and a check of how fast examples are drawn, fail on a busy machine and on no other; a check
of how many of them are left out or too large, by chance.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

_BY_CHANCE = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
# For a property whose fixture is the same for all examples.
IN_A_FIXTURE = [*_BY_CHANCE, HealthCheck.function_scoped_fixture]
_QUICK_EXAMPLES = 5
_IS_QUICK = bool(os.environ.get("TESTS_QUICK"))


def ask_by_no_clock() -> None:
    """From now on, whatever profile the environment had chosen; before a property is written down."""
    settings.register_profile("any machine", settings(), deadline=None, suppress_health_check=_BY_CHANCE)
    settings.load_profile("any machine")


def ask_few(items: Iterable[pytest.Item]) -> None:
    """Where `make quick` runs: no property is asked of more than a few examples. All of them are for `make test`."""
    if not _IS_QUICK:
        return
    for item in items:
        test, asked = _asked(item)
        if asked is not None and asked.max_examples > _QUICK_EXAMPLES:
            test._hypothesis_internal_use_settings = settings(asked, max_examples=_QUICK_EXAMPLES)


def few(whole: Sequence[int]) -> Sequence[int]:
    """Of many runs that differ by a number, every fifth where `make quick` runs; all of them for `make test`."""
    return whole[::5] if _IS_QUICK else whole


def asked_by_a_clock(items: Iterable[pytest.Item]) -> list[str]:
    """The properties among these tests that fail where examples take long."""
    asked = {it.nodeid: _asked(it)[1] or _machines(it) for it in items}
    return [
        name
        for name, it in asked.items()
        if it is not None and (it.deadline is not None or HealthCheck.too_slow not in it.suppress_health_check)
    ]


def _machines(item: pytest.Item) -> settings | None:
    """What holds for the runs of a state machine."""
    found = getattr(getattr(item, "cls", None), "settings", None)
    return found if isinstance(found, settings) else None


def _asked(item: pytest.Item) -> tuple[Any, settings | None]:
    test: Any = getattr(item, "obj", None)
    test = getattr(test, "__func__", test)
    return test, getattr(test, "_hypothesis_internal_use_settings", None)
