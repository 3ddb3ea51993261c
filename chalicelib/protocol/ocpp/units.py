"""The units and numbers of a meter's samples: whatever they are told in becomes whole Wh, W, mA or percent.

What could be two numbers, or none, is no measurement.
"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal

_EXPONENTS = {"wh": 0, "w": 0, "percent": 0, "%": 0, "kwh": 3, "kw": 3}
# As the standard spells them. Millions by exact name only: "mWh" would be a billionth of it.
STANDARD = {None: 0, "": 0, "Wh": 0, "W": 0, "Percent": 0, "kWh": 3, "kW": 3, "MWh": 6, "MW": 6}
# OCPP 2.x: a unit left out is Wh, whatever is measured, and libraries fill that in.
AMPERES = {None: 3, "": 3, "A": 3, "a": 3, "Wh": 3, "mA": 0, "dA": 2, "Amp": 3, "Amps": 3, "Ampere": 3}
_DIGITS = 12
_BEYOND_BELIEF = 10**_DIGITS
_ONE = Decimal(1)
# "1,000" Wh is one to some and a thousand to others; nobody's meter tells whole kWh so.
_THOUSANDS = re.compile(r"[1-9]\d{0,2}(,\d{3})+")
_NUMBERS = (str, int, float)


def exponent_by_name(unit: str | None) -> int | None:
    """The power of ten that turns a unit into Wh, W or percent; None for one nobody knows.

    No unit means Wh (OCPP 1.6 §7.44).
    """
    known = STANDARD.get(unit)
    if known is not None or unit is None:
        return known
    bare = unit.strip()
    return STANDARD.get(bare, _EXPONENTS.get(bare.lower()))


def exponent_of_amperes(unit: str) -> int | None:
    """The power of ten that turns a unit of current, however it is spelled, into mA; None for one nobody knows."""
    bare = unit.strip()
    return AMPERES.get(bare, AMPERES.get(bare.capitalize()))


def whole(value: object, power: int = 0) -> int | None:
    """`value` times ten to the `power` as a whole number, half rounded up; None for what cannot be a measurement."""
    if isinstance(value, str) and 0 <= power <= _DIGITS - len(value) and value.isdecimal():
        return int(value) if power == 0 else int(value + "0" * power)
    if value.__class__ is float and power == 0 and 0 <= value < _BEYOND_BELIEF:
        below = int(value)
        return below + (value - below >= 0.5)
    if isinstance(value, bool) or not isinstance(value, _NUMBERS) or (power == 0 and _may_be_thousands(value)):
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


def _may_be_thousands(value: str | float) -> bool:
    return isinstance(value, str) and "," in value and _THOUSANDS.fullmatch(value.strip()) is not None
