"""What may go wrong in keeping things, in words the services know."""

from __future__ import annotations

from chalicelib.domain.session import CardAction


class Conflict(Exception):
    """Somebody else wrote first; read again and decide again."""


class Gone(Exception):
    """The socket is closed; the charger is offline."""


class Declined(Exception):
    """The card is not good for it; the text says why in the provider's words."""


class CardholderNeeded(Declined):
    """The card's bank wants its holder to confirm."""

    def __init__(self, action: CardAction) -> None:
        super().__init__("The card's bank asks its holder to confirm.")
        self.action = action


class PaymentsUnavailable(Exception):
    """The payment provider did not answer sensibly; trying again is safe."""


class NotAllowed(Exception):
    """The identity provider refused the credentials; the text may be shown to the person."""


class AlreadyRegistered(Exception):
    """That e-mail address has an account."""


class StaleTask(Exception):
    """The workflow no longer waits on this token."""
