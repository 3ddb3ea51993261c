"""A receipt or refund note in words, the same on every kind of paper; times are the site's, money has its decimals.

Held to § 33 UStDV (small-amount invoices) and to what receipts need in Singapore and the US: who sold, when it was
issued, how much of what, and for each rate of tax the net, the tax, and what was to be paid.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from chalicelib.domain.charging.footprint import Footprint
from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.languages import Locale
from chalicelib.domain.money.party import EU
from chalicelib.domain.money.receipt import Profile, Receipt, RefundNote
from chalicelib.domain.pricing.bill import TIMES, Dimension, Line
from chalicelib.domain.pricing.currency import decimals, micros_to_minor
from chalicelib.domain.pricing.tax import Tax
from chalicelib.domain.pricing.wall_clock import zone
from chalicelib.domain.texts import Text, text

_GST = frozenset("AU IN MY NZ SG".split())
_TAX_IDS = {
    "AU": "ABN",
    "CH": "UID",
    "GB": "VAT No.",
    "IN": "GSTIN",
    "NZ": "GST No.",
    "SG": "GST Reg. No.",
    "US": "EIN",
}
_BOUNDS = (Dimension.MINIMUM, Dimension.MAXIMUM)

Row = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A paper in words: lines of text, pairs of label and value, and tables with their heads, captions before them.

    A refund note has no `lines`.
    """

    number: str
    language: str
    title: str
    supplier: Row
    facts: tuple[Row, ...]
    lines_caption: str
    lines_head: Row
    lines: tuple[Row, ...]
    taxes_caption: str
    taxes_head: Row
    taxes: tuple[Row, ...]
    sums: tuple[Row, ...]
    notes: Row
    is_letter: bool
    issued_at: datetime


def sheet(it: Receipt, refunds: Sequence[RefundNote] = (), locale: str = "") -> Sheet:
    """The receipt in words, to be printed on any kind of paper; `locale` is another than that it was issued in."""
    words = Words(Locale(locale or it.language))
    say, bill, tax = words.say, it.bill, words.say(tax_word(_country(it)))
    return Sheet(
        number=it.number,
        language=words.locale.language,
        title=say(_title(it.supplier)),
        supplier=words.supplier(it),
        facts=words.facts(it),
        lines_caption=say(Text.CHARGES),
        lines_head=(
            say(Text.WHAT),
            say(Text.QUANTITY),
            say(Text.PRICE),
            tax,
            say(Text.AMOUNT_WITH_TAX if bill.tax_included else Text.AMOUNT_BEFORE_TAX),
        ),
        lines=tuple(words.line(line, bill.currency) for line in bill.lines),
        taxes_caption=say(Text.TAXES),
        taxes_head=words.taxes_head(tax),
        taxes=tuple(words.taxes(bill.rates, bill.currency)),
        sums=(
            (say(Text.TOTAL), words.locale.money(bill.total_minor, bill.currency)),
            *words.paid(it),
            *words.let_go(it),
            (say(Text.DUE), words.locale.money(it.due_minor, bill.currency)),
            *(words.refunded(note) for note in refunds),
        ),
        notes=(say(Text.TAX_INCLUDED, tax=tax) if bill.taxes else say(Text.NO_TAX), *words.footprint(it.footprint)),
        is_letter=_country(it) == "US",
        issued_at=it.issued_at,
    )


def note_sheet(it: RefundNote, locale: str = "") -> Sheet:
    """The refund note in words, as its receipt is."""
    receipt, refund = it.receipt, it.refund
    words = Words(Locale(locale or receipt.language))
    say, tax, currency = words.say, words.say(tax_word(_country(receipt))), receipt.bill.currency
    rates = [each for each in refund.taxes if each.percent or each.net_minor] or [Tax(Decimal(0), it.net_minor, 0)]
    whither = say(Text.REFUND_TO, card=receipt.card) if receipt.card else say(Text.REFUND)
    of = say(Text.RECEIPT_OF, number=receipt.number, date=words.day(receipt.issued_at, receipt))
    facts = words.facts(receipt)
    return Sheet(
        number=it.number,
        language=words.locale.language,
        title=say(Text.REFUND_NOTE),
        supplier=words.supplier(receipt),
        facts=(
            (say(Text.NUMBER), it.number),
            (say(Text.DATE_OF_ISSUE), words.day(refund.at, receipt)),
            (say(Text.REFERS_TO), of),
            *facts[2:],
        ),
        lines_caption="",
        lines_head=(),
        lines=(),
        taxes_caption=say(Text.TAXES),
        taxes_head=words.taxes_head(tax),
        taxes=tuple(words.taxes(rates, currency)),
        sums=((whither, words.locale.money(refund.amount_minor, currency)),),
        notes=((say(Text.REFUND_VOID),) if it.is_void else ()),
        is_letter=_country(receipt) == "US",
        issued_at=refund.at,
    )


def _country(it: Receipt) -> str:
    return it.supplier.country if it.supplier else ""


def _title(supplier: Profile | None) -> Text:
    if supplier is None or supplier.country == "US":
        return Text.RECEIPT
    return Text.TAX_INVOICE if supplier.country in _GST and supplier.tax_id else Text.INVOICE_AND_RECEIPT


def tax_word(country: str) -> Text:
    """What a tax on sales is called there."""
    if country in _GST:
        return Text.GST
    if country == "US":
        return Text.SALES_TAX
    return Text.VAT if country in EU or country in ("CH", "GB", "NO") else Text.TAX


@dataclass(frozen=True, slots=True)
class Words:
    """What is said in a language, of which papers are made."""

    locale: Locale

    def say(self, name: Text, **blanks: str) -> str:
        """A text in this language, its blanks filled."""
        return text(name, self.locale.language, **blanks)

    def day(self, at: datetime, it: Receipt) -> str:
        """A day where it was sold."""
        return self.locale.date(at.astimezone(zone(it.time_zone)).date())

    def moment(self, at: datetime, it: Receipt) -> str:
        """A day and time where it was sold."""
        return self.locale.moment(at, it.time_zone)

    def supplier(self, it: Receipt) -> Row:
        """Who sold, in lines."""
        told = it.supplier
        if told is None:
            return (self.say(Text.OPERATOR, operator=it.operator_id),)
        contact = (told.email, told.phone)
        return (
            told.legal_name,
            *told.address.splitlines(),
            told.country,
            *self.tax_id(told.country, told.tax_id),
            *(line for line in contact if line),
        )

    def tax_id(self, country: str, number: str) -> Row:
        """A tax number by what it is called there; nothing where there is none."""
        name = _TAX_IDS.get(country) or self.say(Text.VAT_ID if country in EU else Text.TAX_ID)
        return (f"{name} {number}",) if number else ()

    def facts(self, it: Receipt) -> tuple[Row, ...]:
        """What was sold where and when, as pairs of label and value."""
        meter = ((Text.METER_AT_START, it.meter_start_wh), (Text.METER_AT_STOP, it.meter_stop_wh))
        connector = self.say(Text.CONNECTOR, charger=it.charger_id, connector=it.connector)
        return (
            (self.say(Text.NUMBER), it.number),
            (self.say(Text.DATE_OF_ISSUE), self.day(it.issued_at, it)),
            (self.say(Text.SUPPLY), self.say(Text.CHARGING)),
            (self.say(Text.SITE), ", ".join(line for line in (it.site_name, *it.address.splitlines()) if line)),
            (self.say(Text.CHARGER), connector),
            *(((self.say(Text.CAR), it.car),) if it.car else ()),
            (self.say(Text.SESSION), it.session_id),
            (self.say(Text.START), self.moment(it.started_at, it)),
            (self.say(Text.STOP), self.moment(it.stopped_at, it)),
            *((self.say(label), self.kwh(energy_wh)) for label, energy_wh in meter if energy_wh is not None),
            (self.say(Text.ENERGY), self.kwh(it.energy_wh)),
        )

    def line(self, it: Line, currency: str) -> Row:
        """A bill's line, cell by cell."""
        name = self.say(Text(it.dimension.value))
        amount = self.locale.money(it.amount_minor, currency)
        percent = self.percent(it.tax_percent) if it.tax_percent else ""
        if it.dimension in _BOUNDS:
            return (name, "", "", percent, amount)
        price = f"{self.price(it.unit_price, currency)} {currency}"
        if it.dimension is Dimension.ENERGY:
            return (name, self.kwh(it.quantity), f"{price}/kWh", percent, amount)
        if it.dimension in TIMES:
            return (name, duration(it.quantity), f"{price}/h", percent, amount)
        return (name, str(it.quantity), price, percent, amount)

    def taxes_head(self, tax: str) -> Row:
        """What stands above the taxes."""
        return (self.say(Text.TAX_RATE, tax=tax), self.say(Text.NET), tax, self.say(Text.GROSS))

    def taxes(self, rates: Sequence[Tax], currency: str) -> list[Row]:
        """Each rate, with what it is of and comes to."""
        return [
            (
                self.percent(it.percent),
                *(self.locale.money(minor, currency) for minor in (it.net_minor, it.amount_minor, it.gross_minor)),
            )
            for it in rates
        ]

    def paid(self, it: Receipt) -> list[Row]:
        """What was paid, when and with which card; nothing where nothing was."""
        if it.paid_at is None:
            return []
        at = self.moment(it.paid_at, it)
        words = self.say(Text.PAID_WITH, at=at, card=it.card) if it.card else self.say(Text.PAID, at=at)
        return [(words, self.locale.money(it.paid_minor, it.bill.currency))]

    def let_go(self, it: Receipt) -> list[Row]:
        """What of the bill nobody is asked for."""
        parts = ((Text.WAIVED, it.waived_minor), (Text.WRITTEN_OFF, it.written_off_minor))
        return [(self.say(label), self.locale.money(minor, it.bill.currency)) for label, minor in parts if minor]

    def footprint(self, it: Footprint | None) -> Row:
        """What the energy came to beside its price, with whose numbers these are."""
        if it is None:
            return ()
        found = []
        if it.renewable_permille is not None:
            found.append(self.say(Text.RENEWABLE, share=self.percent(Decimal(it.renewable_permille).scaleb(-1))))
        if it.carbon_g is not None:
            found.append(self.say(Text.CARBON, carbon=self._kg(it.carbon_g)))
        saved_minor = micros_to_minor(it.saved_micros, it.currency)
        if saved_minor is not None:
            found.append(self.say(Text.SAVED_MONEY, money=self.locale.money(saved_minor, it.currency)))
        if it.saved_g is not None:
            found.append(self.say(Text.SAVED_CARBON, carbon=self._kg(it.saved_g)))
        return (*found, self.say(Text.FOOTPRINT_SOURCE, source=it.source, method=it.method)) if found else ()

    def refunded(self, note: RefundNote) -> Row:
        """What has gone back, and when."""
        name = Text.REFUND_FAILED if note.is_void else Text.REFUNDED
        said = self.say(name, at=self.moment(note.refund.at, note.receipt), number=note.number)
        return (said, self.locale.money(note.refund.amount_minor, note.receipt.bill.currency))

    def kwh(self, energy_wh: int) -> str:
        """An energy as people read it."""
        return f"{self.locale.number(Decimal(energy_wh).scaleb(-3))} kWh"

    def _kg(self, carbon_g: int) -> str:
        return f"{self.locale.number(Decimal(carbon_g).scaleb(-3))} kg"

    def percent(self, percent: Decimal) -> str:
        """A rate as people read it."""
        return f"{self.locale.number(percent.normalize())} %"

    def price(self, price: Decimal, currency: str) -> str:
        """A price with all the digits it has."""
        places = len(format(price.normalize(), "f").partition(".")[2])
        exact = Decimal(1).scaleb(-max(places, decimals(currency)))
        return self.locale.number(price.quantize(exact))


def duration(seconds: int) -> str:
    """So long, in hours, minutes and seconds."""
    return f"{seconds // 3600} h {seconds % 3600 // 60:02} min {seconds % 60:02} s"
