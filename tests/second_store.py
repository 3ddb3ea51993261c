"""A second DynamoDB for the store's tests: dynalite, which was written without a look at moto.

`KERB_SECOND_DYNAMODB` is where it listens (tests/adapters/test_second_store.py starts one; CONTRIBUTING.md). It knows
no transactions and no time to live: what needs the former is skipped by name, and so stays proven by moto alone.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient

from chalicelib.adapters.tables import TABLES

PACKAGE = "dynalite@4.0.0"
# How a skip begins that the summary tells of.
UNPROVEN = "the second DynamoDB was not asked"
ADDRESS = os.environ.get("KERB_SECOND_DYNAMODB", "")
if ADDRESS:
    os.environ["AWS_ENDPOINT_URL_DYNAMODB"] = ADDRESS
UNKNOWN = ("TransactWriteItems", "TransactGetItems", "ExecuteStatement")
# Set as a table is made, and no test waits for it to come true.
NOTHING = ("UpdateTimeToLive",)
_WRITES = ("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem")
_made: set[str] = set()
_written: set[str] = set()


@contextmanager
def account() -> Iterator[None]:
    """All tables there, empty."""
    base: Any = BaseClient
    original = base._make_api_call

    def make_api_call(client: Any, operation: str, params: dict[str, Any]) -> Any:
        if client.meta.service_model.service_name == "dynamodb":
            if operation in UNKNOWN:
                pytest.skip(f"dynalite has no {operation}")
            if operation in NOTHING:
                return {}
            if operation in _WRITES:
                _written.update(params.get("RequestItems", ()) or [params["TableName"]])
        return original(client, operation, params)

    base._make_api_call = make_api_call
    try:
        _make_tables()
        yield
    finally:
        base._make_api_call = original
        _empty()


def _make_tables() -> None:
    if _made:
        return
    client = boto3.client("dynamodb")
    there = set(client.list_tables()["TableNames"])
    for model in TABLES:
        name = model.Meta.table_name
        if name not in there:
            model.create_table(wait=False)
            while client.describe_table(TableName=name)["Table"]["TableStatus"] != "ACTIVE":
                time.sleep(0.01)
        _made.add(name)
        _written.add(name)
    _empty()


def _empty() -> None:
    client = boto3.client("dynamodb")
    keys = {}
    for model in TABLES:
        attributes = model.get_attributes().values()
        keys[model.Meta.table_name] = [it.attr_name for it in attributes if it.is_hash_key or it.is_range_key]
    while _written:
        name = _written.pop()
        for row in client.scan(TableName=name, ConsistentRead=True)["Items"]:
            client.delete_item(TableName=name, Key={key: row[key] for key in keys[name]})
