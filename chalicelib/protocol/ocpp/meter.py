"""Meter values: samples become integers of one unit (Wh, W, mA, percent); what cannot be a measurement is not one.

Both versions name measurands alike; they differ in where they put the unit. What a message tells of one moment, in
however many meter values and in whatever order, is one reading.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any, NamedTuple

from chalicelib.domain.chargers.events import Currents, Reading, SignedValue
from chalicelib.protocol.ocpp.payload import Payload

ENERGY = "Energy.Active.Import.Register"
EXPORTED = "Energy.Active.Export.Register"
POWER = "Power.Active.Import"
POWER_EXPORTED = "Power.Active.Export"
CURRENT = "Current.Import"
CURRENT_EXPORTED = "Current.Export"
SOC = "SoC"
BEGIN, END = "Transaction.Begin", "Transaction.End"
_REGISTERS = (ENERGY, EXPORTED)
_CURRENTS = (CURRENT, CURRENT_EXPORTED)
_WANTED = frozenset({*_REGISTERS, *_CURRENTS, POWER, POWER_EXPORTED, SOC})
_SPELLED = {name.lower(): name for name in _WANTED}
# Most of what a charger samples is for its own diagnosis: these are known to be no business of ours.
_UNWANTED = frozenset(
    "Voltage Frequency Temperature RPM Power.Factor Power.Offered Current.Offered "
    "Power.Reactive.Import Power.Reactive.Export Energy.Reactive.Import.Register Energy.Reactive.Export.Register "
    "Energy.Active.Import.Interval Energy.Active.Export.Interval".split()
)
# Where the meter sits that counts, and where the next best does. A meter that does not say sits at the outlet.
_LOCATIONS: Mapping[object, int] = {None: 0, "Outlet": 0, "Cable": 1, "EV": 2, "Inlet": 3, "Body": 4, "Upstream": 5}
_ELSEWHERE = 6
# What a sample was taken for, the present first. The beginning's register is none of the present.
_CONTEXTS: Mapping[str, int] = {END: -1, "Sample.Clock": 1, BEGIN: 2}
_LINES = ("L1", "L2", "L3")
_EXPONENTS = {"wh": 0, "w": 0, "percent": 0, "%": 0, "kwh": 3, "kw": 3}
# As the standard spells them. Millions by exact name only: "mWh" would be a billionth of it.
_STANDARD = {None: 0, "": 0, "Wh": 0, "W": 0, "Percent": 0, "kWh": 3, "kW": 3, "MWh": 6, "MW": 6}
# OCPP 2.x: a unit left out is Wh, whatever is measured, and libraries fill that in.
_AMPERES = {None: 3, "": 3, "A": 3, "a": 3, "Wh": 3, "mA": 0, "dA": 2, "Amp": 3, "Amps": 3, "Ampere": 3}
_DIGITS = 12
_BEYOND_BELIEF = 10**_DIGITS
_LONGEST_NUMBER = 40
_LONGEST_SIGNED = 100_000
_HIGHEST_PHASE_V = 300
_ONE = Decimal(1)
_NUMBERS = (str, int, float)


class Sample(NamedTuple):
    """A sampled value that is wanted, as it came, and where it stands in the message."""

    data: Mapping[str, Any]
    meter_value: Payload
    place: int

    @property
    def payload(self) -> Payload:
        """To be read with forgiveness, and to take down what had to be forgiven."""
        return self.meter_value.item("sampledValue", self.place, self.data)


# A sample's unit, and the power of ten that its values are to be taken times.
Unit = Callable[[Sample], tuple[str | None, int]]
# What was sampled at one time, by measurand.
_Moment = dict[str, list[Sample]]


class _Found(NamedTuple):
    """A measurand's value for the whole connector, and in L1, L2 and L3 where it was told so."""

    value: int
    by_phase: Currents | None = None


def exponent_by_name(unit: str | None) -> int | None:
    """The power of ten that turns a unit into Wh, W or percent; None for one nobody knows.

    No unit means Wh (OCPP 1.6 §7.44).
    """
    known = _STANDARD.get(unit)
    if known is not None or unit is None:
        return known
    bare = unit.strip()
    return _STANDARD.get(bare, _EXPONENTS.get(bare.lower()))


class MeterValues:
    """A message's meter values: its samples by the time they are of, and what the meter signed.

    `field` is where the meter values stand.
    """

    __slots__ = ("_marks", "_moments", "_unit", "signed")

    def __init__(self, payload: Payload, unit: Unit, field: str = "meterValue") -> None:
        self._unit = unit
        self._moments: dict[datetime, list[_Moment]] = {}
        # The contexts of whatever was sampled: what no sample bears need not be looked for.
        self._marks: set[object] = set()
        self.signed: tuple[SignedValue, ...] = ()
        for meter_value in payload.parts(field):
            self._take(meter_value)

    def _take(self, meter_value: Payload) -> None:
        found: _Moment = {}
        signed: list[Sample] = []
        for index, data in enumerate(meter_value.items("sampledValue")):
            if not isinstance(data, dict):
                continue
            measurand = data.get("measurand") or ENERGY
            if measurand.__class__ is not str or (
                measurand in _UNWANTED and "format" not in data and "signedMeterValue" not in data
            ):
                continue
            if data.get("signedMeterValue"):
                # OCPP 2.x: beside the plain value, which counts.
                signed.append(Sample(data, meter_value, index))
            elif "format" in data and _is_signed(data["format"]):
                signed.append(Sample(data, meter_value, index))
                continue
            name = measurand if measurand in _WANTED else _respelled(measurand)
            if name is None:
                continue
            value = data.get("value")
            if value.__class__ is str and len(value) > _LONGEST_NUMBER:
                # No number is so long: something signed that does not say so.
                signed.append(Sample(data, meter_value, index))
            else:
                found.setdefault(name, []).append(Sample(data, meter_value, index))
                if name in _REGISTERS:
                    context = data.get("context")
                    if context in (BEGIN, END):
                        self._marks.add(context)
        if found or signed:
            at = meter_value.at()
            self._moments.setdefault(at, []).append(found)
            if signed:
                self.signed += tuple(it for it in (_vouched(sample, at) for sample in signed) if it is not None)

    def readings(self) -> tuple[Reading, ...]:
        """A reading for each time that something was measured."""
        found = (self._reading(at, _together(parts)) for at, parts in self._moments.items())
        return tuple(it for it in found if it is not None)

    def record(self) -> tuple[Reading, ...]:
        """The readings of a transaction that has ended, its beginning and its end among them.

        The register marked as that of the beginning is one of them if it has a meter value of its own, and the
        message goes on from there; else it stands for the beginning only.
        """
        found = list(self.readings())
        begun = self.begun
        if begun is None or all(it.at <= begun.at for it in found):
            return tuple(found)
        is_first = all(it.at >= begun.at for it in found)
        has_its_own = any(_is_begin_only(part) for part in self._moments[begun.at])
        return tuple(_with(begun, found)) if is_first and has_its_own else tuple(found)

    def register(self, context: str, *, newest: bool) -> int | None:
        """The energy register at one end of a transaction, in Wh.

        The meter value marked with `context` has it, whatever its time: clocks are set while cars charge. Where none
        is marked, the newest or the oldest has it.
        """
        known = self._marked(context) or [(it.at, it.energy_wh) for it in self.readings() if it.energy_wh is not None]
        return sorted(known, reverse=newest)[0][1] if known else None

    def marked(self, context: str) -> int | None:
        """The energy register of the meter value marked with `context`, if there is one, in Wh."""
        known = self._marked(context)
        return min(known)[1] if known else None

    @property
    def begun(self) -> Reading | None:
        """The register that is marked as that of the transaction's beginning, and its time."""
        known = self._marked(BEGIN)
        return Reading(*min(known)) if known else None

    def _marked(self, context: str) -> list[tuple[datetime, int]]:
        if context not in self._marks:
            return []
        known = []
        for at, parts in self._moments.items():
            moment = _together(parts)
            marked = {name: [it for it in moment.get(name, ()) if _context(it) == context] for name in _REGISTERS}
            energy, exported = (self._measured(name, marked[name]) for name in _REGISTERS)
            found = exported if energy is None or (exported and exported.value > energy.value <= 0) else energy
            if found is not None:
                known.append((at, found.value))
        return known

    def _present(self, register: str, moment: _Moment) -> _Found | None:
        """A register without what only repeats that of the beginning."""
        samples = moment.get(register)
        if samples is not None and BEGIN in self._marks:
            samples = [it for it in samples if _context(it) != BEGIN]
        return self._measured(register, samples)

    def _reading(self, at: datetime, moment: _Moment) -> Reading | None:
        energy = self._present(ENERGY, moment)
        power = self._measured(POWER, moment.get(POWER))
        current = self._measured(CURRENT, moment.get(CURRENT))
        is_export = False
        if EXPORTED in moment and (energy is None or energy.value <= 0):
            exported = self._present(EXPORTED, moment)
            if exported is not None and exported.value > 0:
                # A meter mounted the other way round, or seen from the station: what it exports, the car takes.
                energy, is_export = exported, True
                power = _more(power, self._measured(POWER_EXPORTED, moment.get(POWER_EXPORTED)))
                current = _more(current, self._measured(CURRENT_EXPORTED, moment.get(CURRENT_EXPORTED)))
        soc = self._measured(SOC, moment.get(SOC))
        if soc is not None and not 0 <= soc.value <= 100:
            soc = None
        if energy is None and power is None and soc is None and current is None:
            return None
        return Reading(
            at,
            energy.value if energy else None,
            power.value if power else None,
            soc.value if soc else None,
            current.value if current and not _lacks_phases(current, power) else None,
            current.by_phase if current else None,
            is_export,
        )

    def _measured(self, measurand: str, samples: Sequence[Sample] | None) -> _Found | None:
        """The sample of the whole connector; failing that, the sum of its phases.

        The best placed meter counts, at it what was sampled for the present.
        """
        if not samples:
            return None
        if len(samples) == 1 and "phase" not in samples[0].data:
            value = self._value(measurand, samples[0])
            return None if value is None else _Found(value)
        groups: dict[tuple[int, int], dict[str, int | None]] = {}
        for sample in samples:
            phase = _phase(sample.data.get("phase"))
            values = groups.setdefault((_location(sample), _CONTEXTS.get(_context(sample), 0)), {})
            value, known = self._value(measurand, sample), values.get(phase)
            # Of a measurand told twice the higher counts: a register that falls to 0 beside another is no news, and
            # the higher of two that only rise does not fall.
            values[phase] = value if known is None else known if value is None else max(value, known)
        best: _Found | None = None
        chosen = 0
        for (location, _), values in sorted(groups.items(), key=lambda it: it[0]):
            if best is not None and location != chosen:
                break
            found = _of_all_phases(values, measurand)
            if found is not None and (best is None or (best.value <= 0 < found.value and measurand in _REGISTERS)):
                best, chosen = found, location
        return best

    def _value(self, measurand: str, sample: Sample) -> int | None:
        unit, power = self._unit(sample)
        scales = _AMPERES if measurand in _CURRENTS else _STANDARD
        exponent = scales[unit] if unit in scales else _odd_exponent(measurand, unit)
        if exponent is None:
            sample.payload.note("value", "is in a unit nobody knows")
            return None
        return whole(sample.data.get("value"), exponent + power)


def _of_all_phases(values: Mapping[str, int | None], measurand: str) -> _Found | None:
    """The value of all phases together. The neutral's register is the whole where it is the only one."""
    total = values.get("")
    lines = {name: values[name] for name in _LINES if name in values}
    told = [it for it in lines.values() if it is not None]
    # A sum that lacks a phase is no sum.
    line_sum = sum(told) if told and len(told) == len(lines) else None
    by_phase = None
    if measurand in _CURRENTS and told:
        by_phase = (lines.get("L1"), lines.get("L2"), lines.get("L3"))
        # A current of the whole is often that of one phase.
        total, line_sum = (total if line_sum is None else line_sum), None
    neutral = values.get("N") if measurand not in _CURRENTS and len(values) == 1 else None
    known = [it for it in (total, line_sum, neutral) if it is not None]
    best = next((it for it in known if it > 0), known[0] if known else None)
    return None if best is None else _Found(best, by_phase)


def _lacks_phases(current: _Found, power: _Found | None) -> bool:
    """Whether a current was told of some phases only: no phase has the voltage that its power would need."""
    return current.by_phase is not None and power is not None and power.value * 1000 > current.value * _HIGHEST_PHASE_V


def _together(parts: Sequence[_Moment]) -> _Moment:
    if len(parts) == 1:
        return parts[0]
    moment: _Moment = {}
    for part in parts:
        for measurand, samples in part.items():
            moment.setdefault(measurand, []).extend(samples)
    return moment


def _is_begin_only(part: _Moment) -> bool:
    contexts = [_context(it) for register in _REGISTERS for it in part.get(register, ())]
    return bool(contexts) and all(context == BEGIN for context in contexts)


def _with(begun: Reading, readings: Iterable[Reading]) -> list[Reading]:
    """The beginning's register among the readings: in the one of its time if that has none."""
    rest = []
    for reading in readings:
        if reading.at == begun.at and reading.energy_wh is None:
            begun = replace(reading, energy_wh=begun.energy_wh)
        else:
            rest.append(reading)
    return [begun, *rest]


def _more(one: _Found | None, other: _Found | None) -> _Found | None:
    known = [it for it in (one, other) if it is not None]
    return max(known, key=lambda it: it.value) if known else None


def _location(sample: Sample) -> int:
    location = sample.data.get("location")
    return _LOCATIONS.get(location, _ELSEWHERE) if location is None or isinstance(location, str) else _ELSEWHERE


def _context(sample: Sample) -> str:
    context = sample.data.get("context")
    return context if isinstance(context, str) else ""


def _phase(phase: object) -> str:
    """L1, L2, L3 or N, `""` for all of them; whatever is between two stays as it is."""
    return phase.strip().upper().removesuffix("-N") if isinstance(phase, str) else ""


@lru_cache(256)
def _respelled(measurand: str) -> str | None:
    """A measurand's right name, whatever its case and the blanks around it; None for one that is not wanted."""
    return _SPELLED.get(measurand.strip().lower()) if len(measurand) <= _LONGEST_NUMBER else None


def _odd_exponent(measurand: str, unit: str | None) -> int | None:
    """That of a unit not spelled as the standard does."""
    if measurand not in _CURRENTS or unit is None:
        return exponent_by_name(unit)
    bare = unit.strip()
    return _AMPERES.get(bare, _AMPERES.get(bare.capitalize()))


def _is_signed(form: object) -> bool:
    return form != "Raw" and isinstance(form, str) and form.strip().lower() == "signeddata"


def _vouched(sample: Sample, at: datetime) -> SignedValue | None:
    """What was signed, to the letter; what no frame can hold is left out (noted)."""
    text = json.dumps(sample.data, separators=(",", ":"))
    if len(text) > _LONGEST_SIGNED:
        sample.payload.note("value", "is too long to be kept")
        return None
    return SignedValue(at, sample.payload.optional_text("context") or "Sample.Periodic", text)


def whole(value: object, power: int = 0) -> int | None:
    """`value` times ten to the `power` as a whole number, half rounded up; None for what cannot be a measurement."""
    if isinstance(value, str) and 0 <= power <= _DIGITS - len(value) and value.isdecimal():
        return int(value) if power == 0 else int(value + "0" * power)
    if isinstance(value, bool) or not isinstance(value, _NUMBERS):
        return None
    text = value if isinstance(value, str) else str(value)
    if 0 <= power <= _DIGITS // 2 and text.isascii():
        # As nearly every meter writes it: digits, a point, digits.
        head, _, tail = text.partition(".")
        if head.isdecimal() and len(head) <= _DIGITS - power and (not tail or tail.isdecimal()):
            rounded_up = len(tail) > power and tail[power] >= "5"
            return int(head + tail[:power].ljust(power, "0")) + rounded_up
    try:
        scaled = Decimal(text.strip().replace(",", ".")).scaleb(power)
        return int(scaled.quantize(_ONE, ROUND_HALF_UP)) if abs(scaled) < _BEYOND_BELIEF else None
    # Not a number by its text, by its size, or by name ("NaN").
    except ArithmeticError:
        return None
