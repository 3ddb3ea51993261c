"""What a month costs: amounts times the price list, tier by tier; no rounding before it is shown."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cli.fleet import DATA, Use


@dataclass(frozen=True, slots=True)
class Line:
    """One price and how much of it was used."""

    key: str
    service: str
    unit: str
    amount: float
    usd: float


def price_list() -> Mapping[str, Any]:
    """The public list, with its date."""
    listed: Mapping[str, Any] = json.loads((DATA / "prices.json").read_text())
    return listed


def bill(used: Use, listed: Mapping[str, Any] | None = None) -> list[Line]:
    """Every line, the dearest first."""
    prices = (listed or price_list())["prices"]
    lines = [
        Line(key, prices[key]["service"], prices[key]["unit"], amount, cost(amount, prices[key]))
        for key, amount in used.amounts.items()
    ]
    return sorted(lines, key=lambda line: -line.usd)


def cost(amount: float, price: Mapping[str, Any]) -> float:
    """`tiers` are [up to this amount, price]; the last has no end."""
    if "tiers" not in price:
        return amount * float(price["usd"]) / float(price["per"])
    usd, below = 0.0, 0.0
    for until, tier_usd in price["tiers"]:
        upper = amount if until is None else min(amount, until)
        usd += max(0.0, upper - below) * tier_usd / price["per"]
        below = upper
    return usd


def total_usd(lines: Iterable[Line]) -> float:
    return sum(line.usd for line in lines)


def by_service(lines: Iterable[Line]) -> dict[str, float]:
    """USD by service, the dearest first."""
    sums: dict[str, float] = {}
    for line in lines:
        sums[line.service] = sums.get(line.service, 0.0) + line.usd
    return dict(sorted(sums.items(), key=lambda it: -it[1]))
