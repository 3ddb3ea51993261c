"""What the services ask of drivers' accounts and tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from chalicelib.records.drivers import (
        AcceptedTerms,
        ContractSeen,
        Driver,
        Enrolment,
        Login,
        RefusedToken,
        ShownToken,
        Terms,
        Token,
    )


class TokenRegistry(Protocol):
    """The tokens that chargers are shown, each by its uid."""

    def put(self, token: Token, at: datetime) -> None:
        """Store a token: one that is new, whoever's it was as a mere claim, or the same operator's or driver's.

        An operator takes the place of an unproven claim, a driver that of one which has lapsed by then. Raises Conflict
        when the uid is another operator's, or somebody else's own card.
        """

    def change(self, uid: str, change: Callable[[Token], Token], at: datetime) -> Token | None:
        """Change a token as stored at that moment; returns it, None for an unknown one. Raises Conflict.

        `change` may be asked again, and may refuse; nothing is written where it changes nothing.
        """

    def get(self, uid: str) -> Token | None:
        """The token of exactly that uid; None for an unknown one."""

    def known_as(self, names: Iterable[str]) -> Sequence[Token]:
        """The tokens kept under any of these names, in their order."""

    def shown(self, names: Iterable[str], by: str, at: datetime) -> ShownToken:
        """The tokens kept under any of these names, in their order, and how often `by` has missed that hour.

        `by` is the charger that shows one, or whoever else tries numbers.
        """

    def missed(self, by: str, at: datetime) -> int:
        """Count a number tried in vain; returns how many were that hour."""

    def note_refused(self, token: Token, refused: RefusedToken) -> None:
        """Remember a refusal, for the token's driver to read; nothing happens when the token is gone."""

    def note_contract(self, uid: str, seen: ContractSeen) -> None:
        """Remember when and where a car proved a contract; nothing happens when the token is gone."""

    def of_driver(self, driver_id: str) -> Sequence[Token]:
        """A driver's cards, whoever issued them."""

    def forget(self, uid: str) -> None:
        """Delete a token; nothing happens when there is none."""

    def forget_driver(self, driver_id: str) -> Iterable[int]:
        """Delete a driver's tokens, whoever issued them, some at a time; whoever stops asking leaves the rest."""


class TokenChanges(Protocol):
    """Which of an operator's tokens changed, and whose chargers' lists do not have that yet."""

    def changed(self, operator_id: str, after: int, until: int, limit: int) -> Sequence[tuple[int, Token]]:
        """The operator's tokens changed in (after, until], each with its second, in that order; see `second_of`.

        Those of the last second are all there, be it beyond `limit`.
        """

    def lists_behind(self) -> Iterable[tuple[str, int]]:
        """The operators whose tokens changed since their local lists were last seen through, and the second of that."""

    def lists_done(self, operator_id: str, second: int) -> None:
        """All of the operator's chargers have been sent what changed of its tokens until that second."""


class Drivers(Protocol):
    """People with accounts: their saved card, terms and debts."""

    def put(self, driver: Driver) -> None:
        """Store an account or replace it; leaves terms and debts alone."""

    def get(self, driver_id: str) -> Driver | None:
        """The driver with terms and debts; None for an unknown id."""

    def change(self, driver_id: str, change: Callable[[Driver], Driver]) -> Driver | None:
        """Change a driver as stored at that moment; returns it, None for an unknown one. Raises Conflict."""

    def expiring(self, month: str, shard: int | None = None) -> Iterable[Driver]:
        """Drivers whose card that pays expires in that month (`2029-12`), and who have not been told.

        Those of one shard, or all; in no order.
        """

    def leaving(self) -> Iterable[str]:
        """Those who have left and of whom something is kept yet, by their ids; in no order."""

    def set_terms(self, driver_id: str, operator_id: str, terms: Terms) -> bool:
        """Store what an operator has agreed with a driver; False for an unknown driver."""

    def owe(self, driver_id: str, session_id: str, *, follows_card: bool = True) -> None:
        """Note that this session is not paid yet, which keeps its driver from beginning another.

        `follows_card`: their cards were not good for it, so that nobody else begins one with those by app.
        """

    def owe_no_more(self, driver_id: str, session_id: str) -> None:
        """Note that this session is paid, or its debt let go."""

    def share_card(self, driver_id: str, fingerprint: str) -> None:
        """Note that a driver saves the card of that fingerprint, and what others owe by it (`Driver.card_owes`)."""

    def begin(
        self, driver_id: str, name: str, at: datetime, *, is_abroad: bool = False
    ) -> Mapping[str, datetime] | None:
        """Note that a session or reservation of that name is about to begin; None when its driver leaves, or has left.

        Returns the names of what began lately, this among them, and when; what is older than two hours may be left out.
        None as well for one that is begun by a token abroad, where as many began that day as may (`MOST_ABROAD`).

        Whoever asks this before writing a session down, and nobody else, may write one down for a driver.
        """

    def leave(self, driver_id: str, request_id: str, at: datetime) -> Mapping[str, datetime]:
        """Let nothing begin for this driver for as long as a request takes; returns what began lately, and when.

        Raises Conflict when there is no such driver.
        """

    def stay(self, driver_id: str, request_id: str) -> None:
        """Let things begin again, unless another request to leave has come since."""

    def begin_not(self, driver_id: str, name: str, at: datetime) -> None:
        """What was about to begin `at` that moment does not after all."""

    def forget(self, driver_id: str) -> None:
        """Delete the driver's record; nothing happens when it is not there."""


class Identity(Protocol):
    """The identity provider: accounts, passwords and OIDC tokens, kept by somebody whose trade it is.

    Whatever sends a mail may raise MailUnavailable; whatever is tried too often raises TooManyAttempts, a NotAllowed.
    """

    def register(self, email: str, password: str, locale: str = "", accepted: AcceptedTerms | None = None) -> str:
        """The new account's id; a code goes to its address, which counts once that is shown.

        What else is said is kept there until the account is first used.

        Raises AlreadyRegistered, NotAllowed (for a weak password, say).
        """

    def confirm(self, email: str, code: str) -> None:
        """Prove the address. Raises NotAllowed."""

    def resend(self, email: str) -> None:
        """Send another code to prove the address; nothing happens when nobody has to."""

    def log_in(self, email: str, password: str, code: str = "") -> Login:
        """OIDC tokens for that password, and its authenticator's code where the account asks for one.

        Raises NotAllowed, for a wrong password and an unknown address alike; CodeNeeded where the code is missing.
        """

    def begin_second_factor(self, access_token: str) -> str:
        """The secret (base 32) from which an authenticator makes codes; nothing is asked for yet. Raises NotAllowed."""

    def confirm_second_factor(self, access_token: str, code: str) -> None:
        """From now on logins need a code of the secret that was given out last. Raises NotAllowed."""

    def end_second_factor(self, access_token: str) -> None:
        """From now on logins need none. Raises NotAllowed."""

    def refresh(self, refresh_token: str) -> Login:
        """New OIDC tokens without the password. Raises NotAllowed for a refresh token that is over."""

    def enrolment_of(self, access_token: str) -> Enrolment:
        """What whoever that token was given to has proven, and said as they registered. Raises NotAllowed."""

    def send_reset(self, email: str) -> None:
        """Send a code to set another password; nothing happens when the address has no account."""

    def reset(self, email: str, code: str, password: str) -> str:
        """Set another password by that code; returns the account's id. Raises NotAllowed."""

    def change_password(self, access_token: str, old: str, new: str) -> None:
        """Set another password by the old one. Raises NotAllowed."""

    def change_email(self, access_token: str, email: str) -> None:
        """Send a code to another address; the old one counts until that is shown.

        Raises AlreadyRegistered, NotAllowed.
        """

    def confirm_email(self, access_token: str, code: str) -> str:
        """The other address counts from now on, and is returned. Raises AlreadyRegistered, NotAllowed."""

    def sign_out(self, account_id: str) -> int:
        """Revoke all refresh tokens of an account.

        Returns the second (Unix time, by the issuer's clock) from which on access tokens are new.
        """

    def forget(self, account_id: str) -> None:
        """There is no such account any more; nothing happens when there was none."""

    def forget_unproven(self) -> Iterator[str]:
        """Forget accounts whose address nobody has proven for a day, one after another as they are given out."""
