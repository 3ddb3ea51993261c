"""What an event delivered is told by quarters of an hour, the same however often a look is noted."""

from __future__ import annotations

from datetime import timedelta

from chalicelib.domain.grid.delivery import Sample, quarters, summed
from tests.domain.grid.sites import AT


def test_a_quarter_is_the_mean_of_its_minutes_and_one_without_a_look_is_nothing() -> None:
    samples = [Sample(AT + timedelta(minutes=it, seconds=it), 22_000, 16_500) for it in range(0, 30)]
    whole, other = quarters(samples)
    assert (whole.begins_at, whole.baseline_w, whole.drawn_w, whole.delivered_w) == (AT, 22_000, 16_500, 5_500)
    assert other.begins_at == AT + timedelta(minutes=15)
    half = quarters(samples[:6])[0]
    assert (half.baseline_w, half.delivered_w) == (8_800, 2_200)


def test_what_is_noted_again_in_a_minute_changes_nothing() -> None:
    first = Sample(AT + timedelta(seconds=3), 15_000, 0)
    again = Sample(AT + timedelta(seconds=40), 30_000, 15_000)
    assert quarters([again, first, first]) == quarters([first])


def test_sites_add_up() -> None:
    one = quarters([Sample(AT, 15_000, 0), Sample(AT + timedelta(minutes=20), 15_000, 0)])
    other = quarters([Sample(AT, 30_000, 15_000)])
    assert [(it.baseline_w, it.delivered_w) for it in summed([one, other])] == [(3_000, 2_000), (1_000, 1_000)]
