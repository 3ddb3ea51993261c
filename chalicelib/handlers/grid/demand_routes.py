"""Routes of demand response: an operator asks its sites for less, says what each agreed to, and sees what came of it.

The queue beside them has each event reach its sites.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from chalice import Blueprint
from chalice.app import SQSEvent
from pydantic import TypeAdapter, ValidationError

from chalicelib.domain.grid.delivery import QuarterDelivery
from chalicelib.domain.grid.demand_response import AskedInterval, Contract, DemandEvent, DemandTarget, SiteDemand
from chalicelib.handlers.grid.demand_models import (
    ContractBody,
    ContractView,
    DemandReportView,
    EventBody,
    EventPage,
    EventView,
    IntervalView,
    QuarterView,
    SiteDeliveryView,
    UtilityLinkBody,
    UtilityLinkView,
)
from chalicelib.handlers.http.endpoint import Answer, BadRequest, Request, Scope, SiteRule, endpoint
from chalicelib.handlers.http.fields import Id
from chalicelib.handlers.http.paging import Paging
from chalicelib.records.grid import UtilityLink
from chalicelib.records.pages import cursor_at, place_at
from chalicelib.wiring import network

demands = Blueprint(__name__)

QUEUE = "demand-response"
_EVENTS = "/v1/operator/demand-response/events"
_EVENT = _EVENTS + "/{event_id}"
_SERVER = "/v1/operator/demand-response/openadr"
_CONTRACT = "/v1/operator/sites/{site_id}/demand-response"
_PAGING, _SITES = Paging(), Paging(usual=100, largest=1000)
_ID: TypeAdapter[str] = TypeAdapter(Id)


@demands.on_sqs_message(queue=QUEUE, name="demand_response", batch_size=1)
def demand_response(event: SQSEvent) -> None:
    """Find the sites that an event is for, or write it at some of them and have those looked at at once.

    Or have utilities' servers asked for events, between one minute and the next.
    """
    for message in event:
        told = json.loads(message.body)
        desk = network().demand_response
        if "servers_until" in told:
            network().utilities.ask_all(datetime.fromisoformat(told["servers_until"]))
        elif "sites" in told:
            desk.reach(told["operator"], told["event"], told["rated_w"], told["sites"])
        else:
            desk.find_sites(told["operator"], told["event"])


@endpoint(demands, "GET", _EVENT, answers=EventView, errors=(404,), needs=Scope.POWER_READ, sites=SiteRule.ALL)
def get_demand_event(request: Request) -> EventView:
    """A demand response event, as it was told last."""
    return _event(network().demand_response.event(request.operator_id, request.path["event_id"]))


@endpoint(
    demands,
    "PUT",
    _EVENT,
    takes=EventBody,
    answers=EventView,
    errors=(400, 409),
    needs=Scope.POWER_WRITE,
    sites=SiteRule.ALL,
)
def put_demand_event(request: Request) -> EventView:
    """Ask sites that agreed to it to take less for a time. Said again it changes nothing, or what it asks for.

    All that take part are lowered within a minute. Where events overlap the strictest holds.
    """
    body: EventBody = request.body
    try:
        event_id = _ID.validate_python(request.path["event_id"])
    except ValidationError as error:
        raise BadRequest(f"event_id: {error.errors()[0]['msg']}", "event_id") from None
    asked = [AskedInterval(begins_at=it.begins_at, ends_at=it.ends_at, ask=it.ask) for it in body.intervals]
    event = DemandEvent(
        event_id=event_id,
        operator_id=request.operator_id,
        program=body.program,
        intervals=tuple(sorted(asked, key=lambda it: it.begins_at)),
        target=DemandTarget(site_ids=frozenset(body.site_ids), areas=frozenset(body.areas)),
        random_start_s=body.random_start_s,
        told_at=network().clock(),
        told_by=request.principal.name,
    )
    return _event(network().demand_response.tell(event))


@endpoint(demands, "DELETE", _EVENT, answers=EventView, errors=(404, 409), needs=Scope.POWER_WRITE, sites=SiteRule.ALL)
def delete_demand_event(request: Request) -> EventView:
    """Cancel an event. What it holds is given back within ten minutes, by each site at a moment of its own."""
    return _event(network().demand_response.cancel(request.operator_id, request.path["event_id"]))


@endpoint(
    demands,
    "GET",
    _EVENTS,
    answers=EventPage,
    errors=(400,),
    query=_PAGING.query,
    needs=Scope.POWER_READ,
    sites=SiteRule.ALL,
)
def list_demand_events(request: Request) -> EventPage:
    """Demand response events by their ids, the last first; kept for 400 days after their end."""
    found, cursor = network().demand_response.page(request.operator_id, *_PAGING.asked(request))
    return EventPage(items=[_event(it) for it in found], next_cursor=cursor)


@endpoint(
    demands,
    "GET",
    _EVENT + "/report",
    answers=DemandReportView,
    errors=(400, 404),
    query=_SITES.query,
    needs=Scope.POWER_READ,
    sites=SiteRule.ALL,
)
def get_demand_report(request: Request) -> DemandReportView:
    """What an event delivered so far by quarters of an hour: in all, and site by site."""
    limit, cursor = _SITES.asked(request)
    after = str(place_at(cursor, str)[0]) if cursor is not None else None
    found = network().demand_response.report(request.operator_id, request.path["event_id"], limit, after)
    return DemandReportView(
        event_id=found.event.event_id,
        quarters=_quarters(found.total),
        sites=[SiteDeliveryView(site_id=site_id, quarters=_quarters(it)) for site_id, it in found.sites],
        site_count=found.site_count,
        next_cursor=cursor_at([found.next_site]) if found.next_site is not None else None,
    )


@endpoint(demands, "GET", _SERVER, answers=UtilityLinkView, errors=(404,), needs=Scope.POWER_READ, sites=SiteRule.ALL)
def get_utility_link(request: Request) -> UtilityLinkView:
    """The utility's OpenADR 3 server that events come from, and what it said; never the secret."""
    link, news = network().utilities.linked(request.operator_id)
    return UtilityLinkView(
        url=link.url,
        version=link.version,
        client_id=link.client_id,
        ven_name=link.ven_name,
        token_url=link.token_url,
        programs=list(link.programs),
        heard_at=news.heard_at,
        fault=news.fault,
        events=[it.told_as for it in news.heard if it.is_demand],
    )


@endpoint(
    demands,
    "PUT",
    _SERVER,
    takes=UtilityLinkBody,
    status=204,
    errors=(400,),
    needs=Scope.POWER_WRITE,
    sites=SiteRule.ALL,
)
def put_utility_link(request: Request) -> Answer:
    """Have events come from a utility's OpenADR 3 server, which is asked each 20 s."""
    body: UtilityLinkBody = request.body
    link = UtilityLink(operator_id=request.operator_id, **body.model_dump())
    try:
        network().utilities.link(link)
    except ValueError as error:
        raise BadRequest(str(error), "url") from None
    return Answer()


@endpoint(
    demands,
    "DELETE",
    _SERVER,
    status=204,
    errors=(404,),
    needs=Scope.POWER_WRITE,
    sites=SiteRule.ALL,
)
def delete_utility_link(request: Request) -> Answer:
    """Ask it no more. What it asked of sites is cancelled."""
    network().utilities.unlink(request.operator_id)
    return Answer()


@endpoint(demands, "GET", _CONTRACT, answers=ContractView, errors=(404,), needs=Scope.POWER_READ)
def get_demand_contract(request: Request) -> ContractView:
    """What a site agreed to."""
    return _contract(network().demand_response.contract(request.operator_id, request.path["site_id"]))


@endpoint(demands, "PUT", _CONTRACT, takes=ContractBody, answers=ContractView, errors=(404,), needs=Scope.SITES_WRITE)
def put_demand_contract(request: Request) -> ContractView:
    """A managed site takes part in demand response, from the next event on that is told."""
    body: ContractBody = request.body
    contract = Contract(
        site_id=request.path["site_id"],
        operator_id=request.operator_id,
        signed_at=network().clock(),
        programs=frozenset(body.programs),
        areas=frozenset(body.areas),
        level_permille=body.level_permille,
        floor_w=body.floor_w,
    )
    return _contract(network().demand_response.sign(request.operator_id, contract))


@endpoint(demands, "DELETE", _CONTRACT, status=204, errors=(404,), needs=Scope.SITES_WRITE)
def delete_demand_contract(request: Request) -> Answer:
    """A site takes part no more, and not in what is under way either."""
    network().demand_response.leave(request.operator_id, request.path["site_id"])
    return Answer()


def _at_site(request: Request) -> SiteDemand | None:
    """The event as it stands at its site."""
    state = network().site_grids.state(request.operator_id, request.path["site_id"])
    return next((it for it in state.demands if it.event_id == request.path["event_id"]), None)


@endpoint(
    demands,
    "PUT",
    _CONTRACT + "/{event_id}/opt-out",
    status=204,
    errors=(404,),
    needs=Scope.POWER_WRITE,
    reads=_at_site,
)
def put_opt_out(request: Request) -> Answer:
    """A site takes part in an event no more; what that held is given back. Others are as before."""
    network().demand_response.opt_out(request.operator_id, request.path["site_id"], request.path["event_id"])
    return Answer()


def _contract(found: Contract) -> ContractView:
    return ContractView(
        site_id=found.site_id,
        programs=sorted(found.programs),
        areas=sorted(found.areas),
        level_permille=found.level_permille,
        floor_w=found.floor_w,
        rated_w=found.rated_w,
        signed_at=found.signed_at,
    )


def _event(it: DemandEvent) -> EventView:
    return EventView(
        event_id=it.event_id,
        program=it.program,
        intervals=[
            IntervalView(
                begins_at=asked.begins_at,
                ends_at=asked.ends_at,
                kind=asked.ask.kind,
                level=asked.ask.level,
                permille=asked.ask.permille,
                power_w=asked.ask.power_w,
            )
            for asked in it.intervals
        ],
        site_ids=sorted(it.target.site_ids),
        areas=sorted(it.target.areas),
        random_start_s=it.random_start_s,
        source=it.source,
        revision=it.revision,
        told_at=it.told_at,
        told_by=it.told_by,
        cancelled_at=it.cancelled_at,
    )


def _quarters(found: Sequence[QuarterDelivery]) -> list[QuarterView]:
    return [
        QuarterView(begins_at=it.begins_at, baseline_w=it.baseline_w, drawn_w=it.drawn_w, delivered_w=it.delivered_w)
        for it in found
    ]
