"""Routes for provisioning: what an operator's chargers are set to, declared once for all and asked again of one."""

from __future__ import annotations

from dataclasses import asdict

from chalice import Blueprint

from chalicelib.domain.chargers.setup_profile import SetupProfile
from chalicelib.handlers.chargers.setup_models import SetupProfileBody, SetupProfileView
from chalicelib.handlers.http.endpoint import Answer, BadRequest, Request, Scope, SiteRule, endpoint
from chalicelib.wiring import network

provisioning = Blueprint(__name__)

_PROFILE = "/v1/operator/charger-profile"


@endpoint(
    provisioning,
    "PUT",
    _PROFILE,
    takes=SetupProfileBody,
    status=204,
    errors=(400,),
    needs=Scope.CHARGERS_WRITE,
    sites=SiteRule.ALL,
)
def put_charger_profile(request: Request) -> Answer:
    """Declare what the operator's chargers are set to.

    Those that are online follow within minutes, the others when they are back. What a charger refuses stands in its
    view (`setup`), and is not asked of it again until its firmware or this profile changes.
    """
    try:
        profile = SetupProfile(**request.body.model_dump())
    except ValueError as error:
        raise BadRequest(str(error), "stop_interval_s") from None
    network().provisioning.put_profile(request.operator_id, profile)
    return Answer()


@endpoint(provisioning, "GET", _PROFILE, answers=SetupProfileView, needs=Scope.CHARGERS_READ, sites=SiteRule.ANY)
def get_charger_profile(request: Request) -> SetupProfileView:
    """What the operator's chargers are set to: as declared, else as Kerb would have it."""
    profile = network().provisioning.profile(request.operator_id)
    return SetupProfileView(**asdict(profile), version=profile.version)


@endpoint(
    provisioning,
    "POST",
    "/v1/operator/chargers/{charger_id}/setup",
    status=204,
    errors=(404, 409),
    needs=Scope.CHARGERS_COMMAND,
)
def set_charger_up(request: Request) -> Answer:
    """Look at a charger's settings now, and ask once more for what it refused; its view shows how it goes."""
    network().provisioning.again(request.operator_id, request.path["charger_id"])
    return Answer()
