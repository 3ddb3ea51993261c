"""How hypothesis asks: by no clock, and in `make quick` a few examples of each property.

A deadline for an example, and a check of how fast examples are drawn, fail on a busy machine and on no other.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

_QUICK_EXAMPLES = 10
_IS_QUICK = bool(os.environ.get("TESTS_QUICK"))


def ask_by_no_clock() -> None:
    """From now on, whatever profile the environment had chosen; before a property is written down."""
    settings.register_profile("any machine", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("any machine")


def ask_few(items: Iterable[pytest.Item]) -> None:
    """Where `make quick` runs: no property is asked of more than a few examples. All of them are for `make test`."""
    if not _IS_QUICK:
        return
    for item in items:
        test: Any = getattr(item, "obj", None)
        test = getattr(test, "__func__", test)
        asked = getattr(test, "_hypothesis_internal_use_settings", None)
        if asked is not None and asked.max_examples > _QUICK_EXAMPLES:
            test._hypothesis_internal_use_settings = settings(asked, max_examples=_QUICK_EXAMPLES)
