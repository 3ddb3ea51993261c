"""Models of accounts: who somebody is, and with which card they pay."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from chalicelib.handlers.http.fields import Email, RequestBody, ResponseBody, SpokenLocale, example, secret

ACCEPTED_TERMS = {"version": "2026-11", "accepted_at": "2026-11-21T09:00:00Z"}


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
    code: Annotated[str, StringConstraints(min_length=1, max_length=16)]


class Credentials(RequestBody):
    """Who logs in: e-mail address and password."""

    model_config = RequestBody.model_config | example(email="driver@example.com", password="Driver-demo-1")
    email: Annotated[str, StringConstraints(min_length=3, max_length=254)]
    password: Annotated[str, secret(1, 256)]


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
    """What the caller wishes; what is left out stays as it is."""

    model_config = RequestBody.model_config | example(locale="fr-CH")
    locale: SpokenLocale | None = None


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
