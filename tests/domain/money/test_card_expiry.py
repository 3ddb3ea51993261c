"""A card is good through the last day of the month printed on it."""

from __future__ import annotations

from datetime import date

import pytest

from chalicelib.domain.money.card_expiry import expires_soon, has_expired, month_text


@pytest.mark.parametrize(
    ("on", "soon", "over"),
    [
        (date(2028, 1, 29), False, False),
        (date(2028, 1, 30), True, False),
        (date(2028, 2, 29), True, False),
        (date(2028, 3, 1), False, True),
    ],
)
def test_its_holder_is_told_before_it_expires_and_not_after(on: date, soon: bool, over: bool) -> None:
    assert (expires_soon("2028-02", on), has_expired("2028-02", on)) == (soon, over)


def test_a_month_is_written_so_that_it_sorts() -> None:
    assert month_text(2029, 3) == "2029-03"
