"""API keys: made by a member, for no more than that member may do, now and later.

Whoever shows a key is asked for its row each time, and for its maker's: a key that was revoked, or whose maker is a
member no more, ends with the next request, whatever API Gateway remembers of it.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from chalicelib.domain.access.api_keys import (
    LONGEST_LIFE,
    LONGEST_OVERLAP_H,
    MOST_KEYS,
    NOTED_EVERY,
    ApiKey,
    ShownKey,
    new_key_id,
    new_secret,
    shown,
)
from chalicelib.domain.access.rights import NOT_FOR_KEYS, Principal, PrincipalKind, Scope, member_principal, narrowed
from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.ports import Clock
from chalicelib.ports.access import ApiKeys, Memberships
from chalicelib.records.drivers import NotAllowed
from chalicelib.services.access import NotFound, Refusal, operators_own

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key and its secret, which is told this once."""

    key: ApiKey
    secret: str


@dataclass(frozen=True, kw_only=True)
class KeyRing:
    """Makes, rotates, revokes and lists an operator's keys, and knows who shows one."""

    keys: ApiKeys
    memberships: Memberships
    clock: Clock
    random: Callable[[int], bytes] = secrets.token_bytes

    def principal(self, key: ShownKey, chosen: str | None) -> Principal:
        """Who acts by a key, and what they may do. Two reads, and a write once an hour at the most.

        Raises NotAllowed for a key that is no good (any more), Refusal (`forbidden`) for one of another operator than
        was chosen.
        """
        now = self.clock()
        known = self.keys.get(key.key_id)
        if known is None or not known.is_proven(key.secret_hash, now) or not known.is_good(now):
            raise NotAllowed("this API key is not good, or not any more")
        membership = self.memberships.of_person(known.made_by).get(known.operator_id)
        maker = member_principal(known.operator_id, known.made_by, membership) if membership is not None else None
        if maker is None:
            raise NotAllowed("this API key is not good, or not any more")
        if chosen not in (None, known.operator_id):
            raise Refusal("forbidden", "this key is another operator's")
        if known.used_at is None or now - known.used_at >= NOTED_EVERY:
            self._note_used(known, now)
        return narrowed(maker, known.key_id, known.scopes, known.sites)

    def make(
        self,
        principal: Principal,
        name: str,
        scopes: frozenset[Scope],
        sites: frozenset[str] | None,
        expires_at: datetime,
    ) -> NewKey:
        """A key for no more than its maker may do. Raises Refusal."""
        now = self.clock()
        self._check_person(principal)
        self._check_has(principal, scopes, sites)
        if refused := sorted(scopes & NOT_FOR_KEYS):
            raise Refusal("not_for_keys", f"no key may do {', '.join(refused)}")
        if not now < expires_at <= now + LONGEST_LIFE:
            raise Refusal("key_too_long", f"a key ends in the future, within {LONGEST_LIFE.days} days")
        if sum(it.is_good(now) for it in self.keys.of_operator(principal.operator_id)) >= MOST_KEYS:
            raise Refusal("too_many_keys", f"an operator has {MOST_KEYS} keys at the most; revoke one first")
        key_id = new_key_id(self.random)
        secret, secret_hash = self._secret(key_id)
        key = ApiKey(
            key_id=key_id,
            operator_id=principal.operator_id,
            name=name,
            scopes=scopes,
            sites=sites,
            made_by=principal.person_id,
            made_at=now,
            expires_at=expires_at,
            secret_hash=secret_hash,
        )
        self.keys.add(key)
        return NewKey(key, secret)

    def of_operator(self, principal: Principal) -> Sequence[ApiKey]:
        """The keys that are held to no more sites than whoever asks."""
        return [it for it in self.keys.of_operator(principal.operator_id) if principal.has((), it.sites)]

    def get(self, principal: Principal, key_id: str) -> ApiKey:
        """A key of the operator's. Raises NotFound, for one of other sites too."""
        key = operators_own(self.keys.get(key_id), principal.operator_id, f"key {key_id}")
        if not principal.has((), key.sites):
            raise NotFound(f"key {key_id}")
        return key

    def rotate(self, principal: Principal, key_id: str, overlap_h: int) -> NewKey:
        """Another secret for a key; the one before is good for so many hours more. Raises NotFound, Refusal."""
        self._check_person(principal)
        key = self.get(principal, key_id)
        # Whoever is told its secret may do what it may.
        self._check_has(principal, key.scopes, key.sites)
        now = self.clock()
        until = now + timedelta(hours=min(overlap_h, LONGEST_OVERLAP_H))
        secret, secret_hash = self._secret(key_id)

        def rotated(it: ApiKey) -> ApiKey:
            if not it.is_good(now):
                raise Refusal("key_over", "this key is revoked or over: make another one")
            return replace(it, secret_hash=secret_hash, former_hash=it.secret_hash, former_until=until, rotated_at=now)

        after = self.keys.change(key_id, rotated)
        if after is None:
            raise NotFound(f"key {key_id}")
        return NewKey(after, secret)

    def revoke(self, principal: Principal, key_id: str) -> None:
        """End a key, from the next request on. Again changes nothing. Raises NotFound."""
        self.get(principal, key_id)
        now = self.clock()
        self.keys.change(key_id, lambda it: it if it.revoked_at is not None else replace(it, revoked_at=now))

    def _secret(self, key_id: str) -> tuple[str, str]:
        secret = new_secret(key_id, self.random)
        known = shown(secret)
        if known is None:
            raise ValueError("a key was made that is none")
        return secret, known.secret_hash

    def _note_used(self, key: ApiKey, at: datetime) -> None:
        try:
            self.keys.note_used(key, at)
        except Exception:
            _log.exception("the use of a key is not noted", extra={"key_id": key.key_id})

    def _check_person(self, principal: Principal) -> None:
        if principal.kind is not PrincipalKind.MEMBER:
            raise Refusal("forbidden", "keys are made and rotated by people")

    def _check_has(self, principal: Principal, scopes: frozenset[Scope], sites: frozenset[str] | None) -> None:
        if not principal.has(scopes, sites):
            raise Refusal("more_than_yours", "a key may do no more than its maker, at no more sites")
