"""The apps' files: what a month's visits ask of their door and their bucket. Reckoned, not measured.

A file that bears no version is asked for again by each visit, and CloudFront asks the bucket whether it is still the
same; what lies in `vendor/` is asked for once. A release that changes files is left out: few bytes, once each.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cli.fleet import Fleet

# An answer that nothing has changed, with its headers and its policy; the whole app, packed, with its offline shell.
_SAME_BYTES, _WHOLE_BYTES = 1_200, 250_000
_GB = 1024**3
# The app's files, a few more than there are; a test counts them.
FILES = 70
# The page and what the pages of one charge are made of, without `vendor/`.
REQUESTS_A_VISIT = 30


def visits(fleet: Fleet) -> float:
    """Times a month that a page of the app is opened anew."""
    return fleet.sessions * fleet.app_visits_per_session


def files_asked(fleet: Fleet, amounts: defaultdict[str, float]) -> None:
    """Add what the apps' door takes in a month: requests, each led on by a function, and what the bucket is asked."""
    again, anew = visits(fleet) * REQUESTS_A_VISIT, fleet.active_drivers * fleet.app_loads_per_driver_month
    whole = anew * FILES
    amounts["edge_request"] += again + whole
    amounts["edge_function"] += again + whole
    amounts["file_get"] += again + whole
    amounts["edge_gb_out"] += (again * _SAME_BYTES + anew * _WHOLE_BYTES) / _GB
