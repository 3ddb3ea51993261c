"""moto, made safe, answers as one account would, however many ask at once; made plain, it answers the same."""

from __future__ import annotations

import threading
from typing import Any

import boto3
import pytest
from moto.dynamodb.responses import DynamoHandler, DynamoResult

from local.moto_fixes import make_moto_answer_plainly, make_moto_thread_safe
from tests.adapters.conftest import race


@pytest.mark.usefixtures("tables")
def test_dynamodb_calls_never_overlap_however_often_moto_is_made_safe(monkeypatch: pytest.MonkeyPatch) -> None:
    make_moto_thread_safe()
    make_moto_thread_safe()
    dynamodb = boto3.client("dynamodb")
    inside, overlaps, somebody_else = threading.Semaphore(1), [], threading.Event()
    list_tables: Any = DynamoHandler.list_tables

    def lingering(handler: DynamoHandler) -> Any:
        if not inside.acquire(blocking=False):
            overlaps.append(threading.current_thread().name)
            somebody_else.set()
            return list_tables(handler)
        try:
            somebody_else.wait(timeout=0.05)
            return list_tables(handler)
        finally:
            inside.release()

    monkeypatch.setattr(DynamoHandler, "list_tables", lingering)

    answers = race(4, lambda _: len(dynamodb.list_tables()["TableNames"]))

    assert overlaps == []
    assert len(set(answers)) == 1


@pytest.mark.usefixtures("tables")
def test_items_are_answered_plainly_as_they_are_by_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    by_model = DynamoResult.execute_result
    make_moto_answer_plainly()
    plainly = DynamoResult.execute_result
    client, table, key = boto3.client("dynamodb"), "kerb-things", {"name": {"S": "a"}}
    client.create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "name", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "name", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    item = {
        **key,
        "bytes": {"B": b"\x00\xff"},
        "count": {"N": "-1.5"},
        "deep": {"M": {"list": {"L": [{"NULL": True}, {"BOOL": False}, {"S": ""}]}}},
        "words": {"SS": ["x"]},
        "numbers": {"NS": ["1"]},
    }
    asked: list[tuple[str, dict[str, Any]]] = [
        ("put_item", {"TableName": table, "Item": item, "ReturnValues": "ALL_OLD"}),
        ("put_item", {"TableName": table, "Item": item, "ReturnValues": "ALL_OLD"}),
        ("get_item", {"TableName": table, "Key": key}),
        ("get_item", {"TableName": table, "Key": {"name": {"S": "b"}}}),
        ("batch_get_item", {"RequestItems": {table: {"Keys": [key]}}}),
        ("scan", {"TableName": table, "Limit": 1}),
        ("query", {
            "TableName": table,
            "KeyConditionExpression": "#n = :n",
            "ExpressionAttributeNames": {"#n": "name"},
            "ExpressionAttributeValues": {":n": {"S": "a"}},
        }),
        ("update_item", {
            "TableName": table,
            "Key": key,
            "UpdateExpression": "SET #c = :c",
            "ExpressionAttributeNames": {"#c": "count"},
            "ExpressionAttributeValues": {":c": {"N": "2"}},
            "ReturnValues": "ALL_NEW",
        }),
        ("transact_get_items", {"TransactItems": [{"Get": {"TableName": table, "Key": key}}]}),
        ("transact_write_items", {"TransactItems": [{"Delete": {"TableName": table, "Key": key}}]}),
    ]  # fmt: skip
    answers: list[list[Any]] = []
    for way in (by_model, plainly):
        monkeypatch.setattr(DynamoResult, "execute_result", way)
        client.delete_item(TableName=table, Key=key)
        answers.append([getattr(client, operation)(**params) for operation, params in asked])
    for answer in (it for some in answers for it in some):
        del answer["ResponseMetadata"]
    assert answers[0] == answers[1]
    assert answers[0][2]["Item"] == item
