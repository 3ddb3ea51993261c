"""Routes for members: who acts for an operator, as what, and at which of its sites."""

from __future__ import annotations

from chalice import Blueprint

from chalicelib.domain.access.rights import ROLES, Membership, Role
from chalicelib.handlers.access.models import MemberBody, MemberList, MemberView, OwnOperator, OwnOperators
from chalicelib.handlers.access.people_models import SecurityBody, SecurityView
from chalicelib.handlers.http.endpoint import Answer, Request, Scope, SiteRule, endpoint
from chalicelib.wiring import network

members = Blueprint(__name__)

_MEMBER = "/v1/operator/members/{person_id}"
_SECURITY = "/v1/operator/security"


@endpoint(members, "GET", "/v1/me/operators", answers=OwnOperators)
def my_operators(request: Request) -> OwnOperators:
    """For which operators the caller acts; of several, a request says which (`Kerb-Operator`)."""
    caller = request.known_caller
    mine = network().members.of_person(caller.driver_id, caller.memberships, caller.groups)
    return OwnOperators(
        items=[
            OwnOperator(
                operator_id=name,
                role=role,
                sites=_sites(it.sites),
                scopes=sorted(ROLES[role].scopes),
                is_usual=number == 0,
            )
            for number, (name, role, it) in enumerate(mine)
        ]
    )


@endpoint(members, "GET", "/v1/operator/members", answers=MemberList, needs=Scope.PEOPLE_READ, sites=SiteRule.ALL)
def list_members(request: Request) -> MemberList:
    """All of the operator's people."""
    found = network().members.of_operator(request.principal)
    return MemberList(items=[_view(name, it.role, it) for name, it in found.items() if it.role is not None])


@endpoint(members, "GET", _MEMBER, answers=MemberView, errors=(404,), needs=Scope.PEOPLE_READ, sites=SiteRule.ALL)
def get_member(request: Request) -> MemberView:
    """One of the operator's people."""
    person_id = request.path["person_id"]
    role, found = network().members.get(request.principal, person_id)
    return _view(person_id, role, found)


@endpoint(
    members,
    "PUT",
    _MEMBER,
    takes=MemberBody,
    answers=MemberView,
    errors=(404, 409),
    needs=Scope.PEOPLE_WRITE,
    sites=SiteRule.ALL,
)
def put_member(request: Request) -> MemberView:
    """Let a person with an account act for the operator, or change as what; it counts with their next request."""
    body: MemberBody = request.body
    person_id = request.path["person_id"]
    made = network().members.put(request.principal, person_id, body.role, body.sites, body.name)
    return _view(person_id, body.role, made)


@endpoint(members, "DELETE", _MEMBER, status=204, errors=(404, 409), needs=Scope.PEOPLE_WRITE, sites=SiteRule.ALL)
def remove_member(request: Request) -> Answer:
    """Let a person act for the operator no more, from their next request on; the keys they made end with that."""
    network().members.remove(request.principal, request.path["person_id"])
    return Answer()


@endpoint(
    members,
    "POST",
    _MEMBER + "/logout",
    status=204,
    errors=(404,),
    needs=Scope.PEOPLE_WRITE,
    reads=get_member,
    sites=SiteRule.ALL,
)
def log_out_member(request: Request) -> Answer:
    """End all of a person's logins: no token that was given out until now is good any more, whatever for."""
    person_id = request.path["person_id"]
    network().members.check_may_log_out(request.principal, person_id)
    network().accounts.log_out(person_id)
    return Answer()


@endpoint(members, "GET", _SECURITY, answers=SecurityView, needs=Scope.PEOPLE_READ, sites=SiteRule.ALL)
def get_security(request: Request) -> SecurityView:
    """Whose logins need a second factor before they act for the operator."""
    return SecurityView(second_factor=sorted(network().operators.standing(request.operator_id).second_factor))


@endpoint(members, "PUT", _SECURITY, takes=SecurityBody, status=204, needs=Scope.PEOPLE_WRITE, sites=SiteRule.ALL)
def put_security(request: Request) -> Answer:
    """Say which roles need a second factor. It counts within a minute; whoever has none is told what to do."""
    body: SecurityBody = request.body
    is_proven = request.known_caller.is_proven
    network().members.require_second_factor(request.principal, frozenset(body.second_factor), is_proven=is_proven)
    return Answer()


def _view(person_id: str, role: Role, it: Membership) -> MemberView:
    return MemberView(
        person_id=person_id,
        role=role,
        sites=_sites(it.sites),
        name=it.name,
        since=it.since,
        used_at=it.used_at,
        scopes=sorted(ROLES[role].scopes),
        by=it.by or None,
    )


def _sites(sites: frozenset[str] | None) -> list[str] | None:
    return sorted(sites) if sites is not None else None
