"""Outlooks: what a kWh costs and emits at a site, in quarters of an hour that come or are past."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain.grid.outlook import Outlook


@dataclass(frozen=True, kw_only=True)
class Outlooks:
    """Composes a site's outlook of its energy contract, its own sun, and the signals of its zones."""

    def of(self, site_id: str, begins_at: datetime, quarters: int) -> Outlook:
        """So many quarters from the quarter of `begins_at` on, past or to come; rows end where nothing is known.

        A site without an energy contract has an outlook of empty rows. `guidance(outlook.told_at, at)` of
        `domain/grid/signals.py` says whether it may be planned by.
        """
        raise NotImplementedError
