"""Routes for a person's second factor: an authenticator's codes (TOTP, RFC 6238), asked for at each login."""

from __future__ import annotations

from urllib.parse import quote

from chalice import Blueprint

from chalicelib.handlers.drivers.account_models import AuthenticatorCode, AuthenticatorView, SecondFactorView
from chalicelib.handlers.http.endpoint import Answer, Request, endpoint
from chalicelib.services.access import Refusal
from chalicelib.wiring import network

second_factor = Blueprint(__name__)

_OWN = "/v1/me/second-factor"


@endpoint(second_factor, "GET", _OWN, answers=SecondFactorView, of_account=True)
def get_second_factor(request: Request) -> SecondFactorView:
    """Whether the caller's logins take a code, and whether this one did."""
    return SecondFactorView(since=request.known_driver.second_factor_since, is_proven=request.known_caller.is_proven)


@endpoint(second_factor, "POST", _OWN, answers=AuthenticatorView, status=201, errors=(403, 429), of_account=True)
def begin_second_factor(request: Request) -> AuthenticatorView:
    """Get a secret for an authenticator app, as text and as the address that its QR code holds. Nothing is asked yet.

    Needs a recent login; of whoever has a second factor already one that took its code.
    """
    _recent(request)
    driver = request.known_driver
    secret = network().accounts.begin_second_factor(
        driver, request.access_token, is_proven=request.known_caller.is_proven
    )
    uri = f"otpauth://totp/Kerb:{quote(driver.email)}?secret={secret}&issuer=Kerb"
    return AuthenticatorView(secret=secret, uri=uri)


@endpoint(
    second_factor,
    "POST",
    _OWN + "/confirm",
    takes=AuthenticatorCode,
    status=204,
    errors=(403, 429),
    of_account=True,
)
def confirm_second_factor(request: Request) -> Answer:
    """Show a code of that authenticator: from now on each login takes one, and this one counts as having had it."""
    _recent(request)
    caller, at = request.known_caller, network().clock()
    network().accounts.confirm_second_factor(
        request.known_driver, request.access_token, caller.login_id, request.body.code, at
    )
    return Answer()


@endpoint(second_factor, "DELETE", _OWN, status=204, errors=(403, 429), of_account=True)
def end_second_factor(request: Request) -> Answer:
    """Let logins take no code any more. Needs a recent login that took one."""
    _recent(request)
    network().accounts.end_second_factor(
        request.known_driver, request.access_token, is_proven=request.known_caller.is_proven
    )
    return Answer()


def _recent(request: Request) -> None:
    if not request.is_login_recent:
        raise Refusal("login_too_old", "log in again first (POST /v1/login)")
