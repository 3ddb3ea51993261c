"""A process dies before or after any write of an alarm's life: it opens and closes all the same, and once."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from chalicelib.domain.operators import AlarmKind
from tests.services.conftest import Kit
from tests.services.operators.test_alarms import Desk, desk

__all__ = ["desk"]

_WRITES = ("put", "stand", "fall", "look_at", "add", "join", "save", "tell")
# More than a life without a crash has.
_MOST = 20


class Died(Exception):
    """The process is gone."""


class Dying:
    """The alarms' store, whose process dies before its n-th write, which is just after the one before."""

    def __init__(self, alarms: Any, number: int) -> None:
        self._alarms, self._left = alarms, number
        self.has_died = False

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._alarms, name)
        if name not in _WRITES:
            return method

        def write(*told: Any, **more: Any) -> Any:
            self._left -= 1
            if self._left:
                return method(*told, **more)
            self.has_died = True
            raise Died

        return write


@pytest.mark.parametrize("number", range(1, _MOST))
def test_an_alarm_outlives_whoever_writes_it(kit: Kit, desk: Desk, number: int) -> None:
    dying = Dying(kit.alarms, number)
    vars(kit)["alarms"] = dying
    check = kit.alarm_desk.check

    def tried_again(kind: AlarmKind, subject: str, noticed_at: datetime) -> None:
        # As the queue does.
        try:
            check(kind, subject, noticed_at)
        except Died:
            check(kind, subject, noticed_at)

    desk.check = tried_again  # type: ignore[method-assign]
    desk.lose("CP-1")
    desk.live(minutes=4)
    (opened,) = desk.open()
    assert opened.subjects == ("CP-1",)
    desk.connect("CP-1")
    desk.live(minutes=12)
    (closed,) = desk.all()
    assert closed.alarm.closed_at is not None
    assert not kit.alarms.has_subjects(closed.alarm.place)
    assert kit.alarms.standing(closed.alarm.place) is None


def test_that_is_every_write_of_an_alarms_life(kit: Kit, desk: Desk) -> None:
    dying = Dying(kit.alarms, _MOST)
    vars(kit)["alarms"] = dying
    desk.lose("CP-1")
    desk.live(minutes=4)
    desk.connect("CP-1")
    desk.live(minutes=12)
    assert not desk.open()
    assert not dying.has_died
