"""What a car tells its charger over ISO 15118, and that its CSMS (OCPP 2.x K15 to K17): what it needs, and plans.

1.6 has no word for either.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from local.simulator.charger import Charger
from local.simulator.line import Payload
from local.simulator.parts import now, timestamp


async def tell_needs(
    charger: Charger, connector: int, energy_wh: int, departs_at: datetime, *, most_a: int = 16
) -> str:
    """A car by AC says what it needs. Returns the status of the answer."""
    needs: Payload = {
        "requestedEnergyTransfer": "AC_three_phase",
        "departureTime": timestamp(departs_at),
        "acChargingParameters": {
            "energyAmount": energy_wh,
            "evMinCurrent": 6,
            "evMaxCurrent": most_a,
            "evMaxVoltage": 230,
        },
    }
    payload = {"evseId": connector, "maxScheduleTuples": 3, "chargingNeeds": needs}
    return str((await charger.line.call("NotifyEVChargingNeeds", payload))["status"])


async def tell_plan(charger: Charger, connector: int, limits_a: list[tuple[int, float]]) -> str:
    """A car says what it is going to draw. Returns the status of the answer."""
    periods = [{"startPeriod": start_s, "limit": limit_a} for start_s, limit_a in limits_a]
    schedule = {"id": 1, "chargingRateUnit": "A", "chargingSchedulePeriod": periods, "duration": 3600}
    payload = {"timeBase": timestamp(now()), "evseId": connector, "chargingSchedule": schedule}
    return str((await charger.line.call("NotifyEVChargingSchedule", payload))["status"])


def in_hours(hours: float) -> datetime:
    """A time by the charger's clock."""
    return now() + timedelta(hours=hours)
