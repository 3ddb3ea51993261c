"""Which car hangs at which of our plugs: by when it was plugged in, where it stands, and what it draws.

A guess is shown to the driver and counts for nothing until they have confirmed it once; a match that they undid is
never guessed again.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

from chalicelib.domain.chargers.geography import GeoPoint, distance_m
from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.vehicles.telemetry import Observed

# A car tells of its plug within so long of the charger.
_APART = timedelta(minutes=5)
_CLOSE = timedelta(minutes=1)
# Positions are kept to about a kilometre.
_NEAR_M = 1_500.0
_POWER_PART = 0.15
_LEAST_W = 1_000
# Beyond doubt enough to ask the driver, and so much more than the next one.
_LEAST_SCORE, _AHEAD = 3, 1


class MatchState(StrEnum):
    """What a driver made of a match."""

    GUESSED = "guessed"
    CONFIRMED = "confirmed"
    UNDONE = "undone"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenCar:
    """A driver's car as far as it can be told at which plug it is."""

    vehicle_id: str
    plugged_at: datetime | None
    position: GeoPoint | None = None
    power_w: Observed[int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenSession:
    """A session of the same driver: since when something is plugged in there, where, and what it draws.

    `car` is what it calls the car that is matched with it.
    """

    session_id: str
    plugged_at: datetime
    position: GeoPoint | None = None
    power_w: Observed[int] | None = None
    car: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CarMatch:
    """A car and a session that belong together, and who said so."""

    session_id: str
    vehicle_id: str
    state: MatchState
    at: datetime
    refused: tuple[str, ...] = ()

    @property
    def counts(self) -> bool:
        """Whether plans and limits go by it."""
        return self.state is MatchState.CONFIRMED

    def confirmed(self, at: datetime) -> CarMatch:
        """Its driver says that it is so."""
        return self if self.counts else replace(self, state=MatchState.CONFIRMED, at=at)

    def undone(self, at: datetime) -> CarMatch:
        """Its driver says that it is not; that car is not guessed here again."""
        if self.state is MatchState.UNDONE:
            return self
        return replace(self, state=MatchState.UNDONE, at=at, refused=(*self.refused, self.vehicle_id))


def score(car: SeenCar, session: SeenSession) -> int | None:
    """How well the two fit, more is better; None where they cannot be the same."""
    if car.plugged_at is None or abs(car.plugged_at - session.plugged_at) > _APART:
        return None
    found = 3 if abs(car.plugged_at - session.plugged_at) <= _CLOSE else 2
    if car.position is not None and session.position is not None:
        if distance_m(car.position, session.position) > _NEAR_M:
            return None
        found += 2
    one, other = car.power_w, session.power_w
    if one is not None and other is not None and abs(one.at - other.at) <= _APART:
        most_w = max(one.value, other.value)
        if most_w >= _LEAST_W:
            if abs(one.value - other.value) > 2 * _POWER_PART * most_w:
                return None
            found += 1 if abs(one.value - other.value) <= _POWER_PART * most_w else 0
    return found


def guessed(
    session: SeenSession, cars: Iterable[SeenCar], known: CarMatch | None, at: datetime, trusted: frozenset[str]
) -> CarMatch | None:
    """The match after looking at a driver's cars; what a driver said stands.

    `trusted` cars were confirmed by this driver at a charger of ours before: they are matched without asking again.
    """
    if known is not None and known.counts:
        return known
    refused = known.refused if known is not None else ()
    found = sorted(
        ((it_score, it.vehicle_id) for it in cars if (it_score := score(it, session)) is not None),
        reverse=True,
    )
    found = [it for it in found if it[1] not in refused]
    if not found or found[0][0] < _LEAST_SCORE:
        return known
    if len(found) > 1 and found[0][0] - found[1][0] < _AHEAD:
        # Two cars that fit alike are told apart by nobody but the driver.
        return known
    vehicle_id = found[0][1]
    state = MatchState.CONFIRMED if vehicle_id in trusted else MatchState.GUESSED
    if known is not None and known.state is state and known.vehicle_id == vehicle_id:
        return known
    return CarMatch(session_id=session.session_id, vehicle_id=vehicle_id, state=state, at=at, refused=refused)
