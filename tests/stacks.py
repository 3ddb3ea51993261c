"""The stacks that tests run: as `make run` starts it, but for what a machine that stands still would fail by.

A charge may begin, and a function may run, for as long as tests wait for anything (`tests/patience.py`).
"""

from __future__ import annotations

from dataclasses import replace

from local.gateway import Limits
from local.stack import Options, Stack
from tests.patience import PATIENCE_S

_START_TIMEOUT_S = 2 * int(PATIENCE_S)


def patient_stack(options: Options) -> Stack:
    """One with these options, not yet started."""
    return Stack(replace(options, start_timeout_s=_START_TIMEOUT_S, limits=Limits(handler_s=PATIENCE_S)))
