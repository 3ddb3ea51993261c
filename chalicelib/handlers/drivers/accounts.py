"""Routes for a driver's account: registering, logging in, and the card that pays, which never passes through here."""

from __future__ import annotations

from chalice import Blueprint

from chalicelib.domain.languages import accepted
from chalicelib.handlers.drivers.account_models import (
    AcceptanceBody,
    AcceptedTermsView,
    Card,
    CardSetupView,
    Confirmation,
    Credentials,
    FinishedSetup,
    Me,
    NewCardSetup,
    PreferencesBody,
    RefreshToken,
    Registration,
    TermsOfUseView,
    Tokens,
)
from chalicelib.handlers.http.endpoint import Answer, Request, endpoint
from chalicelib.records.drivers import Driver, Login
from chalicelib.wiring import network

drivers = Blueprint(__name__)


@endpoint(
    drivers,
    "POST",
    "/v1/drivers",
    takes=Registration,
    answers=Me,
    status=201,
    needs_login=False,
    errors=(401, 409, 429, 503),
    headers={"Accept-Language": "the first language of papers and messages"},
)
def register(request: Request) -> Me:
    """Open an account; a code to confirm it goes to its e-mail address."""
    version: str | None = request.body.terms_version
    terms = network().preferences.acceptance(version) if version is not None else None
    locale = accepted(request.headers.get("accept-language", ""))
    return me_view(network().accounts.register(request.body.email, request.body.password, locale, terms))


@endpoint(drivers, "POST", "/v1/drivers/confirm", takes=Confirmation, status=204, needs_login=False, errors=(401, 429))
def confirm(request: Request) -> Answer:
    """Confirm the account's e-mail address with the code sent there."""
    network().accounts.confirm(request.body.email, request.body.code)
    return Answer()


@endpoint(drivers, "POST", "/v1/login", takes=Credentials, answers=Tokens, needs_login=False, errors=(401,))
def log_in(request: Request) -> Tokens:
    """Get an access token. Where the account has a second factor its code is needed (`code_needed`)."""
    body: Credentials = request.body
    return tokens_view(network().accounts.log_in(body.email, body.password, body.code or ""))


@endpoint(drivers, "POST", "/v1/login/refresh", takes=RefreshToken, answers=Tokens, needs_login=False, errors=(401,))
def refresh(request: Request) -> Tokens:
    """Get a new access token."""
    return tokens_view(network().accounts.refresh(request.body.refresh_token))


@endpoint(drivers, "GET", "/v1/me", answers=Me, errors=(404,), of_account=True)
def me(request: Request) -> Me:
    """The account that calls."""
    return me_view(network().accounts.driver(request.driver_id))


@endpoint(drivers, "PATCH", "/v1/me", takes=PreferencesBody, answers=Me, errors=(404,))
def change_me(request: Request) -> Me:
    """Say which language papers and messages shall come in."""
    return me_view(network().preferences.speak(request.driver_id, request.body.locale))


@endpoint(drivers, "PUT", "/v1/me/terms", takes=AcceptanceBody, answers=Me, errors=(404, 409))
def accept_terms(request: Request) -> Me:
    """Accept the terms of use that hold now; when that was is kept with their version."""
    return me_view(network().preferences.accept(request.driver_id, request.body.version))


@endpoint(drivers, "POST", "/v1/cards/setup", takes=NewCardSetup, answers=CardSetupView, status=201, errors=(404, 503))
def begin_card_setup(request: Request) -> CardSetupView:
    """Begin to save a card: the client finishes with Stripe, so that no card number reaches Kerb."""
    setup = network().accounts.begin_card_setup(request.driver_id)
    return CardSetupView(
        setup_id=setup.setup_id, client_secret=setup.client_secret, publishable_key=setup.publishable_key
    )


@endpoint(drivers, "POST", "/v1/cards", takes=FinishedSetup, answers=Card, status=201, errors=(404, 409, 503))
def save_card(request: Request) -> Card:
    """Let the card of a finished setup pay from now on."""
    return Card(card=network().accounts.save_card(request.driver_id, request.body.setup_id).card)


def me_view(driver: Driver) -> Me:
    """The account as its driver sees it."""
    terms = network().terms_of_use
    return Me(
        driver_id=driver.driver_id,
        email=driver.email,
        card=driver.card,
        locale=driver.locale,
        terms_of_use=TermsOfUseView(
            version=terms.version,
            url=terms.url,
            is_required=terms.is_required,
            is_accepted=driver.has_accepted(terms),
        )
        if terms.version
        else None,
        accepted_terms=accepted_views(driver),
    )


def accepted_views(driver: Driver) -> list[AcceptedTermsView]:
    """What a driver has accepted, and when."""
    return [AcceptedTermsView(version=it.version, accepted_at=it.at) for it in driver.accepted]


def tokens_view(login: Login) -> Tokens:
    """What a login is worth."""
    return Tokens(access_token=login.access_token, expires_in=login.expires_s, refresh_token=login.refresh_token)
