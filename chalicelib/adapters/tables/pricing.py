"""What is kept of tariffs."""

from __future__ import annotations

from pynamodb.attributes import UnicodeAttribute
from pynamodb.models import Model

from chalicelib.adapters.tables.base import PREFIX, OnDemand


class TariffRow(Model):
    class Meta(OnDemand):
        table_name = f"{PREFIX}tariffs"

    tariff_id = UnicodeAttribute(hash_key=True)
    operator_id = UnicodeAttribute()
    body = UnicodeAttribute()
