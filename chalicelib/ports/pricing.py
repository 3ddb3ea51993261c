"""What the services ask of prices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from chalicelib.domain.pricing.tariff import Tariff


class Tariffs(Protocol):
    """The tariffs of all operators, each by its id. Putting one whose id is another operator's raises Conflict."""

    def put(self, tariff: Tariff) -> None:
        """Raises Conflict when the id is another operator's."""

    def get(self, tariff_id: str) -> Tariff | None:
        """The tariff of that id; None for an unknown one."""
