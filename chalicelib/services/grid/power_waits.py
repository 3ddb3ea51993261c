"""Drivers whose cars wait for power: told once for each session and cause, and shown why as long as they wait.

What was told stands beside the claim of its session, so that a look that finds the same writes nothing, and one that
died before it was written tells it again: a notification has the same name.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence

from chalicelib.domain.charging.session import Session
from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.grid.tree import PortId
from chalicelib.domain.grid.waits import PowerWait, WaitCause
from chalicelib.domain.notifications import NotificationKind
from chalicelib.ports.charging import Sessions, Transactions
from chalicelib.ports.grid import ManagedSites
from chalicelib.records.charging import Transaction
from chalicelib.records.grid import SiteState, StoredClaim
from chalicelib.services.grid.claimants import claimed

_KINDS = {
    WaitCause.TURN: (NotificationKind.POWER_WAITS, 0),
    WaitCause.LIMIT: (NotificationKind.POWER_WAITS, 1),
    WaitCause.OFFLINE: (NotificationKind.POWER_AT_RISK, 0),
}
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class PowerWaits:
    """Tells drivers that their cars wait, and that they do no longer.

    No call where nothing changed; else two reads and two writes, and a message where somebody watches the session.
    `tell` writes a notification to a session's driver; `news` tells those who watch a transaction. Whoever said when
    they leave hears of waiting by what is told of their plan, and by that alone: `foretell` has it told anew.
    """

    managed_sites: ManagedSites
    sessions: Sessions
    transactions: Transactions
    tell: Callable[[Session, NotificationKind, int], None]
    news: Callable[[Transaction], None]
    foretell: Callable[[str, Sequence[str]], None]

    def told(self, state: SiteState, waits: Mapping[PortId, PowerWait]) -> None:
        """What a look found; no error leaves it, for the next look finds it again."""
        for port_id, (_, claim) in claimed(state).items():
            wait, before = waits.get(port_id), claim.wait
            if wait is not None and before is not None and wait.cause is before.cause:
                # Another's turn that ends is no news, until the moment that was told is over.
                until = before.until if before.until is not None and before.until > wait.since else wait.until
                wait = replace(wait, since=before.since, until=until)
            if wait == before:
                continue
            try:
                self._tell(claim, wait)
            except Exception:
                _log.exception("driver not told of power", extra={"session_id": claim.session_id})

    def of(self, session: Session) -> PowerWait | None:
        """Why a session's car has no power, or might lose it; no call but at a managed site, one read there."""
        if not session.is_load_managed or not session.takes_power:
            return None
        port_id = PortId(session.charger_id, session.connector)
        return self.managed_sites.wait(session.site_id, port_id, session.session_id)

    def _tell(self, claim: StoredClaim, wait: PowerWait | None) -> None:
        session = self.sessions.get(claim.session_id)
        if session is not None and wait is not None:
            kind, number = _KINDS[wait.cause]
            if claim.is_plannable and kind is NotificationKind.POWER_WAITS:
                self.foretell(claim.site_id, [claim.session_id])
            else:
                self.tell(session, kind, number)
        self.managed_sites.wait_told(claim, wait)
        known = self.transactions.get(session.charger_id, session.ref) if session is not None and session.ref else None
        if known is not None:
            self.news(known)
