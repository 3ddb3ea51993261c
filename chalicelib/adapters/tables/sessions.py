"""Table of ad-hoc checkouts."""

from __future__ import annotations

from pynamodb.attributes import TTLAttribute, UnicodeAttribute
from pynamodb.models import Model

from chalicelib.adapters.tables.base import PREFIX, OnDemand


class CheckoutRow(Model):
    """A checkout, until its secret opens nothing any more."""

    class Meta(OnDemand):
        table_name = f"{PREFIX}checkouts"

    checkout_id = UnicodeAttribute(hash_key=True)
    body = UnicodeAttribute()
    expires_at = TTLAttribute()
