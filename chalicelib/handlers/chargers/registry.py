"""Routes for the registry: what an operator registers, under ids of its own choosing.

Saying it again changes nothing.
"""

from __future__ import annotations

from chalice import Blueprint
from pydantic import TypeAdapter, ValidationError

from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.handlers.chargers import views
from chalicelib.handlers.chargers.models import ChargerBody, RegisteredChargers, SiteBody, opening_hours
from chalicelib.handlers.http.endpoint import Answer, BadRequest, Request, Scope, SiteRule, endpoint
from chalicelib.handlers.http.fields import ChargerId, Id
from chalicelib.handlers.http.paging import Paging
from chalicelib.handlers.pricing.models import TariffBody
from chalicelib.handlers.pricing.views import tariff
from chalicelib.records.chargers import Admission, Charger, Plug, Site
from chalicelib.services.access import operators_own
from chalicelib.wiring import network

operators = Blueprint(__name__)

_PAGING = Paging(usual=100)
_ID: TypeAdapter[str] = TypeAdapter(Id)
_CHARGER_ID: TypeAdapter[str] = TypeAdapter(ChargerId)


def _tariff_before(request: Request) -> object:
    tariff_id = request.path["tariff_id"]
    return operators_own(network().tariffs.get(tariff_id), request.operator_id, f"tariff {tariff_id}")


def _site_before(request: Request) -> object:
    site_id = request.path["site_id"]
    return operators_own(network().sites.get(site_id), request.operator_id, f"site {site_id}")


def _charger_before(request: Request) -> object:
    charger_id = request.path["charger_id"]
    known = operators_own(network().chargers.get(charger_id), request.operator_id, f"charger {charger_id}")
    return views.registered(known)


@endpoint(
    operators,
    "PUT",
    "/v1/operator/tariffs/{tariff_id}",
    takes=TariffBody,
    status=204,
    errors=(400, 409),
    needs=Scope.TARIFFS_WRITE,
    reads=_tariff_before,
    sites=SiteRule.ALL,
)
def put_tariff(request: Request) -> Answer:
    """Set a tariff. Sessions under way keep the prices they began with."""
    tariff_id = _checked(request, "tariff_id", _ID)
    try:
        network().registry.put_tariff(tariff(tariff_id, request.operator_id, request.body))
    except ValueError as error:
        raise BadRequest(str(error), "elements") from None
    return Answer()


@endpoint(
    operators,
    "PUT",
    "/v1/operator/sites/{site_id}",
    takes=SiteBody,
    status=204,
    errors=(400, 404, 409),
    needs=Scope.SITES_WRITE,
    reads=_site_before,
)
def put_site(request: Request) -> Answer:
    """Register a site, or change it: its address, place, tariff and time zone."""
    body: SiteBody = request.body
    network().registry.put_site(
        Site(
            site_id=_checked(request, "site_id", _ID),
            operator_id=request.operator_id,
            opening_hours=opening_hours(body.opening_hours) if body.opening_hours else None,
            **body.model_dump(mode="python", exclude={"opening_hours"}),
        )
    )
    return Answer()


@endpoint(
    operators,
    "PUT",
    "/v1/operator/chargers/{charger_id}",
    takes=ChargerBody,
    status=204,
    errors=(400, 404, 409),
    needs=Scope.CHARGERS_WRITE,
    reads=_charger_before,
    makes=True,
    stands_at=lambda body: str(body.site_id),
)
def put_charger(request: Request) -> Answer:
    """Register a charger, or change it; without a password it keeps the one it has."""
    body: ChargerBody = request.body
    charger_id = _checked(request, "charger_id", _CHARGER_ID)
    charger = Charger(
        charger_id=charger_id,
        operator_id=request.operator_id,
        site_id=body.site_id,
        password_hash="",
        connectors=tuple(ConnectorId.parse(connector) for connector in body.connectors),
        security_profile=body.security_profile,
        admission=Admission.BLOCKED if body.blocked else Admission.ACCEPTED,
        keeps_list=body.keeps_list,
        has_main_meter=body.has_main_meter,
        has_card_terminal=body.has_card_terminal,
        plugs=tuple(Plug(ConnectorId.parse(it.connector), it.kind, it.max_power_w) for it in body.plugs),
    )
    had_been_pending = network().registry.put_charger(charger, body.password)
    network().provisioning.doubted(charger_id)
    if had_been_pending and not body.blocked:
        network().remote_control.welcome(charger_id)
    return Answer()


@endpoint(
    operators,
    "GET",
    "/v1/operator/chargers",
    answers=RegisteredChargers,
    errors=(400,),
    query=_PAGING.query,
    needs=Scope.CHARGERS_READ,
    sites=SiteRule.LISTS,
)
def list_chargers(request: Request) -> RegisteredChargers:
    """The operator's chargers, as registered, in the order of their ids."""
    found, cursor = network().site_guard.page(
        request.principal,
        lambda limit, after: network().registry.page(request.operator_id, limit, after),
        lambda it: it.site_id,
        *_PAGING.asked(request),
    )
    return RegisteredChargers(items=[views.registered(it) for it in found], next_cursor=cursor)


def _checked(request: Request, name: str, form: TypeAdapter[str]) -> str:
    try:
        return form.validate_python(request.path[name])
    except ValidationError as error:
        raise BadRequest(f"{name}: {error.errors()[0]['msg']}", name) from None
