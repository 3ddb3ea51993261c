"""An account goes, or something begins, never both: each is cut in where the other would not look."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.chargers.events import ConnectorId, ConnectorStatus
from chalicelib.domain.charging.session import Reason
from chalicelib.domain.pricing.rating import planned, price
from chalicelib.records.chargers import ConnectorState
from chalicelib.records.drivers import Driver, Enrolment, Login, Token
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
    assert identity.forgotten == ["driver-1"]


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


def test_what_a_car_is_called_goes_with_its_drivers_account(kit: Kit) -> None:
    named = replace(paid(price(TARIFF, planned(NOW, 2_000, 3_600), "UTC")), car="My Zoe")
    assert kit.sessions.add(named)
    kit.sessions.forget_driver(named)
    kept = kit.sessions.get(named.session_id)
    assert kept is not None
    assert kept.car == ""
