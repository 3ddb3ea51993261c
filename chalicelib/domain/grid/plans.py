"""Planning: when each car at a site charges in the coming day, so that all are ready in time, cheaply and cleanly.

A plan is the cheapest answer to a linear program over quarters of an hour: first as little as can be lacks when
drivers leave (the more a car lacks the more it counts, so that scarcity is shared), then cost, carbon and the month's
highest quarter, then changes. It is no promise of current: `balancing.share` has the last word.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from chalicelib.domain.grid.outlook import Outlook, Plan
from chalicelib.domain.grid.programs import LinearProgram
from chalicelib.domain.grid.tree import Claim, Conditions, Port, SiteTree


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a site wants to be planned.

    `carbon_micros_per_kg`: what a kilogram of CO2 counts beside money (millionths of the currency's unit; 0: only
    money counts). `margin`: nothing is put off past the latest start less so much, for drivers err.
    `horizon`: how far plans reach.
    """

    carbon_micros_per_kg: int = 0
    margin: timedelta = timedelta(minutes=30)
    horizon: timedelta = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A program to be solved, and what its amounts mean."""

    program: LinearProgram
    begins_at: datetime
    parts: tuple[tuple[datetime, datetime], ...]
    ports: tuple[Port, ...]
    columns: tuple[tuple[int | None, ...], ...] = field(default=())


def problem(
    tree: SiteTree,
    claims: Iterable[Claim],
    outlook: Outlook,
    at: datetime,
    conditions: Conditions | None = None,
    settings: Settings | None = None,
) -> Problem:
    """What is to be solved so that the site's cars are ready in time.

    `at` lies in the outlook's first quarter, or later in it; claims are those of `share`, whatever is remembered of
    them filled in. Cars that want nothing, or sleep, have no part in it. ValueError for a tree that is none.
    """
    raise NotImplementedError


def read(problem: Problem, solution: Sequence[float] | None) -> Plan:
    """The plan that a solution means, in steps that each charger knows; an empty plan (fair share) where there is none."""
    raise NotImplementedError
