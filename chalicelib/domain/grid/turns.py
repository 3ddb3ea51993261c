"""Whose turn it is where not all can have the least current: a quarter of an hour each, the least served first."""

from __future__ import annotations

from datetime import datetime, timedelta

from chalicelib.domain.grid.tree import Claim

TURN = timedelta(minutes=15)
# What is taken for asked where nobody said: about a day's driving in Europe twice over.
USUAL_WH = 20_000


def place_in_line(claim: Claim, at: datetime) -> tuple[object, ...]:
    """Whoever's turn is not over comes first, then who was served least of what was asked; names decide the rest."""
    return (not is_turn(claim, at), served(claim), claim.begun_at, claim.session_id, claim.port_id)


def is_turn(claim: Claim, at: datetime) -> bool:
    """Whether its quarter of an hour is running."""
    return claim.turn_since is not None and at - claim.turn_since < TURN


def served(claim: Claim) -> float:
    """How much of what was asked it has had, weighed."""
    return claim.served_wh / ((claim.asked_wh or USUAL_WH) * claim.weight)


def is_met(claim: Claim) -> bool:
    """Whether it has had what was asked, so that it takes only what nobody else can."""
    return claim.asked_wh is not None and claim.served_wh >= claim.asked_wh
