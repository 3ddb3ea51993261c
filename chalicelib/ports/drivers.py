"""What the services ask of drivers' accounts and tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Protocol

from chalicelib.records.drivers import Driver, Login, Terms, Token


class TokenRegistry(Protocol):
    """The tokens that chargers are shown, each by its uid."""

    def put(self, token: Token, at: datetime) -> None:
        """Raises Conflict when the uid is another operator's, or somebody else's own card."""

    def get(self, uid: str) -> Token | None: ...
    def of_driver(self, driver_id: str) -> Sequence[Token]:
        """A driver's cards, whoever issued them."""

    def forget(self, uid: str) -> None: ...


class TokenChanges(Protocol):
    """Which of an operator's tokens changed, and whose chargers' lists do not have that yet."""

    def changed(self, operator_id: str, after: int, until: int, limit: int) -> Sequence[tuple[int, Token]]:
        """The operator's tokens changed in (after, until], each with its second, in that order; see `second_of`.

        Those of the last second are all there, be it beyond `limit`.
        """

    def lists_behind(self) -> Iterable[tuple[str, int]]:
        """The operators whose tokens changed since their lists were last seen through, and the second of that."""

    def lists_done(self, operator_id: str, second: int) -> None:
        """All of the operator's chargers have been sent what changed until then."""


class Drivers(Protocol):
    """People with accounts."""

    def put(self, driver: Driver) -> None:
        """Leaves terms and debts alone."""

    def get(self, driver_id: str) -> Driver | None: ...
    def change(self, driver_id: str, change: Callable[[Driver], Driver]) -> Driver | None:
        """Change a driver as stored at that moment; returns it, None for an unknown one. Raises Conflict."""

    def set_terms(self, driver_id: str, operator_id: str, terms: Terms) -> bool:
        """False for an unknown driver."""

    def owe(self, driver_id: str, session_id: str) -> None: ...
    def owe_no_more(self, driver_id: str, session_id: str) -> None: ...
    def forget(self, driver_id: str) -> None: ...


class Identity(Protocol):
    """Accounts and passwords, kept by somebody whose trade it is."""

    def register(self, email: str, password: str) -> str:
        """The new account's id. Raises AlreadyRegistered, NotAllowed (for a weak password, say)."""

    def confirm(self, email: str, code: str) -> None:
        """Prove the address. Raises NotAllowed."""

    def log_in(self, email: str, password: str) -> Login:
        """Raises NotAllowed."""

    def refresh(self, refresh_token: str) -> Login:
        """Raises NotAllowed."""

    def forget(self, account_id: str) -> None:
        """There is no such account any more; nothing happens when there was none."""
