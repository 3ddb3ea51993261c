"""Rows are PynamoDB's by declaration and ours in every call: the same items, the same answers, the same errors."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from typing import Any

import botocore.session
import msgspec
import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from botocore.parsers import create_parser
from hypothesis import given, settings
from hypothesis import strategies as st
from pynamodb.attributes import TTLAttribute, UTCDateTimeAttribute
from pynamodb.constants import BINARY, BINARY_SET
from pynamodb.exceptions import (
    AttributeDeserializationError,
    AttributeNullError,
    DeleteError,
    GetError,
    PutError,
    UpdateError,
)

from chalicelib.adapters.attributes import ExpiryAttribute, Plain, TimeAttribute
from chalicelib.adapters.client import Answers
from chalicelib.adapters.dynamo import delete, delete_all, find, put, replaced, table_of, update, update_and_read
from chalicelib.adapters.expressions import Clause
from chalicelib.adapters.tables import TABLES, ChargerRow, DriverRow, JournalRow, PlaceRow, TransactionRow, connection

AT = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
TIMES = st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))]))
WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
ITEMS = st.dictionaries(
    st.sampled_from("abcdef"),
    st.one_of(
        st.builds(lambda it: {"S": it}, WORDS),
        st.builds(lambda it: {"N": str(it)}, st.integers()),
        st.builds(lambda it: {"BOOL": it}, st.booleans()),
        st.builds(lambda it: {"SS": it}, st.lists(WORDS, min_size=1)),
        st.builds(lambda it: {"L": [{"S": one} for one in it]}, st.lists(WORDS)),
        st.builds(lambda it: {"M": {name: {"S": one} for name, one in it.items()}}, st.dictionaries(WORDS, WORDS)),
        st.just({"NULL": True}),
    ),
)


@given(TIMES)
def test_a_time_is_stored_as_pynamodb_stores_it(at: datetime) -> None:
    theirs: Any = UTCDateTimeAttribute()
    ours = TimeAttribute()

    assert ours.serialize(at) == theirs.serialize(at)
    assert ours.deserialize(theirs.serialize(at)) == at


@given(TIMES.filter(lambda at: at.year > 1))
def test_an_expiry_is_stored_as_pynamodb_stores_it(at: datetime) -> None:
    theirs: Any = TTLAttribute()
    assert ExpiryAttribute().serialize(at) == theirs.serialize(at)


@pytest.mark.parametrize(
    "text", ["", "2026-11-21", "2026-11-21 09:30:00.000000+0000", "2026-11-21T09:30:00.000000+0100"]
)
def test_what_is_no_stored_time_is_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        TimeAttribute().deserialize(text)


def test_no_table_has_what_json_cannot_say() -> None:
    kinds = {it.attr_type for model in TABLES for it in model.get_attributes().values()}
    assert not kinds & {BINARY, BINARY_SET}
    assert all(isinstance(it, Plain) for model in TABLES for it in model.get_attributes().values())


@pytest.mark.parametrize("operation", ["GetItem", "Query", "UpdateItem", "BatchGetItem"])
@settings(deadline=None)
@given(item=ITEMS)
def test_an_answer_is_read_as_botocore_reads_it(operation: str, item: dict[str, Any]) -> None:
    answers: dict[str, Any] = {
        "GetItem": {"Item": item},
        "Query": {"Items": [item], "Count": 1, "ScannedCount": 1, "LastEvaluatedKey": item},
        "UpdateItem": {"Attributes": item},
        "BatchGetItem": {"Responses": {"t": [item]}, "UnprocessedKeys": {}},
    }
    response = {
        "body": msgspec.json.encode(answers[operation]),
        "status_code": 200,
        "headers": {"x-amzn-requestid": "r-1", "x-amz-crc32": "1"},
    }
    shape = _model().operation_model(operation).output_shape
    theirs = create_parser("json").parse(response, shape)

    assert Answers(create_parser("json")).parse(response, shape) == theirs


@cache
def _model() -> Any:
    session = botocore.session.get_session()
    return session.get_service_model("dynamodb")


def test_an_error_is_read_as_botocore_reads_it() -> None:
    body = b'{"__type":"x#ConditionalCheckFailedException","message":"no","Item":{"a":{"S":"1"}}}'
    response = {"body": body, "status_code": 400, "headers": {}}
    shape = _model().operation_model("PutItem").output_shape

    assert Answers(create_parser("json")).parse(response, shape) == create_parser("json").parse(response, shape)


def test_a_row_comes_back_as_it_was_put(tables: None) -> None:
    row = ChargerRow("CP-1", "charger", connectors=["1", "2"], security_profile=2, keeps_list=False, booted_at=AT)
    row.watchers, row.expires_at = {"a", "b"}, AT
    assert put(row)

    known = find(ChargerRow, "CP-1", "charger")
    assert known is not None
    assert known.attribute_values == row.attribute_values


def test_a_row_that_pynamodb_reads_and_writes_is_the_same(tables: None) -> None:
    ChargerRow("CP-1", "charger", site_id="s", booted_at=AT).save()
    known = find(ChargerRow, "CP-1", "charger")
    assert known is not None
    assert known.attribute_values == ChargerRow.get("CP-1", "charger").attribute_values

    known.update([ChargerRow.site_id.set("t")], ChargerRow.booted_at == AT)
    assert ChargerRow.get("CP-1", "charger").site_id == "t"


def test_what_this_release_does_not_know_is_passed_over_and_nothing_is_no_value() -> None:
    row = ChargerRow.from_raw_data({"charger_id": {"S": "CP-1"}, "later": {"S": "x"}, "site_id": {"NULL": True}})

    assert row.attribute_values == {"charger_id": "CP-1"}
    assert row.site_id is None


def test_a_value_of_another_type_is_no_value_of_ours() -> None:
    with pytest.raises(AttributeDeserializationError):
        ChargerRow.from_raw_data({"charger_id": {"N": "1"}})


def test_a_row_without_what_all_have_is_not_written(tables: None) -> None:
    with pytest.raises(AttributeNullError):
        put(JournalRow("CP-1", "p", expires_at=AT))


def test_a_row_has_no_attributes_but_its_own() -> None:
    with pytest.raises(ValueError, match="JournalRow has no"):
        JournalRow("CP-1", "p", boby="")


def test_what_was_before_is_told(tables: None) -> None:
    key = ChargerRow("CP-1", "connector#1")
    first = replaced(key, [ChargerRow.status.set("available")])
    second = replaced(key, [ChargerRow.status.set("charging"), ChargerRow.error.set("x")], only_changed=True)
    refused = replaced(key, [ChargerRow.status.remove()], ChargerRow.status == "available")

    assert first is not None
    assert second is not None
    assert (first.attribute_values, second.attribute_values, refused) == ({}, {"status": "available"}, None)


def test_changes_of_all_kinds_are_one_call(tables: None) -> None:
    put(ChargerRow("CP-1", "x", watchers={"a", "b"}, list_sent=3, model="m", vendor="v"))
    row = ChargerRow("CP-1", "x")
    changes = [
        ChargerRow.watchers.delete({"a"}),
        ChargerRow.list_sent.set(ChargerRow.list_sent + 4),
        ChargerRow.model.remove(),
        ChargerRow.serial.set(ChargerRow.vendor),
        ChargerRow.site_id.set(ChargerRow.site_id | "s"),
        ChargerRow.list_size.add(2),
    ]
    holds = ChargerRow.watchers.contains("b") & ChargerRow.watchers.has_fewer_than(3) & ~ChargerRow.status.exists()
    assert update_and_read(row, changes, holds)
    assert row.attribute_values == {
        "charger_id": "CP-1",
        "item": "x",
        "watchers": {"b"},
        "list_sent": 7,
        "vendor": "v",
        "serial": "v",
        "site_id": "s",
        "list_size": 2,
    }


@pytest.mark.parametrize("name", ["1", "1.2", "op with spaces", "statuses", "area", "#entry"])
def test_an_entry_of_a_map_may_have_any_name(tables: None, name: str) -> None:
    put(PlaceRow("a", "c", body="", online=True, statuses={}, kept={}))
    row = PlaceRow("a", "c")

    assert update_and_read(row, [PlaceRow.statuses.set_entry(name, "available")], PlaceRow.area.exists())
    assert row.statuses == {name: "available"}
    assert update_and_read(row, [PlaceRow.statuses.remove_entry(name)], PlaceRow.area.exists())
    assert row.statuses == {}


def test_an_empty_set_is_nothing(tables: None) -> None:
    put(DriverRow("d", owes=set(), terms={}))
    known = find(DriverRow, "d")
    assert known is not None
    assert known.attribute_values == {"driver_id": "d", "terms": {}}


def test_a_condition_that_does_not_hold_is_an_answer_of_each_write(tables: None) -> None:
    row, is_there = TransactionRow("CP-1", "7"), TransactionRow.ref.exists()

    assert not put(row, is_there)
    assert not update(row, [TransactionRow.token.set("t")], is_there)
    assert not update_and_read(row, [TransactionRow.token.set("t")], is_there)
    assert not delete(row, is_there)
    assert put(row)
    assert delete(row, is_there)


@pytest.fixture
def failing(tables: None, monkeypatch: pytest.MonkeyPatch) -> list[Exception]:
    """What goes wrong with the next calls."""
    wrong: list[Exception] = []

    def make_api_call(operation: str, asked: dict[str, Any]) -> Any:
        raise wrong[0]

    monkeypatch.setattr(connection.client, "_make_api_call", make_api_call)
    return wrong


@pytest.mark.parametrize(
    "error",
    [
        ClientError({"Error": {"Code": "ThrottlingException", "Message": "later"}}, "x"),
        ClientError({"Error": {"Code": "ProvisionedThroughputExceededException", "Message": "later"}}, "x"),
        ReadTimeoutError(endpoint_url="x"),
    ],
)
def test_any_other_error_is_raised_as_pynamodb_raises_it(failing: list[Exception], error: Exception) -> None:
    failing.append(error)
    row = ChargerRow("CP-1", "charger")

    with pytest.raises(GetError):
        find(ChargerRow, "CP-1", "charger")
    with pytest.raises(PutError):
        put(row)
    with pytest.raises(UpdateError) as raised:
        update(row, [ChargerRow.site_id.set("s")])
    if isinstance(error, ClientError):
        assert raised.value.cause_response_code == error.response["Error"]["Code"]


def test_rows_are_deleted_25_a_call_and_whoever_stops_asking_leaves_the_rest(tables: None) -> None:
    rows = [JournalRow("CP-1", f"at-{number:03}", body="", expires_at=AT) for number in range(60)]
    for row in rows:
        assert put(row)
    some = delete_all(rows)
    assert next(some) == 25
    assert len(list(JournalRow.query("CP-1"))) == 35
    assert list(delete_all(rows)) == [25, 25, 10]
    assert list(JournalRow.query("CP-1")) == []


def test_what_dynamodb_leaves_of_a_batch_is_asked_again_and_not_for_ever(
    tables: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = JournalRow("CP-1", "at-1", body="")
    known: Any = table_of(JournalRow).connection
    asked: list[Any] = []

    def busy(operation: str, said: dict[str, Any]) -> Any:
        asked.append(said["RequestItems"])
        return {"UnprocessedItems": said["RequestItems"] if len(asked) < 3 else {}}

    monkeypatch.setattr(known, "dispatch", busy)
    assert list(delete_all([row])) == [1]
    assert len(asked) == 3
    monkeypatch.setattr(known, "dispatch", lambda _, said: {"UnprocessedItems": said["RequestItems"]})
    with pytest.raises(DeleteError, match="not deleted"):
        list(delete_all([row]))


def test_one_name_stands_for_one_attribute_in_a_call() -> None:
    with pytest.raises(ValueError, match="stands for something else"):
        (ChargerRow.status == "x").serialize({"status": "#0"}, {})


def test_all_tables_speak_through_one_client() -> None:
    assert {id(table_of(it).connection) for it in TABLES} == {id(connection)}
    assert isinstance(ChargerRow.charger_id.exists(), Clause)
