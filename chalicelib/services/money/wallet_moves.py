"""Moves wallets: reads one, decides what becomes of it, and writes that in one step unless others wrote first."""

from __future__ import annotations

from collections.abc import Callable

from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.money.wallet import Wallet, WalletPaper
from chalicelib.ports.money import Wallets
from chalicelib.records import Conflict
from chalicelib.records.money import Movement, MovementOutcome

_ATTEMPTS = 12


@dataclass(frozen=True)
class WalletMoves:
    """The one way to move a wallet."""

    wallets: Wallets

    def move(self, driver_id: str, currency: str, decide: Callable[[Wallet], Movement | None]) -> Movement | None:
        """Write what `decide` says of the wallet as it is, be there none yet; it is asked again after a race.

        Returns what was written, by this call or one before it; None where `decide` had nothing to write.
        Raises Conflict when others kept writing first, and what `decide` raises.
        """
        for _ in range(_ATTEMPTS):
            known = self.wallets.get(driver_id, currency)
            movement = decide(known or Wallet(driver_id=driver_id, currency=currency))
            if movement is None or self.wallets.move(movement) is not MovementOutcome.STALE:
                return movement
        raise Conflict(f"a wallet of {currency} was changed by others {_ATTEMPTS} times in a row")

    def note(self, before: WalletPaper | None, after: WalletPaper) -> None:
        """Change a paper of which no money moves. Raises Conflict where others were first."""
        if not self.wallets.note(before, after):
            raise Conflict("a paper of a wallet was changed by others")
