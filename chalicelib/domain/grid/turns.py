"""Whose turn it is where not all can have the least current: a quarter of an hour each, the least served first."""

from __future__ import annotations

from datetime import datetime, timedelta

from chalicelib.domain.grid.needs import ahead
from chalicelib.domain.grid.tree import Claim

TURN = timedelta(minutes=15)


def place_in_line(claim: Claim, at: datetime) -> tuple[object, ...]:
    """Whoever's turn is not over comes first, then who is served least; names decide the rest."""
    return (not is_turn(claim, at), ahead(claim, at), claim.begun_at, claim.session_id, claim.port_id)


def is_turn(claim: Claim, at: datetime) -> bool:
    """Whether its quarter of an hour is running."""
    return claim.turn_since is not None and at - claim.turn_since < TURN
