"""What is kept of operators themselves: one row each, in which every capability has its own attributes."""

from __future__ import annotations

from chalicelib.adapters.attributes import IntegerAttribute, TextAttribute, TextSetAttribute
from chalicelib.adapters.row import Row
from chalicelib.adapters.tables.base import PREFIX, OnDemand


class OperatorRow(Row):
    """When an operator's tokens last changed, up to when its chargers' lists have been seen through; its webhook.

    `setup_profile` is what its chargers are set to; `setup_after` the last charger that a new one has reached, while
    one is on its way to all of them. `owners` are the people who own it, or fewer, never more.
    """

    class Meta(OnDemand):
        table_name = f"{PREFIX}operators"

    operator_id = TextAttribute(hash_key=True)
    profile = TextAttribute(null=True)
    tokens_changed_s = IntegerAttribute(null=True)
    lists_done_s = IntegerAttribute(null=True)
    webhook = TextAttribute(null=True)
    setup_profile = TextAttribute(null=True)
    setup_after = TextAttribute(null=True)
    owners = TextSetAttribute(null=True)
