"""Tells alarms by e-mail (SES), SNS and an operator's webhook. What is sent names chargers and sites, and no driver."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.adapters.notifications.messengers import WebhookMessenger, why
from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.operators import AlarmKind
from chalicelib.records.notifications import Undelivered
from chalicelib.records.operators import AlarmNews, AlarmSettings, AlarmTelling, ListedAlarm

if TYPE_CHECKING:
    from mypy_boto3_sesv2 import SESV2Client
    from mypy_boto3_sns import SNSClient

_TITLES = {
    AlarmKind.OFFLINE: "offline",
    AlarmKind.FAULTED: "out of order",
    AlarmKind.SILENT: "no session for long",
    AlarmKind.STUCK_SESSION: "a session does not go on",
    AlarmKind.DISPUTE_OPEN: "a driver disputes a bill",
    AlarmKind.DEVIATION_FLOOD: "many messages that are not as they should be",
    AlarmKind.FIRMWARE_FAILED: "a firmware update failed",
    AlarmKind.PAYMENTS_FAILING: "payments fail",
    AlarmKind.CERTIFICATE_ENDING: "a certificate ends",
    AlarmKind.CLOCK_WRONG: "a clock is wrong",
    AlarmKind.LIMIT_IGNORED: "a charger does not keep its limit",
    AlarmKind.SITE_OVER_LIMIT: "a site is above its limit",
    AlarmKind.LOAD_SILENT: "nobody tells what a building takes",
    AlarmKind.METER_KEY: "a charger tells another key of its meter",
    AlarmKind.PLANS_FAILED: "no plan is found for a site",
    AlarmKind.DEMAND_RESPONSE: "sites are asked to take less",
}
_NAMED = 20


@dataclass(frozen=True)
class AlarmWebhook:
    """Posts to the operator's webhook, signed as its drivers' notifications are: the port AlarmMessenger."""

    webhook: WebhookMessenger
    name: str = "webhook"

    def send(self, listed: ListedAlarm, telling: AlarmTelling, settings: AlarmSettings) -> None:
        self.webhook.post(telling.place.operator_id, body_of(listed, telling).encode())


@dataclass(frozen=True)
class AlarmTopic:
    """Publishes to an SNS topic: the port AlarmMessenger. One call an alarm's news."""

    client: SNSClient
    topic_arn: str
    name: str = "sns"

    def send(self, listed: ListedAlarm, telling: AlarmTelling, settings: AlarmSettings) -> None:
        place = telling.place
        told = {
            "kind": f"alarm_{telling.news}",
            "alarm": place.kind.value,
            "severity": listed.alarm.severity.value,
            "operator_id": place.operator_id,
        }
        try:
            self.client.publish(
                TopicArn=self.topic_arn,
                Message=body_of(listed, telling),
                MessageAttributes={name: {"DataType": "String", "StringValue": value} for name, value in told.items()},
            )
        except (BotoCoreError, ClientError) as error:
            raise Undelivered(why(error)) from error


@dataclass(frozen=True)
class AlarmMail:
    """Sends e-mail by Amazon SES to whom the operator named: the port AlarmMessenger. One call an alarm's news."""

    client: SESV2Client
    sender: str
    name: str = "mail"

    def send(self, listed: ListedAlarm, telling: AlarmTelling, settings: AlarmSettings) -> None:
        if not settings.mail_to:
            return
        subject, words = words_of(listed, telling)
        try:
            self.client.send_email(
                FromEmailAddress=self.sender,
                # Each sees only the own address.
                Destination={"BccAddresses": list(settings.mail_to)},
                Content={
                    "Simple": {
                        "Subject": {"Data": subject, "Charset": "UTF-8"},
                        "Body": {"Text": {"Data": words, "Charset": "UTF-8"}},
                    },
                },
            )
        except (BotoCoreError, ClientError) as error:
            raise Undelivered(why(error)) from error


def words_of(listed: ListedAlarm, telling: AlarmTelling) -> tuple[str, str]:
    """Subject and text of a mail: what, where, since when, and whom it is about."""
    alarm = listed.alarm
    who = listed.subjects[0] if listed.number == 1 and listed.subjects else f"{listed.number} at {alarm.place.group}"
    state = "" if telling.news is AlarmNews.OPENED else "over: "
    subject = f"[{alarm.severity}] {state}{_TITLES[alarm.place.kind]}: {who}"
    named = listed.subjects[:_NAMED]
    more = f" and {listed.number - len(named)} more" if listed.number > len(named) else ""
    lines = [
        f"{alarm.detail}.",
        f"Since {alarm.opened_at:%Y-%m-%d %H:%M} UTC"
        + (f", over at {alarm.closed_at:%Y-%m-%d %H:%M} UTC." if alarm.closed_at is not None else "."),
        f"About: {', '.join(named)}{more}.",
        f"Site: {alarm.place.group or 'none'}. Alarm: {alarm.alarm_id}.",
    ]
    return subject, "\n".join(lines) + "\n"


def body_of(listed: ListedAlarm, telling: AlarmTelling) -> str:
    """An alarm's news as JSON; the same news again has the same `notice_id`."""
    alarm = listed.alarm
    told = {
        "notice_id": f"{alarm.alarm_id}-{telling.news}",
        "kind": f"alarm_{telling.news}",
        "operator_id": alarm.place.operator_id,
        "alarm_id": alarm.alarm_id,
        "alarm": alarm.place.kind,
        "severity": alarm.severity,
        "group": alarm.place.group,
        "opened_at": alarm.opened_at.isoformat(),
        "closed_at": alarm.closed_at.isoformat() if alarm.closed_at is not None else None,
        "detail": alarm.detail,
        "subjects": list(listed.subjects),
        "number": listed.number,
    }
    return json.dumps(told, separators=(",", ":"))
