"""Drivers hear that a card will expire before it does, once, and only of the card that pays."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from chalicelib.domain.notifications import NotificationKind
from chalicelib.records.drivers import Driver, PaymentCard
from tests.services.conftest import Kit

CARD = PaymentCard(payment_method_id="pm_2", label="visa 1111", expires="2027-02")


@pytest.fixture(autouse=True)
def identity(kit: Kit) -> None:
    """Nobody asks who is who here."""
    vars(kit)["identity"] = None


@pytest.fixture
def payer(kit: Kit) -> Kit:
    """The driver has charged once, and pays with a card that expires in February."""
    kit.app_session()
    kit.drivers.change("driver-1", lambda it: it.with_card(CARD))
    return kit


def told(kit: Kit) -> list[NotificationKind]:
    return [it.kind for it in kit.notifications.page("driver-1", 10, None)[0]]


def test_a_driver_is_told_once_that_the_card_which_pays_will_expire(payer: Kit) -> None:
    payer.clock.now = datetime(2027, 1, 28, tzinfo=UTC)
    assert payer.account_upkeep.tell_of_expiry() == 0
    payer.clock.now = datetime(2027, 1, 29, tzinfo=UTC)
    assert payer.account_upkeep.tell_of_expiry() == 1
    assert told(payer) == [NotificationKind.CARD_EXPIRES]
    assert payer.account_upkeep.tell_of_expiry() == 0
    payer.drivers.change("driver-1", lambda it: it.with_card(replace(CARD, payment_method_id="pm_3")))
    assert payer.account_upkeep.tell_of_expiry() == 0


def test_who_has_saved_another_card_is_not_told_of_the_old_one(payer: Kit) -> None:
    payer.drivers.change(
        "driver-1", lambda it: it.with_card(replace(CARD, payment_method_id="pm_3", expires="2031-01"))
    )
    payer.clock.now = datetime(2027, 2, 20, tzinfo=UTC)
    assert payer.account_upkeep.tell_of_expiry() == 0
    driver = payer.drivers.get("driver-1")
    assert driver is not None
    payer.drivers.put(driver.paying_with("pm_2"))
    assert payer.account_upkeep.tell_of_expiry() == 1


def test_a_card_that_has_expired_is_past_telling(payer: Kit) -> None:
    payer.clock.now = datetime(2027, 3, 1, tzinfo=UTC)
    assert payer.account_upkeep.tell_of_expiry() == 0


def test_who_has_never_charged_is_on_the_list_but_once(kit: Kit) -> None:
    kit.drivers.put(Driver(driver_id="driver-2", email="two@example.com").with_card(CARD))
    kit.clock.now = datetime(2027, 2, 1, tzinfo=UTC)
    assert kit.account_upkeep.tell_of_expiry() == 0
    assert list(kit.drivers.expiring("2027-02")) == []
