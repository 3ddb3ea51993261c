"""The API's words: every body that comes in or goes out has its model here, and a request has no field unknown to it.

Money is integer minor units with an ISO 4217 currency, times are RFC 3339 UTC, prices are decimal text. No model
has a place for a card number.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, StringConstraints

from chalicelib.domain.events import ConnectorId, ConnectorStatus
from chalicelib.domain.limits import Limits
from chalicelib.domain.session import Reason, State
from chalicelib.domain.tariff import Dimension
from chalicelib.handlers.shared import examples
from chalicelib.records import Admission, PlugType


def _example(**values: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [values]})


class Taken(BaseModel):
    """A request body."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, defer_build=True)


class Given(BaseModel):
    """A response body. Models are built when first used: most functions never see one, and all would pay 45 ms."""

    model_config = ConfigDict(defer_build=True)


def _connector_text(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _all_different(connectors: list[str]) -> list[str]:
    if len({ConnectorId.parse(it) for it in connectors}) < len(connectors):
        raise ValueError('names a connector twice ("1" and "1.1" are the same)')
    return connectors


ChargerId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9*\-_=:+|@.]{1,48}$")]
Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9\-_.]{1,64}$")]
Connector = Annotated[
    str, BeforeValidator(_connector_text), StringConstraints(pattern=r"^[1-9]\d{0,3}(\.[1-9]\d{0,2})?$")
]
Price = Annotated[
    Decimal,
    Field(ge=0, le=100_000, max_digits=12, decimal_places=4),
    PlainSerializer(lambda price: f"{price:f}", return_type=str, when_used="json"),
]
Percent = Annotated[Price, Field(le=100)]
Email = Annotated[str, StringConstraints(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$", max_length=254)]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Minor = Annotated[int, Field(description="in the currency's smallest unit")]


def _password(shortest: int, longest: int) -> Any:
    """A secret is taken to the letter, spaces included."""
    return StringConstraints(strip_whitespace=False, min_length=shortest, max_length=longest)


class FieldError(Given):
    """What is wrong with one field."""

    field: str
    message: str


class Problem(Given):
    """RFC 9457."""

    model_config = _example(
        type="urn:kerb:problem:invalid",
        title="Unprocessable Entity",
        status=422,
        detail="connector: String should match pattern",
        errors=[{"field": "connector", "message": "String should match pattern"}],
    )
    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldError] = []


class Registration(Taken):
    """A new account."""

    model_config = Taken.model_config | _example(email="driver@example.com", password="Driver-demo-1")
    email: Email
    password: Annotated[str, _password(8, 256)]


class Confirmation(Taken):
    """The code sent to a new account's address."""

    model_config = Taken.model_config | _example(email="driver@example.com", code="123456")
    email: Email
    code: Annotated[str, StringConstraints(min_length=1, max_length=16)]


class Credentials(Taken):
    """Who logs in."""

    model_config = Taken.model_config | _example(email="driver@example.com", password="Driver-demo-1")
    email: Annotated[str, StringConstraints(min_length=3, max_length=254)]
    password: Annotated[str, _password(1, 256)]


class RefreshToken(Taken):
    """Log in again without the password."""

    model_config = Taken.model_config | _example(refresh_token="eyJ…")
    refresh_token: Annotated[str, StringConstraints(min_length=1, max_length=4096)]


class Tokens(Given):
    """Send the access token as `Authorization: Bearer …`."""

    model_config = _example(access_token="eyJ…", token_type="Bearer", expires_in=3600, refresh_token="eyJ…")
    access_token: str
    token_type: str = "Bearer"
    expires_in: int
    refresh_token: str | None


class Me(Given):
    """The account that calls."""

    model_config = _example(driver_id="3f1c…", email="driver@example.com", card="visa 4242")
    driver_id: str
    email: str
    card: str | None


class NewCardSetup(Taken):
    """Nothing to say: the card goes to Stripe, not here."""


class CardSetup(Given):
    """Hand these to Stripe.js (`confirmCardSetup`), then POST the setup_id to /v1/cards."""

    model_config = _example(setup_id="seti_1", client_secret="seti_1_secret_2", publishable_key="pk_test_3")
    setup_id: str
    client_secret: str
    publishable_key: str


class FinishedSetup(Taken):
    """A setup the card's owner has finished with Stripe."""

    model_config = Taken.model_config | _example(setup_id="seti_1")
    setup_id: Annotated[str, StringConstraints(pattern=r"^seti_\w{1,120}$")]


class Card(Given):
    """The card that pays."""

    model_config = _example(card="visa 4242")
    card: str | None


class Prices(Given):
    """What charging costs, before tax, in major units."""

    model_config = _example(**examples.PRICES)
    tariff_id: str
    name: str
    currency: str
    price_per_kwh: Price
    price_per_minute: Price
    flat_price: Price
    tax_percent: Price
    hold_minor: Minor


class ConnectorView(Given):
    """A connector and what it does."""

    connector: str
    kind: PlugType
    max_power_w: int
    status: ConnectorStatus
    status_at: datetime | None
    error: str
    in_use: bool


class ChargerView(Given):
    """A charger as anyone may see it."""

    model_config = _example(**examples.CHARGER)
    charger_id: str
    site_id: str
    site_name: str
    address: str
    online: bool
    connectors: list[ConnectorView]
    prices: Prices


class LimitsBody(Taken):
    """Stop at the first reading that reaches one of these."""

    energy_wh: Annotated[int, Field(gt=0, le=2_000_000)] | None = None
    amount_minor: Annotated[int, Field(gt=0, le=100_000_000, description="with tax")] | None = None
    duration_s: Annotated[int, Field(gt=0, le=172_800)] | None = None
    soc_percent: Annotated[int, Field(ge=1, le=100)] | None = None


class NewSession(Taken):
    """Where to charge, and when to stop."""

    model_config = Taken.model_config | _example(charger_id="DEMO-16", connector="1", limits={"energy_wh": 20_000})
    charger_id: ChargerId
    connector: Connector = "1"
    limits: LimitsBody | None = None


class Cost(Given):
    """What a session costs so far, or in the end."""

    currency: str
    net_minor: Minor
    tax_minor: Minor
    total_minor: Minor


class SessionView(Given):
    """A session as far as it has come."""

    model_config = _example(**examples.SESSION)
    session_id: str
    state: State
    reason: Reason | None
    charger_id: str
    site_id: str
    connector: str
    created_at: datetime
    started_at: datetime | None
    stopped_at: datetime | None
    ended_at: datetime | None
    energy_wh: int
    power_w: int | None
    soc_percent: int | None
    cost: Cost
    prices: Prices
    limits: Limits | None
    held_minor: Minor | None
    paid_minor: Minor | None
    live_url: str | None
    receipt_url: str | None


class SessionPage(Given):
    """Newest first; ask again with `cursor` for more."""

    model_config = _example(items=[examples.SESSION], next_cursor=None)
    items: list[SessionView]
    next_cursor: str | None


class ReceiptLine(Given):
    """One thing charged for: `quantity` in Wh, seconds or 1; `unit_price` per kWh, minute or session."""

    dimension: Dimension
    quantity: int
    unit_price: Price
    amount_minor: Minor


class Receipt(Given):
    """What was bought, and what was paid."""

    model_config = _example(**examples.RECEIPT)
    number: str
    session_id: str
    operator_id: str
    site_name: str
    address: str
    charger_id: str
    connector: str
    started_at: datetime
    stopped_at: datetime
    meter_start_wh: int | None
    meter_stop_wh: int | None
    energy_wh: int
    currency: str
    lines: list[ReceiptLine]
    net_minor: Minor
    tax_percent: Price
    tax_minor: Minor
    total_minor: Minor
    paid_minor: Minor
    amount_due_minor: Minor
    paid_at: datetime
    card: str


class TariffBody(Taken):
    """Prices before tax, in major units of the currency."""

    model_config = Taken.model_config | _example(
        name="Standard",
        currency="EUR",
        price_per_kwh="0.45",
        price_per_minute="0.02",
        tax_percent="19",
        hold_minor=5000,
    )
    name: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    currency: Currency
    price_per_kwh: Price = Decimal(0)
    price_per_minute: Price = Decimal(0)
    flat_price: Price = Decimal(0)
    tax_percent: Percent = Decimal(0)
    hold_minor: Annotated[int, Field(gt=0, le=100_000_000)] = 5000


class SiteBody(Taken):
    """A place with one grid connection."""

    model_config = Taken.model_config | _example(
        name="Harbour car park", address="Hafenstrasse 1, Hamburg", time_zone="Europe/Berlin", tariff_id="standard"
    )
    name: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    address: Annotated[str, StringConstraints(min_length=1, max_length=300)]
    time_zone: Annotated[str, StringConstraints(pattern=r"^[A-Za-z_]+(/[A-Za-z0-9_+\-]+)*$", max_length=64)]
    tariff_id: Id
    latitude: Annotated[float, Field(ge=-90, le=90)] | None = None
    longitude: Annotated[float, Field(ge=-180, le=180)] | None = None


class PlugBody(Taken):
    """What a connector offers a car."""

    connector: Connector
    kind: PlugType = PlugType.UNKNOWN
    max_power_w: Annotated[int, Field(ge=0, le=5_000_000)] = 0


class ChargerBody(Taken):
    """A charger's place, plugs and password; leave the password out to keep it."""

    model_config = Taken.model_config | _example(
        site_id="harbour",
        connectors=["1", "2"],
        plugs=[{"connector": "1", "kind": "ccs2", "max_power_w": 150000}],
        password="at-least-12-characters",
    )
    site_id: Id
    connectors: Annotated[list[Connector], Field(min_length=1, max_length=64), AfterValidator(_all_different)]
    plugs: Annotated[list[PlugBody], Field(max_length=64)] = []
    password: Annotated[str, _password(12, 64)] | None = None
    security_profile: Annotated[
        int, Field(ge=0, le=3, description="OCPP's: 0 nothing, 1 and 2 the password, 3 a certificate")
    ] = 1
    keeps_list: Annotated[bool, Field(description="keep the charger's own list of RFID cards up to date")] = False
    blocked: Annotated[bool, Field(description="let it in no more")] = False


class TokenBody(Taken):
    """Whose RFID card it is."""

    model_config = Taken.model_config | _example(driver_id="3f1c9a52-6d0b-4f6e", blocked=False)
    driver_id: Id
    blocked: bool = False


class RegisteredCharger(Given):
    """A charger as its operator sees it in a list."""

    charger_id: str
    site_id: str
    admission: Admission
    security_profile: int
    keeps_list: bool
    connectors: list[str]
    online: bool
    protocol: str | None
    connected_at: datetime | None
    vendor: str | None
    model: str | None
    firmware: str | None


class RegisteredChargers(Given):
    """All of an operator's chargers."""

    model_config = _example(**examples.REGISTERED)
    items: list[RegisteredCharger]
