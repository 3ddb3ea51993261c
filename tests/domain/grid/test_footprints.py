"""What a charge's energy came to, and what waiting saved; told honestly where it saved nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.domain.grid.footprints import EnergyRegister, at_once, footprint, quarters_of
from chalicelib.domain.grid.outlook import Outlook

BEGAN = datetime(2026, 11, 21, 18, 0, tzinfo=UTC)
# Dear and dirty for two hours, then cheap and clean.
PRICES = (300_000,) * 8 + (100_000,) * 8
CARBON = (400,) * 8 + (100,) * 8
RENEWABLE = (200,) * 8 + (800,) * 8


def outlook(**more: object) -> Outlook:
    rows = {"price_micros": PRICES, "carbon_g": CARBON, "renewable_permille": RENEWABLE, **more}
    return Outlook(begins_at=BEGAN, currency="EUR", source="a market", **rows)  # type: ignore[arg-type]


def registers(*told: tuple[float, int]) -> list[EnergyRegister]:
    return [EnergyRegister(BEGAN + timedelta(hours=hours), energy_wh) for hours, energy_wh in told]


def test_what_waited_for_cheap_hours_saved_the_difference() -> None:
    found = footprint(registers((0, 0), (2, 0), (3, 10_000)), outlook(), 11_000)
    assert found is not None
    assert (found.energy_cost_micros, found.saved_micros) == (1_000_000, 2_000_000)
    assert (found.carbon_g, found.saved_g) == (1_000, 3_000)
    assert found.renewable_permille == 800
    assert (found.source, found.method) == ("a market", "average-by-quarter-hour/1")


def test_what_charged_at_once_saved_nothing() -> None:
    found = footprint(registers((0, 0), (1, 10_000)), outlook())
    assert found is not None
    assert (found.saved_micros, found.saved_g) == (0, 0)


def test_what_waited_for_the_dear_hours_is_told_as_a_loss() -> None:
    found = footprint(registers((0, 0), (2, 0), (3, 10_000)), outlook(price_micros=PRICES[::-1]))
    assert found is not None
    assert found.saved_micros == -2_000_000


def test_of_a_quarter_that_nobody_knows_nothing_is_told() -> None:
    found = footprint(registers((0, 0), (2, 0), (3, 10_000)), outlook(carbon_g=CARBON[:10], renewable_permille=()))
    assert found is not None
    assert (found.carbon_g, found.saved_g, found.renewable_permille) == (None, None, None)
    assert found.energy_cost_micros == 1_000_000


def test_a_price_below_nothing_is_weighed_as_it_is() -> None:
    found = footprint(registers((0, 0), (1, 1_000)), outlook(price_micros=(-50_000,) * 16))
    assert found is not None
    assert found.energy_cost_micros == -50_000


def test_energy_between_two_readings_flows_evenly_and_none_is_lost() -> None:
    taken = quarters_of(registers((0.1, 0), (0.6, 5_000), (0.6, 5_000), (0.9, 5_300)), BEGAN)
    assert sum(taken.values()) == pytest.approx(5_300)
    assert taken[0] == pytest.approx(1_500)
    assert sum(at_once(5_300, 7_000, BEGAN + timedelta(minutes=7), BEGAN).values()) == pytest.approx(5_300)


def test_who_took_nothing_has_no_footprint() -> None:
    assert footprint([], outlook()) is None
    assert footprint(registers((0, 0), (3, 0)), outlook()) is None
