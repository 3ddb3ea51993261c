"""The look at a site: one query, a sharing, one conditional write, and the frames that follow from it."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from chalicelib.ports import Clock
from chalicelib.ports.charging import Sessions
from chalicelib.ports.grid import Looks, ManagedSites

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Balancer:
    """Looks at sites."""

    managed_sites: ManagedSites
    looks: Looks
    sessions: Sessions
    clock: Clock

    def look(self, site_id: str, *, is_check: bool = False) -> None:
        """Share out."""
