"""Wires the services of operators: alarms, the looks at their causes, and how they are told."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from chalicelib.wiring.ocpp import OcppServices
from chalicelib.wiring.stores import client

if TYPE_CHECKING:
    from chalicelib.adapters.operators.alarms import DynamoAlarmPreferences
    from chalicelib.ports.operators import AlarmMessenger
    from chalicelib.services.operators.alarm_tellings import AlarmTellings
    from chalicelib.services.operators.alarms import AlarmDesk
    from chalicelib.services.operators.causes import Causes
    from chalicelib.services.operators.live_alarms import LiveAlarms


class OperatorServices(OcppServices):
    """Builds what operators are helped by."""

    @cached_property
    def alarm_preferences(self) -> DynamoAlarmPreferences:
        from chalicelib.adapters.operators.alarms import DynamoAlarmPreferences

        return DynamoAlarmPreferences()

    @cached_property
    def alarm_messengers(self) -> Sequence[AlarmMessenger]:
        """By the same settings as drivers' notifications, but for the topic, which is of its own."""

        from chalicelib.adapters.operators.messengers import AlarmMail, AlarmTopic, AlarmWebhook

        found: list[AlarmMessenger] = [AlarmWebhook(self.webhook_messenger)]
        if topic := self.setting("ALARMS_TOPIC", ""):
            found.append(AlarmTopic(client("sns"), topic))
        if sender := self.setting("MAIL_FROM", ""):
            found.append(AlarmMail(client("sesv2"), sender))
        return found

    @cached_property
    def causes(self) -> Causes:
        from chalicelib.services.operators.causes import Causes

        return Causes(
            chargers=self.chargers,
            connectors=self.connectors,
            charger_news=self.charger_news,
            history=self.history,
            message_log=self.message_log,
            sessions=self.sessions,
            managed_sites=self.managed_sites,
            demand_events=self.demand_events,
            meter_keys=self.meter_keys,
            clock=self.clock,
        )

    @cached_property
    def alarm_desk(self) -> AlarmDesk:
        from chalicelib.services.operators.alarms import AlarmDesk
        from chalicelib.services.operators.live_alarms import AlarmNewsDesk

        news = AlarmNewsDesk(self.alarms, self.invocations, self.clock)
        return AlarmDesk(alarms=self.alarms, causes=self.causes, news=news, clock=self.clock)

    @cached_property
    def live_alarms(self) -> LiveAlarms:
        from chalicelib.services.operators.live_alarms import LiveAlarms

        return LiveAlarms(alarms=self.alarms, memberships=self.memberships, operators=self.operators)

    @cached_property
    def alarm_tellings(self) -> AlarmTellings:
        from chalicelib.services.operators.alarm_tellings import AlarmTellings

        return AlarmTellings(
            alarms=self.alarms,
            preferences=self.alarm_preferences,
            messengers=lambda: self.alarm_messengers,
            invocations=self.invocations,
            clock=self.clock,
        )
