"""Runs of stories: without a fault, with each one fault there is, and with several at random by a seed."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from random import Random

from tests.faults.injector import Injector, Kind, Seen
from tests.faults.invariants import broken, unrest
from tests.faults.permissions import forbidden
from tests.faults.stories import STORIES, Story
from tests.faults.world import NOON, Network, World

_HOUR = timedelta(hours=1)
_MOST_SHOWN = 1500
_SCHEDULES = ("sweep", "claim", "reservations", "debts")
_ENOUGH = 4
_BURSTS, _STORMS = 0.4, 0.5
_RATES = (0.01, 0.03, 0.1, 0.3)
# Beyond it nothing more is tried by itself: debts are asked for four times in eleven days.
_LONGEST = timedelta(days=12)


@dataclass(frozen=True)
class Run:
    """What was called, and what does not hold (nothing: all is well)."""

    story: str
    plan: Mapping[int, Kind]
    seed: int
    seen: list[Seen]
    broken: list[str]
    lasted: timedelta

    def __str__(self) -> str:
        faults = ", ".join(
            f"{index} {kind}: {self.seen[index].name} in {self.seen[index].within or 'nothing'}"
            for index, kind in sorted(self.plan.items())
            if index < len(self.seen)
        )[:_MOST_SHOWN]
        wrong = "\n  ".join(self.broken) or "all is well"
        return f"{self.story} seed {self.seed} [{faults}]\n  {wrong}"


def run(network: Network, story: Story, plan: Mapping[int, Kind] | None = None, seed: int = 0) -> Run:
    """Play a story to its end, and on until nothing more is to come; `seed` also makes webhooks late."""
    injector = Injector(plan or {})
    world = World(injector, seed)
    network.begin(world, story.name, story.prepare)
    story.begin(world)
    injector.armed = True
    wrong: list[str] = []
    try:
        _to_rest(world)
        injector.armed = False
        wrong = [*broken(world), *forbidden(injector.seen)]
    except Exception as error:
        logging.getLogger(__name__).exception("a run broke off")
        wrong = [f"{type(error).__name__}: {error}"]
    finally:
        injector.armed = False
    if not injector.plan and not seed:
        network.plain[story.name] = injector.seen
    return Run(story.name, dict(injector.plan), seed, injector.seen, wrong, world.now() - NOON)


def _to_rest(world: World) -> None:
    """Let time pass, ever more quickly, until nothing is to come; then a little more."""
    asked_at = NOON
    done_at = world.done_at or NOON
    rests = 0
    while world.now() < NOON + _LONGEST and rests < 2:
        elapsed = world.now() - done_at
        if rests or elapsed > timedelta(hours=3):
            step = timedelta(hours=1)
        else:
            step = timedelta(minutes=1 if elapsed < timedelta(minutes=25) else 5)
        world.run_until(world.now() + step)
        is_hourly = world.now() - asked_at >= _HOUR
        if is_hourly:
            asked_at = world.now()
        world.tick(hourly=is_hourly)
        if world.now() >= done_at and not unrest(world):
            rests += 1


def worth_breaking(seen: list[Seen]) -> list[int]:
    """The calls of a run whose failure differs: of those that schedules make again and again, the first few."""
    found, scheduled = [], Counter[Seen]()
    for index, it in enumerate(seen):
        if it.within in _SCHEDULES or it.name.removeprefix("-> ") in _SCHEDULES:
            scheduled[it] += 1
            most = 1 if it.name.startswith(("Query", "->")) else _ENOUGH
            if scheduled[it] > most:
                continue
        found.append(index)
    return found


def one_at_a_time(network: Network, story: Story, every: int = 1, first: int = 0) -> Iterator[Run]:
    """A run for each call and kind of fault, or each `every`th of these."""
    unharmed = run(network, story)
    yield unharmed
    faults = [(index, kind) for index in worth_breaking(unharmed.seen) for kind in Kind]
    for index, kind in faults[first::every]:
        yield run(network, story, {index: kind})


def plain(network: Network, story: Story) -> list[Seen]:
    """The calls of a story in which nothing goes wrong: the same each time, so played once."""
    if story.name not in network.plain:
        network.plain[story.name] = run(network, story).seen
    return network.plain[story.name]


def found(network: Network, story: Story, within: str, call: str) -> list[int]:
    """The numbers of certain calls of a story in which nothing goes wrong."""
    return [index for index, it in enumerate(plain(network, story)) if it.within == within and it.name.strip() == call]


def at_random(network: Network, seed: int) -> Run:
    """One run that its seed alone decides: a story, late and repeated webhooks, and up to six faults."""
    random = Random(seed)
    story = STORIES[random.choice(sorted(STORIES))]
    if random.random() < _STORMS:
        # A bad hour: any call may go wrong.
        rate, number = random.choice(_RATES), random.choice([150, 300, 600])
        indices = [index for index in range(number) if random.random() < rate]
    else:
        indices = _few(network, story, random)
    kinds = random.choice([list(Kind), list(Kind), [Kind.FAILED], [Kind.LOST], [Kind.KILLED], [Kind.MEANWHILE]])
    plan = {index: random.choice(kinds) for index in indices}
    return run(network, story, plan, seed + 1)


def _few(network: Network, story: Story, random: Random) -> list[int]:
    worthy = worth_breaking(plain(network, story))
    # Past the end lies what only faults bring about.
    candidates = [*worthy, *range(worthy[-1] + 1, worthy[-1] + 40)]
    indices = random.sample(candidates, random.choice([2, 2, 3, 4, 6]))
    if random.random() < _BURSTS:
        # What is done right after a fault goes wrong as well.
        return [first + step for first in indices[:2] for step in range(random.choice([2, 4, 8]))]
    return indices
