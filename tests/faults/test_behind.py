"""What a request leaves to others to do is done to its end, and looks right meanwhile, whatever one call does.

A site moves, twice; a driver leaves. Every call of the request, and of whoever goes on with it, fails, is lost, is
repeated, kills its Lambda, is overtaken, or held up.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest

from chalicelib import wiring
from chalicelib.adapters.tables import TABLES, PlaceRow, SessionRow
from chalicelib.domain.chargers.events import ConnectorStatus
from chalicelib.domain.chargers.fault_report import FaultKind, FaultReport
from chalicelib.domain.chargers.geography import GeoPoint
from chalicelib.domain.charging.session import Origin
from chalicelib.domain.notifications import Notification, NotificationKind
from chalicelib.domain.pricing.rating import planned, price
from chalicelib.records.chargers import Charger, ConnectorState, Site
from chalicelib.records.drivers import Token
from tests.domain.charging.test_refunds import TARIFF as PAID_TARIFF
from tests.domain.charging.test_refunds import paid
from tests.faults.injector import Injector, Kind, Seen
from tests.faults.permissions import forbidden
from tests.faults.provider import Intent
from tests.faults.stories import DRIVER, ONE, PREPAID, STORIES
from tests.faults.world import NOON, Network, World, network

MINUTES = 10
# Another begins at another call, so that in time all are met; `EVERY = 1` meets all at once, in some minutes.
EVERY = 61
HERE = Site(
    site_id="harbour",
    operator_id="op",
    name="Harbour",
    address="Quay 1",
    time_zone="Europe/Berlin",
    tariff_id="standard",
    latitude=53.5,
    longitude=9.9,
)
THERE, AT_LAST = replace(HERE, latitude=54.5), replace(HERE, latitude=55.5, address="Pier 1")
CHARGERS = ("CP-1", "CP-2")


@dataclass(frozen=True)
class Story:
    """`prepare` is done once, `play` says who asks for what and when, `broken` what does not hold at the end."""

    prepare: Callable[[], None]
    play: Callable[[World], None]
    broken: Callable[[World], Iterator[str]]
    schedule: str


def _in_turn(work: Callable[[Any], object], things: Sequence[Any]) -> None:
    for it in things:
        work(it)


@pytest.fixture(scope="module")
def net() -> Iterator[Network]:
    logging.disable(logging.CRITICAL)
    with (
        network() as made,
        patch("chalicelib.services.chargers.relocation.at_once", _in_turn),
        patch("chalicelib.services.drivers.account_deletion.at_once", _in_turn),
    ):
        yield made
    logging.disable(logging.NOTSET)


def told(net: Network, name: str, plan: dict[int, Kind], *, is_patient: bool = True) -> tuple[list[str], list[Seen]]:
    """What does not hold when the story is over, and all calls of it."""
    story, injector = BEHIND[name], Injector(plan)
    world = World(injector)
    world.identities.add(DRIVER)
    world.is_patient = is_patient
    net.begin(world, name, story.prepare)
    injector.armed = True
    story.play(world)
    for minute in range(1, MINUTES + 1):
        world.run_until(NOON + timedelta(minutes=minute))
        world.fire(story.schedule)
    world.run_until(world.now() + timedelta(minutes=1))
    injector.armed = False
    return [*story.broken(world), *forbidden(injector.seen)], injector.seen


# A site moves.


def _a_site() -> None:
    STORIES["app-201"].prepare()
    kerb = wiring.network()
    kerb.sites.put(HERE)
    kerb.places.describe(HERE)
    for charger_id in CHARGERS:
        kerb.registry.put_charger(
            Charger(
                charger_id=charger_id,
                operator_id="op",
                site_id=HERE.site_id,
                password_hash="",
                connectors=(ONE,),
                security_profile=0,
            ),
            None,
        )


def _shown(site: Site) -> list[tuple[str, str, ConnectorStatus | None]]:
    spot = site.spot or GeoPoint(0, 0)
    return [(it.charger_id, it.address, it.statuses.get("1")) for _, it in wiring.network().places.near(spot, 0, 500)]


def _move(world: World, site: Site) -> None:
    def moved(_: Any) -> None:
        with world.aside():
            found = {it: _shown(it) for it in (HERE, THERE, AT_LAST)}
        assert {name for name, *_ in found.pop(site)} == {*CHARGERS}
        assert not any(found.values()), "at once, and nowhere else"

    world.ask("move", lambda: wiring.network().registry.put_site(site), moved)


def _occupy(world: World, charger_id: str) -> None:
    """Whatever else goes wrong, this goes well: its faults are another story's."""
    with world.aside():
        charger = wiring.network().chargers.get(charger_id)
        state = ConnectorState(connector=ONE, status=ConnectorStatus.OCCUPIED, status_at=world.now())
        changed = wiring.network().connectors.set_status(charger_id, state)
        place = changed.place if changed is not None else None
        wiring.network().places.set_status(place or (charger and charger.place) or "", ONE, ConnectorStatus.OCCUPIED)


def _moves(world: World) -> None:
    world.after(5, lambda: _move(world, THERE))
    world.after(5.05, lambda: _occupy(world, "CP-1"))
    world.after(100, lambda: _move(world, AT_LAST))
    world.after(200, lambda: _occupy(world, "CP-2"))


def _not_moved(world: World) -> Iterator[str]:
    known = wiring.network().sites.get(HERE.site_id)
    if known != AT_LAST:
        yield f"the site is at {known}"
    found = sorted(_shown(AT_LAST))
    if found != [(it, AT_LAST.address, ConnectorStatus.OCCUPIED) for it in CHARGERS]:
        yield f"there is {found}"
    if any(_shown(it) for it in (HERE, THERE)):
        yield "something is shown where the site was"
    if len(rows := list(PlaceRow.scan())) != len(CHARGERS) + 1:
        yield f"there are rows {[(it.area, it.cell) for it in rows]}"
    for charger_id in CHARGERS:
        charger = wiring.network().chargers.get(charger_id)
        if charger is None or charger.place not in {f"{it.area}/{it.cell}" for it in rows}:
            yield f"{charger_id} is said to be elsewhere"


# A driver leaves.


def _a_driver() -> None:
    STORIES["wallet-201"].prepare()
    kerb = wiring.network()
    for number in range(3):
        session = replace(
            paid(price(PAID_TARIFF, planned(NOON, 2_000, 3_600), "UTC")),
            session_id=f"KOLD{number:017}",
            driver_id=DRIVER,
            created_at=NOON,
            origin=Origin.APP if number else Origin.CHARGER,
            ref="ref-1",
        )
        assert kerb.sessions.add(session)
    kerb.tokens.put(Token(uid="AAAA0001", operator_id="", driver_id=DRIVER), NOON)
    notice = Notification(
        kind=NotificationKind.RECEIPT_READY,
        session_id=session.session_id,
        driver_id=DRIVER,
        operator_id="op",
        charger_id="CP-1",
        connector=ONE,
        at=NOON,
    )
    kerb.outbox.add(notice, NOON)
    kerb.fault_reports.add(FAULT)
    kerb.driver_wallets.allow(DRIVER, "EUR", None)


def _leaves(world: World) -> None:
    world.provider.intents[PREPAID] = Intent(
        PREPAID, 20_000, "eur", {}, manual=False, status="succeeded", received=20_000
    )
    world.after(5, lambda: world.ask("leave", lambda: wiring.network().account_deletion.leave(DRIVER)))


def _not_gone(world: World) -> Iterator[str]:
    yield from world.refused
    for table in TABLES:
        for row in table.scan():
            text = json.dumps(row.serialize())
            if table is not SessionRow and table.Meta.table_name not in BOOKS and DRIVER in text:
                yield f"{table.__name__} has {text}"
            if table is SessionRow and "driver_id" in row.attribute_values:
                yield f"{text} is still its driver's"
    if world.provider.intents[PREPAID].given_back != 20_000:
        yield "what was in the wallet is not back on its card"
    if world.identities:
        yield "the identity is known"
    if "cus_1" not in world.provider.forgotten:
        yield "the provider has the card"


# What was said as money moved stays, and names a driver who is nobody's any more.
BOOKS = {"kerb-ledger"}
FAULT = FaultReport(
    report_id="report-1",
    operator_id="op",
    charger_id="CP-1",
    connector=ONE,
    kind=FaultKind.OTHER,
    driver_id=DRIVER,
    created_at=NOON,
    text="dark",
)
BEHIND = {
    "moves": Story(_a_site, _moves, _not_moved, "lists"),
    "leaves": Story(_a_driver, _leaves, _not_gone, "accounts"),
}


@pytest.mark.parametrize("name", BEHIND)
def test_a_story_ends_well_whatever_one_call_does(net: Network, name: str) -> None:
    wrong, seen = told(net, name, {})
    assert not wrong
    last = max(number for number, it in enumerate(seen) if it.name.startswith(("DeleteItem", "UpdateItem")))
    faults = [(number, kind) for number in range(last + 1) for kind in Kind]
    assert len(faults) > EVERY
    for number, kind in faults[list(BEHIND).index(name) * 3 :: EVERY]:
        wrong, _ = told(net, name, {number: kind})
        assert not wrong, f"{number} {kind}: {seen[number]}: {wrong}"


def test_who_is_not_answered_and_asks_no_more_has_left_or_not(net: Network) -> None:
    _, seen = told(net, "leaves", {})
    outcomes = set()
    for number, it in enumerate(seen):
        if it.within == "leave":
            wrong, _ = told(net, "leaves", {number: Kind.KILLED}, is_patient=False)
            driver = wiring.network().drivers.get(DRIVER)
            assert not wrong if driver is None else driver.leaving_since is None
            outcomes.add(driver is None)
    assert outcomes == {True, False}
