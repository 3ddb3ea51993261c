"""RFID tokens and contracts: a driver's, and those that operators issue. Nobody pays for one they have not agreed to.

A driver's own is at first but a claim: it lapses unless the token is shown to a reader soon, and an operator who issues
that token goes before it. A contract (eMAID) is claimed at one charger, and proven by its certificate there. An
operator's waits until its driver says yes, unless it is issued by the operator whose terms they accepted with their
account. Either may block one, and neither may take another's.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.drivers import claimed_uid, spellings, uid_of
from chalicelib.domain.drivers.emaid import emaid_in, is_contract_token
from chalicelib.ports import Clock
from chalicelib.ports.charging import Sessions
from chalicelib.ports.drivers import Drivers, TokenRegistry
from chalicelib.ports.pricing import Tariffs
from chalicelib.records.drivers import Consent, Driver, Roaming, ShownToken, Terms, Token
from chalicelib.services.access import NotFound, Refusal, drivers_own, is_drivers, is_operators, operators_own
from chalicelib.services.drivers.token_rules import TokenRules
from chalicelib.services.notifications.outbox import Notifications

_MOST_TOKENS = 50
# Whoever claims a token has it in their hand, and stands where it is read.
CLAIM_LASTS = timedelta(minutes=15)
# So many claims of a driver may be open at once, and so often may they claim one token before its row lapses, a day
# after the last: a number that is somebody else's cannot be held for ever.
_MOST_CLAIMS = 5
_MOST_TIMES = 3
# So many numbers that are somebody's may a driver try within an hour.
_MOST_TAKEN = 20
# So many tokens of one operator, and of all, may wait for a driver who has not said yes.
_MOST_ASKED, _MOST_ASKED_BY_ALL = 3, 10
# Of a driver's sessions so many, the newest, are looked through for those not over.
_NEWEST = 25


@dataclass(frozen=True, kw_only=True)
class DriverTokens:
    """RFID tokens as their drivers see them, and what an operator agrees with a driver."""

    tokens: TokenRegistry
    tariffs: Tariffs
    drivers: Drivers
    sessions: Sessions
    clock: Clock

    def of_driver(self, driver_id: str) -> Sequence[Token]:
        """All of a driver's cards, by number; a claim that has lapsed is none."""
        now = self.clock()
        return sorted((it for it in self.tokens.of_driver(driver_id) if not it.has_lapsed(now)), key=lambda it: it.uid)

    def put(self, driver_id: str, said: str, *, blocked: bool, charger_id: str = "") -> Token:
        """Claim a token, agree to one that an operator issued, or block one, whoever issued it.

        `said` is any spelling of its uid; `charger_id` where it will be shown, empty: anywhere. Raises NotFound,
        Refusal for somebody else's.
        """
        if self.drivers.get(driver_id) is None:
            raise NotFound(f"driver {driver_id}")
        found = self.tokens.shown(spellings(said), _tried_by(driver_id), self.clock())
        own = self._own(found.tokens, driver_id)
        if own is None:
            return self._claim(driver_id, claimed_uid(said), found, blocked=blocked, charger_id=charger_id)

        def said_of_it(it: Token) -> Token:
            if not is_drivers(it, driver_id):
                raise _taken(it.uid)
            is_yes = not blocked and it.consent in (Consent.ASKED, Consent.BY_TERMS)
            return replace(it, blocked_by_driver=blocked, consent=Consent.GIVEN if is_yes else it.consent)

        changed = self.tokens.change(own.uid, said_of_it, self.clock())
        if changed is None:
            raise NotFound(f"card {own.uid}")
        return changed

    def remove(self, driver_id: str, said: str) -> None:
        """Give up a card of one's own. Raises NotFound; Refusal for an operator's, which can only be blocked.

        Nor is one given up with which something is not paid yet, or under way: somebody else could take it up, and
        begin anew. Three reads.
        """
        found = self._own(self.tokens.known_as(spellings(said)), driver_id)
        known = drivers_own(found, driver_id, f"card {uid_of(said)}")
        if known.operator_id:
            raise Refusal("not_yours", "this card is an operator's; block it instead")
        now = self.clock()
        if known.consent is Consent.CLAIMED:
            # How often it was claimed is remembered for a day.
            self.tokens.change(known.uid, lambda it: replace(it, claimed_until=now) if it.is_claim(now) else it, now)
            return
        driver = self.drivers.get(driver_id)
        if driver is not None and driver.owes:
            raise Refusal("open_balance", "a charge is not paid yet (GET /v1/me/balance); pay it first")
        names = set(spellings(known.uid))
        newest, _ = self.sessions.of_driver(driver_id, _NEWEST, None)
        if any(not it.is_over and not names.isdisjoint(spellings(it.token)) for it in newest):
            raise Refusal("session_open", "a session with this card is under way; end it first")
        self.tokens.forget(known.uid)

    def roam(self, driver_id: str, roaming: Roaming) -> Driver:
        """Say where else one's tokens are good, and at which price. Raises NotFound."""
        driver = self.drivers.change(driver_id, lambda it: replace(it, roaming=roaming))
        if driver is None:
            raise NotFound(f"driver {driver_id}")
        return driver

    def agree(self, operator_id: str, driver_id: str, terms: Terms) -> None:
        """Set what an operator has agreed with a driver. Raises NotFound for an unknown driver or another's tariff."""
        if terms.tariff_id is not None:
            operators_own(self.tariffs.get(terms.tariff_id), operator_id, f"tariff {terms.tariff_id}")
        if not self.drivers.set_terms(driver_id, operator_id, terms):
            raise NotFound(f"driver {driver_id}")

    def _own(self, known: Sequence[Token], driver_id: str) -> Token | None:
        now = self.clock()
        own = [it for it in known if is_drivers(it, driver_id) and not it.has_lapsed(now)]
        return own[0] if own else None

    def _claim(self, driver_id: str, uid: str, found: ShownToken, *, blocked: bool, charger_id: str) -> Token:
        now = self.clock()
        if is_contract_token(uid):
            _check_contract(uid, charger_id)
        if found.misses >= _MOST_TAKEN:
            raise Refusal("too_many_claims", "too many cards were tried that are somebody's; try again in an hour")
        if any(not it.has_lapsed(now) for it in found.tokens):
            # Who is told so learns a number that charges at somebody's cost.
            self.tokens.missed(_tried_by(driver_id), now)
            raise _taken(uid)
        mine = [it for it in self.tokens.of_driver(driver_id) if not it.operator_id and not it.has_lapsed(now)]
        if len(mine) >= _MOST_TOKENS:
            raise Refusal("too_many_cards", f"a driver has {_MOST_TOKENS} cards at the most")
        if sum(it.is_claim(now) for it in mine) >= _MOST_CLAIMS:
            raise Refusal("too_many_claims", f"{_MOST_CLAIMS} cards wait to be shown already; show one to a charger")
        times = max((it.claims for it in found.tokens if is_drivers(it, driver_id)), default=0)
        if times >= _MOST_TIMES:
            raise Refusal("too_many_claims", "this card was added and never shown to a charger; try again tomorrow")
        token = Token(
            uid=uid,
            operator_id="",
            driver_id=driver_id,
            blocked_by_driver=blocked,
            consent=Consent.CLAIMED,
            claimed_until=now + CLAIM_LASTS,
            claimed_at=charger_id,
            claims=times + 1,
        )
        self.tokens.put(token, now)
        return token


@dataclass(frozen=True, kw_only=True)
class IssuedTokens:
    """RFID tokens as the operators see them who issue them."""

    tokens: TokenRegistry
    drivers: Drivers
    notifications: Notifications
    rules: TokenRules
    clock: Clock

    def look(self, operator_id: str, said: str) -> Token:
        """A token that the operator issued, by any spelling of its uid. Raises NotFound."""
        uid = uid_of(said)
        issued = [it for it in self.tokens.known_as(spellings(said)) if is_operators(it, operator_id)]
        return operators_own(issued[0] if issued else None, operator_id, f"token {uid}")

    def issue(self, token: Token) -> Token:
        """Issue or block an RFID card; returns it as it is now, agreed to or not.

        Its driver is told, and may refuse it. Raises NotFound for an unknown driver; Refusal for another's card, or
        where too many wait for that driver already.
        """
        now = self.clock()
        uid = uid_of(token.uid)
        known = self.tokens.known_as(spellings(token.uid))
        for it in known:
            is_only_said = it.consent is Consent.CLAIMED
            is_anothers = it.uid == uid if it.operator_id else True
            if is_anothers and not is_only_said and not is_operators(it, token.operator_id):
                raise _taken(uid)
        if self.drivers.get(token.driver_id) is None:
            raise NotFound(f"driver {token.driver_id}")
        token = replace(token, uid=uid, consent=self.rules.consent_to(token.operator_id))
        same = [it for it in known if uid_of(it.uid) == uid and not it.has_lapsed(now)]
        before = [it for it in same if is_drivers(it, token.driver_id)]
        if before:
            is_theirs = before[0].consent in (Consent.GIVEN, Consent.CLAIMED)
            consent = Consent.GIVEN if is_theirs else token.consent
            token = replace(token, blocked_by_driver=before[0].blocked_by_driver, consent=consent)
        elif token.consent is Consent.ASKED:
            self._check_asked(token)
        self.tokens.put(token, now)
        if token.consent is not Consent.GIVEN:
            # Told once, by the notification's own name; told again after a crash here, when the card is put again.
            self.notifications.tell_of_token(token)
        return token

    def _check_asked(self, token: Token) -> None:
        """Whoever would flood a driver with cards that they do not want is stopped; those refused count too."""
        asked = [it for it in self.tokens.of_driver(token.driver_id) if it.consent is Consent.ASKED]
        if len(asked) >= _MOST_ASKED_BY_ALL or sum(is_operators(it, token.operator_id) for it in asked) >= _MOST_ASKED:
            raise Refusal("too_many_waiting", "cards wait for this driver's yes already, or were refused")


def _tried_by(driver_id: str) -> str:
    """Under what a driver's tries at others' numbers are counted, as a charger's are: no charger's name has a slash."""
    return f"driver/{driver_id}"


def _check_contract(uid: str, charger_id: str) -> None:
    """A contract is claimed where its car is plugged in: whoever else is about to plug in elsewhere proves nothing."""
    if emaid_in(uid) is None:
        raise Refusal("not_an_emaid", f"{uid} names no contract; write emaid- and the eMAID, DE-8AA-CA2B3C4D5-6 say")
    if not charger_id:
        raise Refusal("charger_needed", "say at which charger the car is, or will be, plugged in (charger_id)")


def _taken(uid: str) -> Refusal:
    return Refusal("taken", f"card {uid} is registered already")
