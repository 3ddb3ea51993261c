"""What is kept of each session from one sharing to the next, as a service keeps it in a site's rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from chalicelib.domain.grid.balancing import share
from chalicelib.domain.grid.cars import LOOKS
from chalicelib.domain.grid.tree import Claim, Conditions, Draw, Grants, PortId, SiteTree


@dataclass(slots=True)
class Memory:
    """The fair share, asked again and again: what it answered goes into the next question, by session."""

    tree: SiteTree
    grants: Grants = field(default_factory=Grants)
    _sessions: dict[PortId, str] = field(default_factory=dict)
    _draws: dict[str, tuple[Draw, ...]] = field(default_factory=dict)

    def look(self, session_id: str, draw: Draw) -> None:
        """Keep what a session's meter showed."""
        self._draws[session_id] = (*self._draws.get(session_id, ()), draw)[-LOOKS:]

    def share(self, claims: Iterable[Claim], at: datetime, conditions: Conditions | None = None) -> Grants:
        """The grants at `at`; of the claims only what a driver and a meter say need be filled in."""
        known = self.known(claims)
        self.grants = share(self.tree, known, at, conditions or Conditions())
        self._sessions = {it.port_id: it.session_id for it in known}
        return self.grants

    def known(self, claims: Iterable[Claim]) -> list[Claim]:
        """Claims with what is remembered of them."""
        return [self._with_what_is_known(it) for it in claims]

    def _with_what_is_known(self, claim: Claim) -> Claim:
        draws = self._draws.get(claim.session_id, ())
        port_id = claim.port_id
        if self._sessions.get(port_id) != claim.session_id:
            return replace(claim, draws=draws)
        return replace(
            claim,
            draws=draws,
            car_phases=self.grants.car_phases.get(port_id),
            car_most_ma=self.grants.car_most_ma.get(port_id),
            turn_since=self.grants.turn_since.get(port_id),
            idle_since=self.grants.idle_since.get(port_id),
        )
