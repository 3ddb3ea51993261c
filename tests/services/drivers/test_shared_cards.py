"""Whoever owes changes cards and accounts in vain: a card that was not good for a charge is known again."""

from __future__ import annotations

from datetime import timedelta
from typing import cast

import pytest

from chalicelib.adapters.tables import DriverRow
from chalicelib.domain.chargers.commands import AuthorizationStatus
from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.ports.drivers import Identity
from chalicelib.ports.money import Payments
from chalicelib.records.drivers import Driver, Token
from chalicelib.records.money import SavedCard
from chalicelib.services.access import Refusal
from chalicelib.services.drivers.accounts import Accounts
from chalicelib.services.sessions.driver_sessions import Wanted
from tests.services.conftest import NOW, Kit


class Bank:
    """Saves whichever card is asked for: the setup bears its fingerprint."""

    def saved_card(self, customer_id: str, setup_id: str) -> SavedCard:
        return SavedCard(
            payment_method_id=f"pm_{customer_id}_{setup_id}", label=f"visa {setup_id}", fingerprint=setup_id
        )


@pytest.fixture
def accounts(kit: Kit) -> Accounts:
    for name in "abc":
        kit.drivers.put(Driver(driver_id=name, email=f"{name}@example.com", customer_id=f"cus_{name}"))
    return Accounts(
        drivers=kit.drivers,
        identity=cast(Identity, None),
        second_factors=kit.second_factors,
        payments=lambda: cast(Payments, Bank()),
        new_id=kit.new_id,
        sleep=kit.sleep,
    )


def owes_for_card(kit: Kit, driver_id: str) -> bool:
    driver = kit.drivers.get(driver_id)
    assert driver is not None
    return bool(driver.card_owes)


def refused(kit: Kit, driver_id: str) -> str | None:
    try:
        kit.driver_sessions.begin(driver_id, Wanted("CP-1", ConnectorId(1)), None)
    except Refusal as refusal:
        return refusal.code
    return None


def test_a_new_account_with_a_card_that_owes_begins_nothing_and_is_told_how_to_pay(
    kit: Kit, accounts: Accounts
) -> None:
    accounts.save_card("a", "bad")
    kit.drivers.owe("a", "K1")
    accounts.save_card("b", "bad")
    assert refused(kit, "b") == "card_owes"
    with pytest.raises(Refusal, match="/v1/me/balance/pay"):
        kit.driver_reservations.make("b", "CP-1", ConnectorId(1), timedelta(minutes=5), None)
    accounts.save_card("b", "good")
    assert refused(kit, "b") is None


def test_an_account_made_beforehand_with_the_same_card_begins_nothing_either(kit: Kit, accounts: Accounts) -> None:
    accounts.save_card("a", "bad")
    accounts.save_card("b", "bad")
    kit.drivers.owe("a", "K1")
    assert refused(kit, "b") == "card_owes"
    kit.drivers.owe_no_more("a", "K1")
    assert refused(kit, "b") is None


def test_a_token_is_let_in_for_its_charge_is_held_for_at_once(kit: Kit, accounts: Accounts) -> None:
    accounts.save_card("b", "bad")
    accounts.save_card("a", "bad")
    kit.drivers.owe("a", "K1")
    kit.tokens.put(Token(uid="04BBBBBB", operator_id="op", driver_id="b"), NOW)
    assert kit.authorizations.authorization("CP-1", "op", "04BBBBBB").standing is AuthorizationStatus.ACCEPTED


def test_a_card_given_up_before_still_tells_who_owes(kit: Kit, accounts: Accounts) -> None:
    accounts.save_card("a", "bad")
    accounts.save_card("a", "newer")
    kit.drivers.owe("a", "K1")
    for driver_id, card in (("b", "bad"), ("c", "newer")):
        accounts.save_card(driver_id, card)
        assert refused(kit, driver_id) == "card_owes"


def test_whoever_owes_may_save_a_card_to_pay_with(kit: Kit, accounts: Accounts) -> None:
    accounts.save_card("a", "bad")
    kit.drivers.owe("a", "K1")
    assert accounts.save_card("a", "bad").card == "visa bad"
    assert not owes_for_card(kit, "a")
    assert accounts.save_card("a", "good").card == "visa good"


def test_what_is_paid_keeps_nobody_out(kit: Kit, accounts: Accounts) -> None:
    accounts.save_card("a", "bad")
    kit.drivers.owe("a", "K1")
    kit.drivers.owe("a", "K2")
    kit.drivers.owe_no_more("a", "K1")
    accounts.save_card("b", "bad")
    assert refused(kit, "b") == "card_owes"
    kit.drivers.owe_no_more("a", "K2")
    assert refused(kit, "b") is None


def test_what_waits_for_its_driver_to_agree_is_no_debt_of_others(kit: Kit, accounts: Accounts) -> None:
    accounts.save_card("a", "card")
    accounts.save_card("b", "card")
    kit.drivers.owe("a", "K1", follows_card=False)
    # Asked without its session, which is not there: whoever begins a charge has what they owe looked up again.
    with pytest.raises(Refusal) as refusal:
        kit.eligibility.payer("a")
    assert refusal.value.code == "open_balance"
    assert not owes_for_card(kit, "b")
    assert accounts.save_card("c", "card").card == "visa card"


def test_a_deleted_account_leaves_no_fingerprint_behind(kit: Kit, accounts: Accounts) -> None:
    accounts.save_card("a", "card")
    accounts.save_card("b", "card")
    kit.drivers.forget("a")
    assert [row.driver_id for row in DriverRow.scan() if row.driver_id.startswith("card/")] == ["card/card"]
    kit.drivers.owe("b", "K1")
    assert kit.drivers.get("a") is None
    kit.drivers.owe_no_more("b", "K1")
    kit.drivers.forget("b")
    assert not [row for row in DriverRow.scan() if row.driver_id.startswith("card/")]


def test_a_card_is_nobody_who_could_log_in_or_charge(kit: Kit, accounts: Accounts) -> None:
    accounts.save_card("a", "card")
    assert kit.drivers.get("card/card") is None
    assert kit.drivers.change("card/card", lambda it: it) is None
