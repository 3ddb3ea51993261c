"""Wires the services of access: members, keys, the audit, and how the site of each kind of thing is found."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from chalicelib.wiring.late_stores import LateStores

if TYPE_CHECKING:
    from chalicelib.adapters.access.api_keys import DynamoApiKeys
    from chalicelib.adapters.access.invitations import DynamoInvitations
    from chalicelib.adapters.access.members import DynamoMemberships, DynamoRefundAllowances
    from chalicelib.adapters.access.second_factors import DynamoSecondFactors
    from chalicelib.services.access.api_keys import KeyRing
    from chalicelib.services.access.audit import AuditLog
    from chalicelib.services.access.members import Members
    from chalicelib.services.access.platform import PlatformDesk
    from chalicelib.services.access.sites import SiteGuard


class AccessServices(LateStores):
    """Builds what says who may do what."""

    @cached_property
    def memberships(self) -> DynamoMemberships:
        from chalicelib.adapters.access.members import DynamoMemberships

        return DynamoMemberships()

    @cached_property
    def api_keys(self) -> DynamoApiKeys:
        from chalicelib.adapters.access.api_keys import DynamoApiKeys

        return DynamoApiKeys()

    @cached_property
    def refund_allowances(self) -> DynamoRefundAllowances:
        from chalicelib.adapters.access.members import DynamoRefundAllowances

        return DynamoRefundAllowances()

    @cached_property
    def audit_log(self) -> AuditLog:
        from chalicelib.adapters.access.audit import DynamoAuditEntries
        from chalicelib.services.access.audit import AuditLog

        return AuditLog(DynamoAuditEntries())

    @cached_property
    def members(self) -> Members:
        from chalicelib.services.access.members import Members

        return Members(memberships=self.memberships, operators=self.operators, clock=self.clock)

    @cached_property
    def invitations(self) -> DynamoInvitations:
        from chalicelib.adapters.access.invitations import DynamoInvitations

        return DynamoInvitations()

    @cached_property
    def second_factors(self) -> DynamoSecondFactors:
        from chalicelib.adapters.access.second_factors import DynamoSecondFactors

        return DynamoSecondFactors()

    @cached_property
    def platform_desk(self) -> PlatformDesk:
        from chalicelib.services.access.platform import PlatformDesk

        return PlatformDesk(operators=self.operators, clock=self.clock)

    @cached_property
    def key_ring(self) -> KeyRing:
        from chalicelib.services.access.api_keys import KeyRing

        return KeyRing(keys=self.api_keys, memberships=self.memberships, clock=self.clock)

    @cached_property
    def site_guard(self) -> SiteGuard:
        from chalicelib.services.access.sites import SiteGuard

        return SiteGuard(
            {
                "site_id": lambda operator_id, site_id: site_id,
                "charger_id": self._site_of_charger,
                "session_id": self._site_of_session,
                "report_id": self._site_of_report,
                "alarm_id": self._site_of_alarm,
            }
        )

    def _site_of_charger(self, operator_id: str, charger_id: str) -> str | None:
        charger = self.chargers.get(charger_id)
        return charger.site_id if charger is not None else None

    def _site_of_session(self, operator_id: str, session_id: str) -> str | None:
        session = self.sessions.get(session_id)
        return session.site_id if session is not None else None

    def _site_of_report(self, operator_id: str, report_id: str) -> str | None:
        report = self.fault_reports.get(report_id)
        return self._site_of_charger(operator_id, report.charger_id) if report is not None else None

    def _site_of_alarm(self, operator_id: str, alarm_id: str) -> str | None:
        listed = self.alarms.get(operator_id, alarm_id)
        # What stands at no site is for those who are held to none.
        return listed.alarm.place.group if listed is not None else None
