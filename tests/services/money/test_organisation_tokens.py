"""An organisation pays for what its member's token or contract begins: by its rules, within its budget, to the end."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.charging.session import Session, State
from chalicelib.domain.money.ledger import organisation_account
from chalicelib.domain.money.organisation import Organisation, PaymentRules
from chalicelib.records.chargers import Connection
from chalicelib.records.drivers import Consent, Driver, Token, TokenRefusal
from chalicelib.services.drivers.token_rules import TokenRules
from tests.services.charging.test_quirks import Talk, told
from tests.services.conftest import NOW, SITE, Kit
from tests.services.money.test_organisations import DRIVER, FLEET, SELLER, TAXED, books, joined, used_minor

FLEETS, OWN, CONTRACT = "04AAAAAAAAAA01", "04AAAAAAAAAA02", "EMAID-DE8AACA2B3C4D5"
# NOW is within them.
HOURS = PaymentRules(from_h=NOW.hour, until_h=NOW.hour + 1)
CONNECTION = Connection(connection_id="c-ocpp1.6", charger_id="CP-1", operator_id="op", protocol="ocpp1.6")


@pytest.fixture
def fleet(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> Kit:
    """A member without a card of theirs, with the organisation's token and one of their own."""
    monkeypatch.setattr("tests.services.conftest.TARIFF", TAXED)
    kit.tariffs.put(TAXED)
    kit.sites.put(replace(SITE, time_zone="UTC"))
    kit.operator_profiles.put("op", SELLER)
    kit.paying_organisations.put(replace(FLEET, rules=HOURS))
    kit.drivers.put(Driver(driver_id=DRIVER, email="n@example.com"))
    joined(kit)
    kit.tokens.put(
        Token(uid=FLEETS, operator_id="op", driver_id=DRIVER, consent=Consent.ASKED, organisation_id="fleet"), NOW
    )
    for uid in (OWN, CONTRACT):
        kit.tokens.put(Token(uid=uid, operator_id="", driver_id=DRIVER), NOW)
    return kit


def shown(kit: Kit, uid: str = FLEETS) -> str:
    return kit.authorizations.shown(CONNECTION, uid, is_contract_proven=uid == CONTRACT).standing.value.lower()


def why(kit: Kit, uid: str = FLEETS) -> TokenRefusal | None:
    found = kit.tokens.get(uid)
    assert found is not None
    return found.refused.reason if found.refused else None


def started(kit: Kit, uid: str = FLEETS, at: str = "") -> tuple[Talk, int, Session]:
    talk = Talk(kit, "ocpp1.6")
    ref = talk.start(idTag=uid, **({"timestamp": at} if at else {}))
    return talk, ref, talk.the_session()


def settled(kit: Kit, talk: Talk, ref: int, session_id: str) -> Session:
    kit.clock.now += timedelta(hours=1)
    talk.stop(ref, 11_000)
    kit.lifecycle.settle(session_id, "payment")
    kit.lifecycle.issue_receipt(session_id)
    return kit.session(session_id)


def test_a_token_that_it_issued_needs_neither_a_card_nor_its_members_yes(fleet: Kit) -> None:
    assert shown(fleet) == "accepted"
    talk, ref, session = started(fleet)
    assert session.organisation_id == "fleet"
    fleet.lifecycle.place_hold(session.session_id, "hold")
    assert used_minor(fleet) == 5_000
    session = settled(fleet, talk, ref, session.session_id)
    assert (session.state, session.due_minor, used_minor(fleet)) == (State.COMPLETED, 0, 536)
    assert books()[organisation_account("op", "fleet"), "EUR"] == 536
    assert not fleet.money.captured


@pytest.mark.parametrize("uid", [OWN, CONTRACT])
def test_a_members_own_token_or_contract_is_its_where_the_member_chose_so(fleet: Kit, uid: str) -> None:
    # No card of theirs is there to pay.
    assert shown(fleet, uid) == "blocked"
    assert why(fleet, uid) is TokenRefusal.NO_CARD
    fleet.paying_organisations.prefer(DRIVER, "op", pays_by_default=True)
    assert shown(fleet, uid) == "accepted"
    assert fleet.authorizations.authorization("CP-1", "op", uid).organisation_id == "fleet"


def test_no_price_abroad_keeps_it_from_paying_for_a_members_own_token(fleet: Kit) -> None:
    vars(fleet)["token_rules"] = TokenRules(roams=False)
    fleet.paying_organisations.prefer(DRIVER, "op", pays_by_default=True)
    assert shown(fleet, OWN) == "accepted"


@pytest.mark.parametrize(
    "of",
    [
        replace(FLEET, rules=PaymentRules(from_h=(NOW.hour + 1) % 24, until_h=(NOW.hour + 2) % 24)),
        replace(FLEET, budget_minor=4_999),
        replace(FLEET, is_active=False),
    ],
)
def test_the_reader_refuses_what_its_rules_or_budget_do_and_no_card_is_asked(fleet: Kit, of: Organisation) -> None:
    fleet.drivers.change(DRIVER, lambda it: replace(it, customer_id="cus_1", payment_method_id="pm_1", card="visa 1"))
    fleet.paying_organisations.put(of)
    assert shown(fleet) == "blocked"
    assert why(fleet) is TokenRefusal.NOT_PAID_FOR
    # Begun all the same, by a charger that did not ask: nobody's, and stopped.
    _, _, session = started(fleet)
    assert (session.driver_id, session.organisation_id, session.state) == (None, None, State.STOPPING)
    assert used_minor(fleet) == 0


def test_who_is_a_member_no_more_charges_with_its_token_no_more(fleet: Kit) -> None:
    fleet.paying_organisations.leave(DRIVER, "op")
    assert shown(fleet) == "blocked"
    assert why(fleet) is TokenRefusal.NOT_PAID_FOR


def test_what_is_under_way_is_paid_for_to_its_end_though_hours_and_budget_are_over(fleet: Kit) -> None:
    talk, ref, session = started(fleet)
    fleet.lifecycle.place_hold(session.session_id, "hold")
    fleet.paying_organisations.put(replace(FLEET, rules=HOURS, budget_minor=5_000))
    fleet.clock.now += timedelta(hours=2)
    # Shown to end it, and told again with its end.
    assert shown(fleet) == "accepted"
    assert fleet.session(session.session_id).state is State.ACTIVE
    assert talk.stop(ref, 11_000, idTag=FLEETS)["idTagInfo"]["status"] == "Accepted"
    fleet.lifecycle.settle(session.session_id, "payment")
    assert used_minor(fleet) == 536


def test_hours_are_those_in_which_a_charge_began_be_it_told_late(fleet: Kit) -> None:
    Talk(fleet, "ocpp1.6")
    began = told(NOW)
    fleet.clock.now += timedelta(hours=3)
    talk = Talk.__new__(Talk)
    talk.kit, talk.connection_id = fleet, "c-ocpp1.6"
    ref = talk.start(idTag=FLEETS, timestamp=began)
    session = talk.the_session()
    assert session.organisation_id == "fleet"
    fleet.lifecycle.place_hold(session.session_id, "hold")
    assert used_minor(fleet) == 5_000
    assert ref


def test_a_charge_told_when_it_was_over_is_paid_of_what_is_left_and_no_more(fleet: Kit) -> None:
    fleet.paying_organisations.put(replace(FLEET, budget_minor=5_000))
    talk, ref, session = started(fleet)
    fleet.paying_organisations.put(replace(FLEET, budget_minor=400))
    fleet.lifecycle.place_hold(session.session_id, "hold")
    assert used_minor(fleet) == 0
    session = settled(fleet, talk, ref, session.session_id)
    assert (used_minor(fleet), session.due_minor, session.written_off_minor) == (400, 0, 136)
    assert books()[organisation_account("op", "fleet"), "EUR"] == 400
