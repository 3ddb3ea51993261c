"""Each quota against a fleet in its busiest hour and in the storm after an outage, computed from what is measured.

`busy` is the highest ordinary load: all concurrent sessions of the fleet charge, and begin within one hour. `storm` is
the fleet coming back as fast as API Gateway lets it, each charger booted, every session's end among what it replays.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cli.chain import NODE_REQUESTS, SHARE
from cli.fleet import DATA, SECONDS_A_MONTH, SOCKET_LIFETIME_S, VERSIONS, Fleet, Kinds, measured, use
from cli.report import Sheet
from cli.signals import zones
from cli.web import REQUESTS_A_VISIT

_BEGIN_WITHIN_S = 3600
# Of a session's messages those that come once.
_ONCE = ("begin", "authorize", "started", "end", "ended")
_PAYMENT_CALLS = 2.5  # hold, capture, and now and then a void or a look


@dataclass(frozen=True, slots=True)
class Load:
    """What the fleet does in one second."""

    events: Mapping[str, float]
    kinds: Mapping[str, Kinds]

    def of(self, pick: Callable[[Mapping[str, Any]], float]) -> float:
        """The sum of one figure over everything that happens."""
        return sum(times * self._mean(kind, pick) for kind, times in self.events.items())

    def by_table(self, what: str) -> dict[str, float]:
        """Units a second of each table."""
        found: dict[str, float] = defaultdict(float)
        for kind, times in self.events.items():
            for version in VERSIONS:
                one = self.kinds["beside"].get(kind) or self.kinds[version].get(kind, {})
                for table, units in one.get(what, {}).items():
                    found[table] += units * times / len(VERSIONS)
        return found

    def _mean(self, kind: str, pick: Callable[[Mapping[str, Any]], float]) -> float:
        if kind in self.kinds["beside"]:
            return pick(self.kinds["beside"][kind])
        return sum(pick(self.kinds[version][kind]) for version in VERSIONS) / len(VERSIONS)


def busy(fleet: Fleet, sessions: int) -> Load:
    """So many sessions at once."""
    starts = sessions / _BEGIN_WITHIN_S
    socket_changes = fleet.chargers / SOCKET_LIFETIME_S
    booting = socket_changes * fleet.boots_at_connect
    events = {
        "connect": socket_changes,
        "disconnect": socket_changes,
        "heartbeat": fleet.chargers / fleet.heartbeat_s,
        "boot_back": booting,
        "status_repeated": booting * (fleet.connectors + 1),
        "reading": sessions / fleet.reading_s,
        "status": starts * fleet.statuses_per_session,
        **dict.fromkeys(_ONCE, starts),
        **_watched(fleet, sessions, starts),
        "search": starts * fleet.searches_per_session,
    }
    return Load(events, measured())


def _watched(fleet: Fleet, sessions: int, starts: float) -> dict[str, float]:
    """One driver in ten watches, all the time, and comes and goes as often as in ten minutes."""
    asking = sessions * 0.1 * (1 - fleet.live_socket_share)
    looking, visits = sessions * 0.1 * fleet.live_socket_share, starts * fleet.live_visits * fleet.live_socket_share
    return {
        "live": asking / (fleet.live_retry_s + fleet.live_answer_s),
        "live_open": visits,
        "live_hide": visits,
        "live_renew": looking / fleet.live_renew_s,
        "live_told": looking / fleet.reading_s + starts * fleet.live_states,
        "live_nobody": visits * fleet.live_lapse_s / fleet.reading_s,
    }


def storm(fleet: Fleet, sessions: int, per_s: float) -> Load:
    """The fleet comes back through API Gateway's door."""
    ended = per_s * sessions / fleet.chargers
    events = {
        "connect": per_s,
        "boot_again": per_s,
        "status_after_boot": per_s,
        "status": per_s * (fleet.connectors - 1),
        "heartbeat": fleet.chargers / fleet.heartbeat_s,
        "ended": ended,
        "reading": ended * 10,
    }
    return Load(events, measured())


def sheet(fleet: Fleet, sessions: int) -> Sheet:
    """Every quota, what is used of it, and how many times more there is."""
    quotas = json.loads((DATA / "quotas.json").read_text())["quotas"]
    ordinary = busy(fleet, sessions)
    after = storm(fleet, sessions, quotas["connections_per_s"]["limit"])
    used = {key: (_used(key, ordinary, fleet, sessions), _used(key, after, fleet, sessions)) for key in quotas}
    rows = []
    for key, quota in quotas.items():
        limit = quota["limit"]
        cells = [f"{_round(it)} ({_room(limit, it)})" if it is not None else "" for it in used[key]]
        rows.append([quota["name"], f"{limit:,}", "yes" if quota["rises"] else "no", *cells])
    heads = ["quota", "limit", "can be raised", "busy (room)", "storm (room)"]
    return Sheet(heads, rows, f"{fleet.chargers:,} chargers, {sessions:,} sessions at once")


def needed(fleet: Fleet, sessions: int) -> dict[str, float]:
    """What of each quota is used a second, or at once, at the worst: in the busiest hour or in a storm.

    A storm of a small fleet is over in a second: no more sockets are opened than there are chargers.
    """
    quotas = json.loads((DATA / "quotas.json").read_text())["quotas"]
    per_s = min(quotas["connections_per_s"]["limit"], fleet.chargers)
    loads = (busy(fleet, sessions), storm(fleet, sessions, per_s))
    return {key: max(_used(key, load, fleet, sessions) or 0 for load in loads) for key in quotas}


def _used(key: str, load: Load, fleet: Fleet, sessions: int) -> float | None:
    writes, reads = load.by_table("write_units"), load.by_table("read_units")
    events = load.events
    # Each frame, each refused or admitted socket, each request is one; a route's answer is none.
    requests = load.of(lambda it: it.get("messages", 0) / 2 + it.get("invocations", {}).get("api_handler", 0))
    requests += load.of(lambda it: it.get("calls", {}).get("apigatewaymanagementapi.PostToConnection", 0))
    invocations = load.of(lambda it: sum(it.get("invocations", {}).values()))
    # A schedule sends notices: what happens in one second is told in the minute after it.
    told = min(events.get("begin", 0) + events["ended"], sessions / 60)
    found: dict[str, float | None] = {
        "connections_per_s": events.get("connect", 0) + events.get("live_open", 0),
        "api_requests_per_s": requests + events.get("connect", 0) + events.get("disconnect", 0),
        "lambda_concurrency": load.of(lambda it: _seconds(it, fleet)) + _hashing(events, fleet),
        "lambda_requests_per_s": invocations,
        "table_writes_per_s": max(writes.values()),
        "new_table_writes_per_s": max(writes.values()),
        "new_table_reads_per_s": max(reads.values()),
        # The table of places, if all chargers were in one cell: cli/keys.py.
        "partition_writes_per_s": writes["places"],
        "partition_reads_per_s": events["search"] * fleet.search_read_units if "search" in events else None,
        "open_executions": float(sessions),
        "starts_per_s": events.get("begin"),
        "transitions_per_s": 6 * events.get("begin", 0) or 3 * events["ended"],
        "task_answers_per_s": load.of(lambda it: it.get("calls", {}).get("stepfunctions.SendTaskSuccess", 0)),
        "logins_per_s": events.get("begin"),
        "mails_per_s": told * fleet.mails_per_session / 2,
        "pushes_per_s": told * fleet.pushes_per_session / 2,
        "queued_per_s": load.of(lambda it: it.get("calls", {}).get("sqs.SendMessage", 0)),
        "matrices_per_s": events.get("search"),
        "log_files_per_s": use(fleet).amounts["file_put"] / SECONDS_A_MONTH,
        "app_requests_per_s": events.get("begin", 0) * fleet.app_visits_per_session * REQUESTS_A_VISIT or None,
        "kms_per_s": use(fleet).amounts["kms_request"] / SECONDS_A_MONTH,
        "payments_per_s": events["ended"] * _PAYMENT_CALLS,
        "node_requests_per_s": events["ended"] * SHARE * sum(NODE_REQUESTS.values()),
        "prices_per_min": zones(fleet),
        "knocks_per_address": events.get("connect", 0) * 300,
    }
    return found[key]


def _hashing(events: Mapping[str, float], fleet: Fleet) -> float:
    """Seconds in a second that passwords are hashed."""
    return events.get("connect", 0) * fleet.hashes_per_connect * fleet.lambda_hash_ms / 1000


def _seconds(one: Mapping[str, Any], fleet: Fleet) -> float:
    calls = sum(times for name, times in one.get("calls", {}).items() if name != "lambda.Invoke")
    payments = sum(one.get("invocations", {}).get(name, 0) for name in ("place_hold", "settle"))
    run = sum(one.get("invocations", {}).values())
    return float(run * fleet.lambda_base_ms + calls * fleet.lambda_call_ms + payments * fleet.payment_call_ms) / 1000


def _round(amount: float) -> str:
    return f"{amount:,.0f}" if amount >= 10 else f"{amount:.1f}"


def _room(limit: float, used: float) -> str:
    if used <= 0:
        return "all"
    times = limit / used
    return f"**{times:.1f}x**" if times < 2 else f"{times:,.0f}x" if times >= 10 else f"{times:.1f}x"
