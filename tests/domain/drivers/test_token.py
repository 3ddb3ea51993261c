"""A card has one name, however its reader spells it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.drivers import canonical, spellings


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
        ("04:a1:b2:c3", ["04:A1:B2:C3", "04A1B2C3"]),
        ("04-A1-B2-C3-D4-E5-F6", ["04-A1-B2-C3-D4-E5-F6", "04A1B2C3D4E5F6"]),
        ("04A1B2C3:ACME", ["04A1B2C3:ACME", "04A1B2C3"]),
        ("04A1B2C3#2", ["04A1B2C3#2", "04A1B2C3"]),
        ("0x04A1B2C3", ["0X04A1B2C3", "04A1B2C3"]),
        ("rfid:04A1B2C3", ["RFID:04A1B2C3", "04A1B2C3"]),
        ("ABC:1", ["ABC:1"]),
        ("HELLO-WORLD", ["HELLO-WORLD"]),
        ("", [""]),
    ],
)
def test_a_card_may_be_known_under_these_names(shown: str, names: list[str]) -> None:
    assert list(spellings(shown)) == names


@given(st.text(max_size=60))
def test_the_name_as_shown_comes_first_and_none_comes_twice(shown: str) -> None:
    names = list(spellings(shown))
    assert names[0] == canonical(shown)
    assert len(names) == len(set(names)) <= 2
