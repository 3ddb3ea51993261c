"""What a plan takes for granted that nobody told it: how much cars will take, who will come, what waiting is worth.

A short site is planned by `USUAL`: what is put off may never be made up for. A site that has been seen to have room
enough is planned by `ROOMY` (`day_plans`), where the cheapest hours may be waited for.
"""

from __future__ import annotations

from chalicelib.domain.data_classes import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumptions:
    """One set of them; parts of one but where said otherwise.

    `known` of what a car was seen to take, `unknown` of its port where nothing was seen, is what it is counted on to
    take later. `expected` of those who are thought to come is kept with each hour from now; `full`: so much of a site
    is taken at most; `is_crowded`: whoever is thought to come, so many do that it is. `later`: what charging a
    kilowatt-hour an hour later costs, and `changed` what it costs to change one from what it was told last, of what
    one that is lacking does. `demand`: of what the month's highest quarter costs, what a day's plan counts.
    """

    known: float = 0.6
    unknown: float = 0.4
    expected: float = 1.0
    full: float = 0.8
    is_crowded: bool = False
    later: float = 1e-3
    changed: float = 1e-4
    demand: float = 1.0


USUAL = Assumptions()
CROWDED = replace(USUAL, is_crowded=True)
# One day's plan does not set the month's highest quarter: another day will need it all the same.
ROOMY = Assumptions(known=1.0, unknown=0.5, expected=0.7, full=1.0, later=2e-4, changed=2e-5, demand=0.35)
