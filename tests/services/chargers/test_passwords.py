"""A password is proven slowly once, and known quickly from then on, until another counts."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.records.chargers import Charger
from chalicelib.services.chargers import passwords
from chalicelib.services.chargers.connections import ChargerCredentials, Connections, Refused
from chalicelib.services.chargers.passwords import PasswordMemory, hash_password, password_matches
from tests.passwords import PRODUCTS_COST, PRODUCTS_NOBODY
from tests.services.conftest import NOW, Kit

SECRET, OTHER = "k" * 64, "l" * 64
PASSWORD, ANOTHER = b"correct-horse-battery", b"another-horse-battery"
CHARGER = Charger(
    charger_id="CP-7",
    operator_id="op",
    site_id="harbour",
    password_hash=hash_password(PASSWORD, b"salt" * 4),
    connectors=(ConnectorId(1),),
)


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Every password that is hashed slowly."""
    seen: list[bytes] = []
    scrypt = hashlib.scrypt

    def counted(password: bytes, **options: Any) -> bytes:
        seen.append(password)
        return scrypt(password, **options)

    monkeypatch.setattr(hashlib, "scrypt", counted)
    return seen


@pytest.fixture
def door(kit: Kit) -> Connections:
    kit.chargers.put(CHARGER)
    return replace(kit.connections, password_memory=PasswordMemory(lambda: SECRET))


def knock(door: Connections, password: bytes, charger_id: str = "CP-7", minutes: int = 0) -> int:
    basic = base64.b64encode(charger_id.encode() + b":" + password).decode()
    try:
        door.open(
            f"c-{minutes}",
            charger_id,
            ChargerCredentials(f"Basic {basic}"),
            ["ocpp1.6"],
            NOW + timedelta(minutes=minutes),
        )
    except Refused as refused:
        return refused.status
    return 200


def test_a_guess_costs_16_mib_and_so_does_one_at_a_charger_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_COST", PRODUCTS_COST)
    stored = hash_password(PASSWORD, b"salt" * 4)
    for paid in (stored, PRODUCTS_NOBODY):
        assert [int(it) for it in paid.split("$")[1:4]] == [2**14, 8, 1]
    assert [password_matches(it, stored) for it in (PASSWORD, ANOTHER)] == [True, False]


def test_a_password_proven_once_is_hashed_no_more(door: Connections, hashes: list[bytes]) -> None:
    assert knock(door, PASSWORD) == 200
    assert len(hashes) == 1
    for minutes in range(1, 4):
        assert knock(door, PASSWORD, minutes=minutes) == 200
    assert len(hashes) == 1


def test_a_wrong_password_is_as_dear_as_ever_and_teaches_nothing(door: Connections, hashes: list[bytes]) -> None:
    knock(door, PASSWORD)
    hashes.clear()
    assert [knock(door, ANOTHER, minutes=it) for it in (1, 2)] == [401, 401]
    assert len(hashes) == 4, "the present one and the offered one, each time"
    assert knock(door, PASSWORD, minutes=3) == 200
    assert len(hashes) == 4


def test_another_password_forgets_the_one_that_was_known(kit: Kit, door: Connections, hashes: list[bytes]) -> None:
    knock(door, PASSWORD)
    kit.chargers.put(replace(CHARGER, password_hash=hash_password(ANOTHER, b"tlas" * 4)))
    found = kit.chargers.get("CP-7")
    assert found is not None
    assert found.password_note is None
    assert knock(door, PASSWORD, minutes=1) == 401
    assert knock(door, ANOTHER, minutes=2) == 200


def test_a_note_that_outlived_its_password_is_good_for_nothing(kit: Kit, door: Connections) -> None:
    """It is made of the slow hash as well: even where somebody put it back, the old password opens nothing."""
    knock(door, PASSWORD)
    known = kit.chargers.get("CP-7")
    assert known is not None
    changed = replace(known, password_hash=hash_password(ANOTHER, b"tlas" * 4))
    assert PasswordMemory(lambda: SECRET).knows(known, PASSWORD)
    assert not PasswordMemory(lambda: SECRET).knows(changed, PASSWORD)


def test_the_first_use_of_an_offered_password_ends_what_was_known(kit: Kit, door: Connections) -> None:
    knock(door, PASSWORD)
    kit.charger_passwords.offer("CP-7", hash_password(ANOTHER, b"tlas" * 4))
    assert knock(door, PASSWORD, minutes=1) == 200
    assert knock(door, ANOTHER, minutes=2) == 200
    assert knock(door, PASSWORD, minutes=3) == 401
    assert knock(door, ANOTHER, minutes=4) == 200


def test_one_chargers_note_is_no_other_chargers(kit: Kit, door: Connections) -> None:
    """The same password, and even the same hash: what is known of one says nothing of the other."""
    knock(door, PASSWORD)
    known = kit.chargers.get("CP-7")
    assert known is not None
    assert not PasswordMemory(lambda: SECRET).knows(replace(known, charger_id="CP-8"), PASSWORD)


def test_what_is_kept_is_neither_the_password_nor_to_be_made_without_the_secret(kit: Kit, door: Connections) -> None:
    knock(door, PASSWORD)
    known = kit.chargers.get("CP-7")
    assert known is not None
    assert known.password_note is not None
    assert PASSWORD.decode() not in known.password_note
    assert known.password_note != PasswordMemory(lambda: OTHER).note(known, PASSWORD)
    assert known.password_note != hashlib.sha256(PASSWORD).hexdigest()


@pytest.mark.parametrize("secret", ["", "short"])
def test_without_a_secret_nothing_is_kept(kit: Kit, hashes: list[bytes], secret: str) -> None:
    kit.chargers.put(CHARGER)
    door = replace(kit.connections, password_memory=PasswordMemory(lambda: secret))
    assert [knock(door, PASSWORD, minutes=it) for it in range(2)] == [200, 200]
    assert len(hashes) == 2
    found = kit.chargers.get("CP-7")
    assert found is not None
    assert found.password_note is None


def test_another_secret_makes_the_next_proof_a_slow_one_and_no_more(
    kit: Kit, door: Connections, hashes: list[bytes]
) -> None:
    knock(door, PASSWORD)
    renewed = replace(door, password_memory=PasswordMemory(lambda: OTHER))
    assert [knock(renewed, PASSWORD, minutes=it) for it in (1, 2)] == [200, 200]
    assert len(hashes) == 2


def test_a_charger_that_is_blocked_or_needs_a_certificate_is_not_let_in_by_what_is_known(
    kit: Kit, door: Connections
) -> None:
    knock(door, PASSWORD)
    known = kit.chargers.get("CP-7")
    assert known is not None
    kit.chargers.put(replace(known, security_profile=3), keep_password=True)
    assert knock(door, PASSWORD, minutes=1) == 401
