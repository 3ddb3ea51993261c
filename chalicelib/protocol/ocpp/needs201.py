"""Decoders of what a car tells its charger over ISO 15118: what it needs, and what it is going to draw (K15, K17).

2.1 has more to say of cars that give energy back; what they want to take is understood all the same.
"""

from __future__ import annotations

from decimal import Decimal

from chalicelib.domain.chargers.events import ChargingNeedsTold, ChargingPlanTold, ConnectorId, PlannedPeriod
from chalicelib.protocol.ocpp.payload import Payload

_PHASES = {"AC_single_phase": 1, "AC_two_phase": 2, "AC_three_phase": 3}
_MOST_PERIODS = 1024


def charging_needs(payload: Payload) -> ChargingNeedsTold:
    """Decodes NotifyEVChargingNeeds: what makes no sense in it is not said."""
    needs = payload.part("chargingNeeds")
    by_ac, by_dc = needs.optional_part("acChargingParameters"), needs.optional_part("dcChargingParameters")
    two_way = needs.optional_part("v2xChargingParameters")
    transfer = needs.optional_text("requestedEnergyTransfer") or ""
    energy = _first((by_ac, "energyAmount"), (by_dc, "energyAmount"), (two_way, "evTargetEnergyRequest"))
    percent = by_dc.optional_integer("stateOfCharge") if by_dc else None
    return ChargingNeedsTold(
        connector=_connector(payload),
        energy_wh=None if energy is None or energy < 0 else int(energy),
        departs_at=needs.when("departureTime") if needs.data.get("departureTime") is not None else None,
        is_dc=transfer.startswith("DC") or (by_dc is not None and by_ac is None),
        phases=_PHASES.get(transfer),
        least_ma=_milli(_first((by_ac, "evMinCurrent"))),
        most_ma=_milli(_first((by_ac, "evMaxCurrent"))),
        most_w=_whole(_first((by_dc, "evMaxPower"), (two_way, "maxChargePower"))),
        soc_percent=percent if percent is not None and 0 <= percent <= 100 else None,
        most_periods=payload.optional_integer("maxScheduleTuples"),
    )


def charging_plan(payload: Payload) -> ChargingPlanTold:
    """Decodes NotifyEVChargingSchedule: the car's periods, as they came."""
    schedule = payload.part("chargingSchedule")
    periods = [
        PlannedPeriod(
            max(it.optional_integer("startPeriod") or 0, 0),
            it.optional_number("limit"),
            it.optional_integer("numberPhases"),
        )
        for it in schedule.parts("chargingSchedulePeriod")
    ]
    return ChargingPlanTold(
        connector=_connector(payload),
        starts_at=payload.at("timeBase"),
        periods=tuple(periods[:_MOST_PERIODS]),
        in_amps=schedule.data.get("chargingRateUnit") != "W",
    )


def _connector(payload: Payload) -> ConnectorId | None:
    number = payload.ordinal("evseId")
    return ConnectorId(number) if number else None


def _first(*places: tuple[Payload | None, str]) -> Decimal | None:
    found = (it.optional_number(name) for it, name in places if it is not None)
    return next((it for it in found if it is not None), None)


def _milli(amperes: Decimal | None) -> int | None:
    return None if amperes is None or amperes < 0 else int(amperes * 1000)


def _whole(watts: Decimal | None) -> int | None:
    return None if watts is None or watts < 0 else int(watts)
