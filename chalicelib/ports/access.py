"""What the services of access ask of the world: members of operators, keys, the audit, refunds of a day."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from chalicelib.domain.access.api_keys import ApiKey
from chalicelib.domain.access.audit import AuditEntry, AuditOutcome, AuditQuery
from chalicelib.domain.access.rights import Membership
from chalicelib.records.access import CountedRefund


class Memberships(Protocol):
    """What people are to operators. It stands in the person's own row, which each of their requests reads anyway."""

    def of_person(self, person_id: str) -> Mapping[str, Membership]:
        """By operator, as stored now; empty for whoever is nobody's, or is not there."""

    def change(
        self, person_id: str, operator_id: str, change: Callable[[Membership | None], Membership]
    ) -> Membership | None:
        """Change what a person is to an operator; returns it, None for a person who is not there. Raises Conflict.

        `change` may be asked again, and may refuse; nothing is written where it changes nothing.
        """

    def of_operator(self, operator_id: str) -> Mapping[str, Membership]:
        """An operator's members, those who were removed left out."""

    def note_member(self, operator_id: str, person_id: str) -> None:
        """Put a person on the operator's list, on which they are looked for."""

    def note_owner(self, operator_id: str, person_id: str) -> None:
        """Count a person among the operator's owners, once they are one."""

    def owner_no_more(self, operator_id: str, person_id: str) -> bool:
        """Count a person among the owners no more; False (and nothing changes) for the last of them."""

    def forget_person(self, person_id: str) -> None:
        """Take a person off all lists, before their row is deleted."""


class ApiKeys(Protocol):
    """The keys of operators, each by its id."""

    def add(self, key: ApiKey) -> bool:
        """Store a new key; False where its id is taken."""

    def get(self, key_id: str) -> ApiKey | None:
        """The key as stored now."""

    def change(self, key_id: str, change: Callable[[ApiKey], ApiKey]) -> ApiKey | None:
        """Change a key as stored at that moment; returns it, None for an unknown one. Raises Conflict.

        `change` may be asked again, and may refuse.
        """

    def of_operator(self, operator_id: str) -> Sequence[ApiKey]:
        """An operator's keys, those revoked too; one made this second may be missing."""

    def note_used(self, key: ApiKey, at: datetime) -> None:
        """Remember when it was used last."""


class RefundAllowances(Protocol):
    """What a person has given back in a day, by currency, so that a cap holds however many processes ask."""

    def take(self, refund: CountedRefund, most_minor: int) -> bool:
        """Count a refund; False, and nothing is counted, where the day would come to more than the most.

        The same name again counts nothing more.
        """


class AuditEntries(Protocol):
    """The audit's rows: put once, neither changed nor deleted."""

    def add(self, entry: AuditEntry) -> bool:
        """Write an entry; False where there is one of that name."""

    def mark(self, entry: AuditEntry, outcome: AuditOutcome, problem: str) -> None:
        """Write beside an entry what became of it; the same outcome again changes nothing."""

    def page(
        self, operator_id: str, query: AuditQuery, limit: int, before: str | None
    ) -> tuple[Sequence[AuditEntry], str | None]:
        """An operator's entries, the newest first, and the next page's cursor; of one thing, and of a time, if said.

        By whom is not looked at here.

        Raises BadCursor for a cursor not ours.
        """
