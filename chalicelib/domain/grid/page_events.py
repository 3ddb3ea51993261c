"""What is told of a port: answers to frames, boots, sockets, ends of charges; kept until the book takes it in.

Whoever looks at a site next takes in all that was told, by the order of its times, before anything is granted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum

from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.grid.firmware import ShownSchedule, silence_ma
from chalicelib.domain.grid.grants import (
    Loss,
    PortPage,
    Trust,
    confirmed,
    default_answered,
    default_shown,
    ignored,
    lost,
    obeyed,
    refused,
    session_over,
    unsent,
)
from chalicelib.domain.grid.tree import PortId


class EventKind(StrEnum):
    """What was told: an answer to a frame, or what happened to the charger."""

    CONFIRMED = "confirmed"
    REFUSED = "refused"
    UNSENT = "unsent"
    SHOWN = "shown"
    BOOTED = "booted"
    RECONNECTED = "reconnected"
    SESSION_OVER = "session_over"
    IGNORED = "ignored"
    OBEYED = "obeyed"
    CLOCK = "clock"
    SET_UP = "set_up"


@dataclass(frozen=True, slots=True, kw_only=True)
class PageEvent:
    """Something told of a port `at` that time.

    `name`: the message id of the frame that was answered, or did not go out. `detail`: the charger's own word. For
    SHOWN: the composite schedule, None where the charger shows none. For BOOTED and RECONNECTED:
    `trust` as of a page. For SESSION_OVER: which. For CLOCK: how far ahead of ours it is, 0: right.
    SET_UP says nothing of a port: what the charger can be told of power is to be read again.
    """

    port_id: PortId
    kind: EventKind
    at: datetime
    name: str = ""
    detail: str = ""
    shown: ShownSchedule | None = None
    trust: Trust = Trust.UNKNOWN
    session_id: str = ""
    clock_ahead_s: int = 0


def heard(page: PortPage, event: PageEvent) -> PortPage:
    """The page after that; events are to be taken in by the order of their times. What was taken in changes nothing."""
    return _HEARD[event.kind](page, event)


def _confirmed(page: PortPage, event: PageEvent) -> PortPage:
    return default_answered(confirmed(page, event.name, event.at), event.name, event.at)


def _refused(page: PortPage, event: PageEvent) -> PortPage:
    return default_answered(refused(page, event.name, event.at), event.name, event.at, is_refused=True)


def _shown(page: PortPage, event: PageEvent) -> PortPage:
    if page.read_at is None or event.name != page.read_name:
        return page
    limit_ma = silence_ma(page, event.shown) if event.shown is not None else None
    if limit_ma is None:
        return replace(page, read_name="", read_at=None)
    return default_shown(page, limit_ma)


_HEARD: Mapping[EventKind, Callable[[PortPage, PageEvent], PortPage]] = {
    EventKind.CONFIRMED: _confirmed,
    EventKind.REFUSED: _refused,
    EventKind.UNSENT: lambda page, it: unsent(page, it.name, it.at),
    EventKind.SHOWN: _shown,
    EventKind.BOOTED: lambda page, it: lost(page, Loss.BOOT, it.at, it.trust),
    EventKind.RECONNECTED: lambda page, it: lost(page, Loss.RECONNECT, it.at, it.trust),
    EventKind.SESSION_OVER: lambda page, it: session_over(page, it.session_id, it.at),
    EventKind.IGNORED: lambda page, it: ignored(page, it.at),
    EventKind.OBEYED: lambda page, it: obeyed(page),
    EventKind.CLOCK: lambda page, it: page,
    EventKind.SET_UP: lambda page, it: page,
}
