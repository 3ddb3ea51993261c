"""The product as `make run` starts it, and a browser to look at it; each story brings its own charger and visitor."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from playwright.sync_api import Browser

from local.stack import Options, Stack
from tests.browsers import MISSING, chromium
from tests.scenarios.world import World, eventually
from tests.stacks import patient_stack
from tests.web.browser import Unusable, Visit, launched

_numbers = itertools.count(1)
Visitor = Callable[..., Visit]


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    path = chromium()
    if path is None:
        pytest.skip(MISSING)
    with ExitStack() as opened:
        try:
            browser = opened.enter_context(launched(path))
        except Unusable as why:
            pytest.skip(str(why))
        yield browser


@pytest.fixture(scope="package")
def stack() -> Iterator[Stack]:
    running = patient_stack(Options(ticks_per_second=0, unclaimed_s=0))
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="package")
def network(stack: Stack) -> World:
    return World.founded(stack)


@pytest.fixture
def world(network: World) -> Iterator[World]:
    """The network, and no chargers but those the story brings."""
    with network.story(next(_numbers)) as story:
        yield story


def until_found(world: World, charger_id: str) -> None:
    """Wait until a search shows it with a free connector: who looks before that looks again a while later, or never."""
    asked = "/v1/chargers/nearby?lat=53.54&lng=9.99&radius=100000&available=true&limit=50"
    eventually(lambda: charger_id in str(world.driver.call("GET", f"{asked}&q={charger_id}")["items"]))


@pytest.fixture
def visitor(browser: Browser, stack: Stack) -> Iterator[Visitor]:
    """Somebody who opens the app; `visitor(viewport=DESKTOP)` at a desk. Nobody but us is asked for anything."""
    visits: list[Visit] = []

    def comes(**options: Any) -> Visit:
        visits.append(Visit(browser, stack, **options))
        return visits[-1]

    yield comes
    for visit in visits:
        visit.close()
