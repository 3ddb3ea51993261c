"""What is learnt of a car from its meter: on how many phases it charges, the most it takes, whether it takes anything.

Two looks in a row make a fact, or one that comes minutes after the last if the car has followed its grant since. Half
an ampere of noise makes none: what was learnt holds from 1.5 A below to 0.5 A above it. A car is granted an ampere more
than it was seen to take, so that one that would take more shows it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.grid.tree import SWITCHES, Claim, Draw, Port

PROBE_MA = 1_000
LOOKS = 2
# What a car leaves so long after its last look it does not want.
_SETTLED = timedelta(minutes=3)

_NOISE_MA = 500
# Of less than this at a phase a car takes nothing there but what keeps it awake.
_IDLE_MA = 1_000
_BELOW_MA = 1_500


@dataclass(frozen=True, slots=True)
class Car:
    """What is known of it: `phases`, the most it takes (all its port gives, or less), and since when it takes nothing.

    None: nothing yet.
    """

    phases: int | None
    most_ma: int | None
    idle_since: datetime | None

    def room_ma(self, port: Port) -> int:
        """The most that is worth granting it at this port."""
        return port.most_ma if self.most_ma is None else min(port.most_ma, self.most_ma + PROBE_MA)


def learn(port: Port, claim: Claim, at: datetime) -> Car:
    """What its last looks add to what was known."""
    looks = claim.draws[-LOOKS:]
    taken = [_taken_ma(it) for it in looks]
    seen = [(it, look.granted_ma) for it, look in zip(taken, looks, strict=True) if it is not None]
    told = tuple(it for it in looks if not it.is_by_one)
    phases = _phases(port, told, claim.car_phases)
    was_switched = claim.switching is not None and claim.switching.left < SWITCHES
    if was_switched and phases is not None and phases < (claim.car_phases or len(port.phases)):
        # Some cars do not come back from one phase at once, and may later.
        phases = claim.car_phases
    if len(seen) < LOOKS:
        return Car(phases, claim.car_most_ma, claim.idle_since)
    most_taken, least_taken = max(it for it, _ in seen), min(it for it, _ in seen)
    is_fed = all(granted >= port.least_ma for _, granted in seen)
    if is_fed and most_taken < _IDLE_MA:
        # It keeps what was learnt before it fell asleep: when it wakes it is the same car.
        return Car(phases, claim.car_most_ma, claim.idle_since or at)
    idle_since = None if most_taken >= _IDLE_MA else claim.idle_since
    if _has_followed(looks[0], looks[1], seen[1][0]):
        seen = seen[1:]
        most_taken = least_taken = seen[0][0]
    most_ma = claim.car_most_ma
    leaves_some = is_fed and all(it < granted - _NOISE_MA for it, granted in seen)
    if most_ma is None:
        takes_all = most_taken + PROBE_MA > port.most_ma
        most_ma = _whole(most_taken) if leaves_some else port.most_ma if takes_all else None
    elif least_taken > most_ma + _NOISE_MA:
        most_ma = max(most_ma + PROBE_MA, _whole(least_taken))
    elif leaves_some and most_taken < most_ma - _BELOW_MA:
        most_ma = _whole(most_taken)
    if most_ma is not None and most_ma + PROBE_MA > port.most_ma:
        most_ma = port.most_ma
    return Car(phases, most_ma, idle_since)


def is_asleep(idle_since: datetime | None, at: datetime, rest: timedelta) -> bool:
    """Whether it took nothing when it could and need not be tried again yet."""
    return idle_since is not None and at - idle_since < rest


def _has_followed(before: Draw, now: Draw, taken_ma: int) -> bool:
    """Whether what it takes now is its own answer to its grant, not yet the grant before: one look tells then."""
    if now.at - before.at < _SETTLED:
        return False
    return now.granted_ma == before.granted_ma or taken_ma > before.granted_ma + _NOISE_MA


def _taken_ma(look: Draw) -> int | None:
    """By the phase that takes most; None where its meter told no current."""
    return max((it for it in look.current_ma if it is not None), default=None)


def _whole(current_ma: int) -> int:
    return (current_ma + PROBE_MA // 2) // PROBE_MA * PROBE_MA


def _phases(port: Port, looks: tuple[Draw, ...], known: int | None) -> int | None:
    """More at once, for it takes what it was not thought to; fewer after two looks; as known where nothing is told."""
    if port.is_line_to_line or len(port.phases) == 1:
        return len(port.phases)
    used = [_used(it) for it in looks]
    told = [it for it in used if it is not None]
    if not told:
        return known
    if known is not None and told[-1] > known:
        return told[-1]
    return max(told) if len(told) == LOOKS else known


def _used(look: Draw) -> int | None:
    if any(it is None for it in look.current_ma):
        return None
    busy = [number for number, it in enumerate(look.current_ma, 1) if it is not None and it >= _IDLE_MA]
    return max(busy, default=None)
