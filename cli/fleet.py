"""A fleet and a month of it: how often each measured kind of message happens, and what all of them use together.

What is measured is in `data/measured.json`. What nobody can measure on a laptop is an assumption, stands in `Fleet`
with its reason, and errs to the dear side.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent / "data"
HOURS_A_MONTH = 730
SECONDS_A_MONTH = HOURS_A_MONTH * 3600
DAYS_A_MONTH = 365 / 12
SOCKET_LIFETIME_S = 7200  # API Gateway's, hard
GB = 1024**3
# How long rows live before they expire by themselves; tables not named here keep them, and are shown after a year.
KEPT_DAYS = {"connections": 1, "idempotency": 1, "calls": 7, "journal": 30, "history": 400, "readings": 400}
_FIRST_YEAR_DAYS = 365
# Lambda's own START, END and REPORT, each with what CloudWatch adds.
PLATFORM_LOG_BYTES = 82 + 54 + 190 + 3 * 26
VERSIONS = ("ocpp1.6", "ocpp2.0.1")

Kinds = Mapping[str, Mapping[str, Any]]
Sums = defaultdict[str, float]


@dataclass(frozen=True, slots=True)
class Fleet:
    """Chargers and what they do; the defaults are the assumptions of docs/cost.md."""

    chargers: int
    sessions_per_day: float
    heartbeat_s: int = 300
    reading_s: int = 60
    session_minutes: int = 60
    connectors: int = 2
    statuses_per_session: int = 4  # preparing, charging, finishing, available
    boots_per_month: int = 2
    statuses_per_connect: float = 1.0  # half of the chargers repeat both connectors whenever they come back
    looks_per_session: int = 20  # live view, 29 s each at most
    searches_per_session: int = 3
    # From docs/benchmarks.md, 100,000 chargers in town: 29 queries of half a unit or more each, 536 rows.
    search_read_units: int = 45
    search_calls: int = 30
    sessions_per_driver_month: int = 4
    users_are_lite: bool = True
    mails_per_driver_month: float = 0.2  # codes: accounts opened, passwords forgotten, addresses changed
    lambda_gb: float = 0.5
    lambda_base_ms: float = 5
    lambda_call_ms: float = 10  # a call to DynamoDB from 0.3 of a processor, botocore's work included
    payment_call_ms: float = 500  # each of hold and capture
    authorizer_share: float = 0.25  # of requests; its answer is remembered for five minutes
    lambda_logs_platform: bool = True
    kms_requests_per_table_minutes: int = 5

    @property
    def sessions(self) -> float:
        """A month."""
        return self.sessions_per_day * DAYS_A_MONTH

    @property
    def connects(self) -> float:
        """A month: each socket is closed after two hours."""
        return self.chargers * SECONDS_A_MONTH / SOCKET_LIFETIME_S

    @property
    def active_drivers(self) -> float:
        return self.sessions / self.sessions_per_driver_month


@dataclass(frozen=True, slots=True)
class Use:
    """What a month uses, in the units of `data/prices.json`; writes also by table, a month."""

    amounts: Mapping[str, float]
    writes_by_table: Mapping[str, float]
    reads_by_table: Mapping[str, float]
    lambda_s: float


# What stands whatever the fleet: tests hold those that the template can tell.
FIXED = {
    "alarm_month": 36,  # a share of two figures counts twice
    "dashboard_month": 1,
    "metric_month": 21,
    "waf_acl_month": 2,
    "waf_rule_month": 4,
    "kms_key_month": 1,
    "secret_month": 3,
}
_TABLES = 18


def measured() -> Mapping[str, Kinds]:
    """What each kind of message uses, by version, and `beside` for what has none."""
    kinds: Mapping[str, Kinds] = json.loads((DATA / "measured.json").read_text())["kinds"]
    return kinds


def counts(fleet: Fleet) -> dict[str, float]:
    """How often each measured kind happens in a month."""
    boots = fleet.chargers * fleet.boots_per_month
    return {
        "connect": fleet.connects,
        "disconnect": fleet.connects,
        "boot": boots,
        "setup": boots,
        "heartbeat": fleet.chargers * SECONDS_A_MONTH / fleet.heartbeat_s,
        "status": fleet.sessions * fleet.statuses_per_session,
        "status_repeated": fleet.connects * fleet.statuses_per_connect + boots * fleet.connectors,
        "reading": fleet.sessions * fleet.session_minutes * 60 / fleet.reading_s,
        **dict.fromkeys(("begin", "authorize", "started", "end", "ended", "workflow"), fleet.sessions),
        "look": fleet.sessions * fleet.looks_per_session,
        "search": fleet.sessions * fleet.searches_per_session,
        "receipt": fleet.sessions,
        **dict.fromkeys(("tick_sweep", "tick_claim", "tick_lists", "tick_reservations"), HOURS_A_MONTH * 60.0),
    }


def use(fleet: Fleet, kinds: Mapping[str, Kinds] | None = None) -> Use:
    """A month of a fleet, half of which speaks 1.6 and half 2.0.1."""
    known = kinds or measured()
    amounts: Sums = defaultdict(float)
    writes: Sums = defaultdict(float)
    reads: Sums = defaultdict(float)
    stored: Sums = defaultdict(float)
    lambda_ms = 0.0
    for kind, times in counts(fleet).items():
        for one, share in _versions_of(known, kind):
            _add(amounts, one, times * share, fleet)
            _add_all(writes, one.get("write_units", {}), times * share)
            _add_all(stored, one.get("stored_bytes", {}), times * share)
            _add_all(reads, _reads(kind, one, fleet), times * share)
            lambda_ms += _lambda_ms(kind, one, fleet) * times * share
    amounts["write_unit"] = sum(writes.values())
    amounts["read_unit"] = sum(reads.values())
    _time(amounts, lambda_ms / 1000, fleet)
    _edge(amounts, fleet)
    gb = sum(amount * KEPT_DAYS.get(table, _FIRST_YEAR_DAYS) for table, amount in stored.items()) / DAYS_A_MONTH / GB
    amounts["table_gb_month"] = amounts["backup_gb_month"] = max(0.0, gb)
    amounts["mail"] = fleet.active_drivers * fleet.mails_per_driver_month
    amounts["user_month_lite" if fleet.users_are_lite else "user_month_essentials"] = fleet.active_drivers
    amounts.update(FIXED)
    return Use(amounts, writes, reads, lambda_ms / 1000)


def _versions_of(kinds: Mapping[str, Kinds], kind: str) -> list[tuple[Mapping[str, Any], float]]:
    if kind in kinds["beside"]:
        return [(kinds["beside"][kind], 1.0)]
    return [(kinds[version][kind], 1 / len(VERSIONS)) for version in VERSIONS]


def _add(amounts: Sums, one: Mapping[str, Any], times: float, fleet: Fleet) -> None:
    invocations = one.get("invocations", {})
    requests = invocations.get("api_handler", 0) * times
    run = sum(invocations.values()) * times + requests * fleet.authorizer_share
    log_bytes = one.get("log_bytes", 0) * times + run * PLATFORM_LOG_BYTES * fleet.lambda_logs_platform
    _add_all(
        amounts,
        {
            "socket_message": one.get("messages", 0) * times,
            "edge_gb_out": one.get("sent_bytes", 0) * times / GB,
            "transition": one.get("transitions", 0) * times,
            "lambda_request": run,
            "rest_request": requests,
            "waf_request": requests,
            "log_gb": log_bytes / GB,
            "log_gb_month": log_bytes / GB * 3,  # kept for 90 days
        },
        1,
    )


def _reads(kind: str, one: Mapping[str, Any], fleet: Fleet) -> Mapping[str, float]:
    """The small network that was measured says little of what a search reads in a large one."""
    found: Mapping[str, float] = {"places": fleet.search_read_units} if kind == "search" else one.get("read_units", {})
    return found


def _lambda_ms(kind: str, one: Mapping[str, Any], fleet: Fleet) -> float:
    invocations = one.get("invocations", {})
    # moto invokes a step by a call; Step Functions does without.
    calls = sum(times for name, times in one.get("calls", {}).items() if name != "lambda.Invoke")
    if kind == "search":
        calls = fleet.search_calls
    payments = invocations.get("place_hold", 0) + invocations.get("settle", 0)
    run = sum(invocations.values()) + invocations.get("api_handler", 0) * fleet.authorizer_share
    if kind.startswith("tick_"):
        run = 1
    return float(run * fleet.lambda_base_ms + calls * fleet.lambda_call_ms + payments * fleet.payment_call_ms)


def _time(amounts: Sums, lambda_s: float, fleet: Fleet) -> None:
    amounts["lambda_request"] += 4 * HOURS_A_MONTH * 60  # the schedules
    amounts["lambda_gb_s"] = lambda_s * fleet.lambda_gb
    # Each table's key is asked for again every five minutes by whoever uses it; thrice the mean for the day's peak.
    environments = 1 + 3 * lambda_s / SECONDS_A_MONTH
    asked = environments * _TABLES * HOURS_A_MONTH * 60 / fleet.kms_requests_per_table_minutes
    amounts["kms_request"] = asked


def _edge(amounts: Sums, fleet: Fleet) -> None:
    amounts["socket_minute"] = fleet.chargers * HOURS_A_MONTH * 60
    amounts["edge_request"] = fleet.connects
    amounts["edge_function"] = fleet.connects
    amounts["waf_request"] += fleet.connects
    # A frame in is about as long as a StatusNotification, 200 bytes; half of all messages come in.
    amounts["edge_gb_origin"] = amounts["socket_message"] / 2 * 200 / GB


def _add_all(to: Sums, amounts: Mapping[str, float], times: float) -> None:
    for name, amount in amounts.items():
        to[name] += amount * times
