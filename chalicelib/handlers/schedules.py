"""Schedules (EventBridge): what time alone brings about."""

from __future__ import annotations

from datetime import timedelta

from chalice import Blueprint, Rate
from chalice.app import CloudWatchEvent

from chalicelib.handlers.http.observability import count
from chalicelib.records.notifications import Outcome
from chalicelib.wiring import network

schedules = Blueprint(__name__)


@schedules.schedule(Rate(1, unit=Rate.MINUTES), name="sweep")
def sweep(event: CloudWatchEvent) -> dict[str, int]:
    """Take up sessions that a crash or a lost message left standing."""
    return {"taken_up": network().lifecycle.sweep()}


@schedules.schedule(Rate(1, unit=Rate.MINUTES), name="claim")
def claim(event: CloudWatchEvent) -> dict[str, int]:
    """Make sessions of transactions that nobody claimed."""
    return {"sessions": network().unclaimed.sweep()}


@schedules.schedule(Rate(1, unit=Rate.MINUTES), name="reservations")
def reservations(event: CloudWatchEvent) -> dict[str, int]:
    """End reservations that are over, and charge for those nobody came for."""
    return {"ended": network().driver_reservations.sweep()}


@schedules.schedule(Rate(1, unit=Rate.HOURS), name="debts")
def debts(event: CloudWatchEvent) -> dict[str, int]:
    """Ask again for what drivers owe, where that is due."""
    return {"paid": network().debts.ask_again()}


@schedules.schedule(Rate(1, unit=Rate.HOURS), name="accounts")
def accounts(event: CloudWatchEvent) -> dict[str, int]:
    """Tell drivers of cards that will expire, and forget addresses that nobody proved."""
    upkeep = network().account_upkeep
    return {"told": upkeep.tell_of_expiry(), "forgotten": upkeep.forget_unproven()}


@schedules.schedule(Rate(1, unit=Rate.DAYS), name="reconcile")
def reconcile(event: CloudWatchEvent) -> dict[str, int]:
    """Hold yesterday's books against the payment provider's."""
    return {"differences": network().reconciliation.run((network().clock() - timedelta(days=1)).date())}


@schedules.schedule(Rate(1, unit=Rate.MINUTES), name="lists")
def lists(event: CloudWatchEvent) -> dict[str, int]:
    """Bring chargers' local lists and their settings up to date, and send what waits behind unanswered calls."""
    return {
        "lines": network().commands.tend(),
        "tended": network().local_lists.tend(),
        "set_up": network().provisioning.tend(),
    }


@schedules.schedule(Rate(1, unit=Rate.MINUTES), name="notices")
def notices(event: CloudWatchEvent) -> dict[str, int]:
    """Send drivers' notifications that are due."""
    settled = network().delivery.deliver()
    for _ in range(settled[Outcome.GIVEN_UP]):
        count("NoticesGivenUp")
    return {outcome.value: number for outcome, number in settled.items()}
