"""Sends notifications to drivers' phones: SNS platform endpoints, one for each device (Apple's APNs, Google's FCM).

A platform takes pushes once its application is known to SNS; without one its devices are left alone. A token that the
phone's maker calls dead is forgotten here, so that nobody sends to it again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.adapters.notifications.messengers import body_of, subject_of, why
from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.notifications import Channel, Notification
from chalicelib.ports.drivers import Drivers
from chalicelib.records.drivers import Device, Driver, Platform
from chalicelib.records.notifications import Undelivered

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

# What SNS says of a token that is nobody's any more, or never was one.
_DEAD = ("EndpointDisabled", "InvalidParameter", "NotFound")


@dataclass(frozen=True, kw_only=True)
class PushMessenger:
    """Pushes to a driver's devices: the port Messenger. One read, and two calls a device.

    `applications` are the ARNs of SNS's platform applications.
    """

    client: SNSClient
    applications: Mapping[Platform, str]
    drivers: Drivers
    name: str = "push"
    is_operators: bool = False

    def reaches(self, notice: Notification) -> bool:
        """Whether there is a platform to push to; who has a device is seen when it is sent."""
        return bool(self.applications)

    def send(self, notice: Notification) -> None:
        """Push it to all devices of the driver. Raises Undelivered when a device could not be tried."""
        driver = self.drivers.get(notice.driver_id)
        if driver is None or not driver.wants(notice.kind, Channel.PUSH):
            return
        failed = ""
        for device in driver.devices:
            if (application := self.applications.get(device.platform)) is None:
                continue
            try:
                self._push(application, device, notice)
            except ClientError as error:
                if error.response["Error"]["Code"] not in _DEAD:
                    failed = why(error)
                    continue
                self._forget(driver, device)
            except BotoCoreError as error:
                failed = why(error)
        if failed:
            raise Undelivered(failed)

    def _push(self, application: str, device: Device, notice: Notification) -> None:
        endpoint = self.client.create_platform_endpoint(PlatformApplicationArn=application, Token=device.token)
        self.client.publish(
            TargetArn=endpoint["EndpointArn"], Message=json.dumps(_message(notice)), MessageStructure="json"
        )

    def _forget(self, driver: Driver, device: Device) -> None:
        self.drivers.change(
            driver.driver_id, lambda it: replace(it, devices=tuple(other for other in it.devices if other != device))
        )


def _message(notice: Notification) -> dict[str, str]:
    """SNS's message for all platforms: what is shown, and the ids with which the app finds the rest."""
    title, told = subject_of(notice), json.loads(body_of(notice))
    apns: dict[str, Any] = {"aps": {"alert": title, "sound": "default"}, "kerb": told}
    fcm = {"notification": {"title": title}, "data": {name: str(value) for name, value in told.items()}}
    shown = json.dumps(apns)
    return {"default": title, "APNS": shown, "APNS_SANDBOX": shown, "GCM": json.dumps(fcm)}
