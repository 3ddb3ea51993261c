"""Nobody pays for a token that they have not agreed to, nor abroad at a price that nobody capped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from benchmarks.calls import counted
from chalicelib.domain.chargers.commands import AuthorizationStatus
from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.domain.chargers.setup_profile import SetupProfile
from chalicelib.domain.charging.session import Origin, Reason, Session, State
from chalicelib.domain.charging.starts import MOST_ABROAD
from chalicelib.domain.notifications import NotificationKind
from chalicelib.domain.pricing.tariff import PriceLimit, Tariff, simple_elements
from chalicelib.records.chargers import Charger, Connection, KnockReason
from chalicelib.records.charging import Transaction
from chalicelib.records.drivers import Consent, Driver, Roaming, Terms, Token, TokenRefusal
from chalicelib.services.access import NotFound, Refusal
from chalicelib.services.drivers.token_rules import TokenRules, caps_of
from tests.services.charging.test_quirks import Talk, told
from tests.services.conftest import CARD, NOW, SITE, TARIFF, Kit

UID = "04D1E2F3A4B576"
ACCEPTED, UNKNOWN = AuthorizationStatus.ACCEPTED, AuthorizationStatus.UNKNOWN
BLOCKED, NOT_HERE = AuthorizationStatus.BLOCKED, AuthorizationStatus.NOT_HERE


@pytest.fixture
def kit(kit: Kit) -> Kit:
    """Two drivers with accounts at operator `op`, and another operator, `rival`, with a charger CP-R of its own."""
    vars(kit)["token_rules"] = TokenRules(home_operator="op")
    kit.drivers.put(
        Driver(
            driver_id="driver-2", email="e@example.com", customer_id="cus_2", payment_method_id="pm_2", card="visa 1"
        )
    )
    priced(kit, Decimal("0.50"))
    kit.sites.put(replace(SITE, site_id="yard", operator_id="rival", tariff_id="rival-price"))
    kit.chargers.put(
        Charger(
            charger_id="CP-R",
            operator_id="rival",
            site_id="yard",
            password_hash="scrypt$",
            connectors=(ConnectorId(1),),
        )
    )
    kit.sockets.opened(Connection(connection_id="c-r", charger_id="CP-R", operator_id="rival", protocol="ocpp1.6"), NOW)
    return kit


def priced(kit: Kit, per_kwh: Decimal = Decimal(0), **more: Decimal) -> None:
    """The rival's prices from now on."""
    elements = simple_elements(per_kwh=per_kwh, **more)
    kit.tariffs.put(replace(TARIFF, tariff_id="rival-price", operator_id="rival", elements=elements))


def shown(kit: Kit, uid: str = UID, charger_id: str = "CP-1") -> AuthorizationStatus:
    operator_id = "rival" if charger_id == "CP-R" else "op"
    return kit.authorizations.authorization(charger_id, operator_id, uid).standing


def payer(kit: Kit, uid: str = UID, charger_id: str = "CP-1") -> str | None:
    operator_id = "rival" if charger_id == "CP-R" else "op"
    return kit.authorizations.authorization(charger_id, operator_id, uid).driver_id


def issue(kit: Kit, operator_id: str, driver_id: str = "driver-1", uid: str = UID) -> Token:
    return kit.issued_tokens.issue(Token(uid=uid, operator_id=operator_id, driver_id=driver_id))


def claim(kit: Kit, driver_id: str = "driver-1", uid: str = UID, charger_id: str = "") -> Token:
    return kit.driver_tokens.put(driver_id, uid, blocked=False, charger_id=charger_id)


def own(kit: Kit, uid: str = UID) -> Token:
    """A token of driver-1's own, shown at home."""
    claim(kit, uid=uid)
    assert shown(kit, uid) is ACCEPTED
    return kept(kit, uid)


def kept(kit: Kit, uid: str = UID) -> Token:
    found = kit.tokens.get(uid)
    assert found is not None
    return found


def refusal(kit: Kit, uid: str = UID) -> TokenRefusal | None:
    (found,) = [it for it in kit.driver_tokens.of_driver("driver-1") if it.uid == uid]
    return found.refused.reason if found.refused else None


def refused(error: pytest.ExceptionInfo[Refusal]) -> str:
    return error.value.code


def sessions(kit: Kit, driver_id: str = "driver-1") -> Sequence[Session]:
    return kit.sessions.of_driver(driver_id, 10, None)[0]


def start(kit: Kit, connection_id: str, uid: str = UID) -> str:
    talk = Talk(kit, "ocpp1.6")
    talk.connection_id = connection_id
    payload = {"connectorId": 1, "idTag": uid, "meterStart": 0, "timestamp": told(kit.clock.now)}
    return str(talk.say("StartTransaction", payload)["idTagInfo"]["status"])


# An operator issues.


def test_another_operators_token_charges_at_nobodys_cost_until_its_driver_says_yes(kit: Kit) -> None:
    assert issue(kit, "rival").consent is Consent.ASKED
    assert shown(kit, charger_id="CP-R") is BLOCKED
    assert start(kit, "c-r") == "Blocked"
    assert sessions(kit) == []
    assert refusal(kit) is TokenRefusal.NOT_AGREED
    kit.driver_tokens.put("driver-1", UID, blocked=False)
    assert payer(kit, charger_id="CP-R") == "driver-1"


def test_the_driver_is_told_of_it_and_both_see_that_it_waits(kit: Kit) -> None:
    issue(kit, "rival")
    issue(kit, "rival")
    (notice,) = kit.notifications.page("driver-1", 10, None)[0]
    assert (notice.kind, notice.uid, notice.operator_id) == (NotificationKind.TOKEN_ISSUED, UID, "rival")
    assert [it.consent for it in kit.driver_tokens.of_driver("driver-1") if it.uid == UID] == [Consent.ASKED]
    assert kit.issued_tokens.look("rival", "04:d1:e2:f3:a4:b5:76").consent is Consent.ASKED
    with pytest.raises(NotFound):
        kit.issued_tokens.look("op", UID)


def test_what_is_refused_stays_refused_however_often_it_is_issued(kit: Kit) -> None:
    issue(kit, "rival")
    kit.driver_tokens.put("driver-1", UID, blocked=True)
    issue(kit, "rival")
    assert shown(kit, charger_id="CP-R") is BLOCKED
    assert (kept(kit).consent, kept(kit).blocked_by_driver) == (Consent.ASKED, True)


def test_what_is_agreed_stays_agreed_when_it_is_issued_again(kit: Kit) -> None:
    issue(kit, "rival")
    kit.driver_tokens.put("driver-1", UID, blocked=False)
    assert issue(kit, "rival").consent is Consent.GIVEN


def test_a_token_passed_on_to_another_driver_asks_that_one(kit: Kit) -> None:
    issue(kit, "rival")
    kit.driver_tokens.put("driver-1", UID, blocked=False)
    assert issue(kit, "rival", "driver-2").consent is Consent.ASKED
    with pytest.raises(Refusal):
        kit.driver_tokens.put("driver-1", UID, blocked=False)


def test_a_yes_to_one_token_is_none_to_the_next(kit: Kit) -> None:
    issue(kit, "rival")
    kit.driver_tokens.put("driver-1", UID, blocked=False)
    assert issue(kit, "rival", uid=f"{UID}-2").consent is Consent.ASKED


def test_a_driver_who_said_that_it_is_theirs_need_not_say_so_twice(kit: Kit) -> None:
    claim(kit)
    assert issue(kit, "rival").consent is Consent.GIVEN


def test_the_home_operators_token_is_good_at_once_and_can_be_refused(kit: Kit) -> None:
    assert issue(kit, "op").consent is Consent.BY_TERMS
    assert shown(kit) is ACCEPTED
    assert [it.kind for it in kit.notifications.page("driver-1", 10, None)[0]] == [NotificationKind.TOKEN_ISSUED]
    kit.driver_tokens.put("driver-1", UID, blocked=True)
    assert shown(kit) is BLOCKED
    kit.driver_tokens.put("driver-1", UID, blocked=False)
    assert (shown(kit), kept(kit).consent) == (ACCEPTED, Consent.GIVEN)


def test_an_operators_token_is_good_at_no_other_operators_chargers(kit: Kit) -> None:
    issue(kit, "op")
    assert shown(kit, charger_id="CP-R") is UNKNOWN


def test_without_a_home_operator_every_operator_asks(kit: Kit) -> None:
    vars(kit).pop("issued_tokens", None)
    vars(kit)["token_rules"] = TokenRules()
    assert issue(kit, "op").consent is Consent.ASKED


def test_a_token_that_waits_charges_where_that_is_free(kit: Kit) -> None:
    issue(kit, "rival")
    priced(kit)
    assert shown(kit, charger_id="CP-R") is ACCEPTED
    assert start(kit, "c-r") == "Accepted"
    (session,) = sessions(kit)
    assert session.tariff.is_free


def test_a_charge_has_the_price_at_which_its_token_was_let_in(kit: Kit) -> None:
    issue(kit, "rival")
    priced(kit)
    found = kit.authorizations.authorization("CP-R", "rival", UID)
    priced(kit, Decimal(100_000))
    charger = kit.chargers.get("CP-R")
    assert charger is not None
    blank = kit.local_starts.blank(charger, Transaction(charger_id="CP-R", ref="1", session_id="K1"), found)
    assert blank.tariff.is_free


def test_a_master_pass_needs_nobodys_consent_for_it_begins_nothing(kit: Kit) -> None:
    kit.setups.put_profile("rival", SetupProfile(master_pass_group="M"))
    kit.issued_tokens.issue(Token(uid=UID, operator_id="rival", driver_id="driver-1", group="M"))
    found = kit.authorizations.authorization("CP-R", "rival", UID)
    assert (found.is_master_pass, found.to_end, found.standing) == (True, ACCEPTED, BLOCKED)


def test_no_operator_floods_a_driver_with_tokens(kit: Kit) -> None:
    for number in range(3):
        issue(kit, "rival", uid=f"AA00000{number}")
    kit.driver_tokens.put("driver-1", "AA000000", blocked=True)
    with pytest.raises(Refusal) as error:
        issue(kit, "rival", uid="AA000009")
    assert refused(error) == "too_many_waiting"


def test_lists_kept_at_chargers_do_not_let_a_token_in_that_waits(kit: Kit) -> None:
    assert issue(kit, "rival").is_blocked
    kit.driver_tokens.put("driver-1", UID, blocked=False)
    assert not kept(kit).is_blocked


def test_tokens_kept_before_there_was_consent_have_it(kit: Kit) -> None:
    assert payer(kit, CARD) == "driver-1"


# Abroad.


def test_a_drivers_own_token_is_good_abroad_below_the_cap(kit: Kit) -> None:
    own(kit)
    assert payer(kit, charger_id="CP-R") == "driver-1"


@pytest.mark.parametrize(
    ("per_kwh", "per_minute", "idle_per_minute", "once"),
    [
        ("100000", "0", "0", "0"),
        ("2.01", "0", "0", "0"),
        ("0", "1.01", "0", "0"),
        ("0.10", "0", "1.01", "0"),
        ("0.10", "0", "0", "10.01"),
    ],
)
def test_a_token_takes_nothing_at_a_price_above_the_cap(
    kit: Kit, per_kwh: str, per_minute: str, idle_per_minute: str, once: str
) -> None:
    own(kit)
    prices = {"per_minute": per_minute, "idle_per_minute": idle_per_minute, "once": once}
    priced(kit, Decimal(per_kwh), **{name: Decimal(it) for name, it in prices.items()})
    assert shown(kit, charger_id="CP-R") is NOT_HERE
    assert start(kit, "c-r") == "Blocked"
    assert sessions(kit) == []
    assert refusal(kit) is TokenRefusal.TOO_DEAR


@pytest.mark.parametrize(
    "more",
    [
        {"min_price": PriceLimit(before_taxes=Decimal(1000))},
        {"min_price": PriceLimit(after_taxes=Decimal(1000))},
        {"currency": "XAU"},
    ],
)
def test_nor_where_a_minimum_or_a_currency_makes_it_so(kit: Kit, more: dict[str, object]) -> None:
    own(kit)
    tariff = kit.tariffs.get("rival-price")
    assert tariff is not None
    changed: Tariff = replace(tariff, **more)  # type: ignore[arg-type]
    kit.tariffs.put(changed)
    assert shown(kit, charger_id="CP-R") is NOT_HERE


def test_nor_by_a_step_that_sells_a_thousand_kwh_at_once(kit: Kit) -> None:
    own(kit)
    tariff = kit.tariffs.get("rival-price")
    assert tariff is not None
    (element,) = tariff.elements
    (component,) = element.price_components
    sold = replace(component, step_size=1_000_000)
    kit.tariffs.put(replace(tariff, elements=(replace(element, price_components=(sold,)),)))
    assert shown(kit, charger_id="CP-R") is NOT_HERE


def test_nor_by_terms_that_only_the_operator_has_set(kit: Kit) -> None:
    own(kit)
    kit.tariffs.put(
        replace(TARIFF, tariff_id="dear", operator_id="rival", elements=simple_elements(per_kwh=Decimal(100_000)))
    )
    kit.driver_tokens.agree("rival", "driver-1", Terms("dear"))
    assert shown(kit, charger_id="CP-R") is NOT_HERE


def test_a_driver_says_how_dear_it_may_be_abroad_and_whether_at_all(kit: Kit) -> None:
    own(kit)
    kit.driver_tokens.roam("driver-1", Roaming(most_per_kwh={"EUR": Decimal("0.49")}))
    assert shown(kit, charger_id="CP-R") is NOT_HERE
    kit.driver_tokens.roam("driver-1", Roaming(most_per_kwh={"EUR": Decimal("0.50")}))
    assert shown(kit, charger_id="CP-R") is ACCEPTED
    kit.driver_tokens.roam("driver-1", Roaming(is_allowed=False))
    assert shown(kit, charger_id="CP-R") is NOT_HERE
    assert refusal(kit) is TokenRefusal.ROAMING_OFF
    assert shown(kit) is ACCEPTED


def test_where_the_platform_lets_none_roam_a_driver_may_say_yes(kit: Kit) -> None:
    own(kit)
    for name in ("authorizations",):
        vars(kit).pop(name, None)
    vars(kit)["token_rules"] = TokenRules(home_operator="op", roams=False)
    assert shown(kit, charger_id="CP-R") is NOT_HERE
    kit.driver_tokens.roam("driver-1", Roaming(is_allowed=True))
    assert shown(kit, charger_id="CP-R") is ACCEPTED


def test_2_x_is_told_that_the_token_is_not_good_here(kit: Kit) -> None:
    own(kit)
    priced(kit, Decimal(100))
    talk = Talk(kit, "ocpp2.0.1")
    kit.sockets.opened(
        Connection(connection_id="c-2", charger_id="CP-R", operator_id="rival", protocol="ocpp2.0.1"), NOW
    )
    talk.connection_id = "c-2"
    answer = talk.say("Authorize", {"idToken": {"idToken": UID, "type": "ISO14443"}})
    assert answer["idTokenInfo"]["status"] == "NotAtThisLocation"


def test_caps_are_written_as_a_list(kit: Kit) -> None:
    caps = caps_of("EUR 0.90, CZK 25")
    assert caps == {"EUR": Decimal("0.90"), "CZK": Decimal(25)}
    driver = kit.drivers.get("driver-1")
    assert driver is not None
    of_all = TokenRules(caps=caps).caps_for(replace(driver, roaming=Roaming(None, {"CZK": Decimal(9)})), NOW.date())
    assert (of_all["EUR"], of_all["CZK"], of_all["USD"]) == (Decimal("0.90"), Decimal(9), Decimal("2.3"))
    for wrong in ("EUR", "EUR many", "EURO 1", "EUR -1"):
        with pytest.raises(ValueError, match="is no cap"):
            caps_of(wrong)


# Claims.


def test_a_claim_is_proven_by_being_shown_to_a_reader_while_it_lasts(kit: Kit) -> None:
    assert claim(kit).consent is Consent.CLAIMED
    assert payer(kit) == "driver-1"
    assert kept(kit).consent is Consent.GIVEN
    kit.clock.advance(days=30)
    assert payer(kit) == "driver-1"


def test_a_claim_nobody_proves_lapses_and_is_nobodys(kit: Kit) -> None:
    claim(kit)
    kit.clock.advance(minutes=15)
    assert shown(kit) is UNKNOWN
    assert [it.uid for it in kit.driver_tokens.of_driver("driver-1")] == [CARD]
    claim(kit, "driver-2")
    assert payer(kit) == "driver-2"


def test_a_claim_for_one_charger_is_proven_at_no_other(kit: Kit) -> None:
    claim(kit, charger_id="CP-9")
    assert shown(kit) is UNKNOWN
    assert kit.authorizations.authorization("CP-9", "op", UID).driver_id == "driver-1"


@pytest.mark.parametrize("operator_id", ["op", "rival"])
def test_an_operators_issue_goes_before_a_claim_nobody_has_proven(kit: Kit, operator_id: str) -> None:
    claim(kit, "driver-2")
    issue(kit, operator_id)
    assert kept(kit).driver_id == "driver-1"
    with pytest.raises(Refusal):
        claim(kit, "driver-2")


def test_an_operator_cannot_have_a_token_that_its_driver_has_shown(kit: Kit) -> None:
    own(kit)
    for uid in (UID, UID.lower(), "04:D1:E2:F3:A4:B5:76", f"{UID}-01"):
        with pytest.raises(Refusal) as error:
            issue(kit, "op", "driver-2", uid)
        assert refused(error) == "taken"


SPELLINGS = [
    UID.lower(),
    "04:D1:E2:F3:A4:B5:76",
    "04-d1-e2-f3-a4-b5-76",
    "04.D1.E2.F3.A4.B5.76",
    "04 D1 E2 F3 A4 B5 76",
    f" {UID} ",
    f"0x{UID}",
    f"RFID:{UID}",
    f"{UID}:01",
    f"{UID}-ACME",
]


@pytest.mark.parametrize("spelled", SPELLINGS)
def test_a_thief_cannot_claim_anothers_token_by_spelling_it_otherwise(kit: Kit, spelled: str) -> None:
    issue(kit, "op")
    with pytest.raises(Refusal) as error:
        claim(kit, "driver-2", spelled)
    assert refused(error) == "taken"
    assert payer(kit, spelled) == "driver-1"


@pytest.mark.parametrize("spelled", SPELLINGS)
def test_what_was_claimed_beforehand_in_whatever_spelling_yields_to_an_operators_issue(kit: Kit, spelled: str) -> None:
    claim(kit, "driver-2", spelled)
    issue(kit, "op")
    for reader in SPELLINGS:
        assert payer(kit, reader) == "driver-1"


@pytest.mark.parametrize("spelled", SPELLINGS)
def test_one_driver_has_one_token_however_they_spell_it(kit: Kit, spelled: str) -> None:
    claim(kit)
    kit.driver_tokens.put("driver-1", spelled, blocked=True)
    assert [it.uid for it in kit.driver_tokens.of_driver("driver-1")] == sorted([CARD, UID])
    assert kept(kit).blocked_by_driver


def test_bytes_in_the_other_order_are_the_same_token_where_that_can_be_told(kit: Kit) -> None:
    uid, backwards = "04D1E2F3A4B5F6", "F6B5A4F3E2D104"
    issue(kit, "op", uid=uid)
    with pytest.raises(Refusal):
        claim(kit, "driver-2", backwards)
    assert payer(kit, backwards) == "driver-1"


def test_a_number_that_is_somebody_elses_cannot_be_held_by_claiming_it_anew(kit: Kit) -> None:
    for _ in range(3):
        claim(kit, "driver-2")
        kit.driver_tokens.remove("driver-2", UID)
    with pytest.raises(Refusal) as error:
        claim(kit, "driver-2")
    assert refused(error) == "too_many_claims"
    claim(kit)


def test_nobody_claims_numbers_by_the_dozen(kit: Kit) -> None:
    for number in range(5):
        claim(kit, uid=f"AA00000{number}")
    with pytest.raises(Refusal) as error:
        claim(kit, uid="AA000009")
    assert refused(error) == "too_many_claims"


def test_nobody_finds_out_by_claiming_which_numbers_are_somebodys(kit: Kit) -> None:
    for _ in range(20):
        with pytest.raises(Refusal):
            claim(kit, "driver-2", CARD)
    for uid in (CARD, "AA000000"):
        with pytest.raises(Refusal) as error:
            claim(kit, "driver-2", uid)
        assert refused(error) == "too_many_claims"
    claim(kit)


def test_whoever_claims_a_strangers_number_does_not_hear_where_it_is_shown(kit: Kit) -> None:
    kit.drivers.change("driver-2", lambda it: replace(it, payment_method_id=None))
    claim(kit, "driver-2")
    assert shown(kit) is BLOCKED
    assert [it.refused for it in kit.driver_tokens.of_driver("driver-2")] == [None]


# Debtors.


def test_a_debtor_cannot_give_a_token_up_and_begin_again_under_another_account(kit: Kit) -> None:
    own(kit)
    kit.drivers.owe("driver-1", "K1")
    with pytest.raises(Refusal) as error:
        kit.driver_tokens.remove("driver-1", UID)
    assert refused(error) == "open_balance"
    with pytest.raises(Refusal):
        claim(kit, "driver-2")
    assert shown(kit) is BLOCKED
    assert refusal(kit) is TokenRefusal.OPEN_BALANCE
    kit.drivers.owe_no_more("driver-1", "K1")
    kit.driver_tokens.remove("driver-1", UID)
    claim(kit, "driver-2")


def test_nor_while_a_charge_with_it_is_under_way(kit: Kit) -> None:
    own(kit)
    start(kit, "c-1", "04:d1:e2:f3:a4:b5:76")
    with pytest.raises(Refusal) as error:
        kit.driver_tokens.remove("driver-1", UID)
    assert refused(error) == "session_open"


# Guessing.


def test_a_reader_that_shows_too_many_unknown_tokens_learns_nothing_more_that_hour(kit: Kit) -> None:
    for number in range(60):
        assert shown(kit, f"AB{number:06}") is UNKNOWN
    assert shown(kit, CARD) is UNKNOWN
    assert payer(kit, CARD) is None
    (knock,), _ = kit.knocks.page("op", 10, None)
    assert (knock.charger_id, knock.reason, knock.knocks) == ("CP-1", KnockReason.TOKENS_UNKNOWN, 1)
    kit.clock.now = NOW.replace(minute=0) + timedelta(hours=1)
    assert shown(kit, CARD) is ACCEPTED


def test_once_it_has_learned_nothing_it_costs_a_read_a_guess_and_no_write(kit: Kit) -> None:
    for number in range(60):
        shown(kit, f"AB{number:06}")
    with counted() as calls:
        for number in range(20):
            shown(kit, f"AC{number:06}")
    assert calls.take(0) == {("dynamodb", "BatchGetItem"): 20}


def test_other_chargers_go_on(kit: Kit) -> None:
    issue(kit, "rival")
    for number in range(61):
        shown(kit, f"AB{number:06}", "CP-R")
    assert shown(kit, CARD) is ACCEPTED


def test_a_card_that_is_known_costs_one_read_and_one_of_its_driver(kit: Kit) -> None:
    # What its operator says of master passes is read once a minute.
    shown(kit, CARD)
    with counted() as calls:
        shown(kit, CARD)
    assert calls.take(0) == {("dynamodb", "BatchGetItem"): 1, ("dynamodb", "GetItem"): 1}


def test_guesses_told_as_starts_and_ends_count_too(kit: Kit) -> None:
    talk = Talk(kit, "ocpp1.6")
    for number in range(30):
        payload = {"connectorId": 1, "idTag": f"AB{number:06}", "meterStart": 0, "timestamp": told(kit.clock.now)}
        talk.say("StartTransaction", payload)
        talk.stop(-1, idTag=f"AC{number:06}")
    assert talk.say("Authorize", {"idTag": CARD})["idTagInfo"]["status"] == "Invalid"


def test_a_charge_that_its_token_may_not_pay_for_is_asked_to_end(kit: Kit) -> None:
    own(kit)
    priced(kit, Decimal(100))
    start(kit, "c-r")
    (session,) = kit.sessions.of_operator("rival", 10, None, flagged=False)[0]
    assert (session.origin, session.driver_id, session.state) == (Origin.CHARGER, None, State.STOPPING)


def test_so_many_charges_begin_by_a_token_abroad_in_a_day_and_the_others_are_nobodys(kit: Kit) -> None:
    names = [f"S-{number}" for number in range(MOST_ABROAD)]
    for name in (*names, names[0]):
        # The same charge told again is no other one.
        assert kit.drivers.begin("driver-1", name, NOW, is_abroad=True)
    assert not kit.drivers.begin("driver-1", "S-more", NOW, is_abroad=True)
    assert kit.drivers.begin("driver-1", "S-home", NOW)
    tomorrow = NOW + timedelta(days=1)
    assert kit.drivers.begin("driver-1", "S-more", tomorrow, is_abroad=True)
    assert not kit.drivers.begin("nobody", "S-more", tomorrow, is_abroad=True)


def charged(talk: Talk, connection_id: str) -> str:
    """What is said of the token at a charge's beginning; it ends ten minutes later."""
    kit, talk.connection_id = talk.kit, connection_id
    begun = talk.say(
        "StartTransaction", {"connectorId": 1, "idTag": UID, "meterStart": 0, "timestamp": told(kit.clock.now)}
    )
    kit.clock.advance(minutes=10)
    ended = {"transactionId": begun["transactionId"], "meterStop": 1000, "timestamp": told(kit.clock.now)}
    talk.say("StopTransaction", ended)
    kit.clock.advance(minutes=10)
    return str(begun["idTagInfo"]["status"])


def test_a_charge_too_many_by_a_token_abroad_is_refused_and_paid_by_nobody(kit: Kit) -> None:
    own(kit)
    talk = Talk(kit, "ocpp1.6")
    assert [charged(talk, "c-r") for _ in range(MOST_ABROAD + 1)] == [*["Accepted"] * MOST_ABROAD, "Blocked"]
    assert len(sessions(kit)) == MOST_ABROAD
    found, _ = kit.sessions.of_operator("rival", 10, None, flagged=False)
    (nobodys,) = [it for it in found if it.driver_id is None]
    assert nobodys.reason is Reason.NOT_AUTHORISED
    # At home the token is good as before.
    assert charged(talk, "c-ocpp1.6") == "Accepted"
    kit.clock.advance(days=1)
    assert charged(talk, "c-r") == "Accepted"
