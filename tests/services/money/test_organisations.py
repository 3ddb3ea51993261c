"""Organisations that pay for their drivers: by their rules, within their budget, once, and on one invoice a month."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.adapters.dynamo import decode
from chalicelib.adapters.money.organisations import DynamoOrganisations
from chalicelib.adapters.tables import LedgerRow
from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.domain.charging.session import Correction, Hold, Origin, Reason, Session, State
from chalicelib.domain.charging.ways import organisations_payment
from chalicelib.domain.money.invoice import InvoiceType
from chalicelib.domain.money.ledger import Transfer, balances, organisation_account
from chalicelib.domain.money.organisation import MonthSpent, Organisation, PaidSession, PaymentRules, budget_month
from chalicelib.domain.money.party import Business
from chalicelib.domain.money.receipt import Profile
from chalicelib.domain.pricing.bill import Bill
from chalicelib.domain.pricing.tariff import simple_elements
from chalicelib.records.drivers import Driver, JoinedOrganisation
from chalicelib.records.money import BudgetMovement, Declined
from chalicelib.services.access import NotFound, Refusal
from chalicelib.services.money.organisation_payments import OrganisationPayments
from chalicelib.services.money.organisations import Pays
from chalicelib.services.sessions.driver_sessions import Wanted
from tests.services.conftest import NOW, SITE, TARIFF, Kit
from tests.services.money.test_money import Run

TAXED = replace(TARIFF, elements=simple_elements(per_kwh=Decimal("0.45"), tax_percent=Decimal(19)))
SELLER = Profile(legal_name="Ladenetz GmbH", address="Kai 7\n20457 Hamburg", country="DE", tax_id="DE123456789")
FLEET = Organisation(
    operator_id="op",
    organisation_id="fleet",
    name="Acme Fleet",
    currency="EUR",
    business=Business(name="Acme Ltd", address="Road 1\n1010 Wien", vat_id="ATU12345678"),
    email="books@acme.example",
    budget_minor=100_000,
)
MONTH = budget_month(NOW)
NEXT_MONTH = datetime(2026, 12, 3, 12, tzinfo=UTC)
DRIVER = "driver-1"


def joined(kit: Kit, driver_id: str = DRIVER, of: Organisation = FLEET) -> None:
    code, _ = kit.paying_organisations.invite(of.operator_id, of.organisation_id, f"staff {driver_id}")
    kit.paying_organisations.join(driver_id, code)


@pytest.fixture
def fleet(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> Kit:
    """A network in which an organisation pays for driver-1."""
    monkeypatch.setattr("tests.services.conftest.TARIFF", TAXED)
    kit.tariffs.put(TAXED)
    kit.operator_profiles.put("op", SELLER)
    kit.paying_organisations.put(FLEET)
    joined(kit)
    return kit


def begin(kit: Kit, pays: Pays | None = Pays.ORGANISATION) -> Session:
    session, _ = kit.driver_sessions.begin(DRIVER, Wanted("CP-1", ConnectorId(1)), None, pays)
    return session


def charging(kit: Kit, pays: Pays | None = Pays.ORGANISATION) -> Run:
    """A charge that the organisation pays for, under way."""
    run = Run.__new__(Run)
    run.kit, run.money, run.session_id = kit, kit.money, begin(kit, pays).session_id
    return run.begun()


def charged(kit: Kit, energy_wh: int = 10_000) -> Run:
    run = charging(kit).ended(energy_wh)
    run.kit.lifecycle.issue_receipt(run.session_id)
    return run


def books() -> dict[tuple[str, str], int]:
    found = balances(decode(Transfer, row.body) for row in LedgerRow.scan())
    for currency in {it for _, it in found}:
        assert sum(amount for (_, of), amount in found.items() if of == currency) == 0
    return found


def used_minor(kit: Kit) -> int:
    spent, sessions = kit.paying_organisations.paid("op", "fleet", MONTH)
    assert spent.used_minor == sum(spent.by_member.values()) == sum(it.used_minor for it in sessions)
    return spent.used_minor


def test_a_charge_is_set_aside_of_the_budget_and_owed_by_the_organisation_alone(fleet: Kit) -> None:
    run = charging(fleet)
    assert used_minor(fleet) == 5_000
    run.ended()
    fleet.lifecycle.issue_receipt(run.session_id)
    session = run.session
    assert (session.state, session.due_minor) == (State.COMPLETED, 0)
    assert used_minor(fleet) == 536
    found = books()
    assert found[organisation_account("op", "fleet"), "EUR"] == 536
    assert not [name for (name, _), amount in found.items() if name.startswith("card/") and amount]
    assert not found.get((f"driver/{DRIVER}", "EUR"))
    assert not run.money.captured
    receipt = fleet.issued_receipts.get(run.session_id)
    assert receipt is not None
    assert receipt.card == "Acme Fleet"


def test_its_steps_may_be_done_again(fleet: Kit) -> None:
    run = charging(fleet)
    fleet.lifecycle.place_hold(run.session_id, "hold")
    run.ended()
    fleet.lifecycle.settle(run.session_id, "payment")
    hold = run.session.holds[0]
    fleet.organisation_payments.capture(run.session, hold, 536)
    with pytest.raises(Declined):
        fleet.organisation_payments.void(run.session, hold)
    assert (used_minor(fleet), books()[organisation_account("op", "fleet"), "EUR"]) == (536, 536)


def test_a_charge_that_never_began_uses_nothing(fleet: Kit) -> None:
    session_id = begin(fleet).session_id
    fleet.lifecycle.place_hold(session_id, "hold")
    assert used_minor(fleet) == 5_000
    fleet.lifecycle.abort(session_id, "States.Timeout", "")
    assert (fleet.session(session_id).state, used_minor(fleet)) == (State.FAILED, 0)


def test_what_was_set_aside_and_never_told_of_goes_back_too(fleet: Kit) -> None:
    session = begin(fleet)
    driver = fleet.drivers.get(DRIVER)
    assert driver is not None
    fleet.organisation_payments.hold(session, driver, 5_000)
    fleet.lifecycle.abort(session.session_id, "States.Timeout", "")
    assert used_minor(fleet) == 0


def test_a_charge_goes_on_as_far_as_the_budget_does_and_what_is_beyond_is_let_go(fleet: Kit) -> None:
    fleet.paying_organisations.put(replace(FLEET, budget_minor=6_000))
    run = charging(fleet)
    for used in (6_000, 6_000):
        fleet.funds.top_up(run.session)
        assert used_minor(fleet) == used
    assert run.session.reason is Reason.FUNDS_EXHAUSTED
    run.ended(200_000)
    fleet.lifecycle.issue_receipt(run.session_id)
    assert used_minor(fleet) == books()[organisation_account("op", "fleet"), "EUR"] == 6_000
    assert (run.session.due_minor, run.owes, run.session.written_off_minor) == (0, False, 10_710 - 6_000)


@pytest.mark.parametrize(
    ("rules", "changes", "named"),
    [
        (PaymentRules(weekdays=((NOW.weekday() + 1) % 7,)), {}, "weekdays"),
        (PaymentRules(from_h=(NOW.hour + 1) % 24, until_h=(NOW.hour + 2) % 24), {}, "hours"),
        (PaymentRules(), {"budget_minor": 4_999}, "budget"),
        (PaymentRules(), {"member_budget_minor": 4_999}, "budget"),
        (PaymentRules(), {"is_active": False}, "at present"),
    ],
)
def test_a_refusal_names_the_rule_and_the_driver_may_pay_themselves(
    fleet: Kit, rules: PaymentRules, changes: dict[str, Any], named: str
) -> None:
    fleet.sites.put(replace(SITE, time_zone="UTC"))
    fleet.paying_organisations.put(replace(FLEET, rules=rules, **changes))
    with pytest.raises(Refusal, match=named) as refused:
        begin(fleet)
    assert refused.value.code == "organisation_does_not_pay"
    assert begin(fleet, Pays.SELF).organisation_id is None


def test_the_most_for_one_charge_is_what_it_costs_at_the_most(fleet: Kit) -> None:
    fleet.paying_organisations.put(replace(FLEET, rules=PaymentRules(session_minor=700)))
    run = charging(fleet)
    assert used_minor(fleet) == 700
    run.ended(100_000)
    fleet.lifecycle.issue_receipt(run.session_id)
    assert (used_minor(fleet), run.session.due_minor) == (700, 0)


def test_it_pays_where_nobody_says_so_only_if_its_driver_wants_that(fleet: Kit) -> None:
    driver = fleet.drivers.get(DRIVER)
    assert driver is not None
    assert fleet.paying_organisations.paying(driver, None) == {}
    fleet.paying_organisations.prefer(DRIVER, "op", pays_by_default=True)
    assert begin(fleet, None).organisation_id == "fleet"


def test_a_member_needs_no_card(fleet: Kit) -> None:
    fleet.drivers.put(Driver(driver_id="driver-9", email="n@example.com"))
    joined(fleet, "driver-9")
    wanted = Wanted("CP-1", ConnectorId(1))
    session, _ = fleet.driver_sessions.begin("driver-9", wanted, "key", Pays.ORGANISATION)
    assert session.organisation_id == "fleet"
    again, is_new = fleet.driver_sessions.begin("driver-9", wanted, "key", Pays.ORGANISATION)
    assert (again.session_id, is_new) == (session.session_id, False)
    fleet.lifecycle.place_hold(session.session_id, "hold")
    assert used_minor(fleet) == 5_000


def test_who_is_no_member_is_refused_and_so_is_who_left(fleet: Kit) -> None:
    session = begin(fleet)
    fleet.paying_organisations.leave(DRIVER, "op")
    with pytest.raises(Declined):
        fleet.lifecycle.place_hold(session.session_id, "hold")
    assert fleet.paying_organisations.members("op", "fleet") == []
    with pytest.raises(NotFound):
        fleet.paying_organisations.leave(DRIVER, "op")
    driver = fleet.drivers.get(DRIVER)
    assert driver is not None
    with pytest.raises(Refusal) as refused:
        fleet.paying_organisations.paid_for(session, {}, Pays.ORGANISATION)
    assert refused.value.code == "no_organisation"


def test_a_code_makes_one_driver_a_member_and_once(fleet: Kit) -> None:
    organisations = fleet.paying_organisations
    code, _ = organisations.invite("op", "fleet", "7")
    fleet.drivers.put(Driver(driver_id="driver-9", email="n@example.com"))
    for _ in range(2):
        assert organisations.join("driver-9", code).organisation == FLEET
    with pytest.raises(NotFound):
        organisations.join(DRIVER, code)
    organisations.remove("op", "fleet", "driver-9")
    with pytest.raises(NotFound):
        organisations.join("driver-9", code)
    late, _ = organisations.invite("op", "fleet", "8")
    fleet.clock.now += timedelta(days=15)
    with pytest.raises(NotFound):
        organisations.join("driver-9", late)


def test_a_driver_has_one_organisation_at_an_operators(fleet: Kit) -> None:
    other = replace(FLEET, organisation_id="other")
    fleet.paying_organisations.put(other)
    with pytest.raises(Refusal) as refused:
        joined(fleet, DRIVER, other)
    assert refused.value.code == "another_organisation"


def test_what_no_invoice_could_be_made_of_is_refused(fleet: Kit) -> None:
    for wrong in (replace(FLEET, email=""), replace(FLEET, business=Business(name="Acme"))):
        with pytest.raises(Refusal) as refused:
            fleet.paying_organisations.put(wrong)
        assert refused.value.code == "invoice_incomplete"
    with pytest.raises(Refusal) as stays:
        fleet.paying_organisations.put(replace(FLEET, currency="CHF"))
    assert stays.value.code == "currency_stays"
    with pytest.raises(NotFound):
        fleet.paying_organisations.put(replace(FLEET, rules=PaymentRules(sites=("nobody's",))))


def also(run: Run, session_id: str, **changes: Any) -> None:
    session = replace(run.session, session_id=session_id, **changes)
    run.kit.sessions.add(session)
    run.kit.issued_receipts.issue(session)


def test_a_month_has_one_invoice_to_the_organisation_over_all_its_members(fleet: Kit) -> None:
    run = charged(fleet)
    also(run, "KB", driver_id="driver-2")
    receipt = fleet.issued_receipts.get(run.session_id)
    assert receipt is not None
    with pytest.raises(Refusal) as refused:
        fleet.issued_invoices.issue(run.session, receipt)
    assert refused.value.code == "organisation_pays"
    fleet.clock.now = NEXT_MONTH
    fleet.invoice_desk.issue_due()
    (invoice,) = fleet.invoices.page("op", "", 100)
    draft = invoice.draft
    assert {line.session_id for line in draft.lines} == {run.session_id, "KB"}
    assert (draft.buyer.name, draft.total_minor, draft.due_minor) == ("Acme Ltd", 2 * 536, 2 * 536)
    assert draft.payable_on == invoice.issued_on + timedelta(days=14)
    # Other drivers' charges stand on it: no driver sees it.
    with pytest.raises(NotFound):
        fleet.issued_invoices.papers(run.session)
    with pytest.raises(Refusal):
        fleet.issued_invoices.issue(run.session, receipt)


def test_a_refund_lowers_what_the_organisation_owes_and_has_a_credit_note(fleet: Kit) -> None:
    run = charged(fleet)
    fleet.clock.now = NEXT_MONTH
    fleet.invoice_desk.issue_due()
    for _ in range(2):
        fleet.refunds.refund("op", run.session_id, 119, "sorry")
    assert books()[organisation_account("op", "fleet"), "EUR"] == used_minor(fleet) == 536 - 119
    assert not run.money.captured
    fleet.invoice_desk.issue_due()
    invoice, note = fleet.invoices.page("op", "", 100)
    assert fleet.invoice_lists.of_organisation("op", "fleet", "", 100) == [invoice, note]
    assert fleet.invoice_lists.of_organisation("op", "fleet", invoice.number, 1) == [note]
    assert fleet.invoice_lists.of_organisation("op", "fle", "", 100) == []
    # Neither is its driver's to see.
    assert fleet.invoice_lists.of_driver(DRIVER, 20, None)[0] == []
    assert (note.draft.type, note.draft.total_minor, note.draft.due_minor) == (InvoiceType.CREDIT_NOTE, 119, 119)


def test_what_goes_back_before_its_month_is_invoiced_stands_on_both_papers(fleet: Kit) -> None:
    run = charged(fleet)
    fleet.refunds.refund("op", run.session_id, 119, "sorry")
    # Of the rest it shall cost one euro: the organisation owes, and has used, no more.
    fleet.corrections.correct(
        "op", run.session_id, Correction(key="lower", total_minor=100, by="op", at=fleet.clock(), note="")
    )
    assert books()[organisation_account("op", "fleet"), "EUR"] == used_minor(fleet) == 100
    fleet.clock.now = NEXT_MONTH
    fleet.invoice_desk.issue_due()
    invoice, *notes = [it.draft for it in fleet.invoices.page("op", "", 100)]
    assert (invoice.due_minor, [it.due_minor for it in notes]) == (536, [119, 317])
    assert {it.of.number for it in notes if it.of} == {fleet.invoices.page("op", "", 1)[0].number}


def test_a_refund_that_broke_off_is_the_budgets_once(fleet: Kit) -> None:
    run = charged(fleet)
    payment_id = run.session.holds[0].payment_id
    fleet.organisation_payments.refund(run.session, payment_id, 119, "sorry")
    fleet.refunds.refund("op", run.session_id, 119, "sorry")
    assert books()[organisation_account("op", "fleet"), "EUR"] == used_minor(fleet) == 536 - 119
    with pytest.raises(Declined):
        fleet.organisation_payments.refund(run.session, payment_id, 536, "more")


def test_who_deletes_their_account_is_a_member_no_more(fleet: Kit) -> None:
    vars(fleet)["identity"] = SimpleNamespace(forget=lambda account_id: None)
    fleet.drivers.change(DRIVER, lambda it: replace(it, customer_id=None))
    fleet.account_deletion.leave(DRIVER)
    assert fleet.paying_organisations.members("op", "fleet") == []


def sessions_at_once(kit: Kit, run: Session, number: int) -> Sequence[Session]:
    return [replace(run, session_id=f"K{index:017}") for index in range(number)]


def test_charges_at_once_never_use_more_than_the_budget(fleet: Kit) -> None:
    first = begin(fleet)
    fleet.paying_organisations.put(replace(FLEET, budget_minor=2_500))
    driver = fleet.drivers.get(DRIVER)
    assert driver is not None

    def hold(session: Session) -> bool:
        try:
            fleet.organisation_payments.hold(session, driver, 1_000)
        except Declined:
            return False
        return True

    with ThreadPoolExecutor(6) as threads:
        held = list(threads.map(hold, sessions_at_once(fleet, first, 6)))
    assert (sum(held), used_minor(fleet)) == (2, 2_000)


@dataclass
class Shelf(DynamoOrganisations):
    """Budgets in memory, written by compare-and-set; `meanwhile` is done between somebody's look and their write."""

    of: Organisation
    month: MonthSpent = field(default_factory=lambda: MonthSpent(month=MONTH))
    paid: dict[str, PaidSession] = field(default_factory=dict)
    transfers: dict[tuple[str, str], Transfer] = field(default_factory=dict)
    meanwhile: list[Callable[[], None]] = field(default_factory=list)

    def get(self, operator_id: str, organisation_id: str) -> Organisation:
        return self.of

    def spent(self, operator_id: str, organisation_id: str, month: str) -> MonthSpent:
        return self.month

    def session(self, operator_id: str, organisation_id: str, month: str, session_id: str) -> PaidSession | None:
        return self.paid.get(session_id)

    def move(self, movement: BudgetMovement) -> bool:
        while self.meanwhile:
            self.meanwhile.pop()()
        (before, after), (known, session) = movement.spent, movement.session
        if (before, known) != (self.month, self.paid.get(session.session_id)):
            return False
        self.month = replace(after, version=after.version + 1)
        self.paid[session.session_id] = replace(session, version=session.version + 1)
        for it in movement.transfers:
            name = (it.session_id, f"{it.kind}/{it.reference}")
            assert name not in self.transfers, "at most once"
            self.transfers[name] = it
        return True


Step = tuple[int, str, int]
_STEP = st.tuples(
    st.integers(0, 3), st.sampled_from(["hold", "raise", "capture", "void", "refund"]), st.integers(1, 900)
)


@given(
    steps=st.lists(st.tuples(_STEP, st.none() | _STEP), max_size=14),
    budget_minor=st.integers(0, 1_500),
    own_minor=st.none() | st.integers(0, 800),
)
def test_whoever_comes_in_between_the_budget_holds_and_books_sum_to_zero(
    steps: list[tuple[Step, Step | None]], budget_minor: int, own_minor: int | None
) -> None:
    of = replace(FLEET, budget_minor=budget_minor, member_budget_minor=own_minor)
    shelf = Shelf(of)
    payments = OrganisationPayments(organisations=shelf, clock=lambda: NOW)

    def do(step: Step) -> None:
        number, what, amount_minor = step
        session, driver = a_session(number, amount_minor)
        held = shelf.paid.get(session.session_id)
        hold = Hold(organisations_payment("fleet", session.session_id), held.amount_minor if held else 0)
        with suppress(Declined, ValueError):
            if what == "hold":
                payments.hold(session, driver, amount_minor)
            elif what == "raise":
                payments.raise_hold(session, hold, hold.amount_minor + amount_minor)
            elif what == "capture":
                payments.capture(session, hold, amount_minor)
            elif what == "refund":
                payments.refund(session, hold.payment_id, amount_minor, f"{amount_minor}")
            else:
                payments.void(session, hold)

    for step, other in steps:
        shelf.meanwhile = [partial(do, other)] if other else []
        do(step)
        spent, paid = shelf.month, shelf.paid.values()
        assert 0 <= spent.used_minor <= budget_minor
        assert spent.used_minor == sum(spent.by_member.values()) == sum(it.used_minor for it in paid)
        assert own_minor is None or all(it <= own_minor for it in spent.by_member.values())
        found = balances(shelf.transfers.values())
        assert sum(found.values()) == 0
        owed_minor = sum(it.used_minor for it in paid if it.is_closed)
        assert found.get((organisation_account("op", "fleet"), "EUR"), 0) == owed_minor


def a_session(number: int, amount_minor: int) -> tuple[Session, Driver]:
    """One of four charges of two members, whose bill is of that amount."""
    driver = Driver(driver_id=f"driver-{number % 2}", email="", organisations={"op": JoinedOrganisation("fleet")})
    session = Session(
        session_id=f"K{number:017}",
        operator_id="op",
        site_id="site-1",
        charger_id="CP-1",
        connector=ConnectorId(1),
        origin=Origin.APP,
        token="",
        driver_id=driver.driver_id,
        tariff=TARIFF,
        created_at=NOW,
        organisation_id="fleet",
        bill=Bill(currency="EUR", lines=(), net_minor=amount_minor, tax_minor=0, total_minor=amount_minor),
    )
    return session, driver
