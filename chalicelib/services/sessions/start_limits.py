"""Bounds the starts of a driver, across all chargers: how many wait to begin at once, and how soon after vain ones."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from chalicelib.domain.charging.session import State
from chalicelib.domain.charging.starts import MOST_STARTING, may_start_from
from chalicelib.domain.data_classes import dataclass
from chalicelib.ports import Clock
from chalicelib.ports.charging import Sessions
from chalicelib.ports.drivers import Drivers
from chalicelib.services.access import Refusal

# What began before that neither waits any more nor makes anybody wait.
_LATELY = timedelta(hours=2)
# Of what began lately so much is looked at, the newest.
_MOST_LOOKED_AT = 12
# Between a start's name and its session there is less than a request.
_ABOUT_TO = timedelta(seconds=5)


@dataclass(frozen=True)
class StartLimits:
    """Refuses a start where its driver has too many, or too many in vain."""

    drivers: Drivers
    sessions: Sessions
    clock: Clock

    def check(self, driver_id: str, session_id: str, begun: Mapping[str, datetime]) -> None:
        """Whether a session whose name is noted (`Drivers.begin`) may begin; its name goes again where it may not.

        `begun` is what was answered then. Of those that ask at once each knows all that noted their names before: never
        more begin than may. One read for each session begun lately; a write where it is refused. Raises Refusal.
        """
        try:
            self._check({name: at for name, at in begun.items() if name != session_id})
        except Refusal:
            if session_id in begun:
                self.drivers.begin_not(driver_id, session_id, begun[session_id])
            raise

    def _check(self, others: Mapping[str, datetime]) -> None:
        now = self.clock()
        lately = sorted(((at, name) for name, at in others.items() if now - at < _LATELY), reverse=True)
        known, about_to = [], 0
        for at, name in lately[:_MOST_LOOKED_AT]:
            session = self.sessions.get(name)
            if session is not None:
                known.append(session)
            elif now - at < _ABOUT_TO:
                about_to += 1
        starting = about_to + sum(it.state is State.INITIATED for it in known)
        if starting >= MOST_STARTING:
            raise Refusal("too_many_starts", f"{starting} of your charges are about to begin; end one, or wait for it")
        until = may_start_from(known, now)
        if until is not None:
            wait_s = int((until - now).total_seconds())
            raise Refusal("too_many_starts", f"your last charges never began; try again in {wait_s // 60 + 1} minutes")
