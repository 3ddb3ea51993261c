"""Why a car at a managed site has no power, or might lose it: what its driver is told, and until when at the soonest.

A car waits for its turn where not all can have the least current, or for a limit that leaves nobody any. One that
charges may stand still once nobody speaks to its charger, where not even the least of all who charge fits in silence.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from enum import StrEnum

from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.grid.needs import is_met
from chalicelib.domain.grid.tree import Claim, Grants, OperatorLimit, PortId
from chalicelib.domain.grid.turns import TURN


class WaitCause(StrEnum):
    """What holds a car's power back: others' turns, or a limit; `offline`: nothing, as long as its site is online."""

    TURN = "turn"
    LIMIT = "limit"
    OFFLINE = "offline"


@dataclass(frozen=True, slots=True)
class PowerWait:
    """That a car waits for power since `since`, and why; not before `until`, None: nobody knows."""

    cause: WaitCause
    since: datetime
    until: datetime | None = None


def power_waits(
    claims: Iterable[Claim],
    grants: Grants,
    limits: Iterable[OperatorLimit],
    left_out: Collection[PortId],
    at: datetime,
) -> Mapping[PortId, PowerWait]:
    """The claims that wait, by port. A car that takes nothing by itself, or has had what was asked, waits for nobody.

    `left_out`: the ports whose offline default is nothing, though they charge (`OfflineDefaults`).
    """
    turns_end = [it + TURN for it in grants.turn_since.values() if it + TURN > at]
    limits_end = [it.ends_at for it in limits if it.begins_at <= at < it.ends_at]
    found = {}
    for claim in claims:
        port_id = claim.port_id
        if grants.target_ma.get(port_id, 0):
            if port_id in left_out:
                found[port_id] = PowerWait(WaitCause.OFFLINE, at)
        elif is_met(claim) or port_id in grants.idle_since:
            continue
        elif turns_end:
            found[port_id] = PowerWait(WaitCause.TURN, at, min(turns_end))
        else:
            found[port_id] = PowerWait(WaitCause.LIMIT, at, min(limits_end, default=None))
    return found
