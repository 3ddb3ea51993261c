"""Records of drivers: their terms, accounts, RFID tokens and logins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Terms:
    """What an operator has agreed with a driver: a tariff of their own (free charging, say), or no charging at all."""

    tariff_id: str | None = None
    blocked: bool = False

    def tariff_at(self, sites_own: str) -> str:
        """The tariff that holds at a site: the one agreed, or else the site's own."""
        return self.tariff_id or sites_own


# Nothing agreed: the site's own prices.
NO_TERMS = Terms()


def terms_with(operator_id: str, terms: Mapping[str, Terms]) -> Terms:
    """What holds between that operator and the driver whose `terms` these are, be nothing agreed between them."""
    return terms.get(operator_id, NO_TERMS)


@dataclass(frozen=True, slots=True)
class TermsOfUse:
    """The platform's terms of use as they are now; no `version` where it has none.

    `is_required`: nobody begins a charge by app who has not accepted that version.
    """

    version: str = ""
    url: str = ""
    is_required: bool = False


NO_TERMS_OF_USE = TermsOfUse()


@dataclass(frozen=True, slots=True)
class AcceptedTerms:
    """A version of the terms of use, and when a driver accepted it."""

    version: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Driver:
    """A person with an account. Card data stays with the payment provider: here are only its names for things.

    `terms` are by operator; `owes` names the sessions that are not paid yet. `locale` is what they read (BCP 47, one of
    those spoken), empty where nobody has said.
    `accepted` are all versions of the terms of use they ever accepted, the oldest first; a token has no such thing.
    """

    driver_id: str
    email: str
    customer_id: str | None = None
    payment_method_id: str | None = None
    card: str | None = None
    blocked: bool = False
    terms: Mapping[str, Terms] = field(default_factory=dict)
    owes: frozenset[str] = frozenset()
    locale: str = ""
    accepted: tuple[AcceptedTerms, ...] = ()

    def has_accepted(self, terms: TermsOfUse) -> bool:
        """Whether they agreed to this version, or there is none."""
        return not terms.version or any(it.version == terms.version for it in self.accepted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """An RFID token: `uid` upper case, issued by an operator to a driver, or a driver's own, good everywhere.

    `operator_id` is empty for a driver's own. Either may block it, and only whoever did can undo that. Tokens of one
    `group` may end each other's charges (OCPP 1.6 parentIdTag, 2.x groupIdToken; the charger's MasterPassGroupId names
    the one that may end all). From `expires_at` on nobody may charge with it.
    """

    uid: str
    operator_id: str
    driver_id: str
    blocked: bool = False
    blocked_by_driver: bool = False
    group: str = ""
    expires_at: datetime | None = None

    @property
    def is_blocked(self) -> bool:
        """Whether nobody may charge with it."""
        return self.blocked or self.blocked_by_driver


@dataclass(frozen=True, slots=True)
class Login:
    """The OIDC tokens of a person who has logged in."""

    account_id: str
    access_token: str
    refresh_token: str | None
    expires_s: int


class NotAllowed(Exception):
    """The identity provider refused the credentials; the text may be shown to the person."""


class AlreadyRegistered(Exception):
    """That e-mail address has an account."""
