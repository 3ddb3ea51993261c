"""Invitations in DynamoDB, by operator and id; one is kept 90 days beyond its end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

from chalicelib.adapters.dynamo import decode, encode, find, put, update
from chalicelib.adapters.tables import MemberRow
from chalicelib.domain.access.invitations import Invitation
from chalicelib.records import Conflict

_ATTEMPTS = 8
_INVITATIONS = "invitations/"
_KEPT_FOR = timedelta(days=90)


class DynamoInvitations:
    """The port Invitations. Methods make one call where they say nothing else."""

    def add(self, invitation: Invitation) -> None:
        put(_row(invitation))

    def get(self, operator_id: str, invitation_id: str) -> Invitation | None:
        row = find(MemberRow, _INVITATIONS + operator_id, invitation_id)
        return _invitation(row) if row is not None else None

    def change(
        self, operator_id: str, invitation_id: str, change: Callable[[Invitation], Invitation]
    ) -> Invitation | None:
        """Two calls, and two more for each time that somebody else was quicker."""
        for _ in range(_ATTEMPTS):
            row = find(MemberRow, _INVITATIONS + operator_id, invitation_id)
            if row is None:
                return None
            after = change(_invitation(row))
            changes = [MemberRow.body.set(encode(after)), MemberRow.expires_at.set(after.expires_at + _KEPT_FOR)]
            if update(MemberRow(row.operator_id, row.person_id), changes, MemberRow.body == row.body):
                return after
        raise Conflict(f"invitation {invitation_id} is being changed by others")

    def of_operator(self, operator_id: str) -> Sequence[Invitation]:
        return [_invitation(row) for row in MemberRow.query(_INVITATIONS + operator_id, consistent_read=True)]


def _row(it: Invitation) -> MemberRow:
    partition, kept_until = _INVITATIONS + it.operator_id, it.expires_at + _KEPT_FOR
    return MemberRow(partition, it.invitation_id, body=encode(it), expires_at=kept_until)


def _invitation(row: MemberRow) -> Invitation:
    return decode(Invitation, row.body or "")
