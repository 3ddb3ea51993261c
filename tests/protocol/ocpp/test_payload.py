"""A payload's fields one by one: what is read, what is forgiven and noted, what is refused and by which name."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.protocol.ocpp.payload import Payload, Unusable, as_identifier

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
AT = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
MISSING, WRONG_TYPE, NOT_ALLOWED = (
    "OccurrenceConstraintViolation",
    "TypeConstraintViolation",
    "PropertyConstraintViolation",
)
READERS: list[Callable[[Payload, str], object]] = [Payload.text, Payload.identifier, Payload.integer, Payload.part]
NO_TEXTS: list[Any] = [True, [], {}, ["x"], {"x": 1}]
NO_WHOLE_NUMBERS: list[Any] = ["seven", "", "7.0", 7.5, True, [7], {}, 10**18, "1" * 19]
NO_OBJECTS: list[Any] = ["x", 7, [], [{}]]


def of(value: Any) -> Payload:
    return Payload({"x": value}, NOW)


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("data", [{}, {"x": None}])
def test_what_is_needed_and_absent_or_null_is_missing(
    read: Callable[[Payload, str], object], data: dict[str, Any]
) -> None:
    with pytest.raises(Unusable) as refused:
        read(Payload(data, NOW), "x")
    assert (refused.value.code, str(refused.value)) == (MISSING, "x is missing")


@pytest.mark.parametrize(
    ("read", "value"),
    [
        *((Payload.text, wrong) for wrong in NO_TEXTS),
        *((Payload.identifier, wrong) for wrong in NO_TEXTS),
        *((Payload.integer, wrong) for wrong in NO_WHOLE_NUMBERS),
        *((Payload.part, wrong) for wrong in NO_OBJECTS),
    ],
)
def test_what_is_there_as_something_else_has_the_wrong_type(read: Callable[[Payload, str], object], value: Any) -> None:
    with pytest.raises(Unusable) as refused:
        read(of(value), "x")
    assert refused.value.code == WRONG_TYPE
    assert str(refused.value).startswith("x is not ")


@pytest.mark.parametrize("value", ["", "x" * 256])
def test_an_identifier_is_whole_or_refused(value: str) -> None:
    with pytest.raises(Unusable) as refused:
        of(value).identifier("x")
    assert refused.value.code == NOT_ALLOWED
    assert as_identifier(value) is None


@pytest.mark.parametrize("value", ["1", "x" * 255, " 04A1 "])
def test_an_identifier_within_bounds_is_read_as_it_is_written(value: str) -> None:
    assert of(value).identifier("x") == as_identifier(value) == value


@pytest.mark.parametrize(("value", "text"), [("", ""), ("x" * 255, "x" * 255), ("x" * 256, "x" * 255)])
def test_a_text_is_cut_where_no_store_would_take_it(value: str, text: str) -> None:
    assert of(value).text("x") == of(value).optional_text("x") == text


@pytest.mark.parametrize(
    ("value", "number"),
    [(0, 0), (7, 7), (-7, -7), (7.0, 7), ("7", 7), (" 7 ", 7), ("+7", 7), ("-07", -7), (10**18 - 1, 10**18 - 1)],
)
def test_a_whole_number_is_read_from_number_or_text(value: Any, number: int) -> None:
    assert of(value).integer("x") == of(value).optional_integer("x") == number


@pytest.mark.parametrize("value", [None, True, [], [{}], {"a": 1}, {"a": "b", "c": "d"}])
def test_what_is_optional_and_something_else_is_absent_and_noted(value: Any) -> None:
    payload = of(value)
    assert payload.optional_text("x") is None
    assert payload.deviations == ([] if value is None else ["x: is no text; passed over"])
    assert of(7).optional_part("x") is None
    assert of("many").optional_integer("x") is None


@pytest.mark.parametrize(
    ("value", "text"), [(7, "7"), (1.5, "1.5"), ({"idToken": "04A1"}, "04A1"), ({"a": "x" * 300}, "x" * 255)]
)
def test_what_can_be_taken_for_a_text_is_and_noted(value: Any, text: str) -> None:
    payload = of(value)
    assert payload.text("x") == payload.optional_text("x") == text
    assert len(payload.deviations) == 2


@pytest.mark.parametrize(
    ("value", "ordinal", "is_noted"),
    [(1, 1, False), ("2", 2, False), (0, None, False), (None, None, False), ("x", None, False), (-1, None, True)],
)
def test_an_ordinal_counts_from_one_and_below_nought_is_noted(value: Any, ordinal: int | None, is_noted: bool) -> None:
    payload = of(value)
    assert payload.ordinal("x") == ordinal
    assert bool(payload.deviations) == is_noted


@pytest.mark.parametrize("value", [None, "x", 7, {}])
def test_an_array_that_is_none_has_no_parts(value: Any) -> None:
    assert list(of(value).parts("x")) == []


def test_an_object_where_an_array_belongs_is_its_only_item() -> None:
    """Huawei's meterValue (lbbrhzn/ocpp#1144)."""
    payload = of({"y": 1})
    (part,) = payload.parts("x")
    assert part.data == {"y": 1}
    assert payload.deviations == ["x: is an object where an array belongs"]


def test_what_is_no_object_in_an_array_is_passed_over_and_the_rest_keeps_its_place() -> None:
    payload = of([7, {"y": "z"}, None, {}])
    first, second = payload.parts("x")
    first.note("y", "is odd")
    second.note("y", "is odder")
    assert payload.deviations == ["x.1.y: is odd", "x.3.y: is odder"]


def test_a_part_names_its_whole_path_and_shares_the_messages_deviations() -> None:
    payload = of({"y": {}})
    inner = payload.part("x").part("y")
    with pytest.raises(Unusable, match=r"^x\.y\.z is missing$"):
        inner.text("z")
    inner.at("z")
    assert payload.deviations == ["x.y.z: 'None' is no time; took that of reception"]


@pytest.mark.parametrize(
    ("value", "known", "deviations"),
    [
        ("A", 1, []),
        (None, 0, []),
        ("a", 0, ["x: 'a' is no such word"]),
        ("", 0, ["x: '' is no such word"]),
        (7, 0, ["x: '7' is no such word"]),
        (["A"], 0, ["x: \"['A']\" is no such word"]),
        ("B" * 99, 0, [f"x: '{'B' * 50}' is no such word"]),
    ],
)
def test_a_word_the_standard_does_not_have_is_noted(value: Any, known: int, deviations: list[str]) -> None:
    payload = of(value)
    assert payload.word("x", {"A": 1}, 0) == known
    assert payload.deviations == deviations


@pytest.mark.parametrize(
    ("value", "at"),
    [
        ("2026-11-21T08:00:00Z", AT),
        ("2026-11-21T08:00:00+00:00", AT),
        ("2026-11-21T03:00:00-05:00", AT),
        (" 2026-11-21T08:00:00Z\n", AT),
        ("2026-11-21T08:00:00 UTC", AT),
        ("2026-11-21 08:00:00gmt", AT),
        ("2026/11/21 08:00:00Z", AT),
        ("2026-11-21T08:00:00.1Z", AT + timedelta(milliseconds=100)),
        ("2026-11-21T08:00:00.12Z", AT + timedelta(milliseconds=120)),
        ("2026-11-21T08:00:00.1234Z", AT + timedelta(microseconds=123_400)),
        ("2026-11-21T08:00:00.123456789Z", AT + timedelta(microseconds=123_456)),
    ],
)
def test_a_time_with_a_zone_is_read_to_the_microsecond_without_a_note(value: str, at: datetime) -> None:
    payload = of(value)
    assert payload.at("x") == at
    assert payload.at("x").tzinfo is UTC
    assert payload.deviations == []


@pytest.mark.parametrize(
    "value", ["2026-11-21T08:00:00", "2026-11-21 08:00:00.000", "20261121T080000", "2026/11/21 08:00:00"]
)
def test_a_time_without_a_zone_is_taken_for_utc_and_noted(value: str) -> None:
    payload = of(value)
    assert payload.at("x") == AT
    assert payload.deviations == ["x: has no zone; took it for UTC"]


@pytest.mark.parametrize(
    "value", [None, "", "yesterday", "2026-13-01T00:00:00Z", "21.11.2026 08:00", 1795248000, [], {}]
)
def test_an_unreadable_time_is_that_of_reception_and_noted(value: Any) -> None:
    payload = of(value)
    assert payload.at("x") == NOW
    assert len(payload.deviations) == 1
    assert "took that of reception" in payload.deviations[0]


@given(
    st.datetimes(datetime(1990, 1, 1), datetime(2199, 12, 30)),  # noqa: DTZ001 # Hypothesis adds the zone
    st.integers(-14 * 60, 14 * 60),
)
def test_a_time_is_the_same_from_every_zone(naive: datetime, offset_min: int) -> None:
    at = naive.replace(tzinfo=UTC)
    elsewhere = at.astimezone(timezone(timedelta(minutes=offset_min)))
    assert of(elsewhere.isoformat()).at("x") == at


@given(st.integers(-(10**18) + 1, 10**18 - 1))
def test_a_whole_number_is_the_same_as_text(number: int) -> None:
    assert of(number).integer("x") == of(str(number)).integer("x") == number


@pytest.mark.parametrize(
    "shown", ["K234567890ABCDEFGH\x00", "\x02K234567890ABCDEFGH\r\n", "K234567890ABCDEFGH\x00\x1b\x7f"]
)
def test_a_token_is_read_without_what_its_readers_buffer_left_around_it(shown: str) -> None:
    for read in (Payload.token, Payload.optional_token):
        payload = of(shown)
        assert read(payload, "x") == "K234567890ABCDEFGH"
        assert payload.deviations == ["x: has signs around it that belong to no token"]


def test_a_token_of_nothing_but_control_characters_is_nobodys() -> None:
    assert of("\x00\x00").optional_token("x") is None
    assert of("\x00").token("x") == "\x00"
