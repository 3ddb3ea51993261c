"""moto, made safe, answers as one account would, however many ask at once; made plain, it answers the same."""

from __future__ import annotations

import threading
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from moto.dynamodb.responses import DynamoHandler, DynamoResult

from local.moto_expressions import make_moto_read_once
from local.moto_fixes import (
    make_moto_answer_plainly,
    make_moto_seal_soon,
    make_moto_thread_safe,
    reach_moto_directly,
)
from local.moto_originals import originals
from local.moto_tables import make_moto_measure_soon
from tests.adapters.conftest import race

SIGNING_KEY: Any = {"KeyUsage": "SIGN_VERIFY", "KeySpec": "RSA_2048"}


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


TABLE = "kerb-things"
KEY = {"name": {"S": "a"}}
ITEM = {
    **KEY,
    "bytes": {"B": b"\x00\xff"},
    "count": {"N": "-1.5"},
    "deep": {"M": {"list": {"L": [{"NULL": True}, {"BOOL": False}, {"S": ""}]}}},
    "words": {"SS": ["x"]},
    "numbers": {"NS": ["1"]},
}
PLAIN = {name: it for name, it in ITEM.items() if name != "bytes"}
UNLESS_THERE = {"ConditionExpression": "attribute_not_exists(#n)", "ExpressionAttributeNames": {"#n": "name"}}
UPDATE = {
    "TableName": TABLE,
    "Key": KEY,
    "UpdateExpression": "SET #c = if_not_exists(#c, :one) + :c, deep.#l[0] = :one REMOVE #w ADD #s :two",
    "ExpressionAttributeNames": {"#c": "count", "#w": "words", "#l": "list", "#s": "numbers"},
    "ExpressionAttributeValues": {":c": {"N": "2"}, ":one": {"N": "1"}, ":two": {"NS": ["2"]}},
    "ReturnValues": "ALL_NEW",
}
ASKED: list[tuple[str, dict[str, Any]]] = [
    ("put_item", {"TableName": TABLE, "Item": ITEM, "ReturnValues": "ALL_OLD"}),
    ("put_item", {"TableName": TABLE, "Item": ITEM, "ReturnValues": "ALL_OLD"}),
    ("get_item", {"TableName": TABLE, "Key": KEY}),
    ("put_item", {"TableName": TABLE, "Item": PLAIN, "ReturnValues": "ALL_OLD"}),
    ("get_item", {"TableName": TABLE, "Key": KEY}),
    ("get_item", {"TableName": TABLE, "Key": {"name": {"S": "b"}}}),
    ("batch_get_item", {"RequestItems": {TABLE: {"Keys": [KEY]}}}),
    ("scan", {"TableName": TABLE, "Limit": 1}),
    ("query", {
        "TableName": TABLE,
        "KeyConditionExpression": "#n = :n",
        "ExpressionAttributeNames": {"#n": "name"},
        "ExpressionAttributeValues": {":n": {"S": "a"}},
    }),
    ("update_item", UPDATE),
    ("update_item", UPDATE),
    ("update_item", {"TableName": TABLE, "Key": KEY, "UpdateExpression": "REMOVE x", **UNLESS_THERE}),
    ("update_item", {**UPDATE, "UpdateExpression": "SET #c = :c SET #s = :two"}),
    ("update_item", {**UPDATE, "UpdateExpression": "SET #c = :c, #c = :one"}),
    ("update_item", {**UPDATE, "UpdateExpression": "SET #c = :unknown"}),
    ("update_item", {**UPDATE, "UpdateExpression": "SET deep.list = :one"}),
    ("put_item", {"TableName": TABLE, "Item": KEY, **UNLESS_THERE, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}),
    ("put_item", {"TableName": "kerb-nothing", "Item": KEY}),
    ("put_item", {"TableName": TABLE, "Item": {"other": {"S": "a"}}}),
    ("transact_get_items", {"TransactItems": [{"Get": {"TableName": TABLE, "Key": KEY}}]}),
    ("transact_write_items", {"TransactItems": [{"Put": {"TableName": TABLE, "Item": KEY, **UNLESS_THERE}}]}),
    ("transact_write_items", {"TransactItems": [{"Delete": {"TableName": TABLE, "Key": KEY}}]}),
    ("batch_write_item", {"RequestItems": {TABLE: [{"PutRequest": {"Item": PLAIN}}]}}),
    ("delete_item", {"TableName": TABLE, "Key": KEY, "ReturnValues": "ALL_OLD"}),
]  # fmt: skip


def answers() -> list[Any]:
    """What is answered in a new table, be it an error."""
    client = boto3.client("dynamodb")
    client.create_table(
        TableName=TABLE,
        KeySchema=[{"AttributeName": "name", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "name", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    told: list[Any] = []
    for operation, params in ASKED:
        try:
            answer = getattr(client, operation)(**params)
        except ClientError as error:
            answer = {**error.response, "raised": type(error).__name__}
        assert answer.pop("ResponseMetadata")["HTTPStatusCode"] == (400 if "raised" in answer else 200)
        told.append(answer)
    client.delete_table(TableName=TABLE)
    return told


@pytest.fixture
def as_it_is(tables: None, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What moto answers by itself, whatever was mended in this process."""
    by_hand: Any = {
        (BaseClient, "_make_request"): getattr(BaseClient._make_request, "__wrapped__", None),  # type: ignore[attr-defined]
        (DynamoResult, "execute_result"): getattr(DynamoResult.execute_result, "__wrapped__", None),
        **originals,
    }
    with monkeypatch.context() as patched:
        for (owner, name), original in by_hand.items():
            if original is not None:
                patched.setattr(owner, name, original)
        return answers()


def test_items_are_answered_plainly_directly_and_by_trees_read_once_as_they_are_by_the_model(
    as_it_is: list[Any],
) -> None:
    make_moto_answer_plainly()
    make_moto_read_once()
    make_moto_measure_soon()
    plainly = answers()
    reach_moto_directly()
    directly = answers()
    assert as_it_is == plainly == directly
    assert as_it_is[2]["Item"] == ITEM
    raised = [it["raised"] for it in as_it_is if "raised" in it]
    assert set(raised) == {
        *("ConditionalCheckFailedException", "TransactionCanceledException"),
        *("ResourceNotFoundException", "ClientError"),
    }


@pytest.mark.usefixtures("tables")
def test_a_symmetric_key_seals_and_a_pair_of_keys_signs_though_only_pairs_are_made_as_pairs() -> None:
    make_moto_seal_soon()
    kms = boto3.client("kms")
    seals = kms.create_key()["KeyMetadata"]["KeyId"]
    signs = kms.create_key(**SIGNING_KEY)["KeyMetadata"]["KeyId"]
    sealed = kms.encrypt(KeyId=seals, Plaintext=b"open sesame")["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=sealed)["Plaintext"] == b"open sesame"
    how: Any = {"KeyId": signs, "Message": b"for all to see", "SigningAlgorithm": "RSASSA_PSS_SHA_256"}
    assert kms.verify(**how, Signature=kms.sign(**how)["Signature"])["SignatureValid"]
