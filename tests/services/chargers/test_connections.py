"""Passwords, identities and the order of sockets."""

from __future__ import annotations

import base64
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.records.chargers import Charger
from chalicelib.services.chargers.connections import ChargerCredentials, Connections, Refused
from chalicelib.services.chargers.passwords import hash_password, password_matches
from tests.services.conftest import NOW, Kit

SECRET = b"correct-horse"


def basic(user: str, password: bytes) -> str:
    return "Basic " + base64.b64encode(user.encode() + b":" + password).decode()


@pytest.fixture
def door(kit: Kit) -> Connections:
    for charger_id in ("CP-7", "A:B"):
        stored = hash_password(SECRET, b"salt" * 4)
        kit.chargers.put(
            Charger(
                charger_id=charger_id,
                operator_id="op",
                site_id="harbour",
                password_hash=stored,
                connectors=(ConnectorId(1),),
            )
        )
    return kit.connections


def test_the_right_password_opens_and_the_subprotocol_is_agreed(door: Connections) -> None:
    assert door.open("c-9", "CP-7", ChargerCredentials(basic("CP-7", SECRET)), ["ocpp1.6"], NOW) == "ocpp1.6"


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Basic",
        "Basic !!!",
        "Bearer abc",
        basic("CP-7", b"wrong"),
        basic("CP-1", SECRET),
        basic("CP-7", b""),
        "Basic " + base64.b64encode(b"CP-7").decode(),
    ],
)
def test_anything_else_is_refused_with_401(door: Connections, authorization: str | None) -> None:
    with pytest.raises(Refused) as refused:
        door.open("c-9", "CP-7", ChargerCredentials(authorization), ["ocpp1.6"], NOW)
    assert refused.value.status == 401


def test_a_colon_in_an_identity_does_not_cut_it_short(door: Connections) -> None:
    assert door.open("c-9", "A:B", ChargerCredentials(basic("A:B", SECRET)), ["ocpp1.6"], NOW)


def test_a_new_socket_closes_the_one_it_replaces(door: Connections, kit: Kit) -> None:
    door.open("c-old", "CP-7", ChargerCredentials(basic("CP-7", SECRET)), ["ocpp1.6"], NOW)
    door.open("c-new", "CP-7", ChargerCredentials(basic("CP-7", SECRET)), ["ocpp1.6"], NOW + timedelta(seconds=1))
    assert kit.link.closed == ["c-old"]


def test_late_disconnect_of_old_socket_keeps_charger_online(door: Connections, kit: Kit) -> None:
    door.open("c-old", "CP-7", ChargerCredentials(basic("CP-7", SECRET)), ["ocpp1.6"], NOW)
    door.open("c-new", "CP-7", ChargerCredentials(basic("CP-7", SECRET)), ["ocpp1.6"], NOW + timedelta(seconds=1))
    door.close("c-old")
    door.close("c-old")
    charger = kit.chargers.get("CP-7")
    assert charger is not None
    assert charger.connection_id == "c-new"
    door.close("c-new")
    charger = kit.chargers.get("CP-7")
    assert charger is not None
    assert charger.connection_id is None


def test_news_of_a_socket_nobody_opened_is_ignored(door: Connections) -> None:
    door.close("never-seen")


@settings(max_examples=5, deadline=None)
@given(st.binary(max_size=40), st.binary(min_size=16, max_size=16), st.binary(max_size=40))
def test_a_hash_matches_its_password_and_no_other(password: bytes, salt: bytes, other: bytes) -> None:
    stored = hash_password(password, salt)
    assert password_matches(password, stored)
    assert password_matches(other, stored) is (other == password)
