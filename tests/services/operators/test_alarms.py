"""Each kind of alarm opens with its cause and closes without it; however often somebody looks, there is one."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from chalicelib.domain.chargers.events import ConnectorId, ConnectorStatus, NewsReceived, StatusReported, Topic
from chalicelib.domain.charging.disputes import Dispute, DisputeReason, DisputeStatus
from chalicelib.domain.charging.session import Payment, Session, State
from chalicelib.domain.operators import ALARM_RULES, AlarmKind
from chalicelib.domain.pricing.bill import Bill
from chalicelib.records.chargers import Charger, Connection, Direction, LoggedMessage
from chalicelib.records.operators import AlarmSettings, ListedAlarm
from chalicelib.records.parts import WHOLE as _WHOLE
from chalicelib.services.access import NotFound, Refusal
from chalicelib.services.chargers.connections import ChargerCredentials
from tests.services.conftest import NOW, Clock, Kit
from tests.signing import SigningMeter

S = timedelta(seconds=1)


@dataclass
class Checks:
    """A queue that keeps what is asked until its time has come."""

    clock: Clock
    waiting: list[tuple[datetime, AlarmKind, str, datetime]] = field(default_factory=list)

    def ask(self, kind: AlarmKind, subject: str, after: timedelta | None = None) -> None:
        due = self.clock() + (ALARM_RULES[kind].after if after is None else after)
        self.waiting.append((due, kind, subject, self.clock()))


class Desk:
    """The kit with its queue; `live` lets time pass as on AWS: checks when they are due, the schedule each minute."""

    def __init__(self, kit: Kit) -> None:
        self.kit = kit
        self.checks = Checks(kit.clock)
        vars(kit)["alarm_checks"] = self.checks

    def live(self, **by: float) -> None:
        whole = timedelta(**by)
        until = self.kit.clock() + whole
        # In a long time a schedule that comes a little late changes nothing, and a test has no days to spare.
        pace = max(timedelta(minutes=1), whole / 20)
        tick = self.kit.clock() + pace
        while True:
            due = min(self.checks.waiting, default=None)
            at = min(until, tick, *((due[0],) if due else ()))
            self.kit.clock.now = max(self.kit.clock.now, at)
            if due and due[0] <= self.kit.clock.now:
                self.checks.waiting.remove(due)
                self.check(*due[1:])
            elif at == tick:
                tick += pace
                self.kit.alarm_desk.tend()
            if at >= until:
                return

    def check(self, kind: AlarmKind, subject: str, noticed_at: datetime) -> None:
        self.kit.alarm_desk.check(kind, subject, noticed_at)

    def open(self, kind: AlarmKind | None = None) -> list[ListedAlarm]:
        found, _ = self.kit.alarms.page("op", 100, None, open_only=True)
        return [it for it in found if kind in (None, it.alarm.place.kind)]

    def all(self) -> list[ListedAlarm]:
        return list(self.kit.alarms.page("op", 100, None, open_only=False)[0])

    def lose(self, charger_id: str) -> None:
        charger = self.kit.chargers.get(charger_id)
        assert charger is not None
        assert charger.connection_id is not None
        self.kit.connections.close(charger.connection_id)

    def connect(self, charger_id: str, until: datetime | None = None) -> None:
        connection_id = f"c-{random.random()}"
        credentials = ChargerCredentials(certificate_until=until)
        self.kit.connections.open(connection_id, charger_id, credentials, ["ocpp1.6"], self.kit.clock())

    def tell(self, status: ConnectorStatus, at: datetime | None = None, charger_id: str = "CP-1") -> None:
        event = StatusReported(ConnectorId(1), status, at)
        connection = Connection(connection_id="c-1", charger_id=charger_id, operator_id="op", protocol="ocpp1.6")
        self.kit.connector_statuses.told(connection, event)


@pytest.fixture
def desk(kit: Kit) -> Desk:
    charger = kit.chargers.get("CP-1")
    assert charger is not None
    kit.chargers.put(replace(charger, security_profile=0))
    return Desk(kit)


def put(kit: Kit, charger_id: str, site_id: str = "harbour") -> None:
    kit.chargers.put(
        Charger(
            charger_id=charger_id,
            operator_id="op",
            site_id=site_id,
            password_hash="",
            connectors=(ConnectorId(1),),
            security_profile=0,
        )
    )


def test_a_charger_that_is_lost_is_an_alarm_within_a_minute_and_none_five_minutes_after_it_is_back(desk: Desk) -> None:
    desk.lose("CP-1")
    desk.live(seconds=55)
    (listed,) = desk.open()
    assert (listed.alarm.place.kind, listed.subjects, listed.number) == (AlarmKind.OFFLINE, ("CP-1",), 1)
    desk.live(hours=3)
    desk.connect("CP-1")
    desk.live(minutes=4)
    assert desk.open()
    desk.live(minutes=3)
    assert not desk.open()
    (closed,) = desk.all()
    assert closed.alarm.alarm_id == listed.alarm.alarm_id
    assert closed.alarm.closed_at is not None


def test_a_charger_that_is_back_in_a_moment_is_no_alarm(desk: Desk) -> None:
    desk.lose("CP-1")
    desk.live(seconds=20)
    desk.connect("CP-1")
    desk.live(minutes=10)
    assert not desk.all()


def test_a_socket_that_we_renewed_is_no_alarm_unless_its_charger_stays_away(desk: Desk) -> None:
    for _ in range(5):
        connection = desk.kit.sockets.connection(str(desk.kit.chargers.get("CP-1").connection_id))  # type: ignore[union-attr]
        assert connection is not None
        desk.kit.connections.renew(connection)
        desk.live(seconds=10)
        desk.connect("CP-1")
    desk.live(minutes=10)
    assert not desk.all()
    connection = desk.kit.sockets.connection(str(desk.kit.chargers.get("CP-1").connection_id))  # type: ignore[union-attr]
    assert connection is not None
    desk.kit.connections.renew(connection)
    desk.live(seconds=55)
    assert [it.alarm.place.kind for it in desk.open()] == [AlarmKind.OFFLINE]


@pytest.mark.parametrize("seconds", [20, 30, 45])
def test_a_charger_that_comes_and_goes_is_one_alarm_until_it_stays(desk: Desk, seconds: int) -> None:
    for _ in range(20):
        desk.lose("CP-1")
        desk.live(seconds=seconds)
        desk.connect("CP-1")
        desk.live(seconds=seconds)
    assert len(desk.open()) == 1
    assert len(desk.all()) == 1
    desk.live(minutes=12)
    assert not desk.open()


def test_a_site_that_is_lost_is_one_alarm_that_names_all_of_it(desk: Desk) -> None:
    names = [f"CP-{number}" for number in range(100, 112)]
    for name in names:
        put(desk.kit, name)
        desk.connect(name)
    for name in names:
        desk.lose(name)
    desk.live(seconds=59)
    (listed,) = desk.open()
    assert listed.number == 12
    assert set(listed.subjects) == set(names)
    for name in names[1:]:
        desk.connect(name)
    desk.live(minutes=15)
    assert len(desk.open()) == 1
    desk.connect(names[0])
    desk.live(minutes=15)
    assert not desk.open()
    assert len(desk.all()) == 1


def test_two_sites_are_two_alarms(desk: Desk) -> None:
    put(desk.kit, "CP-9", "station")
    desk.connect("CP-9")
    desk.lose("CP-9")
    desk.lose("CP-1")
    desk.live(minutes=1)
    assert {it.alarm.place.group for it in desk.open()} == {"harbour", "station"}


def test_a_faulted_connector_is_an_alarm_at_once_and_none_when_it_has_been_well_for_five_minutes(desk: Desk) -> None:
    desk.tell(ConnectorStatus.FAULTED)
    desk.live(seconds=1)
    (listed,) = desk.open(AlarmKind.FAULTED)
    assert "connector 1" in listed.alarm.detail
    desk.live(hours=5)
    for status in (ConnectorStatus.AVAILABLE, ConnectorStatus.FAULTED, ConnectorStatus.AVAILABLE):
        desk.tell(status)
        desk.live(minutes=4)
        assert desk.open(AlarmKind.FAULTED)
    desk.live(minutes=3)
    assert not desk.open(AlarmKind.FAULTED)


def test_a_firmware_that_failed_is_an_alarm_until_one_is_installed(desk: Desk) -> None:
    for word in ("Downloading", "InstallationFailed"):
        desk.kit.router.route(_connection(), NewsReceived(Topic.FIRMWARE, word), lambda *_: 0)  # type: ignore[arg-type]
    desk.live(seconds=1)
    assert desk.open(AlarmKind.FIRMWARE_FAILED)
    desk.kit.router.route(_connection(), NewsReceived(Topic.FIRMWARE, "Installed"), lambda *_: 0)  # type: ignore[arg-type]
    desk.live(minutes=2)
    assert not desk.open(AlarmKind.FIRMWARE_FAILED)


@pytest.mark.parametrize("is_new_right", [True, False])
def test_another_key_of_a_meter_is_an_alarm_until_a_person_has_said_which_it_is(desk: Desk, is_new_right: bool) -> None:
    known, new = SigningMeter().public_key, SigningMeter().public_key
    keys = desk.kit.pinned_keys
    keys.pin("CP-1", "", known)
    keys.configured("CP-1", {1: known})
    desk.live(seconds=1)
    assert not desk.open(AlarmKind.METER_KEY)
    keys.configured("CP-1", {1: new})
    desk.live(seconds=1)
    (listed,) = desk.open(AlarmKind.METER_KEY)
    assert "EVSE 1" in listed.alarm.detail
    # Told again at each boot it is the same alarm, and a key of another place says nothing of this one.
    keys.configured("CP-1", {1: new})
    keys.pin("CP-1", "", known, evse=2)
    desk.live(days=2)
    assert desk.open(AlarmKind.METER_KEY)
    keys.pin("CP-1", "", new if is_new_right else known, evse=1 if is_new_right else 0)
    desk.live(minutes=2)
    assert not desk.open(AlarmKind.METER_KEY)
    pinned_again = desk.kit.meter_keys.of("CP-1")
    keys.pin("CP-1", "", new if is_new_right else known, evse=1 if is_new_right else 0)
    assert desk.kit.meter_keys.of("CP-1") == pinned_again


@pytest.mark.parametrize("skew_s", [120, 300 * 86400, -3600, -20000 * 86400])
def test_a_clock_that_is_wrong_is_an_alarm_until_it_is_right(desk: Desk, skew_s: int) -> None:
    desk.kit.clock.advance(minutes=6)
    desk.tell(ConnectorStatus.AVAILABLE, desk.kit.clock() + skew_s * S)
    desk.live(seconds=1)
    assert desk.open(AlarmKind.CLOCK_WRONG)
    desk.tell(ConnectorStatus.PREPARING, desk.kit.clock())
    desk.live(minutes=30)
    assert not desk.open(AlarmKind.CLOCK_WRONG)


def test_what_a_charger_kept_back_while_it_was_offline_is_no_wrong_clock(desk: Desk) -> None:
    desk.tell(ConnectorStatus.AVAILABLE, desk.kit.clock() - timedelta(hours=3))
    desk.live(minutes=30)
    assert not desk.open()


def test_a_certificate_that_ends_soon_is_an_alarm_until_another_is_shown(desk: Desk) -> None:
    desk.connect("CP-1", NOW + timedelta(days=29))
    desk.live(seconds=1)
    (listed,) = desk.open(AlarmKind.CERTIFICATE_ENDING)
    assert "2026-12-20" in listed.alarm.detail
    desk.connect("CP-1", NOW + timedelta(days=365))
    desk.live(days=1, minutes=5)
    assert not desk.open(AlarmKind.CERTIFICATE_ENDING)


def test_a_flood_of_deviations_is_an_alarm_for_an_hour_after_its_end(desk: Desk) -> None:
    connection = _connection()
    for number in range(60):
        said = LoggedMessage(
            at=desk.kit.clock(),
            direction=Direction.IN,
            what="StatusNotification",
            message_id=str(number),
            deviation=f"status: {number} is no status",
        )
        desk.kit.charger_log.heard(connection, said, {})
        desk.live(seconds=2)
    assert desk.open(AlarmKind.DEVIATION_FLOOD)
    desk.live(hours=4)
    assert not desk.open(AlarmKind.DEVIATION_FLOOD)


def test_a_session_that_does_not_go_on_is_an_alarm_until_it_does(desk: Desk) -> None:
    session = desk.kit.app_session()
    stuck = replace(session, state=State.STOPPING, stopped_at=desk.kit.clock())
    desk.kit.sessions.save(session, stuck)
    desk.live(minutes=29)
    assert not desk.open()
    desk.live(minutes=2)
    desk.kit.lifecycle.sweep()
    desk.live(seconds=1)
    assert desk.open(AlarmKind.STUCK_SESSION)
    now = desk.kit.session(session.session_id)
    desk.kit.sessions.save(now, replace(now, state=State.COMPLETED, ended_at=desk.kit.clock()))
    desk.live(minutes=17)
    assert not desk.open(AlarmKind.STUCK_SESSION)


def test_a_dispute_is_an_alarm_until_it_is_answered(desk: Desk) -> None:
    session = desk.kit.app_session()
    dispute = Dispute(number=1, reason=DisputeReason.PRICE, text="too dear", opened_at=desk.kit.clock())
    disputed = replace(session, state=State.COMPLETED, disputes=(dispute,))
    desk.kit.sessions.save(session, disputed)
    desk.checks.ask(AlarmKind.DISPUTE_OPEN, session.session_id)
    desk.live(seconds=1)
    assert desk.open(AlarmKind.DISPUTE_OPEN)
    desk.live(days=3)
    assert desk.open(AlarmKind.DISPUTE_OPEN)
    desk.kit.disputes.answer("op", session.session_id, status=DisputeStatus.REJECTED, answer="as agreed", settled_by="")
    desk.live(minutes=2)
    assert not desk.open(AlarmKind.DISPUTE_OPEN)


def test_a_charger_that_is_used_every_day_and_then_not_is_silent(desk: Desk) -> None:
    for _ in range(8):
        desk.tell(ConnectorStatus.CHARGING)
        desk.live(hours=1)
        desk.tell(ConnectorStatus.AVAILABLE)
        desk.checks.ask(AlarmKind.SILENT, "CP-1")
        desk.live(hours=19)
    assert not desk.open()
    desk.live(hours=18)
    assert not desk.open()
    desk.live(hours=5)
    assert [it.alarm.place.kind for it in desk.open()] == [AlarmKind.SILENT]
    desk.live(days=30)
    assert [it.alarm.place.kind for it in desk.open()] == [AlarmKind.SILENT]
    desk.tell(ConnectorStatus.CHARGING)
    desk.live(days=1, hours=1)
    assert not desk.open()


def test_a_charger_that_is_hardly_ever_used_is_never_silent(desk: Desk) -> None:
    for _ in range(3):
        desk.tell(ConnectorStatus.CHARGING)
        desk.tell(ConnectorStatus.AVAILABLE)
        desk.checks.ask(AlarmKind.SILENT, "CP-1")
        desk.live(days=4)
    desk.live(days=30)
    assert not desk.all()


def test_payments_that_fail_are_an_alarm_of_the_operator_until_they_are_fewer(desk: Desk) -> None:
    for number in range(4):
        failed = _billed(desk, f"K{number}", State.FAILED)
        desk.kit.debts.open(failed, 900)
        desk.live(seconds=15)
        assert bool(desk.open(AlarmKind.PAYMENTS_FAILING)) is (number >= 2)
    for number in range(4, 9):
        _billed(desk, f"K{number}", State.COMPLETED)
    desk.live(minutes=20)
    assert not desk.open(AlarmKind.PAYMENTS_FAILING)


def _billed(desk: Desk, session_id: str, state: State) -> Session:
    now = desk.kit.clock()
    bill = Bill(currency="EUR", lines=(), net_minor=900, tax_minor=0, total_minor=900)
    payment = Payment(900, now) if state is State.COMPLETED else None
    session = replace(
        desk.kit.app_session(session_id), state=state, bill=bill, payment=payment, created_at=now, ended_at=now
    )
    desk.kit.sessions.save(desk.kit.session(session_id), session)
    desk.kit.connectors.free("CP-1", ConnectorId(1), session_id)
    return session


def test_who_sees_to_an_alarm_is_written_down_and_it_stays_open(desk: Desk) -> None:
    desk.lose("CP-1")
    desk.live(minutes=2)
    (listed,) = desk.open()
    alarm_id = listed.alarm.alarm_id
    desk.kit.alarm_desk.acknowledge("op", alarm_id, "ada")
    desk.kit.alarm_desk.acknowledge("op", alarm_id, "bob")
    said = desk.kit.alarm_desk.comment("op", alarm_id, "bob", "on my way")
    assert (said.alarm.acknowledged_by, said.alarm.comments[0].text, said.alarm.is_open) == ("ada", "on my way", True)
    with pytest.raises(NotFound):
        desk.kit.alarm_desk.acknowledge("other", alarm_id, "eve")
    for number in range(99):
        desk.kit.alarm_desk.comment("op", alarm_id, "bob", str(number))
    with pytest.raises(Refusal):
        desk.kit.alarm_desk.comment("op", alarm_id, "bob", "one more")


def test_of_a_lost_site_an_operator_is_told_once_and_once_of_its_end(desk: Desk) -> None:
    sent: list[tuple[str, str, int]] = []

    class Messenger:
        name = "test"

        def send(self, listed: ListedAlarm, telling: object, settings: AlarmSettings) -> None:
            sent.append((listed.alarm.alarm_id, str(telling.news), listed.number))  # type: ignore[attr-defined]

    vars(desk.kit)["alarm_messengers"] = [Messenger()]
    for name in ("CP-7", "CP-8"):
        put(desk.kit, name)
        desk.connect(name)
    for name in ("CP-1", "CP-7", "CP-8"):
        desk.lose(name)
    desk.live(minutes=3)
    _told(desk)
    for name in ("CP-1", "CP-7", "CP-8"):
        desk.connect(name)
    desk.live(minutes=20)
    _told(desk)
    (alarm,) = desk.all()
    alarm_id = alarm.alarm.alarm_id
    assert sent == [(alarm_id, "opened", 3), (alarm_id, "closed", 3)]


def _told(desk: Desk) -> None:
    desk.kit.alarm_tellings.hand_on()
    begun, desk.kit.invocations.begun = desk.kit.invocations.begun, []
    for function, told in begun:
        assert function == "alarm_desk"
        desk.kit.alarm_tellings.send(told["operator"], told["tellings"], _WHOLE)


def _connection() -> Connection:
    return Connection(connection_id="c-1", charger_id="CP-1", operator_id="op", protocol="ocpp1.6")
