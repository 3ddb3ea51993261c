"""Meter values: samples become integers of one unit (Wh, W, mA, percent); what cannot be a measurement is not one.

Both versions name measurands alike; they differ in where they put the unit. What a message tells of one moment, in
however many meter values and in whatever order, is one reading.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from chalicelib.domain.chargers.events import Currents, Reading, SignedValue
from chalicelib.protocol.ocpp.payload import Payload
from chalicelib.protocol.ocpp.units import AMPERES, STANDARD, exponent_by_name, exponent_of_amperes, whole

__all__ = ["MeterValues", "Sample", "Unit", "exponent_by_name", "whole"]

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
# By name as most spell it, at once: the measurand that is meant, None where that is no business of ours.
_MEANT: Mapping[str, str | None] = {**{it: it for it in _WANTED}, **dict.fromkeys(_UNWANTED)}
_NOT_AS_SPELLED = "?"
_BY_UNIT = {"w": POWER, "kw": POWER, "mw": POWER, "percent": SOC, "%": SOC}
# Where the meter sits that counts, and where the next best does. A meter that does not say sits at the outlet.
_LOCATIONS: Mapping[object, int] = {None: 0, "Outlet": 0, "Cable": 1, "EV": 2, "Inlet": 3, "Body": 4, "Upstream": 5}
_ELSEWHERE = 6
# What a sample was taken for, the present first. The beginning's register is none of the present.
_CONTEXTS: Mapping[str, int] = {END: -1, "Sample.Clock": 1, BEGIN: 2}
_LINES = ("L1", "L2", "L3")
_LONGEST_NUMBER = 40
_LONGEST_SIGNED = 100_000
_HIGHEST_PHASE_V = 300

# A sampled value, as it came: nothing is built of it, since a charger sends more of them than of anything else.
Sample = Mapping[str, Any]
# A sample's unit, and the power of ten that its values are to be taken times; the message knows where it stands.
Unit = Callable[[Sample, "MeterValues"], tuple[str | None, int]]
# What was sampled at one time, by measurand.
_Moment = dict[str, list[Sample]]


class _Found(NamedTuple):
    """A measurand's value for the whole connector, and in L1, L2 and L3 where it was told so."""

    value: int
    by_phase: Currents | None = None


class MeterValues:
    """A message's meter values: its samples by the time they are of, and what the meter signed.

    `field` is where the meter values stand.
    """

    __slots__ = ("_marks", "_moments", "_parts", "_unit", "signed")

    def __init__(self, payload: Payload, unit: Unit, field: str = "meterValue") -> None:
        self._unit = unit
        self._parts: list[Payload] = []
        self._moments: dict[datetime, list[_Moment]] = {}
        # The contexts of whatever was sampled: what no sample bears need not be looked for.
        self._marks: set[object] = set()
        self.signed: tuple[SignedValue, ...] = ()
        for index, item in enumerate(payload.items(field)):
            if isinstance(item, dict):
                self._take(payload.item(field, index, item))

    def _take(self, meter_value: Payload) -> None:
        self._parts.append(meter_value)
        found: _Moment = {}
        signed: list[Sample] = []
        for data in meter_value.items("sampledValue"):
            if not isinstance(data, dict):
                continue
            measurand = data.get("measurand") or self._meant_by_unit(data)
            if measurand.__class__ is not str:
                continue
            name = _MEANT.get(measurand, _NOT_AS_SPELLED)
            if name == _NOT_AS_SPELLED:
                name = _respelled(measurand)
            if ("format" in data or "signedMeterValue" in data) and _is_signed(data):
                signed.append(data)
                if not data.get("signedMeterValue"):
                    continue
                # OCPP 2.x: beside the plain value, which counts.
            if name is None:
                continue
            value = data.get("value")
            if value.__class__ is str and len(value) > _LONGEST_NUMBER:
                # No number is so long: something signed that does not say so.
                signed.append(data)
                continue
            found.setdefault(name, []).append(data)
            if name in _REGISTERS and data.get("context") in (BEGIN, END):
                self._marks.add(data["context"])
        if found or signed:
            at = meter_value.at()
            self._moments.setdefault(at, []).append(found)
            if signed:
                self.signed += tuple(it for it in (self._vouched(data, at) for data in signed) if it is not None)

    def _meant_by_unit(self, sample: Sample) -> str:
        """What is measured where nothing says so: the register (1.6 §7.44), unless it is told in watts or percent."""
        unit, _ = self._unit(sample, self)
        return ENERGY if unit is None else _BY_UNIT.get(unit.strip().lower(), ENERGY)

    def payload_of(self, sample: Sample) -> Payload:
        """A sample to be read with forgiveness, which takes down what had to be forgiven, and where."""
        for part in self._parts:
            for index, data in enumerate(part.items("sampledValue")):
                if data is sample:
                    return part.item("sampledValue", index, sample)
        raise LookupError("a sample of another message")

    def _vouched(self, sample: Sample, at: datetime) -> SignedValue | None:
        """What was signed, to the letter; what no frame can hold is left out (noted)."""
        text = json.dumps(sample, separators=(",", ":"))
        if len(text) > _LONGEST_SIGNED:
            self.payload_of(sample).note("value", "is too long to be kept")
            return None
        return SignedValue(at, self.payload_of(sample).optional_text("context") or "Sample.Periodic", text)

    def readings(self) -> tuple[Reading, ...]:
        """A reading for each time that something was measured."""
        found = [self._reading(at, _together(parts)) for at, parts in self._moments.items()]
        return tuple([it for it in found if it is not None])

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
        if not known:
            return None
        at, energy_wh = min(known)
        return Reading(at=at, energy_wh=energy_wh)

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
        if EXPORTED not in moment and not self._marks:
            for samples in moment.values():
                if len(samples) != 1 or "phase" in samples[0]:
                    break
            else:
                return self._plain_reading(at, moment)
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
            at=at,
            energy_wh=energy.value if energy else None,
            power_w=power.value if power else None,
            soc_percent=soc.value if soc else None,
            current_ma=current.value if current and not _lacks_phases(current, power) else None,
            phase_currents_ma=current.by_phase if current else None,
            is_export=is_export,
        )

    def _plain_reading(self, at: datetime, moment: _Moment) -> Reading | None:
        """As nearly every meter value is: each measurand once, of the whole connector."""
        value = self._value
        energy_wh = value(ENERGY, moment[ENERGY][0]) if ENERGY in moment else None
        power_w = value(POWER, moment[POWER][0]) if POWER in moment else None
        soc_percent = value(SOC, moment[SOC][0]) if SOC in moment else None
        current_ma = value(CURRENT, moment[CURRENT][0]) if CURRENT in moment else None
        if soc_percent is not None and not 0 <= soc_percent <= 100:
            soc_percent = None
        if energy_wh is None and power_w is None and soc_percent is None and current_ma is None:
            return None
        return Reading(at=at, energy_wh=energy_wh, power_w=power_w, soc_percent=soc_percent, current_ma=current_ma)

    def _measured(self, measurand: str, samples: Sequence[Sample] | None) -> _Found | None:
        """The sample of the whole connector; failing that, the sum of its phases.

        The best placed meter counts, at it what was sampled for the present.
        """
        if not samples:
            return None
        if len(samples) == 1 and "phase" not in samples[0]:
            value = self._value(measurand, samples[0])
            return None if value is None else _Found(value)
        groups: dict[tuple[int, int], dict[str, int | None]] = {}
        for sample in samples:
            phase = _phase(sample.get("phase"))
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
        unit, power = self._unit(sample, self)
        scale = AMPERES if measurand in _CURRENTS else STANDARD
        exponent = scale.get(unit)
        if exponent is None and unit is not None:
            exponent = exponent_of_amperes(unit) if scale is AMPERES else exponent_by_name(unit)
        if exponent is None:
            self.payload_of(sample).note("value", "is in a unit nobody knows")
            return None
        return whole(sample.get("value"), exponent + power)


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
    location = sample.get("location")
    return _LOCATIONS.get(location, _ELSEWHERE) if location is None or isinstance(location, str) else _ELSEWHERE


def _context(sample: Sample) -> str:
    context = sample.get("context")
    return context if isinstance(context, str) else ""


def _phase(phase: object) -> str:
    """L1, L2, L3 or N, `""` for all of them; whatever is between two stays as it is."""
    return phase.strip().upper().removesuffix("-N") if isinstance(phase, str) else ""


@lru_cache(256)
def _respelled(measurand: str) -> str | None:
    """A measurand's right name, whatever its case and the blanks around it; None for one that is not wanted."""
    return _SPELLED.get(measurand.strip().lower()) if len(measurand) <= _LONGEST_NUMBER else None


def _is_signed(sample: Sample) -> bool:
    form = sample.get("format", "Raw")
    says_so = form != "Raw" and isinstance(form, str) and form.strip().lower() == "signeddata"
    return says_so or bool(sample.get("signedMeterValue"))
