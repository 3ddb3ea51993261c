"""How long whoever answers wants to be left alone, as RFC 9110 lets them say it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.adapters.retry_after import wait_of

AT = datetime(2026, 11, 30, 15, 10, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("told", "wait"),
    [
        ("120", timedelta(seconds=120)),
        ("Mon, 30 Nov 2026 15:40:00 GMT", timedelta(minutes=30)),
        ("Mon, 30 Nov 2026 15:00:00 GMT", timedelta(0)),
        ("99999999999999999999", None),
        ("9999999", DAY),
        ("soon", None),
        ("-5", None),
        (None, None),
    ],
)
def test_how_long_to_stay_away_is_heard_up_to_a_day(told: str | None, wait: timedelta | None) -> None:
    assert wait_of(told, AT) == wait
