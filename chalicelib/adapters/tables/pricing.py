"""What is kept of tariffs."""

from __future__ import annotations

from chalicelib.adapters.attributes import TextAttribute
from chalicelib.adapters.row import Row
from chalicelib.adapters.tables.base import PREFIX, OnDemand


class TariffRow(Row):
    """A tariff (OCPI) as canonical JSON, by its id."""

    class Meta(OnDemand):
        table_name = f"{PREFIX}tariffs"

    tariff_id = TextAttribute(hash_key=True)
    operator_id = TextAttribute()
    body = TextAttribute()
