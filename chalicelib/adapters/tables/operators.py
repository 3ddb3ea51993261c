"""What is kept of operators themselves: one row each, in which every capability has its own attributes."""

from __future__ import annotations

from pynamodb.attributes import UnicodeAttribute
from pynamodb.models import Model

from chalicelib.adapters.dynamo import IntegerAttribute
from chalicelib.adapters.tables.base import PREFIX, OnDemand


class OperatorRow(Model):
    """When an operator's tokens last changed, up to when its chargers' lists have been seen through; its webhook.

    `alarms` is whom it wants told of alarms. `setup_profile` is what its chargers are set to; `setup_after` the last
    charger that a new one has reached, while one is on its way to all of them.
    """

    class Meta(OnDemand):
        table_name = f"{PREFIX}operators"

    operator_id = UnicodeAttribute(hash_key=True)
    profile = UnicodeAttribute(null=True)
    tokens_changed_s = IntegerAttribute(null=True)
    lists_done_s = IntegerAttribute(null=True)
    webhook = UnicodeAttribute(null=True)
    alarms = UnicodeAttribute(null=True)
    setup_profile = UnicodeAttribute(null=True)
    setup_after = UnicodeAttribute(null=True)
