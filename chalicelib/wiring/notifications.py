"""Wires notifications: the outbox, alerts during a charge, delivery, and the language of all that."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from chalicelib.wiring.chargers import ChargerServices
from chalicelib.wiring.stores import client

if TYPE_CHECKING:
    from chalicelib.ports.access import InvitationMail
    from chalicelib.services.access.invitations import InvitationDesk
    from chalicelib.services.notifications.alerts import Alerts
    from chalicelib.services.notifications.delivery import Delivery
    from chalicelib.services.notifications.language import Languages
    from chalicelib.services.notifications.outbox import Notifications


class NotificationServices(ChargerServices):
    """Builds what tells drivers how their sessions go; messengers are built only when something is delivered."""

    @cached_property
    def notifications(self) -> Notifications:
        from chalicelib.services.notifications.outbox import Notifications

        return Notifications(self.outbox, self.sessions, self.clock)

    @cached_property
    def invitation_mail(self) -> InvitationMail:
        from chalicelib.adapters.notifications.invitations import SesInvitationMail

        return SesInvitationMail(client("sesv2"), self.setting("MAIL_FROM", ""))

    @cached_property
    def invitation_desk(self) -> InvitationDesk:
        from chalicelib.services.access.invitations import InvitationDesk

        return InvitationDesk(
            invitations=self.invitations,
            mail=lambda: self.invitation_mail,
            members=self.members,
            memberships=self.memberships,
            operators=self.operators,
            called=self._called,
            clock=self.clock,
        )

    def _called(self, operator_id: str) -> tuple[str, str]:
        profile = self.operator_profiles.get(operator_id)
        return (profile.legal_name, profile.language) if profile is not None else ("", "")

    @cached_property
    def alerts(self) -> Alerts:
        from chalicelib.services.notifications.alerts import Alerts

        return Alerts(
            sessions=self.sessions,
            transactions=self.transactions,
            notifications=self.notifications,
        )

    @cached_property
    def delivery(self) -> Delivery:
        from chalicelib.services.notifications.delivery import Delivery

        return Delivery(
            outbox=self.outbox,
            sessions=self.sessions,
            webhooks=self.webhooks,
            messengers=lambda: self.messengers,
            invocations=self.invocations,
            clock=self.clock,
            may_be_inside=self.may_webhooks_be_inside,
            locale_of=self.languages.of,
        )

    @cached_property
    def languages(self) -> Languages:
        from chalicelib.services.notifications.language import Languages

        return Languages(self.drivers, self.operator_profiles)
