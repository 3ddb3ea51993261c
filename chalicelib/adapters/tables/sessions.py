"""Table of ad-hoc checkouts."""

from __future__ import annotations

from chalicelib.adapters.attributes import ExpiryAttribute, TextAttribute
from chalicelib.adapters.row import Row
from chalicelib.adapters.tables.base import PREFIX, OnDemand


class CheckoutRow(Row):
    """A checkout, until its secret opens nothing any more."""

    class Meta(OnDemand):
        table_name = f"{PREFIX}checkouts"

    checkout_id = TextAttribute(hash_key=True)
    body = TextAttribute()
    expires_at = ExpiryAttribute()
