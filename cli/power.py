"""What sharing out power costs a day: the minute's looks at 10,000 busy sites, and apart from those the frames."""

from __future__ import annotations

from cli.bill import bill, total_usd
from cli.fleet import DAYS_A_MONTH, Fleet, counts, measured, use
from cli.report import Sheet

BUSY_SITES = 10_000
# What the looks alone take, and all that grants take.
LOOKS = ("power check", "found busy_sites sites", "tick_busy_sites")
PLANS = ("power plan",)
ESTIMATES = ("power estimate",)
FRAMES = ("power frame",)
READINGS = ("power reading",)
_HOURS_BUSY = 24


def fleet_of(sites: int = BUSY_SITES) -> Fleet:
    """So many sites with three cars each at all hours, all sessions of them."""
    one = Fleet(0, 1, managed_share=1.0)
    return Fleet(0, sites * one.cars_at_busy_site * _HOURS_BUSY * 60 / one.session_minutes, managed_share=1.0)


def usd_a_day(kinds: tuple[str, ...], fleet: Fleet) -> float:
    """What these kinds alone cost: the bill with them, less the bill without."""
    with_all = total_usd(bill(use(fleet)))
    known = measured()
    without = {
        version: {kind: {} if kind in kinds else taken for kind, taken in found.items()}
        for version, found in known.items()
    }
    return (with_all - total_usd(bill(use(fleet, without)))) / DAYS_A_MONTH


def sheet(sites: int = BUSY_SITES) -> Sheet:
    fleet = fleet_of(sites)
    often = counts(fleet)
    rows = []
    for name, kinds in (
        (f"looks at {sites:,} busy sites, each minute", LOOKS),
        ("plans there, one each quarter of an hour", PLANS),
        ("estimates, as drivers come, say something else, or wait", ESTIMATES),
        ("frames that grant power, their answers and looks", FRAMES),
        ("readings there, written beside the claim", READINGS),
    ):
        usd = usd_a_day(kinds, fleet)
        number = often[kinds[0]] / DAYS_A_MONTH
        rows.append([name, f"{number:,.0f}", f"${usd:,.2f}", f"{usd / fleet.sessions_per_day:.5f}"])
    return Sheet(["what", "a day", "USD a day", "USD a session there"], rows)
