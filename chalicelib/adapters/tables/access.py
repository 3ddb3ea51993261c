"""Tables of access: who is on an operator's list, its keys, the audit, and what was given back in a day."""

from __future__ import annotations

from pynamodb.attributes import TTLAttribute, UnicodeAttribute, UnicodeSetAttribute, UTCDateTimeAttribute
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex
from pynamodb.models import Model

from chalicelib.adapters.dynamo import IntegerAttribute
from chalicelib.adapters.tables.base import PREFIX, OnDemand


class MemberRow(Model):
    """A person on an operator's list; what they are there stands in their own row.

    Under "refunds/" and a person stands, by day and currency, what that person gave back, and of which sessions.
    """

    class Meta(OnDemand):
        table_name = f"{PREFIX}members"

    operator_id = UnicodeAttribute(hash_key=True)
    person_id = UnicodeAttribute(range_key=True)
    # Only of what was given back in a day.
    refunded_minor = IntegerAttribute(null=True)
    refunds = UnicodeSetAttribute(null=True)
    expires_at = TTLAttribute(null=True)


class KeysByOperator(GlobalSecondaryIndex["ApiKeyRow"]):  # type: ignore[no-untyped-call]
    """Finds an operator's keys."""

    class Meta:
        index_name = "by_operator"
        projection = AllProjection()

    operator_id = UnicodeAttribute(hash_key=True)
    key_id = UnicodeAttribute(range_key=True)


class ApiKeyRow(Model):
    """A key as one JSON text, never its secret; when it was used stands apart, so that noting it disturbs nobody."""

    class Meta(OnDemand):
        table_name = f"{PREFIX}keys"

    key_id = UnicodeAttribute(hash_key=True)
    operator_id = UnicodeAttribute()
    body = UnicodeAttribute()
    used_at = UTCDateTimeAttribute(null=True)
    expires_at = TTLAttribute()

    by_operator = KeysByOperator()


class AuditByOperator(GlobalSecondaryIndex["AuditRow"]):  # type: ignore[no-untyped-call]
    """Finds an operator's entries by time; marks are not here."""

    class Meta:
        index_name = "by_operator"
        projection = AllProjection()

    operator_id = UnicodeAttribute(hash_key=True)
    at = UTCDateTimeAttribute(range_key=True)


class AuditByThing(GlobalSecondaryIndex["AuditRow"]):  # type: ignore[no-untyped-call]
    """Finds the entries of one of an operator's things by time."""

    class Meta:
        index_name = "by_thing"
        projection = AllProjection()

    operator_thing = UnicodeAttribute(hash_key=True)
    at = UTCDateTimeAttribute(range_key=True)


class AuditRow(Model):
    """An entry of the audit as one JSON text (`part` "entry"), or beside it what became of it."""

    class Meta(OnDemand):
        table_name = f"{PREFIX}audit"

    entry_id = UnicodeAttribute(hash_key=True)
    part = UnicodeAttribute(range_key=True)
    operator_id = UnicodeAttribute(null=True)
    operator_thing = UnicodeAttribute(null=True)
    at = UTCDateTimeAttribute(null=True)
    body = UnicodeAttribute()
    expires_at = TTLAttribute()

    by_operator = AuditByOperator()
    by_thing = AuditByThing()
