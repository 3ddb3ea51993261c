"""A plan made anew each quarter of an hour and followed by the fair share in between, as the product does it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from time import process_time

from chalicelib.adapters.grid.highs import Highs
from chalicelib.domain.grid.arrivals import Arrivals
from chalicelib.domain.grid.outlook import QUARTER, Outlook, Plan
from chalicelib.domain.grid.plans import problem, read
from chalicelib.domain.grid.stays import Settings
from chalicelib.domain.grid.tree import Claim, Grants, SiteTree
from chalicelib.ports.grid import Solver
from local.simulate.memory import Memory


@dataclass(slots=True, kw_only=True)
class Planner:
    """The plan in force, and the memory of the fair share that has the last word over it.

    `unsolved` plans had no solution in time; `solved_s`: what each took the processor.
    """

    memory: Memory
    settings: Settings = field(default_factory=Settings)
    solver: Solver = field(default_factory=Highs)
    plan: Plan | None = None
    arrivals: Arrivals | None = None
    unsolved: int = 0
    solved_s: list[float] = field(default_factory=list)
    _planned: frozenset[str] = frozenset()

    def solve(self, claims: Sequence[Claim], outlook: Outlook, at: datetime, tree: SiteTree | None = None) -> None:
        """Plan anew; where there is no solution all have their fair share until the next.

        `tree`: the site without those of its ports where nobody can come now.
        """
        before = self.arrivals or Arrivals(until=at - QUARTER)
        self.arrivals = before.with_claims(claims, at)
        coming = self.arrivals.coming(claims, outlook.begins_at, self.settings.horizon // QUARTER)
        outlook = replace(outlook, coming_permille=coming)
        asked = problem(tree or self.memory.tree, self.memory.known(claims), outlook, at, settings=self.settings)
        began = process_time()
        solution = self.solver.solve(asked.program)
        self.solved_s.append(process_time() - began)
        self.unsolved += solution is None
        self.plan = read(asked, solution)
        self._planned = frozenset(it.session_id for it in claims)

    def share(self, claims: Sequence[Claim], at: datetime) -> Grants:
        """The grants at `at`, by the plan in force."""
        if self.plan is None:
            return self.memory.share(claims, at)
        told = []
        for it in claims:
            planned_ma, is_kept = self.plan.at(it.port_id, at) if it.session_id in self._planned else (None, False)
            told.append(replace(it, planned_ma=planned_ma, is_kept_to_plan=is_kept))
        return self.memory.share(told, at)
