"""Wires a charger's conversation: the router, and the frames above it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from chalicelib.wiring.nights import NightServices

if TYPE_CHECKING:
    from chalicelib.adapters.ocpp.web import Web
    from chalicelib.ports.ocpp import ContractProvider, Contracts
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
            contracts=lambda: self.contracts,
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
    def contracts(self) -> Contracts:
        from chalicelib.adapters.ocpp.responders import DynamoCertificateMemory, WebResponders
        from chalicelib.adapters.ocpp.web import Web
        from chalicelib.services.ocpp.contracts import PlugAndCharge

        web = Web(may_be_inside=self.may_webhooks_be_inside)
        return PlugAndCharge(
            provider=self._contract_provider(web),
            responders=WebResponders(web),
            memory=DynamoCertificateMemory(),
            own_roots=self.setting("CONTRACT_ROOTS", "").replace(",", " ").split(),
            clock=self.clock,
        )

    def _contract_provider(self, web: Web) -> ContractProvider | None:
        from chalicelib.adapters.ocpp.opcp import OpcpPool, keys_of

        address = self.setting("CONTRACT_PROVIDER", "")
        if not address:
            return None
        return OpcpPool(
            address=address,
            token_url=self.setting("CONTRACT_TOKEN_URL", "") or f"{address.rstrip('/')}/oauth/token",
            keys=lambda: keys_of(self.setting("CONTRACT_KEYS") if "KERB_CONTRACT_KEYS" in self.settings else ""),
            web=web,
            clock=self.clock,
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
