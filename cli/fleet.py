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

from cli.live import watching
from cli.people import alarm_pages, people
from cli.power_kinds import PLAN_NOTICES_A_SESSION, asked_of_sites, power_kinds, waited_ms
from cli.signals import fetches
from cli.standing import CANARY_FIXED, FIXED, KEPT_DAYS, QUEUES_READ, TABLES, TABLES_OF_FUNCTIONS, TABLES_OF_STEPS
from cli.transparency import LOOKS_AT_DISPUTES, log_of_charges
from cli.wallets import asked_of_wallets, wallet_kinds
from cli.web import files_asked

DATA = Path(__file__).parent / "data"
HOURS_A_MONTH = 730
SECONDS_A_MONTH = HOURS_A_MONTH * 3600
DAYS_A_MONTH = 365 / 12
SOCKET_LIFETIME_S, _RENEWED_BEFORE_S = 7200, 30  # the first is API Gateway's, hard
GB = 1024**3
_FIRST_YEAR_DAYS = 365
# Rows of things that stand there are changed and not added to: a charger's, its setup's and connectors', a place's.
_IN_PLACE = ("chargers", "places", "drivers", "operators")
_CHARGER_BYTES, _DRIVER_BYTES = 9_000, 1_000
# Lambda's own START, END and REPORT, each with what CloudWatch adds.
PLATFORM_LOG_BYTES = 82 + 54 + 190 + 3 * 26
VERSIONS = ("ocpp1.6", "ocpp2.0.1")
# Every so many seconds each schedule has a look; what it finds to do then is in cli/schedules.py.
SCHEDULES = {
    **dict.fromkeys(
        ("sweep", "claim", "reservations", "reconcile", "lists", "notices", "alarm_desk", "busy_sites", "openadr"), 60
    ),
    **dict.fromkeys(("debts", "signals"), 300),
    "accounts": 3600,
}

Kinds = Mapping[str, Mapping[str, Any]]
Sums = defaultdict[str, float]


@dataclass(frozen=True, slots=True)
class Fleet:
    """Chargers and what they do; the defaults are the assumptions of docs/cost.md."""

    chargers: int
    sessions_per_day: float
    heartbeat_s: int = 540
    reading_s: int = 60
    session_minutes: int = 60
    connectors: int = 2
    statuses_per_session: int = 4  # preparing, charging, finishing, available
    boots_per_month: int = 2
    # A 1.6 charger says BootNotification whenever it is back, and a status for each connector and for itself.
    boots_at_connect: float = 0.5
    looks_a_day: float = 1.1  # of such a one's settings: at its first socket of the day, and now and then its second
    renewed_share: float = 0.9  # of sockets; the others are cut by the network, or end with a session at two hours
    statuses_at_connect: float = 0.5  # of the others half repeat their connectors' statuses
    setups_per_month: float = 0.25  # another firmware or profile, so that all settings are asked
    live_minutes_per_session: float = 10
    # Of watching, what goes by WebSocket, as the apps do; the rest asks the event stream again and again.
    live_socket_share: float = 1.0
    live_visits: float = 3  # a page is opened, hidden and come back to
    live_renew_s: float = 240
    live_lapse_s: float = 300  # so long a charge is told of for nobody, once a page is gone
    live_states: float = 6  # that a session goes through, all of them watched
    live_socket_idle_s: float = 600  # a hidden page's socket stays until API Gateway closes it
    live_retry_s: float = 8.0  # as the stream says while a car charges
    live_answer_s: float = 0.3
    looks_per_session: int = 3  # beside the live view: the list, the session when it has ended
    searches_per_session: int = 3
    app_visits_per_session: float = 1.25  # opened anew: to find and start; of four phones one has put it away meanwhile
    app_loads_per_driver_month: float = 0.2  # of all its files: another phone, an emptied cache
    # From docs/benchmarks.md, 100,000 chargers in town: 29 queries of half a unit or more each, 536 rows.
    search_read_units: int = 45
    search_calls: int = 30
    maps_per_search: int = 0  # drives asked of Amazon Location, where that is chosen
    sessions_per_driver_month: int = 4
    users_are_lite: bool = True
    mails_per_driver_month: float = 0.2  # codes: accounts opened, passwords forgotten, addresses changed
    # Begun, over, receipt: by push and by mail to everybody, for nobody has muted anything.
    pushes_per_session: float = 3
    mails_per_session: float = 3
    # Of chargers those that keep a list of tokens; each is told of a change eight times a day.
    keeps_list_share: float = 0.1
    changes_told_a_day: float = 8
    lambda_gb: float = 0.5
    lambda_base_ms: float = 5
    lambda_api_ms: float = 20  # models, views and Chalice's own work beside the calls
    lambda_call_ms: float = 10  # a call to DynamoDB from 0.3 of a processor, botocore's work included
    lambda_hash_ms: float = 206  # scrypt with 0.29 of a processor, what 512 MB have; 60 ms with a whole one
    hashes_per_connect: float = 0.01  # the first time, and after another password; then an HMAC does
    changes_per_charger_month: float = 10  # by its operator's people and keys, commands among them
    chargers_per_person: float = 100  # of its operator's people there is one for so many
    person_hours_month: float = 160  # in each of them it is written down that they were there
    person_mails_month: float = 0.1  # invitations
    # One page of alarms is open all month for so many chargers, and loaded anew each two hours.
    chargers_per_alarm_page: float = 1_000
    payment_call_ms: float = 500  # each of hold and capture
    authorizer_share: float = 0.25  # of requests; its answer is remembered for five minutes
    lambda_logs_platform: bool = False  # only while SystemLogs=INFO is deployed
    logs_requests: bool = True  # unless AccessLogs=none
    has_log: bool = True  # of settled charges, with their evidence
    logs_frames: bool = False  # only while AccessLogs=all is deployed
    kms_requests_per_table_minutes: int = 5
    canary: bool = False  # only where Canary=on is deployed
    managed_share: float = 0.1  # of sessions, at sites whose power is shared out
    cars_at_busy_site: float = 3
    grants_a_session: float = 10  # 30 at the most

    @property
    def sessions(self) -> float:
        """A month."""
        return self.sessions_per_day * DAYS_A_MONTH

    @property
    def connects(self) -> float:
        """A month: each socket is closed by us, so long before its two hours that a heartbeat is sure to come."""
        return self.chargers * SECONDS_A_MONTH / (SOCKET_LIFETIME_S - self.heartbeat_s / 2 - _RENEWED_BEFORE_S)

    @property
    def busy_sites(self) -> float:
        """Sites whose power is shared out, with cars at them, on the mean."""
        return self.sessions_per_day * self.session_minutes / 1440 * self.managed_share / self.cars_at_busy_site

    @property
    def checks(self) -> float:
        """Looks at what may be an alarm's cause, a month: each socket's end, whoever comes back by itself, each end."""
        return self.connects * (2 - self.renewed_share) + self.sessions

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


# What a canary costs beside the sessions that it makes: its alarms' figures, its secret, and its own function's time.
CANARY_RUNS = SECONDS_A_MONTH / 300
_CANARY_S, _CANARY_GB, _CANARY_LOG_BYTES = 10, 0.25, 300
_CANARY_DOES = {
    **dict.fromkeys(("connect", "disconnect", "begin", "started", "end", "ended", "workflow", "receipt", "reading"), 1),
    # Available, Preparing, Charging, Finishing, Available.
    "status": 5,
    # Is it active, is it completed: each half a second. And the login, and the look at its charger.
    "look": 12,
    "notices": 1,
}
_AUDIT_UNITS, _AUDIT_BYTES = 6, 4_500
_POLLS_A_QUEUE = 5 * SECONDS_A_MONTH / 20
# A queue's messages come so many at once; each batch is received and deleted by a request.
CHECKS_A_BATCH = 10
# What CloudFront writes of each socket, compressed, and what an HTTP answer's own headers take on the way.
_EDGE_LOG_BYTES, _HANDSHAKE_BYTES, _FRAME_BYTES = 120, 700, 40
LOG_MONTHS = 3
# A line of an access log, CloudWatch's 26 bytes in it: of a request, and of a frame where those are logged.
ACCESS_LOG_BYTES, FRAME_LOG_BYTES = 280, 260


def measured() -> Mapping[str, Kinds]:
    """What each kind of message uses, by version, and `beside` for what has none: what schedules find among it."""
    known: Mapping[str, Any] = json.loads((DATA / "measured.json").read_text())
    kinds: Mapping[str, Kinds] = known["kinds"]
    found = {f"found {part}": {**it, "calls": {"dynamodb.any": it["calls"]}} for part, it in known["schedules"].items()}
    return {**kinds, "beside": {**kinds["beside"], **found, **power_kinds(known["power"]), **wallet_kinds(known)}}


def counts(fleet: Fleet) -> dict[str, float]:
    """How often each measured kind happens in a month."""
    booting = fleet.connects * fleet.boots_at_connect
    # Who may have started, and one look a day at each of those that say so whenever they are back.
    looks = fleet.chargers * (fleet.boots_per_month + fleet.boots_at_connect * fleet.looks_a_day * DAYS_A_MONTH)
    silent = fleet.connects - booting
    repeated = (booting + looks) * fleet.connectors + silent * fleet.statuses_at_connect * fleet.connectors
    often = {
        "connect": fleet.connects,
        "renew": fleet.connects * fleet.renewed_share,
        "disconnect": fleet.connects * (1 - fleet.renewed_share),
        "boot_back": booting,
        "boot_again": looks,
        # The first status after a boot brings about a look at its settings; the others say nothing new.
        "status_after_boot": looks,
        "status_repeated": repeated + booting,
        "setup": fleet.chargers * fleet.setups_per_month,
        "heartbeat": fleet.chargers * SECONDS_A_MONTH / fleet.heartbeat_s,
        "status": fleet.sessions * fleet.statuses_per_session,
        "reading": fleet.sessions * fleet.session_minutes * 60 / fleet.reading_s,
        **dict.fromkeys(("begin", "authorize", "started", "end", "ended", "workflow", "notices"), fleet.sessions),
        **watching(fleet),
        **alarm_pages(fleet, SECONDS_A_MONTH / SOCKET_LIFETIME_S, SECONDS_A_MONTH),
        "look": fleet.sessions * (fleet.looks_per_session + LOOKS_AT_DISPUTES * fleet.has_log),
        "search": fleet.sessions * fleet.searches_per_session,
        "receipt": fleet.sessions,
        **_found(fleet),
        "power check": fleet.busy_sites * SECONDS_A_MONTH / 60,
        "power frame": fleet.sessions * fleet.managed_share * fleet.grants_a_session,
        "power reading": fleet.sessions * fleet.managed_share * fleet.session_minutes * 60 / fleet.reading_s,
        "checks": fleet.checks / CHECKS_A_BATCH,
        **{f"tick_{schedule}": SECONDS_A_MONTH / period_s for schedule, period_s in SCHEDULES.items()},
    }
    return {kind: times + fleet.canary * CANARY_RUNS * _CANARY_DOES.get(kind, 0) for kind, times in often.items()}


def _found(fleet: Fleet) -> dict[str, float]:
    """What schedules find to do, by the assumptions of cli/schedules.py, whose busiest run is not every one."""
    ticks = SECONDS_A_MONTH / 60
    a_day, sessions, listed = fleet.sessions_per_day, fleet.sessions, fleet.chargers * fleet.keeps_list_share
    return {
        "found sweep sessions": sessions * fleet.session_minutes / 120,
        "found sweep stopping": a_day / 200 * ticks,
        "found sweep review": a_day / 100 * 14 / 15 * ticks,
        "found claim transactions": sessions / 100,
        "found claim plugged in": a_day / 100 * 2 * ticks,
        "found reservations reservations": sessions / 10,
        "found debts debts": sessions / 100 * 4,
        "found debts invoices": sessions / 10 / 8,
        "found accounts cards": fleet.active_drivers / 50,
        "found reconcile books": 1.25 * sessions,
        "found lists lines": fleet.chargers / 5000 * ticks,
        "found lists lists": fleet.connects * fleet.keeps_list_share,
        "found lists changes": listed * fleet.changes_told_a_day * DAYS_A_MONTH,
        "found lists setups": fleet.chargers * fleet.setups_per_month,
        # Each notice is counted with its session; an operator's own server is told of all of them.
        "found notices notices": 0.0,
        "found notices operator": 3 * sessions,
        "found alarm_desk looks": fleet.chargers / 50 * HOURS_A_MONTH + sessions / 50,
        **dict.fromkeys(("found alarm_desk tellings", "found alarm_desk operator"), fleet.chargers / 50),
        **asked_of_sites(fleet, ticks),
        **asked_of_wallets(fleet),
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
    # An operator's changes: an entry of about 1.5 KB and its copies in two indexes, two units each.
    changes = fleet.chargers * fleet.changes_per_charger_month
    writes["audit"] += changes * _AUDIT_UNITS
    stored["audit"] += changes * _AUDIT_BYTES
    lambda_ms += people(fleet, writes, reads) + waited_ms(fleet, HOURS_A_MONTH * 60)
    lambda_ms += log_of_charges(fleet, amounts, writes, reads, stored)
    amounts["write_unit"] = sum(writes.values())
    amounts["read_unit"] = sum(reads.values())
    _time(amounts, lambda_ms / 1000 + fleet.connects * fleet.hashes_per_connect * fleet.lambda_hash_ms / 1000, fleet)
    _edge(amounts, fleet)
    files_asked(fleet, amounts)
    _outside(amounts, fleet)
    kept = {table: amount for table, amount in stored.items() if table not in _IN_PLACE}
    gb = sum(amount * KEPT_DAYS.get(table, _FIRST_YEAR_DAYS) for table, amount in kept.items()) / DAYS_A_MONTH / GB
    gb += (fleet.chargers * _CHARGER_BYTES + fleet.active_drivers * _DRIVER_BYTES) / GB
    amounts["table_gb_month"] = amounts["backup_gb_month"] = max(0.0, gb)
    amounts["user_month_lite" if fleet.users_are_lite else "user_month_essentials"] = fleet.active_drivers
    for key, amount in FIXED.items():
        amounts[key] += amount
    if fleet.canary:
        _watch(amounts)
    return Use(amounts, writes, reads, lambda_ms / 1000)


def _watch(amounts: Sums) -> None:
    """What the canary takes beside what its sessions are counted for."""
    for key, amount in CANARY_FIXED.items():
        amounts[key] += amount
    amounts["lambda_request"] += CANARY_RUNS
    amounts["lambda_gb_s"] += CANARY_RUNS * _CANARY_S * _CANARY_GB
    amounts["log_gb"] += CANARY_RUNS * _CANARY_LOG_BYTES / GB
    amounts["edge_request"] += CANARY_RUNS


def _outside(amounts: Sums, fleet: Fleet) -> None:
    """What leaves by mail and push, what maps are asked, and what lies in queues and buckets."""
    planned = fleet.managed_share * PLAN_NOTICES_A_SESSION
    amounts["mail"] = fleet.active_drivers * fleet.mails_per_driver_month
    amounts["mail"] += fleet.sessions * (fleet.mails_per_session + planned)
    amounts["mail"] += fleet.chargers / fleet.chargers_per_person * fleet.person_mails_month
    amounts["push"] = fleet.sessions * (fleet.pushes_per_session + planned)
    amounts["signal_request"] = fetches(fleet, DAYS_A_MONTH)
    amounts["route"] = fleet.sessions * fleet.searches_per_session * fleet.maps_per_search
    amounts["queue_request"] += QUEUES_READ * _POLLS_A_QUEUE + 2 * fleet.checks / CHECKS_A_BATCH
    amounts["bucket_gb_month"] += fleet.connects * _EDGE_LOG_BYTES * LOG_MONTHS / GB


def _versions_of(kinds: Mapping[str, Kinds], kind: str) -> list[tuple[Mapping[str, Any], float]]:
    if kind in kinds["beside"]:
        return [(kinds["beside"][kind], 1.0)]
    return [(kinds[version][kind], 1 / len(VERSIONS)) for version in VERSIONS]


def _add(amounts: Sums, one: Mapping[str, Any], times: float, fleet: Fleet) -> None:
    invocations = one.get("invocations", {})
    requests = invocations.get("api_handler", 0) * times
    frames = sum(invocations.get(f"websocket_{it}", 0) for it in ("connect", "message", "disconnect")) * times
    run = sum(invocations.values()) * times + requests * fleet.authorizer_share
    log_bytes = one.get("log_bytes", 0) * times + run * PLATFORM_LOG_BYTES * fleet.lambda_logs_platform
    log_bytes += requests * ACCESS_LOG_BYTES * fleet.logs_requests
    said = frames + invocations.get("viewers", 0) * times
    log_bytes += said * FRAME_LOG_BYTES * fleet.logs_frames
    _add_all(
        amounts,
        {
            "socket_message": one.get("messages", 0) * times,
            "edge_gb_out": (one.get("sent_bytes", 0) + _FRAME_BYTES * one.get("messages", 0) / 2) * times / GB,
            "rest_gb_out": one.get("answer_bytes", 0) * times / GB,
            "queue_request": (one.get("calls", {}).get("sqs.SendMessage", 0) + one.get("queue_requests", 0)) * times,
            "transition": one.get("transitions", 0) * times,
            "lambda_request": run,
            "rest_request": requests,
            "waf_request": requests,
            "log_gb": log_bytes / GB,
            "log_gb_month": log_bytes / GB * LOG_MONTHS,
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
    is_news = kind.startswith(("live_", "alarms_"))
    calls = sum(times for name, times in one.get("calls", {}).items() if name != "lambda.Invoke" or is_news)
    if kind == "search":
        calls = fleet.search_calls
    payments = invocations.get("place_hold", 0) + invocations.get("settle", 0) + one.get("payments", 0)
    requests = invocations.get("api_handler", 0)
    run = sum(invocations.values()) - requests + requests * fleet.authorizer_share
    shown = requests + invocations.get("viewers", 0) + invocations.get("tell_viewers", 0)
    own_ms = run * fleet.lambda_base_ms + shown * fleet.lambda_api_ms
    called_ms = calls * fleet.lambda_call_ms + payments * fleet.payment_call_ms
    return float(own_ms + called_ms + one.get("solved_ms", 0))


def _time(amounts: Sums, lambda_s: float, fleet: Fleet) -> None:
    amounts["lambda_gb_s"] = lambda_s * fleet.lambda_gb
    # Each table's key is asked for again every five minutes by whoever uses it: one process of each function at the
    # least, and where many run at once each of them, thrice the mean for the day's peak. A session's steps ask no
    # oftener than they are run, each thrice at the most.
    times = HOURS_A_MONTH * 60 / fleet.kms_requests_per_table_minutes
    idle = max(0.0, 1 - 3 * fleet.sessions / times)
    asking = TABLES_OF_FUNCTIONS - idle * TABLES_OF_STEPS + 3 * lambda_s / SECONDS_A_MONTH * TABLES
    amounts["kms_request"] = asking * times


def _edge(amounts: Sums, fleet: Fleet) -> None:
    visits = fleet.sessions * fleet.live_socket_share * fleet.live_visits * (fleet.live_minutes_per_session > 0)
    watched = fleet.sessions * fleet.live_socket_share * fleet.live_minutes_per_session
    watched += visits * fleet.live_socket_idle_s / 60
    watched += fleet.chargers / fleet.chargers_per_alarm_page * HOURS_A_MONTH * 60
    amounts["socket_minute"] = fleet.chargers * HOURS_A_MONTH * 60 + watched
    amounts["edge_request"] = fleet.connects
    amounts["edge_function"] = fleet.connects
    amounts["waf_request"] += fleet.connects
    amounts["edge_gb_out"] += fleet.connects * _HANDSHAKE_BYTES / GB
    # A frame in is about as long as a StatusNotification, 200 bytes; half of all messages come in.
    amounts["edge_gb_origin"] = amounts["socket_message"] / 2 * 200 / GB


def _add_all(to: Sums, amounts: Mapping[str, float], times: float) -> None:
    for name, amount in amounts.items():
        to[name] += amount * times
