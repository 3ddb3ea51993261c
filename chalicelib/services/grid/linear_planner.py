"""Plans as linear programs: written down by `domain/grid/plans.py`, solved by whoever can."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.grid.announced import heeded
from chalicelib.domain.grid.outlook import Outlook, Plan
from chalicelib.domain.grid.plans import problem
from chalicelib.domain.grid.restraint import building_w
from chalicelib.domain.grid.stays import Settings
from chalicelib.domain.grid.tree import Claim, Conditions, SiteTree
from chalicelib.ports.grid import Solver


@dataclass(frozen=True)
class LinearPlanner:
    """The port Planner: a linear program for each plan, by whatever solver it is given."""

    solver: Solver

    def plan(
        self, tree: SiteTree, claims: Sequence[Claim], outlook: Outlook, at: datetime, conditions: Conditions
    ) -> Plan | None:
        """One program, solved once: its answer is the cheapest, or there is no plan.

        Once more where the site is asked for less, and the first answer is more than that.
        """
        settings = Settings(carbon_micros_per_kg=outlook.carbon_micros_per_kg)
        asked = problem(tree, claims, outlook, at, conditions, settings)
        solution = self.solver.solve(asked.program)
        if solution is None:
            return None
        building = building_w(tree, conditions.building, at)
        solve = self.solver.solve
        return heeded(asked, solution, solve, tree=tree, claims=claims, outlook=outlook, building_w=building)
