"""What a car needs is read from whatever its charger passes on of it, by AC or DC, with signs missing or nonsense."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from chalicelib.domain.chargers.events import ChargingNeedsTold, ChargingPlanTold, ConnectorId, PlannedPeriod
from chalicelib.protocol.ocpp import dialect_for
from chalicelib.protocol.ocpp.frames import Call

AT = datetime(2026, 11, 30, 12, tzinfo=UTC)
DEPARTS = datetime(2026, 12, 1, 6, tzinfo=UTC)


def decoded(action: str, payload: dict[str, Any], protocol: str = "ocpp2.0.1") -> object:
    return dialect_for(protocol).decode(Call(message_id="m", action=action, payload=payload), AT).event


def needs(evse: int = 1, **said: Any) -> dict[str, Any]:
    return {"evseId": evse, "maxScheduleTuples": 12, "chargingNeeds": said}


BY_AC = {"energyAmount": 18_500, "evMinCurrent": 6, "evMaxCurrent": 16, "evMaxVoltage": 230}
BY_DC = {"evMaxCurrent": 200, "evMaxVoltage": 400, "evMaxPower": 80_000, "stateOfCharge": 35, "energyAmount": 40_000}


@pytest.mark.parametrize("protocol", ["ocpp2.0.1", "ocpp2.1"])
def test_needs_by_ac_and_by_dc(protocol: str) -> None:
    by_ac = needs(
        requestedEnergyTransfer="AC_two_phase", departureTime="2026-12-01T06:00:00Z", acChargingParameters=BY_AC
    )
    assert decoded("NotifyEVChargingNeeds", by_ac, protocol) == ChargingNeedsTold(
        connector=ConnectorId(1),
        energy_wh=18_500,
        departs_at=DEPARTS,
        phases=2,
        least_ma=6_000,
        most_ma=16_000,
        most_periods=12,
    )
    by_dc = needs(2, requestedEnergyTransfer="DC", dcChargingParameters=BY_DC)
    assert decoded("NotifyEVChargingNeeds", by_dc, protocol) == ChargingNeedsTold(
        connector=ConnectorId(2),
        energy_wh=40_000,
        is_dc=True,
        most_w=80_000,
        soc_percent=35,
        most_periods=12,
    )


def test_a_car_that_could_give_back_says_what_it_wants_to_take() -> None:
    said = needs(
        requestedEnergyTransfer="AC_BPT",
        v2xChargingParameters={"evTargetEnergyRequest": 9_000.5, "maxChargePower": 7_400},
    )
    found = decoded("NotifyEVChargingNeeds", said, "ocpp2.1")
    assert isinstance(found, ChargingNeedsTold)
    assert (found.energy_wh, found.most_w, found.is_dc) == (9_000, 7_400, False)


def test_what_makes_no_sense_is_not_said() -> None:
    said = needs(
        0,
        requestedEnergyTransfer="by hand",
        departureTime="soon",
        acChargingParameters={**BY_AC, "energyAmount": -5, "evMaxCurrent": "much"},
        dcChargingParameters={"stateOfCharge": 400},
    )
    found = decoded("NotifyEVChargingNeeds", said)
    assert found == ChargingNeedsTold(connector=None, least_ma=6_000, most_periods=12)


def test_a_cars_plan_is_read_in_its_unit() -> None:
    periods = [{"startPeriod": 0, "limit": 10.5, "numberPhases": 3}, {"startPeriod": 60, "limit": 0}]
    schedule = {"id": 1, "chargingRateUnit": "W", "chargingSchedulePeriod": periods}
    said = {"timeBase": "2026-12-01T06:00:00Z", "evseId": 1, "chargingSchedule": schedule}
    assert decoded("NotifyEVChargingSchedule", said) == ChargingPlanTold(
        connector=ConnectorId(1),
        starts_at=DEPARTS,
        periods=(PlannedPeriod(0, Decimal("10.5"), 3), PlannedPeriod(60, Decimal(0))),
        in_amps=False,
    )
