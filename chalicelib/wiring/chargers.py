"""Wires the services of chargers: connections, commands, local lists, provisioning, registry and message log."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from chalicelib.wiring.stores import client
from chalicelib.wiring.transparency import TransparencyServices

if TYPE_CHECKING:
    from chalicelib.adapters.grid.sites import DynamoFirmwares, DynamoManagedSites
    from chalicelib.ports.grid import Looks
    from chalicelib.records.chargers import Charger
    from chalicelib.services.chargers.allowance import MessageAllowance
    from chalicelib.services.chargers.commands import ChargerCommands
    from chalicelib.services.chargers.connections import Connections
    from chalicelib.services.chargers.fault_reports import ReportedFaults
    from chalicelib.services.chargers.local_lists import LocalLists
    from chalicelib.services.chargers.message_log import ChargerLog
    from chalicelib.services.chargers.placement import Placement
    from chalicelib.services.chargers.provisioning import Provisioning
    from chalicelib.services.chargers.registry import Registry
    from chalicelib.services.chargers.relocation import SiteRelocation
    from chalicelib.services.chargers.remote_control import RemoteControl
    from chalicelib.services.chargers.socket_renewal import SocketRenewal
    from chalicelib.services.grid.charger_news import ManagedChargerNews
    from chalicelib.services.pricing.courses import Courses
    from chalicelib.services.pricing.evidence import Evidence


class ChargerServices(TransparencyServices):
    """Builds what serves chargers, and the evidence of a charge, which needs their plugs and readings only."""

    @cached_property
    def evidence(self) -> Evidence:
        from chalicelib.services.pricing.evidence import Evidence

        return Evidence(self.readings, self.chargers, self.history, self.clock)

    @cached_property
    def courses(self) -> Courses:
        from chalicelib.services.pricing.courses import Courses

        return Courses(
            evidence=self.evidence,
            readings=self.readings,
            sessions=self.sessions,
            transactions=self.transactions,
            clock=self.clock,
        )

    @cached_property
    def charger_log(self) -> ChargerLog:
        from chalicelib.services.chargers.message_log import ChargerLog

        return ChargerLog(
            message_log=self.message_log,
            history=self.history,
            places=self.places,
            alarm_checks=self.alarm_checks,
            clock=self.clock,
            line_told=self._line_told,
        )

    def _line_told(self, charger: Charger, online: bool) -> None:
        # What shares out power is imported for those whose site does.
        if charger.managed_at:
            self.managed_charger_news.line_told(charger, online)

    def _ability_told(self, charger: Charger) -> None:
        # As above.
        if charger.managed_at:
            self.managed_charger_news.set_up(charger)

    @cached_property
    def managed_sites(self) -> DynamoManagedSites:
        from chalicelib.adapters.grid.sites import DynamoManagedSites

        return DynamoManagedSites()

    @cached_property
    def firmwares(self) -> DynamoFirmwares:
        from chalicelib.adapters.grid.sites import DynamoFirmwares

        return DynamoFirmwares()

    @cached_property
    def looks(self) -> Looks:
        from chalicelib.adapters.grid.looks import SqsLooks

        return SqsLooks(
            client=client("sqs"),
            soon_url=self.setting("BALANCE_QUEUE", ""),
            now_url=self.setting("BALANCE_NOW_QUEUE", ""),
            many_url=self.setting("BALANCE_MANY_QUEUE", ""),
            clock=self.clock,
            new_id=self.new_id,
        )

    @cached_property
    def managed_charger_news(self) -> ManagedChargerNews:
        from chalicelib.services.grid.charger_news import ManagedChargerNews

        return ManagedChargerNews(
            managed_sites=self.managed_sites, looks=self.looks, chargers=self.chargers, clock=self.clock
        )

    @cached_property
    def message_allowance(self) -> MessageAllowance:
        from chalicelib.services.chargers.allowance import MessageAllowance

        return MessageAllowance(allowances=self.allowances, link=self.link, clock=self.clock)

    @cached_property
    def commands(self) -> ChargerCommands:
        from chalicelib.services.chargers.commands import ChargerCommands

        return ChargerCommands(
            chargers=self.chargers,
            sockets=self.sockets,
            calls=self.calls,
            link=self.link,
            charger_log=self.charger_log,
            clock=self.clock,
            new_id=self.new_id,
            sleep=self.sleep,
        )

    @cached_property
    def connections(self) -> Connections:
        from chalicelib.services.chargers.connections import Connections
        from chalicelib.services.chargers.passwords import PasswordMemory

        return Connections(
            chargers=self.chargers,
            sockets=self.sockets,
            charger_passwords=self.charger_passwords,
            held_lists=self.held_lists,
            link=self.link,
            charger_log=self.charger_log,
            knocks=self.knocks,
            newcomers_to=self.setting("NEWCOMERS_TO", "") or None,
            provisioning=self.provisioning,
            heartbeat_s=self.heartbeat_s,
            chance=self.chance,
            password_memory=PasswordMemory(lambda: self.setting("PASSWORD_SECRET")),
        )

    @cached_property
    def socket_renewal(self) -> SocketRenewal:
        from chalicelib.services.chargers.socket_renewal import SocketRenewal

        return SocketRenewal(
            calls=self.calls,
            connectors=self.connectors,
            connections=self.connections,
            link=self.link,
            clock=self.clock,
            new_id=self.new_id,
        )

    @cached_property
    def local_lists(self) -> LocalLists:
        from chalicelib.services.chargers.local_lists import LocalLists

        return LocalLists(
            chargers=self.chargers,
            held_lists=self.held_lists,
            charger_news=self.charger_news,
            tokens=self.tokens,
            setups=self.setups,
            commands=self.commands,
            invocations=self.invocations,
            clock=self.clock,
        )

    @cached_property
    def provisioning(self) -> Provisioning:
        from chalicelib.services.chargers.provisioning import Provisioning

        return Provisioning(
            setups=self.setups,
            chargers=self.chargers,
            sites=self.sites,
            places=self.places,
            commands=self.commands,
            clock=self.clock,
            new_id=self.new_id,
            pinned_keys=self.pinned_keys,
            ability_told=self._ability_told,
            heartbeat_s=self.heartbeat_s,
        )

    @cached_property
    def placement(self) -> Placement:
        from chalicelib.services.chargers.placement import Placement

        return Placement(chargers=self.chargers, connectors=self.connectors, places=self.places)

    @cached_property
    def site_relocation(self) -> SiteRelocation:
        from chalicelib.adapters.discovery.relocations import DynamoRelocations
        from chalicelib.services.chargers.relocation import SiteRelocation

        return SiteRelocation(
            relocations=DynamoRelocations(),
            sites=self.sites,
            chargers=self.chargers,
            places=self.places,
            placement=self.placement,
            invocations=self.invocations,
            clock=self.clock,
        )

    @cached_property
    def registry(self) -> Registry:
        from chalicelib.services.chargers.registry import Registry

        return Registry(
            chargers=self.chargers,
            connectors=self.connectors,
            sites=self.sites,
            tariffs=self.tariffs,
            operator_profiles=self.operator_profiles,
            places=self.places,
            placement=self.placement,
            relocation=self.site_relocation,
            sockets=self.sockets,
            link=self.link,
            operators=self.operators,
            managed_sites=self.managed_sites,
            managed_chargers=self.sockets,
            clock=self.clock,
        )

    @cached_property
    def remote_control(self) -> RemoteControl:
        from chalicelib.services.chargers.remote_control import RemoteControl

        return RemoteControl(
            chargers=self.chargers,
            sockets=self.sockets,
            charger_passwords=self.charger_passwords,
            charger_news=self.charger_news,
            calls=self.calls,
            commands=self.commands,
            message_log=self.message_log,
            history=self.history,
            reports=self.reports,
            sessions=self.sessions,
            transactions=self.transactions,
            readings=self.readings,
            signed_values=self.signed_values,
            clock=self.clock,
            sleep=self.sleep,
        )

    @cached_property
    def reported_faults(self) -> ReportedFaults:
        from chalicelib.services.chargers.fault_reports import ReportedFaults

        return ReportedFaults(reports=self.fault_reports, chargers=self.chargers, clock=self.clock, new_id=self.new_id)
