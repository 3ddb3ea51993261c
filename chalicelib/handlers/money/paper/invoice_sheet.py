"""An invoice or credit note in words, as its XML says it: who sold what to whom, at which rates, and what is due.

Held to article 226 of the VAT directive (2006/112/EC): number, day, period, both parties with their numbers, quantity
and price of each line before VAT, and for each rate the net and the tax.
"""

from __future__ import annotations

from datetime import UTC, datetime, time
from decimal import Decimal

from chalicelib.domain.languages import Locale
from chalicelib.domain.money.invoice import Draft, Invoice, InvoiceLine, InvoiceType, Unit
from chalicelib.domain.money.party import Party
from chalicelib.domain.texts import Text
from chalicelib.handlers.money.paper.sheet import Row, Sheet, Words, duration, tax_word


def invoice_sheet(it: Invoice) -> Sheet:
    """The invoice in words, to be printed."""
    draft = it.draft
    words = Words(Locale(draft.language))
    say, tax = words.say, words.say(tax_word(draft.seller.country))
    return Sheet(
        number=it.number,
        language=words.locale.language,
        title=say(Text.CREDIT_NOTE if draft.type is InvoiceType.CREDIT_NOTE else Text.INVOICE),
        supplier=_party(draft.seller, words),
        facts=_facts(it, words),
        lines_caption=say(Text.CHARGES),
        lines_head=(say(Text.WHAT), say(Text.QUANTITY), say(Text.PRICE), tax, say(Text.NET)),
        lines=(
            *(_line(line, draft, words) for line in draft.lines),
            *(
                (
                    say(off.reason),
                    "",
                    "",
                    words.percent(off.percent),
                    words.locale.money(-off.net_minor, draft.currency),
                )
                for off in draft.allowances
            ),
        ),
        taxes_caption=say(Text.TAXES),
        taxes_head=words.taxes_head(tax),
        taxes=tuple(words.taxes(draft.taxes, draft.currency)),
        sums=(
            (say(Text.TOTAL), words.locale.money(draft.total_minor, draft.currency)),
            (say(Text.PREPAID), words.locale.money(draft.paid_minor, draft.currency)),
            (say(Text.DUE), words.locale.money(draft.due_minor, draft.currency)),
        ),
        notes=() if draft.tax_minor else (say(Text.NO_TAX),),
        is_letter=False,
        issued_at=datetime.combine(it.issued_on, time(), UTC),
    )


def _facts(it: Invoice, words: Words) -> tuple[Row, ...]:
    draft, day, say = it.draft, words.locale.date, words.say
    period = (draft.begins_on,) if draft.begins_on == draft.ends_on else (draft.begins_on, draft.ends_on)
    of = draft.of and say(Text.RECEIPT_OF, number=draft.of.number, date=day(draft.of.issued_on))
    return (
        (say(Text.NUMBER), it.number),
        (say(Text.DATE_OF_ISSUE), day(it.issued_on)),
        *(((say(Text.REFERS_TO), of),) if of else ()),
        (say(Text.BUYER), ", ".join(_party(draft.buyer, words))),
        *(((say(Text.BUYER_REFERENCE), draft.buyer.reference),) if draft.buyer.reference else ()),
        (say(Text.SUPPLY), say(Text.CHARGING)),
        (say(Text.SUPPLIED), " - ".join(map(day, period))),
    )


def _party(it: Party, words: Words) -> Row:
    lines = (it.name, *it.street, f"{it.postal_code} {it.city}", it.country, *words.tax_id(it.country, it.tax_id))
    return tuple(line for line in (*lines, it.email, it.phone) if line)


def _line(it: InvoiceLine, draft: Draft, words: Words) -> Row:
    return (
        f"{words.say(it.what)} ({it.session_id})",
        _quantity(it, words),
        f"{words.price(it.price, draft.currency)} {draft.currency}{_per(it)}",
        words.percent(it.percent),
        words.locale.money(it.net_minor, draft.currency),
    )


def _quantity(it: InvoiceLine, words: Words) -> str:
    if it.unit is Unit.KILOWATT_HOUR:
        return words.kwh(int(it.quantity.scaleb(3)))
    return duration(int(it.quantity)) if it.unit is Unit.SECOND else words.locale.number(Decimal(it.quantity))


def _per(it: InvoiceLine) -> str:
    return {Unit.KILOWATT_HOUR: "/kWh", Unit.SECOND: "/h"}.get(it.unit, "")
