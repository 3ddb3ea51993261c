"""Table of alarms: what stands at a place, whom it is about, what is to be told of it, and every alarm there was."""

from __future__ import annotations

from pynamodb.indexes import AllProjection, GlobalSecondaryIndex, KeysOnlyProjection

from chalicelib.adapters.attributes import (
    ExpiryAttribute,
    IntegerAttribute,
    TextAttribute,
    TextSetAttribute,
    TimeAttribute,
)
from chalicelib.adapters.row import Row
from chalicelib.adapters.tables.base import PREFIX, OnDemand


class AlarmsDue(GlobalSecondaryIndex["AlarmRow"]):  # type: ignore[no-untyped-call]
    """Finds what is to be looked at or told, by when."""

    class Meta:
        index_name = "due"
        projection = KeysOnlyProjection()

    due_shard = TextAttribute(hash_key=True)
    due_at = TimeAttribute(range_key=True)


class OpenAlarms(GlobalSecondaryIndex["AlarmRow"]):  # type: ignore[no-untyped-call]
    """Finds an operator's alarms that are open; others are not here."""

    class Meta:
        index_name = "open"
        projection = AllProjection()

    open_operator = TextAttribute(hash_key=True)
    item = TextAttribute(range_key=True)


class AlarmRow(Row):
    """Under an operator's id its alarms; under operator, kind and group what stands there.

    That is "standing" (the alarm as it was opened), "subject#..." and "telling#...". Under "operator/live" stands until
    when somebody may watch.
    """

    class Meta(OnDemand):
        table_name = f"{PREFIX}alarms"

    place = TextAttribute(hash_key=True)
    item = TextAttribute(range_key=True)
    body = TextAttribute(null=True)
    due_shard = TextAttribute(null=True)
    due_at = TimeAttribute(null=True)
    # Only of a subject whose cause is there.
    has_cause = TextAttribute(null=True)
    # Only of an alarm that is listed: how many it is about, and the first of them.
    open_operator = TextAttribute(null=True)
    number = IntegerAttribute(null=True)
    subjects = TextSetAttribute(null=True)
    # Only of a telling.
    attempts = IntegerAttribute(null=True)
    sent_by = TextSetAttribute(null=True)
    expires_at = ExpiryAttribute(null=True)

    due = AlarmsDue()
    open = OpenAlarms()
