"""One running stack for all stories; each brings its own chargers and driver, so that none disturbs another."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.stack import Options, Stack
from tests.scenarios.rights import Call, recorded
from tests.scenarios.world import World
from tests.stacks import patient_stack

_numbers = itertools.count(1)


@pytest.fixture(scope="package")
def calls() -> Iterator[set[Call]]:
    """What every Lambda has called since the first story began."""
    with recorded() as seen:
        yield seen


@pytest.fixture(scope="package")
def stack(calls: set[Call]) -> Iterator[Stack]:
    """The product, as `make run` starts it, with no schedule but those a story fires, and all time for a start.

    What a schedule finds to do when time fires it depends on how long the stories take. Each runs once at the
    beginning, when there is nothing to be done.
    """
    running = patient_stack(Options(ticks_per_second=0, unclaimed_s=0))
    running.start()
    for schedule in running.cloud.schedules:
        running.cloud.fire(schedule)
    yield running
    running.stop()


@pytest.fixture(scope="package")
def network(stack: Stack) -> World:
    """An operator with a site and a price, and nobody charging yet."""
    return World.founded(stack)


@pytest.fixture
def world(network: World) -> Iterator[World]:
    """The network, a new driver with a good card, and no chargers but those the story brings."""
    with network.story(next(_numbers)) as story:
        yield story


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What needs all stories is asked after them, and while their stack still runs."""
    ours = [index for index, it in enumerate(items) if it.path.parent == Path(__file__).parent]
    told = sorted((items[index] for index in ours), key=lambda it: it.path.name == "test_rights.py")
    for index, item in zip(ours, told, strict=True):
        items[index] = item
