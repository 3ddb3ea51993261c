"""A meter's samples become integers of one unit: Wh, W, percent; what cannot be a measurement is not one.

Both versions name measurands alike; they differ in where they put the unit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

from chalicelib.domain.chargers.events import Reading
from chalicelib.protocol.ocpp.payload import Payload

ENERGY = "Energy.Active.Import.Register"
POWER = "Power.Active.Import"
SOC = "SoC"
_WANTED = (ENERGY, POWER, SOC)
# Where the meter sits when it does not say, and where it sits when it is the one that counts.
_AT_THE_PLUG = (None, "Outlet")
_EXPONENTS = {"wh": 0, "w": 0, "percent": 0, "%": 0, "kwh": 3, "kw": 3}
# As the standard spells them. Millions by exact name only: "mWh" would be a billionth of it.
_STANDARD = {None: 0, "": 0, "Wh": 0, "W": 0, "Percent": 0, "kWh": 3, "kW": 3, "MWh": 6, "MW": 6}
_BEYOND_BELIEF = 10**12
_ONE = Decimal(1)
_NUMBERS = (str, int, float)

Exponent = Callable[[Payload], int | None]


def exponent_by_name(unit: str | None) -> int | None:
    """The power of ten that turns a unit into Wh, W or percent; None for one nobody knows.

    No unit means Wh (OCPP 1.6 §7.44).
    """
    known = _STANDARD.get(unit)
    return known if known is not None or unit is None else _EXPONENTS.get(unit.lower())


def readings(
    payload: Payload, exponent: Exponent, contexts: Sequence[str] = (), field: str = "meterValue"
) -> tuple[Reading, ...]:
    """All of a message's meter values that hold a measurement. `contexts` are preferred, the first most."""
    found = (_reading(meter_value, exponent, contexts) for meter_value in payload.parts(field))
    return tuple(reading for reading in found if reading is not None)


def register(
    payload: Payload, exponent: Exponent, context: str, *, newest: bool, field: str = "meterValue"
) -> int | None:
    """The energy register at one end of a transaction, in Wh.

    The meter value marked with `context` has it, whatever its time: clocks are set while cars charge. Where none
    is marked, the newest or the oldest has it.
    """
    with_mark, without = _registers(payload, exponent, context, field)
    known = sorted(with_mark or without, reverse=newest)
    return known[0][1] if known else None


def marked(payload: Payload, exponent: Exponent, context: str, field: str = "meterValue") -> int | None:
    """The energy register of the meter value marked with `context`, if there is one, in Wh."""
    with_mark, _ = _registers(payload, exponent, context, field)
    return min(with_mark)[1] if with_mark else None


_Registers = list[tuple[datetime, int]]


def _registers(payload: Payload, exponent: Exponent, context: str, field: str) -> tuple[_Registers, _Registers]:
    """The energy registers that bear the mark, and those that do not."""
    with_mark: _Registers = []
    without: _Registers = []
    for meter_value in payload.parts(field):
        reading = _reading(meter_value, exponent, (context,))
        if reading is None or reading.energy_wh is None:
            continue
        is_marked = any(
            sample.data.get("context") == context and _measurand(sample) == ENERGY
            for sample in meter_value.parts("sampledValue")
        )
        (with_mark if is_marked else without).append((reading.at, reading.energy_wh))
    return with_mark, without


def _measurand(sample: Payload) -> object:
    return sample.data.get("measurand") or ENERGY


def _reading(meter_value: Payload, exponent: Exponent, contexts: Sequence[str]) -> Reading | None:
    samples = meter_value.data.get("sampledValue")
    found: dict[object, list[Payload]] = {}
    for index, sample in enumerate(samples if isinstance(samples, list) else ()):
        if isinstance(sample, dict):
            measurand = sample.get("measurand") or ENERGY
            # Most of what a charger samples is for its own diagnosis: of that nothing is built.
            if measurand in _WANTED:
                found.setdefault(measurand, []).append(meter_value.item("sampledValue", index, sample))
    energy_wh = _measured(found.get(ENERGY), exponent, contexts)
    power_w = _measured(found.get(POWER), exponent, contexts)
    soc_percent = _measured(found.get(SOC), exponent, contexts)
    if soc_percent is not None and not 0 <= soc_percent <= 100:
        soc_percent = None
    if energy_wh is None and power_w is None and soc_percent is None:
        return None
    return Reading(meter_value.at(), energy_wh, power_w, soc_percent)


def _measured(samples: Sequence[Payload] | None, exponent: Exponent, contexts: Sequence[str]) -> int | None:
    """The sample of the whole connector; failing that, the sum of its phases."""
    if samples is None:
        return None
    if len(samples) == 1 and "phase" not in samples[0].data:
        return _value(samples[0], exponent)
    values: dict[str | None, int] = {}
    ranks: dict[str | None, int] = {}
    for sample in _at_the_plug(samples):
        value = _value(sample, exponent)
        if value is None:
            continue
        phase = (sample.optional_text("phase") or "").removesuffix("-N") or None
        context = sample.optional_text("context")
        rank = len(contexts) - contexts.index(context) if context in contexts else 0
        if rank >= ranks.get(phase, 0):
            values[phase], ranks[phase] = value, rank
    if None in values:
        return values[None]
    by_phase = [value for phase, value in values.items() if phase in ("L1", "L2", "L3")]
    return sum(by_phase) if by_phase else None


def _at_the_plug(samples: Sequence[Payload]) -> Sequence[Payload]:
    here = [sample for sample in samples if sample.data.get("location") in _AT_THE_PLUG]
    return here or samples


def _value(sample: Payload, exponent: Exponent) -> int | None:
    if sample.data.get("format") == "SignedData":
        return None
    power = exponent(sample)
    if power is None:
        sample.note("value", "is in a unit nobody knows")
        return None
    return whole(sample.data.get("value"), power)


def whole(value: object, power: int = 0) -> int | None:
    """`value` times ten to the `power` as a whole number, half rounded up; None for what cannot be a measurement."""
    if power == 0 and isinstance(value, str) and value.isdecimal() and len(value) <= 12:
        return int(value)
    if isinstance(value, bool) or not isinstance(value, _NUMBERS):
        return None
    try:
        scaled = Decimal(str(value).strip().replace(",", ".")).scaleb(power)
        return int(scaled.quantize(_ONE, ROUND_HALF_UP)) if abs(scaled) < _BEYOND_BELIEF else None
    # Not a number by its text, by its size, or by name ("NaN").
    except ArithmeticError:
        return None
