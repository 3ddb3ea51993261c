"""Prices that an operator uploads: CSV with the columns `begins_at` and `price`, for a kWh in the contract's currency.

A price holds until the next begins, the last as long as the one before it; an empty price ends the one before. Where
columns are parted by semicolons, a fraction may be parted by a comma.
"""

from __future__ import annotations

import csv
from datetime import datetime, timedelta
from io import StringIO

from chalicelib.domain.grid.outlook import QUARTER
from chalicelib.domain.grid.signals import Series, TimedValue
from chalicelib.protocol.signals.source import UnreadableSignal, micros, moment

_MICROS = 1_000_000
_COLUMNS = ["begins_at", "price"]
# A month by the quarter of an hour.
_MOST_ROWS = 31 * 100
_MOST_TIME = timedelta(days=62)


def price_list(text: str) -> Series:
    """The quarters that it names. Raises UnreadableSignal, which names the line."""
    head = text.lstrip("\ufeff").splitlines()[:1]
    semicolons = bool(head) and ";" in head[0]
    try:
        rows = list(csv.reader(StringIO(text.lstrip("\ufeff")), delimiter=";" if semicolons else ","))
    except csv.Error as error:
        raise UnreadableSignal(f"that is no CSV: {error}") from None
    if not rows or [it.strip().lower() for it in rows[0]] != _COLUMNS:
        raise UnreadableSignal(f"line 1: the columns are {' and '.join(_COLUMNS)}")
    if not 3 <= len(rows) <= _MOST_ROWS:
        raise UnreadableSignal(f"there must be two prices at the least, and {_MOST_ROWS} lines at the most")
    told: list[tuple[datetime, int | None]] = []
    for line, row in enumerate(rows[1:], start=2):
        if len(row) != len(_COLUMNS):
            raise UnreadableSignal(f"line {line}: {len(row)} columns, and not {len(_COLUMNS)}")
        at = moment(row[0].strip(), f"line {line}, begins_at")
        price = row[1].strip().replace(",", ".") if semicolons else row[1].strip()
        if at.timestamp() % QUARTER.total_seconds():
            raise UnreadableSignal(f"line {line}: {row[0]} begins no quarter of an hour")
        if told and at <= told[-1][0]:
            raise UnreadableSignal(f"line {line}: {row[0]} does not come after the line before")
        told.append((at, micros(price, f"line {line}, price", _MICROS) if price else None))
    ends_at = told[-1][0] + (told[-1][0] - told[-2][0])
    if ends_at - told[0][0] > _MOST_TIME:
        raise UnreadableSignal(f"more than {_MOST_TIME.days} days")
    ends = [*(at for at, _ in told[1:]), ends_at]
    return Series.of(TimedValue(at, until, it) for (at, it), until in zip(told, ends, strict=True) if it is not None)
