"""Authorizes tokens: whom one stands for, and whether they may charge now, however its reader spells it.

Nobody pays for a token that they have not agreed to, nor abroad at a price above the cap; a claim is proven by being
shown while it lasts. A reader that shows too many unknown tokens in an hour is told that all are unknown.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from chalicelib.domain.chargers.commands import AuthorizationStatus
from chalicelib.domain.charging.names import looks_like_app_token
from chalicelib.domain.charging.session import Session, State
from chalicelib.domain.charging.terminal import is_terminal_token
from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.drivers import spellings, uid_of
from chalicelib.domain.drivers.emaid import contract_token, emaid_of, is_contract_token
from chalicelib.domain.money.asked_charge import NotPaidFor
from chalicelib.domain.pricing.tariff import Tariff
from chalicelib.ports import Clock
from chalicelib.ports.access import Operators
from chalicelib.ports.chargers import Chargers, Knocks, Setups, Sites
from chalicelib.ports.charging import Sessions
from chalicelib.ports.drivers import Drivers, TokenRegistry
from chalicelib.ports.pricing import Tariffs
from chalicelib.protocol.ocpp import OLDEST
from chalicelib.records.chargers import Connection, Knock, KnockReason
from chalicelib.records.drivers import (
    NO_TERMS,
    Consent,
    ContractSeen,
    Driver,
    RefusedToken,
    Terms,
    Token,
    TokenRefusal,
    terms_with,
)
from chalicelib.services.access import is_drivers, is_operators
from chalicelib.services.drivers.eligibility import can_pay, why_barred
from chalicelib.services.drivers.token_payers import TokenPayers, paying_organisation
from chalicelib.services.drivers.token_rules import TokenRules, first_here

# Of a driver's sessions so many, the newest, are looked through for those that run.
_NEWEST = 25
# A refusal that is repeated sooner is no news to the token's driver.
_REFUSAL_AGAIN = timedelta(minutes=1)
# What a charger is told of a token that was refused for such a reason.
_STANDINGS = {
    TokenRefusal.EXPIRED: AuthorizationStatus.EXPIRED,
    TokenRefusal.ROAMING_OFF: AuthorizationStatus.NOT_HERE,
    TokenRefusal.TOO_DEAR: AuthorizationStatus.NOT_HERE,
}
# What bars a driver from charging by app bars their tokens.
_REFUSALS = {it.value: it for it in TokenRefusal}
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorization:
    """Whom a token stands for (OCPI AuthorizationInfo): a session begun by app, or a driver with an RFID token.

    `standing` is the token's authorization status. `terms` are what the operator has agreed with that driver, if
    anything. `group` and `expires_at` are the token's.
    `asked_at` is when an app asked for what it begins, if one did and its session is over.
    `is_master_pass`: it ends any charge, and its `standing` says that it begins none. `tariff` is the price at which
    alone it may charge, where that was asked. `is_abroad`: at a price nobody sees there, at an operator's who neither
    issued the token nor keeps its driver's account. `organisation_id`: it pays in place of the driver of `shown`.
    """

    standing: AuthorizationStatus
    driver_id: str | None = None
    session: Session | None = None
    terms: Terms = NO_TERMS
    group: str = ""
    expires_at: datetime | None = None
    is_master_pass: bool = False
    asked_at: datetime | None = None
    tariff: Tariff | None = None
    is_abroad: bool = False
    organisation_id: str | None = None
    shown: Token | None = None

    @property
    def to_end(self) -> AuthorizationStatus:
        """What the token is worth where a charge is ended with it."""
        return AuthorizationStatus.ACCEPTED if self.is_master_pass else self.standing


@dataclass(frozen=True, kw_only=True)
class Authorizations:
    """Looks tokens up. One read for an RFID token or an app's, and one more for an RFID token's driver.

    Three more for the price, where that matters: a driver's own token abroad, one that waits for its driver, a driver
    without a card, whose wallet is one more. A write for a token nobody has, for one refused, and for a claim that this
    proves.

    Where the operator's rule bounds how many charges may run under one card, two more for the driver's newest
    sessions: an index that may be a second old, so that two starts in one breath may both be let in.
    """

    chargers: Chargers
    sessions: Sessions
    sites: Sites
    tariffs: Tariffs
    tokens: TokenRegistry
    drivers: Drivers
    setups: Setups
    knocks: Knocks
    operators: Operators
    clock: Clock
    rules: TokenRules
    has_prepaid: Callable[[str, str, int], bool]
    payers: TokenPayers

    def shown(self, connection: Connection, token: str, *, is_contract_proven: bool = False) -> Authorization:
        """Who shows `token` at a charger, and whether it may go on: nobody knows yet whether to begin or to end.

        `is_contract_proven`: it came with a good certificate of that contract, which alone proves a claim to it.

        A card whose charge runs at this very charger may be there to end it. OCPP 1.6 knows no master pass: whatever
        is accepted there begins a charge.
        """
        found = self._found(connection.charger_id, connection.operator_id, token, is_contract_proven)
        is_good = found.standing is AuthorizationStatus.ACCEPTED
        if is_contract_proven and is_good and connection.protocol == OLDEST:
            # Its start will show a bare idTag.
            self.tokens.note_contract(uid_of(token), ContractSeen(self.clock(), connection.charger_id))
        if self._is_closed(found, connection.operator_id) or not self._is_paid_for(found, connection.charger_id):
            running = self._running(found.driver_id, token)
            if any(it.charger_id == connection.charger_id for it in running):
                return found
            if found.shown is not None:
                self._note_refused(found.shown, connection.charger_id, TokenRefusal.NOT_PAID_FOR)
            return _barred(found)
        if found.is_master_pass and connection.protocol != OLDEST:
            return replace(found, standing=AuthorizationStatus.ACCEPTED)
        most = self._most_charges(connection.operator_id, found)
        if most is None:
            return found
        running = self._running(found.driver_id, token)
        if len(running) < most or any(it.charger_id == connection.charger_id for it in running):
            return found
        return replace(found, standing=AuthorizationStatus.CONCURRENT_TX)

    def is_one_too_many(self, session: Session, authorization: Authorization) -> bool:
        """Whether as many charges as the operator allows ran under a session's card before it began.

        Only those before it count, so that the answer to a start repeated is the answer it had.
        """
        most = self._most_charges(session.operator_id, authorization)
        if most is None:
            return False
        begun = (session.created_at, session.session_id)
        running = [
            it
            for it in self._running(session.driver_id, session.token)
            if (it.created_at, it.session_id) < begun
            # Two cannot charge at one connector: the earlier is over, told or not.
            and (it.charger_id, it.connector) != (session.charger_id, session.connector)
        ]
        return len(running) >= most

    def authorization(self, charger_id: str, operator_id: str, token: str) -> Authorization:
        """Whom `token`, shown at a charger of that operator, stands for, and its authorization status."""
        found = self._found(charger_id, operator_id, token)
        return _barred(found) if self._is_closed(found, operator_id) else found

    def _is_paid_for(self, found: Authorization, charger_id: str) -> bool:
        """Whether who pays in its driver's place does so here; asked at the reader, and as a session is made."""
        if found.organisation_id is None or found.driver_id is None:
            return True
        tariff = found.tariff or self.tariff(found.terms, charger_id)
        return self.payers.pays(found.organisation_id, found.driver_id, charger_id, tariff)

    def _is_closed(self, found: Authorization, operator_id: str) -> bool:
        """Whether a token would begin a charge where none begins any more; one that an app began goes on."""
        if found.standing is not AuthorizationStatus.ACCEPTED or found.session is not None:
            return False
        return self.operators.standing(operator_id).is_closed

    def _found(self, charger_id: str, operator_id: str, token: str, is_contract_proven: bool = False) -> Authorization:
        if looks_like_app_token(token):
            session = self.sessions.get(token.upper())
            if session is not None and session.charger_id == charger_id:
                return Authorization(
                    standing=AuthorizationStatus.EXPIRED if session.is_over else AuthorizationStatus.ACCEPTED,
                    driver_id=session.driver_id,
                    session=session,
                )
        known = None if is_terminal_token(token) else self._token(charger_id, operator_id, token)
        if known is None:
            return self._unknown(charger_id, token)
        if known.consent is Consent.CLAIMED and is_contract_token(known.uid) and not is_contract_proven:
            return Authorization(standing=AuthorizationStatus.UNKNOWN)
        if is_operators(known, operator_id) and self.setups.profile(operator_id).is_master_pass(known.group):
            return self._master_pass(known)
        return self._drivers(known, charger_id, operator_id)

    def _drivers(self, known: Token, charger_id: str, operator_id: str) -> Authorization:
        """A driver's token: it may charge, or why it was refused is noted."""
        driver = self.drivers.get(known.driver_id)
        if driver is None:
            return Authorization(standing=AuthorizationStatus.BLOCKED)
        terms = terms_with(operator_id, driver.terms)
        price = _Price(self, terms, charger_id)
        payer: str | None = None
        try:
            payer = paying_organisation(driver, known, operator_id)
            why = self._why_not_here(known, driver, operator_id, price, is_paid_for=payer is not None)
        except NotPaidFor:
            why = TokenRefusal.NOT_PAID_FOR
        if why is not None:
            self._note_refused(known, charger_id, why)
            return Authorization(standing=_STANDINGS.get(why, AuthorizationStatus.BLOCKED))
        if known.consent is Consent.CLAIMED and not self._prove(known):
            return Authorization(standing=AuthorizationStatus.UNKNOWN)
        return Authorization(
            standing=AuthorizationStatus.ACCEPTED,
            driver_id=known.driver_id,
            terms=terms,
            group=known.group,
            expires_at=known.expires_at,
            tariff=price.found,
            is_abroad=payer is None
            and self.rules.is_abroad(known, operator_id)
            and not (price.found and price.found.is_free),
            organisation_id=payer,
            shown=known if payer is not None else None,
        )

    def _unknown(self, charger_id: str, token: str) -> Authorization:
        """Nobody we know may charge, but who pays at the charger's card terminal, if its operator says it has one."""
        charger = self.chargers.get(charger_id) if is_terminal_token(token) else None
        has_paid = charger is not None and charger.has_card_terminal
        return Authorization(standing=AuthorizationStatus.ACCEPTED if has_paid else AuthorizationStatus.UNKNOWN)

    def _why_not_here(
        self, token: Token, driver: Driver, operator_id: str, price: _Price, *, is_paid_for: bool
    ) -> TokenRefusal | None:
        """Why this token may not charge at such a charger now; None: it may. Where others pay, by their rules alone."""
        why = self._why_not(token, driver, operator_id, price, is_paid_for=is_paid_for)
        if why is not None or (is_paid_for and (token.is_agreed or token.organisation_id)):
            return why
        if token.consent is Consent.ASKED:
            # It costs its driver nothing where nothing costs anything: an operator's own token, by its own rule.
            tariff = price()
            return None if tariff is not None and tariff.is_free else TokenRefusal.NOT_AGREED
        if self.rules.is_abroad(token, operator_id):
            tariff = price()
            if tariff is None:
                return TokenRefusal.TOO_DEAR
            return self.rules.refusal_abroad(driver, tariff, self.clock().date())
        return None

    def _why_not(
        self, token: Token, driver: Driver, operator_id: str, price: _Price, *, is_paid_for: bool
    ) -> TokenRefusal | None:
        """The rules of an app's driver, and what either side has said of the token. No read but of price and wallet."""
        if token.blocked or token.blocked_by_driver:
            return TokenRefusal.BLOCKED
        barred = why_barred(driver, self.clock(), operator_id)
        if barred is not None:
            return _REFUSALS.get(barred.code, TokenRefusal.DRIVER_BLOCKED)
        if not is_paid_for and not can_pay(driver, price) and not self._is_prepaid(driver, price()):
            return TokenRefusal.NO_CARD
        return TokenRefusal.EXPIRED if token.expires_at is not None and token.expires_at <= self.clock() else None

    def _is_prepaid(self, driver: Driver, tariff: Tariff | None) -> bool:
        """Whether their wallet is good for what is held there, as for a start by app; one read of it."""
        return tariff is not None and self.has_prepaid(driver.driver_id, tariff.currency, tariff.hold_minor)

    def _prove(self, claim: Token) -> bool:
        """A claim is shown to a reader while it lasts: from now on it is its driver's. False: somebody was quicker."""
        now = self.clock()

        def proven(it: Token) -> Token:
            if it.is_claim(now) and is_drivers(it, claim.driver_id):
                return replace(it, consent=Consent.GIVEN, claimed_until=None, claimed_at="")
            return it

        proved = self.tokens.change(claim.uid, proven, now)
        return proved is not None and proved.is_agreed and is_drivers(proved, claim.driver_id)

    def _note_refused(self, token: Token, charger_id: str, why: TokenRefusal) -> None:
        """For the token's driver to read. Nobody is told where a card is shown that they only say is theirs."""
        now, last = self.clock(), token.refused
        is_old = last is not None and (last.charger_id, last.reason) == (charger_id, why)
        if token.consent is Consent.CLAIMED or (is_old and last is not None and now - last.at < _REFUSAL_AGAIN):
            return
        try:
            self.tokens.note_refused(token, RefusedToken(now, charger_id, why))
        except Exception:
            # The charger has its answer all the same.
            _log.exception("refusal not noted", extra={"charger_id": charger_id})

    def _master_pass(self, card: Token) -> Authorization:
        """OCPP 2.0.1 C16: it is told of its group, and begins nothing, so that its driver need not have agreed."""
        if card.expires_at is not None and card.expires_at <= self.clock():
            return Authorization(standing=AuthorizationStatus.EXPIRED)
        if card.blocked or card.blocked_by_driver:
            return Authorization(standing=AuthorizationStatus.BLOCKED)
        return Authorization(
            standing=AuthorizationStatus.BLOCKED,
            group=card.group,
            expires_at=card.expires_at,
            is_master_pass=True,
        )

    def _most_charges(self, operator_id: str, found: Authorization) -> int | None:
        """How many charges the operator lets run at once under a card that may charge; None: it does not matter."""
        if found.standing is not AuthorizationStatus.ACCEPTED or found.session is not None or found.driver_id is None:
            return None
        return self.setups.profile(operator_id).most_charges(found.group)

    def _running(self, driver_id: str | None, token: str) -> list[Session]:
        """The charges that run under a card as far as anybody knows. Two calls."""
        if driver_id is None:
            return []
        names = set(spellings(token))
        newest, _ = self.sessions.of_driver(driver_id, _NEWEST, None)
        return [
            it
            for it in newest
            if it.state is State.ACTIVE
            and (it.stopped_at or it.left_at or it.seen_free_at) is None
            and not names.isdisjoint(spellings(it.token))
        ]

    def tariff(self, terms: Terms, charger_id: str) -> Tariff | None:
        """The price at a charger under these terms. What is agreed holds wherever its site may be. Three reads."""
        if terms.tariff_id is not None:
            return self.tariffs.get(terms.tariff_id)
        charger = self.chargers.get(charger_id)
        site = self.sites.get(charger.site_id) if charger else None
        return self.tariffs.get(terms.tariff_at(site.tariff_id)) if site else None

    def _token(self, charger_id: str, operator_id: str, shown: str) -> Token | None:
        """The token of any spelling that is good at that operator's chargers: what is known to be somebody's first."""
        now = self.clock()
        names = list(spellings(shown))
        emaid = None if is_contract_token(shown) else emaid_of(shown)
        bare_contract = contract_token(emaid) if emaid else ""
        found = self.tokens.shown([*names, *filter(None, (bare_contract,))], charger_id, now)
        if found.misses >= self.rules.misses_an_hour:
            # Whoever guesses must not learn which guess was right.
            return None
        # A bare eMAID, as 1.6 shows it at a start, is a contract's where that was just proven, and nowhere else.
        tokens = [it for it in found.tokens if it.uid != bare_contract or it.was_proven(charger_id, now)]
        known = first_here(tokens, charger_id, operator_id, now)
        if known is None and names[0]:
            self._missed(charger_id, operator_id, now)
        return known

    def _missed(self, charger_id: str, operator_id: str, now: datetime) -> None:
        """One more unknown token of that charger's; when these are too many its operator is told, once an hour."""
        misses = self.tokens.missed(charger_id, now)
        if misses != self.rules.misses_an_hour:
            return
        why = (
            f"{misses} unknown tokens within the hour {now:%H}:00 UTC; until it is over it is told that all are unknown"
        )
        _log.warning("a charger shows too many unknown tokens", extra={"charger_id": charger_id})
        self.knocks.add(
            Knock(
                operator_id=operator_id,
                charger_id=charger_id,
                name=charger_id,
                reason=KnockReason.TOKENS_UNKNOWN,
                why=why,
                at=now,
                first_at=now,
            )
        )


class _Price:
    """The price at a charger, read when it is first asked for; `found` is what was read."""

    def __init__(self, authorizations: Authorizations, terms: Terms, charger_id: str) -> None:
        self._ask = (authorizations, terms, charger_id)
        self._is_read = False
        self.found: Tariff | None = None

    def __call__(self) -> Tariff | None:
        if not self._is_read:
            authorizations, terms, charger_id = self._ask
            self.found, self._is_read = authorizations.tariff(terms, charger_id), True
        return self.found


def _barred(found: Authorization) -> Authorization:
    return replace(found, standing=AuthorizationStatus.BLOCKED)
