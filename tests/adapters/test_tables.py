"""The tables an account gets are those the models declare: keys, indexes, lifetimes, and no capacity to plan."""

from __future__ import annotations

from typing import Any

import boto3
import pytest

from chalicelib.adapters.dynamo import table_of
from chalicelib.adapters.tables import TABLES, connection
from infrastructure.tables import create_tables
from local.context import LambdaContext

EXPIRING = {
    f"kerb-{table}": "expires_at"
    for table in (
        "alarms audit calls chargers checkouts connections differences drivers faults grid history journal keys knocks "
        "members notices readings reports reservations tokens vehicles viewers"
    ).split()
} | {"kerb-idempotency": "expiration"}


@pytest.mark.usefixtures("tables")
def test_every_table_exists_and_is_paid_by_the_request() -> None:
    dynamodb = boto3.client("dynamodb")

    names = dynamodb.list_tables()["TableNames"]

    assert sorted(names) == sorted(model.Meta.table_name for model in TABLES)
    assert all(name.startswith("kerb-") for name in names)
    for name in names:
        table = dynamodb.describe_table(TableName=name)["Table"]
        assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"


@pytest.mark.usefixtures("tables")
def test_only_what_may_be_forgotten_expires() -> None:
    dynamodb = boto3.client("dynamodb")
    expiring = {}
    for model in TABLES:
        name = model.Meta.table_name
        lifetime = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
        if lifetime["TimeToLiveStatus"] == "ENABLED":
            expiring[name] = lifetime["AttributeName"]

    assert expiring == EXPIRING


@pytest.mark.usefixtures("tables")
def test_the_indexes_are_there() -> None:
    dynamodb = boto3.client("dynamodb")
    indexes = {
        f"{name}/{index['IndexName']}": (
            [(key["AttributeName"], key["KeyType"]) for key in index["KeySchema"]],
            index["Projection"]["ProjectionType"],
        )
        for name in ("kerb-calls", "kerb-chargers", "kerb-notices", "kerb-sessions", "kerb-tokens", "kerb-transactions")
        for index in dynamodb.describe_table(TableName=name)["Table"]["GlobalSecondaryIndexes"]
    }

    assert indexes == {
        "kerb-calls/waiting": ([("waiting_shard", "HASH"), ("asked_until", "RANGE")], "KEYS_ONLY"),
        "kerb-chargers/by_operator": ([("operator_id", "HASH"), ("charger_id", "RANGE")], "KEYS_ONLY"),
        "kerb-chargers/by_site": ([("site_id", "HASH"), ("charger_id", "RANGE")], "KEYS_ONLY"),
        "kerb-chargers/list_due": ([("list_due_shard", "HASH"), ("charger_id", "RANGE")], "KEYS_ONLY"),
        "kerb-chargers/lists": ([("list_operator", "HASH"), ("list_until_s", "RANGE")], "KEYS_ONLY"),
        "kerb-chargers/pending": ([("pending_operator", "HASH"), ("charger_id", "RANGE")], "KEYS_ONLY"),
        "kerb-notices/undelivered": ([("due_shard", "HASH"), ("due_at", "RANGE")], "KEYS_ONLY"),
        "kerb-sessions/by_driver": ([("driver_id", "HASH"), ("created_at", "RANGE")], "KEYS_ONLY"),
        "kerb-sessions/by_operator": ([("operator_id", "HASH"), ("created_at", "RANGE")], "KEYS_ONLY"),
        "kerb-sessions/flagged": ([("flagged_operator", "HASH"), ("created_at", "RANGE")], "KEYS_ONLY"),
        "kerb-sessions/unsettled": ([("unsettled_shard", "HASH"), ("unsettled_at", "RANGE")], "KEYS_ONLY"),
        "kerb-tokens/by_driver": ([("driver_id", "HASH"), ("uid", "RANGE")], "ALL"),
        "kerb-tokens/by_operator": ([("operator_id", "HASH"), ("changed_s", "RANGE")], "ALL"),
        "kerb-transactions/unclaimed": ([("unclaimed_shard", "HASH"), ("unclaimed_at", "RANGE")], "KEYS_ONLY"),
    }


@pytest.mark.usefixtures("tables")
def test_a_drivers_notices_are_read_in_order_as_soon_as_they_are_written() -> None:
    (index,) = boto3.client("dynamodb").describe_table(TableName="kerb-notices")["Table"]["LocalSecondaryIndexes"]
    assert (index["IndexName"], [it["AttributeName"] for it in index["KeySchema"]]) == (
        "by_time",
        ["driver_id", "position"],
    )


@pytest.mark.usefixtures("tables")
def test_creating_tables_again_leaves_them_alone(aws_calls: list[str]) -> None:
    create_tables()

    assert set(aws_calls) == {"DescribeTable"}


def test_all_tables_share_one_client() -> None:
    assert {id(table_of(model).connection) for model in TABLES} == {id(connection)}


@pytest.mark.usefixtures("tables")
def test_powertools_can_keep_its_idempotency_records_here() -> None:
    from aws_lambda_powertools.utilities.idempotency import (  # noqa: PLC0415
        DynamoDBPersistenceLayer,
        IdempotencyConfig,
        idempotent_function,
    )

    runs = []
    config = IdempotencyConfig(lambda_context=LambdaContext("pay", 60))  # type: ignore[arg-type]
    store = DynamoDBPersistenceLayer(table_name="kerb-idempotency")

    def pay(key: str) -> str:
        runs.append(key)
        return "paid"

    pay_once: Any = idempotent_function(pay, data_keyword_argument="key", persistence_store=store, config=config)

    assert [pay_once(key="a"), pay_once(key="a")] == ["paid", "paid"]
    assert runs == ["a"]
