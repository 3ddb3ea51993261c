"""Wallets: paid into once, never negative, set aside and settled in one step, paid out, and bounded where unasked."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from decimal import Decimal

import pytest

from chalicelib.adapters.dynamo import decode
from chalicelib.adapters.tables import LedgerRow
from chalicelib.domain.chargers.commands import AuthorizationStatus
from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.domain.charging.session import CardAction, Hold, Reason, State
from chalicelib.domain.charging.ways import wallets_payment
from chalicelib.domain.money.ledger import Transfer, balances, wallet_account
from chalicelib.domain.money.wallet import AutoTopUp, PayOut, PayOutPart, TopUp, TopUpState, Wallet
from chalicelib.domain.pricing.tariff import simple_elements
from chalicelib.records.drivers import Driver
from chalicelib.records.money import CardholderNeeded, Declined, PaymentNews, ProviderRefund
from chalicelib.records.money import PaymentNewsKind as Told
from chalicelib.services.access import Refusal
from tests.services.conftest import CARD, NOW, TARIFF, Kit
from tests.services.money.test_money import Run

DRIVER, EUR = "driver-1", "EUR"
TAXED = replace(TARIFF, elements=simple_elements(per_kwh=Decimal("0.45"), tax_percent=Decimal(19)))


@dataclass
class CardTopUpMoney:
    """A payment provider for wallets that says yes until told otherwise."""

    declines: bool = False
    asks_cardholder: bool = False
    is_silent: bool = False
    taken_by: dict[str, int] = field(default_factory=dict)
    given_back: Counter[str] = field(default_factory=Counter)

    def take(self, driver: Driver, top_up: TopUp, *, is_there: bool) -> Hold:
        if self.declines:
            raise Declined("Your card was declined.")
        payment_id = f"pi_{top_up.top_up_id}"
        if self.asks_cardholder and is_there:
            raise CardholderNeeded(CardAction(payment_id, "secret"))
        self.taken_by[payment_id] = top_up.amount_minor
        return Hold(payment_id, top_up.amount_minor, "visa 4242")

    def taken(self, top_up: TopUp) -> int | None:
        return None if self.is_silent else self.taken_by.get(top_up.payment_id, 0)

    def give_back(self, pay_out: PayOut, part: PayOutPart) -> None:
        if self.declines:
            raise Declined("This charge cannot be refunded.")
        self.given_back[part.payment_id] += part.amount_minor


class Purse:
    """One driver's wallet in a network that has wallets."""

    def __init__(self, kit: Kit, fee_permille: int = 0) -> None:
        self.kit, self.cards = kit, CardTopUpMoney()
        kit.settings = {
            **kit.settings,
            "KERB_WALLET_ISSUER": "issuer",
            "KERB_WALLET_FEE_PERMILLE": str(fee_permille),
        }
        vars(kit)["card_top_ups"] = self.cards

    @property
    def wallet(self) -> Wallet:
        return self.kit.wallets.get(DRIVER, EUR) or Wallet(driver_id=DRIVER, currency=EUR)

    @property
    def balance_minor(self) -> int:
        return self.wallet.balance_minor

    def top_up(self, amount_minor: int, key: str = "one") -> str:
        """Asked for, and confirmed by the provider."""
        done = self.kit.driver_wallets.top_up(DRIVER, EUR, amount_minor, key)
        self.hear(done.top_up.top_up_id, Told.CAPTURED, amount_minor)
        return done.top_up.top_up_id

    def hear(self, top_up_id: str, kind: Told, amount_minor: int = 0, **more: object) -> None:
        news = PaymentNews(
            event_id="evt",
            kind=kind,
            session_id=top_up_id,
            payment_id=f"pi_{top_up_id}",
            amount_minor=amount_minor,
            at=NOW,
        )
        self.kit.payment_webhooks.receive(replace(news, **more))  # type: ignore[arg-type]

    def allow(self, threshold: int, amount: int, cap: int) -> None:
        auto = AutoTopUp(threshold_minor=threshold, amount_minor=amount, monthly_cap_minor=cap)
        self.kit.driver_wallets.allow(DRIVER, EUR, auto)

    @property
    def books(self) -> dict[tuple[str, str], int]:
        """All there are; they sum to zero, and say what is in the wallet."""
        found = balances(decode(Transfer, row.body) for row in LedgerRow.scan())
        assert sum(found.values()) == 0
        assert -found.get((wallet_account(DRIVER), EUR), 0) == self.balance_minor
        lines, _ = self.kit.wallets.entries(DRIVER, EUR, 100, None)
        assert sum(it.amount_minor for it in lines) == self.balance_minor
        assert not lines or lines[0].balance_minor == self.balance_minor
        return found


@pytest.fixture
def purse(kit: Kit) -> Purse:
    return Purse(kit)


def test_a_top_up_is_in_the_wallet_once_the_provider_says_so_and_once(purse: Purse) -> None:
    done = purse.kit.driver_wallets.top_up(DRIVER, EUR, 2_000, "one")
    assert (done.top_up.state, purse.balance_minor) == (TopUpState.PENDING, 0)
    for _ in range(3):
        purse.hear(done.top_up.top_up_id, Told.CAPTURED, 2_000)
        assert purse.balance_minor == 2_000
    again = purse.kit.driver_wallets.top_up(DRIVER, EUR, 2_000, "one")
    assert again.top_up.state is TopUpState.CREDITED
    assert purse.books["card/issuer", EUR] == 2_000
    with pytest.raises(Refusal, match="another amount"):
        purse.kit.driver_wallets.top_up(DRIVER, EUR, 2_001, "one")


@pytest.mark.parametrize("amount_minor", [49, 40_001])
def test_what_no_card_can_be_charged_or_makes_a_wallet_too_full_is_refused(purse: Purse, amount_minor: int) -> None:
    with pytest.raises(Refusal) as refused:
        purse.kit.driver_wallets.top_up(DRIVER, EUR, amount_minor, "one")
    assert refused.value.code == "top_up_refused"
    assert not purse.cards.taken_by


def test_a_cardholder_who_is_asked_confirms_later(purse: Purse) -> None:
    purse.cards.asks_cardholder = True
    done = purse.kit.driver_wallets.top_up(DRIVER, EUR, 2_000, "one")
    assert done.action is not None
    purse.hear(done.top_up.top_up_id, Told.CAPTURED, 2_000)
    assert purse.balance_minor == 2_000


def test_a_top_up_whose_webhook_is_lost_is_asked_about(purse: Purse) -> None:
    purse.kit.driver_wallets.top_up(DRIVER, EUR, 2_000, "one")
    assert purse.kit.wallet_returns.tend() == 0
    purse.cards.is_silent = True
    purse.kit.clock.advance(minutes=16)
    assert (purse.kit.wallet_returns.tend(), purse.balance_minor) == (1, 0)
    purse.cards.is_silent = False
    purse.kit.clock.advance(minutes=20)
    assert (purse.kit.wallet_returns.tend(), purse.balance_minor) == (1, 2_000)
    assert purse.kit.wallet_returns.tend() == 0


def test_a_wallet_pays_in_one_step_for_operator_tax_platform_and_the_rest(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.services.conftest.TARIFF", TAXED)
    purse = Purse(kit, fee_permille=50)
    purse.top_up(6_000)
    run = Run(kit).begun()
    assert (run.session.held_minor, purse.balance_minor) == (5_000, 1_000)
    assert purse.books["escrow/" + run.session_id, EUR] == -5_000
    run.ended()
    assert run.session.payment is not None, "no webhook is waited for"
    run.confirmed()
    assert (run.session.state, run.session.due_minor) == (State.COMPLETED, 0)
    total_minor = 536
    books = purse.books
    assert {account: amount for (account, _), amount in books.items() if amount} == {
        "card/issuer": 6_000,
        "wallet/driver-1": -(6_000 - total_minor),
        "revenue/op": -(450 - 23),
        "fee/issuer": -23,
        "tax/op": -86,
    }
    settled = [it for it in kit.ledger.of_session(run.session_id) if it.kind != "escrow"]
    assert len({it.at for it in settled}) == 1
    receipt = kit.receipts.get(run.session_id)
    assert receipt is not None
    assert (receipt.card, receipt.paid_minor) == ("wallet", total_minor)
    assert not run.money.held


def test_what_is_missing_at_the_start_is_held_on_the_card(purse: Purse) -> None:
    purse.top_up(300)
    run = Run(purse.kit).begun()
    assert run.money.held == {f"pi_{run.session_id}": 4_700}
    assert [it.amount_minor for it in run.session.holds] == [300, 4_700]
    run.ended().confirmed()
    assert run.money.captured == {f"pi_{run.session_id}": 150}
    assert (run.session.state, run.session.payment and run.session.payment.amount_minor) == (State.COMPLETED, 450)
    receipt = purse.kit.receipts.get(run.session_id)
    assert receipt is not None
    assert receipt.card == "wallet + visa 4242"
    assert purse.balance_minor == 0
    assert purse.books


def test_a_bank_that_asks_for_the_missing_part_keeps_the_start_waiting(purse: Purse) -> None:
    purse.top_up(300)
    run = Run(purse.kit)
    run.money.asks_cardholder = True
    purse.kit.lifecycle.place_hold(run.session_id, "hold")
    assert run.session.action is not None
    assert "hold" not in purse.kit.workflow.succeeded
    run.receive("held", 4_700)
    assert "hold" in purse.kit.workflow.succeeded
    assert run.session.held_minor == 5_000


def test_a_driver_without_a_card_charges_from_a_wallet_that_is_enough(purse: Purse) -> None:
    purse.top_up(5_000)
    purse.kit.drivers.change(DRIVER, lambda it: replace(it, payment_method_id=None, card=None))
    driver = purse.kit.eligibility.payer(DRIVER)
    assert purse.kit.eligibility.spot(driver, "CP-1", ConnectorId(1)).tariff == TARIFF
    run = Run(purse.kit).begun().ended().confirmed()
    assert (run.session.state, purse.balance_minor) == (State.COMPLETED, 5_000 - 450)
    with pytest.raises(Refusal) as refused:
        purse.kit.eligibility.spot(driver, "CP-1", ConnectorId(2))
    assert refused.value.code == "no_card"


@pytest.mark.parametrize("fee_permille", [-1, 1001])
def test_a_fee_that_is_no_part_of_a_sale_is_refused_by_the_settings_name(kit: Kit, fee_permille: int) -> None:
    with pytest.raises(ValueError, match="KERB_WALLET_FEE_PERMILLE"):
        _ = Purse(kit, fee_permille).kit.wallet_payments


@pytest.mark.parametrize(
    ("amount_minor", "standing"), [(5_000, AuthorizationStatus.ACCEPTED), (4_999, AuthorizationStatus.BLOCKED)]
)
def test_a_token_of_a_driver_without_a_card_is_as_good_as_their_wallet(
    purse: Purse, amount_minor: int, standing: AuthorizationStatus
) -> None:
    purse.top_up(amount_minor)
    purse.kit.drivers.change(DRIVER, lambda it: replace(it, payment_method_id=None, card=None))
    assert purse.kit.authorizations.authorization("CP-1", "op", CARD).standing is standing


def test_a_charge_that_outgrows_its_escrow_raises_it_and_ends_kindly_where_there_is_no_more(purse: Purse) -> None:
    purse.top_up(6_000)
    run = Run(purse.kit).begun()
    run.read(95_000)
    purse.kit.clock.advance(minutes=2)
    purse.kit.lifecycle.sweep()
    assert (run.session.held_minor, purse.balance_minor) == (6_000, 0)
    run.read(130_000, minutes=40)
    purse.kit.clock.advance(minutes=2)
    purse.kit.lifecycle.sweep()
    assert (run.session.state, run.session.reason) == (State.STOPPING, Reason.FUNDS_EXHAUSTED)
    assert not run.money.held
    assert not run.money.charged
    run.ended(131_000).confirmed()
    assert run.session.taken_minor == 5_895
    assert purse.balance_minor == 105
    assert purse.books


def test_a_charge_that_outgrows_its_escrow_tops_up_as_its_driver_allowed_and_never_beyond_the_cap(purse: Purse) -> None:
    purse.top_up(5_100)
    purse.allow(0, 2_000, 3_000)
    run = Run(purse.kit).begun()
    for number, energy_wh in enumerate((95_000, 130_000, 157_000)):
        run.read(energy_wh, minutes=40 + number)
        purse.kit.clock.advance(minutes=2)
        purse.kit.lifecycle.sweep()
    assert sum(purse.cards.taken_by.values()) == 5_100 + 2_000, "one within the cap, and no second"
    assert run.session.held_minor == 7_100
    assert run.session.state is State.STOPPING
    assert purse.wallet.taken_in("2026-11") == 2_000
    assert purse.books


def test_a_top_up_of_which_nobody_was_told_yet_is_asked_about_before_another_is_taken_unasked(purse: Purse) -> None:
    """Its driver has paid in, and begins a charge before the provider's webhook is there."""
    purse.top_up(1_000)
    purse.allow(0, 2_000, 10_000)
    asked = purse.kit.driver_wallets.top_up(DRIVER, EUR, 4_000, "two").top_up
    run = Run(purse.kit)
    purse.kit.lifecycle.place_hold(run.session_id, "hold")
    assert (run.session.held_minor, run.session.card_hold, run.money.held) == (5_000, None, {})
    assert sum(purse.cards.taken_by.values()) == 5_000
    assert purse.wallet.taken_in("2026-11") == 0
    purse.hear(asked.top_up_id, Told.CAPTURED, 4_000)
    assert purse.books


def test_what_its_cardholder_has_yet_to_confirm_keeps_no_charge_waiting(purse: Purse) -> None:
    purse.top_up(1_000)
    purse.allow(0, 4_000, 10_000)
    purse.cards.asks_cardholder = purse.cards.is_silent = True
    purse.kit.driver_wallets.top_up(DRIVER, EUR, 4_000, "two")
    assert purse.kit.driver_wallets.refill(DRIVER, EUR, 5_000) is True
    assert purse.balance_minor == 5_000


def test_nothing_is_taken_unasked_until_it_is_allowed(purse: Purse) -> None:
    purse.top_up(5_100)
    Run(purse.kit).begun()
    assert len(purse.cards.taken_by) == 1


def test_a_card_that_is_not_good_for_an_automatic_top_up_is_left_alone_for_a_day(purse: Purse) -> None:
    purse.top_up(1_000)
    purse.allow(2_000, 2_000, 3_000)
    purse.cards.declines = True
    assert purse.kit.driver_wallets.refill(DRIVER, EUR, 0) is False
    purse.cards.declines = False
    assert purse.kit.driver_wallets.refill(DRIVER, EUR, 0) is False
    purse.kit.clock.advance(hours=25)
    assert purse.kit.driver_wallets.refill(DRIVER, EUR, 0) is True
    assert (purse.balance_minor, purse.wallet.taken_in("2026-11")) == (3_000, 2_000)


@pytest.mark.parametrize("is_known", [True, False])
def test_escrow_of_a_session_that_never_began_returns_by_itself(purse: Purse, is_known: bool) -> None:
    """Be it that a crash came before the session knew of it."""
    purse.top_up(6_000)
    run = Run(purse.kit)
    if is_known:
        purse.kit.lifecycle.place_hold(run.session_id, "hold")
    else:
        driver = purse.kit.drivers.get(DRIVER)
        assert driver is not None
        purse.kit.wallet_payments.hold(run.session, driver, 5_000)
    assert purse.balance_minor == 1_000
    purse.kit.lifecycle.abort(run.session_id, "States.Timeout", "")
    assert (run.session.told_state, purse.balance_minor) == (State.FAILED, 6_000)
    assert purse.books


def test_escrow_that_everybody_forgot_is_found_by_the_schedule(purse: Purse) -> None:
    purse.top_up(6_000)
    run = Run(purse.kit)
    driver = purse.kit.drivers.get(DRIVER)
    assert driver is not None
    session = run.session
    purse.kit.lifecycle.abort(run.session_id, "States.Timeout", "")
    purse.kit.wallet_payments.hold(session, driver, 5_000)
    purse.kit.clock.advance(hours=7)
    assert (purse.kit.wallet_returns.tend(), purse.balance_minor) == (1, 6_000)
    assert purse.kit.wallet_returns.tend() == 0


def test_a_settlement_that_is_cut_off_is_done_once(purse: Purse, monkeypatch: pytest.MonkeyPatch) -> None:
    purse.top_up(6_000)
    run = Run(purse.kit).begun()
    with monkeypatch.context() as cut:
        cut.setattr(type(purse.kit.funds), "received", _dies)
        with pytest.raises(RuntimeError):
            run.ended()
    assert purse.balance_minor == 6_000 - 450
    run.kit.lifecycle.settle(run.session_id, "payment")
    run.confirmed()
    assert (run.session.state, purse.balance_minor) == (State.COMPLETED, 6_000 - 450)
    assert purse.books


def _dies(*_: object) -> None:
    raise RuntimeError("the Lambda is no more")


def test_a_refund_goes_back_to_the_wallet_once(purse: Purse) -> None:
    purse.top_up(6_000)
    run = Run(purse.kit).begun().ended().confirmed()
    for _ in range(2):
        purse.kit.refunds.refund("op", run.session_id, 200, "sorry")
    assert purse.balance_minor == 6_000 - 450 + 200
    assert not run.money.refunded
    assert purse.books
    assert run.session.refunded_minor == 200


def test_a_debt_is_paid_from_the_wallet_where_it_is_enough(purse: Purse) -> None:
    run = Run(purse.kit).begun()
    run.money.declines = True
    run.ended()
    assert run.owes
    purse.top_up(1_000)
    paid = purse.kit.debts.pay(DRIVER)
    assert (list(paid.debts), purse.balance_minor) == ([], 1_000 - 450)
    assert not run.owes
    assert (run.session.takings or ())[-1].payment_id == wallets_payment(run.session_id, "debt-0")
    assert purse.books


def test_a_pay_out_goes_to_the_cards_it_came_from_and_never_beyond(purse: Purse) -> None:
    one, two = purse.top_up(2_000, "one"), purse.top_up(3_000, "two")
    for _ in range(2):
        done = purse.kit.wallet_returns.pay_out(DRIVER, EUR, 4_000, "back")
        assert (done.amount_minor, done.left) == (4_000, ())
    assert sum(purse.cards.given_back.values()) == 4_000
    assert set(purse.cards.given_back) <= {f"pi_{one}", f"pi_{two}"}
    with pytest.raises(Refusal, match="1000 EUR"):
        purse.kit.wallet_returns.pay_out(DRIVER, EUR, 1_001, "more")
    purse.kit.wallet_returns.pay_out(DRIVER, EUR, None, "rest")
    assert (purse.balance_minor, sum(purse.cards.given_back.values())) == (0, 5_000)
    assert purse.books["card/issuer", EUR] == 0
    with pytest.raises(Refusal, match="nothing"):
        purse.kit.wallet_returns.pay_out(DRIVER, EUR, None, "empty")


def test_what_a_card_does_not_take_back_is_in_the_wallet_again(purse: Purse) -> None:
    top_up_id = purse.top_up(2_000)
    purse.cards.declines = True
    done = purse.kit.wallet_returns.pay_out(DRIVER, EUR, None, "back")
    assert (done.failed, purse.balance_minor) == ((top_up_id,), 2_000)
    purse.cards.declines = False
    done = purse.kit.wallet_returns.pay_out(DRIVER, EUR, None, "again")
    refund = ProviderRefund(refund_id="re_1", amount_minor=2_000, key=done.pay_out_id, is_failed=True)
    for _ in range(2):
        purse.hear(top_up_id, Told.REFUNDED, refunds=(refund,))
        assert purse.balance_minor == 2_000
    assert purse.books


def test_a_pay_out_that_is_cut_off_is_asked_for_by_the_schedule(purse: Purse, monkeypatch: pytest.MonkeyPatch) -> None:
    purse.top_up(2_000)
    with monkeypatch.context() as cut:
        cut.setattr(purse.cards, "give_back", _dies)
        with pytest.raises(RuntimeError):
            purse.kit.wallet_returns.pay_out(DRIVER, EUR, None, "back")
    assert (purse.balance_minor, sum(purse.cards.given_back.values())) == (0, 0)
    purse.kit.clock.advance(minutes=6)
    assert purse.kit.wallet_returns.tend() == 1
    assert sum(purse.cards.given_back.values()) == 2_000
    assert purse.kit.wallet_returns.tend() == 0


@pytest.mark.parametrize("spent", [False, True])
@pytest.mark.parametrize(
    "ends",
    [
        [],
        [Told.DISPUTE_WON],
        [Told.DISPUTE_LOST],
        [Told.DISPUTE_LOST, Told.DISPUTE_WON],
    ],
)
def test_a_dispute_takes_what_is_left_and_never_more(purse: Purse, spent: bool, ends: list[Told]) -> None:
    top_up_id = purse.top_up(6_000)
    if spent:
        Run(purse.kit).begun().ended(100_000).confirmed()
    left_minor = purse.balance_minor
    for kind in (Told.DISPUTED, Told.DISPUTED, *ends):
        purse.hear(top_up_id, kind, 6_000, detail={"dispute_id": "dp_1"})
        assert purse.books
    is_won = Told.DISPUTE_WON in ends
    assert purse.balance_minor == (left_minor if is_won else 0)
    if not is_won:
        with pytest.raises(Refusal):
            purse.kit.wallet_returns.pay_out(DRIVER, EUR, None, "back")
    assert not purse.books.get(("disputed/issuer", EUR)) or not ends


def test_what_was_given_back_in_the_dashboard_leaves_the_wallet(purse: Purse) -> None:
    top_up_id = purse.top_up(2_000)
    refund = ProviderRefund(refund_id="re_1", amount_minor=500)
    for _ in range(2):
        purse.hear(top_up_id, Told.REFUNDED, refunds=(refund,))
        assert purse.balance_minor == 1_500
    assert purse.books["card/issuer", EUR] == 1_500


def test_an_account_that_goes_is_paid_out_first(purse: Purse) -> None:
    purse.top_up(2_000)
    purse.kit.wallet_returns.close(DRIVER)
    assert (purse.balance_minor, sum(purse.cards.given_back.values())) == (0, 2_000)
    purse.top_up(1_000, "more")
    purse.cards.declines = True
    with pytest.raises(Refusal) as refused:
        purse.kit.wallet_returns.close(DRIVER)
    assert refused.value.code == "wallet_not_empty"
    assert purse.balance_minor == 1_000


@pytest.mark.parametrize("is_forgotten", [False, True])
def test_money_that_comes_for_somebody_who_has_left_goes_back(purse: Purse, is_forgotten: bool) -> None:
    done = purse.kit.driver_wallets.top_up(DRIVER, EUR, 2_000, "one")
    purse.kit.drivers.forget(DRIVER)
    if is_forgotten:
        assert list(purse.kit.wallets.forget_driver(DRIVER))
    for _ in range(2):
        purse.hear(done.top_up.top_up_id, Told.CAPTURED, 2_000)
        assert (purse.balance_minor, sum(purse.cards.given_back.values())) == (0, 2_000)


def test_a_top_up_that_went_back_with_its_account_is_no_news_however_late(purse: Purse) -> None:
    top_up_id = purse.top_up(2_000)
    purse.kit.wallet_returns.close(DRIVER)
    purse.kit.drivers.forget(DRIVER)
    assert list(purse.kit.wallets.forget_driver(DRIVER))
    purse.hear(top_up_id, Told.CAPTURED, 2_000)
    assert (purse.balance_minor, sum(purse.cards.given_back.values())) == (0, 2_000)


def test_a_pay_out_that_fails_once_its_driver_has_left_is_told_to_the_issuer_and_booked_once(
    purse: Purse, caplog: pytest.LogCaptureFixture
) -> None:
    top_up_id = purse.top_up(2_000)
    purse.kit.wallet_returns.close(DRIVER)
    (done,) = purse.kit.wallets.pay_outs(DRIVER, EUR)
    assert list(purse.kit.wallets.forget_driver(DRIVER))
    purse.kit.drivers.forget(DRIVER)
    refund = ProviderRefund(refund_id="re_1", amount_minor=2_000, key=done.pay_out_id, is_failed=True)
    for _ in range(2):
        purse.hear(top_up_id, Told.REFUNDED, refunds=(refund,))
    found = balances(purse.kit.ledger.of_session(top_up_id))
    assert (sum(found.values()), found[wallet_account(DRIVER), EUR]) == (0, -2_000)
    told = [it for it in caplog.records if it.levelname == "ERROR"]
    assert {(it.message, vars(it)["top_up_id"], vars(it)["amount_minor"]) for it in told} == {
        ("money came back for a driver who has left", top_up_id, 2_000)
    }


def test_the_statement_has_a_line_for_each_movement_and_its_session(purse: Purse) -> None:
    top_up_id = purse.top_up(6_000)
    run = Run(purse.kit).begun()
    purse.kit.clock.advance(minutes=1)
    run.ended().confirmed()
    first, cursor = purse.kit.driver_wallets.statement(DRIVER, EUR, 2, None)
    rest, end = purse.kit.driver_wallets.statement(DRIVER, EUR, 2, cursor)
    assert [(it.kind, it.amount_minor, it.balance_minor, it.about, it.paid_minor) for it in (*first, *rest)] == [
        ("given_back", 4_550, 5_550, run.session_id, 450),
        ("set_aside", -5_000, 1_000, run.session_id, 0),
        ("top_up", 6_000, 6_000, top_up_id, 0),
    ]
    assert end is None


def test_where_nobody_issues_wallets_there_are_none(kit: Kit) -> None:
    with pytest.raises(Refusal) as refused:
        kit.driver_wallets.top_up(DRIVER, EUR, 2_000, "one")
    assert refused.value.code == "no_wallets"
    assert not kit.driver_wallets.of_driver(DRIVER)
