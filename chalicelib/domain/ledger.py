"""Every movement of money is one immutable transfer from one account to another, so the books always sum to zero.

A hold is pending money: it changes no balance until it is captured (whole or in part, once) or voided. Transfer
ids are derived from the session and the step, so that writing a step again writes nothing new.
Modelled on TigerBeetle's two-phase transfers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from chalicelib.domain.bill import Bill


class Kind(StrEnum):
    """What a transfer does: only SALE, TAX and CAPTURE move balances."""

    HOLD = "hold"
    CAPTURE = "capture"
    VOID = "void"
    SALE = "sale"
    TAX = "tax"


_MOVES_BALANCES = frozenset({Kind.CAPTURE, Kind.SALE, Kind.TAX})


class Unbalanced(ValueError):
    """The transfers of a session contradict each other."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """`amount_minor` of `currency` moves from `debit` to `credit`. Unique by (session_id, kind)."""

    session_id: str
    kind: Kind
    debit: str
    credit: str
    amount_minor: int
    currency: str
    operator_id: str
    at: datetime

    def __post_init__(self) -> None:
        if self.amount_minor < 0:
            raise ValueError("a transfer's amount is never negative: swap its accounts instead")


def _card(operator_id: str) -> str:
    return f"card/{operator_id}"


def driver_account(driver_id: str) -> str:
    """What a driver owes (a positive balance) across sessions."""
    return f"driver/{driver_id}"


@dataclass(frozen=True, slots=True)
class Book:
    """Writes the transfers of one session in its parties' names."""

    session_id: str
    operator_id: str
    driver_id: str
    currency: str

    def hold(self, amount_minor: int, at: datetime) -> Transfer:
        """Money on the driver's card set aside for this session."""
        return self._transfer(Kind.HOLD, _card(self.operator_id), driver_account(self.driver_id), amount_minor, at)

    def sale(self, bill: Bill, at: datetime) -> tuple[Transfer, ...]:
        """The driver owes the operator the bill, its tax apart."""
        owed = driver_account(self.driver_id)
        sale = self._transfer(Kind.SALE, owed, f"revenue/{self.operator_id}", bill.net_minor, at)
        tax = self._transfer(Kind.TAX, owed, f"tax/{self.operator_id}", bill.tax_minor, at)
        return (sale, tax) if bill.tax_minor else (sale,)

    def capture(self, amount_minor: int, at: datetime) -> Transfer:
        """Part or all of the hold is taken from the card; what is left of the hold is free again."""
        return self._transfer(Kind.CAPTURE, _card(self.operator_id), driver_account(self.driver_id), amount_minor, at)

    def void(self, amount_minor: int, at: datetime) -> Transfer:
        """The whole hold is given back."""
        return self._transfer(Kind.VOID, driver_account(self.driver_id), _card(self.operator_id), amount_minor, at)

    def _transfer(self, kind: Kind, debit: str, credit: str, amount_minor: int, at: datetime) -> Transfer:
        return Transfer(self.session_id, kind, debit, credit, amount_minor, self.currency, self.operator_id, at)


def balances(transfers: Iterable[Transfer]) -> dict[tuple[str, str], int]:
    """Minor units by (account, currency), debits positive; they sum to zero in each currency."""
    totals: Counter[tuple[str, str]] = Counter()
    for transfer in transfers:
        if transfer.kind in _MOVES_BALANCES:
            totals[transfer.debit, transfer.currency] += transfer.amount_minor
            totals[transfer.credit, transfer.currency] -= transfer.amount_minor
    return dict(totals)


def held_minor(transfers: Iterable[Transfer]) -> int:
    """What is still held for a session. Raises Unbalanced when a hold was resolved twice or beyond its amount."""
    by_kind = {transfer.kind: transfer for transfer in transfers}
    hold, capture, void = (by_kind.get(kind) for kind in (Kind.HOLD, Kind.CAPTURE, Kind.VOID))
    if capture and void:
        raise Unbalanced("a hold was both captured and voided")
    if capture and (hold is None or capture.amount_minor > hold.amount_minor):
        raise Unbalanced("more was captured than was held")
    return hold.amount_minor if hold and not capture and not void else 0
