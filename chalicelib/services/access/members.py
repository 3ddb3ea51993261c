"""An operator's people: who acts for it, and who may change that.

What somebody is stands in their own row, which each of their requests reads anyway, so that a change counts with the
next request. A group of the user pool (`operator:{id}`) counts as an owner until the person is a member by that row,
which the first request makes them; whoever was removed is not let in by it again.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import NoReturn

from chalicelib.domain.access.api_keys import NOTED_EVERY
from chalicelib.domain.access.rights import ROLES, Membership, Principal, Role, member_principal
from chalicelib.domain.data_classes import dataclass
from chalicelib.ports import Clock
from chalicelib.ports.access import Memberships, Operators
from chalicelib.services.access import NotFound, Refusal

_MOST_MEMBERS = 200
SECOND_FACTOR_NEEDED = (
    "this needs a second factor: set one up (POST /v1/me/second-factor), or log in again with its code (POST /v1/login)"
)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Members:
    """Says who acts for an operator, and lists, adds, changes and removes its people."""

    memberships: Memberships
    operators: Operators
    clock: Clock

    def principal(
        self,
        person_id: str,
        known: Mapping[str, Membership],
        groups: Sequence[str],
        chosen: str | None,
        *,
        is_proven: bool = False,
    ) -> Principal:
        """For which operator a person acts, and what they may do there. A write once an hour at the most.

        `known` is what their row says, `groups` which operators their token names; of several they say which
        (`chosen`), else it is the one that their token names first, else the first they joined. `is_proven`: their
        login took a second factor. Raises Refusal (`forbidden`, `operator_closed`, `second_factor_needed`).
        """
        usual = _in_order(known, groups)
        operator_id = chosen if chosen is not None else next(iter(usual), None)
        if operator_id is None or operator_id not in usual:
            _forbid("this needs an operator's account")
        membership = known.get(operator_id) or self._taken_up(person_id, operator_id)
        principal = member_principal(operator_id, person_id, membership)
        if principal is None or membership.role is None:
            _forbid("this needs an operator's account")
        self.check_stands(operator_id)
        if membership.role in self.operators.standing(operator_id).second_factor and not is_proven:
            raise Refusal("second_factor_needed", SECOND_FACTOR_NEEDED)
        now = self.clock()
        if membership.used_at is None or now - membership.used_at >= NOTED_EVERY:
            self._note_used(person_id, known, operator_id)
        return principal

    def check_stands(self, operator_id: str) -> None:
        """Whether anybody may act for an operator still. Raises Refusal (`operator_closed`)."""
        if self.operators.standing(operator_id).is_closed:
            raise Refusal("operator_closed", f"operator {operator_id} is closed: nobody acts for it any more")

    def of_person(
        self, person_id: str, known: Mapping[str, Membership], groups: Sequence[str]
    ) -> Sequence[tuple[str, Role, Membership]]:
        """For which operators a person acts and as what, the one first that is meant where none is named."""
        mine = [(name, known.get(name) or self._taken_up(person_id, name)) for name in _in_order(known, groups)]
        return [(name, it.role, it) for name, it in mine if it.role is not None]

    def of_operator(self, principal: Principal) -> Mapping[str, Membership]:
        """All of the operator's people."""
        return self.memberships.of_operator(principal.operator_id)

    def get(self, principal: Principal, person_id: str) -> tuple[Role, Membership]:
        """What a person is to the operator. Raises NotFound for whoever is none of its people."""
        found = self.memberships.of_person(person_id).get(principal.operator_id)
        if found is None or found.role is None:
            raise NotFound(f"member {person_id}")
        return found.role, found

    def put(
        self, principal: Principal, person_id: str, role: Role, sites: frozenset[str] | None, name: str
    ) -> Membership:
        """Add a person, or change what they are. The same again changes nothing.

        Raises NotFound for somebody without an account; Refusal for what is more than one has, for oneself, and where
        nobody would own the operator any more.
        """
        if person_id == principal.person_id:
            raise Refusal("own_rights", "nobody changes what they may do themselves")
        self.check_gives(principal, role, sites)
        known = self.memberships.of_person(person_id).get(principal.operator_id)
        if known is not None and known.role is not None:
            self.check_gives(principal, known.role, known.sites)
        else:
            self._check_room(principal.operator_id)

        def changed(it: Membership | None) -> Membership:
            if it is not None and (it.role, it.sites, it.name) == (role, sites, name):
                return it
            return self._membership(role, sites=sites, name=name, by=principal.name)

        if known is not None and known.role is Role.OWNER and role is not Role.OWNER:
            self._check_not_last(principal.operator_id, person_id)
        after = self.memberships.change(person_id, principal.operator_id, changed)
        if after is None:
            raise NotFound(f"account {person_id}")
        self._note(principal.operator_id, person_id, after)
        return after

    def remove(self, principal: Principal, person_id: str) -> None:
        """Let a person act for the operator no more, from their next request on. Oneself too, but for the last owner.

        Raises NotFound, Refusal.
        """
        role, known = self.get(principal, person_id)
        self.check_gives(principal, role, known.sites)
        if role is Role.OWNER:
            self._check_not_last(principal.operator_id, person_id)
        self.memberships.change(person_id, principal.operator_id, lambda it: self._membership(None, by=principal.name))

    def _taken_up(self, person_id: str, operator_id: str) -> Membership:
        """Whoever comes by a group is a member from now on, unless they were removed at this moment."""
        taken = self.memberships.change(person_id, operator_id, lambda it: it or self._membership(Role.OWNER))
        if taken is None:
            _forbid("this needs an operator's account")
        _log.info("member by group", extra={"operator_id": operator_id, "person_id": person_id})
        self._note(operator_id, person_id, taken)
        return taken

    def _note_used(self, person_id: str, known: Mapping[str, Membership], operator_id: str) -> None:
        try:
            self.memberships.note_used(person_id, known, operator_id, self.clock())
        except Exception:
            _log.exception("what somebody did last is not noted", extra={"person_id": person_id})

    def _note(self, operator_id: str, person_id: str, membership: Membership) -> None:
        self.operators.note(operator_id)
        self.memberships.note_member(operator_id, person_id)
        if membership.role is Role.OWNER:
            self.memberships.note_owner(operator_id, person_id)

    def _membership(
        self, role: Role | None, *, sites: frozenset[str] | None = None, name: str = "", by: str = ""
    ) -> Membership:
        return Membership(role=role, since=self.clock().replace(microsecond=0), sites=sites, name=name, by=by)

    def check_may_log_out(self, principal: Principal, person_id: str) -> None:
        """Whether somebody may end a person's logins, who may do no more than they. Raises NotFound, Refusal."""
        role, known = self.get(principal, person_id)
        self.check_gives(principal, role, known.sites)

    def join(self, operator_id: str, person_id: str, invited: Membership) -> None:
        """Make a person what they were invited to be; again changes nothing. Raises NotFound, Refusal."""
        known = self.memberships.of_person(person_id).get(operator_id)
        if known is None or known.role is None:
            self._check_room(operator_id)

        def joined(it: Membership | None) -> Membership:
            if it is None or it.role is None:
                return invited
            if it.since < invited.since:
                raise Refusal("already_member", "you act for this operator already; its owner may change as what")
            # Said again: what its owner has changed since stays.
            return it

        after = self.memberships.change(person_id, operator_id, joined)
        if after is None:
            raise NotFound(f"account {person_id}")
        self._note(operator_id, person_id, after)

    def require_second_factor(self, principal: Principal, roles: frozenset[Role], *, is_proven: bool) -> None:
        """From now on these roles need a second factor. Raises Refusal for whoever would lock themselves out."""
        own = self.memberships.of_person(principal.person_id).get(principal.operator_id)
        if own is not None and own.role in roles and not is_proven:
            raise Refusal("second_factor_needed", SECOND_FACTOR_NEEDED)
        self.operators.require_second_factor(principal.operator_id, roles)

    def _check_room(self, operator_id: str) -> None:
        if len(self.memberships.of_operator(operator_id)) >= _MOST_MEMBERS:
            raise Refusal("too_many_members", f"an operator has {_MOST_MEMBERS} people at the most")

    def check_gives(self, principal: Principal, role: Role, sites: frozenset[str] | None) -> None:
        """Whether somebody may make others that. Raises Refusal (`more_than_yours`)."""
        if not principal.has(ROLES[role].scopes, sites):
            raise Refusal("more_than_yours", f"{role} may do more than you may, or at more sites")

    def _check_not_last(self, operator_id: str, person_id: str) -> None:
        """From here on the person is not counted as an owner. Raises Refusal."""
        if not self.memberships.owner_no_more(operator_id, person_id):
            raise Refusal("last_owner", "somebody has to own the operator: make another person an owner first")


def _in_order(known: Mapping[str, Membership], groups: Sequence[str]) -> list[str]:
    """The operators that a person acts for: those that their token names first, then as they joined them."""
    mine = sorted((it.since, name) for name, it in known.items() if it.role is not None)
    joined = [name for _, name in mine]
    return list(dict.fromkeys([*(it for it in groups if it in joined or it not in known), *joined]))


def _forbid(why: str) -> NoReturn:
    raise Refusal("forbidden", why)
