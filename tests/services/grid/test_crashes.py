"""A process dies before any write of a site's day, or just after it: no node is over its limit, and all comes right.

Nobody does again what a dead process was at: the next look does, for whatever reason it comes.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.services.conftest import Kit
from tests.services.grid.plant import LIMIT_A, Died, Plant
from tests.services.grid.test_looks import near

# What writes or sends, of everything that a look, a claim and an answer use.
_WRITES = {
    "managed_sites": ("keep", "folded", "heard", "begin", "end", "tell_load"),
    "calls": ("add", "take_line", "wait", "free_line", "answer"),
    "link": ("send",),
    "looks": ("ask", "ask_later"),
}
# More than a day without a crash has.
_MOST = 170
# Some at a time: each run meets another death first, and a second one later.
_EVERY = 12


class Dying:
    """A store, or the way out, whose process dies before its n-th write; or, where `after`, once that is done."""

    def __init__(self, beside: Any, writes: tuple[str, ...], deaths: Deaths) -> None:
        self._beside, self._writes, self._deaths = beside, writes, deaths

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._beside, name)
        if name not in self._writes:
            return method

        def write(*told: Any, **more: Any) -> Any:
            is_last = self._deaths.counted()
            if is_last and not self._deaths.after:
                raise Died
            answer = method(*told, **more)
            if is_last:
                raise Died
            return answer

        return write


class Deaths:
    """Counts writes of all kinds; every so many of them is a process's last."""

    def __init__(self, numbers: set[int], *, after: bool) -> None:
        self.numbers, self.after = numbers, after
        self.count = 0

    def counted(self) -> bool:
        self.count += 1
        return self.count in self.numbers


def a_day(kit: Kit, deaths: Deaths) -> Plant:
    """Three cars come, the building takes more, one leaves, another comes; in the end everything is quiet."""
    plant = Plant(kit)
    plant.describe()
    for name, writes in _WRITES.items():
        vars(kit)[name] = Dying(getattr(kit, name), writes, deaths)
    plant.looks = kit.looks  # type: ignore[assignment]
    for built in ("balancer", "dispatch", "commands", "conversation", "router", "site_grids", "managed_charger_news"):
        vars(kit).pop(built, None)
    for number in range(3):
        plant.begin(number)
        plant.live(6)
    plant.survive(lambda: kit.site_grids.tell_load("op", plant.tree.site_id, (9_000, 0, 0), None))
    plant.live(6)
    plant.end(0)
    plant.live(6)
    plant.begin(3)
    plant.live(400)
    return plant


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("first", range(1, _EVERY + 1))
def test_whoever_dies_at_whatever_write_no_limit_is_passed(kit: Kit, first: int, after: bool) -> None:
    plant = a_day(kit, Deaths(set(range(first, _MOST, _EVERY)), after=after))
    assert plant.deaths
    assert plant.worst_a <= LIMIT_A
    assert near(plant.offered_a(), 0.0, 11.3, 11.3, 11.3)
