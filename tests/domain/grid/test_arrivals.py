"""When cars come to a site: by weekday and hour, the last weeks before those before them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from chalicelib.domain.grid.arrivals import Arrivals
from chalicelib.domain.grid.tree import Claim
from tests.domain.grid.sites import claim

MONDAY = datetime(2026, 6, 1, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def came(*moments: datetime) -> list[Claim]:
    return [claim(number, begun_at=at) for number, at in enumerate(moments)]


def watched(known: Arrivals, *days: tuple[int, list[Claim]]) -> Arrivals:
    """Each hour of those days (from Monday on), with who came in them."""
    for day, claims in days:
        for hour in range(1, 25):
            known = known.with_claims(claims, MONDAY + day * DAY + hour * HOUR - timedelta(minutes=1))
    return known


def cars_at(known: Arrivals, at: datetime) -> float:
    return sum(known.coming([], at, 4)) / 1000


AT_EIGHT = [claim(it, begun_at=MONDAY + 8 * HOUR + timedelta(minutes=it)) for it in range(6)]
NOBODY = Arrivals(until=MONDAY - timedelta(minutes=1))


def test_the_next_workday_is_like_the_last_and_a_weekend_is_not() -> None:
    known = watched(NOBODY, (0, AT_EIGHT))
    assert cars_at(known, MONDAY + DAY + 8 * HOUR) == 6
    assert cars_at(known, MONDAY + DAY + 9 * HOUR) == 0
    assert cars_at(known, MONDAY + 5 * DAY + 8 * HOUR) == 0
    assert not known.weeks[5 * 24 + 8]


def test_the_same_weekday_counts_before_others_and_the_last_week_twice_the_one_before() -> None:
    week = watched(NOBODY, (0, AT_EIGHT), *((day, []) for day in range(1, 7)))
    assert cars_at(week, MONDAY + 7 * DAY + 8 * HOUR) == 6
    assert cars_at(week, MONDAY + 8 * DAY + 8 * HOUR) == 0
    assert cars_at(watched(week, (7, [])), MONDAY + 14 * DAY + 8 * HOUR) == 2


def test_hours_that_nobody_watched_promise_what_the_last_one_brought() -> None:
    at = MONDAY + 8 * HOUR + timedelta(minutes=14)
    claims = came(at - timedelta(minutes=5), at - timedelta(minutes=50), at - timedelta(minutes=70))
    known = Arrivals(until=at - timedelta(minutes=15)).with_claims(claims, at)
    assert sum(known.coming(claims, at.replace(minute=0), 16)) == 4 * 2 * 1000


def test_nobody_is_counted_twice_and_who_came_between_two_plans_once() -> None:
    claims = came(MONDAY + HOUR, MONDAY + HOUR + timedelta(minutes=20))
    known = NOBODY.with_claims(claims, MONDAY + HOUR + timedelta(minutes=10))
    known = known.with_claims(claims, MONDAY + HOUR + timedelta(minutes=30))
    assert known.with_claims(claims, MONDAY + HOUR + timedelta(minutes=30)) == known
    assert sum(known.cars) == 200


def test_a_year_unseen_is_no_loop_of_a_year_and_leaves_nothing_out_of_bounds() -> None:
    known = watched(NOBODY, (0, AT_EIGHT)).with_claims([], MONDAY + 365 * DAY)
    assert len(known.cars) == len(known.weeks) == 168
    assert set(known.weeks) <= {100, 150}
