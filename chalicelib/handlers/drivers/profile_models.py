"""Models of what a driver says of themselves: business, devices, and what not to be told."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, StringConstraints

from chalicelib.domain.money.party import Business, Invoicing
from chalicelib.domain.notifications import NotificationKind
from chalicelib.handlers.http.fields import Country, Id, RequestBody, ResponseBody, example
from chalicelib.records.drivers import Platform


def _vat_id(value: object) -> object:
    """As people write it, `DE 123.456.789`."""
    return "".join(it for it in value if it not in " .-/").upper() if isinstance(value, str) else value


BUSINESS: dict[str, Any] = {
    "name": "Acme Ltd",
    "address": "Road 1\n10115 Berlin",
    "vat_id": "DE123456789",
    "country": "DE",
    "postal_code": "10115",
    "city": "Berlin",
    "reference": "04011000-12345-34",
    "invoicing": "monthly",
}
_DEVICE: dict[str, Any] = {"device_id": "phone-1", "platform": "apns"}
_PUSH = {"almost_full": True, "started": False}
VatId = Annotated[
    str,
    BeforeValidator(_vat_id),
    StringConstraints(pattern=r"^([A-Z]{2}[A-Z0-9+*]{2,13})?$"),
    Field(description="country and number; its form is checked, not whether it is given out"),
]


class BusinessBody(RequestBody):
    """For whom a driver charges; it stands on papers from now on."""

    model_config = RequestBody.model_config | example(**BUSINESS)
    name: Annotated[str, StringConstraints(min_length=1, max_length=120)]
    address: Annotated[str, StringConstraints(max_length=300), Field(description="in lines")] = ""
    vat_id: VatId = ""
    country: Annotated[Country, Field(description="ISO 3166 alpha-2; else the VAT id's")] = ""
    postal_code: Annotated[
        str, StringConstraints(max_length=20), Field(description="where the address's last line does not say it")
    ] = ""
    city: Annotated[
        str, StringConstraints(max_length=80), Field(description="where the address's last line does not say it")
    ] = ""
    reference: Annotated[
        str, StringConstraints(max_length=80), Field(description="what invoices shall bear, such as a Leitweg-ID")
    ] = ""
    invoicing: Annotated[Invoicing, Field(description="when invoices are issued, of what is paid from now on")] = (
        Invoicing.ON_REQUEST
    )


class BusinessView(ResponseBody):
    """For whom a driver charges; all null: for themselves."""

    model_config = example(**BUSINESS)
    name: str | None
    address: str | None
    vat_id: str | None
    country: str | None
    postal_code: str | None
    city: str | None
    reference: str | None
    invoicing: Invoicing | None


def business(it: Business | None) -> BusinessView:
    """For whom a driver charges, as it is shown."""
    told = {} if it is None else asdict(it)
    return BusinessView(**{name: told.get(name) or None for name in BusinessView.model_fields})


class DeviceBody(RequestBody):
    """A device to push to; `token` is what APNs or FCM gave the app."""

    model_config = RequestBody.model_config | example(platform="apns", token="0f744707bebcf74f")
    platform: Platform
    token: Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{8,2048}$")]


class DeviceView(ResponseBody):
    """A device that is pushed to; its token is not shown again."""

    model_config = example(**_DEVICE)
    device_id: Id
    platform: Platform


class DeviceList(ResponseBody):
    """Where the caller's notices are pushed to: the devices that were registered and not taken away since."""

    model_config = example(items=[_DEVICE])
    items: list[DeviceView]


class NoticePreferences(RequestBody):
    """What is not to be told, by channel and kind: `false` switches it off, and what is not named is on."""

    model_config = RequestBody.model_config | example(push=_PUSH, mail={"started": False})
    push: dict[NotificationKind, bool] = Field(default_factory=dict)
    mail: dict[NotificationKind, bool] = Field(default_factory=dict)


class PreferencesView(ResponseBody):
    """What is told, by channel and kind. All of it can be read at /v1/me/notices whatever stands here."""

    model_config = example(push=_PUSH, mail={"started": False})
    push: dict[NotificationKind, bool]
    mail: dict[NotificationKind, bool]
