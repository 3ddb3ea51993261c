"""Tables of access: who is on an operator's list, its keys, the audit, and what was given back in a day."""

from __future__ import annotations

from pynamodb.indexes import AllProjection, GlobalSecondaryIndex

from chalicelib.adapters.attributes import (
    ExpiryAttribute,
    IntegerAttribute,
    TextAttribute,
    TextSetAttribute,
    TimeAttribute,
)
from chalicelib.adapters.row import Row
from chalicelib.adapters.tables.base import PREFIX, OnDemand


class MemberRow(Row):
    """A person on an operator's list; what they are there stands in their own row.

    Under "refunds/" and a person stands, by day and currency, what that person gave back, and of which sessions. Under
    "invitations/" and an operator stand its invitations by id, each as one JSON text; under "platform/" all operators.
    """

    class Meta(OnDemand):
        table_name = f"{PREFIX}members"

    operator_id = TextAttribute(hash_key=True)
    person_id = TextAttribute(range_key=True)
    # Only of what was given back in a day.
    refunded_minor = IntegerAttribute(null=True)
    refunds = TextSetAttribute(null=True)
    # Only of an invitation.
    body = TextAttribute(null=True)
    expires_at = ExpiryAttribute(null=True)


class KeysByOperator(GlobalSecondaryIndex["ApiKeyRow"]):  # type: ignore[no-untyped-call]
    """Finds an operator's keys."""

    class Meta:
        index_name = "by_operator"
        projection = AllProjection()

    operator_id = TextAttribute(hash_key=True)
    key_id = TextAttribute(range_key=True)


class ApiKeyRow(Row):
    """A key as one JSON text, never its secret; when it was used stands apart, so that noting it disturbs nobody."""

    class Meta(OnDemand):
        table_name = f"{PREFIX}keys"

    key_id = TextAttribute(hash_key=True)
    operator_id = TextAttribute()
    body = TextAttribute()
    used_at = TimeAttribute(null=True)
    expires_at = ExpiryAttribute()

    by_operator = KeysByOperator()


class AuditByOperator(GlobalSecondaryIndex["AuditRow"]):  # type: ignore[no-untyped-call]
    """Finds an operator's entries by time; marks are not here."""

    class Meta:
        index_name = "by_operator"
        projection = AllProjection()

    operator_id = TextAttribute(hash_key=True)
    at = TimeAttribute(range_key=True)


class AuditByThing(GlobalSecondaryIndex["AuditRow"]):  # type: ignore[no-untyped-call]
    """Finds the entries of one of an operator's things by time."""

    class Meta:
        index_name = "by_thing"
        projection = AllProjection()

    operator_thing = TextAttribute(hash_key=True)
    at = TimeAttribute(range_key=True)


class AuditRow(Row):
    """An entry of the audit as one JSON text (`part` "entry"), or beside it what became of it."""

    class Meta(OnDemand):
        table_name = f"{PREFIX}audit"

    entry_id = TextAttribute(hash_key=True)
    part = TextAttribute(range_key=True)
    operator_id = TextAttribute(null=True)
    operator_thing = TextAttribute(null=True)
    at = TimeAttribute(null=True)
    body = TextAttribute()
    expires_at = ExpiryAttribute()

    by_operator = AuditByOperator()
    by_thing = AuditByThing()
