"""The whole fleet comes back at once, and API Gateway lets in so many a second: how long that takes, and why.

A simulation of whole seconds: who knocks in a second is let in up to the quota, and the others wait by their policy.
A smaller fleet behind a proportionally smaller door behaves the same, so that is what is simulated.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from cli.fleet import SOCKET_LIFETIME_S

_SIMULATED = 5_000
_GIVEN_UP_S = 24 * 3600


@dataclass(frozen=True, slots=True)
class Waiting:
    """How a charger waits: `first_s`, and after a refusal `again_s`, each with up to `random_s` more.

    With `doublings` it is OCPP 2.x (Part 4, Reconnecting): a wait is twice the one before and a new random part, so
    many times; then it stays.
    """

    name: str
    first_s: int
    again_s: int
    random_s: int
    doublings: int = 0

    def wait_s(self, refusals: int, before_s: int, chance: random.Random) -> int:
        """How long to wait after so many refusals, the last wait having been `before_s`."""
        more_s = chance.randint(0, self.random_s)
        if refusals == 0:
            return self.first_s + more_s
        if not self.doublings:
            return self.again_s + more_s
        return 2 * before_s + more_s if refusals <= self.doublings else before_s

    @property
    def offline_percent(self) -> float:
        """What every change of sockets costs in good times."""
        return 100 * (self.first_s + self.random_s / 2) / SOCKET_LIFETIME_S


@dataclass(frozen=True, slots=True)
class Storm:
    """What became of it. Seconds after the line was back; `knocks` is attempts a charger."""

    half_s: int
    most_s: int
    all_s: int
    knocks: float
    peak_per_s: int


WAITS: Sequence[Waiting] = (
    Waiting("1.6, in step: every 60 s", 0, 60, 0),
    Waiting("1.6, every 60 s and up to 10 s more", 0, 60, 10),
    Waiting("2.x, 10 s and up to 10 s more, doubled 3 times", 10, 0, 10, 3),
    Waiting("2.x, 5 s and up to 30 s more, doubled 4 times", 5, 0, 30, 4),
    Waiting("2.x, 30 s and up to 600 s more, doubled once", 30, 0, 600, 1),
)


def simulate(chargers: int, per_s: int, waiting: Waiting, seed: int = 1) -> Storm:
    """Every charger of the fleet lost its socket in the same second."""
    scale = max(1.0, chargers / _SIMULATED)
    fleet, door = ceil(chargers / scale), per_s / scale
    chance = random.Random(seed)  # noqa: S311  # nothing secret
    due: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for _ in range(fleet):
        wait_s = waiting.wait_s(0, 0, chance)
        due[wait_s].append((0, wait_s))
    let_in: list[int] = []
    knocks, peak, room, second = 0, 0, 0.0, 0
    while len(let_in) < fleet and second < _GIVEN_UP_S:
        knocking = due.pop(second, [])
        chance.shuffle(knocking)
        knocks, peak = knocks + len(knocking), max(peak, len(knocking))
        # What was not used in a second is lost, but for the fraction that the smaller door cannot let in whole.
        room = door + room % 1
        taken = min(len(knocking), int(room))
        room -= taken
        let_in += [second] * taken
        for refusals, before_s in knocking[taken:]:
            wait_s = max(1, waiting.wait_s(refusals + 1, before_s, chance))
            due[second + wait_s].append((refusals + 1, wait_s))
        second += 1
    last = let_in + [_GIVEN_UP_S] * (fleet - len(let_in))
    return Storm(last[fleet // 2], last[int(fleet * 0.99)], last[-1], knocks / fleet, round(peak * scale))


@dataclass(frozen=True, slots=True)
class Ageing:
    """How old sockets become before they end: by API Gateway's limit, or by ours (`domain/chargers/socket_age.py`)."""

    name: str
    first_s: tuple[int, int]  # of the socket that came in the storm, from the youngest to the oldest age
    later_s: tuple[int, int]


AGEINGS: Sequence[Ageing] = (
    Ageing("at two hours, by API Gateway", (7_200, 7_200), (7_200, 7_200)),
    # A heartbeat of 540 s ends a socket up to 540 s after it is old.
    Ageing("by us: any age at first, then nearly two hours", (600, 7_170), (6_630, 7_170)),
)


def echoes(chargers: int, per_s: int, ageing: Ageing, cycles: int, seed: int = 1) -> list[float]:
    """The most reconnects a second, in any minute of each two hours after a storm; the first has the storm in it."""
    chance = random.Random(seed)  # noqa: S311  # nothing secret
    counted = [0] * (cycles * SOCKET_LIFETIME_S // 60)
    scale = max(1.0, chargers / (4 * _SIMULATED))
    for number in range(ceil(chargers / scale)):
        at_s = number * scale / per_s
        ages = ageing.first_s
        while at_s < cycles * SOCKET_LIFETIME_S:
            counted[int(at_s // 60)] += 1
            at_s += chance.uniform(*ages)
            ages = ageing.later_s
    minutes = SOCKET_LIFETIME_S // 60
    return [max(counted[it * minutes : (it + 1) * minutes]) * scale / 60 for it in range(cycles)]


def quickest_s(chargers: int, per_s: int) -> int:
    """No policy can do better than the door."""
    return ceil(chargers / per_s)
