"""A claim that was lost comes back with the next reading of its charge, as if it had never been away."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain.chargers.events import Reading
from chalicelib.domain.charging.preferences import ChargingPreferences
from chalicelib.records.chargers import Connection
from chalicelib.records.charging import Transaction
from chalicelib.records.grid import StoredClaim
from tests.services.conftest import Kit
from tests.services.grid.plant import SITE_ID, Plant


@pytest.fixture
def plant(kit: Kit) -> Plant:
    made = Plant(kit)
    made.describe()
    return made


def drew(plant: Plant, number: int, energy_wh: int) -> None:
    """A reading of that car's charge is told."""
    port_id = plant.port(number)
    connection = Connection(
        connection_id=plant.outlets[number].connection_id,
        charger_id=port_id.charger_id,
        operator_id="op",
        protocol="ocpp1.6",
        managed_at=SITE_ID,
    )
    known = Transaction(charger_id=port_id.charger_id, ref="1", session_id=f"S-{number}", connector=port_id.connector)
    told = Reading(at=plant.kit.clock(), energy_wh=energy_wh, phase_currents_ma=(10_000, 10_000, 10_000))
    plant.kit.power_claims.drew(connection, known, [told])


def claim(plant: Plant) -> StoredClaim:
    state = plant.kit.managed_sites.state(SITE_ID)
    assert state is not None
    (found,) = state.claims
    return found


def test_a_claim_that_comes_back_has_what_its_driver_said_and_what_its_car_has_had(plant: Plant) -> None:
    kit = plant.kit
    plant.known(0, "ada")
    session = kit.session("S-0")
    said = ChargingPreferences(ready_by=kit.clock().replace(hour=23), energy_wh=20_000)
    assert kit.sessions.save(session, replace(session, preferences=said, meter_start_wh=1_000))
    plant.begin(0, said)
    drew(plant, 0, 4_000)
    # It gets lost: whoever described the site anew, or a process that died, took it away.
    assert kit.managed_sites.end(SITE_ID, plant.port(0), "S-0")
    drew(plant, 0, 9_000)
    back = claim(plant)
    assert back.preferences == said
    assert (back.asked_wh, back.departs_at) == (20_000, said.ready_by)
    # Of twenty it has had eight, not none.
    assert (back.first_wh, back.last_wh) == (1_000, 9_000)
    assert SITE_ID in set(kit.managed_sites.wishing())


def test_a_claim_of_a_session_that_nobody_knows_comes_back_without_wishes(plant: Plant) -> None:
    drew(plant, 0, 4_000)
    assert claim(plant).preferences is None
    assert claim(plant).first_wh == 4_000
