"""Who reads that a session has failed may rely on its money: what was set aside for it has been given back by then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest

from chalicelib.domain.chargers.commands import CommandResult, Verdict
from chalicelib.domain.charging.session import Hold, Reason, Session, State
from chalicelib.domain.charging.transitions import (
    HoldPlaced,
    Started,
)
from chalicelib.domain.charging.waits import Step
from chalicelib.domain.money.ledger import held_minor
from chalicelib.ports.charging import Sessions
from chalicelib.records.chargers import Purpose
from chalicelib.records.charging import Saved, Waiting
from chalicelib.services.charging.live_news import TELLER
from chalicelib.services.sessions.driver_sessions import Filter
from tests.services.conftest import NOW, Kit, sent_call
from tests.services.sessions.test_lifecycle import Run


class Killed(BaseException):
    """The process is no more."""


@pytest.fixture
def run(kit: Kit) -> Run:
    return Run(kit)


class _Watched:
    """The sessions' store, as somebody reads it who looks after each save."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._store: Sessions = run.kit.sessions
        self.told: list[State] = []
        self.held: list[str] = []

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def save(self, before: Session, after: Session) -> Saved:
        saved = self._store.save(before, after)
        self.told.append(after.told_state)
        money = self._run.money
        if after.told_state is State.FAILED:
            self.held += [it for it in money.held if it not in money.voided and it not in money.captured]
        return saved


def _watched(run: Run) -> _Watched:
    watched = _Watched(run)
    network = vars(run.kit)
    for name in [it for it, made in network.items() if type(made).__module__.startswith("chalicelib.services.")]:
        del network[name]
    network["sessions"] = watched
    run.steps, run.payment_webhooks = run.kit.lifecycle, run.kit.payment_webhooks
    return watched


def _told(run: Run) -> State:
    return run.session.told_state


def _cancels(run: Run) -> None:
    run.kit.driver_sessions.end("driver-1", run.session_id)


def _ends_by_hand(run: Run) -> None:
    run.kit.hand_settlement.settle("op", run.session_id, "o@example.com", "nobody is there")


def _refuses(run: Run) -> None:
    run.kit.charging.start_answered(sent_call(Purpose.START, run.session_id), CommandResult(verdict=Verdict.REJECTED))


def _nothing(run: Run) -> None:
    """Only time passes."""


@pytest.mark.parametrize(
    ("fails", "error", "reason"),
    [
        (_cancels, "SessionFailed", Reason.CANCELLED),
        (_ends_by_hand, "SessionFailed", Reason.CANCELLED),
        (_refuses, "SessionFailed", Reason.CHARGER_REFUSED),
        (_nothing, "States.Timeout", Reason.CHARGER_DID_NOT_START),
        (_nothing, "Gone", Reason.CHARGER_OFFLINE),
        (_nothing, "Abandoned", Reason.INTERNAL),
    ],
)
def test_a_session_is_told_to_have_failed_once_its_hold_is_given_back(
    run: Run, fails: Callable[[Run], None], error: str, reason: Reason
) -> None:
    watched = _watched(run)
    run.steps.place_hold(run.session_id, "token-hold")
    fails(run)
    run.steps.abort(run.session_id, error, "")
    assert watched.held == []
    assert watched.told[-2:] == [State.STOPPING, State.FAILED]
    assert (run.session.told_state, run.session.reason) == (State.FAILED, reason)
    assert run.money.voided == [f"pi_{run.session_id}"]
    assert held_minor(run.kit.ledger.of_session(run.session_id)) == 0


def test_what_the_bank_was_asked_for_is_let_go_before_the_session_is_told_to_have_failed(run: Run) -> None:
    run.money.asks_cardholder = True
    watched = _watched(run)
    run.steps.place_hold(run.session_id, "token-hold")
    run.steps.abort(run.session_id, "States.Timeout", "")
    assert watched.told == [State.INITIATED, State.STOPPING, State.FAILED]
    assert (run.session.reason, run.money.voided) == (Reason.CARD_NOT_CONFIRMED, [f"pi_{run.session_id}"])


def test_a_hold_that_was_on_its_way_when_its_driver_cancelled_is_given_back_first(run: Run) -> None:
    watched = _watched(run)
    hold = Hold(f"pi_{run.session_id}", 5000)
    _cancels(run)
    run.money.held[hold.payment_id] = hold.amount_minor
    run.kit.changes.apply(run.session_id, HoldPlaced(hold))
    run.steps.abort(run.session_id, "SessionOver", "")
    assert (watched.held, watched.told[-1]) == ([], State.FAILED)


def test_a_hold_that_is_heard_of_while_others_are_given_back_is_given_back_too(run: Run) -> None:
    watched = _watched(run)
    late = Hold(f"pi_{run.session_id}", 5000)
    _cancels(run)
    run.money.held[late.payment_id] = late.amount_minor
    store, runs = run.kit.connectors, iter([lambda: run.kit.changes.apply(run.session_id, HoldPlaced(late))])

    class Meanwhile:
        def __getattr__(self, name: str) -> object:
            next(runs, lambda: None)()
            return getattr(store, name)

    watches = replace(run.steps.watches, connectors=cast(Any, Meanwhile()))
    replace(run.steps, watches=watches).abort(run.session_id, "SessionFailed", "")
    assert (watched.held, watched.told[-1]) == ([], State.FAILED)
    assert run.money.voided == [late.payment_id]


def test_a_failed_session_whose_workflow_is_gone_is_seen_to_by_the_sweep(run: Run) -> None:
    run.steps.place_hold(run.session_id, "token-hold")
    _cancels(run)
    assert _told(run) is State.STOPPING
    run.kit.clock.advance(minutes=2)
    assert run.steps.sweep() == 1
    assert _told(run) is State.FAILED
    assert run.money.voided == [f"pi_{run.session_id}"]
    assert run.steps.sweep() == 0


def test_whoever_dies_between_the_provider_and_our_word_is_followed_by_one_who_says_it(run: Run) -> None:
    run.steps.place_hold(run.session_id, "token-hold")
    _cancels(run)
    ledger = run.steps.funds.ledger

    class Dies:
        def append(self, entries: object) -> None:
            raise Killed

        def __getattr__(self, name: str) -> object:
            return getattr(ledger, name)

    with pytest.raises(Killed):
        replace(run.steps, funds=replace(run.steps.funds, ledger=cast(Any, Dies()))).abort(
            run.session_id, "SessionFailed", ""
        )
    assert _told(run) is State.STOPPING
    run.steps.abort(run.session_id, "SessionFailed", "")
    assert _told(run) is State.FAILED
    assert held_minor(run.kit.ledger.of_session(run.session_id)) == 0


def test_a_charge_that_begins_after_the_decision_is_given_away_as_before(run: Run) -> None:
    run.steps.place_hold(run.session_id, "token-hold")
    _cancels(run)
    run.kit.changes.apply(run.session_id, Started(ref="7", at=NOW, meter_start_wh=0))
    assert (run.session.state, run.session.ref) == (State.FAILED, None)


def test_a_bill_that_nobody_paid_is_told_of_once_its_holds_are_given_back(run: Run) -> None:
    watched = _watched(run)
    run.steps.place_hold(run.session_id, "token-hold")
    run.charged()
    run.money.declines = True
    run.steps.settle(run.session_id, "token-payment")
    run.steps.abort(run.session_id, "SessionFailed", "")
    assert (watched.held, run.session.told_state, run.owed_minor()) == ([], State.FAILED, 450)


def test_those_who_watch_are_told_of_both_steps(run: Run) -> None:
    run.steps.place_hold(run.session_id, "token-hold")
    run.kit.live_marks.mark(run.session_id, NOW + timedelta(minutes=10))
    _cancels(run)
    run.steps.abort(run.session_id, "SessionFailed", "")
    assert [name for name, _ in run.kit.invocations.begun] == [TELLER, TELLER]


def test_a_driver_asks_for_failed_sessions_and_is_shown_those_that_were_told_to_be(run: Run) -> None:
    run.steps.place_hold(run.session_id, "token-hold")
    _cancels(run)
    failed = Filter(state=State.FAILED)
    assert not failed.is_met_by(run.session)
    run.steps.abort(run.session_id, "SessionFailed", "")
    assert failed.is_met_by(run.session)


def test_an_account_stays_until_the_last_hold_is_given_back(run: Run) -> None:
    run.steps.place_hold(run.session_id, "token-hold")
    _cancels(run)
    assert not run.session.is_at_rest
    run.steps.abort(run.session_id, "SessionFailed", "")
    assert run.session.is_at_rest


def test_giving_back_wakes_no_workflow(run: Run) -> None:
    run.steps.place_hold(run.session_id, "token-hold")
    run.kit.changes.wait(run.session_id, Waiting(Step.START, "token-start"))
    _cancels(run)
    run.steps.abort(run.session_id, "SessionFailed", "")
    # Once by whoever changed it, once by the step that cleans up, which cannot know; giving back wakes nobody.
    assert [token for token, *_ in run.kit.workflow.failed].count("token-start") == 2
