"""The ledger pages of a wallet itself: money from cards and back to them, each under the top-up that it came with.

What is the driver's and what is whose afterwards stands in the accounts: `card/{issuer}` has what cards paid in,
`wallet/{driver}` and `escrow/{session}` what of it is still the driver's.
"""

from __future__ import annotations

from datetime import datetime

from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.money.ledger import Transfer, TransferKind, wallet_account


@dataclass(frozen=True, slots=True)
class WalletBook:
    """Writes the transfers of one top-up; `issuer_id` is who runs the wallets and has the money of their cards."""

    issuer_id: str
    top_up_id: str
    driver_id: str
    currency: str

    @property
    def _card(self) -> str:
        return f"card/{self.issuer_id}"

    @property
    def _wallet(self) -> str:
        return wallet_account(self.driver_id)

    def top_up(self, payment_id: str, amount_minor: int, at: datetime) -> Transfer:
        """Money came from a card."""
        return self._transfer(TransferKind.TOP_UP, (self._card, self._wallet), amount_minor, at, payment_id)

    def pay_out(self, reference: str, amount_minor: int, at: datetime) -> Transfer:
        """It goes back there; `reference` is payment and pay-out."""
        return self._transfer(TransferKind.PAY_OUT, (self._wallet, self._card), amount_minor, at, reference)

    def beyond(self, reference: str, amount_minor: int, at: datetime) -> Transfer:
        """It went back there though it was spent: the issuer's loss."""
        accounts = f"written_off/{self.issuer_id}", self._card
        return self._transfer(TransferKind.PAY_OUT, accounts, amount_minor, at, f"{reference}/beyond")

    def pay_out_failed(self, reference: str, amount_minor: int, at: datetime) -> Transfer:
        """The card did not take it: it is in the wallet again."""
        return self._transfer(TransferKind.PAY_OUT_FAILED, (self._card, self._wallet), amount_minor, at, reference)

    def beyond_failed(self, reference: str, amount_minor: int, at: datetime) -> Transfer:
        """It did not go back there: no loss."""
        accounts = self._card, f"written_off/{self.issuer_id}"
        return self._transfer(TransferKind.PAY_OUT_FAILED, accounts, amount_minor, at, f"{reference}/beyond")

    def levy(self, dispute_id: str, amount_minor: int, at: datetime) -> Transfer:
        """What is left in the wallet of money that its cardholder's bank has taken back."""
        accounts = self._wallet, f"disputed/{self.issuer_id}"
        return self._transfer(TransferKind.LEVY, accounts, amount_minor, at, dispute_id)

    def levy_returned(self, dispute_id: str, amount_minor: int, at: datetime, *, was_lost: bool = False) -> Transfer:
        """It has come back, be it after it was thought to be lost."""
        accounts = f"{'charged_back' if was_lost else 'disputed'}/{self.issuer_id}", self._wallet
        return self._transfer(TransferKind.LEVY_RETURNED, accounts, amount_minor, at, dispute_id)

    def _transfer(
        self, kind: TransferKind, accounts: tuple[str, str], amount_minor: int, at: datetime, reference: str
    ) -> Transfer:
        return Transfer(
            session_id=self.top_up_id,
            kind=kind,
            debit=accounts[0],
            credit=accounts[1],
            amount_minor=amount_minor,
            currency=self.currency,
            operator_id=self.issuer_id,
            at=at,
            reference=reference,
        )
