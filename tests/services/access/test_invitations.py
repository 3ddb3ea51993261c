"""Invitations: for no more than one may give, then and when they are taken; once, in time, by whom they went to."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from chalicelib.adapters.access.operators import REMEMBERED_S, DynamoOperators
from chalicelib.adapters.notifications.invitations import words_of
from chalicelib.domain.access.invitations import MOST_MAILS, Invitation, InvitationStatus
from chalicelib.domain.access.rights import Membership, Principal, Role, member_principal
from chalicelib.domain.languages import LANGUAGES
from chalicelib.records.drivers import Driver, MailUnavailable
from chalicelib.services.access import NotFound, Refusal
from chalicelib.services.access.invitations import Offer
from chalicelib.services.access.members import Members
from tests.services.conftest import NOW, Kit


@dataclass
class Post:
    """Takes every mail until told otherwise."""

    codes: list[str] = field(default_factory=list)
    is_down: bool = False

    def send(self, invitation: Invitation, operator: str, code: str) -> None:
        if self.is_down:
            raise MailUnavailable
        self.codes.append(code)


@pytest.fixture
def post(kit: Kit) -> Post:
    post = Post()
    vars(kit)["invitation_mail"] = post
    for name in ("owner", "technician", "ada", "bob"):
        kit.drivers.put(Driver(driver_id=name, email=f"{name}@example.com"))
    for role in (Role.OWNER, Role.TECHNICIAN):
        kit.memberships.change(role.value, "op", lambda _, it=role: Membership(role=it, since=NOW))  # type: ignore[misc]
        kit.memberships.note_member("op", role.value)
        if role is Role.OWNER:
            kit.memberships.note_owner("op", role.value)
    return post


def principal(kit: Kit, name: str) -> Principal:
    found = member_principal("op", name, kit.memberships.of_person(name)["op"])
    assert found is not None
    return found


def invited(kit: Kit, role: Role = Role.SUPPORT, by: str = "owner", to: str = "ada@example.com") -> Invitation:
    return kit.invitation_desk.invite(principal(kit, by), Offer(email=to, role=role, sites=frozenset({"harbour"})))


def take(kit: Kit, code: str, name: str = "ada", operator_id: str = "op") -> Invitation:
    person = kit.drivers.get(name)
    assert person is not None
    return kit.invitation_desk.accept(kit.invitation_desk.shown(person, operator_id, code), name)


def refused(kit: Kit, code: str, name: str = "ada") -> str:
    with pytest.raises(Refusal) as error:
        take(kit, code, name)
    return error.value.code


def test_its_code_is_kept_nowhere(kit: Kit, post: Post) -> None:
    made = invited(kit)
    assert post.codes[0] not in repr(made)
    assert post.codes[0].startswith("kerb_invite_")
    assert words_of(made, "Op", post.codes[0])[1].count(post.codes[0]) == 1


def test_whoever_takes_it_is_what_was_offered_once(kit: Kit, post: Post) -> None:
    invited(kit)
    take(kit, post.codes[0])
    found = kit.memberships.of_person("ada")["op"]
    assert (found.role, found.sites, found.by) == (Role.SUPPORT, frozenset({"harbour"}), "owner")
    assert set(kit.memberships.of_operator("op")) == {"owner", "technician", "ada"}
    assert refused(kit, post.codes[0]) == "invitation_used"
    # Removed, nobody comes in by an old code.
    kit.members.remove(principal(kit, "owner"), "ada")
    assert refused(kit, post.codes[0]) == "invitation_used"


def test_somebody_elses_code_and_what_is_none_open_nothing(kit: Kit, post: Post) -> None:
    invited(kit)
    (code,) = post.codes
    assert refused(kit, code, "bob") == "not_your_invitation"
    altered = code[:-1] + ("y" if code[-1] == "x" else "x")
    for wrong, operator_id in ((altered, "op"), (code, "other"), ("x", "op"), ("", "op")):
        with pytest.raises(NotFound):
            take(kit, wrong, operator_id=operator_id)


def test_it_ends_by_its_time_by_hand_and_by_another_mail(kit: Kit, post: Post) -> None:
    owner, made = principal(kit, "owner"), invited(kit)
    desk = kit.invitation_desk
    with pytest.raises(Refusal, match="a minute"):
        desk.send_again(owner, made.invitation_id)
    kit.clock.advance(days=8)
    assert refused(kit, post.codes[0]) == "invitation_expired"
    desk.send_again(owner, made.invitation_id)
    with pytest.raises(NotFound):
        take(kit, post.codes[0])
    desk.withdraw(owner, made.invitation_id)
    desk.withdraw(owner, made.invitation_id)
    assert refused(kit, post.codes[1]) == "invitation_withdrawn"
    assert [it.status(kit.clock()) for it in desk.of_operator(owner)] == [InvitationStatus.WITHDRAWN]


def test_a_mail_that_did_not_go_can_be_sent_again_and_not_for_ever(kit: Kit, post: Post) -> None:
    owner, post.is_down = principal(kit, "owner"), True
    with pytest.raises(MailUnavailable):
        invited(kit)
    with pytest.raises(Refusal, match="open invitation"):
        invited(kit)
    (made,) = kit.invitation_desk.of_operator(owner)
    post.is_down = False
    for _ in range(MOST_MAILS - 1):
        kit.clock.advance(minutes=1)
        kit.invitation_desk.send_again(owner, made.invitation_id)
    kit.clock.advance(minutes=1)
    with pytest.raises(Refusal, match=f"{MOST_MAILS} of an invitation"):
        kit.invitation_desk.send_again(owner, made.invitation_id)
    take(kit, post.codes[-1])


def test_nobody_offers_more_than_they_have_nor_has_it_taken_later(kit: Kit, post: Post) -> None:
    for role in (Role.OWNER, Role.FINANCE):
        with pytest.raises(Refusal, match="more than you may"):
            invited(kit, role, by="technician")
    invited(kit, Role.TECHNICIAN)
    kit.memberships.change("owner", "op", lambda _: Membership(role=Role.READ_ONLY, since=NOW))
    assert refused(kit, post.codes[0]) == "invitation_void"
    kit.memberships.change("owner", "op", lambda _: Membership(role=None, since=NOW))
    assert refused(kit, post.codes[0]) == "invitation_void"


def test_a_member_is_made_nothing_else_by_an_invitation(kit: Kit, post: Post) -> None:
    invited(kit, Role.READ_ONLY, to="technician@example.com")
    assert refused(kit, post.codes[0], "technician") == "already_member"
    assert kit.memberships.of_person("technician")["op"].role is Role.TECHNICIAN
    assert kit.invitation_desk.of_operator(principal(kit, "owner"))[0].status(NOW) is InvitationStatus.OPEN


def test_whoever_was_cut_off_half_way_may_go_on_and_nobody_else_may(kit: Kit, post: Post) -> None:
    made = invited(kit)
    (code,) = post.codes
    ada = kit.drivers.get("ada")
    assert ada is not None

    class Dead(Members):
        def join(self, operator_id: str, person_id: str, invited: Membership) -> None:
            raise RuntimeError("the function died")

    members = kit.members
    dead = Dead(memberships=members.memberships, operators=members.operators, clock=members.clock)
    shown = kit.invitation_desk.shown(ada, "op", code)
    with pytest.raises(RuntimeError):
        replace(kit.invitation_desk, members=dead).accept(shown, "ada")
    assert refused(kit, code, "bob") == "not_your_invitation"
    assert "op" not in kit.memberships.of_person("ada")
    take(kit, code)
    assert kit.memberships.of_person("ada")["op"].role is Role.SUPPORT
    assert refused(kit, code) == "invitation_used"
    assert kit.invitation_desk.get(principal(kit, "owner"), made.invitation_id).is_done


def test_a_closed_operator_lets_nobody_in_and_every_process_knows_within_a_minute(kit: Kit, post: Post) -> None:
    elsewhere = DynamoOperators(kit.clock)
    invited(kit)
    assert not elsewhere.standing("op").is_closed
    kit.platform_desk.close("op")
    assert refused(kit, post.codes[0]) == "operator_closed"
    with pytest.raises(Refusal, match="closed"):
        kit.members.principal("owner", kit.memberships.of_person("owner"), (), None)
    assert not elsewhere.standing("op").is_closed
    kit.clock.advance(seconds=REMEMBERED_S)
    assert elsewhere.standing("op").is_closed
    assert REMEMBERED_S < 60


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_is_mailed_in_the_language_of_whoever_is_invited(kit: Kit, post: Post, language: str) -> None:
    offer = Offer(email="ada@example.com", role=Role.READ_ONLY, locale=language)
    made = kit.invitation_desk.invite(principal(kit, "owner"), offer)
    subject, words = words_of(made, "Harbour Charging", "kerb_invite_x")
    assert "Harbour Charging" in subject
    assert "kerb_invite_x" in words
    assert f"{NOW + timedelta(days=7):%Y-%m-%d}" in words
