"""What leaves is signed or addressed as it should be, and what cannot leave says why without naming anybody."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from chalicelib.adapters.drivers.drivers import DynamoDrivers
from chalicelib.adapters.notifications.messengers import MailMessenger, SnsMessenger, WebhookMessenger, signature
from chalicelib.adapters.notifications.outbox import DynamoWebhooks
from chalicelib.adapters.notifications.push import PushMessenger
from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.domain.notifications import Notification, NotificationKind
from chalicelib.records.drivers import Device, Driver, Platform
from chalicelib.records.notifications import Undelivered, Webhook
from local.certificates import Authority
from tests.endpoint import a_closed_port

AT = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
NOTICE = Notification(
    kind=NotificationKind.STARTED,
    session_id="KAAAAAAAAAAAAAAAAAAA",
    driver_id="driver-1",
    operator_id="op",
    charger_id="CP-1",
    connector=ConnectorId(2),
    at=AT,
)
BODY = {
    "notice_id": "KAAAAAAAAAAAAAAAAAAA-started",
    "kind": "started",
    "at": "2026-11-21T09:30:00+00:00",
    "session_id": "KAAAAAAAAAAAAAAAAAAA",
    "driver_id": "driver-1",
    "operator_id": "op",
    "charger_id": "CP-1",
    "connector": "2",
}
SECRET = "a secret of some length"


@dataclass
class Receiver:
    """A driver app's server: writes down what comes, and answers as it is told."""

    status: int = 204
    location: str = ""
    got: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/kerb?app=1"


@contextmanager
def listening(tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    found = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.got.append((self.path, dict(self.headers), body))
            self.send_response(found.status)
            if found.location:
                self.send_header("Location", found.location)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.port = server.server_address[1]
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
        server.handle_error = lambda *_: None  # type: ignore[method-assign] # the handshake it refuses
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield found
    server.shutdown()
    server.server_close()
    thread.join(timeout=60)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with listening() as found:
        yield found


def messenger(url: str, *, may_be_inside: bool = True) -> WebhookMessenger:
    webhooks = DynamoWebhooks()
    webhooks.put("op", Webhook(url, SECRET))
    return WebhookMessenger(webhooks=webhooks, clock=lambda: AT, may_be_inside=may_be_inside)


@pytest.mark.usefixtures("tables")
def test_a_webhook_gets_the_notice_and_a_signature_it_can_verify(receiver: Receiver) -> None:
    messenger(receiver.url).send(NOTICE)
    ((path, headers, body),) = receiver.got
    assert (path, headers["Content-Type"], headers["Host"]) == (
        "/kerb?app=1",
        "application/json",
        f"127.0.0.1:{receiver.port}",
    )
    assert json.loads(body) == BODY
    assert headers["Kerb-Signature"] == signature(SECRET, int(AT.timestamp()), body)
    assert headers["Kerb-Signature"] != signature("another secret", int(AT.timestamp()), body)
    assert signature("key", 1, b"{}") == "t=1,v1=1ba6b8171186efc613e8bcc0cbdab2748f24984d7c5a84faa2637afa0e40d224"


@pytest.mark.usefixtures("tables")
@pytest.mark.parametrize("status", [302, 404, 500])
def test_any_answer_but_a_good_one_is_no_delivery(receiver: Receiver, status: int) -> None:
    receiver.status, receiver.location = status, receiver.url + "/elsewhere"
    with pytest.raises(Undelivered, match=f"HTTP {status}"):
        messenger(receiver.url).send(NOTICE)
    assert len(receiver.got) == 1


@pytest.mark.usefixtures("tables")
def test_a_server_that_does_not_answer_is_no_delivery(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chalicelib.adapters.notifications.messengers._READ_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(Undelivered, match="ReadTimeoutError"):
            messenger(f"http://127.0.0.1:{port}/").send(NOTICE)
    with a_closed_port() as port, pytest.raises(Undelivered, match="NewConnectionError"):
        messenger(f"http://127.0.0.1:{port}/").send(NOTICE)


@pytest.mark.usefixtures("tables")
@pytest.mark.parametrize("addresses", [["10.0.0.1"], ["8.8.8.8", "127.0.0.1"], []])
def test_a_public_name_that_leads_inside_is_not_followed(addresses: list[str]) -> None:
    webhooks = DynamoWebhooks()
    webhooks.put("op", Webhook("https://app.example.com/", SECRET))
    outside = WebhookMessenger(webhooks=webhooks, clock=lambda: AT, resolve=lambda *_: addresses)
    with pytest.raises(Undelivered, match="ValueError"):
        outside.send(NOTICE)


@pytest.mark.usefixtures("tables")
def test_plain_http_is_not_spoken_outside_a_laptop(receiver: Receiver) -> None:
    with pytest.raises(Undelivered):
        messenger(receiver.url, may_be_inside=False).send(NOTICE)
    assert receiver.got == []


@pytest.mark.usefixtures("tables")
def test_without_a_webhook_nobody_is_reached() -> None:
    webhooks = DynamoWebhooks()
    nobody = WebhookMessenger(webhooks=webhooks, clock=lambda: AT)
    assert not nobody.reaches(NOTICE)
    nobody.send(NOTICE)
    webhooks.put("op", Webhook("https://app.example.com/", SECRET))
    assert nobody.reaches(NOTICE)
    webhooks.put("op", None)
    assert not nobody.reaches(NOTICE)


@pytest.mark.usefixtures("tables")
def test_sns_gets_the_notice_with_what_subscriptions_filter_by() -> None:
    sns, sqs = boto3.client("sns"), boto3.client("sqs")
    topic = sns.create_topic(Name="kerb-notices")["TopicArn"]
    queue = sqs.create_queue(QueueName="drivers")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(
        TopicArn=topic,
        Protocol="sqs",
        Endpoint=arn,
        Attributes={"FilterPolicy": json.dumps({"kind": ["started"]}), "RawMessageDelivery": "true"},
    )
    for notice in (NOTICE, replace(NOTICE, kind=NotificationKind.FINISHED)):
        SnsMessenger(sns, topic).send(notice)
    got = sqs.receive_message(QueueUrl=queue, MessageAttributeNames=["All"], MaxNumberOfMessages=10)["Messages"]
    assert [json.loads(it["Body"]) for it in got] == [BODY]
    assert {name: it["StringValue"] for name, it in got[0]["MessageAttributes"].items()} == {
        "kind": "started",
        "operator_id": "op",
        "driver_id": "driver-1",
    }


@pytest.mark.usefixtures("tables")
def test_a_topic_that_is_gone_is_no_delivery() -> None:
    with pytest.raises(Undelivered, match="NotFound"):
        SnsMessenger(boto3.client("sns"), "arn:aws:sns:us-east-1:123456789012:kerb-gone").send(NOTICE)


@pytest.mark.usefixtures("tables")
def test_mail_goes_to_the_drivers_address_and_an_unknown_sender_names_nobody() -> None:
    DynamoDrivers().put(Driver(driver_id="driver-1", email="d@example.com"))
    ses = boto3.client("sesv2")
    mail = MailMessenger(client=ses, sender="kerb@example.com", drivers=DynamoDrivers())
    with pytest.raises(Undelivered) as refused:
        mail.send(NOTICE)
    assert "@" not in str(refused.value)
    ses.create_email_identity(EmailIdentity="kerb@example.com")
    mail.send(NOTICE)


@pytest.mark.usefixtures("tables")
def test_a_driver_gets_no_mail_of_what_they_switched_off() -> None:
    off = frozenset({f"{NOTICE.kind}/mail"})
    DynamoDrivers().put(Driver(driver_id="driver-1", email="d@example.com", muted=off))
    # SES knows no sender here: it would refuse.
    MailMessenger(client=boto3.client("sesv2"), sender="kerb@example.com", drivers=DynamoDrivers()).send(NOTICE)


def pusher(*devices: Device, muted: frozenset[str] = frozenset()) -> PushMessenger:
    """Pushes to a driver's devices; SNS knows Google's service here, and not Apple's."""
    sns = boto3.client("sns")
    application = sns.create_platform_application(Name="kerb", Platform="GCM", Attributes={"PlatformCredential": "k"})
    DynamoDrivers().put(Driver(driver_id="driver-1", email="d@example.com", devices=devices, muted=muted))
    platforms = {Platform.FCM: application["PlatformApplicationArn"]}
    return PushMessenger(client=sns, applications=platforms, drivers=DynamoDrivers())


@pytest.mark.usefixtures("tables")
def test_a_notice_is_pushed_to_the_devices_whose_platform_is_known() -> None:
    push = pusher(Device("phone", Platform.FCM, "token-1"), Device("tablet", Platform.APNS, "token-2"))
    assert push.reaches(NOTICE)
    push.send(NOTICE)
    push.send(NOTICE)
    endpoints = push.client.list_endpoints_by_platform_application(
        PlatformApplicationArn=push.applications[Platform.FCM]
    )["Endpoints"]
    assert [it["Attributes"]["Token"] for it in endpoints] == ["token-1"]


@pytest.mark.usefixtures("tables")
def test_a_device_whose_token_is_dead_is_forgotten() -> None:
    push = pusher(Device("phone", Platform.FCM, "token-1"), Device("tablet", Platform.APNS, "token-2"))
    push.send(NOTICE)
    (endpoint,) = push.client.list_endpoints_by_platform_application(
        PlatformApplicationArn=push.applications[Platform.FCM]
    )["Endpoints"]
    push.client.set_endpoint_attributes(EndpointArn=endpoint["EndpointArn"], Attributes={"Enabled": "false"})
    push.send(NOTICE)
    driver = DynamoDrivers().get("driver-1")
    assert driver is not None
    assert [it.device_id for it in driver.devices] == ["tablet"]


@pytest.mark.usefixtures("tables")
def test_nothing_is_pushed_that_is_switched_off_and_nobody_is_named_when_it_fails() -> None:
    phone = Device("phone", Platform.FCM, "token-1")
    push = pusher(phone, muted=frozenset({f"{NOTICE.kind}/push"}))
    with Stubber(push.client):
        push.send(NOTICE)
    push = pusher(phone)
    with Stubber(push.client) as stubber:
        stubber.add_client_error("create_platform_endpoint", "InternalError", "token-1 of d@example.com")
        with pytest.raises(Undelivered) as failed:
            push.send(NOTICE)
    assert str(failed.value) == "InternalError"


@pytest.mark.usefixtures("tables")
def test_a_guest_is_mailed_the_receipt_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []

    class Ses:
        def send_email(self, **mail: Any) -> None:
            sent.append(mail["Content"]["Simple"]["Body"]["Text"]["Data"])

    drivers: Any = DynamoDrivers()
    drivers.put(Driver(driver_id="guest-1", email="g@example.com"))
    drivers.put(Driver(driver_id="guest-2", email=""))
    ses: Any = Ses()
    mail = MailMessenger(
        client=ses,
        sender="kerb@example.com",
        drivers=drivers,
        receipt_link=lambda notice: "https://api.example.com/r",
    )
    told = replace(NOTICE, driver_id="guest-1")
    assert not mail.reaches(told)
    ready = replace(told, kind=NotificationKind.RECEIPT_READY)
    assert mail.reaches(ready)
    mail.send(ready)
    mail.send(replace(ready, driver_id="guest-2"))
    (words,) = sent
    assert words.endswith("https://api.example.com/r")


@pytest.mark.usefixtures("tables")
@pytest.mark.parametrize(("issued_to", "is_taken"), [("app.example.com", True), ("evil.example.com", False)])
def test_the_address_that_was_checked_must_prove_to_be_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, issued_to: str, is_taken: bool
) -> None:
    authority = Authority.create(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "root.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.issue(issued_to))
    with listening(context) as receiver:
        webhooks = DynamoWebhooks()
        webhooks.put("op", Webhook(f"https://app.example.com:{receiver.port}/kerb", SECRET))
        pinned = WebhookMessenger(
            webhooks=webhooks, clock=lambda: AT, may_be_inside=True, resolve=lambda *_: ["127.0.0.1"]
        )
        with nullcontext() if is_taken else pytest.raises(Undelivered, match="SSLError"):
            pinned.send(NOTICE)
    assert [headers["Host"] for _, headers, _ in receiver.got] == [f"app.example.com:{receiver.port}"] * is_taken
