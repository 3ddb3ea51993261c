"""The workflow's steps: each does its work once, and no way out leaves money or a connector held."""

from __future__ import annotations

from datetime import timedelta

import pytest

from chalicelib.domain.chargers.events import Reading, StopReason
from chalicelib.domain.charging.session import CardAction, Reason, Session, State
from chalicelib.domain.charging.transitions import ActionNeeded, Started, Stopped, StopRequested
from chalicelib.domain.charging.waits import Step
from chalicelib.domain.money.ledger import balances, driver_account, held_minor
from chalicelib.records.chargers import Gone
from chalicelib.records.drivers import Driver
from chalicelib.records.money import Declined, PaymentNews, PaymentNewsKind
from chalicelib.services.sessions.lifecycle import SessionOver
from tests.services.conftest import CONNECTION, NOW, Kit

HOUR_LATER = NOW + timedelta(hours=1)


class Run:
    """One app session and the steps that may be run on it."""

    def __init__(self, kit: Kit) -> None:
        self.kit = kit
        self.money = kit.money
        self.link = kit.link
        self.session_id = kit.app_session().session_id
        self.steps = kit.lifecycle
        self.payment_webhooks = kit.payment_webhooks

    @property
    def session(self) -> Session:
        return self.kit.session(self.session_id)

    def charged(self, energy_wh: int = 10_000) -> None:
        self.kit.changes.apply(
            self.session_id,
            Started(ref="7", at=NOW, meter_start_wh=0),
            Stopped(ref="7", at=HOUR_LATER, meter_stop_wh=energy_wh, reason=StopReason.REMOTE),
        )

    def webhook(self, kind: str, amount_minor: int) -> None:
        self.payment_webhooks.receive(
            PaymentNews(
                event_id="evt",
                kind=PaymentNewsKind(kind),
                session_id=self.session_id,
                payment_id=f"pi_{self.session_id}",
                amount_minor=amount_minor,
                at=HOUR_LATER,
            )
        )

    def owed_minor(self) -> int:
        books = self.kit.ledger.of_session(self.session_id)
        return balances(books).get((driver_account("driver-1"), "EUR"), 0)


@pytest.fixture
def run(kit: Kit) -> Run:
    return Run(kit)


def test_a_paid_session_ends_with_balanced_books(run: Run) -> None:
    run.steps.place_hold(run.session_id, "token-hold")
    run.charged()
    run.steps.settle(run.session_id, "token-payment")
    assert run.kit.workflow.succeeded == ["token-hold"]
    run.webhook("captured", 450)
    assert run.kit.workflow.succeeded == ["token-hold", "token-payment"]
    run.steps.issue_receipt(run.session_id)
    assert run.session.state is State.COMPLETED
    assert run.money.captured == {f"pi_{run.session_id}": 450}
    assert run.owed_minor() == 0
    assert held_minor(run.kit.ledger.of_session(run.session_id)) == 0


def test_how_long_a_driver_waited_for_the_start_command_is_told(run: Run) -> None:
    run.steps.place_hold(run.session_id, "token-hold")
    run.kit.clock.now += timedelta(seconds=2)
    assert run.steps.start_charging(run.session_id, "token-start") == timedelta(seconds=2)


def test_a_start_that_waited_for_the_drivers_bank_is_not_timed(run: Run) -> None:
    run.kit.changes.apply(run.session_id, ActionNeeded(CardAction("pi_1", "secret")))
    run.steps.place_hold(run.session_id, "token-hold")
    assert run.steps.start_charging(run.session_id, "token-start") is None


def test_every_step_may_run_twice(run: Run) -> None:
    for _ in range(2):
        run.steps.place_hold(run.session_id, "token-hold")
    for _ in range(2):
        run.steps.start_charging(run.session_id, "token-start")
    run.charged()
    for _ in range(2):
        run.steps.settle(run.session_id, "token-payment")
    for _ in range(2):
        run.webhook("captured", 450)
    for _ in range(2):
        run.steps.issue_receipt(run.session_id)
    assert run.session.state is State.COMPLETED
    assert len(run.kit.ledger.of_session(run.session_id)) == 3
    assert run.owed_minor() == 0


def test_a_declined_card_fails_the_session_before_anything_flows(run: Run) -> None:
    run.money.declines = True
    with pytest.raises(Declined):
        run.steps.place_hold(run.session_id, "token-hold")
    assert run.steps.abort(run.session_id, "Declined", "")["over"] is True
    assert run.session.reason is Reason.PAYMENT_DECLINED
    assert run.kit.connectors.of_charger("CP-1")[0].session_id is None


def test_a_driver_who_cancels_while_the_hold_is_placed_gets_it_back(run: Run) -> None:
    run.kit.changes.apply(run.session_id, StopRequested(NOW))
    with pytest.raises(SessionOver):
        run.steps.place_hold(run.session_id, "token-hold")
    run.steps.abort(run.session_id, "SessionOver", "")
    assert run.session.reason is Reason.CANCELLED
    assert run.money.held == {}


def test_a_charger_that_never_starts_costs_nothing_and_frees_its_connector(run: Run) -> None:
    run.steps.place_hold(run.session_id, "token-hold")
    run.steps.start_charging(run.session_id, "token-start")
    assert len(run.link.sent) == 1
    run.steps.abort(run.session_id, "States.Timeout", "")
    assert run.session.reason is Reason.CHARGER_DID_NOT_START
    assert run.money.voided == [f"pi_{run.session_id}"]
    assert run.kit.connectors.of_charger("CP-1")[0].session_id is None
    assert held_minor(run.kit.ledger.of_session(run.session_id)) == 0


def test_energy_that_flows_just_as_we_give_up_is_not_abandoned(run: Run) -> None:
    run.steps.place_hold(run.session_id, "token-hold")
    run.kit.changes.apply(run.session_id, Started(ref="7", at=NOW, meter_start_wh=0))
    assert run.steps.abort(run.session_id, "States.Timeout", "")["over"] is False
    assert run.session.state is State.ACTIVE
    assert run.money.voided == []


def test_a_charger_that_went_offline_is_an_answer_the_workflow_can_catch(run: Run) -> None:
    run.link.is_open = False
    with pytest.raises(Gone):
        run.steps.start_charging(run.session_id, "token-start")
    charger = run.kit.chargers.get("CP-1")
    assert charger is not None
    assert charger.connection_id is None


def test_a_stop_is_asked_once_and_not_of_a_charge_that_has_ended(run: Run) -> None:
    run.charged()
    run.steps.stop_charging(run.session_id, "token-stop")
    assert run.link.sent == []
    assert run.kit.workflow.succeeded == ["token-stop"]


def test_an_offline_charger_is_asked_to_stop_again_by_the_sweep(run: Run) -> None:
    run.kit.changes.apply(run.session_id, Started(ref="7", at=NOW, meter_start_wh=0), StopRequested(NOW))
    run.link.is_open = False
    run.steps.stop_charging(run.session_id, "token-stop")
    run.link.is_open = True
    run.kit.sockets.opened(CONNECTION, NOW)
    run.kit.clock.advance(minutes=2)
    assert run.steps.sweep() == 1
    assert len(run.link.sent) == 1


def test_a_stop_that_met_a_closed_socket_is_asked_for_again_by_the_very_next_sweep(run: Run) -> None:
    run.kit.changes.apply(run.session_id, Started(ref="7", at=NOW, meter_start_wh=0), StopRequested(NOW))
    run.link.is_open = False
    run.steps.stop_charging(run.session_id, "token-stop")
    run.link.is_open = True
    run.kit.sockets.opened(CONNECTION, NOW)
    run.kit.clock.advance(seconds=1)
    assert run.steps.sweep() == 1
    assert len(run.link.sent) == 1


def test_a_session_that_never_reached_its_charger_is_given_up_by_the_sweep_not_begun(run: Run) -> None:
    run.steps.place_hold(run.session_id, "token-hold")
    run.kit.clock.advance(minutes=10)
    assert run.steps.sweep() == 1
    assert run.session.state is State.FAILED
    assert run.money.voided == [f"pi_{run.session_id}"]
    assert run.kit.connectors.of_charger("CP-1")[0].session_id is None
    assert run.kit.workflow.started == []
    assert run.steps.sweep() == 0


def test_a_stopped_session_whose_workflow_never_began_is_begun_by_the_sweep(run: Run) -> None:
    run.charged()
    run.kit.clock.advance(minutes=2)
    assert run.steps.sweep() == 1
    assert run.kit.workflow.started == [run.session_id]
    assert run.link.sent == []


def test_a_session_without_energy_gives_the_hold_back_and_needs_no_webhook(run: Run) -> None:
    run.steps.place_hold(run.session_id, "token-hold")
    run.charged(energy_wh=0)
    run.steps.settle(run.session_id, "token-payment")
    assert run.money.voided == [f"pi_{run.session_id}"]
    assert run.kit.workflow.succeeded == ["token-hold", "token-payment"]
    assert run.owed_minor() == 0


def test_a_capture_that_fails_ends_the_session_with_its_bill_still_owed(run: Run) -> None:
    run.steps.place_hold(run.session_id, "token-hold")
    run.charged()
    run.money.declines = True
    run.steps.settle(run.session_id, "token-payment")
    assert (run.session.state, run.session.reason) == (State.FAILED, Reason.PAYMENT_FAILED)
    assert run.owed_minor() == 450
    assert run.kit.workflow.failed == [("token-payment", "SessionFailed", "payment_failed")]


def test_a_charger_lost_for_good_is_billed_by_its_newest_reading(run: Run) -> None:
    run.steps.place_hold(run.session_id, "token-hold")
    run.kit.changes.apply(run.session_id, Started(ref="7", at=NOW, meter_start_wh=1000), StopRequested(HOUR_LATER))
    run.kit.readings.append("CP-1", "7", [Reading(at=HOUR_LATER, energy_wh=3000)])
    run.steps.settle(run.session_id, "token-payment")
    session = run.session
    assert session.bill is not None
    assert (session.energy_wh, session.bill.total_minor, session.reason) == (2000, 90, Reason.CHARGER_LOST)


def test_a_hold_the_workflow_died_before_recording_is_given_back_when_its_webhook_comes(run: Run) -> None:
    run.steps.abort(run.session_id, "Lambda.Unknown", "")
    run.webhook("held", 5000)
    assert run.money.voided == [f"pi_{run.session_id}"]
    assert held_minor(run.kit.ledger.of_session(run.session_id)) == 0


def test_a_webhook_that_never_comes_is_made_up_for_by_the_providers_own_books(run: Run) -> None:
    run.steps.place_hold(run.session_id, "token-hold")
    run.charged()
    run.steps.settle(run.session_id, "token-payment")
    run.steps.settle(run.session_id, "token-payment-again")
    assert run.kit.workflow.succeeded == ["token-hold", "token-payment-again"]
    assert run.session.payment is not None
    assert run.owed_minor() == 0
    run.webhook("captured", 450)
    assert run.owed_minor() == 0


def test_a_hold_placed_twice_is_given_back_once(run: Run) -> None:
    run.steps.place_hold(run.session_id, "token-hold")
    run.payment_webhooks.receive(
        PaymentNews(
            event_id="evt",
            kind=PaymentNewsKind.HELD,
            session_id=run.session_id,
            payment_id="pi_other",
            amount_minor=5000,
        )
    )
    assert run.money.voided == ["pi_other"]
    assert run.session.hold is not None
    assert run.session.hold.payment_id != "pi_other"


def test_a_driver_without_a_card_is_declined(run: Run) -> None:
    run.kit.drivers.put(Driver(driver_id="driver-1", email="d@example.com"))
    with pytest.raises(Declined):
        run.steps.place_hold(run.session_id, "token-hold")


def test_a_step_that_waits_passes_at_once_when_its_news_came_first(run: Run) -> None:
    run.charged()
    run.steps.await_end(run.session_id, "token-end")
    assert run.kit.workflow.succeeded == ["token-end"]
    waiting = run.kit.sessions.waiting(run.session_id)
    assert waiting is not None
    assert waiting.step is Step.END
