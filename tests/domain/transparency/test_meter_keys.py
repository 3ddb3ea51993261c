"""Which key a meter is known by: the best word of that time, and nothing a charger tells ends a better one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.transparency.meter_keys import KeySource, MeterKey, configured, known_key, pinned

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def _key(key: str, source: KeySource, since: datetime = NOON, meter: str = "", evse: int = 0) -> MeterKey:
    return MeterKey(meter=meter, key=key, source=source, since=since, evse=evse)


def _told(keys: tuple[MeterKey, ...], key: str, at: datetime, evse: int = 1) -> tuple[MeterKey, ...] | None:
    return configured(keys, evse, key, at, is_same=lambda one, other: one.lower() == other.lower())


def test_what_the_configuration_says_is_pinned_for_its_evse_alone() -> None:
    keys = _told((), "aa", NOON)
    assert keys is not None
    assert known_key(keys, "M1", 1, NOON) == "aa"
    assert known_key(keys, "M1", 2, NOON) == ""


def test_it_counts_before_the_key_that_came_along_from_then_on_and_says_so() -> None:
    first = _key("aa", KeySource.FIRST_SIGHT, meter="M1", evse=1)
    keys = _told((first,), "bb", NOON + HOUR)
    assert keys is not None
    assert known_key(keys, "M1", 1, NOON + HOUR) == "bb"
    assert known_key(keys, "M1", 1, NOON + HOUR / 2) == "aa"
    assert known_key(keys, "M1", 1, NOON - HOUR) == "aa"
    assert keys[-1].contradicts == "aa"


def test_the_key_that_came_along_told_once_more_contradicts_nothing() -> None:
    keys = _told((_key("aa", KeySource.FIRST_SIGHT, meter="M1", evse=1),), "AA", NOON + HOUR)
    assert keys is not None
    assert keys[-1].contradicts == ""


def test_another_one_replaces_nothing_and_is_noted_once() -> None:
    keys = _told((), "aa", NOON)
    assert keys is not None
    assert _told(keys, "AA", NOON + HOUR) is None
    noted = _told(keys, "bb", NOON + HOUR)
    assert noted is not None
    assert known_key(noted, "M1", 1, NOON + 2 * HOUR) == "aa"
    assert (noted[-1].is_pinned, noted[-1].contradicts) == (False, "aa")
    assert _told(noted, "bb", NOON + 2 * HOUR) is None


def test_a_persons_word_counts_before_the_configurations() -> None:
    keys = (_key("aa", KeySource.OPERATOR),)
    noted = _told(keys, "bb", NOON + HOUR)
    assert noted is not None
    assert known_key(noted, "M1", 1, NOON + HOUR) == "aa"
    accepted = pinned(noted, _key("bb", KeySource.OPERATOR, NOON + 2 * HOUR, evse=1))
    assert known_key(accepted, "M1", 1, NOON + 2 * HOUR) == "bb"
    assert known_key(accepted, "M1", 1, NOON + HOUR) == "aa"
    assert known_key(accepted, "M1", 2, NOON + 2 * HOUR) == "aa"
    assert _told(accepted, "bb", NOON + 3 * HOUR) is None


def test_a_persons_word_ends_what_was_said_of_the_same_meter_at_one_place_and_not_elsewhere_of_another() -> None:
    first = _key("aa", KeySource.FIRST_SIGHT, meter="M1", evse=1)
    others = (_key("bb", KeySource.FIRST_SIGHT, meter="M2", evse=2), _key("cc", KeySource.CONFIGURATION, evse=1))
    keys = pinned((first, *others), _key("dd", KeySource.OPERATOR, NOON + HOUR, meter="M1"))
    assert keys[:3] == (replace(first, until=NOON + HOUR), *others)
    everywhere = pinned(keys, _key("ee", KeySource.OPERATOR, NOON + 2 * HOUR))
    assert [it.key for it in everywhere if it.is_open] == ["bb", "dd", "ee"]


def test_a_persons_word_on_a_meter_counts_before_the_same_on_whichever_hangs_there() -> None:
    keys = (_key("aa", KeySource.OPERATOR), replace(_key("bb", KeySource.OPERATOR), meter="M1"))
    assert (known_key(keys, "M1", 1, NOON), known_key(keys, "M2", 1, NOON)) == ("bb", "aa")


@given(st.lists(st.tuples(st.sampled_from(["aa", "bb", "cc"]), st.integers(1, 2)), max_size=12))
def test_whatever_a_charger_tells_the_first_it_told_of_an_evse_stays(told: list[tuple[str, int]]) -> None:
    keys: tuple[MeterKey, ...] = ()
    for hours, (key, evse) in enumerate(told):
        keys = _told(keys, key, NOON + hours * HOUR, evse) or keys
    for evse in (1, 2):
        first = next((key for key, where in told if where == evse), "")
        assert known_key(keys, "M1", evse, NOON + 20 * HOUR) == first
    assert len(keys) <= 6
