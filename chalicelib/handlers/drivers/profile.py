"""Routes for what a driver says of themselves: business, devices, and what not to be told."""

from __future__ import annotations

from chalice import Blueprint
from pydantic import TypeAdapter, ValidationError

from chalicelib.domain.money.party import Business
from chalicelib.domain.notifications import Channel, NotificationKind
from chalicelib.handlers.drivers.profile_models import (
    BusinessBody,
    BusinessView,
    DeviceBody,
    DeviceList,
    DeviceView,
    NoticePreferences,
    PreferencesView,
    business,
)
from chalicelib.handlers.http.endpoint import Answer, BadRequest, Request, endpoint
from chalicelib.handlers.http.fields import Id
from chalicelib.records.drivers import Device
from chalicelib.wiring import network

profile = Blueprint(__name__)

_BUSINESS = "/v1/me/business"
_DEVICE = "/v1/me/devices/{device_id}"
_PREFERENCES = "/v1/me/notices/preferences"
_ID: TypeAdapter[str] = TypeAdapter(Id)


@endpoint(profile, "GET", _BUSINESS, answers=BusinessView, errors=(404,))
def get_business(request: Request) -> BusinessView:
    """For whom the caller charges; all null: for themselves."""
    return business(network().accounts.driver(request.driver_id).business)


@endpoint(profile, "PUT", _BUSINESS, takes=BusinessBody, status=204, errors=(404,))
def put_business(request: Request) -> Answer:
    """Name the business that the caller charges for: name, address and VAT id stand on papers from now on."""
    body: BusinessBody = request.body
    network().driver_profile.set_business(request.driver_id, Business(**body.model_dump()))
    return Answer()


@endpoint(profile, "DELETE", _BUSINESS, status=204, errors=(404,))
def delete_business(request: Request) -> Answer:
    """The caller charges for themselves from now on."""
    network().driver_profile.set_business(request.driver_id, None)
    return Answer()


@endpoint(profile, "GET", "/v1/me/devices", answers=DeviceList, errors=(404,))
def my_devices(request: Request) -> DeviceList:
    """The devices that the caller's notifications are pushed to."""
    devices = network().accounts.driver(request.driver_id).devices
    return DeviceList(items=[DeviceView(device_id=it.device_id, platform=it.platform) for it in devices])


@endpoint(profile, "PUT", _DEVICE, takes=DeviceBody, status=204, errors=(400, 404, 409))
def put_device(request: Request) -> Answer:
    """Push the caller's notifications to this device too; again, with another token, when the app gets one."""
    body: DeviceBody = request.body
    network().driver_profile.add_device(request.driver_id, Device(_device_id(request), body.platform, body.token))
    return Answer()


@endpoint(profile, "DELETE", _DEVICE, status=204, errors=(400, 404))
def delete_device(request: Request) -> Answer:
    """Push nothing to this device any more."""
    network().driver_profile.remove_device(request.driver_id, _device_id(request))
    return Answer()


@endpoint(profile, "GET", _PREFERENCES, answers=PreferencesView, errors=(404,))
def get_preferences(request: Request) -> PreferencesView:
    """What the caller is told, by channel and kind."""
    driver = network().accounts.driver(request.driver_id)
    push, mail = ({kind: driver.wants(kind, it) for kind in NotificationKind} for it in (Channel.PUSH, Channel.MAIL))
    return PreferencesView(push=push, mail=mail)


@endpoint(profile, "PUT", _PREFERENCES, takes=NoticePreferences, status=204, errors=(404,))
def put_preferences(request: Request) -> Answer:
    """Say what not to be told, by channel and kind; what is not named is on."""
    body: NoticePreferences = request.body
    told = {Channel.PUSH: body.push, Channel.MAIL: body.mail}
    muted = [(kind, channel) for channel, kinds in told.items() for kind, is_on in kinds.items() if not is_on]
    network().driver_profile.mute(request.driver_id, muted)
    return Answer()


def _device_id(request: Request) -> str:
    try:
        return _ID.validate_python(request.path["device_id"])
    except ValidationError as error:
        raise BadRequest(f"device_id: {error.errors()[0]['msg']}", "device_id") from None
