"""Table of the log of settled charges: how far it has come, and where each batch stands."""

from __future__ import annotations

from chalicelib.adapters.attributes import IntegerAttribute, TextAttribute
from chalicelib.adapters.row import Row
from chalicelib.adapters.tables.base import PREFIX, OnDemand


class LogRow(Row):
    """Under "state" the log as it is signed, replaced as a whole by whoever read its `version`.

    Under "batches" a row for each batch, by when it got its places: that of its first entry, and the names in order.
    Under "again" by their names those that were brought again long after.
    """

    class Meta(OnDemand):
        table_name = f"{PREFIX}log"

    kind = TextAttribute(hash_key=True)
    item = TextAttribute(range_key=True)
    body = TextAttribute(null=True)
    version = IntegerAttribute(null=True)
    first = IntegerAttribute(null=True)
