"""Sends notifications by SNS, by e-mail (SES) and to operators' webhooks. No address and no secret is ever logged.

SNS is the way on to push messages, SMS and queues: subscriptions filter by the attributes `kind`, `operator_id` and
`driver_id`. A webhook is posted to the very address that was checked, and nowhere it points to, signed:
`Kerb-Signature: t=<unix seconds>,v1=<hex>` is HMAC-SHA256 over `<t>.<body>` with the webhook's secret, so that a
receiver can refuse what is forged or old. The same notification may come again, and then has the same `notice_id`.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import urllib3
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.drivers import is_guest
from chalicelib.domain.languages import Locale
from chalicelib.domain.notifications import Channel, Notification, NotificationKind, check_webhook, is_public
from chalicelib.domain.texts import Text, text
from chalicelib.ports import Clock
from chalicelib.ports.drivers import Drivers
from chalicelib.ports.notifications import Webhooks
from chalicelib.records.notifications import Undelivered, Webhook

if TYPE_CHECKING:
    from mypy_boto3_sesv2 import SESV2Client
    from mypy_boto3_sns import SNSClient

_CONNECT_S, _READ_S = 2.0, 5.0
_PORTS = {"https": 443, "http": 80}
Resolve = Callable[[str, int], list[str]]


def resolve(host: str, port: int) -> list[str]:
    """The IP addresses of a host. Raises OSError when it has none."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def outside_pool(
    scheme: str, host: str, port: int, resolve: Resolve, *, may_be_inside: bool
) -> urllib3.HTTPConnectionPool:
    """Connections to one address of a server that an operator named; ValueError where that is not a public one.

    The address is looked at: were the name asked for again, it could lead elsewhere by then.
    """
    addresses = resolve(host, port)
    if not addresses or not (may_be_inside or all(is_public(it) for it in addresses)):
        raise ValueError("the name leads to no public address")
    if scheme == "http":
        return urllib3.HTTPConnectionPool(addresses[0], port)
    return urllib3.HTTPSConnectionPool(
        addresses[0], port, cert_reqs="CERT_REQUIRED", assert_hostname=host, server_hostname=host
    )


def signature(secret: str, at_s: int, body: bytes) -> str:
    """The value of the header `Kerb-Signature` for a body sent at that second (Unix time)."""
    digest = hmac.new(secret.encode(), f"{at_s}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at_s},v1={digest}"


@dataclass(frozen=True, kw_only=True)
class WebhookMessenger:
    """Posts to operators' webhooks: the port Messenger.

    Two reads of the operator's row a notification, and one request.
    """

    webhooks: Webhooks
    clock: Clock
    may_be_inside: bool = False
    resolve: Resolve = resolve
    name: str = "webhook"
    is_operators: bool = True

    def reaches(self, notice: Notification) -> bool:
        """Whether its operator has a webhook."""
        return self.webhooks.of(notice.operator_id) is not None

    def send(self, notice: Notification) -> None:
        """Raises Undelivered for any answer but 2xx; a redirection is one of those."""
        self.post(notice.operator_id, body_of(notice).encode())

    def post(self, operator_id: str, body: bytes) -> None:
        """Post JSON to an operator's webhook, signed; nothing happens where it has none. Raises Undelivered."""
        webhook = self.webhooks.of(operator_id)
        if webhook is None:
            return
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Kerb",
            "Kerb-Signature": signature(webhook.secret, int(self.clock().timestamp()), body),
        }
        try:
            status = self._post(webhook, body, headers)
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise Undelivered(type(error).__name__) from error
        if not 200 <= status < 300:
            raise Undelivered(f"HTTP {status}")

    def _post(self, webhook: Webhook, body: bytes, headers: dict[str, str]) -> int:
        check_webhook(webhook.url, may_be_inside=self.may_be_inside)
        parts = urlsplit(webhook.url)
        host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
        with outside_pool(parts.scheme, host, port, self.resolve, may_be_inside=self.may_be_inside) as pool:
            answer = pool.urlopen(
                "POST",
                (parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
                body=body,
                headers={**headers, "Host": parts.netloc},
                retries=False,
                redirect=False,
                timeout=urllib3.Timeout(connect=_CONNECT_S, read=_READ_S),
                # Nobody here reads what it answers, be it endless.
                preload_content=False,
            )
            answer.close()
            return answer.status


@dataclass(frozen=True)
class SnsMessenger:
    """Publishes to an SNS topic: the port Messenger. One call a notification."""

    client: SNSClient
    topic_arn: str
    name: str = "sns"
    is_operators: bool = False

    def reaches(self, notice: Notification) -> bool:
        """Always: who subscribes is the topic's to know."""
        return True

    def send(self, notice: Notification) -> None:
        """Publish it, its kind and ids as attributes. Raises Undelivered with the error's code."""
        told = {"kind": notice.kind.value, "operator_id": notice.operator_id, "driver_id": notice.driver_id}
        try:
            self.client.publish(
                TopicArn=self.topic_arn,
                Message=body_of(notice),
                MessageAttributes={name: {"DataType": "String", "StringValue": value} for name, value in told.items()},
            )
        except (BotoCoreError, ClientError) as error:
            raise Undelivered(why(error)) from error


@dataclass(frozen=True, kw_only=True)
class MailMessenger:
    """Sends e-mail by Amazon SES: the port Messenger. One read and one call a notification.

    A guest is told of the receipt only, and where it is (`receipt_link`): there is no account to look into.
    """

    client: SESV2Client
    sender: str
    drivers: Drivers
    receipt_link: Callable[[Notification], str] = lambda notice: ""
    name: str = "mail"
    is_operators: bool = False

    def reaches(self, notice: Notification) -> bool:
        """Whoever has an account has an address; a guest gave one for the receipt, if at all."""
        return not is_guest(notice.driver_id) or notice.kind is NotificationKind.RECEIPT_READY

    def send(self, notice: Notification) -> None:
        """Send it to the driver's address. Raises Undelivered. Nothing happens when they want none, or are gone."""
        driver = self.drivers.get(notice.driver_id)
        if driver is None or not driver.email or not driver.wants(notice.kind, Channel.MAIL):
            return
        subject, where = _words(notice)
        link = self.receipt_link(notice) if is_guest(notice.driver_id) else ""
        words = f"{subject}.\n\n{where}\n{link}"
        try:
            self.client.send_email(
                FromEmailAddress=self.sender,
                Destination={"ToAddresses": [driver.email]},
                Content={
                    "Simple": {
                        "Subject": {"Data": subject, "Charset": "UTF-8"},
                        "Body": {"Text": {"Data": words, "Charset": "UTF-8"}},
                    },
                },
            )
        except (BotoCoreError, ClientError) as error:
            raise Undelivered(why(error)) from error


def subject_of(notice: Notification) -> str:
    """What a notification says, in a sentence for its driver."""
    return _words(notice)[0]


def why(error: BotoCoreError | ClientError) -> str:
    """The error's code: its text may name an address."""
    return str(error.response["Error"]["Code"]) if isinstance(error, ClientError) else type(error).__name__


def _words(notice: Notification) -> tuple[str, str]:
    """What it says and of which session or place, in the language of whoever it is for."""
    language = Locale(notice.locale).language
    if notice.uid:
        blanks = {"uid": notice.uid, "operator": notice.operator_id}
        return text(Text(f"notice_{notice.kind}"), language), text(Text.NOTICE_TOKEN, language, **blanks)
    if notice.link_id or notice.vehicle_id:
        said = text(Text(f"notice_{notice.kind}"), language)
        return said, said
    blanks = {"session": notice.session_id, "charger": notice.charger_id, "connector": str(notice.connector)}
    where = Text.NOTICE_PLACE if notice.watch_id else Text.NOTICE_WHERE
    return text(Text(f"notice_{notice.kind}"), language), text(where, language, **blanks)


def body_of(notice: Notification) -> str:
    """A notification as JSON: ids and no amounts."""
    told = {
        "notice_id": notice.notice_id,
        "kind": notice.kind,
        "at": notice.at.isoformat(),
        "session_id": notice.session_id,
        "driver_id": notice.driver_id,
        "operator_id": notice.operator_id,
        "charger_id": notice.charger_id,
        "connector": str(notice.connector),
    }
    if notice.uid:
        told = {name: told[name] for name in ("notice_id", "kind", "at", "driver_id", "operator_id")}
        told["token"] = notice.uid
    if notice.watch_id:
        del told["session_id"]
    if notice.link_id:
        told = {name: told[name] for name in ("notice_id", "kind", "at", "driver_id")} | {"link_id": notice.link_id}
    if notice.vehicle_id:
        told = {name: told[name] for name in ("notice_id", "kind", "at", "driver_id")}
        told["vehicle_id"] = notice.vehicle_id
    if notice.locale:
        title, where = _words(notice)
        told |= {"locale": notice.locale, "title": title, "text": where}
    return json.dumps(told, separators=(",", ":"))
