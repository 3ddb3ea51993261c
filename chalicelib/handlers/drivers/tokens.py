"""Routes for RFID tokens, as their drivers and as the operators see them who issue them; and terms."""

from __future__ import annotations

from chalice import Blueprint
from pydantic import TypeAdapter, ValidationError

from chalicelib.domain.drivers import uid_of
from chalicelib.handlers.drivers.models import (
    IssuedTokenView,
    OwnToken,
    RefusedTokenView,
    RoamingBody,
    RoamingView,
    TermsBody,
    TokenBody,
    TokenList,
    TokenView,
)
from chalicelib.handlers.http.endpoint import Answer, BadRequest, Request, Scope, SiteRule, endpoint
from chalicelib.handlers.http.fields import Id
from chalicelib.records.drivers import Driver, Roaming, Terms, Token
from chalicelib.wiring import network

tokens = Blueprint(__name__)

_UID: TypeAdapter[str] = TypeAdapter(Id)
_ONES_OWN = "/v1/me/tokens/{uid}"
_ISSUED = "/v1/operator/tokens/{uid}"


@endpoint(tokens, "GET", "/v1/me/tokens", answers=TokenList)
def my_tokens(request: Request) -> TokenList:
    """The caller's RFID tokens, their own and those that operators gave them."""
    return TokenList(items=[token(it) for it in network().driver_tokens.of_driver(request.driver_id)])


@endpoint(tokens, "PUT", _ONES_OWN, takes=OwnToken, status=204, errors=(400, 404, 409, 422))
def put_my_token(request: Request) -> Answer:
    """Add an RFID token of one's own, agree to one that an operator issued, or block one.

    A new one is yours once it has been shown to a charger, within a quarter of an hour. `emaid-DE-8AA-CA2B3C4D5-6` is
    the contract of a car that is plugged in at `charger_id`: proven by its certificate there.
    """
    body: OwnToken = request.body
    changed = network().driver_tokens.put(
        request.driver_id, _uid(request), blocked=body.blocked, charger_id=body.charger_id or ""
    )
    network().local_lists.token_changed(changed)
    return Answer()


@endpoint(tokens, "DELETE", _ONES_OWN, status=204, errors=(400, 402, 404, 409))
def remove_my_token(request: Request) -> Answer:
    """Give up an RFID token of one's own."""
    network().driver_tokens.remove(request.driver_id, _uid(request))
    return Answer()


@endpoint(tokens, "GET", "/v1/me/roaming", answers=RoamingView, errors=(404,))
def my_roaming(request: Request) -> RoamingView:
    """Where else the caller's RFID tokens are good, and up to which prices."""
    return _roaming(network().accounts.driver(request.driver_id))


@endpoint(tokens, "PUT", "/v1/me/roaming", takes=RoamingBody, answers=RoamingView, errors=(404, 409))
def put_my_roaming(request: Request) -> RoamingView:
    """Say where else one's own RFID tokens are good, and up to which prices."""
    body: RoamingBody = request.body
    return _roaming(network().driver_tokens.roam(request.driver_id, Roaming(body.is_allowed, body.most_per_kwh)))


@endpoint(
    tokens,
    "PUT",
    _ISSUED,
    takes=TokenBody,
    status=204,
    errors=(400, 404, 409),
    needs=Scope.TOKENS_WRITE,
    sites=SiteRule.ALL,
)
def put_token(request: Request) -> Answer:
    """Issue an RFID token to a driver, or block it. Until its driver agrees it charges only where that is free."""
    body: TokenBody = request.body
    if body.organisation_id is not None:
        network().paying_organisations.get(request.operator_id, body.organisation_id)
    issued = network().issued_tokens.issue(
        Token(
            uid=_uid(request),
            operator_id=request.operator_id,
            driver_id=body.driver_id,
            blocked=body.blocked,
            group=body.group_id or "",
            expires_at=body.expires_at,
            organisation_id=body.organisation_id or "",
        )
    )
    network().local_lists.token_changed(issued)
    return Answer()


@endpoint(
    tokens, "GET", _ISSUED, answers=IssuedTokenView, errors=(400, 404), needs=Scope.TOKENS_READ, sites=SiteRule.ANY
)
def get_token(request: Request) -> IssuedTokenView:
    """An RFID token that the operator issued, and whether its driver has agreed."""
    it = network().issued_tokens.look(request.operator_id, _uid(request))
    return IssuedTokenView(
        uid=it.uid,
        driver_id=it.driver_id,
        blocked=it.blocked,
        blocked_by_driver=it.blocked_by_driver,
        consent=it.consent,
        group_id=it.group or None,
        expires_at=it.expires_at,
        organisation_id=it.organisation_id or None,
    )


def _terms_before(request: Request) -> object:
    driver = network().drivers.get(request.path["driver_id"])
    return driver.terms.get(request.operator_id) if driver is not None else None


@endpoint(
    tokens,
    "PUT",
    "/v1/operator/drivers/{driver_id}",
    takes=TermsBody,
    status=204,
    errors=(404,),
    needs=Scope.DRIVERS_WRITE,
    reads=_terms_before,
    sites=SiteRule.ALL,
)
def put_terms(request: Request) -> Answer:
    """Agree on a tariff with a driver (a free one, say), or let them charge no more at this operator's chargers."""
    body: TermsBody = request.body
    network().driver_tokens.agree(request.operator_id, request.path["driver_id"], Terms(body.tariff_id, body.blocked))
    return Answer()


def token(it: Token) -> TokenView:
    """An RFID token as its driver sees it."""
    return TokenView(
        uid=it.uid,
        operator_id=it.operator_id or None,
        blocked=it.blocked_by_driver,
        blocked_by_operator=it.blocked,
        consent=it.consent,
        claimed_until=it.claimed_until,
        refused=RefusedTokenView(at=it.refused.at, charger_id=it.refused.charger_id, reason=it.refused.reason)
        if it.refused
        else None,
        paid_by_organisation=it.organisation_id or None,
    )


def _roaming(it: Driver) -> RoamingView:
    rules, today = network().token_rules, network().clock().date()
    return RoamingView(
        is_allowed=it.roaming.is_allowed,
        most_per_kwh=dict(it.roaming.most_per_kwh),
        is_in_force=rules.may_roam(it),
        caps_in_force={currency: f"{most:f}" for currency, most in rules.caps_for(it, today).items()},
    )


def _uid(request: Request) -> str:
    """The uid in the path as it was written: any spelling will do whose uid can be one. Raises BadRequest."""
    said = request.path["uid"]
    try:
        _UID.validate_python(uid_of(said))
    except ValidationError as error:
        raise BadRequest(f"uid: {error.errors()[0]['msg']}", "uid") from None
    return said
