"""Invoices in both syntaxes of EN 16931: whatever is billed passes the authorities' rules; what is wrong does not."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.charging.refunds import Refund, RefundStatus, taxes_in
from chalicelib.domain.money.invoice import (
    Draft,
    Invoice,
    Sale,
    Unit,
    can_be_invoiced,
    credit_note_of,
    invoice_of,
)
from chalicelib.domain.money.party import COUNTRIES, Business, Party, buyer_of, seller_of
from chalicelib.domain.money.receipt import Profile, Receipt
from chalicelib.domain.pricing.bill import Bill
from chalicelib.domain.pricing.currency import decimals, round_half_up
from chalicelib.domain.pricing.tariff import Priced, PriceLimit
from chalicelib.domain.texts import Text
from chalicelib.protocol.en16931 import cii, terms, ubl
from chalicelib.protocol.en16931.terms import Specification
from tests.domain.pricing.test_price_bounds import billed, tariff, tariffs
from tests.protocol.en16931.authority import RULES, broken_rules
from tests.protocol.en16931.broken import BROKEN

AT = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
DAY = date(2026, 11, 21)
SELLER = seller_of(
    Profile(
        legal_name="Łódź & Söhne <Ladenetz> GmbH",
        address="Kaistraße 7\nHinterhof\n3. Stock\n20457 Hamburg",
        country="DE",
        tax_id="DE123456789",
        email="rechnung@ladenetz.example",
        phone="+49 40 123456",
    )
)
BUYER = buyer_of(
    Business(name="Acme Ltd", address="Road 1, 1010 Wien", vat_id="ATU12345678", reference="04011000-12345-34"),
    "books@acme.example",
)
SYNTAXES = pytest.mark.parametrize("syntax", [ubl, cii], ids=["ubl", "cii"])


def receipt(bill: Bill, session_id: str = "KAAAAAAAAAAAAAAAAAAA", waived_minor: int = 0) -> Receipt:
    return Receipt(
        number=f"R-{session_id}",
        session_id=session_id,
        operator_id="demo",
        driver_id="driver-1",
        supplier=None,
        issued_at=AT,
        site_name="Harbour",
        address="",
        time_zone="Europe/Berlin",
        charger_id="CP-1",
        connector="1",
        started_at=AT,
        stopped_at=AT + timedelta(hours=1),
        meter_start_wh=None,
        meter_stop_wh=None,
        energy_wh=5000,
        bill=bill,
        paid_minor=bill.total_minor - waived_minor,
        paid_at=AT,
        card="visa 4242",
        waived_minor=waived_minor,
    )


def issued(draft: Draft) -> Invoice:
    return Invoice(number="2026-000001", issued_on=DAY, draft=draft)


def drafted(*receipts: Receipt, seller: Party = SELLER, buyer: Party = BUYER) -> Draft:
    return invoice_of([Sale(receipt=it, began_on=DAY, ended_on=DAY) for it in receipts], seller, buyer)


USUAL = billed(tariff((Priced.ENERGY, "0.49", "19"), (Priced.TIME, "5", "19"), (Priced.FLAT, "1", "7")))
bills = st.builds(billed, tariffs(), st.integers(0, 60_000), st.integers(0, 600), st.integers(0, 600)).filter(
    can_be_invoiced
)


@SYNTAXES
@settings(max_examples=10)
@given(st.lists(bills, min_size=1, max_size=3), st.data())
def test_whatever_is_billed_makes_an_invoice_that_authorities_take(
    syntax: ModuleType, several: list[Bill], data: st.DataObject
) -> None:
    of_one_currency = [it for it in several if it.currency == several[0].currency]
    receipts = []
    for number, bill in enumerate(of_one_currency):
        waived_minor = data.draw(st.integers(0, bill.total_minor))
        receipts.append(receipt(bill, f"K{number}", waived_minor=waived_minor))
    invoice = issued(drafted(*receipts))
    assert invoice.draft.total_minor == sum(it.paid_minor for it in receipts)
    assert invoice.draft.due_minor == 0
    assert broken_rules(syntax.written(invoice)) == []


@SYNTAXES
@settings(max_examples=5)
@given(bills.filter(lambda it: it.total_minor > 1), st.data())
def test_whatever_goes_back_makes_a_credit_note_that_authorities_take(
    syntax: ModuleType, bill: Bill, data: st.DataObject
) -> None:
    sold = receipt(bill)
    refunds: list[Refund] = []
    for number, amount_minor in enumerate((data.draw(st.integers(1, bill.total_minor - 1)), bill.total_minor)):
        back_minor = amount_minor - sum(it.amount_minor for it in refunds)
        refunds.append(refund(bill, back_minor, refunds, number + 1))
    invoice = issued(drafted(sold))
    notes = [credit_note_of(invoice, sold, it, DAY, DAY) for it in refunds]
    assert sum(it.total_minor for it in notes) == invoice.draft.total_minor
    if decimals(bill.currency):
        assert sum(it.tax_minor for it in notes) == invoice.draft.tax_minor
    for note in notes:
        assert broken_rules(syntax.written(issued(note))) == []


@SYNTAXES
@pytest.mark.parametrize(
    ("said", "instead", "rule"),
    [
        ("lines_minor", lambda it: it + 1, "BR-CO-10"),
        ("net_minor", lambda it: it + 1, "BR-CO-13"),
        ("total_minor", lambda it: it + 1, "BR-CO-15"),
        ("due_minor", lambda it: it + 1, "BR-CO-16"),
        ("tax_minor", lambda it: it + 1, "BR-CO-14"),
    ],
)
def test_a_sum_that_is_wrong_is_refused_by_its_rules_name(
    syntax: ModuleType, said: str, instead: Callable[[int], int], rule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = drafted(receipt(USUAL))
    assert broken_rules(syntax.written(issued(draft))) == []
    wrong = instead(getattr(draft, said))
    monkeypatch.setattr(Draft, said, property(lambda _: wrong))
    assert rule in broken_rules(syntax.written(issued(draft)))


@SYNTAXES
@pytest.mark.parametrize("rule", BROKEN)
def test_what_is_wrong_is_refused_by_its_rules_name(syntax: ModuleType, rule: str) -> None:
    assert rule in broken_rules(syntax.written(issued(BROKEN[rule](drafted(receipt(USUAL))))))


@pytest.mark.parametrize(
    ("changed", "rule"),
    [
        ({"country": ""}, "BR-09"),
        ({"country": "XX"}, "BR-CL-14"),
        ({"name": ""}, "BR-06"),
        ({"tax_id": ""}, "BR-S-02"),
    ],
)
def test_a_seller_of_whom_something_is_missing_is_refused_by_the_rules_name(changed: dict[str, Any], rule: str) -> None:
    invoice = issued(drafted(receipt(USUAL), seller=replace(SELLER, **changed)))
    assert rule in broken_rules(ubl.written(invoice))
    # Within CII the schema, or a list of codes, says so first.
    assert broken_rules(cii.written(invoice))


@SYNTAXES
def test_a_maximum_and_what_was_let_go_of_are_allowances_with_a_reason(syntax: ModuleType) -> None:
    prices = tariff((Priced.ENERGY, "0.49", "19"), max_price=PriceLimit(None, Decimal("1.19")))
    draft = drafted(receipt(billed(prices), waived_minor=19))
    assert [(it.reason, it.percent) for it in draft.allowances] == [
        (Text.MAXIMUM, Decimal(19)),
        (Text.WAIVED, Decimal(19)),
    ]
    assert (draft.total_minor, draft.paid_minor) == (100, 100)
    document = syntax.written(issued(draft))
    assert broken_rules(document) == []
    assert terms.name_of(Text.MAXIMUM, draft) in document.decode()


@SYNTAXES
def test_what_an_organisation_has_yet_to_pay_is_due_on_a_day(syntax: ModuleType) -> None:
    of = receipt(USUAL)
    sale = Sale(receipt=of, began_on=DAY, ended_on=DAY)
    invoice = issued(invoice_of([sale], SELLER, BUYER, DAY + timedelta(days=14)))
    assert (invoice.draft.paid_minor, invoice.draft.due_minor) == (0, of.paid_minor)
    assert broken_rules(syntax.written(invoice)) == []
    note = issued(credit_note_of(invoice, of, refund(USUAL, 100, []), DAY, DAY))
    assert note.draft.due_minor == 100
    assert broken_rules(syntax.written(note)) == []


@SYNTAXES
def test_of_many_sessions_tax_is_taken_on_their_sum_and_nobody_pays_another_cent(syntax: ModuleType) -> None:
    # Of 0.03 each, 0.00 is tax at 7 %: of fifty of them it is 0.10.
    bill = billed(tariff((Priced.FLAT, "0.03", "7"), tax_included=True))
    draft = drafted(*(receipt(bill, f"K{number:019}") for number in range(50)))
    assert (bill.tax_minor, draft.net_minor, draft.tax_minor, draft.total_minor) == (0, 140, 10, 150)
    assert broken_rules(syntax.written(issued(draft))) == []


def test_what_is_priced_before_tax_keeps_its_prices() -> None:
    fee, energy, time = drafted(receipt(USUAL)).lines
    assert [(it.quantity, it.unit, it.price, it.price_quantity) for it in (energy, time, fee)] == [
        (Decimal(5), Unit.KILOWATT_HOUR, Decimal("0.49"), 1),
        (Decimal(1800), Unit.SECOND, Decimal(5), 3600),
        (Decimal(1), Unit.ONE, Decimal(1), 1),
    ]


@given(bills)
def test_price_and_quantity_come_to_each_lines_amount(bill: Bill) -> None:
    # PEPPOL-EN16931-R120, which XRechnung takes over.
    draft = drafted(receipt(bill))
    for line in draft.lines:
        product = line.quantity * line.price / line.price_quantity
        assert round_half_up(product.scaleb(decimals(draft.currency))) == line.net_minor


def test_the_countries_are_those_of_the_authorities_list() -> None:
    rules = (RULES / "ubl-2.1/EN16931-UBL-validation.xslt").read_text()
    listed = re.search(r"' (1A AD [A-Z ]+) '", rules)
    assert listed is not None
    # Beside ISO 3166 it takes what nobody's address is in: Kosovo's stopgap, Northern Ireland's VAT, Greece's.
    assert set(listed[1].split()) - {"1A", "XI", "EL"} == COUNTRIES


def test_xrechnung_is_told_by_its_specification() -> None:
    document = ubl.written(issued(drafted(receipt(USUAL))), Specification.XRECHNUNG)
    assert b"urn:xeinkauf.de:kosit:xrechnung_3.0" in document
    assert b"04011000-12345-34" in document
    assert broken_rules(document) == []


def test_what_no_invoice_can_show_keeps_its_receipt() -> None:
    energy = (Priced.ENERGY, "0.49", "19")
    assert can_be_invoiced(USUAL)
    assert can_be_invoiced(billed(tariff(energy, currency="JPY")))
    # Three decimals; and a rate that no country has, at which 1 yen with its tax is no whole net at all.
    assert not can_be_invoiced(billed(tariff(energy, currency="KWD")))
    assert not can_be_invoiced(billed(tariff((Priced.ENERGY, "0.49", "100"))))


def test_several_currencies_what_is_not_paid_and_a_refund_that_failed_make_none() -> None:
    euros, yen = receipt(USUAL), receipt(billed(tariff((Priced.FLAT, "5", None), currency="JPY")))
    for receipts, why in (
        ([euros, yen], "one currency"),
        ([], "one currency"),
        ([replace(euros, paid_minor=1)], "paid"),
    ):
        with pytest.raises(ValueError, match=why):
            drafted(*receipts)
    failed = replace(refund(USUAL, 1, []), status=RefundStatus.FAILED)
    with pytest.raises(ValueError, match="came back"):
        credit_note_of(issued(drafted(euros)), euros, failed, DAY, DAY)


def refund(bill: Bill, amount_minor: int, earlier: list[Refund], number: int = 1) -> Refund:
    return Refund(
        payment_id="pi_1",
        key=str(number),
        amount_minor=amount_minor,
        at=AT,
        status=RefundStatus.DONE,
        number=number,
        taxes=taxes_in(bill, earlier, 0, amount_minor),
    )
