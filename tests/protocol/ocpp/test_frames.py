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
        ('[2,"1","Heartbeat",{}]', Call(message_id="1", action="Heartbeat", payload={})),
        ('[2,"1","Heartbeat"]', Call(message_id="1", action="Heartbeat", payload={})),
        ('[2,"1","Heartbeat",null]', Call(message_id="1", action="Heartbeat", payload={})),
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
        ('[2,"1","Heartbeat",[1]]', "FormatViolation", "1"),
        ('[2,"1","Heartbeat",[{},{}]]', "FormatViolation", "1"),
        ('[2,"1","Heartbeat",0]', "FormatViolation", "1"),
        ('[2,"1","Heartbeat",false]', "FormatViolation", "1"),
        ('[2,"j1","MeterValues",{"transactionId":,"meterValue":[]}]', "RpcFrameworkError", "j1"),
        ('[9,"j1","MeterValues",{"transactionId":,"meterValue":[]}]', "RpcFrameworkError", None),
        ("[" * 100_000, "RpcFrameworkError", None),
    ],
)
def test_what_is_no_frame_is_refused_by_name(text: str, code: str, message_id: str | None) -> None:
    with pytest.raises(ProtocolError) as refused:
        parse(text)
    assert (refused.value.code, refused.value.message_id) == (code, message_id)


HEARTBEAT = '[2,"1","Heartbeat",{}]'


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff" + HEARTBEAT,
        HEARTBEAT + "\x00",
        HEARTBEAT + "\x00\x00\x17\x7f",
        "\x02" + HEARTBEAT + "\x03\r\n",
        '[2,\x00"1",\x1e"Heartbeat",\x00{}]',
        '[2,"1","Heartbeat",[]]',
        '[2,"1","Heartbeat",""]',
        '[2,"1","Heartbeat",[{}]]',
        b"\xef\xbb\xbf" + HEARTBEAT.encode(),
    ],
)
def test_a_frame_with_a_mark_a_nul_or_an_empty_list_in_it_is_read_as_meant_and_noted(text: str | bytes) -> None:
    frame = parse(text)
    assert isinstance(frame, Call)
    assert (frame.message_id, frame.action, frame.payload) == ("1", "Heartbeat", {})
    assert frame.bent


@pytest.mark.parametrize(
    ("raw", "read"),
    [
        ("04A1\x00", "04A1\x00"),
        ("a\tb\nc", "a\tb\nc"),
        ("\x1b\x01", "\x1b\x01"),
        ('\\"[\x00', '"[\x00'),
        ("\ufeffx\x00", "\ufeffx\x00"),
    ],
)
def test_a_control_character_in_a_text_is_what_it_is(raw: str, read: str) -> None:
    frame = parse(f'[2,"1","Authorize",{{"idTag":"{raw}"}}]')
    assert isinstance(frame, Call)
    assert frame.payload == {"idTag": read}
    assert frame.bent


def test_an_answer_with_noise_in_it_is_an_answer() -> None:
    assert parse('[3,"1",{"status":"Accepted"}]\x00') == CallResult("1", {"status": "Accepted"})


@pytest.mark.parametrize("kind", [3, 4])
def test_an_answer_that_is_no_json_ends_the_wait_for_it(kind: int) -> None:
    text = f'[{kind},"q-1",{{"configurationKey":[]'
    assert parse(text) == CallError("q-1", "FormatViolation", "the answer is not JSON", text)


@pytest.mark.parametrize(
    "text",
    ["\x00" + '\\"' * 60_000, "\x00" + '"' * 60_000, "\x00" * 120_000, '"' + "\x00" * 120_000],
    ids=["escapes", "quotes", "noise", "noise in a text"],
)
def test_noise_without_end_is_read_in_a_time_that_grows_with_its_length_only(text: str) -> None:
    with pytest.raises(ProtocolError):
        parse(text)


@given(st.text() | st.binary())
def test_no_text_at_all_does_more_than_be_refused(text: str | bytes) -> None:
    try:
        parse(text)
    except ProtocolError as error:
        assert json.loads(pack_error(error, {}))[0] == 4


@given(st.text(min_size=1, max_size=36), st.dictionaries(st.text(), st.integers(-(2**53), 2**53)))
def test_what_is_packed_reads_back(message_id: str, payload: dict[str, Any]) -> None:
    assert parse(pack_call(message_id, "Reset", payload)) == Call(
        message_id=message_id, action="Reset", payload=payload
    )
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
