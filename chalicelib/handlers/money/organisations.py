"""Routes for organisations that pay: kept by their operator, joined and left by drivers."""

from __future__ import annotations

import re
from dataclasses import asdict

from chalice import Blueprint

from chalicelib.domain.money.organisation import Organisation, PaymentRules, budget_month
from chalicelib.domain.money.party import Business, Invoicing
from chalicelib.handlers.http.endpoint import Answer, BadRequest, Request, Scope, SiteRule, endpoint
from chalicelib.handlers.money.organisation_models import (
    JoinedOrganisationList,
    JoinedOrganisationView,
    JoiningOrganisationBody,
    MemberCodeBody,
    MemberCodeView,
    OrganisationBody,
    OrganisationBusiness,
    OrganisationList,
    OrganisationMemberList,
    OrganisationMemberView,
    OrganisationRules,
    OrganisationView,
    PaidSessions,
    PaidSessionView,
    PaysByDefaultBody,
)
from chalicelib.services.money.organisations import Joined
from chalicelib.wiring import network

organisations = Blueprint(__name__)

_ALL = "/v1/operator/organisations"
_ONE = _ALL + "/{organisation_id}"
_MEMBERS = _ONE + "/members"
_MINE = "/v1/me/organisations"
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")


@endpoint(organisations, "GET", _ALL, answers=OrganisationList, needs=Scope.MONEY_READ, sites=SiteRule.ALL)
def list_organisations(request: Request) -> OrganisationList:
    """The organisations that pay for their drivers at the operator's chargers."""
    found = network().paying_organisations.of_operator(request.operator_id)
    return OrganisationList(items=[_view(it) for it in found])


@endpoint(
    organisations,
    "GET",
    _ONE,
    answers=OrganisationView,
    errors=(404,),
    needs=Scope.MONEY_READ,
    sites=SiteRule.ALL,
)
def get_organisation(request: Request) -> OrganisationView:
    """An organisation, its budgets and rules."""
    return _view(network().paying_organisations.get(request.operator_id, request.path["organisation_id"]))


@endpoint(
    organisations,
    "PUT",
    _ONE,
    takes=OrganisationBody,
    answers=OrganisationView,
    errors=(400, 404, 409),
    needs=Scope.DRIVERS_WRITE,
    sites=SiteRule.ALL,
)
def put_organisation(request: Request) -> OrganisationView:
    """Say who an organisation is, and for what it pays; what holds for charges that begin from now on."""
    organisation_id, body = request.path["organisation_id"], request.body
    if not _ID.fullmatch(organisation_id):
        raise BadRequest("an id is of 1 to 32 small letters, digits and hyphens", "organisation_id")
    it = Organisation(
        operator_id=request.operator_id,
        organisation_id=organisation_id,
        name=body.name,
        currency=body.currency,
        business=Business(**body.business.model_dump(), invoicing=Invoicing.MONTHLY),
        email=body.email,
        budget_minor=body.budget_minor,
        member_budget_minor=body.member_budget_minor,
        rules=PaymentRules(
            sites=body.rules.sites,
            weekdays=tuple(sorted(set(body.rules.weekdays))),
            from_h=body.rules.from_h,
            until_h=body.rules.until_h,
            session_minor=body.rules.session_minor,
        ),
        is_active=body.is_active,
    )
    return _view(network().paying_organisations.put(it))


@endpoint(
    organisations,
    "POST",
    _ONE + "/invitations",
    takes=MemberCodeBody,
    answers=MemberCodeView,
    status=201,
    errors=(404,),
    needs=Scope.DRIVERS_WRITE,
    sites=SiteRule.ALL,
)
def invite_organisation_member(request: Request) -> MemberCodeView:
    """A code by which one driver becomes a member, who says yes by taking it; good for two weeks."""
    code, expires_at = network().paying_organisations.invite(
        request.operator_id, request.path["organisation_id"], request.body.reference
    )
    return MemberCodeView(code=code, expires_at=expires_at)


@endpoint(
    organisations,
    "GET",
    _MEMBERS,
    answers=OrganisationMemberList,
    errors=(404,),
    needs=Scope.MONEY_READ,
    sites=SiteRule.ALL,
)
def list_organisation_members(request: Request) -> OrganisationMemberList:
    """The drivers for whom an organisation pays, each by what it knows them by."""
    found = network().paying_organisations.members(request.operator_id, request.path["organisation_id"])
    return OrganisationMemberList(
        items=[OrganisationMemberView(driver_id=it.driver_id, reference=it.reference, since=it.since) for it in found]
    )


def _member(request: Request) -> OrganisationMemberView:
    path = request.path
    it = network().paying_organisations.member(request.operator_id, path["organisation_id"], path["driver_id"])
    return OrganisationMemberView(driver_id=it.driver_id, reference=it.reference, since=it.since)


@endpoint(
    organisations,
    "DELETE",
    _MEMBERS + "/{driver_id}",
    status=204,
    errors=(404,),
    needs=Scope.DRIVERS_WRITE,
    reads=_member,
    sites=SiteRule.ALL,
)
def remove_organisation_member(request: Request) -> Answer:
    """Pay for that driver no more; a charge under way is paid for to its end."""
    driver_id = _member(request).driver_id
    network().paying_organisations.remove(request.operator_id, request.path["organisation_id"], driver_id)
    return Answer()


@endpoint(
    organisations,
    "GET",
    _ONE + "/sessions",
    answers=PaidSessions,
    errors=(400, 404),
    needs=Scope.MONEY_READ,
    sites=SiteRule.ALL,
    query={"month": "YYYY-MM (UTC); this one if left out"},
)
def paid_sessions(request: Request) -> PaidSessions:
    """The sessions that an organisation pays for in a month, and what of its budget they use."""
    month = request.query.get("month") or budget_month(network().clock())
    if not _MONTH.fullmatch(month):
        raise BadRequest("month must be YYYY-MM", "month")
    it = network().paying_organisations.get(request.operator_id, request.path["organisation_id"])
    spent, found = network().paying_organisations.paid(it.operator_id, it.organisation_id, month)
    return PaidSessions(
        month=month,
        currency=it.currency,
        budget_minor=it.budget_minor,
        used_minor=spent.used_minor,
        items=[
            PaidSessionView(
                session_id=paid.session_id,
                driver_id=paid.driver_id,
                site_id=paid.site_id,
                at=paid.at,
                amount_minor=paid.amount_minor,
                refunded_minor=paid.amount_minor - paid.used_minor,
                is_settled=paid.is_closed,
            )
            for paid in found
        ],
    )


@endpoint(organisations, "GET", _MINE, answers=JoinedOrganisationList, errors=(404,))
def my_organisations(request: Request) -> JoinedOrganisationList:
    """The organisations that pay for the caller, by what rules, and what is left for them in this month."""
    found = network().paying_organisations.of_driver(request.driver_id)
    return JoinedOrganisationList(items=[joined_view(it) for it in found])


@endpoint(
    organisations,
    "POST",
    _MINE,
    takes=JoiningOrganisationBody,
    answers=JoinedOrganisationView,
    status=201,
    errors=(404, 409),
)
def join_organisation(request: Request) -> JoinedOrganisationView:
    """Become a member by an organisation's code. It sees the sessions that it pays for from then on, and no others."""
    return joined_view(network().paying_organisations.join(request.driver_id, request.body.code))


@endpoint(
    organisations,
    "PUT",
    _MINE + "/{operator_id}",
    takes=PaysByDefaultBody,
    answers=JoinedOrganisationView,
    errors=(404,),
)
def prefer_payer(request: Request) -> JoinedOrganisationView:
    """Say whether it pays at that operator's chargers where a start does not say who shall."""
    said = request.body.pays_by_default
    return joined_view(
        network().paying_organisations.prefer(request.driver_id, request.path["operator_id"], pays_by_default=said)
    )


@endpoint(organisations, "DELETE", _MINE + "/{operator_id}", status=204, errors=(404,))
def leave_organisation(request: Request) -> Answer:
    """Be a member no more; a charge under way is paid for to its end."""
    network().paying_organisations.leave(request.driver_id, request.path["operator_id"])
    return Answer()


def joined_view(it: Joined) -> JoinedOrganisationView:
    """An organisation as its member sees it."""
    of = it.organisation
    return JoinedOrganisationView(
        operator_id=of.operator_id,
        organisation_id=of.organisation_id,
        name=of.name,
        currency=of.currency,
        rules=_rules(of.rules),
        left_minor=it.left_minor,
        pays_by_default=it.pays_by_default,
        is_active=of.is_active,
    )


def _rules(it: PaymentRules) -> OrganisationRules:
    return OrganisationRules(
        sites=it.sites,
        weekdays=it.weekdays,
        from_h=it.from_h,
        until_h=it.until_h,
        session_minor=it.session_minor,
    )


def _view(it: Organisation) -> OrganisationView:
    said = {name: told for name, told in asdict(it.business).items() if name in OrganisationBusiness.model_fields}
    return OrganisationView(
        organisation_id=it.organisation_id,
        name=it.name,
        currency=it.currency,
        email=it.email,
        business=OrganisationBusiness(**said),
        budget_minor=it.budget_minor,
        member_budget_minor=it.member_budget_minor,
        rules=_rules(it.rules),
        is_active=it.is_active,
    )
