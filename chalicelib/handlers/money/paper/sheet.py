"""A receipt in words, the same on every kind of paper; times are the site's, money has its decimals.

Held to § 33 UStDV (small-amount invoices) and to what receipts need in Singapore and the US: who sold, when it was
issued, how much of what, and for each rate of tax the net, the tax, and what was to be paid.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from chalicelib.domain.money.receipt import Profile, Receipt
from chalicelib.domain.pricing.bill import Bill, Dimension, Line
from chalicelib.domain.pricing.currency import Money, decimals
from chalicelib.domain.pricing.wall_clock import zone

_EU = frozenset("AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK".split())
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
_NAMES = {
    Dimension.ENERGY: "Energy",
    Dimension.TIME: "Charging time",
    Dimension.PARKING_TIME: "Parking time",
    Dimension.FLAT: "Flat fee",
    Dimension.RESERVATION_TIME: "Reservation time",
    Dimension.RESERVATION_FEE: "Reservation fee",
    Dimension.EXPIRED_RESERVATION_TIME: "Expired reservation, time",
    Dimension.EXPIRED_RESERVATION_FEE: "Expired reservation, fee",
    Dimension.MINIMUM: "Raised to the minimum price",
    Dimension.MAXIMUM: "Lowered to the maximum price",
}
_TIMES = (Dimension.TIME, Dimension.PARKING_TIME, Dimension.RESERVATION_TIME, Dimension.EXPIRED_RESERVATION_TIME)
_BOUNDS = (Dimension.MINIMUM, Dimension.MAXIMUM)

Row = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A receipt in words: lines of text, pairs of label and value, and tables with their heads."""

    number: str
    title: str
    supplier: Row
    facts: tuple[Row, ...]
    lines_head: Row
    lines: tuple[Row, ...]
    taxes_head: Row
    taxes: tuple[Row, ...]
    sums: tuple[Row, ...]
    notes: Row
    is_letter: bool


def sheet(it: Receipt) -> Sheet:
    """The receipt in words, to be printed on any kind of paper."""
    country = it.supplier.country if it.supplier else ""
    tax = _tax_word(country)
    bill = it.bill
    included = "tax included" if bill.tax_included else "before tax"
    return Sheet(
        number=it.number,
        title=_title(it.supplier),
        supplier=_supplier(it),
        facts=_facts(it),
        lines_head=("What", "Quantity", "Price", tax, f"Amount, {included}"),
        lines=tuple(_line(line, bill.currency) for line in bill.lines),
        taxes_head=(f"{tax} rate", "Net", tax, "Gross"),
        taxes=tuple(_taxes(bill)),
        sums=(
            ("Total, tax included", str(Money(bill.total_minor, bill.currency))),
            (f"Paid {_local(it.paid_at, it.time_zone)}{_with(it.card)}", str(Money(it.paid_minor, bill.currency))),
            ("Amount due", str(Money(it.due_minor, bill.currency))),
        ),
        notes=(f"Price payable includes {tax}.",) if bill.taxes else ("No tax was charged.",),
        is_letter=country == "US",
    )


def _title(supplier: Profile | None) -> str:
    if supplier is None or supplier.country == "US":
        return "Receipt"
    return "Tax invoice" if supplier.country in _GST and supplier.tax_id else "Invoice and receipt"


def _tax_word(country: str) -> str:
    if country in _GST:
        return "GST"
    if country == "US":
        return "Sales tax"
    return "VAT" if country in _EU or country in ("CH", "GB", "NO") else "Tax"


def _supplier(it: Receipt) -> Row:
    told = it.supplier
    if told is None:
        return (f"Operator {it.operator_id}",)
    tax_id = _TAX_IDS.get(told.country, "VAT ID" if told.country in _EU else "Tax ID")
    contact = (told.email, told.phone)
    return (
        told.legal_name,
        *told.address.splitlines(),
        told.country,
        *([f"{tax_id} {told.tax_id}"] if told.tax_id else []),
        *(text for text in contact if text),
    )


def _facts(it: Receipt) -> tuple[Row, ...]:
    meter = (("Meter at start", it.meter_start_wh), ("Meter at stop", it.meter_stop_wh))
    return (
        ("Number", it.number),
        ("Date of issue", it.issued_at.astimezone(zone(it.time_zone)).date().isoformat()),
        ("Supply", "Charging of an electric vehicle"),
        ("Site", ", ".join(text for text in (it.site_name, *it.address.splitlines()) if text)),
        ("Charger", f"{it.charger_id}, connector {it.connector}"),
        ("Session", it.session_id),
        ("Start", _local(it.started_at, it.time_zone)),
        ("Stop", _local(it.stopped_at, it.time_zone)),
        *((label, _kwh(energy_wh)) for label, energy_wh in meter if energy_wh is not None),
        ("Energy", _kwh(it.energy_wh)),
    )


def _line(it: Line, currency: str) -> Row:
    amount = str(Money(it.amount_minor, currency))
    percent = f"{_percent(it.tax_percent)}" if it.tax_percent else ""
    if it.dimension in _BOUNDS:
        return (_NAMES[it.dimension], "", "", percent, amount)
    price = f"{_price(it.unit_price, currency)} {currency}"
    if it.dimension is Dimension.ENERGY:
        return (_NAMES[it.dimension], _kwh(it.quantity), f"{price}/kWh", percent, amount)
    if it.dimension in _TIMES:
        return (_NAMES[it.dimension], _duration(it.quantity), f"{price}/h", percent, amount)
    return (_NAMES[it.dimension], str(it.quantity), price, percent, amount)


def _taxes(bill: Bill) -> list[Row]:
    rates = [(_percent(it.percent), it.net_minor, it.amount_minor) for it in bill.taxes]
    untaxed_minor = bill.net_minor - sum(it.net_minor for it in bill.taxes)
    if untaxed_minor or not rates:
        rates.append(("0 %", untaxed_minor, 0))
    return [
        (rate, *(str(Money(minor, bill.currency)) for minor in (net_minor, tax_minor, net_minor + tax_minor)))
        for rate, net_minor, tax_minor in rates
    ]


def _local(at: datetime, time_zone: str) -> str:
    return f"{at.astimezone(zone(time_zone)).isoformat(' ', 'seconds')} ({time_zone})"


def _kwh(energy_wh: int) -> str:
    return f"{Decimal(energy_wh).scaleb(-3):f} kWh"


def _duration(seconds: int) -> str:
    return f"{seconds // 3600} h {seconds % 3600 // 60:02} min {seconds % 60:02} s"


def _percent(percent: Decimal) -> str:
    return f"{percent.normalize():f} %"


def _price(price: Decimal, currency: str) -> str:
    shown = format(price.normalize(), "f")
    places = len(shown.partition(".")[2])
    return f"{price:.{max(places, decimals(currency))}f}"


def _with(card: str) -> str:
    return f" with {card}" if card else ""
