"""Wires a charger's conversation: the router, and the frames above it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from chalicelib.wiring.nights import NightServices

if TYPE_CHECKING:
    from chalicelib.services.ocpp.conversation import Conversation
    from chalicelib.services.ocpp.router import Router


class OcppServices(NightServices):
    """Builds conversation and router, and declares which service hears the answer to a command of each purpose."""

    @cached_property
    def router(self) -> Router:
        from chalicelib.records.chargers import Purpose
        from chalicelib.services.ocpp.router import Router

        return Router(
            charger_news=self.charger_news,
            charging=self.charging,
            statuses=self.connector_statuses,
            authorizations=self.authorizations,
            provisioning=self.provisioning,
            driver_reservations=self.driver_reservations,
            terminal_payments=self.terminal_payments,
            reports=self.reports,
            provider=self.provider,
            power_needs=self.power_needs,
            alarm_checks=self.alarm_checks,
            managed_charger_news=self.managed_charger_news,
            purposes={
                Purpose.START: self.charging.start_answered,
                Purpose.RESERVE: self.driver_reservations.answered,
                Purpose.PASSWORD: self.remote_control.password_answered,
                Purpose.LIST_VERSION: self.local_lists.version_told,
                Purpose.LIST_LIMITS: self.local_lists.limits_told,
                Purpose.LIST: self.local_lists.update_answered,
                Purpose.SETUP_READ: self.provisioning.answered,
                Purpose.SETUP_WRITE: self.provisioning.answered,
                Purpose.LIMIT: self.dispatch.answered,
            },
            clock=self.clock,
            heartbeat_s=self.heartbeat_s,
        )

    @cached_property
    def conversation(self) -> Conversation:
        from chalicelib.services.ocpp.conversation import Conversation

        return Conversation(
            chargers=self.chargers,
            sockets=self.sockets,
            charger_news=self.charger_news,
            calls=self.calls,
            router=self.router,
            charger_log=self.charger_log,
            commands=self.commands,
            allowance=self.message_allowance,
            renewal=self.socket_renewal,
            clock=self.clock,
        )
