"""Records of drivers: their terms, accounts, RFID tokens and logins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from chalicelib.domain.access.rights import Membership
from chalicelib.domain.chargers.watches import Watch
from chalicelib.domain.charging.preferences import UsualPreferences
from chalicelib.domain.data_classes import dataclass, field, replace
from chalicelib.domain.money.party import Business
from chalicelib.domain.notifications import Channel, NotificationKind


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
class JoinedOrganisation:
    """An organisation that a driver is a member of; `pays_by_default`: also where they do not say who pays."""

    organisation_id: str
    pays_by_default: bool = False


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
class Enrolment:
    """An account as its identity provider knows it: its proven address, and what was said as it was opened."""

    email: str
    locale: str = ""
    accepted: tuple[AcceptedTerms, ...] = ()


@dataclass(frozen=True, slots=True)
class Roaming:
    """What a driver says of their tokens at chargers of operators who are neither the token's nor the account's.

    `is_allowed` None: as the platform has it. `most_per_kwh` by currency: no dearer than this there, in major units
    with tax; where a currency is not named, the platform's own cap holds.
    """

    is_allowed: bool | None = None
    most_per_kwh: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentCard:
    """One of a driver's payment cards, by the provider's name for it.

    `label` is brand and last four digits, `expires` the month printed on it (`2029-12`; empty where nobody knows),
    `wallet` what holds it on the driver's device (`apple_pay`, `google_pay`), empty for a card of plastic.
    """

    payment_method_id: str
    label: str
    expires: str = ""
    wallet: str = ""


class Platform(StrEnum):
    """Whose push service a device listens to."""

    APNS = "apns"
    FCM = "fcm"


@dataclass(frozen=True, slots=True)
class Device:
    """A device that wants pushes: its id, as the app chose it, and the token that its push service knows it by."""

    device_id: str
    platform: Platform
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Driver:
    """A person with an account. Card data stays with the payment provider: here are only its names for things.

    `payment_method_id` and `card` are of the card that pays, one of `cards`. `terms` are by operator; `owes` names the
    sessions that are not paid yet. `locale` is what they read (BCP 47, one of those spoken), empty where nobody has
    said. `accepted` are all versions of the terms of use they ever accepted, the oldest first; a token has no such
    thing. Access tokens issued before `tokens_from_s` (Unix time) are over. `business` stands
    on their papers. `muted` are "kind/channel" of what they do not want to be told that way. `told_expiry` is the month
    of the last card that they were told will expire. `fingerprints` are of all payment methods that were ever saved
    here; `card_owes` names what others owe by one of those cards ("fingerprint/session"). `roaming` is what they
    say of their tokens elsewhere. `watches` may be over: they end by their time. `let_go` names the charges that came
    to less than a card can be charged, and when that was let go. `memberships` say for which operators they act.
    `second_factor_since` is when a login of theirs first needed a code; `proven_logins` are those that had one.
    `organisations` pay for them, one at an operator's chargers, by operator.
    `is_platform`: they administer the platform, and are nobody's driver. `usual`: how they want to charge where they do
    not say so. `leaving_since`: their account is deleted, and what is kept of them is being forgotten.
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
    roaming: Roaming = Roaming()
    tokens_from_s: int = 0
    cards: tuple[PaymentCard, ...] = ()
    business: Business | None = None
    devices: tuple[Device, ...] = ()
    muted: frozenset[str] = frozenset()
    told_expiry: str = ""
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    card_owes: frozenset[str] = frozenset()
    watches: tuple[Watch, ...] = ()
    let_go: Mapping[str, datetime] = field(default_factory=dict)
    memberships: Mapping[str, Membership] = field(default_factory=dict)
    second_factor_since: datetime | None = None
    proven_logins: frozenset[str] = frozenset()
    is_platform: bool = False
    usual: tuple[UsualPreferences, ...] = ()
    organisations: Mapping[str, JoinedOrganisation] = field(default_factory=dict)
    leaving_since: datetime | None = None

    @property
    def untold_expiry(self) -> str | None:
        """The month in which the card that pays expires, while they have not been told of it."""
        paying = next((it for it in self.wallet if it.payment_method_id == self.payment_method_id), None)
        return paying.expires if paying and paying.expires and paying.expires != self.told_expiry else None

    def wants(self, kind: NotificationKind, channel: Channel) -> bool:
        """Whether they want to be told that, that way."""
        return f"{kind}/{channel}" not in self.muted

    @property
    def wallet(self) -> tuple[PaymentCard, ...]:
        """All their cards, the oldest first; an older row knows but the one that pays."""
        if self.payment_method_id is None or any(it.payment_method_id == self.payment_method_id for it in self.cards):
            return self.cards
        return (PaymentCard(payment_method_id=self.payment_method_id, label=self.card or ""), *self.cards)

    def watch(self, watch_id: str, at: datetime) -> Watch | None:
        """Their watch of that id, if it is not over by then."""
        return next((it for it in self.watches if it.watch_id == watch_id and at < it.until), None)

    def with_card(self, card: PaymentCard) -> Driver:
        """The driver with one more card, which pays from now on."""
        others = tuple(it for it in self.wallet if it.payment_method_id != card.payment_method_id)
        return replace(self, cards=(*others, card)).paying_with(card.payment_method_id)

    def paying_with(self, payment_method_id: str) -> Driver:
        """The driver, another card of theirs paying. Raises LookupError for a card that is not theirs."""
        for card in self.wallet:
            if card.payment_method_id == payment_method_id:
                return replace(self, cards=self.wallet, payment_method_id=payment_method_id, card=card.label)
        raise LookupError(payment_method_id)

    def without_card(self, payment_method_id: str) -> Driver:
        """The driver without that card; if it paid, the newest of the others does."""
        left = tuple(it for it in self.wallet if it.payment_method_id != payment_method_id)
        if self.payment_method_id != payment_method_id:
            return replace(self, cards=left)
        newest = left[-1] if left else None
        return replace(
            self,
            cards=left,
            payment_method_id=newest.payment_method_id if newest else None,
            card=newest.label if newest else None,
        )

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
    TOO_MANY_SMALL = "too_many_small_charges"
    NO_CARD = "no_card"
    NOT_PAID_FOR = "not_paid_for"
    OPEN_BALANCE = "open_balance"
    DRIVER_BLOCKED = "driver_blocked"


@dataclass(frozen=True, slots=True)
class RefusedToken:
    """The last time that a token was refused: when, at which charger, and why."""

    at: datetime
    charger_id: str
    reason: TokenRefusal


# How long a start may be told after the car has shown its contract: a charger may be offline in between.
_CONTRACT_COUNTS = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ContractSeen:
    """The last time that a car proved a contract to a charger that cannot say so at the start (OCPP 1.6)."""

    at: datetime
    charger_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """An RFID token, or a charging contract's: its `uid`, issued by an operator to a driver, or a driver's own.

    `operator_id` is empty for a driver's own. Either may block it, and only whoever did can undo that. Tokens of one
    `group` may end each other's charges (OCPP 1.6 parentIdTag, 2.x groupIdToken; the charger's MasterPassGroupId names
    the one that may end all). From `expires_at` on nobody may charge with it.

    What is claimed and not proven lapses at `claimed_until`; it is proven at the charger `claimed_at` only, where one
    is named; `claims` counts how often its driver has claimed it. Tokens kept before there was a `consent` had it.
    `refused` is the last refusal, for its driver to read. `contract` is when and where a contract's was last proven.
    `organisation_id`: its operator issued it for that organisation, which pays for what its member begins with it.
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
    contract: ContractSeen | None = None
    organisation_id: str = ""

    def was_proven(self, charger_id: str, at: datetime) -> bool:
        """Whether a car proved this contract to that charger shortly before."""
        seen = self.contract
        return seen is not None and seen.charger_id == charger_id and at - seen.at < _CONTRACT_COUNTS

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """The OIDC tokens of a person who has logged in; `issued_s` is when, in Unix time by their issuer's clock.

    `login_id` names the login, in all tokens that come of it. `had_code`: it took a code beside the password.
    """

    account_id: str
    access_token: str
    refresh_token: str | None
    expires_s: int
    issued_s: int = 0
    login_id: str = ""
    had_code: bool = False


class NotAllowed(Exception):
    """The identity provider refused the credentials; the text may be shown to the person."""


class CodeNeeded(NotAllowed):
    """The password is right, and this account's logins need a code of its authenticator as well."""


class TooManyAttempts(NotAllowed):
    """The identity provider hears no more of this for a while; the text may be shown to the person."""


class MailUnavailable(Exception):
    """The mail with the code could not be sent: the mailer failed, or has sent all that it may today."""

    def __init__(self) -> None:
        super().__init__("no mail can be sent at present; try again later")


class AlreadyRegistered(Exception):
    """That e-mail address has an account."""
