"""Alarms leave by mail and topic: who is named, how often, and what cannot leave says why without naming anybody."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

from chalicelib.adapters.operators.messengers import AlarmMail, AlarmTopic, body_of, words_of
from chalicelib.domain.operators import AlarmKind
from chalicelib.records.notifications import Undelivered
from chalicelib.records.operators import Alarm, AlarmNews, AlarmPlace, AlarmSettings, AlarmTelling, ListedAlarm

AT = datetime(2026, 11, 30, 3, 0, tzinfo=UTC)
PLACE = AlarmPlace(operator_id="op", kind=AlarmKind.OFFLINE, group="harbour")
ALARM = Alarm(alarm_id="a-1", place=PLACE, opened_at=AT, detail="no connection since 2026-11-30 03:00 UTC")
ONE = ListedAlarm(alarm=ALARM, subjects=("CP-1",), number=1)
MANY = ListedAlarm(alarm=ALARM, subjects=tuple(f"CP-{number}" for number in range(100)), number=1000)
OPENED = AlarmTelling(place=PLACE, alarm_id="a-1", news=AlarmNews.OPENED)
TO = AlarmSettings(mail_to=("night@example.com", "day@example.com"))


def client(service: str) -> Any:
    make: Any = boto3.client
    return make(service, region_name="eu-central-1", aws_access_key_id="x", aws_secret_access_key="x")


def test_a_mail_names_the_charger_or_how_many() -> None:
    assert words_of(ONE, OPENED)[0] == "[critical] offline: CP-1"
    subject, text = words_of(MANY, OPENED)
    assert subject == "[critical] offline: 1000 at harbour"
    assert "CP-0, CP-1" in text
    assert "and 980 more" in text


def test_a_mail_says_when_it_is_over() -> None:
    closed = Alarm(alarm_id="a-1", place=PLACE, opened_at=AT, detail="x", closed_at=AT + timedelta(hours=1))
    telling = AlarmTelling(place=PLACE, alarm_id="a-1", news=AlarmNews.CLOSED)
    subject, text = words_of(ListedAlarm(alarm=closed, subjects=("CP-1",), number=1), telling)
    assert subject == "[critical] over: offline: CP-1"
    assert "over at 2026-11-30 04:00 UTC" in text


def test_each_is_mailed_without_the_others_addresses() -> None:
    ses = client("sesv2")
    with Stubber(ses) as stub:
        asked = {
            "FromEmailAddress": "kerb@example.com",
            "Destination": {"BccAddresses": list(TO.mail_to)},
            "Content": ANY,
        }
        stub.add_response("send_email", {"MessageId": "m"}, asked)
        AlarmMail(ses, "kerb@example.com").send(ONE, OPENED, TO)
        stub.assert_no_pending_responses()
        AlarmMail(ses, "kerb@example.com").send(ONE, OPENED, AlarmSettings())


def test_a_topic_is_told_what_subscriptions_filter_by() -> None:
    sns = client("sns")
    told = {"kind": "alarm_opened", "alarm": "offline", "severity": "critical", "operator_id": "op"}
    attributes = {name: {"DataType": "String", "StringValue": value} for name, value in told.items()}
    asked = {"TopicArn": "arn:t", "Message": body_of(ONE, OPENED), "MessageAttributes": attributes}
    with Stubber(sns) as stub:
        stub.add_response("publish", {"MessageId": "m"}, asked)
        AlarmTopic(sns, "arn:t").send(ONE, OPENED, TO)
    said = json.loads(body_of(ONE, OPENED))
    assert (said["notice_id"], said["subjects"], said["number"]) == ("a-1-opened", ["CP-1"], 1)


def test_what_cannot_leave_says_why_and_names_nobody() -> None:
    for messenger, service, operation in (
        (AlarmMail(client("sesv2"), "kerb@example.com"), "client", "send_email"),
        (AlarmTopic(client("sns"), "arn:t"), "client", "publish"),
    ):
        with Stubber(getattr(messenger, service)) as stub:
            stub.add_client_error(operation, "Throttling", "night@example.com is too much")
            with pytest.raises(Undelivered, match=r"^Throttling$"):
                messenger.send(ONE, OPENED, TO)
