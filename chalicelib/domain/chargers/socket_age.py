"""How old a charger's socket may become before we close it ourselves, so that a storm does not come back by itself.

API Gateway ends every socket after two hours. Chargers that came back together after an outage would end together, and
come back together, every two hours for ever. So the socket of one that was away may become any age, each as likely as
another, and the fleet is spread by the time it has been renewed once; from then on each is nearly as old as it may be,
which leaves them spread and costs least.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

LIFETIME = timedelta(hours=2)  # API Gateway's, hard
# A charger that is to be let go must say something once more before the gateway does it: a heartbeat, and a moment.
_MOMENT = timedelta(seconds=30)
# Nobody is sent away who has just come.
_YOUNGEST = timedelta(minutes=10)


def may_be_days_first(at: datetime) -> bool:
    """Whether a socket opened then may be its charger's first of the day (UTC): all have one by then, some two."""
    midnight = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return at - midnight <= LIFETIME


def longest(heartbeat_s: int) -> timedelta:
    """From this age on a socket is closed at its charger's next heartbeat, which comes before the gateway's end."""
    return LIFETIME - timedelta(seconds=heartbeat_s) - _MOMENT


def closing_age(chance: float, heartbeat_s: int, *, was_renewed: bool) -> timedelta:
    """The age at which a socket is to be closed; `chance` is from 0 to below 1, and decides where nobody renewed it."""
    oldest = longest(heartbeat_s)
    return oldest if was_renewed else _YOUNGEST + chance * (oldest - _YOUNGEST)
