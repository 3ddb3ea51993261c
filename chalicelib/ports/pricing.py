"""What the services ask of prices."""

from __future__ import annotations

from typing import Protocol

from chalicelib.domain.pricing.tariff import Tariff


class Tariffs(Protocol):
    """The operators' tariffs."""

    def put(self, tariff: Tariff) -> None:
        """Raises Conflict when the id is another operator's."""

    def get(self, tariff_id: str) -> Tariff | None: ...
