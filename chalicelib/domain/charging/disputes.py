"""Disputes of a session: its driver says that its bill is wrong, and its operator answers.

A dispute moves no money. What is given back for it is a refund or a correction like any other, and the answer names it.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from chalicelib.domain.data_classes import dataclass, replace

# All of a session's stand in its row.
MOST_DISPUTES = 5


class DisputeReason(StrEnum):
    """What its driver says is wrong."""

    ENERGY = "energy"
    PRICE = "price"
    TIME = "time"
    PAYMENT = "payment"
    NOT_MINE = "not_mine"
    OTHER = "other"


class DisputeStatus(StrEnum):
    """How far it has come; withdrawn by its driver, the others by its operator."""

    OPEN = "open"
    UPHELD = "upheld"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispute:
    """One word of a driver's, and its operator's answer; `number` counts a session's from 1.

    `settled_by` is the key (Idempotency-Key) of the refund or correction that was made for it.
    """

    number: int
    reason: DisputeReason
    text: str
    opened_at: datetime
    status: DisputeStatus = DisputeStatus.OPEN
    answer: str = ""
    closed_at: datetime | None = None
    settled_by: str = ""

    @property
    def is_open(self) -> bool:
        """Whether it waits for an answer."""
        return self.status is DisputeStatus.OPEN

    @property
    def without_words(self) -> Dispute:
        """What is left of it once its driver is forgotten: nobody waits for an answer any more."""
        status = DisputeStatus.WITHDRAWN if self.is_open else self.status
        return replace(self, text="", answer="", status=status)

    @property
    def is_answered(self) -> bool:
        """Whether its operator has said what comes of it."""
        return self.status in (DisputeStatus.UPHELD, DisputeStatus.REJECTED)
