"""An operator's people: who may change them, what counts at once, and that somebody always owns it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain.access.rights import Membership, Principal, Role
from chalicelib.records.drivers import Driver
from chalicelib.services.access import NotFound, Refusal
from tests.services.conftest import NOW, Kit

ADA, BOB, EVE = "ada", "bob", "eve"


@pytest.fixture
def owner(kit: Kit) -> Principal:
    """Ada owns `op`; Bob and Eve have accounts and nothing more."""
    for person_id in (ADA, BOB, EVE):
        kit.drivers.put(Driver(driver_id=person_id, email=f"{person_id}@example.com"))
    return kit.members.principal(ADA, {}, ["op"], None)


def acting(kit: Kit, person_id: str, *groups: str, chosen: str | None = None) -> Principal:
    return kit.members.principal(person_id, kit.memberships.of_person(person_id), groups, chosen)


def test_a_group_of_the_user_pool_counts_as_an_owner_and_makes_them_a_member(kit: Kit, owner: Principal) -> None:
    assert kit.memberships.of_person(ADA)["op"].role is Role.OWNER
    assert list(kit.members.of_operator(owner)) == [ADA]


def test_whoever_was_removed_is_not_let_in_again_by_their_group(kit: Kit, owner: Principal) -> None:
    kit.members.put(owner, BOB, Role.TECHNICIAN, None, "Bob")
    kit.members.remove(owner, BOB)
    for groups in ([], ["op"]):
        with pytest.raises(Refusal, match="operator's account"):
            acting(kit, BOB, *groups)
    assert list(kit.members.of_operator(owner)) == [ADA]
    with pytest.raises(NotFound):
        kit.members.get(owner, BOB)


def test_a_member_is_what_their_row_says_whatever_their_group_says(kit: Kit, owner: Principal) -> None:
    kit.members.put(owner, BOB, Role.READ_ONLY, frozenset({"harbour"}), "")
    bob = acting(kit, BOB, "op")
    assert (bob.sites, bob.may(next(iter(owner.scopes - bob.scopes)))) == (frozenset({"harbour"}), False)


def test_a_change_counts_with_the_next_request(kit: Kit, owner: Principal) -> None:
    kit.members.put(owner, BOB, Role.OWNER, None, "")
    before = acting(kit, BOB)
    kit.members.put(owner, BOB, Role.SUPPORT, None, "")
    assert (before.refund_cap, acting(kit, BOB).refund_cap is not None) == (None, True)


def test_the_last_owner_stays_one(kit: Kit, owner: Principal) -> None:
    with pytest.raises(Refusal) as refused:
        kit.members.remove(owner, ADA)
    assert refused.value.code == "last_owner"
    kit.members.put(owner, BOB, Role.OWNER, None, "")
    kit.members.remove(owner, ADA)
    bob = acting(kit, BOB)
    with pytest.raises(Refusal) as refused:
        kit.members.remove(bob, BOB)
    assert refused.value.code == "last_owner"


def test_two_owners_who_remove_each_other_leave_one(kit: Kit, owner: Principal) -> None:
    kit.members.put(owner, BOB, Role.OWNER, None, "")
    bob = acting(kit, BOB)
    kit.members.remove(owner, BOB)
    with pytest.raises(Refusal):
        kit.members.put(bob, ADA, Role.READ_ONLY, None, "")
    assert acting(kit, ADA).scopes == owner.scopes


def test_nobody_changes_what_they_may_do_themselves(kit: Kit, owner: Principal) -> None:
    with pytest.raises(Refusal) as refused:
        kit.members.put(owner, ADA, Role.OWNER, None, "")
    assert refused.value.code == "own_rights"


def test_nobody_gives_or_takes_more_than_they_have(kit: Kit, owner: Principal) -> None:
    kit.members.put(owner, EVE, Role.OWNER, None, "")
    held = replace(owner, person_id=BOB, sites=frozenset({"harbour"}))
    lesser = replace(owner, person_id=BOB, scopes=acting(kit, EVE).scopes - {next(iter(owner.scopes))})
    for principal, sites in ((held, None), (held, frozenset({"hill"})), (lesser, None)):
        with pytest.raises(Refusal) as refused:
            kit.members.put(principal, EVE, Role.OWNER, sites, "")
        assert refused.value.code == "more_than_yours"
        with pytest.raises(Refusal):
            kit.members.remove(principal, EVE)
    assert acting(kit, EVE).sites is None


def test_a_person_of_several_operators_says_for_which(kit: Kit, owner: Principal) -> None:
    north = kit.members.principal(EVE, {}, ["north"], None)
    kit.clock.advance(hours=1)
    kit.members.put(north, ADA, Role.FINANCE, None, "")
    assert acting(kit, ADA).operator_id == "op"
    assert acting(kit, ADA, chosen="north").operator_id == "north"
    assert acting(kit, ADA, "north").operator_id == "north"
    mine = kit.members.of_person(ADA, kit.memberships.of_person(ADA), [])
    assert [(name, role) for name, role, _ in mine] == [("op", Role.OWNER), ("north", Role.FINANCE)]
    for chosen in ("south", ""):
        with pytest.raises(Refusal):
            acting(kit, ADA, chosen=chosen)


def test_a_stranger_is_no_member(kit: Kit, owner: Principal) -> None:
    with pytest.raises(NotFound):
        kit.members.put(owner, "nobody", Role.OWNER, None, "")
    assert list(kit.members.of_operator(owner)) == [ADA]


def test_an_account_that_is_deleted_owns_nothing_more(kit: Kit, owner: Principal) -> None:
    kit.members.put(owner, BOB, Role.OWNER, None, "")
    kit.memberships.forget_person(BOB)
    kit.drivers.forget(BOB)
    assert list(kit.members.of_operator(owner)) == [ADA]
    assert not kit.memberships.owner_no_more("op", ADA)


def test_the_same_again_writes_nothing_new(kit: Kit, owner: Principal) -> None:
    first = kit.members.put(owner, BOB, Role.SUPPORT, None, "Bob")
    kit.clock.advance(hours=1)
    assert (
        kit.members.put(owner, BOB, Role.SUPPORT, None, "Bob")
        == first
        == Membership(role=Role.SUPPORT, since=NOW, name="Bob", by=ADA)
    )
