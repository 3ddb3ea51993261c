"""Rights: a role is one line, a key is never worth more than its maker, a secret has one form."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.access.api_keys import FORM, ApiKey, new_key_id, new_secret, shown
from chalicelib.domain.access.rights import (
    NOT_FOR_KEYS,
    ROLES,
    Membership,
    PrincipalKind,
    Role,
    Scope,
    member_principal,
    narrowed,
)

NOW = datetime(2026, 11, 30, tzinfo=UTC)
SITES = st.none() | st.frozensets(st.sampled_from(["a", "b", "c"]))


def test_every_role_has_its_line_and_the_owner_may_all() -> None:
    assert set(ROLES) == set(Role)
    assert ROLES[Role.OWNER].scopes == set(Scope)
    assert all(it.scopes for it in ROLES.values())


def test_whoever_only_reads_changes_nothing() -> None:
    assert {it.partition(":")[2] for it in ROLES[Role.READ_ONLY].scopes} == {"read"}


def test_only_support_has_a_cap_and_only_the_owner_lets_people_in() -> None:
    assert [role for role, rights in ROLES.items() if rights.refund_cap] == [Role.SUPPORT]
    assert [role for role, rights in ROLES.items() if Scope.PEOPLE_WRITE in rights.scopes] == [Role.OWNER]


@given(
    role=st.sampled_from(Role),
    maker_sites=SITES,
    scopes=st.frozensets(st.sampled_from(Scope)),
    sites=SITES,
    site=st.sampled_from(["a", "b", "c", ""]),
)
def test_a_key_is_never_worth_more_than_its_maker_is_now(
    role: Role, maker_sites: frozenset[str] | None, scopes: frozenset[Scope], sites: frozenset[str] | None, site: str
) -> None:
    maker = member_principal("op", "ada", Membership(role=role, since=NOW, sites=maker_sites))
    assert maker is not None
    key = narrowed(maker, "k", scopes, sites)
    assert (key.kind, key.person_id, key.name) == (PrincipalKind.KEY, "ada", "key:k")
    assert key.scopes <= maker.scopes & scopes
    assert not key.scopes & NOT_FOR_KEYS
    assert maker.covers(site) or not key.covers(site)
    assert sites is None or site in sites or not key.covers(site)
    assert key.refund_cap == maker.refund_cap


def test_whoever_is_no_member_any_more_is_nobody() -> None:
    assert member_principal("op", "ada", Membership(role=None, since=NOW)) is None


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=8, max_size=8))
def test_a_secret_is_told_from_a_mistyped_one_without_asking_anybody(secret: bytes, name: bytes) -> None:
    key_id = new_key_id(lambda _: name)
    told = new_secret(key_id, lambda _: secret)
    assert FORM.fullmatch(told)
    known = shown(told)
    assert known is not None
    assert known.key_id == key_id
    for at in (12, 30, len(told) - 1):
        wrong = told[:at] + ("a" if told[at] != "a" else "b") + told[at + 1 :]
        assert shown(wrong) is None


@pytest.mark.parametrize("text", ["", "kerb_live_", "kerb_live_" + "a" * 61, "eyJhbGciOi.J.x"])
def test_what_has_not_its_form_is_no_key(text: str) -> None:
    assert shown(text) is None


def test_two_secrets_are_never_the_same() -> None:
    assert len({new_secret("k" * 12, os.urandom) for _ in range(100)}) == 100


def test_a_former_secret_counts_until_its_hour_and_then_no_more() -> None:
    key = ApiKey(
        key_id="k",
        operator_id="op",
        name="x",
        scopes=frozenset(),
        sites=None,
        made_by="ada",
        made_at=NOW,
        expires_at=NOW + timedelta(days=1),
        secret_hash="new",
        former_hash="old",
        former_until=NOW + timedelta(hours=1),
    )
    assert key.is_proven("new", NOW)
    assert key.is_proven("old", NOW)
    assert not key.is_proven("old", NOW + timedelta(hours=1))
    assert not key.is_proven("", NOW)
    assert not key.is_good(NOW + timedelta(days=1))
