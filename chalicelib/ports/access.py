"""What the services of access ask of the world: operators, members, invitations, keys, the audit, refunds of a day."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from chalicelib.domain.access.api_keys import ApiKey
    from chalicelib.domain.access.audit import AuditEntry, AuditOutcome, AuditQuery
    from chalicelib.domain.access.invitations import Invitation
    from chalicelib.domain.access.operators import OperatorStanding
    from chalicelib.domain.access.rights import Membership, Role
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

    def note_used(self, person_id: str, known: Mapping[str, Membership], operator_id: str, at: datetime) -> None:
        """Remember when a person, who was `known` to be that, last acted for the operator."""

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


class Operators(Protocol):
    """Operators as the platform knows them."""

    def standing(self, operator_id: str) -> OperatorStanding:
        """What holds for it, as of half a minute ago at the worst; of one that nobody made, what holds for all."""

    def get(self, operator_id: str) -> OperatorStanding | None:
        """As stored now; None for one of which nothing is stored."""

    def change(
        self, operator_id: str, change: Callable[[OperatorStanding | None], OperatorStanding]
    ) -> OperatorStanding:
        """Change the platform's word on it (None: there is none), and list it where it was not. Raises Conflict.

        `change` may be asked again, and may refuse. Its own rule (`second_factor`) stays.
        """

    def require_second_factor(self, operator_id: str, roles: frozenset[Role]) -> None:
        """From now on these of its roles need one, and no others."""

    def note(self, operator_id: str) -> None:
        """Put it on the list of all; nothing changes where it is there."""

    def page(self, limit: int, before: str | None) -> tuple[Sequence[tuple[str, OperatorStanding]], str | None]:
        """All of them, the last by name first, with the cursor of the next page or None. BadCursor for one not ours."""


class Invitations(Protocol):
    """What operators offer to people, each by operator and id."""

    def add(self, invitation: Invitation) -> None:
        """Store a new one."""

    def get(self, operator_id: str, invitation_id: str) -> Invitation | None:
        """The invitation as stored now; None for an unknown one."""

    def change(
        self, operator_id: str, invitation_id: str, change: Callable[[Invitation], Invitation]
    ) -> Invitation | None:
        """Change one as stored at that moment; returns it, None for an unknown one. Raises Conflict.

        `change` may be asked again, and may refuse.
        """

    def of_operator(self, operator_id: str) -> Sequence[Invitation]:
        """All of an operator's, in no order; those that are over for 90 days may be gone."""


class InvitationMail(Protocol):
    """Sends invitations to whom they are for."""

    def send(self, invitation: Invitation, operator: str, code: str) -> None:
        """Mail it, with the code, in the name of `operator`. Raises MailUnavailable."""


class SecondFactors(Protocol):
    """Since when a person's logins need a code, and which had one. It stands in the person's own row."""

    def note_proven(self, person_id: str, login_id: str, at: datetime) -> None:
        """That login took a code; from the first of these on all need one. Nothing happens for nobody."""

    def forget(self, person_id: str) -> None:
        """Logins need none any more, and none counts as having had one."""
