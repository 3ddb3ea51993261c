"""Currencies and rounding. Money is an integer of the currency's minor unit, and a fraction only while it is computed.

ISO 4217 gives each currency its number of decimals. Rounding happens in one place, `round_half_up`: half away from
zero, as a person with a receipt would check it.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import floor

from chalicelib.domain.data_classes import dataclass

_NO_DECIMALS = frozenset("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split())
_THREE_DECIMALS = frozenset("BHD IQD JOD KWD LYD OMR TND".split())
_HALF = Fraction(1, 2)


def decimals(currency: str) -> int:
    """How many decimals an ISO 4217 currency has (0, 2 or 3)."""
    if currency in _NO_DECIMALS:
        return 0
    return 3 if currency in _THREE_DECIMALS else 2


def round_half_up(amount: Decimal | Fraction) -> int:
    """The nearest integer, halves going away from zero."""
    exact = Fraction(amount)
    nearest = floor(abs(exact) + _HALF)
    return nearest if exact >= 0 else -nearest


def to_minor(amount: Decimal | Fraction, currency: str) -> int:
    """Round an exact amount in major units to integer minor units."""
    return round_half_up(Fraction(amount) * 10 ** decimals(currency))


def micros_to_minor(amount_micros: int | None, currency: str) -> int | None:
    """Millionths of a currency's unit in minor units; None of what is not known."""
    return None if amount_micros is None else to_minor(Fraction(amount_micros, 1_000_000), currency)


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units of an ISO 4217 currency."""

    amount_minor: int
    currency: str

    def __str__(self) -> str:
        return f"{Decimal(self.amount_minor).scaleb(-decimals(self.currency)):f} {self.currency}"
