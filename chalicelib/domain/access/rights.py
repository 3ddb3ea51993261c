"""Rights within an operator: scopes, the roles that are made of them, and who acts for it with which.

A role is one line of `ROLES`; nothing else says what a role may do. A right is asked for by its scope and never by the
role, so that a key, which has no role, is asked the same. What somebody may do is never more than what they were given
is worth at this moment: a key's scopes are cut by its maker's each time (`narrowed`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from chalicelib.domain.data_classes import dataclass, replace


class Scope(StrEnum):
    """One right, as `noun:verb`. Reading alone is `read`; whatever changes anything is another verb."""

    CHARGERS_READ = "chargers:read"
    CHARGERS_WRITE = "chargers:write"
    CHARGERS_COMMAND = "chargers:command"
    CHARGERS_ASSIST = "chargers:assist"
    JOURNAL_READ = "journal:read"
    SITES_WRITE = "sites:write"
    POWER_READ = "power:read"
    POWER_WRITE = "power:write"
    ALARMS_READ = "alarms:read"
    ALARMS_WRITE = "alarms:write"
    FAULTS_READ = "faults:read"
    FAULTS_WRITE = "faults:write"
    SESSIONS_READ = "sessions:read"
    SESSIONS_START = "sessions:start"
    SESSIONS_STOP = "sessions:stop"
    SESSIONS_SETTLE = "sessions:settle"
    REFUNDS_WRITE = "refunds:write"
    CORRECTIONS_WRITE = "corrections:write"
    MONEY_READ = "money:read"
    TARIFFS_WRITE = "tariffs:write"
    TOKENS_READ = "tokens:read"
    TOKENS_WRITE = "tokens:write"
    DRIVERS_WRITE = "drivers:write"
    OPERATOR_READ = "operator:read"
    OPERATOR_WRITE = "operator:write"
    WEBHOOKS_READ = "webhooks:read"
    WEBHOOKS_WRITE = "webhooks:write"
    PEOPLE_READ = "people:read"
    PEOPLE_WRITE = "people:write"
    KEYS_READ = "keys:read"
    KEYS_WRITE = "keys:write"
    AUDIT_READ = "audit:read"


class Role(StrEnum):
    """What somebody is to an operator."""

    OWNER = "owner"
    TECHNICIAN = "technician"
    FINANCE = "finance"
    SUPPORT = "support"
    READ_ONLY = "read_only"


@dataclass(frozen=True, slots=True)
class RefundCap:
    """The most that one person gives back: of one session at a time, and in a day (UTC); in euros or as much."""

    once_eur: Decimal
    a_day_eur: Decimal


@dataclass(frozen=True, slots=True)
class Rights:
    """What a role may do; `refund_cap` None: as much as was paid."""

    scopes: frozenset[Scope]
    refund_cap: RefundCap | None = None


def _these(words: str) -> frozenset[Scope]:
    return frozenset(map(Scope, words.split()))


_LOOK = "chargers:read sessions:read tokens:read operator:read faults:read alarms:read power:read"
# One line a role.
ROLES: Mapping[Role, Rights] = {
    Role.OWNER: Rights(frozenset(Scope)),
    Role.TECHNICIAN: Rights(
        _these(
            f"{_LOOK} journal:read chargers:write chargers:command chargers:assist sites:write power:write "
            "faults:write alarms:write sessions:start sessions:stop"
        )
    ),
    Role.FINANCE: Rights(
        _these(
            f"{_LOOK} money:read sessions:settle refunds:write corrections:write tariffs:write tokens:write "
            "drivers:write operator:write audit:read"
        )
    ),
    Role.SUPPORT: Rights(
        _these(f"{_LOOK} chargers:assist sessions:start sessions:stop refunds:write faults:write alarms:write"),
        RefundCap(once_eur=Decimal(50), a_day_eur=Decimal(250)),
    ),
    Role.READ_ONLY: Rights(_these(f"{_LOOK} money:read webhooks:read")),
}
# Whoever steals a key must not be able to make others, or to let people in.
NOT_FOR_KEYS = _these("people:read people:write keys:read keys:write")


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """What a person is to one operator, and at which of its sites (None: all); `role` None: not any more.

    That somebody was removed is kept, so that a group of the user pool cannot let them in again. `name` is what the
    operator calls them; `by` who gave them this, empty where nobody of the operator did. `used_at` is no older than an
    hour where they act for it all the time.
    """

    role: Role | None
    since: datetime
    sites: frozenset[str] | None = None
    name: str = ""
    by: str = ""
    used_at: datetime | None = None


class PrincipalKind(StrEnum):
    """Who acts: an operator's member, one of its keys, or the platform's administrator."""

    MEMBER = "member"
    KEY = "key"
    PLATFORM = "platform"


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Whoever acts for an operator, and what they may do there. `sites` None: at all of its sites.

    The platform's administrator acts upon operators and has none of their scopes.

    `person_id` is the member, or the maker of the key `key_id`: whose cap of a day is used up.
    """

    kind: PrincipalKind
    operator_id: str
    person_id: str
    scopes: frozenset[Scope]
    sites: frozenset[str] | None = None
    key_id: str = ""
    refund_cap: RefundCap | None = None

    @property
    def name(self) -> str:
        """As whom they are written down."""
        if self.kind is PrincipalKind.PLATFORM:
            return f"platform:{self.person_id}"
        return f"key:{self.key_id}" if self.key_id else self.person_id

    def may(self, scope: Scope) -> bool:
        """Whether they have that right, at some site at least."""
        return scope in self.scopes

    def covers(self, site_id: str | None) -> bool:
        """Whether that site is among theirs; what stands at none is for those only who are held to none."""
        return self.sites is None or (bool(site_id) and site_id in self.sites)

    def has(self, scopes: Iterable[Scope], sites: frozenset[str] | None) -> bool:
        """Whether all of that is theirs, so that they could give it."""
        return self.scopes.issuperset(scopes) and (self.sites is None or (sites is not None and sites <= self.sites))


def member_principal(operator_id: str, person_id: str, membership: Membership) -> Principal | None:
    """What a member may do; None for whoever is none any more."""
    if membership.role is None:
        return None
    rights = ROLES[membership.role]
    return Principal(
        kind=PrincipalKind.MEMBER,
        operator_id=operator_id,
        person_id=person_id,
        scopes=rights.scopes,
        sites=membership.sites,
        refund_cap=rights.refund_cap,
    )


def narrowed(maker: Principal, key_id: str, scopes: frozenset[Scope], sites: frozenset[str] | None) -> Principal:
    """What a key of these scopes and sites may do: no more than its maker may now."""
    if maker.sites is not None:
        sites = maker.sites if sites is None else sites & maker.sites
    may = (scopes & maker.scopes) - NOT_FOR_KEYS
    return replace(maker, kind=PrincipalKind.KEY, key_id=key_id, scopes=may, sites=sites)


class SiteRule(StrEnum):
    """How a route that names no thing of a site keeps to the sites of whoever is held to some.

    LISTS: it shows those things only that are at their sites. ALL: it is for those alone who are held to none. ANY:
    what it shows or changes is of no site.
    """

    LISTS = "lists"
    ALL = "all"
    ANY = "any"
