"""Whoever comes first by a charger's name has no claim to it: what the operator says counts, and ends all else."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.records.chargers import Admission, Charger, Gone, PasswordSource
from chalicelib.services.access import Refusal
from chalicelib.services.chargers.connections import ChargerCredentials, Refused
from chalicelib.services.chargers.passwords import hash_password
from tests.services.chargers.test_connection_security import OFFERS, SECRET, basic
from tests.services.conftest import NOW, SITE, TARIFF, Kit

SQUATTERS, OPERATORS = b"squatter's own", b"operator's word"
HEARTBEAT = '[2,"1","Heartbeat",{}]'
BOOT = '[2,"2","BootNotification",{"chargePointVendor":"V","chargePointModel":"M","chargePointSerialNumber":"SN-EVIL"}]'


def knock(
    kit: Kit, credentials: ChargerCredentials, connection_id: str, charger_id: str = "NEW-1", after_s: int = 0
) -> int:
    try:
        kit.welcoming().open(connection_id, charger_id, credentials, OFFERS, NOW + timedelta(seconds=after_s))
    except Refused as refused:
        return refused.status
    return 200


def register(
    kit: Kit, password: bytes | None = OPERATORS, profile: int = 1, operator_id: str = "op", charger_id: str = "NEW-1"
) -> None:
    charger = Charger(
        charger_id=charger_id,
        operator_id=operator_id,
        site_id="harbour" if operator_id == "op" else "yard",
        password_hash="",
        connectors=(ConnectorId(1),),
        security_profile=profile,
    )
    kit.registry.put_charger(charger, password.decode() if password is not None else None)


def known(kit: Kit, charger_id: str = "NEW-1") -> Charger:
    found = kit.chargers.get(charger_id)
    assert found is not None
    return found


def is_heard(kit: Kit, connection_id: str) -> bool:
    # What a process remembers of a socket it remembers for a minute.
    kit.clock.advance(minutes=1)
    try:
        return kit.conversation.receive(connection_id, HEARTBEAT) is not None
    except Gone:
        return False


def test_registering_with_a_password_ends_the_socket_that_came_with_another(kit: Kit) -> None:
    assert knock(kit, basic("NEW-1", SQUATTERS), "squatter") == 200
    register(kit)
    assert "squatter" in kit.link.closed
    assert not is_heard(kit, "squatter")
    assert knock(kit, basic("NEW-1", SQUATTERS), "again") == 401
    assert knock(kit, basic("NEW-1", OPERATORS), "charger") == 200
    assert is_heard(kit, "charger")


def test_a_socket_that_came_with_nothing_is_ended_by_a_password(kit: Kit) -> None:
    assert knock(kit, ChargerCredentials(), "squatter") == 200
    register(kit)
    assert not is_heard(kit, "squatter")
    assert knock(kit, ChargerCredentials(), "again") == 401


@pytest.mark.parametrize("profile", [0, 3])
def test_and_by_a_registration_that_asks_for_something_else(kit: Kit, profile: int) -> None:
    assert knock(kit, basic("NEW-1", SQUATTERS), "squatter") == 200
    register(kit, None, profile)
    assert is_heard(kit, "squatter") == (profile == 0)


def test_a_charger_that_brought_no_password_needs_one_to_be_accepted(kit: Kit) -> None:
    knock(kit, ChargerCredentials(), "newcomer")
    with pytest.raises(Refusal) as error:
        register(kit, None)
    assert error.value.code == "password_missing"


def test_which_password_will_count_is_shown_and_the_one_brought_counts_if_it_is_accepted_so(kit: Kit) -> None:
    knock(kit, basic("NEW-1", SECRET), "newcomer")
    assert known(kit).password_from is PasswordSource.CHARGER
    register(kit, None)
    assert (known(kit).admission, known(kit).password_from) == (Admission.ACCEPTED, PasswordSource.CHARGER)
    assert is_heard(kit, "newcomer")
    register(kit)
    assert known(kit).password_from is PasswordSource.OPERATOR
    assert not is_heard(kit, "newcomer")


def test_what_a_newcomer_told_of_itself_opens_no_door_later(kit: Kit) -> None:
    knock(kit, basic("NEW-1", SQUATTERS), "squatter")
    kit.conversation.receive("squatter", BOOT)
    register(kit, None, 3)
    assert known(kit).serial is None
    assert knock(kit, ChargerCredentials(certificate_subject="CN=SN-EVIL"), "again") == 401
    assert knock(kit, ChargerCredentials(certificate_subject="CN=NEW-1"), "charger") == 200


def test_a_name_that_waits_keeps_no_operator_from_its_charger(kit: Kit) -> None:
    kit.tariffs.put(replace(TARIFF, tariff_id="rivals", operator_id="rival"))
    kit.sites.put(replace(SITE, site_id="yard", operator_id="rival", tariff_id="rivals"))
    knock(kit, basic("NEW-1", SQUATTERS), "squatter")
    with pytest.raises(Refusal):
        register(kit, None, operator_id="rival")
    register(kit, operator_id="rival")
    assert known(kit).operator_id == "rival"
    assert not is_heard(kit, "squatter")
    with pytest.raises(Refusal) as error:
        register(kit)
    assert error.value.code == "taken"


def test_a_new_password_ends_what_the_old_one_opened_and_the_socket_before_that(kit: Kit) -> None:
    register(kit, SECRET)
    knock(kit, basic("NEW-1", SECRET), "first")
    knock(kit, basic("NEW-1", SECRET), "second", after_s=1)
    register(kit, OPERATORS)
    assert {"first", "second"} <= set(kit.link.closed)
    assert not is_heard(kit, "first")
    assert not is_heard(kit, "second")


def test_the_same_password_again_ends_nothing(kit: Kit) -> None:
    register(kit, SECRET)
    knock(kit, basic("NEW-1", SECRET), "charger")
    before = known(kit).password_hash
    register(kit, SECRET)
    assert known(kit).password_hash == before
    assert kit.link.closed == []
    assert is_heard(kit, "charger")


def test_a_password_offered_to_whoever_had_the_old_one_is_good_no_more(kit: Kit) -> None:
    register(kit, SECRET)
    kit.charger_passwords.offer("NEW-1", hash_password(SQUATTERS, b"salt" * 4))
    register(kit, OPERATORS)
    assert knock(kit, basic("NEW-1", SQUATTERS), "thief") == 401


def test_the_first_use_of_a_password_that_was_sent_to_the_charger_ends_what_the_old_one_opened(kit: Kit) -> None:
    register(kit, SECRET)
    knock(kit, basic("NEW-1", SECRET), "thief")
    kit.charger_passwords.offer("NEW-1", hash_password(OPERATORS, b"salt" * 4))
    knock(kit, basic("NEW-1", OPERATORS), "charger", after_s=1)
    assert not is_heard(kit, "thief")
    assert is_heard(kit, "charger")


def test_a_socket_that_opens_while_its_password_is_changed_is_refused(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(kit, SECRET)
    door = kit.welcoming()
    proven = door._proven

    def changed_meanwhile(*args: object) -> Charger | None:
        found = proven(*args)  # type: ignore[arg-type]
        register(kit, OPERATORS)
        return found

    monkeypatch.setattr(type(door), "_proven", lambda self, *args: changed_meanwhile(*args))
    with pytest.raises(Refused):
        door.open("thief", "NEW-1", basic("NEW-1", SECRET), OFFERS, NOW)
    assert known(kit).connection_id is None
    assert not is_heard(kit, "thief")


def test_blocking_ends_both_sockets(kit: Kit) -> None:
    register(kit, SECRET)
    knock(kit, basic("NEW-1", SECRET), "first")
    knock(kit, basic("NEW-1", SECRET), "second", after_s=1)
    kit.registry.admit("op", "NEW-1", Admission.BLOCKED)
    assert not is_heard(kit, "first")
    assert not is_heard(kit, "second")


def test_an_ended_socket_that_closes_takes_its_charger_offline(kit: Kit) -> None:
    register(kit, SECRET)
    knock(kit, basic("NEW-1", SECRET), "charger")
    register(kit, OPERATORS)
    kit.connections.close("charger")
    assert known(kit).connection_id is None
