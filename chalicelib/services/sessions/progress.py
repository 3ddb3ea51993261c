"""A session's progress: what its driver sees of it while it goes on, and once it is over.

A final bill is shown as it is; until then what is proven of its energy, and the price of that.
"""

from __future__ import annotations

from datetime import datetime

from chalicelib.domain.charging.session import Session, State
from chalicelib.domain.charging.wishes import soc_percent
from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.grid.waits import PowerWait
from chalicelib.domain.pricing.bill import Bill
from chalicelib.domain.pricing.energy import Measured
from chalicelib.records.charging import StoredReading
from chalicelib.services.pricing.rating import Idling, cost_so_far
from chalicelib.services.sessions.elapsed import Elapsed


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """A session's progress: `energy_wh` and `cost` so far or final, `power_w` and `soc_percent` newest.

    `idling` where its car stands there now at its driver's cost; `power_wait` where it waits for its site's power.
    """

    session: Session
    energy_wh: int
    cost: Bill
    power_w: int | None = None
    soc_percent: int | None = None
    elapsed_s: int = 0
    offline_since: datetime | None = None
    position: str = ""
    idling: Idling | None = None
    power_wait: PowerWait | None = None


def progress(
    session: Session,
    found: Measured | None = None,
    newest: StoredReading | None = None,
    lasted: Elapsed | None = None,
) -> Progress:
    """What a driver sees: what is proven (`found`) by the newest reading and those before it.

    A final bill is shown as it is; before that, the price of what has been taken, and of the time that it has `lasted`;
    without that it is shown as of the reading.
    """
    reading = newest.reading if newest else None
    is_weighed = session.measured_wh is not None or found is None
    energy_wh = session.energy_wh if is_weighed else found.energy_wh if found else None
    # Before the first reading nobody knows what has been taken, and time runs all the same.
    is_unread = lasted is not None and reading is None and session.state is State.ACTIVE
    energy_wh = energy_wh or 0
    began_at = session.started_at or session.created_at
    until = lasted.until if lasted else session.stopped_at or (reading.at if reading else began_at)
    charging = session.state is State.ACTIVE and reading is not None
    return Progress(
        session=session,
        energy_wh=energy_wh,
        cost=session.bill or cost_so_far(session, found, None if is_unread else energy_wh, until),
        power_w=reading.power_w if reading and charging else None,
        soc_percent=soc_percent(session, reading),
        elapsed_s=max(0, int((until - began_at).total_seconds())) if session.started_at else 0,
        offline_since=lasted.offline_since if lasted else None,
        position=newest.position if newest else "",
    )
