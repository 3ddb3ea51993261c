"""The least that a card can be charged, by currency and day."""

from __future__ import annotations

from datetime import date

import pytest

from chalicelib.domain.money.minimums import chargeable_minor, least_charge_minor

TODAY = date(2026, 11, 30)


@pytest.mark.parametrize(
    ("currency", "least"),
    # docs.stripe.com/currencies, "Minimum charge amount by currency", read in November 2026.
    [
        ("USD", 50),
        ("AED", 200),
        ("ARS", 50),
        ("AUD", 50),
        ("BRL", 50),
        ("CAD", 50),
        ("CHF", 50),
        ("COP", 50),
        ("CZK", 1500),
        ("DKK", 250),
        ("EUR", 50),
        ("GBP", 30),
        ("HKD", 400),
        ("HUF", 17500),
        ("IDR", 50),
        ("ILS", 50),
        ("INR", 50),
        ("JPY", 50),
        ("KRW", 50),
        ("MXN", 1000),
        ("MYR", 200),
        ("NOK", 300),
        ("NZD", 50),
        ("PHP", 50),
        ("PLN", 200),
        ("RON", 200),
        ("RUB", 50),
        ("SEK", 300),
        ("SGD", 50),
        ("THB", 1000),
        ("ZAR", 50),
    ],
)
def test_what_stripe_documents_is_known(currency: str, least: int) -> None:
    assert least_charge_minor(currency, TODAY) == least


@pytest.mark.parametrize("currency", ["KWD", "BHD", "ISK", "TRY", "UGX", "TWD", "RSD"])
def test_what_is_converted_has_a_least_amount_too(currency: str) -> None:
    assert least_charge_minor(currency, TODAY) > 1


def test_a_day_before_all_that_is_known_has_the_first_that_is() -> None:
    assert least_charge_minor("EUR", date(2020, 1, 1)) == 50
    assert least_charge_minor("ZAR", date(2020, 1, 1)) == 50


def test_a_currency_that_nobody_knows_has_one_unit() -> None:
    assert least_charge_minor("XXX", TODAY) == 100


def test_what_a_dinar_leaves_is_no_multiple_that_cards_know() -> None:
    """Card networks take no thousandths, so a least amount that is one could not be held."""
    assert all(least_charge_minor(it, TODAY) % 10 == 0 for it in ("BHD", "JOD", "KWD", "OMR", "TND"))


@pytest.mark.parametrize(
    ("amount", "currency", "chargeable"),
    [
        (49, "EUR", 0),
        (50, "EUR", 50),
        (726, "CZK", 0),
        (1499, "CZK", 0),
        (1500, "CZK", 1500),
        (17499, "HUF", 0),
        (17501, "HUF", 17501),
        (617, "KWD", 610),
        (249, "KWD", 0),
        (49, "JPY", 0),
        (123, "ISK", 123),
        (500_050, "MGA", 500_000),
        (0, "EUR", 0),
    ],
)
def test_what_of_an_amount_a_card_can_be_charged(amount: int, currency: str, chargeable: int) -> None:
    assert chargeable_minor(amount, currency, TODAY) == chargeable
