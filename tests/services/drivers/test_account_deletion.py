"""An account goes, or something begins, never both: each is cut in where the other would not look."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest

from chalicelib.adapters.tables import TABLES, SessionRow
from chalicelib.domain.chargers.events import ConnectorId, ConnectorStatus
from chalicelib.domain.charging.session import Reason, State
from chalicelib.domain.notifications import Notification, NotificationKind
from chalicelib.domain.pricing.rating import planned, price
from chalicelib.records.chargers import ConnectorState
from chalicelib.records.drivers import Driver, Enrolment, Login, NotAllowed, Token
from chalicelib.records.parts import Part
from chalicelib.services.access import NotFound, Refusal
from chalicelib.services.sessions.driver_sessions import Wanted
from tests.domain.charging.test_refunds import TARIFF, paid
from tests.services.conftest import CARD, CONNECTION, NOW, Kit

WANTED = Wanted("CP-1", ConnectorId(1))
SOON = timedelta(minutes=5)


@dataclass
class Identity:
    """Who has been forgotten; logging in always works."""

    forgotten: list[str] = field(default_factory=list)

    def forget(self, account_id: str) -> None:
        self.forgotten.append(account_id)

    def log_in(self, email: str, password: str, code: str = "") -> Login:
        return Login(account_id="driver-1", access_token="token", refresh_token=None, expires_s=3600, issued_s=1)

    def enrolment_of(self, access_token: str) -> Enrolment:
        return Enrolment("d@example.com")


@pytest.fixture
def identity(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> Identity:
    for number in (1, 2):
        free = ConnectorState(connector=ConnectorId(number), status=ConnectorStatus.AVAILABLE, status_at=NOW)
        kit.connectors.set_status("CP-1", free)
    found = Identity()
    vars(kit)["identity"] = found
    monkeypatch.setattr(type(kit.money), "forget_customer", lambda *_: None, raising=False)
    return found


@pytest.fixture
def cut_in(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any, str, Callable[[], None]], None]:
    """Let something happen, once, just before a method of a thing is called."""

    def cut(thing: Any, method: str, happen: Callable[[], None]) -> None:
        kind, left = type(thing), [happen]
        original = getattr(kind, method)

        def later(self: Any, *args: Any, **options: Any) -> Any:
            if left:
                left.pop()()
            return original(self, *args, **options)

        monkeypatch.setattr(kind, method, later)

    return cut


def leave(kit: Kit) -> str:
    """What becomes of a wish to leave: `gone`, or the code of a refusal."""
    try:
        kit.account_deletion.leave("driver-1")
    except Refusal as refusal:
        return refusal.code
    kit.account_deletion.go_on("driver-1")
    return "gone"


def begin(kit: Kit) -> str:
    """What becomes of a wish to charge: `begun`, or the code of a refusal."""
    try:
        kit.driver_sessions.begin("driver-1", WANTED, None)
    except NotFound:
        return "not_found"
    except Refusal as refusal:
        return refusal.code
    return "begun"


def sessions(kit: Kit) -> Sequence[Any]:
    return kit.sessions.of_operator("op", 10, None, flagged=False)[0]


@pytest.mark.parametrize("method", ["begin", "get"])
def test_who_has_left_as_a_session_was_about_to_begin_begins_none(
    kit: Kit, identity: Identity, cut_in: Callable[..., None], method: str
) -> None:
    found: list[str] = []
    cut_in(kit.drivers, method, lambda: found.append(leave(kit)))

    assert begin(kit) in ("account_closing", "not_found")

    assert found == ["gone"]
    assert not sessions(kit)
    assert not kit.workflow.started
    assert {*identity.forgotten} == {"driver-1"}


def test_who_leaves_as_a_session_is_being_written_down_stays(
    kit: Kit, identity: Identity, cut_in: Callable[..., None]
) -> None:
    found: list[str] = []
    cut_in(kit.sessions, "add", lambda: found.append(leave(kit)))

    assert begin(kit) == "begun"

    assert found == ["session_open"]
    assert leave(kit) == "session_open"
    assert kit.drivers.get("driver-1") is not None
    assert not identity.forgotten


def test_a_session_that_no_list_shows_yet_keeps_its_driver(
    kit: Kit, identity: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert begin(kit) == "begun"
    monkeypatch.setattr(type(kit.sessions), "of_driver", lambda *_: ([], None))
    assert leave(kit) == "session_open"


def test_a_reservation_and_its_driver_do_not_pass_each_other(
    kit: Kit, identity: Identity, cut_in: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[str] = []
    cut_in(kit.reservations, "add", lambda: found.append(leave(kit)))
    reservation, _ = kit.driver_reservations.make("driver-1", "CP-1", ConnectorId(1), SOON, None)
    assert found == ["session_open"]
    monkeypatch.setattr(type(kit.reservations), "of_driver", lambda *_: [])
    assert leave(kit) == "reservation_open"
    monkeypatch.undo()
    kit.driver_reservations.cancel("driver-1", reservation.reservation_id)
    vars(kit)["identity"] = identity
    monkeypatch.setattr(type(kit.money), "forget_customer", lambda *_: None, raising=False)

    cut_in(kit.drivers, "begin", lambda: found.append(leave(kit)))
    with pytest.raises(Refusal) as refusal:
        kit.driver_reservations.make("driver-1", "CP-1", ConnectorId(2), SOON, None)

    assert (refusal.value.code, found[-1]) == ("account_closing", "gone")
    assert not kit.reservations.of_driver("driver-1", 10)


def test_a_reservation_whose_time_is_over_is_charged_for_before_its_driver_leaves(kit: Kit, identity: Identity) -> None:
    kit.driver_reservations.make("driver-1", "CP-1", ConnectorId(1), SOON, None)
    kit.clock.advance(hours=1)
    assert leave(kit) == "reservation_open"
    assert kit.driver_reservations.sweep() == 1
    assert leave(kit) == "gone"


def test_a_card_swiped_as_its_driver_leaves_begins_a_charge_of_nobody_that_is_stopped(
    kit: Kit, identity: Identity, cut_in: Callable[..., None]
) -> None:
    found: list[str] = []
    cut_in(kit.drivers, "begin", lambda: found.append(leave(kit)))
    start = {"connectorId": 1, "idTag": CARD, "meterStart": 0, "timestamp": NOW.isoformat()}

    kit.conversation.receive(CONNECTION.connection_id, json.dumps([2, "1", "StartTransaction", start]))

    assert found == ["gone"]
    (session,) = sessions(kit)
    assert (session.driver_id, session.reason) == (None, Reason.NOT_AUTHORISED)


def test_who_may_not_leave_may_begin_at_once(kit: Kit, identity: Identity) -> None:
    kit.drivers.owe("driver-1", "KDEBT")
    assert leave(kit) == "open_balance"
    kit.drivers.owe_no_more("driver-1", "KDEBT")
    assert begin(kit) == "begun"


def test_who_is_found_owing_at_the_last_moment_does_not_leave(
    kit: Kit, identity: Identity, cut_in: Callable[..., None]
) -> None:
    cut_in(kit.drivers, "leave", lambda: kit.drivers.owe("driver-1", "KDEBT"))
    assert leave(kit) == "open_balance"


def test_a_request_that_died_before_it_began_anything_keeps_nobody_for_long(kit: Kit, identity: Identity) -> None:
    assert kit.drivers.begin("driver-1", "KNEVER", kit.clock())
    assert leave(kit) == "session_open"
    kit.clock.advance(minutes=2)
    assert leave(kit) == "gone"


def test_a_deletion_that_died_bars_nobody_for_ever(kit: Kit, identity: Identity) -> None:
    kit.drivers.leave("driver-1", "r-1", kit.clock())
    assert begin(kit) == "account_closing"
    kit.clock.advance(minutes=3)
    assert begin(kit) == "begun"


def test_the_later_of_two_wishes_to_leave_is_not_undone_by_the_first(kit: Kit, identity: Identity) -> None:
    kit.drivers.leave("driver-1", "r-1", kit.clock())
    kit.drivers.leave("driver-1", "r-2", kit.clock())
    kit.drivers.stay("driver-1", "r-1")
    assert not kit.drivers.begin("driver-1", "KNEW", kit.clock())
    kit.drivers.stay("driver-1", "r-2")
    assert kit.drivers.begin("driver-1", "KNEW", kit.clock())


def test_what_began_long_ago_is_not_remembered_for_ever(kit: Kit, identity: Identity) -> None:
    for number in range(30):
        assert kit.drivers.begin("driver-1", f"K{number}", kit.clock())
        kit.clock.advance(hours=3)
    assert len(kit.drivers.leave("driver-1", "r-1", kit.clock())) < 20


def test_who_logs_in_as_their_account_goes_is_gone_all_the_same(
    kit: Kit, identity: Identity, cut_in: Callable[..., None]
) -> None:
    cut_in(identity, "forget", lambda: kit.accounts.log_in("d@example.com", "whatever"))
    assert leave(kit) == "gone"
    assert kit.drivers.get("driver-1") is None


def test_a_customer_made_as_the_account_goes_is_forgotten_too(
    kit: Kit, identity: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit.drivers.put(Driver(driver_id="driver-2", email="two@example.com"))
    forgotten: list[str] = []

    def create_customer(_: Any, driver_id: str, email: str) -> str:
        kit.account_deletion.leave(driver_id)
        return "cus_2"

    monkeypatch.setattr(type(kit.money), "create_customer", create_customer, raising=False)
    monkeypatch.setattr(type(kit.money), "forget_customer", lambda _, it: forgotten.append(it), raising=False)
    with pytest.raises(NotFound):
        kit.accounts.begin_card_setup("driver-2")
    assert forgotten == ["cus_2"]


def test_tokens_go_with_their_driver(kit: Kit, identity: Identity) -> None:
    kit.tokens.put(Token(uid="FFFF0000", operator_id="", driver_id="driver-1"), NOW)
    assert leave(kit) == "gone"
    assert kit.tokens.get("FFFF0000") is None
    assert kit.tokens.get(CARD) is None


MANY = 130


def many(kit: Kit) -> None:
    """More of everything than one call has room for."""
    for number in range(MANY):
        over = paid(price(TARIFF, planned(NOW, 2_000, 3_600), "UTC"))
        kit.sessions.add(replace(over, session_id=f"KOLD{number:04}", driver_id="driver-1", created_at=NOW))
        kit.tokens.put(Token(uid=f"AAAA{number:04}", operator_id="", driver_id="driver-1"), NOW)
        notice = Notification(
            kind=NotificationKind.RECEIPT_READY,
            driver_id="driver-1",
            session_id=f"KOLD{number:04}",
            operator_id="op",
            charger_id="CP-1",
            connector=ConnectorId(1),
            at=NOW,
        )
        kit.outbox.add(notice, NOW)


def left(kit: Kit) -> list[str]:
    """The rows of any table in which a driver is named, but for what the books keep."""
    found = []
    for table in TABLES:
        for row in table.scan():
            text = json.dumps(row.serialize())
            if "driver-1" in text and table not in (SessionRow,):
                found.append(f"{table.__name__}: {text}")
    return found


def test_a_request_closes_the_account_however_much_is_kept_and_leaves_that_to_others(
    kit: Kit, identity: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    many(kit)
    kit.account_deletion.leave("driver-1")

    assert kit.invocations.begun == [("accounts", {"part": "driver", "driver": "driver-1"})]
    assert identity.forgotten == ["driver-1"]
    login = kit.accounts.log_in("d@example.com", "whatever")
    with pytest.raises(NotAllowed):
        kit.accounts.check("driver-1", login.issued_s)
    with pytest.raises(NotAllowed):
        kit.accounts.check("driver-1", int(NOW.timestamp()) + 10**9)
    assert begin(kit) == "driver_blocked"
    kit.clock.advance(hours=1)
    assert begin(kit) == "driver_blocked"
    with pytest.raises(Refusal):
        kit.driver_wallets.top_up("driver-1", "EUR", 1_000, "k")
    assert len(kit.tokens.of_driver("driver-1")) == MANY + 1
    assert kit.account_deletion.go_on("driver-1") == 1
    assert left(kit) == []


def test_what_is_much_is_forgotten_by_invocations_each_of_which_gets_on(
    kit: Kit, identity: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    many(kit)
    kit.account_deletion.leave("driver-1")
    kit.invocations.begun.clear()
    turns = 0
    while kit.drivers.get("driver-1") is not None and turns < 2 * MANY:
        ticks = count()

        def clock(ticks: Iterator[int] = ticks) -> datetime:
            return NOW + timedelta(hours=1, seconds=next(ticks))

        # Time for a few pieces.
        replace(kit.account_deletion, clock=clock).go_on("driver-1", Part(ends_at=NOW + timedelta(hours=1, seconds=6)))
        turns += 1
    assert 3 < turns < MANY
    assert left(kit) == []
    told = [{"part": "driver", "driver": "driver-1"}] * (turns - 1)
    assert [it for _, it in kit.invocations.begun] == told


def test_who_dies_on_the_way_is_followed_by_the_schedule(kit: Kit, identity: Identity) -> None:
    kit.account_deletion.leave("driver-1")
    kit.invocations.begun.clear()
    assert kit.account_deletion.tend() == 1
    ((function, told),) = kit.invocations.begun
    assert (function, told) == ("accounts", {"part": "driver", "driver": "driver-1"})
    assert kit.account_deletion.go_on("driver-1") == 1
    assert kit.account_deletion.tend() == 0


def test_an_invocation_that_is_not_taken_is_made_by_the_schedule(
    kit: Kit, identity: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(type(kit.invocations), "begin", lambda *_: 1 / 0)
        kit.account_deletion.leave("driver-1")
    assert kit.account_deletion.tend() == 1


def test_nobody_is_forgotten_who_has_not_left(kit: Kit, identity: Identity) -> None:
    assert kit.account_deletion.go_on("driver-1") == 0
    assert kit.account_deletion.go_on("nobody") == 0
    assert not identity.forgotten
    assert kit.drivers.get("driver-1") is not None


def test_an_old_session_that_is_not_over_keeps_what_is_needed_to_be_paid_for_it(
    kit: Kit, identity: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    forgotten: list[str] = []
    monkeypatch.setattr(type(kit.money), "forget_customer", lambda _, it: forgotten.append(it), raising=False)
    assert begin(kit) == "begun"
    (running,) = sessions(kit)
    kit.clock.advance(hours=3)
    for number in range(MANY):
        over = paid(price(TARIFF, planned(NOW, 2_000, 3_600), "UTC"))
        at = kit.clock() + timedelta(seconds=number)
        kit.sessions.add(replace(over, session_id=f"KNEW{number:04}", driver_id="driver-1", created_at=at))
    kit.drivers.begin_not("driver-1", running.session_id, running.created_at)
    kit.account_deletion.leave("driver-1")
    assert kit.account_deletion.go_on("driver-1") == 0
    known = kit.drivers.get("driver-1")
    assert known is not None
    assert known.payment_method_id == "pm_1"
    assert not forgotten
    stored = kit.session(running.session_id)
    assert stored.driver_id == "driver-1"
    kit.sessions.save(stored, replace(stored, state=State.COMPLETED, ended_at=kit.clock(), hold=None))
    assert kit.account_deletion.go_on("driver-1") == 1
    assert forgotten == ["cus_1"]
    assert left(kit) == []


def test_what_is_owed_for_a_session_that_ended_later_is_asked_for_and_not_for_ever(
    kit: Kit, identity: Identity
) -> None:
    kit.account_deletion.leave("driver-1")
    kit.drivers.owe("driver-1", "KLATE")
    assert kit.account_deletion.go_on("driver-1") == 0
    kit.clock.advance(days=27)
    assert kit.account_deletion.go_on("driver-1") == 0
    kit.clock.advance(days=2)
    assert kit.account_deletion.go_on("driver-1") == 1
    assert kit.drivers.get("driver-1") is None


def test_a_session_that_cannot_be_forgotten_keeps_no_other_and_the_account_waits_for_it(
    kit: Kit, identity: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    many(kit)
    kit.account_deletion.leave("driver-1")
    original = type(kit.sessions).forget_driver

    def forget(kept: Any, session: Any) -> None:
        if session.session_id == "KOLD0007":
            raise RuntimeError("no")
        original(kept, session)

    with monkeypatch.context() as patched:
        patched.setattr(type(kit.sessions), "forget_driver", forget)
        assert kit.account_deletion.go_on("driver-1") == 0
    assert [it.session_id for it in kit.sessions.of_driver("driver-1", 10, None)[0]] == ["KOLD0007"]
    assert kit.account_deletion.go_on("driver-1") == 1
    assert left(kit) == []


def test_two_at_once_forget_a_driver_once_and_neither_breaks(kit: Kit, identity: Identity) -> None:
    many(kit)
    kit.account_deletion.leave("driver-1")
    original, nested = kit.account_deletion, [1]

    def forget(account_id: str) -> None:
        if nested:
            nested.pop()
            assert original.go_on("driver-1") == 1

    vars(kit)["identity"] = identity
    meanwhile: Any = _Forgets(forget)
    replace(original, identity=meanwhile).go_on("driver-1")
    assert left(kit) == []


@dataclass
class _Forgets:
    forget: Callable[[str], None]


def test_what_a_car_is_called_goes_with_its_drivers_account(kit: Kit) -> None:
    named = replace(paid(price(TARIFF, planned(NOW, 2_000, 3_600), "UTC")), car="My Zoe")
    assert kit.sessions.add(named)
    kit.sessions.forget_driver(named)
    kept = kit.sessions.get(named.session_id)
    assert kept is not None
    assert kept.car == ""
