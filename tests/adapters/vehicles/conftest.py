"""The makers of this machine, and each adapter that speaks with them, linked to a car."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import urllib3

from chalicelib.adapters.vehicles.makers import MAKERS, makers_of
from chalicelib.records.vehicles import CarTokens, LinkAccess, LinkAttempt, PositionSharing
from local.makers import CarMakers
from local.makers_cars import SimulatedCar
from local.makers_oauth import REDIRECT_URI

NOW = datetime(2026, 11, 30, 18, 0, tzinfo=UTC)
VERIFIER = "v" * 86
STATE = "s" * 43
# Every API that is spoken: some makers end one of theirs.
SMARTCAR_V2 = "smartcar v2.0"
APIS = (*MAKERS, SMARTCAR_V2)


@dataclass
class Moment:
    """A time that a test moves."""

    at: datetime = NOW

    def __call__(self) -> datetime:
        return self.at

    def later(self, **by: float) -> None:
        self.at += timedelta(**by)


@dataclass
class Linked:
    """A maker's adapter, a car of its driver's, and what calls are made with."""

    api: str
    name: str
    maker: Any
    server: CarMakers
    clock: Moment
    car: SimulatedCar
    attempt: LinkAttempt
    came_back: Mapping[str, str]
    access: LinkAccess
    tokens: CarTokens


def an_attempt(sharing: PositionSharing = PositionSharing.PRECISE, maker: str = "") -> LinkAttempt:
    return LinkAttempt(
        state=STATE,
        link_id="link-1",
        driver_id="driver-1",
        maker=maker,
        redirect_uri=REDIRECT_URI,
        expires_at=NOW + timedelta(minutes=10),
        verifier=VERIFIER,
        sharing=sharing,
    )


def went_to(url: str) -> Mapping[str, str]:
    """Go to a maker's door and allow it; what the address has to say that one is sent back to."""
    parts = urlsplit(url)
    if parts.path.endswith("/authorize"):
        answer = urllib3.request("GET", url, redirect=False, retries=False)
        assert answer.status == 302, answer.data
        parts = urlsplit(answer.headers["Location"])
    return dict(parse_qsl(parts.query))


def code_of(back: Mapping[str, str]) -> str:
    """What a driver comes back with beside the state."""
    return back.get("code") or back.get("user_id", "")


def adapters(server: CarMakers, clock: Moment, *, is_v2: bool = False) -> Mapping[str, Any]:
    """Every maker's adapter; `is_v2`: the account at Smartcar has no `application_id` yet."""
    keys = json.loads(server.settings["KERB_CAR_MAKER_KEYS"])
    if is_v2:
        del keys["smartcar"]["application_id"]
    return makers_of(keys=json.dumps(keys), addresses=server.settings["KERB_CAR_MAKER_ADDRESSES"], clock=clock)


@pytest.fixture
def clock() -> Moment:
    return Moment()


@pytest.fixture
def server(clock: Moment) -> Iterator[CarMakers]:
    server = CarMakers(clock)
    server.start()
    yield server
    server.stop()


@pytest.fixture(params=APIS)
def linked(request: pytest.FixtureRequest, server: CarMakers, clock: Moment) -> Linked:
    server.has_stream = True
    return link(request.param, server, clock)


def link(name: str, server: CarMakers, clock: Moment) -> Linked:
    """Link a car at a maker, by its adapter alone."""
    car = server.add("5YJ3E7EB8KF000001")
    maker: Any = adapters(server, clock, is_v2=name == SMARTCAR_V2)[name.split(maxsplit=1)[0]]
    attempt = an_attempt(maker=maker.name)
    back = went_to(maker.consent_url(attempt))
    account, tokens = maker.exchange(attempt, code_of(back), clock())
    access = LinkAccess(account, tokens.access)
    maker.cars(access, clock())
    return Linked(name, maker.name, maker, server, clock, car, attempt, back, access, tokens)
