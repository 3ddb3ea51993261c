"""What the services ask of the books and of whoever moves the money."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from chalicelib.domain.ledger import Transfer
from chalicelib.domain.session import Hold, Session
from chalicelib.records import (
    CardSetup,
    PaymentNews,
    SavedCard,
)


class Ledger(Protocol):
    """Transfers, appended and never changed."""

    def append(self, transfers: Sequence[Transfer]) -> None:
        """All or none; those already written stay as they are. Raises Unbalanced when one says otherwise now."""

    def of_session(self, session_id: str) -> Sequence[Transfer]: ...


class Payments(Protocol):
    """Card money. Every call may be repeated: the session id and the step make its idempotency key."""

    def create_customer(self, driver_id: str, email: str) -> str: ...
    def begin_card_setup(self, customer_id: str, request_id: str) -> CardSetup: ...
    def saved_card(self, customer_id: str, setup_id: str) -> SavedCard | None:
        """The card a setup of that customer ended with; None while it has not succeeded."""

    def hold(self, session: Session, customer_id: str, payment_method_id: str, amount_minor: int) -> Hold:
        """Set money aside, the driver being away. Raises Declined, PaymentsUnavailable."""

    def capture(self, session: Session, hold: Hold, amount_minor: int) -> None:
        """Take at most what is held and give the rest back. Raises Declined, PaymentsUnavailable."""

    def void(self, session: Session, hold: Hold) -> None:
        """Give the hold back; nothing happens when it is gone already. Raises PaymentsUnavailable.

        Raises Declined when the money was taken already: nothing is ever refunded by the way.
        """

    def taken_minor(self, session: Session, hold: Hold) -> int:
        """What has been taken of a hold so far, by the provider's own books. Raises PaymentsUnavailable."""

    def read_webhook(self, body: bytes, signature: str) -> PaymentNews:
        """Verify and read. Raises ValueError when the signature or body is not the provider's."""
