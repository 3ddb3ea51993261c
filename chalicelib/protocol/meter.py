"""A meter's samples become integers of one unit: Wh, W, percent; what cannot be a measurement is not one.

Both versions name measurands alike; they differ in where they put the unit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from chalicelib.domain.events import Reading
from chalicelib.protocol.payload import Payload

ENERGY = "Energy.Active.Import.Register"
POWER = "Power.Active.Import"
SOC = "SoC"
# Where the meter sits when it does not say, and where it sits when it is the one that counts.
_AT_THE_PLUG = (None, "Outlet")
_THOUSANDS = {"kwh": 3, "kw": 3, "mwh": 6, "mw": 6}
_BEYOND_BELIEF = 10**12
_LARGEST_EXPONENT = 12

Exponent = Callable[[Payload], int]


def exponent_by_name(unit: str | None) -> int:
    """The power of ten that turns a unit's name into Wh or W; no unit means Wh (OCPP 1.6 §7.44)."""
    return _THOUSANDS.get(unit.lower(), 0) if unit else 0


def readings(payload: Payload, exponent: Exponent, contexts: Sequence[str] = ()) -> tuple[Reading, ...]:
    """All of a message's meter values that hold a measurement. `contexts` are preferred, the first most."""
    found = (_reading(meter_value, exponent, contexts) for meter_value in payload.parts("meterValue"))
    return tuple(reading for reading in found if reading is not None)


def _reading(meter_value: Payload, exponent: Exponent, contexts: Sequence[str]) -> Reading | None:
    by_measurand: dict[str, list[Payload]] = {}
    for sample in meter_value.parts("sampledValue"):
        by_measurand.setdefault(sample.optional_text("measurand") or ENERGY, []).append(sample)
    energy_wh, power_w, soc_percent = (
        _measured(by_measurand.get(measurand, ()), exponent, contexts) for measurand in (ENERGY, POWER, SOC)
    )
    if energy_wh is None and power_w is None and soc_percent is None:
        return None
    if soc_percent is not None and not 0 <= soc_percent <= 100:
        soc_percent = None
    return Reading(meter_value.at(), energy_wh, power_w, soc_percent)


def _measured(samples: Sequence[Payload], exponent: Exponent, contexts: Sequence[str]) -> int | None:
    """The sample of the whole connector; failing that, the sum of its phases."""
    values: dict[str | None, int] = {}
    ranks: dict[str | None, int] = {}
    for sample in _at_the_plug(samples):
        value = _value(sample, exponent)
        if value is None:
            continue
        phase = sample.optional_text("phase")
        context = sample.optional_text("context")
        rank = len(contexts) - contexts.index(context) if context in contexts else 0
        if rank >= ranks.get(phase, 0):
            values[phase], ranks[phase] = value, rank
    if None in values:
        return values[None]
    by_phase = [value for phase, value in values.items() if phase and phase.removesuffix("-N") in ("L1", "L2", "L3")]
    return sum(by_phase) if by_phase else None


def _at_the_plug(samples: Sequence[Payload]) -> Sequence[Payload]:
    here = [sample for sample in samples if sample.data.get("location") in _AT_THE_PLUG]
    return here or samples


def _value(sample: Payload, exponent: Exponent) -> int | None:
    if sample.data.get("format") == "SignedData":
        return None
    value: Any = sample.data.get("value")
    power = exponent(sample)
    if power == 0 and isinstance(value, str) and value.isdecimal() and len(value) <= 12:
        return int(value)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        number = Decimal(str(value).strip().replace(",", "."))
    except InvalidOperation:
        return None
    if not number.is_finite() or abs(number) >= _BEYOND_BELIEF or abs(power) > _LARGEST_EXPONENT:
        return None
    scaled = number.scaleb(power)
    return int(scaled.quantize(Decimal(1), ROUND_HALF_UP)) if abs(scaled) < _BEYOND_BELIEF else None
