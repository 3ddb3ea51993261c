"""Sessions in which calls go wrong, for as long as there is time: one fault alone, and several by a seed."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from itertools import count
from random import Random

from tests.faults.injector import Kind
from tests.faults.runs import Run, at_random, run, worth_breaking
from tests.faults.stories import STORIES
from tests.faults.world import Network, network


def run_for(seconds: float) -> str:
    """Look until the time is over; raises AssertionError with what was found."""
    if seconds <= 0:
        return "no faults tried"
    began = time.monotonic()
    first_seed = time.time_ns() % 10**9
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    logging.disable(logging.CRITICAL)
    tried, failed = 0, []
    with network() as net:
        for done in _runs(net, first_seed):
            tried += 1
            if done.broken:
                failed.append(str(done))
            if time.monotonic() - began > seconds:
                break
    logging.disable(logging.NOTSET)
    assert not failed, "\n".join(failed)
    took_s = time.monotonic() - began
    return f"{tried} sessions with faults in {took_s:.0f} s, each ended as it should (seeds from {first_seed})"


def again(seed: int) -> str:
    """One run by its seed, as it was."""
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    with network() as net:
        return str(at_random(net, seed))


def _runs(net: Network, first_seed: int) -> Iterator[Run]:
    plain = {name: run(net, story) for name, story in STORIES.items()}
    yield from plain.values()
    alone = [(name, index, kind) for name, it in plain.items() for index in worth_breaking(it.seen) for kind in Kind]
    Random(first_seed).shuffle(alone)
    for step, (name, index, kind) in enumerate(alone):
        yield run(net, STORIES[name], {index: kind})
        yield at_random(net, first_seed + step)
    for seed in count(first_seed + len(alone)):
        yield at_random(net, seed)
