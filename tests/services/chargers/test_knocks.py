"""A charger that names itself oddly is let in if it can be told apart; whoever is not is shown to the operator."""

from __future__ import annotations

import base64
from datetime import timedelta

import pytest

from chalicelib.adapters.tables import ChargerRow
from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.records.chargers import Admission, Charger, KnockReason
from chalicelib.services.chargers.connections import ChargerCredentials, Connections, Refused
from chalicelib.services.chargers.passwords import hash_password
from tests.services.conftest import NOW, Kit

SECRET, OTHER = b"correct-horse", b"battery-staple"
HASHES = {password: hash_password(password, b"salt" * 4) for password in (SECRET, OTHER)}


def basic(user: str, password: bytes = SECRET) -> ChargerCredentials:
    return ChargerCredentials("Basic " + base64.b64encode(user.encode() + b":" + password).decode())


def register(kit: Kit, charger_id: str, password: bytes = SECRET, profile: int = 1) -> None:
    connectors = (ConnectorId(1),)
    kit.chargers.put(
        Charger(
            charger_id=charger_id,
            operator_id="op",
            site_id="harbour",
            password_hash=HASHES[password],
            connectors=connectors,
            security_profile=profile,
        )
    )


def knock(door: Connections, target: str, credentials: ChargerCredentials, *offers: str) -> str:
    """Who got in, or the reason why not."""
    try:
        door.open(f"c-{target}", target, credentials, offers or ["ocpp1.6"], NOW)
    except Refused as refused:
        return refused.reason
    connection = door.sockets.connection(f"c-{target}")
    assert connection is not None
    return connection.charger_id


@pytest.fixture
def door(kit: Kit) -> Connections:
    register(kit, "CP-7")
    return kit.connections


@pytest.mark.parametrize(
    ("target", "user"),
    [
        ("/ocpp/CP-7", "CP-7"),
        ("//ocpp/CP-7", "CP-7"),
        ("/ocpp//CP-7/", "CP-7"),
        ("/ocpp/CP-7/CP-7", "CP-7"),
        ("/ocpp?station=CP-7", "CP-7"),
        ("/ocpp/?station=CP-7", "ocpp"),
        ("/ocpp", "CP-7"),
        ("/", "CP-7"),
        ("/ocpp", "cp-7"),
        ("/ocpp/cp-7", "cp-7"),
        ("/ocpp/Cp-7", "CP-7"),
        ("/ocpp/cp-7", "ocpp"),
        ("/ocpp/?id=cp-7", ""),
        ("/ocpp/CP-7", ""),
        ("/ocpp/CP-7", "ocpp"),
        ("/ocpp/CP-7", "cp-7"),
        ("/ocpp/CP-7", "a b"),
        ("/ocpp/CP-7/ws", "CP-7"),
        ("/ocpp/NOBODY", "CP-7"),
    ],
)
def test_a_charger_that_can_be_told_apart_is_let_in_by_its_password_and_by_no_other(
    door: Connections, target: str, user: str
) -> None:
    assert knock(door, target, basic(user)) == "CP-7"
    assert knock(door, target, basic(user, OTHER)) == KnockReason.WRONG_PASSWORD


def test_a_charger_is_not_let_in_as_the_one_that_its_user_name_says(door: Connections, kit: Kit) -> None:
    register(kit, "CP-8")
    for target, user in (("/ocpp/CP-7", "CP-8"), ("/ocpp/cp-7", "CP-8"), ("/ocpp?id=CP-7", "cp-8")):
        assert knock(door, target, basic(user)) == KnockReason.AMBIGUOUS


@pytest.mark.parametrize("version", ["ocpp2.0.1", "ocpp2.1"])
def test_what_speaks_2_x_has_its_id_for_a_user_name_or_none(door: Connections, version: str) -> None:
    for user in ("SOMEBODY-ELSE", "ocpp", "a b", "CP-70"):
        assert knock(door, "/ocpp/CP-7", basic(user), version, "ocpp1.6") == KnockReason.WRONG_USER
        assert knock(door, "/ocpp/CP-7", basic(user, OTHER), version, "ocpp1.6") == KnockReason.WRONG_PASSWORD
        assert knock(door, "/ocpp/CP-7", basic(user), "ocpp1.6", "ocpp1.5") == "CP-7"
    for user in ("CP-7", "cp-7", ""):
        assert knock(door, "/ocpp/CP-7", basic(user), version) == "CP-7"


def test_a_user_name_is_of_no_account_where_no_password_is_asked_for(door: Connections, kit: Kit) -> None:
    register(kit, "FREE", profile=0)
    assert knock(door, "/ocpp/FREE", basic("ocpp"), "ocpp2.0.1") == "FREE"


def test_whoever_waits_or_is_another_operators_throws_no_doubt_on_a_makers_user_name(
    door: Connections, kit: Kit
) -> None:
    kit.chargers.put(
        Charger(
            charger_id="ocpp",
            operator_id="rival",
            site_id="elsewhere",
            password_hash=HASHES[OTHER],
            connectors=(ConnectorId(1),),
        )
    )
    kit.chargers.propose(
        Charger(
            charger_id="user",
            operator_id="op",
            site_id="",
            password_hash=HASHES[OTHER],
            connectors=(),
            admission=Admission.PENDING,
        ),
        NOW + timedelta(days=1),
    )
    for user in ("ocpp", "user"):
        assert knock(door, "/ocpp/CP-7", basic(user)) == "CP-7"
        assert knock(door, "/ocpp/CP-7", basic(user, OTHER)) == KnockReason.WRONG_PASSWORD


def test_names_that_differ_in_case_only_are_told_apart_only_when_spelled_out(door: Connections, kit: Kit) -> None:
    register(kit, "cp-7", OTHER)
    assert knock(door, "/ocpp/cp-7", basic("cp-7", OTHER)) == "cp-7"
    assert knock(door, "/ocpp/CP-7", basic("cp-7", SECRET)) == KnockReason.AMBIGUOUS
    assert knock(door, "/ocpp/CP-7", basic("CP-7", SECRET)) == "CP-7"
    assert knock(door, "/ocpp/Cp-7", basic("Cp-7", SECRET)) == KnockReason.AMBIGUOUS
    assert knock(door, "/ocpp/Cp-7", basic("Cp-7", OTHER)) == KnockReason.AMBIGUOUS
    assert knock(door, "/ocpp/Cp-7", basic("cp-7", OTHER)) == "cp-7"
    assert knock(door, "/ocpp/CP-7", basic("Cp-7", SECRET)) == "CP-7"


def test_a_charger_without_a_password_comes_in_under_its_own_name_only(door: Connections, kit: Kit) -> None:
    register(kit, "FREE", profile=0)
    for target in ("/ocpp/FREE", "//ocpp/FREE/", "/ocpp/FREE/FREE", "/ocpp?station=FREE"):
        assert knock(door, target, ChargerCredentials()) == "FREE"
    for target in ("/ocpp/free", "/ocpp/FREE/ws", "/ocpp/x?station=FREE"):
        assert knock(door, target, ChargerCredentials()) == KnockReason.AMBIGUOUS


def test_a_colon_in_a_name_is_no_doubt_about_it(door: Connections, kit: Kit) -> None:
    register(kit, "A:B")
    register(kit, "A", OTHER)
    assert knock(door, "/ocpp/A:B", basic("A:B")) == "A:B"
    assert knock(door, "/ocpp/a:b", basic("a:b")) == "A:B"
    assert knock(door, "/ocpp/A", basic("A", OTHER)) == "A"


def test_a_charger_registered_before_case_was_forgiven_is_found_once_it_has_come_or_is_registered_again(
    door: Connections, kit: Kit
) -> None:
    ChargerRow("cp-7", "spellings").delete()
    ChargerRow("CP-7", "charger").update([ChargerRow.is_found_in_any_case.remove()])
    assert knock(door, "/ocpp/cp-7", basic("cp-7")) == KnockReason.UNKNOWN
    assert knock(door, "/ocpp/CP-7", basic("CP-7")) == "CP-7"
    assert knock(door, "/ocpp/cp-7", basic("cp-7")) == "CP-7"
    charger = kit.chargers.get("CP-7")
    assert charger is not None
    assert charger.is_found_in_any_case
    page, _ = kit.chargers.page_of_operator("op", 100, None)
    assert [it.charger_id for it in page if it.charger_id.lower() == "cp-7"] == ["CP-7"]


def test_a_newcomer_cannot_stand_in_the_way_of_a_charger_that_is_registered(kit: Kit) -> None:
    register(kit, "CP-7")
    door = kit.welcoming()
    assert knock(door, "/ocpp/ws", ChargerCredentials()) == "ws"
    assert knock(door, "/ocpp/CP-7/ws", basic("CP-7")) == "CP-7"
    assert knock(door, "/ocpp/cp-7", ChargerCredentials()) == KnockReason.NO_CREDENTIALS
    assert kit.chargers.get("cp-7") is None
    assert knock(door, "/ocpp", basic("NEW-1")) == "NEW-1"
    assert knock(door, "/ocpp/", basic("NEW-1", OTHER)) == KnockReason.WRONG_PASSWORD


@pytest.mark.parametrize(
    ("target", "credentials", "offers", "reason"),
    [
        ("/ocpp/CP-7", basic("CP-7", OTHER), ["ocpp1.6"], KnockReason.WRONG_PASSWORD),
        ("/ocpp/CP-7", ChargerCredentials(), ["ocpp1.6"], KnockReason.NO_CREDENTIALS),
        ("/ocpp/CP-7", ChargerCredentials("Bearer x"), ["ocpp1.6"], KnockReason.NO_CREDENTIALS),
        ("/ocpp/CP-7", basic("CP-7"), ["ocpp1.5"], KnockReason.NO_SUBPROTOCOL),
        ("/ocpp/CP-7", basic("CP-1"), ["ocpp1.6"], KnockReason.AMBIGUOUS),
    ],
)
def test_a_charger_that_is_refused_is_shown_to_its_operator_with_the_reason(
    door: Connections, kit: Kit, target: str, credentials: ChargerCredentials, offers: list[str], reason: KnockReason
) -> None:
    assert knock(door, target, credentials, *offers) == reason
    (shown,), _ = kit.knocks.page("op", 10, None)
    assert (shown.charger_id, shown.reason, shown.knocks, shown.at) == ("CP-7", reason, 1, NOW)
    (entry, *_), _ = kit.message_log.page("CP-7", 10, None)
    assert (entry.what, entry.result) == ("refused", shown.why)
    assert SECRET.decode() not in repr((shown, entry))
    assert OTHER.decode() not in repr((shown, entry))


def test_blocked_or_without_its_certificate_a_charger_is_shown_too(door: Connections, kit: Kit) -> None:
    kit.chargers.admit("CP-7", Admission.BLOCKED)
    register(kit, "TLS-1", profile=3)
    assert knock(door, "/ocpp/CP-7", basic("CP-7")) == KnockReason.BLOCKED
    assert knock(door, "/ocpp/TLS-1", basic("TLS-1")) == KnockReason.NO_CERTIFICATE
    shown, _ = kit.knocks.page("op", 10, None)
    assert {(it.charger_id, it.reason) for it in shown} == {
        ("CP-7", KnockReason.BLOCKED),
        ("TLS-1", KnockReason.NO_CERTIFICATE),
    }


def test_a_stranger_is_shown_to_the_operator_of_newcomers_and_to_nobody_else(door: Connections, kit: Kit) -> None:
    assert knock(door, "/ocpp/NOBODY", basic("NOBODY")) == KnockReason.UNKNOWN
    assert kit.knocks.page("op", 10, None) == ([], None)
    welcoming = kit.welcoming()
    assert knock(welcoming, "/ocpp/a%20b", basic("a b")) == KnockReason.NO_NAME
    (shown,), _ = kit.knocks.page("op", 10, None)
    assert (shown.charger_id, shown.name, shown.reason) == (None, "", KnockReason.NO_NAME)


def test_whoever_knocks_without_end_fills_no_book(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chalicelib.services.chargers.connections._MOST_PENDING", 0)
    monkeypatch.setattr("chalicelib.services.chargers.passwords.password_matches", lambda password, stored: False)
    register(kit, "CP-7")
    door = kit.welcoming()
    for number in range(40):
        assert knock(door, "/ocpp/CP-7", basic("CP-7", str(number).encode())) == KnockReason.WRONG_PASSWORD
    journalled, _ = kit.message_log.page("CP-7", 100, None)
    assert len(journalled) == 12
    assert any(it.result.endswith("(refused 32 times today)") for it in journalled)
    for number in range(300):
        assert knock(door, f"/ocpp/NEW-{number}", ChargerCredentials()) == KnockReason.TOO_MANY_WAIT
    shown, cursor = kit.knocks.page("op", 200, None)
    assert cursor is None
    assert len(shown) <= 101
    assert sum(it.knocks for it in shown) == 340
    assert next(it.knocks for it in shown if it.charger_id == "CP-7") == 40


def test_what_was_refused_is_read_day_by_day_the_newest_first_and_lapses(door: Connections, kit: Kit) -> None:
    for day in range(3):
        with pytest.raises(Refused):
            door.open("c", "/ocpp/CP-7", ChargerCredentials(), ["ocpp1.6"], NOW + timedelta(days=day))
    first, cursor = kit.knocks.page("op", 2, None)
    last, end = kit.knocks.page("op", 2, cursor)
    assert [it.at for it in (*first, *last)] == [NOW + timedelta(days=day) for day in (2, 1, 0)]
    assert end is None
    with pytest.raises(ValueError, match="not one of ours"):
        kit.knocks.page("op", 2, "x")


def test_a_knock_that_cannot_be_written_is_refused_all_the_same(
    door: Connections, kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(knock: object) -> int:
        raise OSError

    monkeypatch.setattr(kit.knocks, "add", fails)
    assert knock(door, "/ocpp/CP-7", ChargerCredentials()) == KnockReason.NO_CREDENTIALS


def test_credentials_without_their_padding_are_read(door: Connections) -> None:
    authorization = basic("box").authorization or ""
    assert authorization.endswith("=")
    assert knock(door, "/ocpp/CP-7", ChargerCredentials(authorization.rstrip("="))) == "CP-7"
    assert knock(door, "/ocpp/CP-7", ChargerCredentials("Basic =====")) == KnockReason.NO_CREDENTIALS
    assert knock(door, "/ocpp/CP-7", ChargerCredentials("Basic x")) == KnockReason.NO_CREDENTIALS
