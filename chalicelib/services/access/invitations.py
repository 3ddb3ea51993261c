"""Invitations: an operator's people let others in by mail, for no more than they may give, then and when it is taken.

What is stored at each step says what the next has to do. An invitation is claimed by whoever takes it before they are a
member by it, so that two cannot both; the one who claimed it may ask again until they are.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence

from chalicelib.domain.access.api_keys import new_key_id
from chalicelib.domain.access.invitations import (
    BY_PLATFORM,
    GOOD_FOR,
    MAILED_EVERY,
    MOST_MAILS,
    MOST_OPEN,
    Invitation,
    InvitationStatus,
    new_code,
    shown_code,
)
from chalicelib.domain.access.rights import ROLES, Membership, Principal, PrincipalKind, Role, member_principal
from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.ports import Clock
from chalicelib.ports.access import InvitationMail, Invitations, Memberships, Operators
from chalicelib.records.drivers import Driver
from chalicelib.services.access import NotFound, Refusal
from chalicelib.services.access.members import Members


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What is offered, to which address, and in which language it is mailed."""

    email: str
    role: Role
    sites: frozenset[str] | None = None
    name: str = ""
    locale: str = ""


@dataclass(frozen=True, kw_only=True)
class InvitationDesk:
    """Mails, lists, withdraws and redeems an operator's invitations."""

    invitations: Invitations
    mail: Callable[[], InvitationMail]
    members: Members
    memberships: Memberships
    operators: Operators
    # What an operator calls itself, and the locale that it speaks; empty where it has not said.
    called: Callable[[str], tuple[str, str]]
    clock: Clock
    random: Callable[[int], bytes] = secrets.token_bytes

    def invite(self, principal: Principal, offer: Offer) -> Invitation:
        """Offer somebody a place, by mail. Raises Refusal, and MailUnavailable where the mail did not go.

        It stands all the same then, and can be sent again.
        """
        self._check_gives(principal, offer.role, offer.sites)
        now = self.clock()
        known = [it for it in self._of(principal.operator_id) if it.status(now) is InvitationStatus.OPEN]
        if any(it.is_for(offer.email) for it in known):
            raise Refusal("invited_already", "this address has an open invitation: send it again, or withdraw it first")
        if len(known) >= MOST_OPEN:
            raise Refusal("too_many_invitations", f"an operator has {MOST_OPEN} open invitations at the most")
        invitation_id = new_key_id(self.random)
        code, secret_hash = new_code(invitation_id, self.random)
        made = Invitation(
            invitation_id=invitation_id,
            operator_id=principal.operator_id,
            email=offer.email,
            role=offer.role,
            sites=offer.sites,
            name=offer.name,
            locale=offer.locale,
            by=BY_PLATFORM if principal.kind is PrincipalKind.PLATFORM else principal.person_id,
            made_at=now,
            mailed_at=now,
            expires_at=now + GOOD_FOR,
            secret_hash=secret_hash,
        )
        self.invitations.add(made)
        self._mail(made, code)
        return made

    def send_again(self, principal: Principal, invitation_id: str) -> Invitation:
        """Mail another code, good for as long as the first was. Raises NotFound, Refusal, MailUnavailable."""
        now = self.clock()
        code, secret_hash = new_code(self.get(principal, invitation_id).invitation_id, self.random)

        def sent(it: Invitation) -> Invitation:
            self._check_gives(principal, it.role, it.sites)
            if it.status(now) in (InvitationStatus.ACCEPTED, InvitationStatus.WITHDRAWN):
                raise _over(it.status(now))
            if it.mails >= MOST_MAILS or (it.mailed_at is not None and now - it.mailed_at < MAILED_EVERY):
                raise Refusal("too_many_mails", f"a mail a minute, and {MOST_MAILS} of an invitation at the most")
            return replace(it, secret_hash=secret_hash, mails=it.mails + 1, mailed_at=now, expires_at=now + GOOD_FOR)

        after = self.invitations.change(principal.operator_id, invitation_id, sent)
        if after is None:
            raise NotFound(f"invitation {invitation_id}")
        self._mail(after, code)
        return after

    def withdraw(self, principal: Principal, invitation_id: str) -> None:
        """End an invitation that nobody has taken. Again changes nothing. Raises NotFound, Refusal."""
        now = self.clock()

        def withdrawn(it: Invitation) -> Invitation:
            if it.accepted_at is not None:
                raise Refusal("invitation_used", "this invitation was taken: remove the member instead")
            return it if it.withdrawn_at is not None else replace(it, withdrawn_at=now)

        if self.invitations.change(principal.operator_id, invitation_id, withdrawn) is None:
            raise NotFound(f"invitation {invitation_id}")

    def of_operator(self, principal: Principal) -> Sequence[Invitation]:
        """All of the operator's, the newest first."""
        return sorted(self._of(principal.operator_id), key=lambda it: it.made_at, reverse=True)

    def get(self, principal: Principal, invitation_id: str) -> Invitation:
        """One of the operator's. Raises NotFound."""
        found = self.invitations.get(principal.operator_id, invitation_id)
        if found is None:
            raise NotFound(f"invitation {invitation_id}")
        return found

    def shown(self, person: Driver, operator_id: str, code: str) -> Invitation:
        """The invitation that a person may take by that code, which proves that they may.

        Raises NotFound for a code that is none, or not the newest; Refusal where it is over, went to another address,
        or is worth nothing any more.
        """
        known = shown_code(code)
        found = self.invitations.get(operator_id, known.key_id) if known is not None else None
        if known is None or found is None or not found.is_proven(known):
            raise NotFound("an invitation of that operator with this code")
        if not found.is_for(person.email):
            raise Refusal("not_your_invitation", "this invitation went to another address: log in with that one")
        self._check_open(found, person.driver_id)
        self.members.check_stands(operator_id)
        if person.is_platform:
            raise Refusal("forbidden", "a platform administrator acts for no operator")
        if not self._is_still_given(found):
            raise Refusal("invitation_void", "whoever invited you may not give that any more; ask for another")
        return found

    def accept(self, invitation: Invitation, person_id: str) -> Invitation:
        """Take an invitation that was shown: the person is a member from now on. Raises Refusal.

        Cut off half-way it can be done again by the same person, and by nobody else.
        """
        now, operator_id = self.clock().replace(microsecond=0), invitation.operator_id
        known = self.memberships.of_person(person_id).get(operator_id)
        if known is not None and known.role is not None and not invitation.accepted_by:
            raise Refusal("already_member", "you act for this operator already; its owner may change as what")

        def claimed(it: Invitation) -> Invitation:
            self._check_open(it, person_id)
            return it if it.accepted_by else replace(it, accepted_by=person_id, accepted_at=now)

        taken = self.invitations.change(operator_id, invitation.invitation_id, claimed)
        if taken is None:
            raise NotFound("an invitation of that operator with this code")
        self.members.join(
            operator_id,
            person_id,
            Membership(
                role=taken.role, since=taken.accepted_at or now, sites=taken.sites, name=taken.name, by=taken.by
            ),
        )
        return self.invitations.change(operator_id, taken.invitation_id, lambda it: replace(it, is_done=True)) or taken

    def _check_open(self, it: Invitation, person_id: str) -> None:
        is_half_done = it.accepted_by == person_id and not it.is_done
        status = it.status(self.clock())
        if status is not InvitationStatus.OPEN and not is_half_done:
            raise _over(status)

    def _check_gives(self, principal: Principal, role: Role, sites: frozenset[str] | None) -> None:
        # The platform's administrator makes owners, and nobody else.
        if principal.kind is not PrincipalKind.PLATFORM:
            self.members.check_gives(principal, role, sites)

    def _is_still_given(self, it: Invitation) -> bool:
        """Whether whoever invited could do so now."""
        if it.by == BY_PLATFORM:
            return True
        inviter = self.memberships.of_person(it.by).get(it.operator_id)
        principal = member_principal(it.operator_id, it.by, inviter) if inviter is not None else None
        return principal is not None and principal.has(ROLES[it.role].scopes, it.sites)

    def _mail(self, it: Invitation, code: str) -> None:
        name, locale = self.called(it.operator_id)
        named = name or self.operators.standing(it.operator_id).name or it.operator_id
        self.mail().send(replace(it, locale=it.locale or locale), named, code)

    def _of(self, operator_id: str) -> Sequence[Invitation]:
        return self.invitations.of_operator(operator_id)


def _over(status: InvitationStatus) -> Refusal:
    if status is InvitationStatus.ACCEPTED:
        return Refusal("invitation_used", "this invitation was taken already")
    if status is InvitationStatus.WITHDRAWN:
        return Refusal("invitation_withdrawn", "this invitation was withdrawn; ask the operator for another")
    return Refusal("invitation_expired", "this invitation is over; ask the operator for another")
