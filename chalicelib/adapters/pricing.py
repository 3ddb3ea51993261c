"""Tariffs by their ids; an id once taken stays its operator's."""

from __future__ import annotations

from chalicelib.adapters.dynamo import decode, encode, find, put_own
from chalicelib.adapters.tables import TariffRow
from chalicelib.domain.pricing.tariff import Tariff


class DynamoTariffs:
    """The port Tariffs. Every method makes one call."""

    def put(self, tariff: Tariff) -> None:
        put_own(
            TariffRow(tariff.tariff_id, operator_id=tariff.operator_id, body=encode(tariff)),
            TariffRow.tariff_id.does_not_exist(),
        )

    def get(self, tariff_id: str) -> Tariff | None:
        row = find(TariffRow, tariff_id)
        return decode(Tariff, row.body) if row else None
