"""Routes for a driver's sessions, with a live view that an ordinary browser can follow."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime

from chalice import Blueprint

from chalicelib.domain.chargers.commands import Verdict
from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.domain.charging.limits import Limits
from chalicelib.domain.charging.session import State
from chalicelib.handlers.http.caller import caller_of
from chalicelib.handlers.http.endpoint import KEY_FORM, Answer, BadRequest, Request, endpoint
from chalicelib.handlers.http.paging import Paging
from chalicelib.handlers.sessions import views
from chalicelib.handlers.sessions.live import END, events_of
from chalicelib.handlers.sessions.models import Curve, NewSession, SessionPage, SessionView, Statement, UnlockView
from chalicelib.handlers.sessions.preference_models import (
    ChargingPreferencesBody,
    ChargingPreferencesView,
    UsualPreferencesBody,
    UsualPreferencesView,
    preferences_of,
    usual_of,
    usual_view,
)
from chalicelib.records.drivers import NotAllowed
from chalicelib.services.at_once import together
from chalicelib.services.sessions.driver_sessions import Filter, Month, Wanted
from chalicelib.services.sessions.progress import Progress, progress
from chalicelib.wiring import network

sessions = Blueprint(__name__)

_PAGING = Paging()
_USUAL = "/v1/me/charging-preferences"
_UNLOCK_WAIT_S = 10
_POINTS, _MOST_POINTS = 200, 500
_NUMBER = re.compile(r"[0-9]{1,4}")
_MONTH = re.compile(r"(20[0-9]{2})-(0[1-9]|1[0-2])")
# A start and an end are waited for; what a charge tells, a minute apart, is seen within ten seconds all the same, and
# whoever asks costs (docs/adr/0014-cost.md).
_RETRY_MS, CHARGING_RETRY_MS = 2_000, 8_000
_SINCE = "where the client left off: the id of the last event it saw"


@endpoint(
    sessions,
    "POST",
    "/v1/sessions",
    takes=NewSession,
    answers=SessionView,
    status=201,
    also={200: "This request was made before: its session"},
    errors=(402, 403, 404, 409, 429, 503),
    headers={"Idempotency-Key": f"makes a repeated request the same session ({KEY_FORM})"},
)
def begin(request: Request) -> Answer:
    """Begin a session, or see again the one that the same Idempotency-Key began."""
    body: NewSession = request.body
    limits = Limits(**body.limits.model_dump()) if body.limits else None
    preferences = preferences_of(body.preferences, network().clock()) if body.preferences else None
    wanted = Wanted(body.charger_id, ConnectorId.parse(body.connector), limits, preferences)
    session, is_new = network().driver_sessions.begin(request.driver_id, wanted, request.idempotency_key, body.pays)
    shown = _shown(request, progress(session))
    return Answer(shown, 201 if is_new else 200, {"Location": f"/v1/sessions/{session.session_id}"})


@endpoint(
    sessions,
    "GET",
    "/v1/sessions",
    answers=SessionPage,
    errors=(400,),
    query={
        "state": f"one of {', '.join(State)}",
        "charger": "at this charger only",
        "site": "at this site only",
        "from": "asked for no sooner than that, RFC 3339",
        "to": "... and before that",
        **_PAGING.query,
    },
)
def page(request: Request) -> SessionPage:
    """The caller's sessions, newest first. Where few fit, a page may be short, and go on all the same."""
    found, cursor = network().driver_sessions.page(request.driver_id, *_PAGING.asked(request), _filter(request))
    return SessionPage(items=views.page(found, issued_s=request.issued_s), next_cursor=cursor)


@endpoint(sessions, "GET", "/v1/sessions/{session_id}", answers=SessionView, errors=(404,))
def watch(request: Request) -> SessionView:
    """One of the caller's sessions, as far as it has come."""
    known = network().driver_sessions
    session = known.get(request.driver_id, request.path["session_id"])
    so_far, site = together(lambda: known.so_far(session), lambda: views.sites_of(session))
    return views.session(so_far, site, issued_s=request.issued_s)


@endpoint(
    sessions,
    "GET",
    "/v1/sessions/{session_id}/curve",
    answers=Curve,
    errors=(404,),
    query={"points": f"2 to {_MOST_POINTS}, {_POINTS} if left out"},
)
def curve(request: Request) -> Curve:
    """How a charge went: energy, power and state of charge over time."""
    text = request.query.get("points", str(_POINTS))
    if not _NUMBER.fullmatch(text) or not 2 <= int(text) <= _MOST_POINTS:
        raise BadRequest(f"points must be a number from 2 to {_MOST_POINTS}", "points")
    session, readings = network().driver_sessions.curve(request.driver_id, request.path["session_id"], int(text))
    return Curve(session_id=session.session_id, points=[views.curve_point(session, it.reading) for it in readings])


@endpoint(sessions, "GET", "/v1/me/statements/{month}", answers=Statement, errors=(400,))
def statement(request: Request) -> Statement:
    """The caller's sessions of a month (YYYY-MM, UTC), and what they come to by currency."""
    found = _MONTH.fullmatch(request.path["month"])
    if found is None:
        raise BadRequest("month must be YYYY-MM", "month")
    month = Month(int(found[1]), int(found[2]))
    return views.statement(request.path["month"], *network().driver_sessions.statement(request.driver_id, month))


@endpoint(
    sessions,
    "PUT",
    "/v1/sessions/{session_id}/charging-preferences",
    takes=ChargingPreferencesBody,
    answers=ChargingPreferencesView,
    errors=(400, 404, 409),
)
def prefer(request: Request) -> ChargingPreferencesView:
    """Say when the car is to be ready, and with how much, in place of what was said before; the answer says what of it.

    Within seconds the session shows what that comes to; its site's plan follows within a quarter of an hour.
    """
    said = preferences_of(request.body, network().clock())
    session = network().driver_preferences.prefer(request.driver_id, request.path["session_id"], said)
    return views.preferences(session, said)


@endpoint(sessions, "GET", _USUAL, answers=UsualPreferencesView, errors=(404,))
def usual_preferences(request: Request) -> UsualPreferencesView:
    """How the caller usually wants to charge."""
    return UsualPreferencesView(items=usual_view(network().accounts.driver(request.driver_id).usual))


@endpoint(sessions, "PUT", _USUAL, takes=UsualPreferencesBody, status=204, errors=(404,))
def prefer_usually(request: Request) -> Answer:
    """Say how to charge in sessions to come, by app or by card, of which nothing else is said; nothing: no items."""
    network().driver_profile.prefer(request.driver_id, usual_of(request.body))
    return Answer()


@endpoint(sessions, "DELETE", "/v1/sessions/{session_id}", answers=SessionView, status=202, errors=(404, 409))
def end(request: Request) -> SessionView:
    """Ask for the session's end; asking again changes nothing."""
    return _shown(request, network().driver_sessions.end(request.driver_id, request.path["session_id"]))


@endpoint(sessions, "POST", "/v1/sessions/{session_id}/unlock", answers=UnlockView, errors=(404, 409))
def unlock(request: Request) -> UnlockView:
    """Have the connector let go of the cable after the session; the charger's answer is waited for a little."""
    result = network().cable_release.unlock(request.driver_id, request.path["session_id"], _UNLOCK_WAIT_S).result
    if result is None:
        return UnlockView(is_unlocked=None, detail="")
    return UnlockView(is_unlocked=result.verdict is Verdict.ACCEPTED, detail=result.detail)


@endpoint(
    sessions,
    "GET",
    "/v1/sessions/{session_id}/live",
    needs_login=False,
    also={204: "The end was told before; an EventSource stops asking"},
    errors=(400, 401, 404),
    content_type="text/event-stream",
    headers={"Last-Event-ID": _SINCE},
    query={"ticket": "from live_url; an Authorization header does as well", "last_event_id": _SINCE},
)
def live(request: Request) -> Answer:
    """Follow a session with EventSource.

    API Gateway cannot stream, so each answer is finite: what is new since Last-Event-ID, and when to ask again. An
    EventSource does that by itself, and stops at the 204 that follows the `end` event.
    """
    session_id = request.path["session_id"]
    seen = request.headers.get("last-event-id") or request.query.get("last_event_id", "")
    driver_id = _watcher(request, session_id)
    if seen == END:
        network().driver_sessions.get(driver_id, session_id)
        return Answer(status=204)
    try:
        steps, may_be_more = network().driver_sessions.since(driver_id, session_id, seen.partition("|")[0])
    except ValueError as error:
        raise BadRequest(str(error), "Last-Event-ID") from None
    return Answer("".join(_stream(steps, seen, may_be_more)), headers={"Cache-Control": "no-store"})


def _watcher(request: Request, session_id: str) -> str:
    if ticket := request.query.get("ticket"):
        shown = network().tickets.read(ticket, network().clock())
        if shown.session_id != session_id:
            raise NotAllowed("this ticket is not valid")
        network().accounts.check(shown.driver_id, shown.issued_s)
        return shown.driver_id
    if authorization := request.headers.get("authorization"):
        return caller_of(authorization).driver_id
    raise NotAllowed("send a ticket (see live_url) or an Authorization header")


def _filter(request: Request) -> Filter:
    state = request.query.get("state")
    if state is not None and state not in set(State):
        raise BadRequest(f"state must be one of {', '.join(State)}", "state")
    return Filter(
        state=State(state) if state is not None else None,
        charger_id=request.query.get("charger"),
        site_id=request.query.get("site"),
        since=_time(request, "from"),
        until=_time(request, "to"),
    )


def _time(request: Request, name: str) -> datetime | None:
    text = request.query.get(name)
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise BadRequest(f"{name} must be a time with its offset, such as 2026-11-21T09:30:00Z", name)
    return at


def _shown(request: Request, found: Progress) -> SessionView:
    return views.session(found, views.sites_of(found.session), issued_s=request.issued_s)


def _stream(steps: Sequence[Progress], seen: str, may_be_more: bool) -> Iterator[str]:
    """HTML Standard §9.2.5: fields a line each, an empty line ends an event."""
    is_calm = steps[-1].session.state is State.ACTIVE and not may_be_more
    yield f"retry: {CHARGING_RETRY_MS if is_calm else _RETRY_MS}\n\n"
    for it in events_of(steps, seen, may_be_more=may_be_more):
        yield f"event: {it.name}\nid: {it.event_id}\ndata: {it.data}\n\n"
