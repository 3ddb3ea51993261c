"""One driver keeps a connector; everybody else is kept away, and nobody is charged for more than what became of it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from chalicelib.domain.chargers.availability import Happening, LineChanged, StatusChanged
from chalicelib.domain.chargers.events import ConnectorId, ConnectorStatus
from chalicelib.domain.charging.names import session_id_for
from chalicelib.domain.charging.session import Origin, Reason, State
from chalicelib.domain.pricing.tariff import Element, PriceComponent, Priced, Restrictions, Tariff, simple_elements
from chalicelib.domain.pricing.tariff import ReservationRestriction as Reserve
from chalicelib.domain.reservations import Keeper, Reservation, ReservationStatus
from chalicelib.records.chargers import ConnectorState
from chalicelib.records.drivers import Driver, Token
from chalicelib.services.access import NotFound, Refusal
from chalicelib.services.pricing.rating import final_bill
from chalicelib.services.sessions.driver_sessions import Wanted
from tests.services.conftest import CONNECTION, NOW, Kit

ONE = ConnectorId(1)
SOON = timedelta(0)
FEES = Tariff(
    tariff_id="standard",
    operator_id="op",
    name="With fees",
    currency="EUR",
    elements=(
        Element((PriceComponent(Priced.TIME, Decimal(6)),), Restrictions(reservation=Reserve.MADE)),
        Element((PriceComponent(Priced.FLAT, Decimal(2)),), Restrictions(reservation=Reserve.EXPIRED)),
        Element((PriceComponent(Priced.ENERGY, Decimal("0.45")),)),
    ),
)


@pytest.fixture
def free(kit: Kit) -> Kit:
    """A second driver, and a connector that says it is free."""
    kit.drivers.put(
        Driver(
            driver_id="driver-2", email="e@example.com", customer_id="cus_2", payment_method_id="pm_2", card="visa 1111"
        )
    )
    kit.tokens.put(Token(uid="BBBB", operator_id="op", driver_id="driver-2"), NOW)
    kit.connectors.set_status("CP-1", ConnectorState(connector=ONE, status=ConnectorStatus.AVAILABLE, status_at=NOW))
    kit.connectors.set_status(
        "CP-1", ConnectorState(connector=ConnectorId(2), status=ConnectorStatus.AVAILABLE, status_at=NOW)
    )
    return kit


def make(kit: Kit, driver_id: str = "driver-1", connector: int = 1, key: str | None = "k", **soon: Any) -> Reservation:
    made, _ = kit.driver_reservations.make(driver_id, "CP-1", ConnectorId(connector), timedelta(**soon), key)
    return made


def refused(kit: Kit, call: Any) -> str:
    with pytest.raises(Refusal) as error:
        call()
    return error.value.code


def test_it_is_kept_a_quarter_of_an_hour_longer_than_the_arrival(free: Kit) -> None:
    assert make(free).until == NOW + timedelta(minutes=15)
    free.clock.advance(minutes=16)
    assert make(free, "driver-2", key="k2", minutes=30).until == free.clock() + timedelta(minutes=45)


def test_the_charger_is_told_and_says_whether_it_keeps_it(free: Kit) -> None:
    made = make(free)
    assert '"ReserveNow"' in free.link.sent[-1]
    assert made.reservation_id in free.link.sent[-1]
    message_id = free.link.sent[-1].split('"')[1]
    free.conversation.receive(CONNECTION.connection_id, f'[3,"{message_id}",{{"status":"Accepted"}}]')
    assert free.driver_reservations.get("driver-1", made.reservation_id).keeper is Keeper.CHARGER


@pytest.mark.parametrize(
    ("answer", "standing", "keeper"),
    [
        ('[3,"{id}",{{"status":"Rejected"}}]', ReservationStatus.OPEN, Keeper.BACKEND),
        ('[4,"{id}","NotImplemented","",{{}}]', ReservationStatus.OPEN, Keeper.BACKEND),
        ('[3,"{id}",{{"status":"Occupied"}}]', ReservationStatus.REFUSED, Keeper.ASKED),
        ('[3,"{id}",{{"status":"Faulted"}}]', ReservationStatus.REFUSED, Keeper.ASKED),
    ],
)
def test_what_a_charger_does_not_keep_we_keep_unless_a_car_is_there(
    free: Kit, answer: str, standing: ReservationStatus, keeper: Keeper
) -> None:
    made = make(free)
    message_id = free.link.sent[-1].split('"')[1]
    free.conversation.receive(CONNECTION.connection_id, answer.format(id=message_id))
    seen = free.driver_reservations.get("driver-1", made.reservation_id)
    assert (seen.standing, seen.keeper) == (standing, keeper)
    assert (free.driver_reservations.kept_for("CP-1", ONE) is not None) == (standing is ReservationStatus.OPEN)


def test_of_many_who_want_one_connector_at_once_one_gets_it(free: Kit) -> None:
    for number in range(8):
        free.drivers.put(
            Driver(
                driver_id=f"many-{number}",
                email="m@example.com",
                customer_id="cus",
                payment_method_id="pm",
                card="visa",
            )
        )

    def attempt(number: int) -> str:
        try:
            return make(free, f"many-{number}").driver_id
        except Refusal:
            return ""

    with ThreadPoolExecutor(8) as pool:
        winners = [it for it in pool.map(attempt, range(8)) if it]
    assert len(winners) == 1


def test_a_driver_has_one_reservation_at_a_time_and_the_next_when_it_is_over(free: Kit) -> None:
    made = make(free)
    assert refused(free, lambda: make(free, connector=2, key="other")) == "reservation_open"
    free.driver_reservations.cancel("driver-1", made.reservation_id)
    assert make(free, connector=2, key="other").connector == ConnectorId(2)


def test_the_same_request_again_is_the_same_reservation(free: Kit) -> None:
    assert make(free) == make(free)
    assert refused(free, lambda: make(free, connector=2)) == "idempotency_key_reused"
    assert len([it for it in free.link.sent if "ReserveNow" in it]) == 1


def test_nobody_elses_app_starts_there_until_it_is_over(free: Kit) -> None:
    make(free)
    begin = free.driver_sessions.begin
    assert refused(free, lambda: begin("driver-2", Wanted("CP-1", ONE), None)) == "connector_reserved"
    free.clock.advance(minutes=15)
    assert begin("driver-2", Wanted("CP-1", ONE), None)[1]


def test_its_driver_starts_and_pays_for_the_time_it_was_kept(free: Kit) -> None:
    free.tariffs.put(FEES)
    made = make(free)
    free.clock.advance(minutes=5)
    session, is_new = free.driver_sessions.begin("driver-1", Wanted("CP-1", ONE), "start")
    assert is_new
    assert session.session_id == session.token == made.reservation_id
    assert [it.amount_minor for it in final_bill(session).lines] == [50]
    assert free.driver_reservations.get("driver-1", made.reservation_id).standing is ReservationStatus.USED
    free.clock.advance(hours=1)
    assert free.driver_reservations.sweep() == 0
    again, is_new = free.driver_sessions.begin("driver-1", Wanted("CP-1", ONE), "start")
    assert (again.session_id, is_new) == (session.session_id, False)


def test_a_start_whose_first_attempt_died_after_using_the_reservation_up_goes_on(free: Kit) -> None:
    made = make(free)
    free.driver_reservations.use(made)
    session, is_new = free.driver_sessions.begin("driver-1", Wanted("CP-1", ONE), "start")
    assert is_new
    assert session.session_id == made.reservation_id


def test_its_drivers_card_starts_there_too(free: Kit) -> None:
    made = make(free)
    start = '[2,"1","StartTransaction",{"connectorId":1,"idTag":"04A1B2C3","meterStart":0,"timestamp":""}]'
    answer = free.conversation.receive(CONNECTION.connection_id, start)
    assert answer is not None
    assert '"Accepted"' in answer
    assert free.driver_reservations.get("driver-1", made.reservation_id).standing is ReservationStatus.USED
    (state, *_) = [it for it in free.connectors.of_charger("CP-1") if it.connector == ONE]
    assert state.session_id is not None
    assert free.session(state.session_id).reserved is not None


def test_another_card_is_refused_there_and_its_charge_is_ended(free: Kit) -> None:
    make(free)
    start = '[2,"1","StartTransaction",{"connectorId":1,"idTag":"BBBB","meterStart":0,"timestamp":"2026-11-21T09:30Z"}]'
    answer = free.conversation.receive(CONNECTION.connection_id, start)
    assert answer is not None
    assert '"Blocked"' in answer
    (session, *_), _ = free.sessions.of_driver("driver-2", 5, None)
    assert (session.state, session.reason) == (State.STOPPING, Reason.CONNECTOR_RESERVED)
    assert session.session_id in free.workflow.started
    assert free.driver_reservations.kept_for("CP-1", ONE) is not None


def test_nobody_comes_and_the_fee_is_a_session_without_a_charge(free: Kit) -> None:
    free.tariffs.put(FEES)
    made = make(free)
    free.clock.advance(minutes=20)
    assert free.driver_reservations.sweep() == 1
    session = free.session(made.reservation_id)
    assert (session.origin, session.state, session.reason) == (
        Origin.RESERVATION,
        State.STOPPING,
        Reason.RESERVATION_EXPIRED,
    )
    assert final_bill(session).total_minor == 150 + 200
    assert free.workflow.started == [made.reservation_id]
    assert free.driver_reservations.sweep() == 0
    assert refused(free, lambda: make(free, key="next")) == "reservation_cool_down"
    free.clock.advance(minutes=25)
    assert make(free, key="next").standing is ReservationStatus.OPEN


def test_a_free_reservation_that_expires_leaves_nothing_behind(free: Kit) -> None:
    made = make(free)
    free.clock.advance(minutes=20)
    free.driver_reservations.sweep()
    assert free.sessions.get(made.reservation_id) is None
    assert free.workflow.started == []


def test_who_cancels_pays_for_the_time_so_far_and_no_expiry(free: Kit) -> None:
    free.tariffs.put(FEES)
    made = make(free)
    free.clock.advance(minutes=10)
    free.driver_reservations.cancel("driver-1", made.reservation_id)
    assert free.driver_reservations.cancel("driver-1", made.reservation_id).standing is ReservationStatus.CANCELLED
    assert final_bill(free.session(made.reservation_id)).total_minor == 100
    assert len([it for it in free.link.sent if "CancelReservation" in it]) == 1
    assert make(free, "driver-2").driver_id == "driver-2"


def test_a_cancellation_that_died_half_way_is_finished_by_the_sweep(free: Kit) -> None:
    free.tariffs.put(FEES)
    made = make(free)
    free.clock.advance(minutes=10)
    free.reservations.end(made.reservation_id, ReservationStatus.CANCELLED, free.clock())
    free.clock.advance(minutes=10)
    assert free.driver_reservations.sweep() == 1
    assert final_bill(free.session(made.reservation_id)).total_minor == 100


def test_it_is_extended_to_an_hour_and_no_longer(free: Kit) -> None:
    made = make(free)
    lasted = [
        (free.driver_reservations.extend("driver-1", made.reservation_id).until - NOW) // timedelta(minutes=1)
        for _ in range(3)
    ]
    assert lasted == [30, 45, 60]
    assert (
        refused(free, lambda: free.driver_reservations.extend("driver-1", made.reservation_id))
        == "reservation_too_long"
    )
    free.clock.advance(minutes=59)
    assert free.driver_reservations.kept_for("CP-1", ONE) is not None
    free.clock.advance(minutes=1)
    assert refused(free, lambda: free.driver_reservations.extend("driver-1", made.reservation_id)) == "reservation_over"


def test_another_drivers_reservation_is_not_there(free: Kit) -> None:
    made = make(free)
    with pytest.raises(NotFound):
        free.driver_reservations.get("driver-2", made.reservation_id)


@pytest.mark.parametrize("status", [ConnectorStatus.PREPARING, ConnectorStatus.CHARGING, ConnectorStatus.UNKNOWN])
def test_where_a_car_may_stand_nothing_can_be_kept(free: Kit, status: ConnectorStatus) -> None:
    free.clock.advance(seconds=1)
    free.connectors.set_status("CP-1", ConnectorState(connector=ONE, status=status, status_at=free.clock()))
    assert refused(free, lambda: make(free)) == "connector_busy"


def test_an_offline_charger_cannot_be_reserved_but_keeps_what_it_has(free: Kit) -> None:
    made = make(free)
    free.sockets.closed(CONNECTION)
    assert refused(free, lambda: make(free, "driver-2", connector=2)) == "charger_offline"
    assert free.driver_reservations.extend("driver-1", made.reservation_id).keeper is not None


def test_a_reservation_cannot_be_mistaken_for_whose_turn_it_is(free: Kit) -> None:
    make(free)
    assert free.reservations.get("turn/driver-1") is None
    assert session_id_for("x").startswith("K")


def test_a_card_that_is_good_for_nothing_keeps_no_connector(free: Kit) -> None:
    free.money.declines = True
    assert [refused(free, lambda: make(free, key=None)) for _ in range(4)] == ["payment_declined"] * 4
    assert not any(it.reserved_for for it in free.connectors.of_charger("CP-1"))
    free.money.declines = False
    assert make(free).standing is ReservationStatus.OPEN


def test_a_card_must_be_good_for_what_it_costs_to_come_too_late(free: Kit) -> None:
    free.tariffs.put(FEES)
    make(free)
    # A tenth of the usual hold, or 15 minutes at 6.00 an hour and 2.00 for who does not come: the larger.
    assert free.money.checked == [("driver-1", 500)]


def test_where_charging_is_free_a_reservation_needs_no_card(free: Kit) -> None:
    free.tariffs.put(replace(FEES, elements=simple_elements()))
    free.drivers.put(Driver(driver_id="driver-3", email="f@example.com"))
    free.money.declines = True
    assert make(free, "driver-3").standing is ReservationStatus.OPEN


def test_who_did_not_come_waits_before_keeping_another_and_longer_each_time(free: Kit) -> None:
    for minutes in (30, 60, 120):
        make(free, key=None)
        free.clock.advance(minutes=16)
        free.driver_reservations.sweep()
        assert refused(free, lambda: make(free, key=None)) == "reservation_cool_down"
        free.clock.advance(minutes=minutes - 2)
        assert refused(free, lambda: make(free, key=None)) == "reservation_cool_down"
        free.clock.advance(minutes=2)


def test_a_no_show_is_one_before_anybody_has_noticed_it(free: Kit) -> None:
    make(free)
    free.clock.advance(minutes=16)
    assert refused(free, lambda: make(free, key=None)) == "reservation_cool_down"


def test_another_driver_need_not_wait_for_who_did_not_come(free: Kit) -> None:
    make(free)
    free.clock.advance(minutes=16)
    free.driver_reservations.sweep()
    assert make(free, "driver-2").standing is ReservationStatus.OPEN


def test_who_gives_up_ten_a_day_keeps_no_more_that_day(free: Kit) -> None:
    for _ in range(10):
        made = make(free, key=None)
        free.clock.advance(seconds=5)
        free.driver_reservations.cancel("driver-1", made.reservation_id)
    assert refused(free, lambda: make(free, key=None)) == "reservation_cool_down"
    free.clock.advance(days=1, minutes=30)
    assert make(free).standing is ReservationStatus.OPEN


def test_one_key_from_ten_threads_is_one_reservation(free: Kit) -> None:
    with ThreadPoolExecutor(10) as pool:
        made = list(pool.map(lambda _: make(free, key="once"), range(10)))
    assert len({it.reservation_id for it in made}) == 1


@pytest.mark.parametrize(
    ("trouble", "fee_minor"),
    [
        ([], 350),
        ([StatusChanged(NOW + timedelta(minutes=5), ONE, ConnectorStatus.FAULTED)], 0),
        ([StatusChanged(NOW + timedelta(minutes=5), None, ConnectorStatus.UNAVAILABLE)], 0),
        ([LineChanged(NOW + timedelta(minutes=5), online=False)], 0),
        ([LineChanged(NOW + timedelta(minutes=5), online=False), LineChanged(NOW + timedelta(minutes=6), True)], 350),
        ([StatusChanged(NOW + timedelta(minutes=5), ConnectorId(2), ConnectorStatus.FAULTED)], 350),
    ],
    ids=["none", "a fault", "the whole charger", "its line", "its line for a minute", "the other connector's fault"],
)
def test_a_connector_that_broke_down_was_kept_for_nobody_and_costs_nothing(
    free: Kit, trouble: list[Happening], fee_minor: int
) -> None:
    """Whoever does not come to a charger that does not work owes nothing for not coming."""
    free.tariffs.put(FEES)
    for it in (LineChanged(NOW - timedelta(hours=1), online=True), *trouble):
        free.history.add("CP-1", it)
    made = make(free)
    free.clock.advance(minutes=16)
    free.driver_reservations.sweep()
    session = free.sessions.get(made.reservation_id)
    assert (0 if session is None else final_bill(session).total_minor) == fee_minor
