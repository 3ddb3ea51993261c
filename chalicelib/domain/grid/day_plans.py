"""A site's plan of a day: by one program, or by three where the site has room for all who charge there.

A site is roomy while its usual program leaves next to nothing lacking, none of the last day's did, and little would
lack if it were as full as sites get. There the cheap hours are worth waiting for: it is planned again, less hurried.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.grid.assumptions import CROWDED, ROOMY, USUAL, Assumptions
from chalicelib.domain.grid.outlook import Outlook, Plan
from chalicelib.domain.grid.plans import problem, read
from chalicelib.domain.grid.programs import LinearProgram
from chalicelib.domain.grid.stays import Settings
from chalicelib.domain.grid.tree import Claim, Conditions, SiteTree

Solve = Callable[[LinearProgram], Sequence[float] | None]

# What a roomy site's plan may leave lacking of all that is asked for: one car and a forecast that err.
_LACKS_PERMILLE = 150
_CROWDED_LACKS_PERMILLE = 200
# A site that was short at noon is short at noon tomorrow.
_REMEMBERED = timedelta(hours=24)
_HOUR = timedelta(hours=1)


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
        """The plan to go by; None where the usual program has no solution. Without the others it stands as it is."""
        usual = self._by(USUAL, solve)
        if usual is None or not self._may_be_roomy(usual):
            return usual
        crowded = self._by(CROWDED, solve)
        if crowded is None or crowded.lacks_permille > _CROWDED_LACKS_PERMILLE:
            return usual
        roomy = self._by(ROOMY, solve)
        return usual if roomy is None else replace(roomy, lacks_permille=usual.lacks_permille, is_roomy=True)

    def _by(self, assumed: Assumptions, solve: Solve) -> Plan | None:
        asked = problem(self.tree, self.claims, self.outlook, self.at, self.conditions, self.settings, assumed)
        solution = solve(asked.program)
        return None if solution is None else read(asked, solution)

    def _may_be_roomy(self, usual: Plan) -> bool:
        # Where nobody watches who comes, as at home, nobody knows how full it gets.
        lacked_at = lacked(usual, self.outlook.lacked_at, self.at)
        return bool(self.outlook.coming_permille) and (lacked_at is None or self.at - lacked_at >= _REMEMBERED)


def lacked(plan: Plan, before: datetime | None, at: datetime) -> datetime | None:
    """The hour in which plans of a site last left too much lacking, this one among them; None: none did."""
    if plan.lacks_permille <= _LACKS_PERMILLE:
        return before
    return at - (at - datetime.min.replace(tzinfo=at.tzinfo)) % _HOUR
