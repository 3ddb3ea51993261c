"""A charge told long after it is said to have begun began no sooner than its connector ceased to be free."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.domain.chargers.availability import Happening, LineChanged, StatusChanged
from chalicelib.domain.chargers.events import ConnectorId, ConnectorStatus
from chalicelib.domain.charging.beginnings import free_until, is_told_late, was_taken_anew

NOON = datetime(2026, 10, 25, 12, tzinfo=UTC)
ONE = ConnectorId(1)


def ago(minutes: float) -> datetime:
    return NOON - timedelta(minutes=minutes)


def line(minutes: float, *, online: bool = True) -> LineChanged:
    return LineChanged(ago(minutes), online)


def said(minutes: float, status: ConnectorStatus, connector: ConnectorId = ONE) -> StatusChanged:
    return StatusChanged(ago(minutes), connector, status)


FREE, PREPARING, CHARGING = ConnectorStatus.AVAILABLE, ConnectorStatus.PREPARING, ConnectorStatus.CHARGING
IDLE = (line(300), said(299, FREE))
SEEN: dict[str, tuple[Sequence[Happening], float | None]] = {
    "free until now": (IDLE, 0),
    "a car came a minute ago": ((*IDLE, said(1, PREPARING)), 0),
    "something charged there since": ((*IDLE, said(20, CHARGING)), 20),
    "heard of anew on another day": ((*IDLE, line(100)), 0),
    "the other connector charged": ((*IDLE, said(30, CHARGING, ConnectorId(2))), 0),
    "it charged then": ((*IDLE, said(70, CHARGING)), None),
    "a car stood there then": ((*IDLE, said(70, ConnectorStatus.OCCUPIED)), None),
    "its line was broken then": ((*IDLE, line(90, online=False), line(2)), None),
    "its line broke soon after": ((*IDLE, line(55, online=False), line(2)), None),
    "its line broke much later": ((*IDLE, line(20, online=False), line(2)), 30),
    "back since, and has not said what it is": ((*IDLE, line(200, online=False), line(150)), None),
    "back since, and free": ((*IDLE, line(200, online=False), line(150), said(149, FREE)), 0),
    "nobody knows": ((), None),
    "it came online for the first time afterwards": ((line(5), said(4, FREE)), None),
}


@pytest.mark.parametrize(("happened", "until"), SEEN.values(), ids=SEEN.keys())
def test_a_connector_that_was_free_when_it_is_said_to_have_begun_says_when_it_began(
    happened: Sequence[Happening], until: float | None
) -> None:
    assert free_until(happened, ONE, ago(60), NOON) == (None if until is None else ago(until))


def test_what_is_told_within_minutes_is_not_doubted() -> None:
    assert not is_told_late(ago(10), NOON)
    assert is_told_late(ago(11), NOON)
    assert not is_told_late(None, NOON)
    assert not is_told_late(ago(11), None)


@pytest.mark.parametrize(
    ("statuses", "is_so"),
    [
        ((FREE, PREPARING), True),
        ((FREE, PREPARING, CHARGING), True),
        ((FREE, CHARGING), False),
        ((PREPARING, CHARGING), False),
        ((FREE,), False),
        ((), False),
    ],
)
def test_a_plug_that_was_free_and_waits_with_a_car_was_taken_anew(
    statuses: Sequence[ConnectorStatus], is_so: bool
) -> None:
    told = [said(10 - place, it) for place, it in enumerate(statuses)]
    assert was_taken_anew(told, ONE) is is_so
    assert not was_taken_anew(told, ConnectorId(2))
