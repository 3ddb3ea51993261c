"""A plan made anew each quarter of an hour and followed by the fair share in between, as the product does it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from time import process_time

from chalicelib.adapters.grid.highs import Highs
from chalicelib.domain.charging.preferences import ToldPlan
from chalicelib.domain.grid.arrivals import Arrivals
from chalicelib.domain.grid.day_plans import DayPlans, lacked
from chalicelib.domain.grid.estimates import as_usual, estimate, fed, unmet_wh
from chalicelib.domain.grid.needs import even_ma
from chalicelib.domain.grid.outlook import QUARTER, Outlook, Plan
from chalicelib.domain.grid.plan_course import must_hurry
from chalicelib.domain.grid.stays import Settings
from chalicelib.domain.grid.tree import Claim, Grants, SiteTree
from chalicelib.ports.grid import Solver
from local.simulate.memory import Memory

# By session, what its driver is told.
Told = Mapping[str, ToldPlan]


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
    lacked_at: datetime | None = None
    unsolved: int = 0
    solved_s: list[float] = field(default_factory=list)
    _planned: frozenset[str] = frozenset()

    def solve(self, claims: Sequence[Claim], outlook: Outlook, at: datetime, tree: SiteTree | None = None) -> None:
        """Plan anew; where there is no solution all have their fair share until the next.

        `tree`: the site without those of its ports where nobody can come now.
        """
        before = self.arrivals or Arrivals(until=at - QUARTER)
        self.arrivals = before.with_claims(claims, at)
        asked = self._asked(self.memory.known(claims), outlook, at, tree)
        began = process_time()
        plan = asked.best(self.solver.solve)
        self.solved_s.append(process_time() - began)
        self.unsolved += plan is None
        self.plan = plan or Plan(begins_at=outlook.begins_at)
        self.lacked_at = lacked(self.plan, self.lacked_at, at)
        self._planned = frozenset(it.session_id for it in claims)

    def foretell(self, new: Collection[str], claims: Sequence[Claim], outlook: Outlook, at: datetime) -> Told:
        """What those who have just come are told, by a plan of the next quarter on that is not kept."""
        ports = {it.port_id: it for it in self.memory.tree.ports}
        known = self.memory.known(claims)
        usual = {it.session_id: as_usual(it, ports[it.port_id]) for it in known if it.session_id in new}
        fed_ma = {name: self.memory.grants.limit_ma.get(it.port_id, 0) for name, it in usual.items()}
        later_at = outlook.begins_at + QUARTER
        then = [
            fed(usual[it.session_id], ports[it.port_id], fed_ma[it.session_id], at, later_at)
            if it.session_id in usual
            else it
            for it in known
        ]
        plan = self._asked(then, outlook.from_next(), later_at).best(self.solver.solve)
        plan = plan or Plan(begins_at=later_at)
        nothing = (0,) * (self.settings.horizon // QUARTER)
        return {
            name: estimate(
                it,
                ports[it.port_id],
                plan.limit_ma.get(it.port_id, nothing),
                outlook,
                at,
                unmet_wh=unmet_wh(plan, it) or 0,
                fed_ma=fed_ma[name],
            )
            for name, it in usual.items()
        }

    def _asked(self, claims: Sequence[Claim], outlook: Outlook, at: datetime, tree: SiteTree | None = None) -> DayPlans:
        quarters = self.settings.horizon // QUARTER
        coming = self.arrivals.coming(claims, outlook.begins_at, quarters) if self.arrivals is not None else ()
        outlook = replace(outlook, coming_permille=coming, lacked_at=self.lacked_at)
        return DayPlans(tree=tree or self.memory.tree, claims=claims, outlook=outlook, at=at, settings=self.settings)

    def share(self, claims: Sequence[Claim], at: datetime) -> Grants:
        """The grants at `at`, by the plan in force."""
        if self.plan is None:
            return self.memory.share(claims, at)
        return self.memory.share([self._guided(it, at) for it in claims], at)

    def _guided(self, claim: Claim, at: datetime) -> Claim:
        """What a claim is to have: much as a look at the site would say (how they differ, ADR 57 tells)."""
        assert self.plan is not None
        port = next(it for it in self.memory.tree.ports if it.port_id == claim.port_id)
        planned_ma: int | None = None
        is_kept = False
        if claim.session_id in self._planned:
            planned_ma, is_kept = self.plan.at(claim.port_id, at)
            is_kept = is_kept and not must_hurry(claim, port, at)
        elif self.plan.is_roomy:
            planned_ma = even_ma(claim, port, len(port.phases), at)
            is_kept = planned_ma is not None
        return replace(claim, planned_ma=planned_ma, is_kept_to_plan=is_kept)
