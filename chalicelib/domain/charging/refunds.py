"""Refunds of a session: planned under their key before money moves, done once, and undone where the provider fails.

One refund goes back to one payment. What it gives back of each rate's net and tax is decided as it is done, from what
is left of the bill, so that all refunds of a session together give back its bill and no cent of tax more or less.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.pricing.bill import Bill
from chalicelib.domain.pricing.currency import round_half_up
from chalicelib.domain.pricing.tax import Tax, apportioned


class RefundStatus(StrEnum):
    """What became of a refund: asked of the provider, done, or failed after all (the card's bank did not take it)."""

    PLANNED = "planned"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """Money back to one payment, under the key of whoever asked; `number` counts a session's, from when it was done.

    `taxes` is what of each rate goes back, 0 % among them. `is_rest`: all was asked for that was left.
    """

    payment_id: str
    key: str
    amount_minor: int
    at: datetime
    status: RefundStatus = RefundStatus.PLANNED
    number: int = 0
    taxes: tuple[Tax, ...] = ()
    is_rest: bool = False

    @property
    def reference(self) -> str:
        """Its name in the ledger."""
        return f"{self.payment_id}/{self.key}"

    @property
    def is_failed(self) -> bool:
        """Whether the money came back here after all."""
        return self.status is RefundStatus.FAILED

    @property
    def tax_minor(self) -> int:
        """The tax in it."""
        return sum(it.amount_minor for it in self.taxes)


def left_minor(refunds: Sequence[Refund], paid_minor: int, refunded_minor: int) -> int:
    """What can still be given back of so much; `refunded_minor` has those too that were made before any was noted."""
    done_minor = sum(it.amount_minor for it in refunds if it.status is RefundStatus.DONE)
    planned_minor = sum(it.amount_minor for it in refunds if it.status is RefundStatus.PLANNED)
    return paid_minor - max(refunded_minor, done_minor) - planned_minor


def taxes_in(
    bill: Bill, earlier: Sequence[Refund], unnoted_minor: int, amount_minor: int, *, waived_minor: int = 0
) -> tuple[Tax, ...]:
    """What of each rate goes back with so much, the others having had theirs; the last one has all that is left.

    `unnoted_minor` went back before anybody noted of which rate it was. What was waived of the bill was never paid, and
    its tax is not given back.
    """
    left = {it.percent: [it.gross_minor, it.amount_minor] for it in bill.rates}
    _take(left, _part(left, waived_minor))
    _take(left, [it for refund in earlier for it in refund.taxes])
    _take(left, _part(left, unnoted_minor))
    return _part(left, amount_minor)


def _take(left: dict[Decimal, list[int]], taxes: Iterable[Tax]) -> None:
    for tax in taxes:
        of = left.setdefault(tax.percent, [0, 0])
        of[0], of[1] = of[0] - tax.gross_minor, of[1] - tax.amount_minor


def _part(left: Mapping[Decimal, Sequence[int]], amount_minor: int) -> tuple[Tax, ...]:
    gross = [max(0, it[0]) for it in left.values()]
    parts = apportioned(amount_minor, [Fraction(amount_minor * it, sum(gross) or 1) for it in gross])
    found = []
    for (percent, (gross_minor, tax_minor)), part in zip(left.items(), parts, strict=True):
        back_minor = round_half_up(Fraction(max(0, tax_minor) * part, gross_minor)) if gross_minor > 0 else 0
        found.append(Tax(percent, part - min(part, back_minor), min(part, back_minor)))
    return tuple(it for it in found if it.gross_minor)
