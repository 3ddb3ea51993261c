"""Whatever one call does, or several do, every session ends, the books balance, and nothing is held or lost.

A few hundred runs; `python -m benchmarks --faults SECONDS` goes on for as long as it is given.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from chalicelib.adapters.money.stripe_payments import StripePayments
from chalicelib.services.sessions.lifecycle import Lifecycle
from tests.faults.injector import Kind, Seen
from tests.faults.permissions import granted, services
from tests.faults.runs import at_random, found, one_at_a_time, plain, run
from tests.faults.stories import STORIES
from tests.faults.world import Network, network

# Another story begins at another call, so that together they meet every kind in every part.
EVERY = 211


@pytest.fixture(scope="module")
def net() -> Iterator[Network]:
    logging.disable(logging.CRITICAL)
    with network() as made:
        yield made
    logging.disable(logging.NOTSET)


@pytest.fixture(scope="module")
def calls(net: Network) -> list[Seen]:
    """Every call of every story that nothing befalls."""
    return [it for story in STORIES.values() for it in plain(net, story)]


@pytest.mark.parametrize("name", STORIES)
def test_a_story_ends_well_whatever_one_call_does(net: Network, name: str) -> None:
    first = list(STORIES).index(name) * 17 % EVERY
    for done in one_at_a_time(net, STORIES[name], EVERY, first):
        assert not done.broken, str(done)


@pytest.mark.parametrize("seed", range(24))
def test_a_story_ends_well_whatever_several_calls_do(net: Network, seed: int) -> None:
    done = at_random(net, seed)
    assert not done.broken, f"{done}\nagain: python -m benchmarks --fault-seed {seed}"


@pytest.mark.parametrize(
    ("story", "within", "call", "kind"),
    [
        # A further hold whose answer was lost was forgotten where the charge ended before it was asked for again.
        ("outgrown-201", "sweep", "stripe post payment_intents", Kind.KILLED),
        ("outgrown-201", "sweep", "TransactWriteItems", Kind.FAILED),
        # A hold that could not be captured stood in the ledger for ever.
        ("hold-gone", "settle", "stripe post payment_intents/pi_1/capture", Kind.LOST),
        # A hold that nobody needed was given back after the session was paid, to which nobody came back.
        ("cancelled-as-it-starts", "settle", "stripe post payment_intents/pi_1/cancel", Kind.FAILED),
    ],
)
def test_what_once_went_wrong_goes_well(net: Network, story: str, within: str, call: str, kind: Kind) -> None:
    indices = found(net, STORIES[story], within, call)
    assert indices
    for index in indices:
        done = run(net, STORIES[story], {index: kind})
        assert not done.broken, str(done)


@pytest.mark.parametrize(
    ("schedule", "besides"), [("sweep", {"sqs"}), ("debts", {"sqs"}), ("reservations", {"execute-api", "sqs"})]
)
def test_a_schedule_needs_the_services_that_its_policy_opens(
    calls: list[Seen], schedule: str, besides: set[str]
) -> None:
    """Besides: the end of a cancellation that a crash left half done tells the charger; and a session that stands still
    for half an hour has somebody look whether that is an alarm. A month's invoice, which is due in no story, goes into
    the log.

    And itself, to hand parts on: no story has so much to do.
    """
    assert services(calls, schedule) == granted(schedule) - besides - {"lambda"}


@pytest.mark.parametrize(("story", "schedule"), [("outgrown-201", "sweep"), ("hold-gone", "debts")])
@pytest.mark.parametrize("kind", [None, Kind.FAILED, Kind.LOST, Kind.TWICE, Kind.KILLED, Kind.MEANWHILE])
def test_what_a_tick_has_no_time_for_others_do(net: Network, story: str, schedule: str, kind: Kind | None) -> None:
    """Its first look takes half a minute, so that it hands on its parts; and that, too, may go wrong, or be repeated.

    What is begun twice overlaps: two at work in one shard.
    """
    first, *_ = (number for number, it in enumerate(plain(net, STORIES[story])) if it.within == schedule)
    seen = run(net, STORIES[story], {first: Kind.HELD_UP}).seen
    handed_on = [number for number, it in enumerate(seen) if it.within == schedule and it.name.strip() == "Invoke"]
    assert handed_on
    plan = {first: Kind.HELD_UP} | ({} if kind is None else dict.fromkeys(handed_on[:3], kind))
    done = run(net, STORIES[story], plan)
    assert not done.broken, str(done)


def _sweep_nothing(self: Lifecycle) -> int:
    return 0


def _charge_by_chance(original: Callable[..., Any]) -> Callable[..., Any]:
    numbers = iter(range(10**6))

    def pay(self: StripePayments, session: Any, driver: Any, options: Any, key: str, part: int) -> Any:
        return original(self, session, driver, options, f"{key}-{next(numbers)}", part)

    return pay


def test_a_sweep_that_finds_nothing_would_be_noticed(net: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Lifecycle, "sweep", _sweep_nothing)
    story = STORIES["app-once-201"]
    (index,) = found(net, story, "begin", "PutItem sessions")
    assert run(net, story, {index: Kind.KILLED}).broken


def test_payments_without_a_name_would_be_noticed(net: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(StripePayments, "_pay", _charge_by_chance(StripePayments._pay))
    story = STORIES["hold-gone"]
    indices = found(net, story, "settle", "stripe post payment_intents")
    assert any(run(net, story, {index: Kind.LOST}).broken for index in indices)


def test_a_settlement_that_is_given_up_leaves_a_debt_and_an_abort_outlasts_an_hour(net: Network) -> None:
    story = STORIES["app-201"]
    first = found(net, story, "settle", "TransactWriteItems")[0]
    plan = dict.fromkeys(range(first, first + 400), Kind.FAILED)
    done = run(net, story, plan)
    assert not done.broken, str(done)
