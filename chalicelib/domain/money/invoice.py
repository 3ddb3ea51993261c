"""Invoices and credit notes by EN 16931: what a business was sold, by whom, at which rates of VAT, and that it is paid.

One is made of receipts as they stand, and once made it never changes: what goes back later has a credit note that names
it. All sums are of whole minor units and hold exactly: lines less allowances are each rate's net, the nets and taxes
the total, the total less what is paid what is due (EN 16931-1, BR-CO-10 to BR-CO-16).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from chalicelib.domain.charging.refunds import Refund, taxes_in
from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.money.party import Party
from chalicelib.domain.money.receipt import Receipt
from chalicelib.domain.pricing.bill import TIMES, Bill, Dimension, Line
from chalicelib.domain.pricing.currency import decimals, round_half_up
from chalicelib.domain.pricing.tax import Tax, apportioned, included
from chalicelib.domain.texts import Text

# EN 16931 shows amounts with two decimals at the most (BR-DEC-09 and its like).
MOST_DECIMALS = 2
_PRICE_PLACES = Decimal("1e-10")
_HOUR_S = 3600
_WHOLE_PERCENT = 100


class InvoiceType(StrEnum):
    """What kind of paper it is (BT-3), by its code in UNTDID 1001."""

    INVOICE = "380"
    CREDIT_NOTE = "381"


class Unit(StrEnum):
    """What a quantity counts (BT-130), by its code in UN/ECE Recommendation 20."""

    KILOWATT_HOUR = "KWH"
    SECOND = "SEC"
    ONE = "C62"


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceLine:
    """A line (BG-25): so much of something at a price before VAT, and what it comes to.

    `price` is that of `price_quantity` units (an hour's, for seconds), and `quantity` times it, rounded, `net_minor`.
    """

    what: Text
    session_id: str
    quantity: Decimal
    unit: Unit
    price: Decimal
    price_quantity: int = 1
    net_minor: int
    percent: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentAllowance:
    """What is taken off all lines of a rate (BG-20): a tariff's maximum, or what was let go of."""

    reason: Text
    net_minor: int
    percent: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """The paper before (BG-3): the invoice that a credit note takes back of, or the note that an invoice undoes."""

    number: str
    issued_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An invoice or a credit note but for its number and day."""

    type: InvoiceType
    currency: str
    seller: Party
    buyer: Party
    begins_on: date
    ends_on: date
    lines: tuple[InvoiceLine, ...]
    allowances: tuple[DocumentAllowance, ...]
    taxes: tuple[Tax, ...]
    paid_minor: int
    card: str = ""
    of: Reference | None = None
    language: str = "en"
    payable_on: date | None = None

    @property
    def lines_minor(self) -> int:
        """Sum of all lines (BT-106)."""
        return sum(it.net_minor for it in self.lines)

    @property
    def allowances_minor(self) -> int:
        """Sum of all allowances (BT-107)."""
        return sum(it.net_minor for it in self.allowances)

    @property
    def net_minor(self) -> int:
        """The total without VAT (BT-109)."""
        return sum(it.net_minor for it in self.taxes)

    @property
    def tax_minor(self) -> int:
        """All VAT (BT-110)."""
        return sum(it.amount_minor for it in self.taxes)

    @property
    def total_minor(self) -> int:
        """The total with VAT (BT-112)."""
        return self.net_minor + self.tax_minor

    @property
    def due_minor(self) -> int:
        """What is left to pay (BT-115)."""
        return self.total_minor - self.paid_minor

    def check(self) -> None:
        """Whether all sums hold. Raises ValueError."""
        if self.lines_minor - self.allowances_minor != self.net_minor:
            raise ValueError(f"lines come to {self.lines_minor - self.allowances_minor}, rates to {self.net_minor}")
        for tax in self.taxes:
            sold_minor = sum(it.net_minor for it in self.lines if it.percent == tax.percent)
            sold_minor -= sum(it.net_minor for it in self.allowances if it.percent == tax.percent)
            if sold_minor != tax.net_minor:
                raise ValueError(f"lines at {tax.percent} % come to {sold_minor}, the rate to {tax.net_minor}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoice:
    """A draft that was issued: by its number, which has no gap before it, and on its day where it was sold.

    `salt` is what its hash in the log is made with, drawn as it was issued (`issued_at`); none of it is on the paper.
    """

    number: str
    issued_on: date
    draft: Draft
    salt: str = ""
    issued_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale:
    """A receipt as it stands, and the days on which it began and ended where it was sold."""

    receipt: Receipt
    began_on: date
    ended_on: date


def can_be_invoiced(bill: Bill) -> bool:
    """Whether EN 16931 can show such amounts; where not, the receipt is all there is.

    A rate of VAT is below 100 %: of more, a total in whole units need not be a net and its tax.
    """
    rates = (line.tax_percent or Decimal(0) for line in bill.lines)
    return decimals(bill.currency) <= MOST_DECIMALS and all(0 <= it < _WHOLE_PERCENT for it in rates)


def invoice_of(sales: Sequence[Sale], seller: Party, buyer: Party, payable_on: date | None = None) -> Draft:
    """An invoice for one session, or for many of one currency, all paid as far as anybody is asked for it.

    Where it is `payable_on` a day, an organisation is to pay it then, and nothing of it is paid.

    ValueError for none, for several currencies, and for one that is not paid.
    """
    receipts = [it.receipt for it in sales]
    currencies = {it.bill.currency for it in receipts}
    if len(currencies) != 1:
        raise ValueError("an invoice is of one currency")
    if unpaid := [it.session_id for it in receipts if it.due_minor]:
        raise ValueError(f"session {unpaid[0]} is not paid")
    let_go = [_let_go(it) for it in receipts]
    taxes = _rates(receipts, let_go)
    allowances = [
        *(it for receipt in receipts for it in _maxima(receipt)),
        *(
            DocumentAllowance(reason=Text.WAIVED, net_minor=it.net_minor, percent=it.percent)
            for each in let_go
            for it in each
        ),
    ]
    draft = Draft(
        type=InvoiceType.INVOICE,
        currency=currencies.pop(),
        seller=seller,
        buyer=buyer,
        begins_on=min(it.began_on for it in sales),
        ends_on=max(it.ended_on for it in sales),
        lines=tuple(_lines(receipts, allowances, taxes)),
        allowances=tuple(allowances),
        taxes=tuple(taxes),
        paid_minor=0 if payable_on else sum(it.gross_minor for it in taxes),
        card="" if payable_on else receipts[-1].card,
        language=receipts[-1].language,
        payable_on=payable_on,
    )
    draft.check()
    return draft


def credit_note_of(invoice: Invoice, receipt: Receipt, refund: Refund, began_on: date, ended_on: date) -> Draft:
    """What of an invoice has gone back with a refund, by rate of VAT. ValueError for a refund that failed."""
    if refund.is_failed:
        raise ValueError(f"refund {refund.number} came back")
    taxes = tuple(_stated(it, receipt.bill.currency) for it in refund.taxes)
    draft = Draft(
        type=InvoiceType.CREDIT_NOTE,
        currency=receipt.bill.currency,
        seller=invoice.draft.seller,
        buyer=invoice.draft.buyer,
        begins_on=began_on,
        ends_on=ended_on,
        lines=tuple(
            InvoiceLine(
                what=Text.REFUND,
                session_id=receipt.session_id,
                quantity=Decimal(1),
                unit=Unit.ONE,
                price=Decimal(it.net_minor).scaleb(-decimals(receipt.bill.currency)),
                net_minor=it.net_minor,
                percent=it.percent,
            )
            for it in taxes
        ),
        allowances=(),
        taxes=taxes,
        paid_minor=0 if invoice.draft.payable_on else refund.amount_minor,
        card="" if invoice.draft.payable_on else receipt.card,
        payable_on=invoice.draft.payable_on,
        of=Reference(number=invoice.number, issued_on=invoice.issued_on),
        language=invoice.draft.language,
    )
    draft.check()
    return draft


def reversal_of(note: Invoice) -> Draft:
    """An invoice of what a credit note took back, whose refund failed after all: the same lines, naming the note."""
    of = Reference(number=note.number, issued_on=note.issued_on)
    return replace(note.draft, type=InvoiceType.INVOICE, of=of)


def _stated(it: Tax, currency: str) -> Tax:
    """A refund's tax as it stands in the books, but for one that is off by a whole unit of the currency.

    That much is refused (BR-S-09), and in currencies without decimals rounding alone may come to it.
    """
    off = abs(Fraction(it.amount_minor) - it.net_minor * Fraction(it.percent) / 100)
    return it if off < 10 ** decimals(currency) else included(it.percent, it.gross_minor)


def _let_go(it: Receipt) -> list[Tax]:
    """What of each rate nobody is asked for any more."""
    amount_minor = it.waived_minor + it.written_off_minor
    return [tax for tax in taxes_in(it.bill, (), 0, amount_minor) if tax.gross_minor] if amount_minor else []


def _rates(receipts: Sequence[Receipt], let_go: Sequence[Sequence[Tax]]) -> list[Tax]:
    """Each rate once. A single bill's stand as they were told; of several the tax is taken anew, on what was paid.

    So it is its rate of its net however many bills were rounded before (BR-CO-17), and nobody pays another cent.
    """
    rates: dict[Decimal, Tax] = {}
    for receipt, gone in zip(receipts, let_go, strict=True):
        # What came to nothing in the end was sold at its rate all the same.
        named = [Tax(line.tax_percent or Decimal(0), 0, 0) for line in receipt.bill.lines]
        less = [Tax(it.percent, -it.net_minor, -it.amount_minor) for it in gone]
        for it in (*receipt.bill.rates, *named, *less):
            so_far = rates.get(it.percent, Tax(it.percent, 0, 0))
            rates[it.percent] = Tax(it.percent, so_far.net_minor + it.net_minor, so_far.amount_minor + it.amount_minor)
    if len(receipts) == 1 and not any(let_go):
        return list(rates.values())
    return [included(it.percent, it.gross_minor) for it in rates.values()]


def _maxima(receipt: Receipt) -> Iterator[DocumentAllowance]:
    """What a tariff's maximum took off, before VAT."""
    for line in receipt.bill.lines:
        if line.amount_minor < 0:
            net_minor = round_half_up(-_net(receipt, line))
            yield DocumentAllowance(reason=_what(line), net_minor=net_minor, percent=line.tax_percent or Decimal(0))


def _lines(
    receipts: Sequence[Receipt], allowances: Sequence[DocumentAllowance], taxes: Sequence[Tax]
) -> list[InvoiceLine]:
    """The bills' lines before VAT, as near to what they were as can be, so that those of a rate come to its net."""
    lines = [(it, line) for it in receipts for line in it.bill.lines]
    made: dict[int, InvoiceLine] = {}
    for tax in taxes:
        sold = [index for index, (_, line) in enumerate(lines) if _is_sold(line, tax.percent)]
        if not sold:
            # Of a bill of nothing there is no line, and an invoice has one (BR-16).
            lines.append(
                (receipts[0], Line(dimension=Dimension.ENERGY, quantity=0, unit_price=Decimal(0), amount_minor=0))
            )
            sold = [len(lines) - 1]
        off_minor = sum(it.net_minor for it in allowances if it.percent == tax.percent)
        nets = apportioned(tax.net_minor + off_minor, [_net(*lines[index]) for index in sold])
        for index, net_minor in zip(sold, nets, strict=True):
            made[index] = _line(*lines[index], net_minor, tax.percent)
    return [made[index] for index in sorted(made)]


def _is_sold(line: Line, percent: Decimal) -> bool:
    return line.amount_minor >= 0 and (line.tax_percent or Decimal(0)) == percent


def _net(receipt: Receipt, line: Line) -> Fraction:
    if not receipt.bill.tax_included:
        return Fraction(line.amount_minor)
    return line.amount_minor / (1 + Fraction(line.tax_percent or 0) / 100)


def _line(receipt: Receipt, line: Line, net_minor: int, percent: Decimal) -> InvoiceLine:
    quantity, unit, price_quantity = _measure(line)
    if net_minor and not quantity:
        quantity, unit, price_quantity = Decimal(1), Unit.ONE, 1
    price, net = line.unit_price, Decimal(net_minor).scaleb(-decimals(receipt.bill.currency))
    if net_minor != round_half_up((quantity * price / price_quantity).scaleb(decimals(receipt.bill.currency))):
        price = (net * price_quantity / quantity).quantize(_PRICE_PLACES).normalize() if quantity else Decimal(0)
    return InvoiceLine(
        what=_what(line),
        session_id=receipt.session_id,
        quantity=quantity,
        unit=unit,
        price=price,
        price_quantity=price_quantity,
        net_minor=net_minor,
        percent=percent,
    )


def _what(line: Line) -> Text:
    return Text(line.dimension.value)


def _measure(line: Line) -> tuple[Decimal, Unit, int]:
    """A line's quantity, its unit, and of how many of them its price is."""
    if line.dimension is Dimension.ENERGY:
        return Decimal(line.quantity).scaleb(-3), Unit.KILOWATT_HOUR, 1
    if line.dimension in TIMES:
        return Decimal(line.quantity), Unit.SECOND, _HOUR_S
    return Decimal(line.quantity), Unit.ONE, 1
