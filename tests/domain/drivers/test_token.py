"""A card has one name, however its reader spells it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.drivers import canonical, claimed_uid, spellings, uid_of


@pytest.mark.parametrize(
    ("shown", "names"),
    [
        ("04a1b2c3", ["04A1B2C3"]),
        (" 04A1B2C3\n", ["04A1B2C3"]),
        ("04A1B2C3\x00", ["04A1B2C3"]),
        ("04A1B2C3\x00\x17\x7f", ["04A1B2C3"]),
        ("\x02 04A1B2C3 \x03\r\n", ["04A1B2C3"]),
        ("04A1B2C3\ufffd", ["04A1B2C3"]),
        ("\x00", [""]),
        ("04:a1:b2:c3", ["04A1B2C3", "04:A1:B2:C3"]),
        ("04-A1-B2-C3-D4-E5-76", ["04A1B2C3D4E576", "04-A1-B2-C3-D4-E5-76"]),
        ("04.A1.B2.C3", ["04A1B2C3", "04.A1.B2.C3"]),
        ("04_A1_B2_C3", ["04A1B2C3", "04_A1_B2_C3"]),
        ("04A1B2C3:ACME", ["04A1B2C3:ACME", "04A1B2C3"]),
        ("04A1B2C3#2", ["04A1B2C3#2", "04A1B2C3"]),
        ("0x04A1B2C3", ["04A1B2C3", "0X04A1B2C3"]),
        ("rfid:04A1B2C3", ["04A1B2C3", "RFID:04A1B2C3"]),
        ("F6E5D4C3B2A104", ["F6E5D4C3B2A104", "04A1B2C3D4E5F6"]),
        ("04A1B2C3D4E5F6", ["04A1B2C3D4E5F6", "F6E5D4C3B2A104"]),
        ("04A1B2C3D4E507", ["04A1B2C3D4E507"]),
        ("F6E5D4C3", ["F6E5D4C3"]),
        ("ABC:1", ["ABC:1"]),
        ("HELLO-WORLD", ["HELLO-WORLD"]),
        ("", [""]),
    ],
)
def test_a_card_may_be_known_under_these_names(shown: str, names: list[str]) -> None:
    assert list(spellings(shown)) == names


@given(st.text(max_size=60))
def test_the_uid_comes_first_the_name_as_shown_is_among_them_and_none_comes_twice(shown: str) -> None:
    names = list(spellings(shown))
    assert names[0] == uid_of(shown)
    assert canonical(shown) in names
    assert len(names) == len(set(names)) <= 4


_UIDS = st.sampled_from([4, 7, 10]).flatmap(lambda size: st.binary(min_size=size, max_size=size))


@given(_UIDS, st.sampled_from(["", ":", "-", " ", ".", "_"]), st.booleans(), st.sampled_from(["", " ", "\n", "\x00"]))
def test_every_spelling_of_a_uid_is_one_uid(uid: bytes, sign: str, is_upper: bool, around: str) -> None:
    told = uid.hex(sign) if sign else uid.hex()
    assert uid_of(around + (told.upper() if is_upper else told) + around) == uid.hex().upper()


@given(_UIDS, st.sampled_from([":01", "#2", "/ACME", "-7"]))
def test_nobody_can_claim_a_uid_with_something_hung_on_it(uid: bytes, hung_on: str) -> None:
    assert claimed_uid(uid.hex() + hung_on) == uid.hex().upper()


@given(_UIDS)
def test_two_orders_of_bytes_are_known_as_each_other_or_neither_as_the_other(uid: bytes) -> None:
    there, back = uid.hex().upper(), uid[::-1].hex().upper()
    assert (back in spellings(there)) == (there in spellings(back))
