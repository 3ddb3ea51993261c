"""Frames: what is one, what is not, and how the difference is told."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.protocol.ocpp import dialect_for
from chalicelib.protocol.ocpp.frames import (
    Call,
    CallError,
    CallResult,
    ProtocolError,
    pack_call,
    pack_error,
    pack_result,
    parse,
    violation,
)


@pytest.mark.parametrize(
    ("text", "frame"),
    [
        ('[2,"1","Heartbeat",{}]', Call("1", "Heartbeat", {})),
        ('[2,"1","Heartbeat"]', Call("1", "Heartbeat", {})),
        ('[2,"1","Heartbeat",null]', Call("1", "Heartbeat", {})),
        ('[3,"1",{"status":"Accepted"}]', CallResult("1", {"status": "Accepted"})),
        ('[3,"1",["Accepted"]]', CallResult("1", {})),
        ('[3,"1",null]', CallResult("1", {})),
        ('[4,"1","GenericError","no",{}]', CallError("1", "GenericError", "no")),
        ('[4,"1","GenericError"]', CallError("1", "GenericError", "")),
    ],
)
def test_a_frame_is_read(text: str, frame: Call | CallResult | CallError) -> None:
    assert parse(text) == frame


@pytest.mark.parametrize(
    ("text", "code", "message_id"),
    [
        ("", "RpcFrameworkError", None),
        ("hello", "RpcFrameworkError", None),
        ("{}", "RpcFrameworkError", None),
        ("[]", "RpcFrameworkError", None),
        ("[2]", "RpcFrameworkError", None),
        ('[2,"","Heartbeat",{}]', "RpcFrameworkError", None),
        ('[9,"1","Heartbeat",{}]', "MessageTypeNotSupported", "1"),
        ('["2","1","Heartbeat",{}]', "MessageTypeNotSupported", "1"),
        ('[2,"1",7,{}]', "FormatViolation", "1"),
        ('[2,"1","Heartbeat",[]]', "FormatViolation", "1"),
        ("[" * 100_000, "RpcFrameworkError", None),
    ],
)
def test_what_is_no_frame_is_refused_by_name(text: str, code: str, message_id: str | None) -> None:
    with pytest.raises(ProtocolError) as refused:
        parse(text)
    assert (refused.value.code, refused.value.message_id) == (code, message_id)


@given(st.text() | st.binary())
def test_no_text_at_all_does_more_than_be_refused(text: str | bytes) -> None:
    try:
        parse(text)
    except ProtocolError as error:
        assert json.loads(pack_error(error, {}))[0] == 4


@given(st.text(min_size=1, max_size=36), st.dictionaries(st.text(), st.integers(-(2**53), 2**53)))
def test_what_is_packed_reads_back(message_id: str, payload: dict[str, Any]) -> None:
    assert parse(pack_call(message_id, "Reset", payload)) == Call(message_id, "Reset", payload)
    assert parse(pack_result(message_id, payload)) == CallResult(message_id, payload)


def test_each_version_spells_its_errors_as_its_document_does() -> None:
    error = ProtocolError("OccurrenceConstraintViolation", "x is missing", "1")
    assert json.loads(pack_error(error, dialect_for("ocpp1.6").spelling))[2] == "OccurenceConstraintViolation"
    assert json.loads(pack_error(error, dialect_for("ocpp2.0.1").spelling))[2] == "OccurrenceConstraintViolation"


def test_an_error_without_a_readable_id_is_sent_under_minus_one() -> None:
    assert json.loads(pack_error(ProtocolError("RpcFrameworkError", "x" * 999, None), {}))[1:] == [
        "-1",
        "RpcFrameworkError",
        "x" * 255,
        {},
    ]


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ({"idTag": 7}, "TypeConstraintViolation"),
        ({}, "OccurrenceConstraintViolation"),
        ({"idTag": "x", "y": 1}, "FormatViolation"),
        ({"idTag": "x" * 21}, "PropertyConstraintViolation"),
    ],
)
def test_the_schemas_first_objection_has_its_code(payload: dict[str, Any], code: str) -> None:
    found = violation("v16", "Authorize", payload)
    assert found is not None
    assert found.code == code


@pytest.mark.parametrize(
    "frame", ['[2,"{}","Heartbeat"]', '[2,"{}","Heartbeat",{{}},"more"]', ' [2, "{}", "X", null]\n']
)
def test_a_message_id_is_read_up_to_255_characters(frame: str) -> None:
    assert parse(frame.format("m" * 255)).message_id == "m" * 255
    with pytest.raises(ProtocolError) as refused:
        parse(frame.format("m" * 256))
    assert (refused.value.code, refused.value.message_id) == ("RpcFrameworkError", None)


@pytest.mark.parametrize("message_id", ["null", "true", "1.5", '["m"]', '{"m":1}'])
@pytest.mark.parametrize("kind", [2, 3, 4, 9])
def test_a_message_id_that_is_no_text_is_not_echoed(kind: int, message_id: str) -> None:
    with pytest.raises(ProtocolError) as refused:
        parse(f'[{kind},{message_id},"Heartbeat",{{}}]')
    assert json.loads(pack_error(refused.value, {}))[:3] == [4, "-1", "RpcFrameworkError"]


def test_a_message_id_that_is_a_number_comes_back_as_one() -> None:
    frame = parse('[2,7,"Heartbeat",{}]')
    assert isinstance(frame, Call)
    assert pack_result(frame.message_id, {}) == "[3,7,{}]"
    assert parse("[3,7,{}]") == CallResult("7", {})


@pytest.mark.parametrize("digits", [20, 400, 4_000, 10_000])
def test_a_number_of_any_length_is_read_or_refused(digits: int) -> None:
    for frame in ('[{},"m","Heartbeat",{{}}]', '[4,"m",{}]', '[2,"m","Heartbeat",{}]'):
        try:
            assert isinstance(parse(frame.format("9" * digits)), CallError)
        except ProtocolError as error:
            assert error.code in ("RpcFrameworkError", "FormatViolation", "MessageTypeNotSupported")


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
ACTIONS = sorted({action for version in ("ocpp1.6", "ocpp2.0.1") for action in dialect_for(version).decoders})


@given(
    st.text() | st.builds(json.dumps, ANYTHING | st.tuples(st.just(2), st.text(), st.sampled_from(ACTIONS), ANYTHING)),
    st.sampled_from(["ocpp1.6", "ocpp2.0.1"]),
)
def test_no_text_does_more_to_a_version_than_be_refused(text: str, version: str) -> None:
    try:
        frame = parse(text)
        if isinstance(frame, Call):
            dialect_for(version).decode(frame, datetime(2026, 11, 21, 9, 0, tzinfo=UTC))
    except ProtocolError as error:
        assert json.loads(pack_error(error, dialect_for(version).spelling))[0] == 4
