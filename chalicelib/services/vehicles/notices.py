"""Tells drivers of their cars' nights, by the outbox that tells them of sessions; in quiet hours what can wait does.

That a car may not be ready is told as the quiet hours end, or while there is still time to do something, whichever
comes first. Whoever has just plugged a car in is awake.
"""

from __future__ import annotations

from datetime import timedelta

from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.notifications import Notification, NotificationKind
from chalicelib.domain.vehicles.night import Night, NightNews
from chalicelib.domain.vehicles.wish import CarWish
from chalicelib.ports import Clock
from chalicelib.ports.nights import Nights
from chalicelib.ports.notifications import Outbox

_NO_CONNECTOR = ConnectorId(0)
_JUST_NOW = timedelta(minutes=10)
# So long before it is to be ready somebody can still do something.
_STILL_HELPS = timedelta(minutes=45)


@dataclass(frozen=True, kw_only=True)
class NightNotices:
    """The port NightTeller: a read of the wish, and one write, two where it was told before."""

    outbox: Outbox
    nights: Nights
    clock: Clock

    def tell(self, night: Night, news: NightNews) -> None:
        """Told once for each plan; it is true by being written."""
        at = self.clock()
        told_at = at
        if at - night.plugged_at > _JUST_NOW:
            told_at = (self.nights.wish(night.vehicle_id) or CarWish()).told_at(at)
        if news is NightNews.AT_RISK and night.departure is not None:
            told_at = max(at, min(told_at, night.departure.at - _STILL_HELPS))
        notice = Notification(
            kind=NotificationKind(news.value),
            session_id="",
            driver_id=night.driver_id,
            operator_id="",
            charger_id="",
            connector=_NO_CONNECTOR,
            at=at,
            number=night.number,
            vehicle_id=night.vehicle_id,
        )
        self.outbox.add(notice, told_at)
