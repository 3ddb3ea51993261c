"""Starts: how many of one driver's charges may be about to begin, and how long they wait after starts in vain.

A start keeps a connector from everybody until its charger begins or gives up. What one account can keep so is bounded
across all chargers, whatever its cards are good for. Abroad, where a token is enough, so many begin in a day.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from chalicelib.domain.charging.session import Reason, Session, State

# A family with two cars, and one start that hangs.
MOST_STARTING = 3
# So many in a row may come to nothing; each further one is waited for twice as long.
MOST_FRUITLESS = 3
COOL_DOWN = timedelta(minutes=10)
LONGEST_COOL_DOWN = timedelta(hours=1)
# So many charges of one driver by tokens abroad in a day (UTC): a token can be copied, and nobody sees a price there.
MOST_ABROAD = 6
# Whoever changes their mind within seconds keeps nobody waiting.
_KEPT_WAITING = timedelta(seconds=8)
_FRUITLESS = (Reason.CHARGER_DID_NOT_START, Reason.CARD_NOT_CONFIRMED, Reason.CANCELLED, Reason.INTERNAL)


def is_fruitless(session: Session) -> bool:
    """Whether it kept a connector for nothing: nobody refused it, and no charge began."""
    if session.state is not State.FAILED or session.ref is not None or session.reason not in _FRUITLESS:
        return False
    return session.ended_at is not None and session.ended_at - session.created_at >= _KEPT_WAITING


def may_start_from(lately: Sequence[Session], at: datetime) -> datetime | None:
    """When the driver of these sessions may begin another; None: now. Those that have yet to begin are not counted."""
    newest_first = sorted(lately, key=lambda it: it.created_at, reverse=True)
    count, last = 0, None
    for session in newest_first:
        if session.started_at is not None:
            break
        if is_fruitless(session) and session.ended_at is not None:
            count, last = count + 1, last or session.ended_at
    if last is None or count < MOST_FRUITLESS:
        return None
    until = last + min(COOL_DOWN * 2 ** (count - MOST_FRUITLESS), LONGEST_COOL_DOWN)
    return until if until > at else None
