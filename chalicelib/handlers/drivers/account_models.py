"""Models of accounts: who somebody is, and with which card they pay."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from chalicelib.handlers.http.fields import (
    Email,
    RequestBody,
    ResponseBody,
    SecretConstraints,
    SpokenLocale,
    example,
    secret,
)

ACCEPTED_TERMS = {"version": "2026-11", "accepted_at": "2026-11-21T09:00:00Z"}

Code = Annotated[str, StringConstraints(min_length=1, max_length=16)]
_Figures = Annotated[str, SecretConstraints(pattern=r"^[0-9]{6}$")]
AnyCode = Annotated[_Figures | None, Field(description="of the account's authenticator, where it has one")]


class Registration(RequestBody):
    """A new account: its e-mail address and password."""

    model_config = RequestBody.model_config | example(email="driver@example.com", password="Driver-demo-1")
    email: Email
    password: Annotated[str, secret(8, 256)]
    terms_version: Annotated[str | None, Field(description="of the terms of use that are accepted with it")] = None


class Confirmation(RequestBody):
    """The code sent to a new account's address."""

    model_config = RequestBody.model_config | example(email="driver@example.com", code="123456")
    email: Email
    code: Code


class Address(RequestBody):
    """The e-mail address of an account."""

    model_config = RequestBody.model_config | example(email="driver@example.com")
    email: Email


class PasswordReset(RequestBody):
    """Another password, by the code that was mailed."""

    model_config = RequestBody.model_config | example(
        email="driver@example.com", code="123456", password="Driver-demo-2"
    )
    email: Email
    code: Code
    password: Annotated[str, secret(8, 256)]


class PasswordChange(RequestBody):
    """Another password, by the old one, and its authenticator's code where the account asks for one."""

    model_config = RequestBody.model_config | example(old_password="Driver-demo-1", new_password="Driver-demo-2")
    old_password: Annotated[str, secret(1, 256)]
    new_password: Annotated[str, secret(8, 256)]
    code: AnyCode = None


class NewAddress(RequestBody):
    """Another e-mail address; the password, where the login is not recent."""

    model_config = RequestBody.model_config | example(email="driver@example.org")
    email: Email
    password: Annotated[str, secret(1, 256)] | None = None


class AddressCode(RequestBody):
    """The code sent to another e-mail address."""

    model_config = RequestBody.model_config | example(code="123456")
    code: Code


class Farewell(RequestBody):
    """What it takes to delete an account: nothing after a recent login, the password otherwise."""

    model_config = RequestBody.model_config | example(password="Driver-demo-1")
    password: Annotated[str, secret(1, 256)] | None = None


class Credentials(RequestBody):
    """Who logs in: e-mail address and password, and its authenticator's code where the account asks for one."""

    model_config = RequestBody.model_config | example(email="driver@example.com", password="Driver-demo-1")
    email: Annotated[str, StringConstraints(min_length=3, max_length=254)]
    password: Annotated[str, secret(1, 256)]
    code: AnyCode = None


class AuthenticatorCode(RequestBody):
    """A code of the authenticator that is set up."""

    model_config = RequestBody.model_config | example(code="123456")
    code: _Figures


class AuthenticatorView(ResponseBody):
    """What an authenticator app makes codes from, as text (base 32) and as the address that a QR code holds."""

    model_config = example(
        secret="JBSWY3DPEHPK3PXP…",
        uri="otpauth://totp/Kerb:ada%40example.com?secret=JBSWY3DPEHPK3PXP…&issuer=Kerb",
    )
    secret: str
    uri: str


class SecondFactorView(ResponseBody):
    """Since when logins take a code (null: they do not), and whether the caller's did."""

    model_config = example(since="2026-11-21T09:30:00Z", is_proven=True)
    since: datetime | None
    is_proven: bool


class RefreshToken(RequestBody):
    """A refresh token, to log in again without the password."""

    model_config = RequestBody.model_config | example(refresh_token="eyJ…")
    refresh_token: Annotated[str, StringConstraints(min_length=1, max_length=4096)]


class Tokens(ResponseBody):
    """OIDC tokens. Send the access token as `Authorization: Bearer …`."""

    model_config = example(access_token="eyJ…", token_type="Bearer", expires_in=3600, refresh_token="eyJ…")
    access_token: str
    token_type: str = "Bearer"
    expires_in: int
    refresh_token: str | None


class AcceptedTermsView(ResponseBody):
    """A version of the terms of use, and when it was accepted."""

    version: str
    accepted_at: datetime


class TermsOfUseView(ResponseBody):
    """The terms of use that hold now; `is_required`: no charge is begun by app before they are accepted."""

    version: str
    url: str
    is_required: bool
    is_accepted: bool


class Me(ResponseBody):
    """The account that calls; no `terms_of_use` where the platform has none."""

    model_config = example(
        driver_id="3f1c…",
        email="driver@example.com",
        card="visa 4242",
        locale="de-CH",
        terms_of_use={
            "version": "2026-11",
            "url": "https://example.com/terms",
            "is_required": False,
            "is_accepted": True,
        },
        accepted_terms=[ACCEPTED_TERMS],
    )
    driver_id: str
    email: str
    card: str | None
    locale: str
    terms_of_use: TermsOfUseView | None
    accepted_terms: list[AcceptedTermsView]


class PreferencesBody(RequestBody):
    """What the caller wishes: the language of papers and messages."""

    model_config = RequestBody.model_config | example(locale="fr-CH")
    locale: SpokenLocale


class AcceptanceBody(RequestBody):
    """The version of the terms of use that the caller accepts."""

    model_config = RequestBody.model_config | example(version="2026-11")
    version: Annotated[str, StringConstraints(min_length=1, max_length=100)]


class NewCardSetup(RequestBody):
    """An empty body: the card goes to Stripe, not here."""


class CardSetupView(ResponseBody):
    """A card setup (Stripe SetupIntent).

    Hand these to Stripe.js (`confirmCardSetup`), then POST the setup_id to /v1/cards.
    """

    model_config = example(setup_id="seti_1", client_secret="seti_1_secret_2", publishable_key="pk_test_3")
    setup_id: str
    client_secret: str
    publishable_key: str


class FinishedSetup(RequestBody):
    """A card setup that the card's owner has finished with Stripe."""

    model_config = RequestBody.model_config | example(setup_id="seti_1")
    setup_id: Annotated[str, StringConstraints(pattern=r"^seti_\w{1,120}$")]


class Card(ResponseBody):
    """The payment card that pays, by brand and last four digits."""

    model_config = example(card="visa 4242")
    card: str | None


_CARD: dict[str, Any] = {
    "card_id": "pm_1",
    "card": "visa 4242",
    "wallet": None,
    "expires": "2029-12",
    "expires_soon": False,
    "has_expired": False,
    "is_default": True,
}


class CardView(ResponseBody):
    """A payment card; `expires` is the month printed on it, `expires_soon` within thirty days, `is_default`: it pays.

    `wallet` is what holds it, `apple_pay` or `google_pay`, where it is not a card of plastic.
    """

    model_config = example(**_CARD)
    card_id: str
    card: str
    wallet: str | None
    expires: str | None
    expires_soon: bool
    has_expired: bool
    is_default: bool


class CardList(ResponseBody):
    """All of the caller's payment cards."""

    model_config = example(items=[_CARD])
    items: list[CardView]


class Choice(RequestBody):
    """One of the caller's payment cards."""

    model_config = RequestBody.model_config | example(card_id="pm_1")
    card_id: Annotated[str, StringConstraints(pattern=r"^\w{1,128}$")]
