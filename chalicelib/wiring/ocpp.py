"""A charger's conversation."""

from __future__ import annotations

from functools import cached_property

from chalicelib.services.ocpp.conversation import Conversation
from chalicelib.services.ocpp.router import Router
from chalicelib.wiring.sessions import SessionServices
from chalicelib.wiring.stores import HEARTBEAT_S


class OcppServices(SessionServices):
    """A charger's conversation."""

    @cached_property
    def router(self) -> Router:
        return Router(
            chargers=self.chargers,
            charging=self.charging,
            authorizations=self.authorizations,
            lists=self.local_lists,
            provisioning=self.provisioning,
            driver_reservations=self.driver_reservations,
            reports=self.reports,
            provider=self.provider,
            charger_log=self.charger_log,
            alerts=self.alerts,
            ends=self.inferred_ends,
            clock=self.clock,
            heartbeat_s=int(self.setting("HEARTBEAT_S", str(HEARTBEAT_S))),
        )

    @cached_property
    def conversation(self) -> Conversation:
        return Conversation(self.chargers, self.calls, self.router, self.charger_log, self.clock)
