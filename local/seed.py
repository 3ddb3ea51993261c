"""A small network to begin with, set up through the public API as its operator would."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.adapters.tables.base import PREFIX
from infrastructure.operators import appoint_platform
from local import identity
from local.client import Person
from local.stack import Stack
from local.stripe_server import save_test_card

OPERATOR_ID = "demo"
TARIFF_ID = "demo-standard"
SITE_ID = "demo-harbour"
CHARGER_PASSWORD = "charge-me-if-you-can"
RFID_UID = "04A1B2C3D4E5F6"
CHARGERS = ("DEMO-16", "DEMO-201", "GUEST-1", "GUEST-2")
DEMO_CHARGER = CHARGERS[1]
_PROFILE = {
    "legal_name": "Harbour Charging GmbH",
    "address": "Hafenstrasse 1\n20457 Hamburg",
    "country": "DE",
    "tax_id": "DE123456789",
}
# The demo charges this many times faster than any car, and its plugs are as fast as they are said to be: what a plug
# cannot give is not billed.
SPEED = 240
_POWER_W = 22_000


@dataclass(frozen=True)
class Network:
    """Who is who in it."""

    operator: Person
    driver: Person


def open_account(stack: Stack, email: str, password: str, card: str | None = "pm_card_visa") -> Person:
    """A driver, logged in, with a test card saved the way a browser would save it."""
    person = Person(stack.http_url, email, password)
    person.register()
    if not stack.options.confirms_accounts:
        code = stack.mails.code(email, "confirm_account")
        person.call("POST", "/v1/drivers/confirm", {"email": email, "code": code})
    person.log_in()
    if card is not None:
        setup = person.call("POST", "/v1/cards/setup", {})
        save_test_card(stack.stripe.url, setup["client_secret"], setup["publishable_key"], card)
        person.call("POST", "/v1/cards", {"setup_id": setup["setup_id"]})
    return person


def open_operator(stack: Stack, email: str, password: str, operator_id: str) -> Person:
    """An operator's person, logged in with the right to run that operator's chargers."""
    person = open_account(stack, email, password, card=None)
    identity.add_to_group(stack.user_pool_id, email, f"operator:{operator_id}")
    person.log_in()
    return person


def open_platform(stack: Stack, email: str, password: str) -> Person:
    """The platform's administrator, as a deployment makes one, logged in with a second factor."""
    person = open_account(stack, email, password, card=None)
    appoint_platform(stack.user_pool_id, PREFIX, email)
    person.set_up_second_factor()
    return person


def seed(stack: Stack) -> Network:
    """One operator, one site with a price, four chargers, one driver with a card and an RFID card."""
    operator = open_operator(stack, "operator@example.com", "Operator-demo-1", OPERATOR_ID)
    operator.call("PUT", "/v1/operator/profile", _PROFILE)
    # Time flies here: simulated chargers read as often as they are told on the command line.
    operator.call("PUT", "/v1/operator/charger-profile", {"reading_interval_s": None})
    operator.call(
        "PUT",
        f"/v1/operator/tariffs/{TARIFF_ID}",
        {
            "name": "Standard",
            "currency": "EUR",
            "price_per_kwh": "0.45",
            "price_per_minute": "0.02",
            "tax_percent": "19",
            "hold_minor": 5000,
        },
    )
    operator.call(
        "PUT",
        f"/v1/operator/sites/{SITE_ID}",
        {
            "name": "Harbour car park",
            "address": "Hafenstrasse 1, 20457 Hamburg, Germany",
            "time_zone": "Europe/Berlin",
            "tariff_id": TARIFF_ID,
            "latitude": 53.5437,
            "longitude": 9.9924,
        },
    )
    for charger_id in CHARGERS:
        power_w = _POWER_W * SPEED if charger_id == DEMO_CHARGER else _POWER_W
        operator.call(
            "PUT",
            f"/v1/operator/chargers/{charger_id}",
            {
                "site_id": SITE_ID,
                "connectors": ["1", "2"],
                "plugs": [{"connector": it, "kind": "type2", "max_power_w": power_w} for it in ("1", "2")],
                "password": CHARGER_PASSWORD,
            },
        )
    driver = open_account(stack, "driver@example.com", "Driver-demo-1")
    driver_id = driver.call("GET", "/v1/me")["driver_id"]
    operator.call("PUT", f"/v1/operator/tokens/{RFID_UID}", {"driver_id": driver_id})
    return Network(operator, driver)
