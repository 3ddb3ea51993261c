"""The night compares the books of wallets too: top-ups, pay-outs, and escrow of charges that are over."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain.charging.session import State
from chalicelib.records.money import Compared, ProviderPayment
from tests.services.conftest import Kit
from tests.services.money.test_money import Run
from tests.services.money.test_reconciliation import DAY, Bank
from tests.services.money.test_wallets import DRIVER, EUR, Purse


@pytest.fixture
def purse(kit: Kit) -> Purse:
    return Purse(kit)


def told_by(purse: Purse, *payments: ProviderPayment) -> list[tuple[str, Compared, int, int]]:
    """What differs where the provider's books say so."""
    vars(purse.kit)["payments"] = Bank(purse.kit, {it.payment_id: it for it in payments})
    purse.kit.reconciliation.run(DAY)
    found = [it for operator_id in ("issuer", "op") for it in purse.kit.differences.of(operator_id, DAY)]
    return [(it.session_id, it.what, it.ours_minor, it.theirs_minor) for it in found]


def paid_in_and_out(purse: Purse) -> ProviderPayment:
    """A top-up of 20, of which 5 went back, as the provider has it too."""
    top_up_id = purse.top_up(2_000)
    purse.kit.wallet_returns.pay_out(DRIVER, EUR, 500, "back")
    return ProviderPayment(
        payment_id=f"pi_{top_up_id}",
        session_id=top_up_id,
        currency=EUR,
        held_minor=0,
        taken_minor=2_000,
        refunded_minor=500,
    )


def test_top_ups_and_pay_outs_that_the_provider_has_too_are_no_difference(purse: Purse) -> None:
    assert told_by(purse, paid_in_and_out(purse)) == []


@pytest.mark.parametrize(
    ("theirs", "what", "ours_minor", "theirs_minor"),
    [
        ({"taken_minor": 1_999}, Compared.TAKEN, 2_000, 1_999),
        ({"refunded_minor": 0}, Compared.REFUNDED, 500, 0),
        ({"held_minor": 1}, Compared.HELD, 0, 1),
    ],
)
def test_a_top_up_that_the_provider_has_otherwise_is_found(
    purse: Purse, theirs: dict[str, int], what: Compared, ours_minor: int, theirs_minor: int
) -> None:
    payment = paid_in_and_out(purse)
    otherwise = replace(payment, **theirs)  # type: ignore[arg-type]
    assert told_by(purse, otherwise) == [(payment.session_id, what, ours_minor, theirs_minor)]


def test_a_top_up_that_the_provider_does_not_have_is_found(purse: Purse) -> None:
    name = paid_in_and_out(purse).session_id
    assert sorted(told_by(purse)) == [(name, Compared.REFUNDED, 500, 0), (name, Compared.TAKEN, 2_000, 0)]


def test_a_top_up_that_we_never_heard_of_is_found(purse: Purse) -> None:
    payment = replace(paid_in_and_out(purse), payment_id="pi_x", session_id="topup-somebody-EUR-0123456789abcdef0123")
    vars(purse.kit)["payments"] = Bank(purse.kit, {payment.payment_id: payment})
    assert purse.kit.reconciliation.run(DAY) == 4


def test_escrow_of_a_charge_under_way_and_of_one_that_returned_is_no_difference(purse: Purse) -> None:
    payment = paid_in_and_out(purse)
    run = Run(purse.kit).begun()
    assert run.session.held_minor > 0
    assert [it for it in told_by(purse, payment) if it[1] is Compared.ESCROW] == []
    purse.kit.wallet_payments.void(run.session, run.session.holds[0])
    assert [it for it in told_by(purse, payment) if it[1] is Compared.ESCROW] == []


def test_escrow_of_a_charge_that_is_over_is_found(purse: Purse) -> None:
    payment = paid_in_and_out(purse)
    run = Run(purse.kit).begun()
    session = run.session
    purse.kit.sessions.save(session, replace(session, state=State.FAILED, is_releasing=False))
    found = [it for it in told_by(purse, payment) if it[1] is Compared.ESCROW]
    assert found == [(session.session_id, Compared.ESCROW, 1_500, 0)]
