"""A charger says who it is in many ways, and each is read the same wherever it is read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.chargers.identity import (
    CHARGER_ID,
    MOST_CLAIMS,
    claimed_by_user,
    claimed_in,
    is_chargers_door,
    password_of,
)


@pytest.mark.parametrize(
    "target",
    [
        "/ocpp/CP-7",
        "//ocpp/CP-7",
        "///ocpp/CP-7",
        "/ocpp//CP-7",
        "/ocpp/CP-7/",
        "/ocpp/CP-7//",
        "/OCPP/CP-7",
        "/ocpp/CP-7/CP-7",
        "/ocpp/%20CP-7%20",
        "/ocpp/%43%50%2D7",
        "/ocpp/%2543P-7",
        "/ocpp%2FCP-7",
        "/ocpp?station=CP-7",
        "/ocpp/?station=CP-7",
        "/ocpp/?id=CP-7&id=CP-7",
        "/ocpp/?=CP-7",
        "/ocpp?CP-7",
        "/ocpp/?station=/CP-7",
        "/?station=CP-7",
        "CP-7",
    ],
)
def test_a_charger_is_named_once_however_its_address_is_joined(target: str) -> None:
    assert claimed_in(target) == ("CP-7",)


@pytest.mark.parametrize(
    ("target", "names"),
    [
        ("/ocpp", ()),
        ("/ocpp/", ()),
        ("/", ()),
        ("", ()),
        ("/ocpp/a%20b", ()),
        ("/ocpp/n%C3%A9", ()),
        ("/ocpp/" + "x" * 49, ()),
        ("/ocpp/%0d%0aX", ("X",)),
        ("/ocpp/%zz", ()),
        ("/ocpp/DE*ACM*E1:1", ("DE*ACM*E1:1",)),
        ("/ocpp/a+b", ("a+b",)),
        ("/ocpp?station=a+b", ("a+b",)),
        ("/ocpp/CP-7?token=1", ("CP-7", "1")),
        ("/ocpp/harbour/CP-7", ("CP-7", "harbour")),
        ("/ocpp/CP-7/ws", ("ws", "CP-7")),
        ("/ocpp/ocpp", ("ocpp",)),
        ("/ocpp/a/b/c/d/e", ("e", "d", "c")),
    ],
)
def test_the_last_part_of_an_address_is_the_likeliest_name(target: str, names: tuple[str, ...]) -> None:
    assert claimed_in(target) == names


@pytest.mark.parametrize(
    ("credentials", "names"),
    [
        (b"CP-7:secret", ("CP-7",)),
        (b"A:B:secret", ("A", "A:B")),
        (b":secret", ()),
        (b"CP-7", ()),
        (b"a b:secret", ()),
        (b"\xff:secret", ()),
        (b":".join([b"x"] * 99), ("x", "x:x", "x:x:x")),
    ],
)
def test_a_user_name_may_hold_colons(credentials: bytes, names: tuple[str, ...]) -> None:
    assert claimed_by_user(credentials) == names


@pytest.mark.parametrize(
    ("credentials", "password"),
    [
        (b"A:B:secret", b"secret"),
        (b"a:b:secret", b"secret"),
        (b"ocpp:sec:ret", b"sec:ret"),
        (b":secret", b"secret"),
        (b"A:secret", b"secret"),
        (b"secret", b""),
    ],
)
def test_the_password_is_what_follows_the_user_name_whoever_the_user_is(credentials: bytes, password: bytes) -> None:
    assert password_of(credentials, "A:B") == password


@pytest.mark.parametrize("target", ["/ocpp", "/ocpp/x", "//OCPP//x/y", "/", "", "//", "/?station=x", "/ocpp?x"])
def test_these_addresses_lead_to_the_door(target: str) -> None:
    assert is_chargers_door(target)


@pytest.mark.parametrize("target", ["/api", "/ocppx/CP-7", "/x/ocpp/CP-7", "/wp-login.php?ocpp", "/favicon.ico"])
def test_any_other_address_does_not(target: str) -> None:
    assert not is_chargers_door(target)


@given(st.text(max_size=300))
def test_no_address_names_more_than_a_few_and_none_that_could_not_be_registered(target: str) -> None:
    names = claimed_in(target)
    assert len(names) == len(set(names)) <= MOST_CLAIMS
    assert all(CHARGER_ID.fullmatch(name) for name in names)


@given(st.from_regex(CHARGER_ID, fullmatch=True), st.binary(max_size=40))
def test_whoever_names_itself_properly_is_understood_properly(charger_id: str, password: bytes) -> None:
    assert claimed_in(f"/ocpp/{charger_id}") == (charger_id,)
    assert password_of(charger_id.encode() + b":" + password, charger_id) == password
