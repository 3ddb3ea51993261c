"""Tables of ad-hoc checkouts, and of the browsers that look at sessions."""

from __future__ import annotations

from pynamodb.attributes import BooleanAttribute, TTLAttribute, UnicodeAttribute, UTCDateTimeAttribute
from pynamodb.models import Model

from chalicelib.adapters.dynamo import IntegerAttribute
from chalicelib.adapters.tables.base import PREFIX, OnDemand


class CheckoutRow(Model):
    """A checkout, until its secret opens nothing any more."""

    class Meta(OnDemand):
        table_name = f"{PREFIX}checkouts"

    checkout_id = UnicodeAttribute(hash_key=True)
    body = UnicodeAttribute()
    expires_at = TTLAttribute()


class ViewerRow(Model):
    """A browser's socket that looks at a topic; who tells it news holds it for a moment, others ask them to go on."""

    class Meta(OnDemand):
        table_name = f"{PREFIX}viewers"

    topic = UnicodeAttribute(hash_key=True)
    connection_id = UnicodeAttribute(range_key=True)
    body = UnicodeAttribute()
    visible_until = UTCDateTimeAttribute()
    seen = UnicodeAttribute(null=True)
    looks = IntegerAttribute(null=True)
    teller = UnicodeAttribute(null=True)
    teller_until = UTCDateTimeAttribute(null=True)
    is_asked = BooleanAttribute(null=True)
    expires_at = TTLAttribute()
