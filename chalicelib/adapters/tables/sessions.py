"""Tables of ad-hoc checkouts, and of the browsers that look at sessions."""

from __future__ import annotations

from chalicelib.adapters.attributes import (
    ExpiryAttribute,
    FlagAttribute,
    IntegerAttribute,
    TextAttribute,
    TimeAttribute,
)
from chalicelib.adapters.row import Row
from chalicelib.adapters.tables.base import PREFIX, OnDemand


class CheckoutRow(Row):
    """A checkout, until its secret opens nothing any more."""

    class Meta(OnDemand):
        table_name = f"{PREFIX}checkouts"

    checkout_id = TextAttribute(hash_key=True)
    body = TextAttribute()
    expires_at = ExpiryAttribute()


class ViewerRow(Row):
    """A browser's socket that looks at a topic; who tells it news holds it for a moment, others ask them to go on."""

    class Meta(OnDemand):
        table_name = f"{PREFIX}viewers"

    topic = TextAttribute(hash_key=True)
    connection_id = TextAttribute(range_key=True)
    body = TextAttribute()
    visible_until = TimeAttribute()
    seen = TextAttribute(null=True)
    looks = IntegerAttribute(null=True)
    teller = TextAttribute(null=True)
    teller_until = TimeAttribute(null=True)
    is_asked = FlagAttribute(null=True)
    expires_at = ExpiryAttribute()
