"""Routes for invitations: made, mailed again and withdrawn by an operator's people, taken by whoever was invited."""

from __future__ import annotations

from chalice import Blueprint

from chalicelib.domain.access.invitations import BY_PLATFORM, Invitation
from chalicelib.domain.access.rights import ROLES, Principal, PrincipalKind
from chalicelib.handlers.access.models import OwnOperator
from chalicelib.handlers.access.people_models import InvitationBody, InvitationList, InvitationView, JoiningBody
from chalicelib.handlers.http.endpoint import Answer, Request, Scope, SiteRule, endpoint
from chalicelib.services.access.invitations import Offer
from chalicelib.wiring import network

invitations = Blueprint(__name__)

_INVITATIONS = "/v1/operator/invitations"
_ONE = _INVITATIONS + "/{invitation_id}"


@endpoint(
    invitations,
    "POST",
    _INVITATIONS,
    takes=InvitationBody,
    answers=InvitationView,
    status=201,
    errors=(409, 503),
    needs=Scope.PEOPLE_WRITE,
    sites=SiteRule.ALL,
)
def invite(request: Request) -> InvitationView:
    """Offer somebody a place by e-mail, for no more than the caller may. The code in the mail is good for a week."""
    body: InvitationBody = request.body
    offer = Offer(email=body.email, role=body.role, sites=body.sites, name=body.name, locale=body.locale)
    return invitation_view(network().invitation_desk.invite(request.principal, offer))


@endpoint(invitations, "GET", _INVITATIONS, answers=InvitationList, needs=Scope.PEOPLE_READ, sites=SiteRule.ALL)
def list_invitations(request: Request) -> InvitationList:
    """Who was invited, and what has become of it."""
    found = network().invitation_desk.of_operator(request.principal)
    return InvitationList(items=[invitation_view(it) for it in found])


@endpoint(invitations, "GET", _ONE, answers=InvitationView, errors=(404,), needs=Scope.PEOPLE_READ, sites=SiteRule.ALL)
def get_invitation(request: Request) -> InvitationView:
    """An invitation, never its code."""
    return invitation_view(network().invitation_desk.get(request.principal, request.path["invitation_id"]))


@endpoint(
    invitations,
    "POST",
    _ONE + "/send",
    answers=InvitationView,
    errors=(404, 409, 410, 429, 503),
    needs=Scope.PEOPLE_WRITE,
    reads=get_invitation,
    sites=SiteRule.ALL,
)
def send_invitation(request: Request) -> InvitationView:
    """Mail another code, good for a week from now; the one before is worth nothing any more."""
    return invitation_view(network().invitation_desk.send_again(request.principal, request.path["invitation_id"]))


@endpoint(invitations, "DELETE", _ONE, status=204, errors=(404, 409), needs=Scope.PEOPLE_WRITE, sites=SiteRule.ALL)
def withdraw_invitation(request: Request) -> Answer:
    """End an invitation that nobody has taken."""
    network().invitation_desk.withdraw(request.principal, request.path["invitation_id"])
    return Answer()


def _shown(request: Request) -> Invitation:
    body: JoiningBody = request.body
    return network().invitation_desk.shown(request.known_driver, body.operator_id, body.code)


def _joining(request: Request) -> Principal:
    """As whom it is written down: whoever shows no code that is good leaves no trace with the operator."""
    return Principal(
        kind=PrincipalKind.MEMBER,
        operator_id=_shown(request).operator_id,
        person_id=request.driver_id,
        scopes=frozenset(),
    )


@endpoint(
    invitations,
    "POST",
    "/v1/me/operators",
    takes=JoiningBody,
    answers=OwnOperator,
    status=201,
    errors=(403, 404, 409, 410),
    joins=_joining,
)
def join_operator(request: Request) -> OwnOperator:
    """Take an invitation by the code of its mail, once, as the person whose address it went to."""
    taken = network().invitation_desk.accept(_shown(request), request.driver_id)
    return OwnOperator(
        operator_id=taken.operator_id,
        role=taken.role,
        sites=sorted(taken.sites) if taken.sites is not None else None,
        scopes=sorted(ROLES[taken.role].scopes),
        is_usual=not request.known_caller.memberships,
    )


def invitation_view(it: Invitation) -> InvitationView:
    """An invitation as those see it who may let people in."""
    return InvitationView(
        invitation_id=it.invitation_id,
        email=it.email,
        role=it.role,
        sites=sorted(it.sites) if it.sites is not None else None,
        name=it.name,
        status=it.status(network().clock()),
        by="" if it.by == BY_PLATFORM else it.by,
        made_at=it.made_at,
        mailed_at=it.mailed_at,
        mails=it.mails,
        expires_at=it.expires_at,
        accepted_by=it.accepted_by or None,
        accepted_at=it.accepted_at,
    )
