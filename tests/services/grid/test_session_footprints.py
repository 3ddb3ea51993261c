"""What a receipt says of a charge's energy, by whatever of its site's prices and carbon is known of those hours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import cast

import pytest

from chalicelib.domain.chargers.events import ConnectorId, Reading
from chalicelib.domain.charging.session import Origin, Session, State
from chalicelib.domain.grid.outlook import Outlook
from chalicelib.domain.grid.signals import quarter_of
from chalicelib.records.charging import StoredReading
from chalicelib.services.grid.footprints import SessionFootprints
from chalicelib.services.pricing.evidence import Evidence
from tests.services.conftest import NOW, TARIFF

BEGAN = quarter_of(NOW)
HOUR = timedelta(hours=1)
SESSION = Session(
    session_id="S-1",
    operator_id="op",
    site_id="site",
    charger_id="CP-1",
    connector=ConnectorId(1),
    origin=Origin.CHARGER,
    token="",
    driver_id="ada",
    tariff=TARIFF,
    created_at=BEGAN,
    started_at=BEGAN,
    stopped_at=BEGAN + 4 * HOUR,
    state=State.STOPPING,
    meter_start_wh=1_000,
    meter_stop_wh=12_000,
    is_load_managed=True,
    ref="7",
    plug_w=11_000,
)
# It waits for three hours, and takes 11 kW in the fourth.
WAITED = ((0.5, 1_000), (3, 1_000), (3.5, 6_500))


@dataclass
class Known:
    """Both what prices were and what a meter told."""

    price_micros: tuple[int, ...] = (300_000,) * 12 + (100_000,) * 8
    carbon_g: tuple[int, ...] = (400,) * 12 + (100,) * 8
    told: Sequence[tuple[float, int]] = WAITED
    asked: list[str] = field(default_factory=list)
    fails: bool = False

    def of(self, site_id: str, begins_at: datetime, quarters: int) -> Outlook:
        self.asked.append(site_id)
        if self.fails:
            raise RuntimeError("no table")
        return Outlook(
            begins_at=quarter_of(begins_at),
            currency="EUR",
            price_micros=self.price_micros[:quarters],
            carbon_g=self.carbon_g[:quarters],
            source="a market, a grid",
        )

    def all_of(self, session: Session) -> Sequence[StoredReading]:
        return [StoredReading(str(hours), Reading(at=BEGAN + hours * HOUR, energy_wh=wh)) for hours, wh in self.told]

    @property
    def footprints(self) -> SessionFootprints:
        return SessionFootprints(outlooks=self, evidence=cast("Evidence", self))


def test_what_waiting_saved_is_told_with_source_and_method() -> None:
    found = Known().footprints.of(SESSION)
    assert found is not None
    assert (found.energy_wh, found.carbon_g, found.energy_cost_micros) == (11_000, 1_100, 1_100_000)
    assert (found.saved_g, found.saved_micros) == (3_300, 2_200_000)
    assert (found.source, found.method) == ("a market, a grid", "average-by-quarter-hour/1")
    assert found.renewable_permille is None


def test_where_one_feed_fell_silent_the_other_is_told_all_the_same_and_nothing_is_made_up() -> None:
    found = Known(carbon_g=(400,) * 13).footprints.of(SESSION)
    assert found is not None
    assert (found.carbon_g, found.saved_g) == (None, None)
    assert (found.energy_cost_micros, found.saved_micros) == (1_100_000, 2_200_000)
    assert Known(price_micros=(), carbon_g=()).footprints.of(SESSION) is None


def test_a_price_below_nothing_is_no_cost_but_a_gain_and_waiting_for_a_dearer_hour_is_told_as_a_loss() -> None:
    paid = Known(price_micros=(200_000,) * 12 + (-50_000,) * 8).footprints.of(SESSION)
    lost = Known(price_micros=(-50_000,) * 12 + (200_000,) * 8).footprints.of(SESSION)
    assert paid is not None
    assert lost is not None
    assert (paid.energy_cost_micros, paid.saved_micros) == (-550_000, 2_750_000)
    assert (lost.energy_cost_micros, lost.saved_micros) == (2_200_000, -2_750_000)


def test_a_reading_that_falls_or_is_beyond_what_was_billed_moves_no_energy() -> None:
    odd = Known(told=((0.5, 1_000), (1, 90_000), (3, 1_000), (3.2, 500), (3.5, 6_500)))
    assert odd.footprints.of(SESSION) == Known().footprints.of(SESSION)


@pytest.mark.parametrize(
    "session",
    [
        replace(SESSION, is_load_managed=False),
        replace(SESSION, meter_stop_wh=1_000),
        replace(SESSION, stopped_at=None),
        replace(SESSION, stopped_at=BEGAN + timedelta(days=3)),
    ],
)
def test_of_a_charge_of_which_nothing_can_be_said_nobody_is_asked(session: Session) -> None:
    known = Known()
    assert known.footprints.of(session) is None
    assert not known.asked


def test_a_receipt_is_worth_more_than_what_it_says_of_carbon() -> None:
    assert Known(fails=True).footprints.of(SESSION) is None
