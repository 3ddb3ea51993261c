"""What a change costs by how much is stored: each route that is no GET, at several sizes of it all.

Every route of the app's table that is not left out by name is asked, with the example of its own document or as
`SAID` has it, and is to do its work. What it wrote is taken back, so that each finds the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import Any

import app as switchboard
from benchmarks.grown_world import ADMIN, FIRST, OWNER, PAID, Journal, populate, reservation
from benchmarks.growth import Look, look_at
from chalicelib.domain.chargers.events import ConnectorId, ConnectorStatus
from chalicelib.domain.chargers.watches import Watch
from chalicelib.domain.charging.session import State
from chalicelib.domain.drivers import guest_id
from chalicelib.handlers.http.endpoint import ROUTES, Route
from chalicelib.records.access import TicketScope
from chalicelib.records.chargers import ConnectorState
from chalicelib.records.drivers import Token
from tests.access import things
from tests.access.door import Answered
from tests.access.things import DRIVER, FAR, NEAR, OWN, SITE_BODY, World, parameters, world
from tests.services.conftest import NOW

assert switchboard.app.app_name == "kerb"
CHARGER_ID, RUNNING = f"CP-{NEAR}", f"S-{NEAR}"
_OTHERS_SPOT = {"latitude": 53.6, "longitude": 10.1}


@dataclass(frozen=True, kw_only=True)
class Said:
    """What is said otherwise than by its document's example, by whom, and of what."""

    names: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    who: str = ""


_NOTHING = Said()
_OF_PAID = Said(names={"session_id": PAID})
# What stands for a name in a path or a body.
_NAMES = {
    "operator_id": OWN,
    "charger_id": CHARGER_ID,
    "card_id": "pm_1",
    "device_id": "device-1",
    "watch_id": "watch-1",
    "vehicle_id": "car-1",
    "reservation_id": "R-open",
    "currency": "EUR",
    "number": "1",
}


def _idle(made: World) -> Said:
    """Nothing of the driver's is under way."""
    for session_id in (FIRST, RUNNING, f"S-{FAR}", "S-rival"):
        known = made.kit.session(session_id)
        made.kit.sessions.save(known, replace(known, state=State.COMPLETED, ended_at=NOW))
    return _NOTHING


def _status(made: World, status: ConnectorStatus) -> Said:
    state = ConnectorState(connector=ConnectorId(1), status=status, status_at=NOW)
    made.kit.connectors.set_status(CHARGER_ID, state)
    return _NOTHING


def _free(made: World) -> Said:
    return _status(made, ConnectorStatus.AVAILABLE)


def _watch(made: World) -> Said:
    until = made.kit.clock() + timedelta(hours=1)
    watch = Watch(watch_id="watch-1", charger_id=CHARGER_ID, connector=None, created_at=NOW, until=until)
    made.kit.drivers.change(DRIVER, lambda it: replace(it, watches=(watch,)))
    return _NOTHING


def _reserved(made: World) -> Said:
    made.kit.reservations.add(reservation("R-open", made.kit.clock()))
    return _NOTHING


def _checkout(made: World) -> Said:
    _free(made)
    checkout, secret = made.kit.adhoc_payments.open(CHARGER_ID, ConnectorId(1))
    return Said(names={"checkout_id": checkout.checkout_id}, headers={"Checkout-Secret": secret})


def _paid_checkout(made: World) -> Said:
    said = _checkout(made)
    _asked(made, "POST", "/v1/adhoc/checkouts/{checkout_id}/pay", said)
    return said


def _refunded(made: World) -> Said:
    _asked(made, "POST", "/v1/operator/sessions/{session_id}/refund", _OF_PAID)
    return replace(_OF_PAID, names={**_OF_PAID.names, "number": f"C-{PAID}-1"})


def _business(made: World) -> Said:
    _asked(made, "PUT", "/v1/me/business")
    return _OF_PAID


def _invoiced(made: World) -> Said:
    _business(made)
    (issued,) = _asked(made, "POST", "/v1/sessions/{session_id}/invoice", _OF_PAID).body["items"]
    return replace(_OF_PAID, names={**_OF_PAID.names, "number": issued["number"]})


def _reviewed(made: World) -> Said:
    known = made.kit.session(RUNNING)
    made.kit.sessions.save(known, replace(known, review_until=made.kit.clock() + timedelta(days=1)))
    return _NOTHING


def _topped_up(made: World) -> Said:
    top_up_id = _asked(made, "POST", "/v1/me/wallets/{currency}/top-ups").body["top_up_id"]
    made.kit.driver_wallets.confirm(top_up_id, "pi_top_up", 2000)
    return _NOTHING


def _invited_to_fleet(made: World) -> Said:
    code, _ = made.kit.paying_organisations.invite(OWN, "fleet-own", "x")
    return Said(body={"code": code})


def _in_fleet(made: World) -> Said:
    _asked(made, "POST", "/v1/me/organisations", _invited_to_fleet(made))
    return _NOTHING


def _disputed(made: World) -> Said:
    _asked(made, "POST", "/v1/sessions/{session_id}/dispute", _OF_PAID)
    return _OF_PAID


def _guests(made: World) -> Said:
    guest, known = guest_id("checkout-1"), made.kit.session(PAID)
    made.kit.sessions.save(known, replace(known, driver_id=guest))
    until = made.kit.clock() + timedelta(days=1)
    return replace(_OF_PAID, query={"ticket": made.kit.tickets.issue(PAID, guest, until, TicketScope.RECEIPT)})


def _own_token(made: World) -> Said:
    made.kit.tokens.put(Token(uid="04AAAAAAAA", operator_id="", driver_id=DRIVER), NOW)
    return Said(names={"uid": "04AAAAAAAA"})


def _invited(made: World) -> Said:
    _asked(made, "POST", "/v1/operator/invitations", Said(body={"email": "d@example.com", "role": "support"}))
    post: Any = made.kit.invitation_mail
    return Said(body={"operator_id": OWN, "code": post.codes[-1]})


def _matched(made: World) -> Said:
    _asked(made, "PUT", "/v1/sessions/{session_id}/vehicle")
    return _NOTHING


def _as_shown(_: World) -> Said:
    return _NOTHING


def _moves(_: World) -> Said:
    return Said(body={**SITE_BODY, **_OTHERS_SPOT})


# How the world is made ready, or what is said, where a route would not do its work otherwise.
SAID: Mapping[str, Callable[[World], Said]] = {
    "DELETE /v1/me": _idle,
    # A car's place is shared with its maker; of one that has none nothing is shared.
    "PUT /v1/me/vehicles/{vehicle_id}/position": lambda _: Said(body={"sharing": "none"}),
    "DELETE /v1/me/cards/{card_id}": _idle,
    "DELETE /v1/me/watches/{watch_id}": _watch,
    "POST /v1/me/watches": lambda made: _status(made, ConnectorStatus.OCCUPIED),
    "POST /v1/reservations": _free,
    "POST /v1/reservations/{reservation_id}/extend": _reserved,
    "DELETE /v1/reservations/{reservation_id}": _reserved,
    "POST /v1/sessions/{session_id}/unlock": lambda _: _OF_PAID,
    "POST /v1/adhoc/checkouts": _free,
    "POST /v1/adhoc/checkouts/{checkout_id}/pay": _checkout,
    "PUT /v1/adhoc/checkouts/{checkout_id}/charging-preferences": _paid_checkout,
    "DELETE /v1/adhoc/checkouts/{checkout_id}": _paid_checkout,
    "POST /v1/sessions/{session_id}/receipt/link": lambda _: _OF_PAID,
    "POST /v1/sessions/{session_id}/refunds/{number}/link": _refunded,
    "POST /v1/sessions/{session_id}/invoice": _business,
    "POST /v1/sessions/{session_id}/invoice/{number}/link": _invoiced,
    "POST /v1/operator/sessions/{session_id}/refund": lambda _: _OF_PAID,
    "POST /v1/operator/sessions/{session_id}/energy": _reviewed,
    "POST /v1/me/wallets/{currency}/pay-outs": _topped_up,
    "POST /v1/me/organisations": _invited_to_fleet,
    "PUT /v1/me/organisations/{operator_id}": _in_fleet,
    "DELETE /v1/me/organisations/{operator_id}": _in_fleet,
    "POST /v1/sessions/{session_id}/dispute": lambda _: _OF_PAID,
    "DELETE /v1/sessions/{session_id}/dispute": _disputed,
    "POST /v1/receipts/{session_id}/dispute": _guests,
    "DELETE /v1/receipts/{session_id}/dispute": _guests,
    "PUT /v1/operator/sessions/{session_id}/dispute": _disputed,
    "DELETE /v1/me/tokens/{uid}": _own_token,
    # A driver says ten things a day of chargers, and this one has.
    "POST /v1/chargers/{charger_id}/fault-reports": lambda _: Said(who=OWNER),
    "POST /v1/me/operators": _invited,
    "PUT /v1/operator/sites/{site_id}": _moves,
    "DELETE /v1/sessions/{session_id}/vehicle": _matched,
}
LEFT_OUT: Mapping[str, str] = {
    "POST /v1/me/vehicles/links": "asks a maker, and keeps one row by a name of its own",
    "POST /v1/me/vehicles/callback": "asks a maker; a link by its name",
    "POST /v1/webhooks/cars/{maker}": "a maker's word of a car, which is found by the maker's name for it",
    "POST /v1/me/vehicles/{vehicle_id}/charge-now": "a car and its night by its name, and one command to its maker",
    "POST /v1/sessions/{session_id}/deposit": "a session by its name, and one question to a node",
}
# What does something with all of something, and what keeps that small.
GROWS: Mapping[str, str] = {
    "DELETE /v1/me": "as for each of their cars; all else that is much is forgotten afterwards",
    "DELETE /v1/me/vehicles/{vehicle_id}": "a driver's sessions that name the car: two calls for each hundred",
    "POST /v1/me/operators": "an operator's people, of whom there are 200 at the most",
    "POST /v1/operator/invitations": "an operator's invitations: 100 open ones, and those of 90 days",
    "POST /v1/operator/keys": "an operator's keys: 100 good ones, and those of 400 days",
    "POST /v1/platform/operators/{operator_id}/owners": "as an operator's own invitations",
}


def changes() -> list[Route]:
    """Every route that changes something, those left out left out."""
    return [it for it in ROUTES if it.method != "GET" and name_of(it) not in LEFT_OUT]


def name_of(route: Route) -> str:
    """Method and path."""
    return f"{route.method} {route.path}"


def _asked(made: World, method: str, path: str, said: Said = _NOTHING) -> Answered:
    (route,) = (it for it in ROUTES if (it.method, it.path) == (method, path))
    return _ask(made, route, said)


def _ask(made: World, route: Route, said: Said) -> Answered:
    known = things.ASKED.get(name_of(route))
    body, who = said.body, said.who or (OWNER if known else ADMIN if route.is_platforms else DRIVER)
    if body is None:
        body = known.said(NEAR) if known else _example(route)
    names = {**parameters(route.path, NEAR), **_NAMES, **said.names}
    headers = {"Idempotency-Key": "k", **({"Kerb-Operator": OWN} if known else {}), **said.headers}
    return made.door.ask(
        who,
        route.method,
        route.path,
        {name: it for name, it in names.items() if f"{{{name}}}" in route.path},
        body,
        headers,
        {**(known.query if known else {}), **said.query},
    )


def _status_of(made: World, route: Route, said: Said) -> int:
    return _ask(made, route, said).status


def _example(route: Route) -> Any:
    """The body that the document shows, of what is there."""
    if route.takes is None:
        return None
    shown: Any = route.takes.model_config.get("json_schema_extra") or {"examples": [{}]}
    body = shown["examples"][0]
    return body | {name: it for name, it in _NAMES.items() if name in body}


def looks(size: int) -> dict[str, Look]:
    """What each uses in a network of that size: first asked once, as by a process that knows its tables."""
    found: dict[str, Look] = {}
    with world() as made:
        populate(made, size)
        journal = Journal()
        for route in changes():
            found[name_of(route)] = _look(made, journal, route, SAID.get(name_of(route), _as_shown))
    return found


def _look(made: World, journal: Journal, route: Route, ready: Callable[[World], Said]) -> Look:
    """What the second time uses."""
    for _ in range(2):
        with journal.kept():
            said = ready(made)
            look = look_at(partial(_status_of, made, route, said))
    return look
