"""Table of alarms: what stands at a place, whom it is about, what is to be told of it, and every alarm there was."""

from __future__ import annotations

from pynamodb.attributes import TTLAttribute, UnicodeAttribute, UnicodeSetAttribute, UTCDateTimeAttribute
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex, KeysOnlyProjection
from pynamodb.models import Model

from chalicelib.adapters.dynamo import IntegerAttribute
from chalicelib.adapters.tables.base import PREFIX, OnDemand


class AlarmsDue(GlobalSecondaryIndex["AlarmRow"]):  # type: ignore[no-untyped-call]
    """Finds what is to be looked at or told, by when."""

    class Meta:
        index_name = "due"
        projection = KeysOnlyProjection()

    due_shard = UnicodeAttribute(hash_key=True)
    due_at = UTCDateTimeAttribute(range_key=True)


class OpenAlarms(GlobalSecondaryIndex["AlarmRow"]):  # type: ignore[no-untyped-call]
    """Finds an operator's alarms that are open; others are not here."""

    class Meta:
        index_name = "open"
        projection = AllProjection()

    open_operator = UnicodeAttribute(hash_key=True)
    item = UnicodeAttribute(range_key=True)


class AlarmRow(Model):
    """Under an operator's id its alarms; under operator, kind and group what stands there.

    That is "standing" (the alarm as it was opened), "subject#..." and "telling#...".
    """

    class Meta(OnDemand):
        table_name = f"{PREFIX}alarms"

    place = UnicodeAttribute(hash_key=True)
    item = UnicodeAttribute(range_key=True)
    body = UnicodeAttribute(null=True)
    due_shard = UnicodeAttribute(null=True)
    due_at = UTCDateTimeAttribute(null=True)
    # Only of a subject whose cause is there.
    has_cause = UnicodeAttribute(null=True)
    # Only of an alarm that is listed: how many it is about, and the first of them.
    open_operator = UnicodeAttribute(null=True)
    number = IntegerAttribute(null=True)
    subjects = UnicodeSetAttribute(null=True)
    # Only of a telling.
    attempts = IntegerAttribute(null=True)
    sent_by = UnicodeSetAttribute(null=True)
    expires_at = TTLAttribute(null=True)

    due = AlarmsDue()
    open = OpenAlarms()
