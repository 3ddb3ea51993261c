"""Records of drivers: their terms, accounts, RFID tokens and logins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum


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


@dataclass(frozen=True, slots=True)
class Roaming:
    """What a driver says of their tokens at chargers of operators who are neither the token's nor the account's.

    `is_allowed` None: as the platform has it. `most_per_kwh` by currency: no dearer than this there, in major units
    with tax; where a currency is not named, the platform's own cap holds.
    """

    is_allowed: bool | None = None
    most_per_kwh: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Driver:
    """A person with an account. Card data stays with the payment provider: here are only its names for things.

    `terms` are by operator; `owes` names the sessions that are not paid yet. `locale` is what they read (BCP 47, one of
    those spoken), empty where nobody has said.
    `accepted` are all versions of the terms of use they ever accepted, the oldest first; a token has no such thing.
    `terms` are by operator; `owes` names the sessions that are not paid yet. `fingerprints` are of all payment
    methods that were ever saved here; `card_owes` names what others owe by one of those cards ("fingerprint/session").
    `roaming` is what they say of their tokens elsewhere.
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
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    card_owes: frozenset[str] = frozenset()
    roaming: Roaming = Roaming()

    def has_accepted(self, terms: TermsOfUse) -> bool:
        """Whether they agreed to this version, or there is none."""
        return not terms.version or any(it.version == terms.version for it in self.accepted)

    @property
    def pays_with_what_owes(self) -> bool:
        """Whether the card that pays was not good for a charge of another account."""
        fingerprint = self.fingerprints.get(self.payment_method_id or "")
        return fingerprint is not None and any(it.startswith(f"{fingerprint}/") for it in self.card_owes)


class Consent(StrEnum):
    """Whether a driver has agreed that a token is theirs, to be charged with at their cost.

    GIVEN: they said so, and it is known to be theirs. BY_TERMS: issued by the operator whose terms they accepted with
    their account; they may refuse it. ASKED: issued by another operator, and they have not said yes. CLAIMED: they say
    it is theirs, and nobody has shown it to a reader yet.
    """

    GIVEN = "given"
    BY_TERMS = "by_terms"
    ASKED = "asked"
    CLAIMED = "claimed"


class TokenRefusal(StrEnum):
    """Why a token was refused at a charger, in words its driver can be shown."""

    BLOCKED = "blocked"
    EXPIRED = "expired"
    NOT_AGREED = "not_agreed"
    ROAMING_OFF = "roaming_off"
    TOO_DEAR = "too_dear"
    NO_CARD = "no_card"
    OPEN_BALANCE = "open_balance"
    DRIVER_BLOCKED = "driver_blocked"


@dataclass(frozen=True, slots=True)
class RefusedToken:
    """The last time that a token was refused: when, at which charger, and why."""

    at: datetime
    charger_id: str
    reason: TokenRefusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """An RFID token: its `uid`, issued by an operator to a driver, or a driver's own.

    `operator_id` is empty for a driver's own. Either may block it, and only whoever did can undo that. Tokens of one
    `group` may end each other's charges (OCPP 1.6 parentIdTag, 2.x groupIdToken; the charger's MasterPassGroupId names
    the one that may end all). From `expires_at` on nobody may charge with it.

    What is claimed and not proven lapses at `claimed_until`; it is proven at the charger `claimed_at` only, where one
    is named; `claims` counts how often its driver has claimed it. Tokens kept before there was a `consent` had it.
    `refused` is the last refusal, for its driver to read.
    """

    uid: str
    operator_id: str
    driver_id: str
    blocked: bool = False
    blocked_by_driver: bool = False
    group: str = ""
    expires_at: datetime | None = None
    consent: Consent = Consent.GIVEN
    claimed_until: datetime | None = None
    claimed_at: str = ""
    claims: int = 0
    refused: RefusedToken | None = None

    @property
    def is_blocked(self) -> bool:
        """Whether nobody may charge with it at a driver's cost: it is blocked, or its driver has not agreed."""
        return self.blocked or self.blocked_by_driver or not self.is_agreed

    @property
    def is_agreed(self) -> bool:
        """Whether its driver pays for what is charged with it."""
        return self.consent in (Consent.GIVEN, Consent.BY_TERMS)

    def is_claim(self, at: datetime) -> bool:
        """Whether it is but claimed, and that has not lapsed by then."""
        return self.consent is Consent.CLAIMED and not self.has_lapsed(at)

    def has_lapsed(self, at: datetime) -> bool:
        """Whether it was claimed and never proven: from then on it is nobody's."""
        return self.consent is Consent.CLAIMED and (self.claimed_until is None or self.claimed_until <= at)


@dataclass(frozen=True, slots=True)
class ShownToken:
    """What is kept under the names that a token may have, the likeliest first, and how often its reader has missed.

    `misses` counts the unknown tokens that the same charger showed within the same hour.
    """

    tokens: Sequence[Token]
    misses: int = 0


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
