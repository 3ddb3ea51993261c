"""API keys: shown once, never worth more than their maker, over at once when revoked."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from chalicelib.domain.access.api_keys import ApiKey, ShownKey, shown
from chalicelib.domain.access.rights import Principal, Role, Scope
from chalicelib.records.drivers import Driver, NotAllowed
from chalicelib.services.access import NotFound, Refusal
from chalicelib.services.access.api_keys import NewKey
from tests.services.conftest import NOW, Kit

ADA, BOB = "ada", "bob"
READ = frozenset({Scope.CHARGERS_READ})


@pytest.fixture
def owner(kit: Kit) -> Principal:
    for person_id in (ADA, BOB):
        kit.drivers.put(Driver(driver_id=person_id, email=f"{person_id}@example.com"))
    return kit.members.principal(ADA, {}, ["op"], None)


def made(kit: Kit, by: Principal, scopes: frozenset[Scope] = READ, sites: frozenset[str] | None = None) -> NewKey:
    return kit.key_ring.make(by, "robot", scopes, sites, NOW + timedelta(days=90))


def of(secret: str) -> ShownKey:
    known = shown(secret)
    assert known is not None
    return known


def test_its_secret_is_kept_nowhere(kit: Kit, owner: Principal) -> None:
    key = made(kit, owner)
    stored = kit.api_keys.get(key.key.key_id)
    assert key.secret not in str(stored)
    assert key.secret[-49:-6] not in str(stored)


def test_it_acts_for_its_operator_with_its_scopes(kit: Kit, owner: Principal) -> None:
    principal = kit.key_ring.principal(of(made(kit, owner).secret), None)
    assert (principal.operator_id, principal.scopes, principal.name[:4]) == ("op", READ, "key:")
    with pytest.raises(Refusal):
        kit.key_ring.principal(of(made(kit, owner).secret), "north")


def test_a_revoked_key_is_over_with_the_next_request(kit: Kit, owner: Principal) -> None:
    key = made(kit, owner)
    kit.key_ring.revoke(owner, key.key.key_id)
    kit.key_ring.revoke(owner, key.key.key_id)
    with pytest.raises(NotAllowed):
        kit.key_ring.principal(of(key.secret), None)


def test_a_key_ends_by_its_time(kit: Kit, owner: Principal) -> None:
    key = made(kit, owner)
    kit.clock.advance(days=90)
    with pytest.raises(NotAllowed):
        kit.key_ring.principal(of(key.secret), None)


def test_a_key_shrinks_with_its_maker_and_dies_with_them(kit: Kit, owner: Principal) -> None:
    kit.members.put(owner, BOB, Role.OWNER, None, "")
    bob = kit.members.principal(BOB, kit.memberships.of_person(BOB), [], None)
    key = of(made(kit, bob, READ | {Scope.TARIFFS_WRITE}).secret)
    kit.members.put(owner, BOB, Role.TECHNICIAN, frozenset({"harbour"}), "")
    principal = kit.key_ring.principal(key, None)
    assert (principal.scopes, principal.sites) == (READ, frozenset({"harbour"}))
    kit.members.remove(owner, BOB)
    with pytest.raises(NotAllowed):
        kit.key_ring.principal(key, None)


def test_a_rotated_key_has_two_secrets_for_a_while(kit: Kit, owner: Principal) -> None:
    first = made(kit, owner)
    second = kit.key_ring.rotate(owner, first.key.key_id, 24)
    for secret in (first.secret, second.secret):
        assert kit.key_ring.principal(of(secret), None)
    kit.clock.advance(hours=24)
    assert kit.key_ring.principal(of(second.secret), None)
    with pytest.raises(NotAllowed):
        kit.key_ring.principal(of(first.secret), None)
    third = kit.key_ring.rotate(owner, first.key.key_id, 0)
    with pytest.raises(NotAllowed):
        kit.key_ring.principal(of(second.secret), None)
    kit.key_ring.revoke(owner, first.key.key_id)
    with pytest.raises(NotAllowed):
        kit.key_ring.principal(of(third.secret), None)
    with pytest.raises(Refusal, match="revoked or over"):
        kit.key_ring.rotate(owner, first.key.key_id, 0)


def test_nobody_makes_or_is_told_a_key_for_more_than_they_may(kit: Kit, owner: Principal) -> None:
    kit.members.put(owner, BOB, Role.TECHNICIAN, frozenset({"harbour"}), "")
    bob = kit.members.principal(BOB, kit.memberships.of_person(BOB), [], None)
    for scopes, sites in (
        (frozenset({Scope.TARIFFS_WRITE}), frozenset({"harbour"})),
        (READ, None),
        (READ, frozenset({"harbour", "hill"})),
    ):
        with pytest.raises(Refusal) as refused:
            made(kit, bob, scopes, sites)
        assert refused.value.code == "more_than_yours"
    here = made(kit, owner, frozenset({Scope.TARIFFS_WRITE}), frozenset({"harbour"}))
    with pytest.raises(Refusal):
        kit.key_ring.rotate(bob, here.key.key_id, 1)
    with pytest.raises(NotFound):
        kit.key_ring.rotate(bob, made(kit, owner).key.key_id, 1)


def test_a_key_makes_no_keys_and_lets_nobody_in(kit: Kit, owner: Principal) -> None:
    for scope in (Scope.KEYS_WRITE, Scope.PEOPLE_WRITE):
        with pytest.raises(Refusal) as refused:
            made(kit, owner, frozenset({scope}))
        assert refused.value.code == "not_for_keys"
    key = kit.key_ring.principal(of(made(kit, owner).secret), None)
    with pytest.raises(Refusal):
        made(kit, key)


@pytest.mark.parametrize("lasting", [timedelta(0), timedelta(days=-1), timedelta(days=367)])
def test_a_key_ends_within_a_year(kit: Kit, owner: Principal, lasting: timedelta) -> None:
    with pytest.raises(Refusal) as refused:
        kit.key_ring.make(owner, "robot", READ, None, NOW + lasting)
    assert refused.value.code == "key_too_long"


def test_its_last_use_is_written_once_an_hour(kit: Kit, owner: Principal, monkeypatch: pytest.MonkeyPatch) -> None:
    key = made(kit, owner)
    notes: list[datetime] = []
    noted = kit.api_keys.note_used

    def note_used(key: ApiKey, at: datetime) -> None:
        notes.append(at)
        noted(key, at)

    monkeypatch.setattr(kit.api_keys, "note_used", note_used)
    for minutes in (0, 1, 58, 1, 0, 59, 1):
        kit.clock.advance(minutes=minutes)
        kit.key_ring.principal(of(key.secret), None)
    assert len(notes) == 3
    stored = kit.api_keys.get(key.key.key_id)
    assert stored is not None
    assert stored.used_at == kit.clock.now


def test_a_key_of_another_operator_is_not_there(kit: Kit, owner: Principal) -> None:
    north = kit.members.principal(BOB, {}, ["north"], None)
    key = made(kit, owner)
    assert kit.key_ring.of_operator(north) == []
    for ask in (kit.key_ring.get, kit.key_ring.revoke, lambda by, name: kit.key_ring.rotate(by, name, 1)):
        with pytest.raises(NotFound):
            ask(north, key.key.key_id)
