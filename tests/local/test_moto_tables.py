"""moto's tables, whose expressions are read once and whose values go no detours, answer as moto's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import responses as http
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moto import mock_aws
from moto.core.exceptions import JsonRESTError
from moto.core.models import responses_mock
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import Item
from moto.dynamodb.responses import DynamoHandler

from local.moto_expressions import make_moto_read_once
from local.moto_originals import originals
from local.moto_tables import make_moto_begin_soon, make_moto_measure_soon
from tests.tables import ACCOUNT, REGION

KEYS = [{"AttributeName": "shelf", "KeyType": "HASH"}, {"AttributeName": "place", "KeyType": "RANGE"}]
BY_OWNER = [{"AttributeName": "owner", "KeyType": "HASH"}, {"AttributeName": "weight", "KeyType": "RANGE"}]
NAMES = ["owner", "weight", "deep", "words", "numbers", "flag", "bytes"]


@pytest.fixture(autouse=True)
def _mended() -> None:
    make_moto_read_once()
    make_moto_measure_soon()
    make_moto_begin_soon()


@contextmanager
def by_moto_itself() -> Iterator[None]:
    """Nothing of ours stands in moto's place."""
    with pytest.MonkeyPatch.context() as patched:
        for (owner, name), original in originals.items():
            patched.setattr(owner, name, original)
        yield


def answers(asked: list[tuple[str, dict[str, Any]]]) -> list[Any]:
    """What is answered to all of these in turn in a new account, be it an error."""
    with mock_aws():
        return [answer(operation, params) for operation, params in [TABLE, *asked]]


def answer(operation: str, params: dict[str, Any]) -> Any:
    handler: Any = DynamoHandler()
    handler.region, handler.current_account = REGION, ACCOUNT
    handler.body = handler.params = params
    try:
        told = getattr(handler, operation)().result
    except JsonRESTError as error:
        return type(error), error.description
    except Exception as error:
        return type(error), str(error)
    return None if operation == "create_table" else told


TABLE: tuple[str, dict[str, Any]] = (
    "create_table",
    {
        "TableName": "things",
        "KeySchema": KEYS,
        "AttributeDefinitions": [
            {"AttributeName": it, "AttributeType": "N" if it in ("place", "weight") else "S"}
            for it in ("shelf", "place", "owner", "weight")
        ],
        "GlobalSecondaryIndexes": [
            {"IndexName": "by-owner", "KeySchema": BY_OWNER, "Projection": {"ProjectionType": "ALL"}}
        ],
        "BillingMode": "PAY_PER_REQUEST",
    },
)

numbers = st.sampled_from(["0", "1", "1.0", "-2.5", "10", "1E+2"]).map(lambda it: {"N": it})
texts = st.sampled_from(["", "a", "ab", "\u00e4"]).map(lambda it: {"S": it})
scalars = st.one_of(
    numbers, texts, st.booleans().map(lambda it: {"BOOL": it}), st.just({"NULL": True}), st.just({"B": "AP8="})
)
sets = st.one_of(
    st.sets(st.sampled_from("abc"), min_size=1).map(lambda it: {"SS": sorted(it)}),
    st.sets(st.sampled_from("123"), min_size=1).map(lambda it: {"NS": sorted(it)}),
)
values = st.recursive(
    scalars | sets,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda it: {"L": it}),
        st.dictionaries(st.sampled_from(["x", "y", "size"]), inner, max_size=2).map(lambda it: {"M": it}),
    ),
    max_leaves=4,
)
keys = st.fixed_dictionaries(
    {
        "shelf": st.sampled_from("st").map(lambda it: {"S": it}),
        "place": st.sampled_from(["1", "2", "3"]).map(lambda it: {"N": it}),
    }
)
names = st.sampled_from(["#owner", "#weight", "#deep", "#words", "#numbers", "#flag", "bytes"])
# The name of a reserved word, of a key, of what is within another, and of nothing.
odd_paths = st.sampled_from(["#deep.x", "#deep[0]", "#deep[1].y", "#deep.x.y", "size", "shelf", "#nobody"])
paths = st.one_of(names, names, names, names, odd_paths)
held = st.sampled_from([":text", ":number", ":number", ":set", ":any", ":any", ":any", ":any", ":unknown"])
PLACEHOLDERS = {f"#{it}": it for it in NAMES}
operands = st.one_of(paths, held, st.tuples(paths, held).map(lambda it: f"if_not_exists({it[0]}, {it[1]})"))
clauses = st.one_of(
    st.lists(
        st.one_of(
            st.tuples(paths, operands).map(lambda it: f"{it[0]} = {it[1]}"),
            st.tuples(paths, operands, st.sampled_from(["+ :number", "- :any"])).map(
                lambda it: f"{it[0]} = {it[1]} {it[2]}"
            ),
            st.tuples(paths, paths, held).map(lambda it: f"{it[0]} = list_append({it[1]}, {it[2]})"),
        ),
        min_size=1,
        max_size=3,
    ).map(lambda it: "SET " + ", ".join(it)),
    st.lists(paths, min_size=1, max_size=3).map(lambda it: "REMOVE " + ", ".join(it)),
    st.tuples(st.sampled_from(["ADD", "DELETE"]), paths, held).map(" ".join),
)
updates = st.lists(clauses, min_size=1, max_size=2).map(" ".join)
simple = st.one_of(
    st.tuples(operands, st.sampled_from(["=", "<>", "<", "<=", ">", ">="]), held).map(" ".join),
    paths.map(lambda it: f"attribute_exists({it})"),
    paths.map(lambda it: f"attribute_not_exists({it})"),
    st.tuples(paths, held).map(lambda it: f"begins_with({it[0]}, {it[1]})"),
    st.tuples(paths, held).map(lambda it: f"contains({it[0]}, {it[1]})"),
    st.tuples(paths, held).map(lambda it: f"size({it[0]}) > {it[1]}"),
    st.tuples(paths, held, held).map(lambda it: f"{it[0]} BETWEEN {it[1]} AND {it[2]}"),
    st.tuples(paths, held, held).map(lambda it: f"{it[0]} IN ({it[1]}, {it[2]})"),
)
conditions = st.one_of(
    simple,
    simple.map(lambda it: f"NOT {it}"),
    st.tuples(simple, st.sampled_from(["AND", "OR"]), simple).map(" ".join),
    st.tuples(simple, simple, simple).map(lambda it: f"{it[0]} AND ({it[1]} OR {it[2]})"),
    simple.map(lambda it: f"(({it}))"),
)


@st.composite
def calls(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """An operation on the table, right or wrong."""
    kind = draw(st.sampled_from([*["put"] * 3, *["update"] * 4, "get", "query", "scan", "both"]))
    asked: dict[str, Any] = {"TableName": "things"}
    expressions = {}
    if kind == "put":
        more = draw(st.dictionaries(st.sampled_from(NAMES), values, max_size=4))
        owned = draw(st.sampled_from([{}, {"owner": {"S": "o"}, "weight": {"N": "2"}}, {"owner": {"S": "o"}}]))
        asked |= {"Item": more | owned | draw(keys), "ReturnValues": draw(st.sampled_from(["NONE", "ALL_OLD"]))}
        if draw(st.booleans()):
            expressions["ConditionExpression"] = draw(conditions)
    elif kind == "update":
        told = draw(st.sampled_from(["NONE", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW"]))
        asked |= {"Key": draw(keys), "ReturnValues": told}
        expressions["UpdateExpression"] = draw(updates)
        if draw(st.booleans()):
            expressions["ConditionExpression"] = draw(conditions)
            asked["ReturnValuesOnConditionCheckFailure"] = draw(st.sampled_from(["NONE", "ALL_OLD"]))
    elif kind == "get":
        return "get_item", asked | {"Key": draw(keys)}
    elif kind == "scan":
        if draw(st.booleans()):
            expressions["FilterExpression"] = draw(conditions)
    elif kind == "both":
        put = {"Put": {"TableName": "things", "Item": draw(keys) | {"flag": draw(values)}}}
        only_if = with_values(draw, {"ConditionExpression": draw(conditions)})
        delete = {"Delete": {"TableName": "things", "Key": draw(keys), **only_if}}
        return "transact_write_items", {"TransactItems": [put, delete]}
    else:
        of_table, of_index = "shelf = :key", "#owner = :owner"
        which = draw(st.sampled_from([
            {"KeyConditionExpression": of_table},
            {"KeyConditionExpression": f"{of_table} AND place > :number"},
            {"KeyConditionExpression": f"{of_table} AND place BETWEEN :number AND :more"},
            {"KeyConditionExpression": of_index, "IndexName": "by-owner"},
            {"KeyConditionExpression": f"{of_index} AND #weight >= :number", "IndexName": "by-owner"},
        ]))  # fmt: skip
        expressions = dict(which)
        asked |= {"ScanIndexForward": draw(st.booleans())}
        if draw(st.booleans()):
            expressions["FilterExpression"] = draw(conditions)
        if draw(st.booleans()):
            asked["Limit"] = draw(st.integers(1, 2))
    operation = {"put": "put_item", "update": "update_item", "query": "query", "scan": "scan"}[kind]
    return operation, asked | with_values(draw, expressions)


def with_values(draw: st.DrawFn, expressions: dict[str, str]) -> dict[str, Any]:
    """The names and values that these expressions use, but for what is unknown."""
    text = " ".join(it for name, it in expressions.items() if name != "IndexName")
    kinds = {":text": texts, ":number": numbers, ":more": numbers, ":set": sets, ":any": values}
    told: dict[str, Any] = {it: draw(kind) for it, kind in kinds.items() if it in text}
    told |= {it: {"S": "s" if it == ":key" else "o"} for it in (":key", ":owner") if it in text}
    used = {it: name for it, name in PLACEHOLDERS.items() if it in text}
    more = {"ExpressionAttributeValues": told} if told else {}
    return expressions | more | ({"ExpressionAttributeNames": used} if used else {})


@given(asked=st.lists(calls(), min_size=8, max_size=14))
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_is_asked_is_answered_as_moto_answers_it(asked: list[tuple[str, dict[str, Any]]]) -> None:
    ours = answers(asked)
    with by_moto_itself():
        theirs = answers(asked)
    assert ours == theirs


def test_an_expression_that_was_right_by_some_names_is_wrong_by_others() -> None:
    row = {"shelf": {"S": "s"}, "place": {"N": "1"}}
    asked: list[tuple[str, dict[str, Any]]] = [
        (
            "update_item",
            {
                "TableName": "things",
                "Key": row,
                "UpdateExpression": "SET #a = :it, #b = :it",
                "ExpressionAttributeNames": {"#a": one, "#b": other},
                "ExpressionAttributeValues": {":it": {"S": "x"}},
                "ReturnValues": "ALL_NEW",
            },
        )
        for one, other in [("flag", "owner"), ("flag", "flag"), ("flag", "place"), ("owner", "flag")]
    ]
    ours = answers(asked)
    with by_moto_itself():
        theirs = answers(asked)
    assert ours == theirs
    assert [type(it) for it in ours[1:]] == [dict, tuple, tuple, dict]


def test_an_item_is_as_large_as_it_was() -> None:
    row = {"shelf": {"S": "s"}, "place": {"N": "1"}}
    asked: list[tuple[str, dict[str, Any]]] = [
        ("put_item", {"TableName": "things", "Item": row | {"deep": {"S": "x" * size}}})
        for size in (404_000, 404_987, 404_988, 404_989, 404_990, 405_001)
    ] + [
        (
            "update_item",
            {
                "TableName": "things",
                "Key": row,
                "UpdateExpression": "SET flag = :more",
                "ExpressionAttributeValues": {":more": {"L": [{"S": "y" * size}, {"M": {"z": {"NS": ["1", "22"]}}}]}},
            },
        )
        for size in (100, 900, 990, 1_000, 3)
    ]
    ours = answers(asked)
    with by_moto_itself():
        theirs = answers(asked)
    assert ours == theirs
    assert {type(it) for it in ours[1:]} == {dict, tuple}


def test_an_account_opened_again_has_the_same_addresses_and_remembers_no_call() -> None:
    def listed() -> list[tuple[str, Any]]:
        return [(it.method, it.url) for it in responses_mock.registered()]

    with mock_aws():
        first = listed()
    with mock_aws():
        again = listed()
        responses_mock.registered()[0].calls.add_call(http.Call("asked", "answered"))  # type: ignore[arg-type]
    with mock_aws():
        assert responses_mock.registered()[0].call_count == 0
    with by_moto_itself(), mock_aws():
        assert listed() == first == again


def test_rows_that_are_gone_are_kept_nowhere() -> None:
    with mock_aws():
        answer(*TABLE)
        row = {"shelf": {"S": "s"}, "place": {"N": "1"}}
        for _ in range(3):
            answer("put_item", {"TableName": "things", "Item": row})
        assert len(dynamodb_backends[ACCOUNT][REGION].tables["things"]) == 1
        assert Item.instances_tracked == []  # type: ignore[attr-defined]
