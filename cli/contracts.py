"""What a car with a contract costs in a month, apart from chargers: AWS calls as counted by a test, others' prices."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from cli.bill import cost, price_list
from cli.fleet import DATA
from cli.report import Sheet

# Calls to AWS beyond those of a card that is shown; tests/services/ocpp/test_contract_calls.py counts them.
CALLS: Mapping[str, Mapping[str, int]] = {
    # A chain of whose certificates all answers are remembered, and one whose own is not.
    "known": {"BatchGetItem": 2},
    "asked": {"BatchGetItem": 2, "UpdateItem": 1, "PutItem": 1},
    "contract": {"UpdateItem": 1},
}
# Answers last a day as a rule, and a sub-CA's is there for all its cars: a charge asks about its own contract alone.
A_MONTH: Mapping[str, float] = {"asked": 20, "contract": 0.1}
# Twenty roots of 1 KB and three answers of 2 KB are read, consistently or not; an answer is written.
_UNITS = {"BatchGetItem": ("read_unit", 3), "PutItem": ("write_unit", 2), "UpdateItem": ("write_unit", 1)}
# The function that hears chargers waits for a responder, or the provider.
_SECONDS, _MEMORY_GB = 0.5, 0.5


def outside() -> Mapping[str, Any]:
    """Who is asked outside AWS, at which price and within which limits, by what is asked."""
    found: Mapping[str, Any] = json.loads((DATA / "contracts.json").read_text())["outside"]
    return found


def aws_usd() -> float:
    """What a car with a contract costs on AWS in a month, at the first tiers' prices."""
    used: dict[str, float] = {"lambda_gb_s": sum(A_MONTH.values()) * _SECONDS * _MEMORY_GB}
    for thing, times in A_MONTH.items():
        for call, number in CALLS[thing].items():
            price, units = _UNITS[call]
            used[price] = used.get(price, 0) + times * number * units
    prices = price_list()["prices"]
    return sum(cost(amount, prices[key]) for key, amount in used.items())


def sheet() -> Sheet:
    """A month of a car with a contract: AWS, and what others are asked."""
    prices = {name: "by agreement" if it["usd"] is None else f"${it['usd']:.2f}" for name, it in outside().items()}
    rows = [
        ["AWS, a month of 20 charges", f"${aws_usd():.5f}"],
        *([f"{name}, a request", usd] for name, usd in prices.items()),
    ]
    return Sheet(["cars with Plug & Charge, apart from chargers", ""], rows, "A car with a contract")
