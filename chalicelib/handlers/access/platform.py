"""Routes for the platform's administrator: operators are made, listed, capped, closed; nothing of a driver is shown."""

from __future__ import annotations

import re

from chalice import Blueprint

from chalicelib.domain.access.audit import AuditQuery
from chalicelib.domain.access.operators import OperatorCaps
from chalicelib.domain.access.rights import Role
from chalicelib.handlers.access.audit import audit_view
from chalicelib.handlers.access.invitations import invitation_view
from chalicelib.handlers.access.models import AuditPage
from chalicelib.handlers.access.people_models import InvitationView
from chalicelib.handlers.access.platform_models import (
    CapsBody,
    OperatorBody,
    OperatorPage,
    OperatorView,
    OwnerBody,
    operator_view,
)
from chalicelib.handlers.http.audited import platform_thing
from chalicelib.handlers.http.endpoint import BadRequest, Request, endpoint
from chalicelib.handlers.http.paging import Paging
from chalicelib.services.access.invitations import Offer
from chalicelib.wiring import network

platform = Blueprint(__name__)

_OPERATORS = "/v1/platform/operators"
_ONE = _OPERATORS + "/{operator_id}"
_PAGING = Paging()
_ID = re.compile(r"[A-Za-z0-9\-_.]{1,64}")


@endpoint(platform, "GET", _OPERATORS, answers=OperatorPage, errors=(400, 403), query=_PAGING.query)
def list_operators(request: Request) -> OperatorPage:
    """All operators, by id, the last first."""
    found, cursor = network().platform_desk.page(*_PAGING.asked(request))
    return OperatorPage(items=[operator_view(name, it) for name, it in found], next_cursor=cursor)


@endpoint(platform, "GET", _ONE, answers=OperatorView, errors=(403, 404))
def get_operator(request: Request) -> OperatorView:
    """One operator: since when it is there, whether it is closed, the most that it may ask for."""
    operator_id = request.operator_id
    return operator_view(operator_id, network().platform_desk.get(operator_id))


@endpoint(platform, "PUT", _ONE, takes=OperatorBody, answers=OperatorView, errors=(400, 403, 409))
def put_operator(request: Request) -> OperatorView:
    """Make an operator, or call it otherwise. Its first person is invited (`POST .../owners`)."""
    operator_id = request.operator_id
    if not _ID.fullmatch(operator_id) or not operator_id.strip("."):
        raise BadRequest("an operator's id is made of letters, figures and -_.", "operator_id")
    return operator_view(operator_id, network().platform_desk.put(operator_id, request.body.name))


@endpoint(
    platform,
    "POST",
    _ONE + "/owners",
    takes=OwnerBody,
    answers=InvitationView,
    status=201,
    errors=(403, 404, 409, 503),
    reads=get_operator,
)
def invite_owner(request: Request) -> InvitationView:
    """Invite somebody as an owner, by e-mail: an operator's first person, or another where it has lost all others."""
    body: OwnerBody = request.body
    network().platform_desk.check_open(request.operator_id)
    offer = Offer(email=body.email, role=Role.OWNER, name=body.name, locale=body.locale)
    return invitation_view(network().invitation_desk.invite(request.principal, offer))


@endpoint(
    platform,
    "PUT",
    _ONE + "/caps",
    takes=CapsBody,
    answers=OperatorView,
    errors=(403, 404, 409),
    reads=get_operator,
)
def put_caps(request: Request) -> OperatorView:
    """Bound an operator's prices, fees, holds and charges. What begins within a minute is bounded; what runs stays."""
    body: CapsBody = request.body
    caps = OperatorCaps(
        kwh_eur=body.kwh_eur,
        hour_eur=body.hour_eur,
        fee_eur=body.fee_eur,
        hold_eur=body.hold_eur,
        charge_eur=body.charge_eur,
    )
    return operator_view(request.operator_id, network().platform_desk.cap(request.operator_id, caps))


@endpoint(platform, "POST", _ONE + "/close", answers=OperatorView, errors=(403, 404, 409), reads=get_operator)
def close_operator(request: Request) -> OperatorView:
    """Close an operator: within a minute nothing begins there, and its people and keys may do nothing more.

    What runs is charged to its end, and billed.
    """
    return operator_view(request.operator_id, network().platform_desk.close(request.operator_id))


@endpoint(platform, "POST", _ONE + "/open", answers=OperatorView, errors=(403, 404, 409), reads=get_operator)
def open_operator(request: Request) -> OperatorView:
    """Let a closed operator stand again, with its people and keys as they were."""
    return operator_view(request.operator_id, network().platform_desk.open(request.operator_id))


@endpoint(
    platform, "GET", _ONE + "/audit", answers=AuditPage, errors=(400, 403), query=Paging(usual=50, largest=200).query
)
def read_platform_audit(request: Request) -> AuditPage:
    """What the platform's administrators changed of an operator, newest first; what others did is the operator's."""
    wanted = AuditQuery(thing=platform_thing(request.operator_id))
    asked = Paging(usual=50, largest=200).asked(request)
    found, cursor = network().audit_log.page(request.operator_id, wanted, *asked)
    return AuditPage(items=[audit_view(it) for it in found], next_cursor=cursor)
