"""What a linked car costs in a month, apart from chargers: AWS calls as a test counts them, and makers' price lists."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from cli.bill import cost, price_list
from cli.fleet import DATA, DAYS_A_MONTH
from cli.report import Sheet

# The most that a car may cost on AWS in a month.
TARGET_USD = 0.02
# Calls to AWS of each thing; tests/services/vehicles/test_calls.py counts them.
CALLS: Mapping[str, Mapping[str, int]] = {
    "plug": {"GetItem": 3, "Query": 3, "PutItem": 2, "SendMessage": 1},
    "word": {"GetItem": 4, "Query": 2, "PutItem": 1},
    "unplug": {"GetItem": 4, "Query": 3, "PutItem": 2},
    "plan": {"GetItem": 4, "Query": 1, "PutItem": 2},
    "due": {"GetItem": 3, "Query": 1},
    "look": {"GetItem": 2, "Query": 3, "PutItem": 3, "Decrypt": 1},
    "command": {"GetItem": 2, "Query": 2, "PutItem": 1, "Decrypt": 1},
    "refresh": {"GetItem": 1, "PutItem": 2, "Decrypt": 1, "Encrypt": 1},
}
# A night: plugged in, looked at, planned (twice, where it finds its charger), begun and ended; what the car says in
# between comes by itself where it can.
A_DAY: Mapping[str, float] = {
    "plug": 1,
    "word": 10,
    "unplug": 1,
    "plan": 2,
    "due": 6,
    "look": 2,
    "command": 2,
    "refresh": 1,
}
# What a Tesla tells by itself where there is a server for that, in a simulated month: `benchmarks.vehicles --streams`.
SIGNALS_A_DAY = 45
_PUSHED = ("plug", "word", "unplug")
WAKES_A_MONTH = 3
# A car's row is below 2 KB, a link's with its tokens below 4; one in three of what is written is a link's.
_UNITS = {
    "GetItem": ("read_unit", 1),
    "Query": ("read_unit", 1),
    "PutItem": ("write_unit", 2),
    # Sent, received and deleted.
    "SendMessage": ("queue_request", 3),
}
# What is pushed is an API request of 100 ms; a plan takes a solver, the others wait for a maker, within a function that
# is there anyhow.
_SECONDS = {
    "plug": 0.1,
    "word": 0.1,
    "unplug": 0.1,
    "plan": 0.5,
    "due": 0.05,
    "look": 1.0,
    "command": 1.0,
    "refresh": 0.5,
}
_MEMORY_GB = 0.5


def makers() -> Mapping[str, Any]:
    """The makers' price lists and limits, by name."""
    found: Mapping[str, Any] = json.loads((DATA / "makers.json").read_text())["makers"]
    return found


def amounts() -> dict[str, float]:
    """What a car uses of AWS in a month, by price."""
    used: dict[str, float] = {}
    for thing, a_day in A_DAY.items():
        times = a_day * DAYS_A_MONTH
        for call, number in CALLS[thing].items():
            price, units = _UNITS.get(call, ("kms_request", 1))
            used[price] = used.get(price, 0) + times * number * units
        used["lambda_gb_s"] = used.get("lambda_gb_s", 0) + times * _SECONDS[thing] * _MEMORY_GB
    pushes = sum(A_DAY[it] for it in _PUSHED) * DAYS_A_MONTH
    return {**used, "lambda_request": pushes, "rest_request": pushes, "waf_request": pushes, "table_gb_month": 5e-6}


def aws_usd() -> float:
    """What a car costs on AWS in a month, at the first tiers' prices."""
    prices = price_list()["prices"]
    return sum(cost(amount, prices[key]) for key, amount in amounts().items())


def maker_usd(maker: str) -> float:
    """What its maker bills for a car and month of such nights."""
    listed = makers()[maker]
    calls: Mapping[str, float] = listed["call_usd"]
    by_night = DAYS_A_MONTH * (A_DAY["look"] * calls["data"] + A_DAY["command"] * calls["command"])
    return float(listed["car_month_usd"] + by_night + WAKES_A_MONTH * calls["wake"])


def stream_usd(maker: str) -> float:
    """What its maker bills in a month for what a car tells by itself."""
    return float(DAYS_A_MONTH * SIGNALS_A_DAY * makers()[maker].get("signal_usd", 0))


def calls_a_day() -> float:
    """Calls to AWS for a car and day."""
    return sum(a_day * sum(CALLS[thing].values()) for thing, a_day in A_DAY.items())


def sheet() -> Sheet:
    """A car-month: calls, AWS, and each maker."""
    calls = calls_a_day()
    rows = [
        ["AWS calls a car and day", f"{calls:.0f}"],
        ["AWS, a car-month", f"${aws_usd():.4f}"],
        *([f"{maker}, a car-month", f"${maker_usd(maker):.2f}"] for maker in makers()),
        *([f"{it}, what a car streams in a month", f"${stream_usd(it):.3f}"] for it in makers() if stream_usd(it)),
    ]
    return Sheet(["linked cars, apart from chargers", ""], rows, "A linked car, planned every night")
