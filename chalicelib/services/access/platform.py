"""The platform's administrator: makes, lists, caps, closes and opens operators, and sees nothing that is theirs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from chalicelib.domain.access.operators import OperatorCaps, OperatorStanding
from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.ports import Clock
from chalicelib.ports.access import Operators
from chalicelib.services.access import NotFound, Refusal


@dataclass(frozen=True, kw_only=True)
class PlatformDesk:
    """Says which operators there are, and what holds for each."""

    operators: Operators
    clock: Clock

    def put(self, operator_id: str, name: str) -> OperatorStanding:
        """Make an operator, or call it otherwise. The same again changes nothing."""

        def made(it: OperatorStanding | None) -> OperatorStanding:
            known = it or OperatorStanding()
            return replace(known, name=name, made_at=known.made_at or self.clock())

        return self.operators.change(operator_id, made)

    def get(self, operator_id: str) -> OperatorStanding:
        """An operator. Raises NotFound."""
        found = self.operators.get(operator_id)
        if found is None:
            raise NotFound(f"operator {operator_id}")
        return found

    def page(self, limit: int, before: str | None) -> tuple[Sequence[tuple[str, OperatorStanding]], str | None]:
        """All operators. Raises BadCursor."""
        return self.operators.page(limit, before)

    def cap(self, operator_id: str, caps: OperatorCaps) -> OperatorStanding:
        """Bound what an operator may ask for from now on; what runs keeps its price. Raises NotFound."""
        return self._changed(operator_id, lambda it: replace(it, caps=caps))

    def close(self, operator_id: str) -> OperatorStanding:
        """Nothing begins at its chargers any more, and nobody acts for it. Again changes nothing. Raises NotFound."""
        return self._changed(operator_id, lambda it: it if it.is_closed else replace(it, closed_at=self.clock()))

    def open(self, operator_id: str) -> OperatorStanding:
        """A closed one stands again, with its people and keys as they were. Raises NotFound."""
        return self._changed(operator_id, lambda it: replace(it, closed_at=None))

    def check_open(self, operator_id: str) -> None:
        """Raises NotFound, Refusal (`operator_closed`)."""
        if self.get(operator_id).is_closed:
            raise Refusal("operator_closed", f"operator {operator_id} is closed: open it first")

    def _changed(self, operator_id: str, change: Callable[[OperatorStanding], OperatorStanding]) -> OperatorStanding:
        def changed(it: OperatorStanding | None) -> OperatorStanding:
            if it is None:
                raise NotFound(f"operator {operator_id}")
            return change(it)

        return self.operators.change(operator_id, changed)
