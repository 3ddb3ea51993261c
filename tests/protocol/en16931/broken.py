"""Invoices that are wrong in one thing, by the rule that says so in both syntaxes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from chalicelib.domain.money.invoice import Draft


def _line(**changes: Any) -> Callable[[Draft], Draft]:
    return lambda it: replace(it, lines=(replace(it.lines[0], **changes), *it.lines[1:]))


def _rate(net_minor: int, tax_minor: int) -> Callable[[Draft], Draft]:
    def changed(it: Draft) -> Draft:
        rate = it.taxes[0]
        wrong = replace(rate, net_minor=rate.net_minor + net_minor, amount_minor=rate.amount_minor + tax_minor)
        return replace(it, taxes=(wrong, *it.taxes[1:]))

    return changed


BROKEN: Mapping[str, Callable[[Draft], Draft]] = {
    "BR-06": lambda it: replace(it, seller=replace(it.seller, name="")),
    "BR-07": lambda it: replace(it, buyer=replace(it.buyer, name="")),
    "BR-27": _line(price=Decimal(-1)),
    "BR-29": lambda it: replace(it, ends_on=date(2026, 1, 1)),
    "BR-CO-13": _rate(1, 0),
    "BR-CO-17": _rate(0, 200),
    # Of three decimals none can be shown: who pays in dinars keeps the receipt.
    "BR-DEC-14": lambda it: replace(it, currency="KWD"),
    "BR-E-01": _line(percent=Decimal(0)),
    "BR-S-08": _line(percent=Decimal(8)),
    "BR-S-09": _rate(0, 300),
}
