"""Wallets when something is late, cut off or done twice: no money is lost, made, or kept from whose it is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.adapters.dynamo import decode
from chalicelib.adapters.tables import LedgerRow
from chalicelib.domain.charging.bounds import reading_worth_minor
from chalicelib.domain.money.ledger import Transfer, balances, unpaired
from chalicelib.domain.money.wallet import MOST_PARTS, PayOut, PayOutPart, TopUpState, Wallet
from chalicelib.records.money import Declined, PaymentsUnavailable, ProviderRefund
from chalicelib.records.money import PaymentNewsKind as Told
from chalicelib.services.access import Refusal
from tests.services.conftest import Kit
from tests.services.drivers.test_account_deletion import Identity
from tests.services.money.test_money import Run
from tests.services.money.test_unasked import a_run
from tests.services.money.test_wallets import DRIVER, EUR, Purse


@pytest.fixture
def purse(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> Purse:
    vars(kit)["identity"] = Identity()
    monkeypatch.setattr(type(kit.money), "forget_customer", lambda *_: None, raising=False)
    return Purse(kit)


def _is_away(*_: object, **__: object) -> None:
    raise PaymentsUnavailable("Stripe did not answer")


def _declines(*_: object, **__: object) -> None:
    raise Declined("Your card was declined.")


def test_an_account_does_not_go_before_the_provider_was_asked_for_what_has_left_its_wallet(
    purse: Purse, monkeypatch: pytest.MonkeyPatch
) -> None:
    purse.top_up(2_000)
    with monkeypatch.context() as away:
        away.setattr(purse.cards, "give_back", _is_away)
        with pytest.raises(PaymentsUnavailable):
            purse.kit.wallet_returns.pay_out(DRIVER, EUR, None, "back")
        assert purse.balance_minor == 0
        with pytest.raises(PaymentsUnavailable):
            purse.kit.account_deletion.leave(DRIVER)
    purse.kit.account_deletion.leave(DRIVER)
    assert sum(purse.cards.given_back.values()) == 2_000


def test_what_is_paid_in_while_an_account_goes_is_paid_out_too(purse: Purse) -> None:
    purse.top_up(2_000)
    late = ["late"]

    def pay_out(driver_id: str) -> None:
        purse.kit.wallet_returns.close(driver_id)
        while late:
            purse.top_up(1_000, late.pop())

    replace(purse.kit.account_deletion, pay_out=pay_out).leave(DRIVER)
    assert purse.kit.account_deletion.go_on(DRIVER)
    assert purse.kit.drivers.get(DRIVER) is None
    assert (purse.balance_minor, sum(purse.cards.given_back.values())) == (0, 3_000)


def test_a_debt_is_paid_from_the_wallet_in_two_parts(purse: Purse, monkeypatch: pytest.MonkeyPatch) -> None:
    run = a_run(purse.kit).begun()
    with monkeypatch.context() as declining:
        declining.setattr(run.money, "charge", _declines)
        run.ended(400_000).confirmed()
    owed_minor, unasked_minor = run.session.due_minor, reading_worth_minor(run.session)
    purse.top_up(20_000)
    purse.kit.clock.advance(hours=2)
    assert purse.kit.debts.ask_again() == 1
    assert (purse.balance_minor, run.owes) == (20_000 - unasked_minor, True)
    assert not purse.kit.debts.pay(DRIVER).debts
    assert (run.session.due_minor, run.owes, purse.balance_minor) == (0, False, 20_000 - owed_minor)
    assert purse.books


def test_a_wallet_filled_by_many_small_top_ups_is_paid_out_in_several_pay_outs(purse: Purse) -> None:
    for number in range(MOST_PARTS + 10):
        purse.top_up(50, str(number))
    with pytest.raises(Refusal, match=f"{50 * MOST_PARTS} EUR"):
        purse.kit.wallet_returns.pay_out(DRIVER, EUR, 50 * MOST_PARTS + 1, "too many cards")
    done = purse.kit.wallet_returns.pay_out(DRIVER, EUR, None, "most")
    assert (done.amount_minor, purse.balance_minor) == (50 * MOST_PARTS, 500)
    purse.kit.wallet_returns.close(DRIVER)
    assert (purse.balance_minor, sum(purse.cards.given_back.values())) == (0, 50 * (MOST_PARTS + 10))


def test_an_account_goes_whose_wallet_takes_more_than_one_pay_out(purse: Purse) -> None:
    for number in range(MOST_PARTS + 1):
        purse.top_up(50, str(number))
    purse.kit.wallet_returns.close(DRIVER)
    assert (purse.balance_minor, sum(purse.cards.given_back.values())) == (0, 50 * (MOST_PARTS + 1))
    assert purse.books["card/issuer", EUR] == 0


@pytest.mark.parametrize("left_minor", [2_000, 300, 0])
def test_what_a_card_did_not_take_back_from_the_dashboard_is_in_the_wallet_again(purse: Purse, left_minor: int) -> None:
    top_up_id = purse.top_up(2_000)
    if spent_minor := 2_000 - left_minor:
        purse.kit.wallet_payments.charge(Run(purse.kit).session, spent_minor, "debt-0")
    refund = ProviderRefund(refund_id="re_1", amount_minor=500)
    purse.hear(top_up_id, Told.REFUNDED, refunds=(refund,))
    assert purse.balance_minor == max(0, left_minor - 500)
    for _ in range(2):
        purse.hear(top_up_id, Told.REFUNDED, refunds=(replace(refund, is_failed=True),))
        assert purse.balance_minor == left_minor
    assert purse.books["card/issuer", EUR] == 2_000
    assert not purse.books.get(("written_off/issuer", EUR))
    # Whoever hears of it for the first time when it has failed hears no news.
    purse.hear(top_up_id, Told.REFUNDED, refunds=(replace(refund, refund_id="re_2", is_failed=True),))
    assert purse.balance_minor == left_minor
    (paper,) = purse.kit.wallets.top_ups(DRIVER, EUR)
    assert paper.left_minor == 2_000
    assert not unpaired(purse.kit.ledger.of_session(top_up_id))


@pytest.mark.parametrize("end", [Told.DISPUTE_WON, Told.DISPUTE_LOST])
def test_what_a_bank_takes_back_of_somebody_who_has_left_is_in_the_books(purse: Purse, end: Told) -> None:
    top_up_id = purse.top_up(2_000)
    purse.kit.wallet_payments.charge(Run(purse.kit).session, 2_000, "debt-0")
    assert list(purse.kit.wallets.forget_driver(DRIVER))
    for kind in (Told.DISPUTED, end, end):
        purse.hear(top_up_id, kind, 2_000, detail={"dispute_id": "dp_1"})
    found = balances(decode(Transfer, row.body) for row in LedgerRow.scan())
    is_lost = end is Told.DISPUTE_LOST
    assert found["card/issuer", EUR] == (0 if is_lost else 2_000)
    assert found.get(("charged_back/issuer", EUR), 0) == (2_000 if is_lost else 0)
    assert purse.wallet == Wallet(driver_id=DRIVER, currency=EUR)


def test_what_the_dashboard_gives_back_to_somebody_who_has_left_is_in_the_books(purse: Purse) -> None:
    top_up_id = purse.top_up(2_000)
    purse.kit.wallet_payments.charge(Run(purse.kit).session, 2_000, "debt-0")
    assert list(purse.kit.wallets.forget_driver(DRIVER))
    for _ in range(2):
        purse.hear(top_up_id, Told.REFUNDED, refunds=(ProviderRefund(refund_id="re_1", amount_minor=500),))
    found = balances(decode(Transfer, row.body) for row in LedgerRow.scan())
    assert (found["card/issuer", EUR], found["written_off/issuer", EUR]) == (1_500, 500)


def test_an_automatic_top_up_of_which_nobody_knows_counts_in_its_month(
    purse: Purse, monkeypatch: pytest.MonkeyPatch
) -> None:
    purse.allow(threshold=500, amount=2_000, cap=2_000)
    with monkeypatch.context() as away:
        away.setattr(purse.cards, "take", _is_away)
        assert not purse.kit.driver_wallets.refill(DRIVER, EUR, 500)
        purse.kit.clock.advance(hours=21)
        assert purse.kit.wallet_returns.tend() == 1
    (top_up,) = purse.kit.wallets.top_ups(DRIVER, EUR)
    assert (top_up.state, purse.wallet.pending) == (TopUpState.FAILED, "")
    purse.kit.clock.advance(days=2)
    assert not purse.kit.driver_wallets.refill(DRIVER, EUR, 500)
    assert not purse.cards.taken_by
    for _ in range(2):
        purse.hear(top_up.top_up_id, Told.CAPTURED, 2_000)
        assert (purse.balance_minor, purse.wallet.month_minor) == (2_000, 2_000)


def test_a_pay_out_that_the_provider_tells_of_is_not_asked_for_again(
    purse: Purse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its answer was lost; once the provider has forgotten our name for it, it would refuse or give back twice."""
    top_up_id = purse.top_up(2_000)
    with monkeypatch.context() as away:
        away.setattr(purse.cards, "give_back", _is_away)
        with pytest.raises(PaymentsUnavailable):
            purse.kit.wallet_returns.pay_out(DRIVER, EUR, None, "back")
    (pay_out,) = purse.kit.wallets.pay_outs(DRIVER, EUR)
    refund = ProviderRefund(refund_id="re_1", amount_minor=2_000, key=pay_out.pay_out_id)
    for _ in range(2):
        purse.hear(top_up_id, Told.REFUNDED, refunds=(refund,))
    purse.kit.clock.advance(days=2)
    purse.cards.declines = True
    assert purse.kit.wallet_returns.tend() == 0
    assert purse.kit.wallet_returns.pay_out(DRIVER, EUR, None, "back").left == ()
    assert purse.balance_minor == 0
    assert purse.books["card/issuer", EUR] == 0


def test_a_pay_out_that_is_told_of_before_its_answer_comes_is_done_once(
    purse: Purse, monkeypatch: pytest.MonkeyPatch
) -> None:
    top_up_id, give_back = purse.top_up(2_000), purse.cards.give_back

    def told_at_once(pay_out: PayOut, part: PayOutPart) -> None:
        give_back(pay_out, part)
        refund = ProviderRefund(refund_id="re_1", amount_minor=part.amount_minor, key=pay_out.pay_out_id)
        purse.hear(top_up_id, Told.REFUNDED, refunds=(refund,))

    monkeypatch.setattr(purse.cards, "give_back", told_at_once)
    done = purse.kit.wallet_returns.pay_out(DRIVER, EUR, None, "back")
    assert (done.left, done.next_at, purse.balance_minor) == ((), None, 0)
