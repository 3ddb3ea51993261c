"""A grant as a charging profile: what is sent so that a port draws no more than it was granted, until its lease ends.

Whatever is written here, at no moment of the lease is it above the grant: amperes are cut to a tenth, watts are
those of as many phases as the car is known to take, periods that a charger has no room for are melted together under
the least of them, and what a wrong clock may shift begins early where it is less, and late where it is more.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import reduce

from chalicelib.domain.chargers.charging_ability import ChargingAbility, ProfileForm, RateUnit
from chalicelib.domain.chargers.commands import (
    ClearProfiles,
    Limit,
    ProfileKind,
    ProfilePurpose,
    ReadSchedule,
    SetProfile,
)
from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.grid.leases import ROAMS_FOR
from chalicelib.domain.grid.tree import Port

# Ids of our own, below 2^15 for the smallest firmware: 29000 + 10 * EVSE (0: the whole charger) + what it is for.
FIRST_ID, LAST_ID = 29_000, 29_999
_SLOTS = {ProfilePurpose.DEFAULT: 1, ProfilePurpose.SESSION: 2, ProfilePurpose.CHARGER: 3}
# A grant put as a default, or as the whole charger's limit, stands beside the one that is for good, and above it.
_GRANT_SLOTS = {**_SLOTS, ProfilePurpose.DEFAULT: 4, ProfilePurpose.CHARGER: 5}
# A profile that names a time is begun so long before it, and what rises in it rises so much later: clocks of chargers
# are set by our answers, and few are off by more.
CLOCK_TOLERANCE_S = 60
# So late a frame may come (`grants.ROAMS_FOR`).
_ROAMS_S = int(ROAMS_FOR.total_seconds())
# So much before its time a lease ends that a charger counts from when it comes.
ENDS_EARLY_S = _ROAMS_S - CLOCK_TOLERANCE_S
# So long a grant of `share` holds without being renewed.
LEASE_S = 3600
# A default that counts from a time counts from one that every clock has seen, be it only started.
_LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
_DAY_S = 86_400


class CannotPause(Exception):
    """This charger is not to be told 0 A: its charge would not go on. Its least current, or the charge's end."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """From `start_s` after now on: at most `limit_ma` by each of `phases` phases (None: as the port has)."""

    start_s: int
    limit_ma: int
    phases: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PortGrant:
    """What a port may draw from `at` on for `lease_s` seconds; `allowances` are in order, the first from 0 on.

    `ref` is the charger's name for the transaction. `car_phases` is by how many the car charges: None, while nobody
    knows, counts W as if it were one, for a car that takes it all by one phase must not overload that. A DC port takes
    its power by three. `phase_to_use` goes with allowances of one phase, to chargers that let us choose.
    `clock_ahead_s`: a charger whose clock is known to be wrong is told times as that shows them.
    """

    port: Port
    allowances: tuple[Allowance, ...]
    at: datetime
    lease_s: int = LEASE_S
    ref: str | None = None
    car_phases: int | None = None
    phase_to_use: int | None = None
    clock_ahead_s: int = 0


@dataclass(frozen=True, slots=True)
class GrantProfile:
    """What to send, and until when it holds at most: None where it holds for as long as the charge, or for ever."""

    command: SetProfile
    ends_at: datetime | None


def profile_id(connector: ConnectorId | None, purpose: ProfilePurpose, *, grant: bool = False) -> int:
    """The number of our profile at a connector (None: the whole charger), that for good, or that of a `grant`."""
    slots = _GRANT_SLOTS if grant else _SLOTS
    return FIRST_ID + 10 * (connector.evse if connector is not None else 0) + slots[purpose]


def is_ours(number: int) -> bool:
    """Whether a profile of that number is load balancing's own."""
    return FIRST_ID <= number <= LAST_ID


def clearing(command: SetProfile) -> ClearProfiles:
    """What takes back a profile of ours, and no other: its number alone."""
    return ClearProfiles(profile_id=command.profile_id)


def clearings(port: Port) -> tuple[ClearProfiles, ClearProfiles]:
    """What takes back a port's offline default, however it was put, and no other profile: its number alone."""
    own = profile_id(port.port_id.connector, ProfilePurpose.DEFAULT)
    return ClearProfiles(profile_id=own), ClearProfiles(profile_id=profile_id(None, ProfilePurpose.CHARGER))


def default_of(
    port: Port, allowance: Allowance, form: ProfileForm, car_phases: int | None = None, ref: str | None = None
) -> SetProfile:
    """The offline default: what any charge at the port may draw while nobody says otherwise; it has no end.

    As a limit of the whole charger it holds for all connectors together.
    """
    connector = _connector(port, form)
    return SetProfile(
        profile_id=profile_id(connector, form.purpose),
        purpose=form.purpose,
        limits=(_limit(port, allowance, form.unit, car_phases, None),),
        connector=connector,
        stack_level=form.stack_level,
        in_amps=form.unit is RateUnit.AMPERES,
        kind=form.kind,
        starts_at=None if form.kind is ProfileKind.RELATIVE else _LONG_AGO,
        ref=ref if form.purpose is ProfilePurpose.SESSION else None,
    )


def keeps_course(form: ProfileForm, ability: ChargingAbility) -> bool:
    """Whether a plan may be told in that form: one that has no end is the plan's least for good (`profile_of`)."""
    is_default = form.purpose is not ProfilePurpose.SESSION and form.stack_level == 0
    return not is_default and (form.kind is not ProfileKind.RELATIVE or ability.is_relative_since_receipt)


def profile_of(grant: PortGrant, form: ProfileForm, ability: ChargingAbility) -> GrantProfile:
    """The grant in that form, for a charger of that ability. Raises CannotPause; ValueError for no plan in order.

    A form in which no lease can end has the least of the plan, for good: a Relative one of OCPP 1.6, which counts from
    the charge's beginning or from now, as the firmware likes; and one on the lowest stack level, where the default is.
    """
    port, at, lease_s, car_phases = grant.port, grant.at, grant.lease_s, grant.car_phases
    plan = [it for it in _merged(grant.allowances) if it.start_s < lease_s]
    if not ability.pauses_at_zero and any(it.limit_ma == 0 for it in plan):
        raise CannotPause(port.port_id)
    is_relative = form.kind is ProfileKind.RELATIVE
    if not keeps_course(form, ability):
        least = replace(reduce(_lower, plan), start_s=0)
        return GrantProfile(default_of(port, least, form, car_phases, grant.ref), None)
    lead_s = 0 if is_relative else CLOCK_TOLERANCE_S
    # A relative one counts from when it comes, be that as late as a frame may: by then less holds, and it ends in time.
    early_s = _ROAMS_S if is_relative else CLOCK_TOLERANCE_S
    duration_s = max(1, lease_s + CLOCK_TOLERANCE_S - early_s)
    plan = [it for it in _shifted(plan, lease_s, early_s, lead_s) if it.start_s < duration_s]
    plan = shortened(plan, ability.most_periods, lease_s)
    phase = grant.phase_to_use if ability.names_phase else None
    limits = (_limit(port, it, form.unit, car_phases, phase) for it in plan)
    connector = _connector(port, form)
    command = SetProfile(
        profile_id=profile_id(connector, form.purpose, grant=True),
        purpose=form.purpose,
        limits=tuple(replace(it, start_s=it.start_s + lead_s if it.start_s else 0) for it in limits),
        connector=connector,
        stack_level=form.stack_level,
        in_amps=form.unit is RateUnit.AMPERES,
        kind=form.kind,
        starts_at=None if is_relative else at + timedelta(seconds=grant.clock_ahead_s - lead_s),
        duration_s=duration_s + lead_s,
        ref=grant.ref if form.purpose is ProfilePurpose.SESSION else None,
    )
    # For as long its end is counted, whenever it comes.
    return GrantProfile(command, at + timedelta(seconds=lease_s + CLOCK_TOLERANCE_S))


def proof_of(port: Port, form: ProfileForm, lease_s: int) -> ReadSchedule:
    """The composite schedule that shows what follows a lease: it reaches a quarter of it past its end.

    A limit of the whole charger shows in that of the whole charger alone (open-ocpp tells it nowhere).
    """
    duration_s = min(lease_s + max(lease_s // 4, 2 * CLOCK_TOLERANCE_S), _DAY_S)
    return ReadSchedule(duration_s, _connector(port, form), form.unit is RateUnit.AMPERES)


def shortened(plan: Sequence[Allowance], most: int | None, lease_s: int) -> list[Allowance]:
    """The plan in at most so many periods (None: as many as it has), and nowhere above itself.

    The two neighbours go together, under the lower of them, that cost the least energy.
    """
    found = list(plan)
    while most is not None and len(found) > max(most, 1):
        ends = [*(it.start_s for it in found[1:]), lease_s]

        def loss(number: int, ends: list[int] = ends) -> int:
            first, second = found[number], found[number + 1]
            both = _lower(first, second)
            lost_first = (_rate(first) - _rate(both)) * (ends[number] - first.start_s)
            return lost_first + (_rate(second) - _rate(both)) * (ends[number + 1] - second.start_s)

        number = min(range(len(found) - 1), key=loss)
        found[number : number + 2] = [_lower(found[number], found[number + 1])]
    return found


def _connector(port: Port, form: ProfileForm) -> ConnectorId | None:
    return None if form.purpose is ProfilePurpose.CHARGER else port.port_id.connector


def _lower(first: Allowance, second: Allowance) -> Allowance:
    counts = [it for it in (first.phases, second.phases) if it is not None]
    return Allowance(first.start_s, min(first.limit_ma, second.limit_ma), min(counts) if counts else None)


def _rate(allowance: Allowance) -> int:
    return allowance.limit_ma * (allowance.phases or 3)


def _merged(allowances: Sequence[Allowance]) -> list[Allowance]:
    """Without periods that change nothing. Raises ValueError for a plan that does not begin now, or is in no order."""
    found: list[Allowance] = []
    for it in allowances:
        if it.start_s != 0 if not found else it.start_s <= found[-1].start_s:
            raise ValueError("a plan begins at 0 and goes on in order")
        if not found or (it.limit_ma, it.phases) != (found[-1].limit_ma, found[-1].phases):
            found.append(it)
    if not found:
        raise ValueError("a plan without a limit")
    return found


def _shifted(plan: list[Allowance], lease_s: int, early_s: int, late_s: int) -> list[Allowance]:
    """Lowered early and raised late, so that who counts from a moment within these bounds is nowhere above the plan."""
    turns = sorted({0, *(max(it.start_s - early_s, 0) for it in plan), *(it.start_s + late_s for it in plan[1:])})
    found: list[Allowance] = []
    for turn, end in zip(turns, [*turns[1:], lease_s], strict=True):
        if turn >= lease_s:
            break
        low, high = turn - late_s, min(end, lease_s) + early_s
        at_once = [
            it
            for it, until_s in zip(plan, [*(it.start_s for it in plan[1:]), lease_s], strict=True)
            if it.start_s < high and until_s > low
        ]
        lowest = at_once[0]
        for it in at_once[1:]:
            lowest = _lower(lowest, it)
        found.append(Allowance(turn, lowest.limit_ma, lowest.phases))
    return _merged(found)


def _limit(port: Port, allowance: Allowance, unit: RateUnit, car_phases: int | None, phase_to_use: int | None) -> Limit:
    phases = min(allowance.phases or 3, _phases(port))
    if unit is RateUnit.AMPERES:
        limit = Decimal(allowance.limit_ma // 100) / 10
    else:
        taken = min(car_phases or 1, phases)
        limit = Decimal(allowance.limit_ma * port.voltage_v * taken // 100) / 10
    return Limit(allowance.start_s, limit, phases, phase_to_use if phases == 1 else None)


def _phases(port: Port) -> int:
    """How many phases a load there has: what lies between two is one."""
    return 1 if port.is_line_to_line else len(port.phases)
