"""The platform's rules of tokens: whose issue counts as agreed, where a driver's own token is good, and at which price.

An account is opened with one operator, the home operator, whose terms say that it issues tokens; any other operator's
token waits for its driver. A driver's own token is at home there, and roams elsewhere: only where driver and platform
allow it, and never at a price above a cap that the driver, or else the platform, has set.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal

from chalicelib.domain.data_classes import dataclass, field
from chalicelib.domain.pricing.caps import unseen_caps
from chalicelib.domain.pricing.dearest import dearest
from chalicelib.domain.pricing.tariff import Tariff
from chalicelib.records.drivers import Consent, Driver, Token, TokenRefusal

# A busy charger meets a dozen strangers' cards an hour, each shown a few times; a guesser needs thousands.
MISSES_AN_HOUR = 60


@dataclass(frozen=True, kw_only=True)
class TokenRules:
    """What holds where a driver has said nothing.

    `home_operator` is whose terms drivers accept with an account; empty: nobody's. `roams`: tokens are good at other
    operators' chargers unless their driver says no; else only where their driver says yes. `caps` are the most for a
    kWh by currency, in major units with tax, where it is not `pricing/caps.py`'s. `misses_an_hour` is how many unknown
    tokens a charger may show.
    """

    home_operator: str = ""
    roams: bool = True
    caps: Mapping[str, Decimal] = field(default_factory=dict)
    misses_an_hour: int = MISSES_AN_HOUR

    def is_home(self, operator_id: str) -> bool:
        """Whether it is the operator with whom drivers have their accounts."""
        return bool(self.home_operator) and operator_id in (self.home_operator,)

    def consent_to(self, operator_id: str) -> Consent:
        """What a driver's consent to a token that this operator issues is before they have said anything."""
        return Consent.BY_TERMS if self.is_home(operator_id) else Consent.ASKED

    def is_abroad(self, token: Token, operator_id: str) -> bool:
        """Whether a token is at a charger of an operator who neither issued it nor keeps its driver's account."""
        return token.operator_id not in (operator_id,) and not self.is_home(operator_id)

    def may_roam(self, driver: Driver) -> bool:
        """Whether a driver's tokens are good abroad, prices aside."""
        return self.roams if driver.roaming.is_allowed is None else driver.roaming.is_allowed

    def caps_for(self, driver: Driver, on: date) -> Mapping[str, Decimal]:
        """The most that a kWh may cost abroad, by currency: the driver's own word, or else the platform's."""
        return {**unseen_caps(on), **self.caps, **driver.roaming.most_per_kwh}

    def refusal_abroad(self, driver: Driver, tariff: Tariff, on: date) -> TokenRefusal | None:
        """Why a driver's token is not good abroad at that price; None where it is."""
        if not self.may_roam(driver):
            return TokenRefusal.ROAMING_OFF
        if tariff.is_free:
            return None
        cap = self.caps_for(driver, on).get(tariff.currency)
        return None if cap is not None and dearest(tariff).is_within(cap) else TokenRefusal.TOO_DEAR


def caps_of(text: str) -> Mapping[str, Decimal]:
    """The caps that a setting names: "EUR 0.90, CZK 25". Raises ValueError."""
    caps: dict[str, Decimal] = {}
    for part in filter(None, (it.strip() for it in text.split(","))):
        currency, _, most = part.partition(" ")
        if len(currency) != len("EUR") or not most.replace(".", "", 1).isdigit():
            raise ValueError(f"{part!r} is no cap; write a currency and the most for a kWh: EUR 0.90")
        caps[currency.upper()] = Decimal(most)
    return caps


def first_here(tokens: Sequence[Token], charger_id: str, operator_id: str, now: datetime) -> Token | None:
    """The one that counts here: an operator's and a driver's own before what somebody only says is theirs."""
    here = [it for it in tokens if it.operator_id in (operator_id, "")]
    claims = [it for it in here if it.is_claim(now) and it.claimed_at in ("", charger_id)]
    return next((it for it in (*(it for it in here if it.consent is not Consent.CLAIMED), *claims)), None)
