"""The tables of an account are exactly those the adapters declare."""

from __future__ import annotations

import os
from itertools import pairwise
from typing import Any

from pynamodb.models import Model

from chalicelib.adapters.tables import TABLES
from infrastructure.stage import Resources, Stage, attribute, logical_id

# As the adapters read it: what their names begin with in this process.
_PREFIX = os.environ.get("KERB_TABLE_PREFIX", "kerb-")
_INDEXES = {"GlobalSecondaryIndexes", "LocalSecondaryIndexes"}


def create_tables() -> None:
    """Create every table that does not exist yet, and wait until it can be used."""
    for model in TABLES:
        if not model.exists():
            model.create_table(wait=True)


def resources(stage: Stage) -> Resources:
    """The same tables for CloudFormation. None has a stream: nothing reads one yet.

    Those with indexes are made one after another: DynamoDB makes only some at once, and whoever is refused fails
    the whole deployment.
    """
    made = {f"{logical_id(_plain_name(model))}Table": _table(model, stage) for model in TABLES}
    indexed = [name for name, it in made.items() if _INDEXES & it["Properties"].keys()]
    for before, table in pairwise(indexed):
        made[table]["DependsOn"] = [before]
    return made


def _plain_name(model: type[Model]) -> str:
    """A table's name without the prefix it has in this process."""
    name: str = model.Meta.table_name
    return name.removeprefix(_PREFIX)


def _table(model: type[Model], stage: Stage) -> dict[str, Any]:
    schema: dict[str, Any] = dict(model._get_schema())
    properties: dict[str, Any] = {
        "TableName": stage.prefix + _plain_name(model),
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": schema["attribute_definitions"],
        "KeySchema": _keys(schema),
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
        "SSESpecification": {
            "SSEEnabled": True,
            "SSEType": "KMS",
            "KMSMasterKeyId": attribute("Key", "Arn"),
        },
    }
    if indexes := schema.get("global_secondary_indexes"):
        properties["GlobalSecondaryIndexes"] = [_index(index) for index in indexes]
    if indexes := schema.get("local_secondary_indexes"):
        properties["LocalSecondaryIndexes"] = [_index(index) for index in indexes]
    if lifetime := model._ttl_attribute():  # type: ignore[no-untyped-call]
        properties["TimeToLiveSpecification"] = {"AttributeName": lifetime.attr_name, "Enabled": True}
    return {"Type": "AWS::DynamoDB::Table", **stage.fate, "Properties": properties}


def _index(index: dict[str, Any]) -> dict[str, Any]:
    return {"IndexName": index["index_name"], "KeySchema": _keys(index), "Projection": index["projection"]}


def _keys(described: dict[str, Any]) -> list[dict[str, str]]:
    """The hash key comes first; PynamoDB leaves an index's in the order of their names."""
    return sorted(described["key_schema"], key=lambda key: str(key["KeyType"]))
