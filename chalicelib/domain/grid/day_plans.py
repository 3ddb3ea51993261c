"""A site's plan of a day: by one program, or by three where the site has room for all who charge there.

A site is roomy while its usual program leaves next to nothing lacking, none of the last day's did, and little would
lack if it were as full as sites get. There the cheap hours are worth waiting for: it is planned again, less hurried.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.grid.announced import Solve, heeded
from chalicelib.domain.grid.arrivals import hour_of
from chalicelib.domain.grid.assumptions import CROWDED, ROOMY, USUAL, Assumptions
from chalicelib.domain.grid.outlook import Outlook, Plan
from chalicelib.domain.grid.plans import PlanProblem, problem, read
from chalicelib.domain.grid.restraint import building_w
from chalicelib.domain.grid.stays import Settings
from chalicelib.domain.grid.tree import Claim, Conditions, SiteTree

# What a roomy site's plan may leave lacking of all that is asked for: one car and a forecast that err.
_LACKS_PERMILLE = 150
_CROWDED_LACKS_PERMILLE = 200
# A site that was short at noon is short at noon tomorrow.
_REMEMBERED = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class _Solved:
    """A problem, its solution, and the plan that this means."""

    problem: PlanProblem
    solution: Sequence[float]
    plan: Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class DayPlans:
    """Plans of a site at one moment, whatever is assumed."""

    tree: SiteTree
    claims: Sequence[Claim]
    outlook: Outlook
    at: datetime
    conditions: Conditions | None = None
    settings: Settings | None = None

    def best(self, solve: Solve) -> Plan | None:
        """The plan to go by; None where the usual program has no solution. Without the others it stands as it is.

        Which program that is follows from what would be if nobody asked the site for less.
        """
        usual = self._by(USUAL, solve)
        if usual is None:
            return None
        roomy = self._roomy(usual.plan, solve)
        plan = self._heeded(roomy or usual, solve)
        return replace(plan, lacks_permille=usual.plan.lacks_permille, is_roomy=roomy is not None) if plan else None

    def _roomy(self, usual: Plan, solve: Solve) -> _Solved | None:
        if not self._may_be_roomy(usual):
            return None
        crowded = self._by(CROWDED, solve)
        if crowded is None or crowded.plan.lacks_permille > _CROWDED_LACKS_PERMILLE:
            return None
        return self._by(ROOMY, solve)

    def _by(self, assumed: Assumptions, solve: Solve) -> _Solved | None:
        asked = problem(self.tree, self.claims, self.outlook, self.at, self.conditions, self.settings, assumed)
        solution = solve(asked.program)
        return None if solution is None else _Solved(asked, solution, read(asked, solution))

    def _heeded(self, solved: _Solved, solve: Solve) -> Plan | None:
        building = self.conditions.building if self.conditions is not None else None
        return heeded(
            solved.problem,
            solved.solution,
            solve,
            free=solved.plan,
            tree=self.tree,
            claims=self.claims,
            outlook=self.outlook,
            building_w=building_w(self.tree, building, self.at),
        )

    def _may_be_roomy(self, usual: Plan) -> bool:
        # Where nobody watches who comes, as at home, nobody knows how full it gets.
        lacked_at = lacked(usual, self.outlook.lacked_at, self.at)
        return bool(self.outlook.coming_permille) and (lacked_at is None or self.at - lacked_at >= _REMEMBERED)


def lacked(plan: Plan, before: datetime | None, at: datetime) -> datetime | None:
    """The hour in which plans of a site last left too much lacking, this one among them; None: none did."""
    if plan.lacks_permille <= _LACKS_PERMILLE:
        return before
    return hour_of(at)
