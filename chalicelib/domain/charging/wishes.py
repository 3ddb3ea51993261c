"""How a session takes in what its driver wishes of its charge, what they were told of that, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from chalicelib.domain.chargers.events import Reading
from chalicelib.domain.charging.footprint import Footprint
from chalicelib.domain.charging.preferences import ChargingPreferences, ToldPlan
from chalicelib.domain.charging.session import Session, State
from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.vehicles.telemetry import Observed

# Of a session so many changes are told by a notice: a driver may say something else each second.
MOST_PLANS_TOLD = 20


@dataclass(frozen=True, slots=True)
class Preferred:
    """Its driver says how it is to charge; that stands in place of what was said before."""

    preferences: ChargingPreferences


@dataclass(frozen=True, slots=True)
class PlanTold:
    """Its site has planned it, and its driver is told; of what is no news to them nothing is kept.

    `is_answer`: as of `ToldPlan.is_news`.
    """

    plan: ToldPlan
    is_answer: bool = False


@dataclass(frozen=True, slots=True)
class FootprintFound:
    """What its energy came to, found once it was over."""

    footprint: Footprint


@dataclass(frozen=True, slots=True)
class CarNamed:
    """Its driver's car is called so; an empty name: it is not known whose car it is, or was told wrongly."""

    car: str


@dataclass(frozen=True, slots=True)
class CarToldPercent:
    """Its driver's car says how full it is; an older word changes nothing."""

    percent: Observed[int]


WishEvent = Preferred | PlanTold | FootprintFound | CarNamed | CarToldPercent


def soc_percent(session: Session, newest: Reading | None) -> int | None:
    """How full its car is by its charger's newest reading, else by the car's own word where that is not old by then."""
    told, by_car = newest.soc_percent if newest is not None else None, session.car_percent
    if told is not None or by_car is None:
        return told
    return by_car.value if newest is None or by_car.is_fresh(newest.at) else None


def plans_told(before: Session, after: Session) -> list[int]:
    """The number of what was told anew of a plan that stood before."""
    told = after.told_plan
    is_told = told is not None and told != before.told_plan and 0 < told.number <= MOST_PLANS_TOLD
    return [told.number] if told is not None and is_told else []


def _prefer(session: Session, event: Preferred) -> Session:
    if session.preferences == event.preferences:
        return session
    # A plan for other wishes is none for these.
    return replace(session, preferences=event.preferences)


def _tell(session: Session, event: PlanTold) -> Session:
    told = session.told_plan
    if not event.plan.is_news(told, is_answer=event.is_answer):
        return session
    return replace(session, told_plan=replace(event.plan, number=told.number + 1 if told is not None else 0))


def _weigh(session: Session, event: FootprintFound) -> Session:
    return session if session.footprint is not None else replace(session, footprint=event.footprint)


def _name(session: Session, event: CarNamed) -> Session:
    # What another car said of itself is none of this one's.
    return session if session.car == event.car else replace(session, car=event.car, car_percent=None)


def _fill(session: Session, event: CarToldPercent) -> Session:
    known = session.car_percent
    return (
        session if known is not None and known.at >= event.percent.at else replace(session, car_percent=event.percent)
    )


WISHES: Mapping[tuple[State, type], Callable[..., Session]] = {
    (State.INITIATED, Preferred): _prefer,
    (State.ACTIVE, Preferred): _prefer,
    (State.ACTIVE, PlanTold): _tell,
    (State.ACTIVE, CarToldPercent): _fill,
    (State.STOPPING, FootprintFound): _weigh,
    # A wrong match is undone also when its charge is over and paid.
    **{(it, CarNamed): _name for it in State if it is not State.FAILED},
}
