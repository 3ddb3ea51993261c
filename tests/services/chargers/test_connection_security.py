"""Security profiles 0 to 3, passwords that change, and chargers nobody has registered."""

from __future__ import annotations

import base64
from datetime import timedelta

import pytest

from chalicelib.domain.chargers.availability import Condition, LineChanged, spells
from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.records.chargers import Admission, Charger
from chalicelib.services.chargers.connections import ChargerCredentials, Connections, Refused
from chalicelib.services.chargers.passwords import hash_password
from chalicelib.services.chargers.remote_control import RemoteControl
from tests.services.conftest import NOW, Kit

SECRET = b"correct-horse"
OFFERS = ["ocpp1.6"]


def basic(user: str, password: bytes) -> ChargerCredentials:
    return ChargerCredentials("Basic " + base64.b64encode(user.encode() + b":" + password).decode())


def registered(kit: Kit, profile: int, **more: object) -> None:
    charger = Charger(
        charger_id="CP-7",
        operator_id="op",
        site_id="harbour",
        password_hash=hash_password(SECRET, b"salt" * 4),
        connectors=(ConnectorId(1),),
        security_profile=profile,
    )
    kit.chargers.put(charger)


def knock(door: Connections, credentials: ChargerCredentials, charger_id: str = "CP-7") -> int:
    try:
        door.open("c-9", charger_id, credentials, OFFERS, NOW)
    except Refused as refused:
        return refused.status
    return 200


@pytest.fixture
def door(kit: Kit) -> Connections:
    return kit.connections


@pytest.mark.parametrize(
    ("profile", "nothing", "password", "wrong", "certificate"),
    [(0, 200, 200, 200, 200), (1, 401, 200, 401, 401), (2, 401, 200, 401, 401), (3, 401, 401, 401, 200)],
)
def test_each_profile_opens_to_its_own_proof(
    door: Connections, kit: Kit, profile: int, nothing: int, password: int, wrong: int, certificate: int
) -> None:
    registered(kit, profile)
    assert knock(door, ChargerCredentials()) == nothing
    assert knock(door, basic("CP-7", SECRET)) == password
    assert knock(door, basic("CP-7", b"wrong")) == wrong
    assert knock(door, ChargerCredentials(certificate_subject="CN=CP-7,O=Kerb")) == certificate


@pytest.mark.parametrize(
    "subject",
    [
        "CN=CP-8",
        "O=CP-7",
        "CN=CP-77",
        "OU=x+CN=CP",
        "",
        "XCN=CP-7",
        "CN=CP-7\\,CN=evil",
        "cn=cp-7",
        "O=x\\, CN=CP-7",
        "O=a/CN=CP-7",
    ],
)
def test_another_chargers_certificate_does_not_open(door: Connections, kit: Kit, subject: str) -> None:
    registered(kit, 3)
    assert knock(door, ChargerCredentials(certificate_subject=subject)) == 401


def test_a_certificate_may_name_the_serial_number(door: Connections, kit: Kit) -> None:
    registered(kit, 3)
    kit.charger_news.booted("CP-7", "V", "M", "SN-1", None)
    assert knock(door, ChargerCredentials(certificate_subject="O=Kerb, CN=SN-1")) == 200


def test_a_password_in_hexadecimal_opens_as_digits_and_as_the_bytes_they_stand_for(door: Connections, kit: Kit) -> None:
    key = bytes(range(200, 220))
    stored = hash_password(key.hex().upper().encode(), b"salt" * 4)
    kit.chargers.put(
        Charger(
            charger_id="CP-7", operator_id="op", site_id="harbour", password_hash=stored, connectors=(ConnectorId(1),)
        )
    )
    assert knock(door, basic("CP-7", key.hex().upper().encode())) == 200
    assert knock(door, basic("CP-7", key)) == 200
    assert knock(door, basic("CP-7", key[:-1] + b"\xff")) == 401


def test_both_passwords_open_until_the_new_one_is_used_and_only_that_one_after(door: Connections, kit: Kit) -> None:
    registered(kit, 1)
    kit.charger_passwords.offer("CP-7", hash_password(b"new-password", b"salt" * 4))
    assert knock(door, basic("CP-7", SECRET)) == 200
    assert knock(door, basic("CP-7", b"new-password")) == 200
    assert knock(door, basic("CP-7", SECRET)) == 401
    assert knock(door, basic("CP-7", b"new-password")) == 200


@pytest.mark.parametrize("status", ["Rejected", "NotSupported"])
def test_a_password_the_charger_does_not_take_is_good_for_nothing(kit: Kit, status: str) -> None:
    remote_control: RemoteControl = kit.remote_control
    call = remote_control.change_password("op", "CP-1")
    charger = kit.chargers.get("CP-1")
    assert charger is not None
    assert charger.next_password_hash
    kit.conversation.receive("c-1", f'[3,"{call.message_id}",{{"status":"{status}"}}]')
    charger = kit.chargers.get("CP-1")
    assert charger is not None
    assert charger.next_password_hash is None


def test_a_new_password_is_nowhere_to_be_read(kit: Kit) -> None:
    kit.remote_control.change_password("op", "CP-1")
    (sent,) = kit.link.sent
    password = sent.partition('"value":"')[2].partition('"')[0]
    assert len(bytes.fromhex(password)) == 20
    entries, _ = kit.message_log.page("CP-1", 10, None)
    assert password not in repr(entries)
    assert '"***"' in entries[0].payload


def test_an_unknown_charger_waits_for_its_operator_and_its_name_is_its_own(kit: Kit) -> None:
    door = kit.welcoming()
    assert knock(door, basic("NEW-1", SECRET), "NEW-1") == 200
    charger = kit.chargers.get("NEW-1")
    assert charger is not None
    assert (charger.admission, charger.operator_id) == (Admission.PENDING, "op")
    assert knock(door, basic("NEW-1", b"somebody else"), "NEW-1") == 401
    boot = '[2,"1","BootNotification",{"chargePointVendor":"V","chargePointModel":"M"}]'
    assert '"status":"Pending"' in (kit.conversation.receive("c-9", boot) or "")
    answer = kit.conversation.receive("c-9", '[2,"2","Heartbeat",{}]') or ""
    assert '"SecurityError"' in answer


def test_a_charger_once_accepted_is_welcome_on_the_same_socket(kit: Kit) -> None:
    door = kit.welcoming()
    assert knock(door, ChargerCredentials(), "NEW-1") == 200
    known = kit.chargers.get("NEW-1")
    assert known is not None
    kit.chargers.put(
        Charger(
            charger_id="NEW-1",
            operator_id="op",
            site_id="harbour",
            password_hash=known.password_hash,
            connectors=(ConnectorId(1),),
            security_profile=0,
        )
    )
    kit.remote_control.welcome("NEW-1")
    assert '"TriggerMessage"' in kit.link.sent[-1]
    boot = '[2,"1","BootNotification",{"chargePointVendor":"V","chargePointModel":"M"}]'
    assert '"status":"Accepted"' in (kit.conversation.receive("c-9", boot) or "")
    assert kit.chargers.pending("op", 10) == 0


@pytest.mark.parametrize("charger_id", ["a b", "x" * 49, "", "né"])
def test_a_name_no_charger_has_is_not_kept(kit: Kit, charger_id: str) -> None:
    door = kit.welcoming()
    assert knock(door, ChargerCredentials(), charger_id) == 401
    assert kit.chargers.pending("op", 10) == 0


def test_unknown_chargers_are_kept_only_so_many_and_so_long(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chalicelib.services.chargers.connections._MOST_PENDING", 3)
    door = kit.welcoming()
    assert [knock(door, ChargerCredentials(), f"NEW-{number}") for number in range(5)] == [200, 200, 200, 401, 401]


def test_a_blocked_charger_is_turned_away_though_its_password_is_right(door: Connections, kit: Kit) -> None:
    registered(kit, 1)
    kit.registry.admit("op", "CP-7", Admission.BLOCKED)
    assert knock(door, basic("CP-7", SECRET)) == 403
    kit.registry.admit("op", "CP-7", Admission.ACCEPTED)
    assert knock(door, basic("CP-7", SECRET)) == 200


def test_blocking_closes_the_open_socket(kit: Kit) -> None:
    kit.registry.admit("op", "CP-1", Admission.BLOCKED)
    assert kit.link.closed == ["c-1"]


def test_connections_make_a_history_and_late_news_of_an_old_socket_none(door: Connections, kit: Kit) -> None:
    registered(kit, 1)
    door.open("c-old", "CP-7", basic("CP-7", SECRET), OFFERS, NOW)
    kit.clock.advance(minutes=1)
    door.open("c-new", "CP-7", basic("CP-7", SECRET), OFFERS, NOW + timedelta(minutes=1))
    door.close("c-old")
    kit.clock.advance(minutes=1)
    door.close("c-new", "1006")
    happened = kit.history.between("CP-7", NOW - timedelta(hours=1), NOW + timedelta(hours=1))
    assert [getattr(it, "online", None) for it in happened] == [True, False]


def test_a_charger_that_was_away_for_a_moment_leaves_no_trace_and_one_that_was_longer_both_ends(
    door: Connections, kit: Kit
) -> None:
    """Every socket ends after two hours: what no law counts is not written down twelve times a day."""
    registered(kit, 1)
    at = NOW
    for number, (lasts, away) in enumerate(((100, 1), (100, 2), (100, 30), (100, 1))):
        door.open(f"c-{number}", "CP-7", basic("CP-7", SECRET), OFFERS, at)
        kit.clock.advance(minutes=lasts)
        door.close(f"c-{number}")
        kit.clock.advance(minutes=away)
        at = kit.clock.now
    happened = kit.history.between("CP-7", NOW - timedelta(hours=1), at)
    lines = [(it.at - NOW, it.online) for it in happened if isinstance(it, LineChanged)]
    minutes = [(round(after.total_seconds() / 60), online) for after, online in lines]
    assert minutes == [(0, True), (303, False), (333, True), (433, False)], "the last stands in the charger's own row"
    door.open("c-9", "CP-7", basic("CP-7", SECRET), OFFERS, at)
    found = spells(kit.history.between("CP-7", NOW, at), ConnectorId(1), NOW, at)
    away_for = sum((it.lasted for it in found if it.condition is Condition.OFFLINE), timedelta())
    assert away_for == timedelta(minutes=30)


def test_that_a_charger_is_there_is_written_every_day(door: Connections, kit: Kit) -> None:
    registered(kit, 1)
    at = NOW
    for number in range(36):
        door.open(f"c-{number}", "CP-7", basic("CP-7", SECRET), OFFERS, at)
        kit.clock.advance(minutes=119)
        door.close(f"c-{number}")
        kit.clock.advance(minutes=1)
        at = kit.clock.now
    happened = kit.history.within("CP-7", NOW - timedelta(hours=1), at)
    assert len({it.at.date() for it in happened}) == 4
    assert len(happened) <= 2 * 4


def test_what_a_charger_is_shown_as_does_not_hang_on_its_heartbeats(door: Connections, kit: Kit) -> None:
    """Online is whoever has a socket, however long it is silent; offline at once whoever's socket has closed."""
    registered(kit, 1)
    door.open("c-9", "CP-7", basic("CP-7", SECRET), OFFERS, NOW)
    kit.clock.advance(minutes=119)
    known = kit.chargers.get("CP-7")
    assert known is not None
    assert known.connection_id == "c-9"
    door.close("c-9")
    known = kit.chargers.get("CP-7")
    assert known is not None
    assert known.connection_id is None


def test_an_answer_that_is_no_json_fails_its_command_at_once_and_stands_in_the_journal(kit: Kit) -> None:
    call = kit.remote_control.change_password("op", "CP-1")
    assert kit.conversation.receive("c-1", f'[3,"{call.message_id}",{{"status":["Acc') is None
    fate = kit.remote_control.fate("op", "CP-1", call.message_id)
    assert fate.result is not None
    assert fate.result.detail == "FormatViolation: the answer is not JSON"
    entries, _ = kit.message_log.page("CP-1", 10, None)
    assert any(it.what == "unreadable" and '"status":["Acc' in it.payload for it in entries)
