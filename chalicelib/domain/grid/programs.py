"""A linear program: amounts that are to be as cheap as can be, and what sums of them may come to.

Written down column by column and row by row, and solved by whoever can (`ports/grid.py Solver`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import inf

from chalicelib.domain.data_classes import dataclass, field


@dataclass(slots=True, kw_only=True)
class LinearProgram:
    """Minimise the sum of `costs` times amounts, each between 0 and its `most`, the rows' sums within their bounds.

    Rows lie one behind another in `columns` and `factors`, each beginning at its place in `starts`.
    """

    costs: list[float] = field(default_factory=list)
    most: list[float] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    columns: list[int] = field(default_factory=list)
    factors: list[float] = field(default_factory=list)
    at_least: list[float] = field(default_factory=list)
    at_most: list[float] = field(default_factory=list)

    def amount(self, *, cost: float = 0.0, most: float = inf) -> int:
        """One more amount to be found; its column."""
        self.costs.append(cost)
        self.most.append(most)
        return len(self.costs) - 1

    def limit(self, terms: Iterable[tuple[int, float]], *, at_least: float = -inf, at_most: float = inf) -> None:
        """What a sum of amounts (columns and factors) may come to."""
        self.starts.append(len(self.columns))
        for column, factor in terms:
            self.columns.append(column)
            self.factors.append(factor)
        self.at_least.append(at_least)
        self.at_most.append(at_most)

    def sum_of(self, row: int, amounts: Sequence[float]) -> float:
        """What a row comes to."""
        end = self.starts[row + 1] if row + 1 < len(self.starts) else len(self.columns)
        return sum(self.factors[it] * amounts[self.columns[it]] for it in range(self.starts[row], end))
