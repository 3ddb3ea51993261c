"""What is kept of operators themselves: one row each, in which every capability has its own attributes."""

from __future__ import annotations

from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection

from chalicelib.adapters.attributes import IntegerAttribute, TextAttribute, TextSetAttribute
from chalicelib.adapters.row import Row
from chalicelib.adapters.tables.base import PREFIX, OnDemand


class OperatorsBehind(GlobalSecondaryIndex["OperatorRow"]):  # type: ignore[no-untyped-call]
    """Finds operators whose chargers lack something that has changed; others are not here."""

    class Meta:
        index_name = "behind"
        projection = KeysOnlyProjection()

    behind = TextAttribute(hash_key=True)
    operator_id = TextAttribute(range_key=True)


class OperatorRow(Row):
    """When an operator's tokens last changed, up to when its chargers' lists have been seen through; its webhook.

    `setup_profile` is what its chargers are set to; `setup_after` the last charger that a new one has reached, while
    one is on its way to all of them. `behind` stands there while either may lack something.
    `owners` are the people who own it, or fewer, never more. `alarms`: whom it wants told
    of alarms. `standing` is the platform's word on it, `second_factor` which roles need one by its own.
    """

    class Meta(OnDemand):
        table_name = f"{PREFIX}operators"

    operator_id = TextAttribute(hash_key=True)
    profile = TextAttribute(null=True)
    tokens_changed_s = IntegerAttribute(null=True)
    lists_done_s = IntegerAttribute(null=True)
    webhook = TextAttribute(null=True)
    alarms = TextAttribute(null=True)
    setup_profile = TextAttribute(null=True)
    setup_after = TextAttribute(null=True)
    behind = TextAttribute(null=True)
    owners = TextSetAttribute(null=True)
    standing = TextAttribute(null=True)
    second_factor = TextSetAttribute(null=True)

    by_behind = OperatorsBehind()
