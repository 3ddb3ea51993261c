"""Each schedule in its busiest run at the size of the fleet, against the time that its function has.

An item's calls are measured (`data/measured.json`), each taken for 10 ms; how many items there are is assumed here,
with its reason, and errs to the many. Most work is in shards, each of which has an invocation of its own when there is
much (chalicelib/handlers/schedules.py): that invocation is held against the limit, and none may need more than half.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli.fleet import DATA, SCHEDULES, Fleet
from cli.power_kinds import SERVER_MS
from cli.report import Sheet
from cli.signals import PUBLISHER_MS, suns, zones
from cli.wallets import SHARE

_CONFIG = Path(__file__).parent.parent / ".chalice" / "config.json"
_MINUTES_A_DAY = 24 * 60
# The busiest hour has three times the mean.
_PEAK = 3
_WEBHOOK_MS = 200
HALF = 0.5


@dataclass(frozen=True, slots=True)
class Items:
    """So many of one kind in the busiest run; `measured` is what one of them takes, `waits_ms` on others' servers."""

    number: float
    measured: str
    why: str
    waits_ms: float = 0


@dataclass(frozen=True, slots=True)
class Work:
    """A part of a schedule, done by so many invocations beside each other."""

    schedule: str
    part: str
    invocations: int
    items: Sequence[Items]

    def seconds(self, fleet: Fleet) -> float:
        """What one of them needs in the busiest run."""
        return sum(it.number * _item_ms(it, fleet) for it in self.items) / self.invocations / 1000


def work(fleet: Fleet) -> list[Work]:
    """Everything that schedules do."""
    a_day, a_minute = fleet.sessions_per_day, _PEAK * fleet.sessions_per_day / _MINUTES_A_DAY
    at_once = a_minute * fleet.session_minutes
    back_a_minute = fleet.chargers / 120
    notices = 3 * a_minute
    return [
        Work(
            "sweep",
            "sessions",
            8,
            [
                Items(at_once / 120, "sweep sessions", "every session that charges is looked at every two hours"),
                Items(a_day / 200, "sweep stopping", "one in 200 waits a day for its charger's last word"),
                Items(a_day / 100 * 14 / 15, "sweep review", "one in 100 is in review for 14 days, seen every 15 min"),
            ],
        ),
        Work(
            "claim",
            "transactions",
            8,
            [
                Items(a_minute / 100, "claim transactions", "one in 100 is nobody's"),
                Items(a_day / 100 * 2, "claim plugged in", "one in 100 shows no token, for two days"),
            ],
        ),
        Work(
            "reservations",
            "reservations",
            8,
            [Items(a_minute / 10, "reservations reservations", "one session in ten was reserved, in vain")],
        ),
        Work(
            "debts",
            "debts",
            8,
            [Items(5 * a_minute / 100 * 4, "debts debts", "one session in 100 is owed and asked for four times")],
        ),
        Work(
            "debts",
            "invoices",
            8,
            [
                Items(
                    30 * a_day / 10 / 8 * 5 / _MINUTES_A_DAY,
                    "debts invoices",
                    "one session in ten is a business's, of eight a month; all months end on one day",
                )
            ],
        ),
        Work(
            "debts",
            "wallets",
            8,
            [Items(5 * a_minute * SHARE / 100, "debts wallets", "one charge by wallet in 100 takes over six hours")],
        ),
        Work(
            "accounts",
            "cards",
            8,
            [Items(fleet.active_drivers / 50 / 24, "accounts cards", "a month's cards expire on one day: one in 50")],
        ),
        Work(
            "accounts",
            "unproven",
            1,
            [Items(_PEAK * fleet.active_drivers / 500 / 24, "", "one address a day of 500 drivers is never proven")],
        ),
        Work("accounts", "leaving", 1, [Items(100, "", "accounts that wait for a last session, each handed on")]),
        Work(
            "accounts",
            "driver",
            1,
            [
                Items(
                    5_000 * 2 / 8 / 2 + 5_000 * 2 / 100,
                    "",
                    "5,000 sessions, half of them by card, which takes two calls; eight at a time; the rest 25 a call",
                )
            ],
        ),
        Work(
            "reconcile",
            "books",
            1,
            [Items(1.25 * a_day / 360, "reconcile books", "a day's payments, five for four sessions, in six hours")],
        ),
        Work(
            "lists",
            "lines",
            8,
            [Items(fleet.chargers / 5000, "lists lines", "one charger in 5,000 leaves a call unanswered at a time")],
        ),
        Work(
            "lists",
            "lists",
            32,
            [Items(back_a_minute, "lists lists", "all keep lists, and are asked when they come back: every two hours")],
        ),
        Work("lists", "changes", 1, [Items(50, "lists changes", "as far as two seconds go for each operator")]),
        Work(
            "lists",
            "operator",
            32,
            [Items(fleet.chargers / 180, "lists changes", "all are one operator's and lack a card, every three hours")],
        ),
        Work(
            "lists",
            "setups",
            1,
            [Items(50, "lists setups", "new profiles; who is not reached is met when it comes back")],
        ),
        Work("lists", "sites", 1, [Items(200, "", "an operator moves 200 sites at once; each is handed on")]),
        Work(
            "lists",
            "site",
            1,
            [Items(1_000 * 7 / 8, "", "1,000 chargers follow their site; seven calls each, eight at a time")],
        ),
        Work(
            "alarm_desk",
            "looks",
            8,
            [
                Items(fleet.chargers / 50 / 60, "alarm_desk looks", "one in 50 has an alarm, looked at every hour"),
                Items(a_minute / 50, "alarm_desk looks", "one charger in 50 sessions is quiet for longer than usual"),
            ],
        ),
        Work("alarm_desk", "tellings", 8, [Items(1_000, "alarm_desk tellings", "a region is lost: a thousand sites")]),
        Work(
            "alarm_desk",
            "operator",
            1,
            [Items(25, "alarm_desk operator", "an invocation is given 25, of one operator", waits_ms=_WEBHOOK_MS)],
        ),
        Work(
            "busy_sites",
            "sites",
            16,
            [Items(10_000, "busy_sites sites", "sites with sessions whose power is shared out; looked at by others")],
        ),
        Work(
            "busy_sites",
            "plans",
            16,
            [Items(10_000, "busy_sites sites", "once a quarter: sites where somebody said when they leave")],
        ),
        Work(
            "busy_sites",
            "cars",
            8,
            [Items(10_000, "busy_sites sites", "cars of which something is due, found and handed on as sites are")],
        ),
        Work(
            "signals",
            "feeds",
            8,
            [
                Items(
                    zones(fleet) + suns(fleet) / 12,
                    "signals feeds",
                    "all zones' prices, awaited at noon, and a twelfth of the suns",
                    waits_ms=PUBLISHER_MS,
                )
            ],
        ),
        Work("openadr", "servers", 1, [Items(200, "openadr servers", "operators whose utility has a server")]),
        Work(
            "openadr",
            "operator",
            1,
            [Items(1, "openadr operator", "one operator's server, of three programs", waits_ms=SERVER_MS)],
        ),
        Work("notices", "notices", 8, [Items(notices, "notices notices", "three for each session, mailed")]),
        Work(
            "notices",
            "operator",
            1,
            [Items(25, "notices operator", "an invocation is given 25, of one operator", waits_ms=_WEBHOOK_MS)],
        ),
    ]


def limit_s(schedule: str) -> float:
    """The time that its function has."""
    config = json.loads(_CONFIG.read_text())
    return float(config["lambda_functions"][schedule].get("lambda_timeout", config["lambda_timeout"]))


def measured() -> Mapping[str, Mapping[str, float]]:
    """Of each kind of item the calls of AWS, and those of the payment provider."""
    found: Mapping[str, Mapping[str, Any]] = json.loads((DATA / "measured.json").read_text())["schedules"]
    return {part: {name: it[name] for name in ("calls", "payments") if name in it} for part, it in found.items()}


def sheet(fleet: Fleet) -> Sheet:
    rows = []
    for it in work(fleet):
        seconds, limit = it.seconds(fleet), limit_s(it.schedule)
        rows.append(
            [
                f"`{it.schedule}` {it.part}",
                f"{SCHEDULES[it.schedule] // 60} min",
                "; ".join(f"{items.number:,.0f}: {items.why}" for items in it.items),
                ", ".join(dict.fromkeys(f"{_calls(items):.3g}" for items in it.items)),
                str(it.invocations),
                f"{seconds:.1f} s",
                f"{100 * seconds / limit:.0f} %",
            ]
        )
    heads = [
        "schedule, part",
        "every",
        "items in the busiest run",
        "calls each",
        "side by side",
        "each needs",
        "of 30 s",
    ]
    return Sheet(heads, rows)


def _calls(items: Items) -> float:
    # Cognito's, of which there is one.
    return sum(measured()[items.measured].values()) if items.measured else 1


def _item_ms(items: Items, fleet: Fleet) -> float:
    taken: Mapping[str, float] = measured()[items.measured] if items.measured else {"calls": 1}
    payments_ms = taken.get("payments", 0) * fleet.payment_call_ms
    return taken.get("calls", 0) * fleet.lambda_call_ms + payments_ms + items.waits_ms
