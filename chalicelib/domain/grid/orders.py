"""What is to be sent to the chargers of a site next, and booked before that: one frame for each port at a time.

An offline default comes before any grant, and is proven before it counts; a lowering goes before a raise, and a raise
only into room that nobody holds. A frame is worth a change of an ampere or more, the renewal of a lease at half its
time, or what a charger has to be told again: because it did not answer, came back, or because a grant that got lost on
its way would stay booked. Lowerings of less are sent where a node would be above its limit without them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import pairwise

from chalicelib.domain.grid.grants import PortPage, held, said, told
from chalicelib.domain.grid.leases import CLOCK_SLACK, LEASE
from chalicelib.domain.grid.port_look import STEP_MA, NewName, PortLook, PortNeed, PortOrder
from chalicelib.domain.grid.tree import PortCurrent, PortId

Fits = Callable[[Mapping[PortId, PortCurrent]], bool]


def _always(drawn: Mapping[PortId, PortCurrent]) -> bool:
    return True


def ordered(  # noqa: PLR0913, PLR0917 (what goes out follows from all of it)
    pages: Sequence[PortPage],
    needs: Sequence[PortNeed],
    at: datetime,
    new_name: NewName,
    fits: Fits = _always,
    keeps: Fits = _always,
) -> tuple[Sequence[PortPage], Sequence[PortOrder]]:
    """The pages as they are to be written before any of the orders, in their order, is sent.

    `fits`: whether the site carries it if each port draws so much; a raise after which it would not waits. `keeps`:
    whether it is what was asked of those who charge.
    """
    book = {it.port_id: it for it in pages}
    wanted = {it.port_id: it for it in needs if it.port_id in book and it.is_online}
    looks = {it: PortLook(page=book[it], need=need, at=at, new_name=new_name) for it, need in wanted.items()}
    settled = _settled(book, wanted, at) if any(it.is_little_less for it in looks.values()) else {}
    if settled and not (fits(settled) and keeps(settled)):
        # Where even what is wanted does not fit together, every milliampere counts.
        looks = {port_id: replace(it, least_step=1) for port_id, it in looks.items()}
    found: list[PortOrder] = []
    raising: list[PortLook] = []
    for port_id, look in looks.items():
        after, order = look.next()
        if after is look.page:
            continue
        if any(_raised(look.page, after, _spans([*book.values(), after], at))):
            raising.append(look)
            continue
        book[port_id] = after
        found += [order] if order else []
    found.sort(key=lambda it: not it.is_lowering)
    for look in raising:
        after, order = look.next()
        if not _has_room(book, after, at, fits):
            after, order = look.as_it_is().next()
            if not _has_room(book, after, at, fits):
                continue
        book[look.page.port_id] = after
        found += [order] if order else []
    return tuple(book[it.port_id] for it in pages), tuple(found)


def is_room_wanted(pages: Sequence[PortPage], needs: Sequence[PortNeed], at: datetime) -> bool:
    """Whether a raise waits for room, by the pages as they are once all that is to be sent is booked."""
    book = {it.port_id: it for it in pages}
    spans = _spans(pages, at)
    for need in needs:
        if need.port_id in book and need.is_online:
            page = book[need.port_id]
            after, _ = PortLook(page=page, need=need, at=at, new_name=str).next()
            if after is not page and any(_raised(page, after, spans)):
                return True
    return False


Span = tuple[datetime, datetime]


def _spans(pages: Iterable[PortPage], at: datetime) -> Sequence[Span]:
    """A lease's time from now on, apart where a plan's periods change what is held."""
    plans = [lease for page in pages for lease in page.leases if len(lease.periods) > 1]
    until = max([at + LEASE, *(it.ends_at + CLOCK_SLACK for it in plans)])
    turns = {it.starts_at for lease in plans for it in lease.periods if at < it.starts_at < until}
    turns |= {at + LEASE} if plans else set()
    return list(pairwise([at, *sorted(turns - {until}), until]))


def _raised(before: PortPage, after: PortPage, spans: Iterable[Span]) -> Iterator[Span]:
    return (it for it in spans if said(after, *it).exceeds(said(before, *it)))


def _has_room(book: Mapping[PortId, PortPage], after: PortPage, at: datetime, fits: Fits) -> bool:
    """Whether all that a page would hold beyond what it does now is held by nobody else.

    A port that is booked at its worst anyway is told apart from the others by what all were told.
    """
    before = book[after.port_id]
    trial = {**book, after.port_id: after}
    booked = told if after.is_at_worst else held
    spans = list(_raised(before, after, _spans(trial.values(), at)))
    return all(fits({it.port_id: booked(it, *span) for it in trial.values()}) for span in spans)


def _settled(
    book: Mapping[PortId, PortPage], wanted: Mapping[PortId, PortNeed], at: datetime
) -> Mapping[PortId, PortCurrent]:
    """What would be held if only that went out that is worth an ampere, raises too, and all were answered."""
    settled = {}
    for port_id, page in book.items():
        now = held(page, at)
        need = wanted.get(port_id)
        limit_ma = need.limit_ma if need is not None else None
        if need is None or limit_ma is None or abs(limit_ma - now.first_ma) < STEP_MA:
            settled[port_id] = now
            continue
        default_ma = page.default_ma or 0
        is_by_one = need.phases == 1 and need.session_id is not None and page.shown_one == need.session_id
        first_ma = max(limit_ma, default_ma)
        settled[port_id] = PortCurrent(first_ma, default_ma if is_by_one else first_ma)
    return settled
