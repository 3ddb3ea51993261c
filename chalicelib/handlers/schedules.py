"""Schedules (EventBridge): what time alone brings about.

A schedule's work is a table of parts, most of them the shards of an index of what is due. One invocation does them all,
in another order each time, while that is little; what it has not finished after two seconds it gives to invocations of
the same function, one for each part. So an idle network pays for one invocation, and a busy one has as many as parts.
What was not done by the end of a part's time is still due a minute later. Nothing depends on a part being done once:
of two at the same shard each finds what the other has claimed.
"""

from __future__ import annotations

import logging
import random
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from chalice import Blueprint, Rate
from chalice.app import CloudWatchEvent

from chalicelib.handlers.http.observability import count
from chalicelib.records.grid import BUSY_SHARDS, FEED_SHARDS
from chalicelib.records.notifications import Outcome
from chalicelib.records.parts import LIST_SHARDS, SHARDS, Part
from chalicelib.wiring import network

schedules = Blueprint(__name__)

# All parts together, in the invocation that EventBridge makes.
TOGETHER = timedelta(seconds=2)
# One part in an invocation of its own: with the longest thing in it, well within the time of a function (30 s).
ALONE = timedelta(seconds=12)
_RANDOM = random.SystemRandom()
_log = logging.getLogger(__name__)

Done = Mapping[str, int]
Told = Mapping[str, Any]
Work = Callable[[Part], Done]


def shards(name: str, work: Work, number: int = SHARDS) -> dict[str, tuple[int | None, Work]]:
    """The parts `name/0`, `name/1` and so on: the same work in each shard."""
    return {f"{name}/{shard}": (shard, work) for shard in range(number)}


def whole(name: str, work: Work) -> dict[str, tuple[int | None, Work]]:
    """A part that is not sharded: what it reads is short, or goes on from where it was."""
    return {name: (None, work)}


def _notices(part: Part) -> Done:
    return _settled(network().delivery.deliver(part))


def _feeds(part: Part) -> Done:
    done = network().signal_feeds.tend(part)
    for _ in range(done.get("failed", 0)):
        count("SignalsFailed")
    return done


def _settled(settled: Mapping[Outcome, int]) -> Done:
    for _ in range(settled.get(Outcome.GIVEN_UP, 0)):
        count("NoticesGivenUp")
    return {outcome.value: number for outcome, number in settled.items()}


PARTS: Mapping[str, Mapping[str, tuple[int | None, Work]]] = {
    "sweep": shards("sessions", lambda part: {"taken_up": network().lifecycle.sweep(part)}),
    "claim": shards("transactions", lambda part: {"sessions": network().unclaimed.sweep(part)}),
    "reservations": shards("reservations", lambda part: {"ended": network().driver_reservations.sweep(part)}),
    "debts": {
        **shards("debts", lambda part: {"paid": network().debts.ask_again(part)}),
        **shards("invoices", lambda part: {"invoices": network().invoice_desk.issue_due(part)}),
        **shards("wallets", lambda part: {"looked_after": network().wallet_returns.tend(part)}),
    },
    "accounts": {
        **shards("cards", lambda part: {"told": network().account_upkeep.tell_of_expiry(part)}),
        **whole("unproven", lambda part: {"forgotten": network().account_upkeep.forget_unproven(part)}),
        **whole("leaving", lambda part: {"leaving": network().account_deletion.tend(part)}),
    },
    "reconcile": whole("books", lambda part: {"differences": network().reconciliation.go_on(part)}),
    "lists": {
        **shards("lines", lambda part: {"lines": network().commands.tend(part)}),
        **shards("lists", lambda part: {"tended": network().local_lists.tend(part)}, LIST_SHARDS),
        **whole("changes", lambda part: {"tended": network().local_lists.pass_on(part)}),
        **whole("setups", lambda part: {"set_up": network().provisioning.tend(part)}),
        **whole("sites", lambda part: {"moving": network().site_relocation.tend(part)}),
    },
    "notices": shards("notices", _notices),
    "alarm_desk": {
        **shards("looks", lambda part: {"looked_at": network().alarm_desk.tend(part)}),
        **shards("tellings", lambda part: {"begun": network().alarm_tellings.hand_on(part)}),
    },
    "openadr": whole("servers", lambda part: {"asked": network().utilities.begin(part)}),
    "busy_sites": {
        **shards("sites", lambda part: {"sites": network().busy_sites.ask(part)}, BUSY_SHARDS),
        **shards("plans", lambda part: {"plans": network().wishing_sites.ask(part)}, BUSY_SHARDS),
        **shards("cars", lambda part: {"cars": network().due_nights.hand_on(part)}),
    },
    "signals": shards("feeds", _feeds, FEED_SHARDS),
}
# What a part or a request finds too much, or may not wait for, it gives to invocations of its own: all of one thing.
FOR_ONE: Mapping[str, Mapping[str, Callable[[Told, Part], Done]]] = {
    "openadr": {"operator": lambda told, part: {"changes": network().utilities.ask(told["operator"])}},
    "lists": {
        "operator": lambda told, part: {
            "tended": network().local_lists.pass_on_within(told["operator"], told["changed_s"], part)
        },
        "site": lambda told, part: {"moved": network().site_relocation.go_on(told["site"], part)},
    },
    "accounts": {"driver": lambda told, part: {"gone": network().account_deletion.go_on(told["driver"], part)}},
    "notices": {
        "operator": lambda told, part: _settled(network().delivery.deliver_to_operator(told["notices"], part)),
    },
    "alarm_desk": {
        "operator": lambda told, part: _settled(
            network().alarm_tellings.send(told["operator"], told["tellings"], part)
        ),
    },
}


def do_parts(schedule: str, told: Told) -> Done:
    """Do the part of a schedule that is told, or all, and hand on what is too much; returns what was done.

    Raises the first error that a part ended with, once the others are done.
    """
    at = network().clock()
    of_one = FOR_ONE.get(schedule, {}).get(told.get("part", ""))
    if of_one is not None:
        return of_one(told, Part(told.get("shard"), at + ALONE))
    if "part" in told:
        shard, work = PARTS[schedule][told["part"]]
        return work(Part(shard, at + ALONE))
    return _together(schedule, PARTS[schedule])


def _together(schedule: str, parts: Mapping[str, tuple[int | None, Work]]) -> Done:
    clock = network().clock
    ends_at = clock() + TOGETHER
    done: Counter[str] = Counter()
    failed: Exception | None = None
    left = _RANDOM.sample(list(parts), len(parts))
    while left and clock() < ends_at:
        shard, work = parts[left[-1]]
        try:
            done.update(work(Part(shard, ends_at)))
        except Exception as error:
            _log.exception("a part was not done", extra={"schedule": schedule, "part": left[-1]})
            failed = failed or error
        # One that ended because time was up may have more to do.
        if clock() < ends_at:
            left.pop()
    for name in left:
        network().invocations.begin(schedule, {"part": name})
    if failed is not None:
        raise failed
    return dict(done)


@schedules.schedule(Rate(1, unit=Rate.MINUTES), name="sweep")
def sweep(event: CloudWatchEvent) -> Done:
    """Take up sessions that a crash or a lost message left standing."""
    return do_parts("sweep", event.detail)


@schedules.schedule(Rate(1, unit=Rate.MINUTES), name="claim")
def claim(event: CloudWatchEvent) -> Done:
    """Make sessions of transactions that nobody claimed."""
    return do_parts("claim", event.detail)


@schedules.schedule(Rate(1, unit=Rate.MINUTES), name="reservations")
def reservations(event: CloudWatchEvent) -> Done:
    """End reservations that are over, and charge for those nobody came for."""
    return do_parts("reservations", event.detail)


@schedules.schedule(Rate(5, unit=Rate.MINUTES), name="debts")
def debts(event: CloudWatchEvent) -> Done:
    """Ask again for what drivers owe, where that is due, and look after what of wallets was left half done."""
    return do_parts("debts", event.detail)


@schedules.schedule(Rate(1, unit=Rate.HOURS), name="accounts")
def accounts(event: CloudWatchEvent) -> Done:
    """Tell drivers of cards that will expire, and forget addresses that nobody proved."""
    return do_parts("accounts", event.detail)


@schedules.schedule(Rate(1, unit=Rate.MINUTES), name="reconcile")
def reconcile(event: CloudWatchEvent) -> Done:
    """Hold yesterday's books against the payment provider's, a while each minute from three o'clock (UTC) on."""
    return do_parts("reconcile", event.detail)


@schedules.schedule(Rate(1, unit=Rate.MINUTES), name="lists")
def lists(event: CloudWatchEvent) -> Done:
    """Bring chargers' local lists and their settings up to date, and send what waits behind unanswered calls."""
    return do_parts("lists", event.detail)


@schedules.schedule(Rate(1, unit=Rate.MINUTES), name="notices")
def notices(event: CloudWatchEvent) -> Done:
    """Send drivers' notifications that are due."""
    return do_parts("notices", event.detail)


@schedules.schedule(Rate(1, unit=Rate.MINUTES), name="alarm_desk")
def alarm_desk(event: CloudWatchEvent) -> Done:
    """Look again at what alarms stand for, close those whose cause is gone, and tell operators of both."""
    return do_parts("alarm_desk", event.detail)


@schedules.schedule(Rate(1, unit=Rate.MINUTES), name="busy_sites")
def busy_sites(event: CloudWatchEvent) -> Done:
    """Have all sites looked at where sessions share a connection, for what only time brings about.

    And planned, in the last minute of each quarter of an hour, where drivers said when they leave.
    """
    return do_parts("busy_sites", event.detail)


@schedules.schedule(Rate(5, unit=Rate.MINUTES), name="signals")
def signals(event: CloudWatchEvent) -> Done:
    """Fetch the prices, carbon and sun that sites go by, where they may have changed: once for each zone."""
    return do_parts("signals", event.detail)


@schedules.schedule(Rate(1, unit=Rate.MINUTES), name="openadr")
def openadr(event: CloudWatchEvent) -> Done:
    """Ask utilities' OpenADR servers what they want of operators' sites, and report what came of it."""
    return do_parts("openadr", event.detail)
