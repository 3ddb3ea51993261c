"""Plans as linear programs: written down by the domain (`day_plans`, `plans`), solved by whoever can."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.grid.day_plans import DayPlans
from chalicelib.domain.grid.outlook import Outlook, Plan
from chalicelib.domain.grid.stays import Settings
from chalicelib.domain.grid.tree import Claim, Conditions, SiteTree
from chalicelib.ports.grid import Solver


@dataclass(frozen=True)
class LinearPlanner:
    """The port Planner: one linear program for each plan or three, by whatever solver it is given."""

    solver: Solver

    def plan(
        self, tree: SiteTree, claims: Sequence[Claim], outlook: Outlook, at: datetime, conditions: Conditions
    ) -> Plan | None:
        """The cheapest answer of its program, or there is no plan."""
        settings = Settings(carbon_micros_per_kg=outlook.carbon_micros_per_kg)
        plans = DayPlans(tree=tree, claims=claims, outlook=outlook, at=at, conditions=conditions, settings=settings)
        return plans.best(self.solver.solve)
