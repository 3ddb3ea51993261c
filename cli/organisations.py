"""What an organisation that pays costs, apart from chargers: measured by path (`benchmarks/organisations.py`)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from cli.bill import cost, price_list
from cli.fleet import DATA
from cli.report import Sheet

# One charge in fifty has money go back.
A_CHARGE: Mapping[str, float] = {"take": 1, "settle": 1, "refund": 0.02, "month": 1}
_CHARGES = 1_000
_UNITS = {"read_units": "read_unit", "write_units": "write_unit"}


def aws_usd() -> float:
    """What DynamoDB takes for one charge that is set aside, settled and invoiced, at the first tiers' prices."""
    known: Mapping[str, Any] = json.loads((DATA / "measured.json").read_text())["organisations"]
    prices = price_list()["prices"]
    return sum(
        cost(times * sum(known[path].get(units, {}).values()), prices[price])
        for path, times in A_CHARGE.items()
        for units, price in _UNITS.items()
    )


def sheet() -> Sheet:
    """A charge, and a month of many."""
    rows = [
        ["AWS, a charge that it pays for and its line on the month's invoice", f"${aws_usd():.6f}"],
        [f"AWS, a month of {_CHARGES:,} charges", f"${_CHARGES * aws_usd():.3f}"],
    ]
    return Sheet(["an organisation that pays, apart from chargers", ""], rows, "An organisation")
