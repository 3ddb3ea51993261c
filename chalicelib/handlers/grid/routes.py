"""Routes of load balancing: an operator describes a site's tree, tells its load and limits, and sees it live."""

from __future__ import annotations

from dataclasses import asdict

from chalice import Blueprint
from pydantic import TypeAdapter, ValidationError

from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.domain.grid.tree import Conductor, Node, OperatorLimit, Port, PortId, SiteTree, Term
from chalicelib.handlers.grid import views
from chalicelib.handlers.grid.live_models import PowerView
from chalicelib.handlers.grid.models import GridBody, GridView, LimitBody, LoadBody, PreviewView
from chalicelib.handlers.http.endpoint import Answer, BadRequest, Request, Scope, endpoint
from chalicelib.handlers.http.fields import Id
from chalicelib.wiring import network

grids = Blueprint(__name__)

_SITE = "/v1/operator/sites/{site_id}"
_GRID, _LIMIT = _SITE + "/grid", _SITE + "/power-limits/{limit_id}"
_ID: TypeAdapter[str] = TypeAdapter(Id)


@endpoint(grids, "PUT", _GRID, takes=GridBody, status=204, errors=(400, 404, 409), needs=Scope.SITES_WRITE)
def put_grid(request: Request) -> Answer:
    """Describe a site's electric tree: from now on its power is shared out among its cars.

    Chargers are told within seconds; whoever charges there already claims power from then on.
    """
    body: GridBody = request.body
    network().site_grids.describe(request.operator_id, _tree(request), body.meter_charger_id)
    return Answer()


@endpoint(grids, "GET", _GRID, answers=GridView, errors=(404,), needs=Scope.POWER_READ)
def get_grid(request: Request) -> GridView:
    """A site's electric tree, as described."""
    return views.grid(network().site_grids.described(request.operator_id, request.path["site_id"]))


@endpoint(grids, "DELETE", _GRID, status=204, errors=(404,), needs=Scope.SITES_WRITE)
def delete_grid(request: Request) -> Answer:
    """Share out a site's power no more. What its chargers were told last stays with them until it ends."""
    network().site_grids.forget(request.operator_id, request.path["site_id"])
    return Answer()


@endpoint(
    grids,
    "POST",
    _GRID + "/preview",
    takes=GridBody,
    answers=PreviewView,
    errors=(400, 404, 409),
    needs=Scope.SITES_WRITE,
)
def preview_grid(request: Request) -> PreviewView:
    """What a tree would ask of each of its nodes at worst, at least, and in silence; nothing is kept."""
    body: GridBody = request.body
    return views.previewed(network().site_grids.preview(request.operator_id, _tree(request), body.meter_charger_id))


@endpoint(grids, "POST", _SITE + "/load", takes=LoadBody, status=204, errors=(404, 409), needs=Scope.POWER_WRITE)
def post_load(request: Request) -> Answer:
    """Tell what the building takes beside the cars. Told again within two minutes, else its worst case counts."""
    body: LoadBody = request.body
    network().site_grids.tell_load(request.operator_id, request.path["site_id"], body.load_ma, body.at)
    return Answer()


def _limit_before(request: Request) -> object:
    site_id, limit_id = request.path["site_id"], request.path["limit_id"]
    known = network().site_grids.state(request.operator_id, site_id)
    return next((asdict(it.limit) for it in known.limits if it.limit_id == limit_id), None)


@endpoint(
    grids,
    "PUT",
    _LIMIT,
    takes=LimitBody,
    status=204,
    errors=(400, 404, 409),
    needs=Scope.POWER_WRITE,
    reads=_limit_before,
)
def put_limit(request: Request) -> Answer:
    """Let a site, or one node of it, take no more than that for a time. Said again, it is changed."""
    body: LimitBody = request.body
    limit = OperatorLimit(**body.model_dump())
    try:
        limit_id = _ID.validate_python(request.path["limit_id"])
    except ValidationError as error:
        raise BadRequest(f"limit_id: {error.errors()[0]['msg']}", "limit_id") from None
    network().site_grids.limit(request.operator_id, request.path["site_id"], limit_id, limit, request.principal.name)
    return Answer()


@endpoint(grids, "DELETE", _LIMIT, status=204, errors=(404,), needs=Scope.POWER_WRITE, reads=_limit_before)
def delete_limit(request: Request) -> Answer:
    """Take a limit away before its time."""
    network().site_grids.lift(request.operator_id, request.path["site_id"], request.path["limit_id"])
    return Answer()


@endpoint(grids, "GET", _SITE + "/power", answers=PowerView, errors=(404,), needs=Scope.POWER_READ)
def get_power(request: Request) -> PowerView:
    """A site's power now: limits, grants, what is drawn, the building's load, and what holds each port back."""
    now = network().clock()
    return views.power(network().site_grids.state(request.operator_id, request.path["site_id"]), now)


def _tree(request: Request) -> SiteTree:
    body: GridBody = request.body
    ports = tuple(
        Port(
            port_id=PortId(it.charger_id, ConnectorId.parse(it.connector)),
            **it.model_dump(exclude={"charger_id", "connector"}),
        )
        for it in body.ports
    )
    return SiteTree(
        site_id=request.path["site_id"],
        nodes=tuple(Node(**it.model_dump()) for it in body.nodes),
        ports=ports,
        conductors=tuple(
            Conductor(
                conductor_id=conductor.conductor_id,
                limit_ma=conductor.limit_ma,
                terms=tuple(
                    Term(PortId(it.charger_id, ConnectorId.parse(it.connector)), it.weight, it.angle_deg)
                    for it in conductor.terms
                ),
            )
            for conductor in body.conductors
        ),
        reserve_ma=body.reserve_ma,
        worst_load_ma=body.worst_load_ma,
        floor_w=body.floor_w,
        switches_phases=body.switches_phases,
        proves_firmware=body.proves_firmware,
    )
