"""Tariffs by their ids; an id once taken stays its operator's.

A tariff is read as its operator may ask for it: what the platform has capped since it was set is lowered here, once for
all who look at prices or begin at one.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from chalicelib.adapters.dynamo import decode, encode, find, put_own
from chalicelib.adapters.tables import TariffRow
from chalicelib.domain.access.operators import NO_CAPS, OperatorCaps
from chalicelib.domain.pricing.caps import capped
from chalicelib.domain.pricing.tariff import Tariff
from chalicelib.ports import Clock


def _now() -> datetime:
    return datetime.now(UTC)


def _no_caps(operator_id: str) -> OperatorCaps:
    return NO_CAPS


class DynamoTariffs:
    """The port Tariffs. Every method makes one call, and asks what the caps of the tariff's operator are."""

    def __init__(self, caps_of: Callable[[str], OperatorCaps] = _no_caps, clock: Clock = _now) -> None:
        self._caps_of, self._clock = caps_of, clock

    def put(self, tariff: Tariff) -> None:
        put_own(
            TariffRow(tariff.tariff_id, operator_id=tariff.operator_id, body=encode(tariff)),
            TariffRow.tariff_id.does_not_exist(),
        )

    def get(self, tariff_id: str) -> Tariff | None:
        row = find(TariffRow, tariff_id)
        if row is None:
            return None
        return capped(decode(Tariff, row.body), self._caps_of(row.operator_id), self._clock().date())
