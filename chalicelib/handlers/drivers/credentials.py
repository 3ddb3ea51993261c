"""Routes for a driver's credentials: password, e-mail address, log-out, and the end of the account.

Whoever is away from their phone must not lose the account to it: what takes it away asks for a login that is recent, or
for the password.
"""

from __future__ import annotations

from chalice import Blueprint

from chalicelib.handlers.drivers.account_models import (
    Address,
    AddressCode,
    Farewell,
    Me,
    NewAddress,
    PasswordChange,
    PasswordReset,
    Tokens,
)
from chalicelib.handlers.drivers.accounts import me_view, tokens_view
from chalicelib.handlers.http.endpoint import Answer, Request, endpoint
from chalicelib.services.access import Refusal
from chalicelib.wiring import network

credentials = Blueprint(__name__)


@endpoint(
    credentials, "POST", "/v1/drivers/resend", takes=Address, status=204, needs_login=False, errors=(401, 429, 503)
)
def resend_code(request: Request) -> Answer:
    """Send the code that confirms an account once more; says nothing of whether there is one."""
    network().accounts.resend(request.body.email)
    return Answer()


@endpoint(
    credentials, "POST", "/v1/password/forgot", takes=Address, status=204, needs_login=False, errors=(401, 429, 503)
)
def forgot_password(request: Request) -> Answer:
    """Send a code to set another password; says nothing of whether there is an account."""
    network().accounts.forgot_password(request.body.email)
    return Answer()


@endpoint(
    credentials, "POST", "/v1/password/reset", takes=PasswordReset, status=204, needs_login=False, errors=(401, 429)
)
def reset_password(request: Request) -> Answer:
    """Set another password by the code that was mailed; logs out everywhere."""
    body: PasswordReset = request.body
    network().accounts.reset_password(body.email, body.code, body.password)
    return Answer()


@endpoint(
    credentials, "PUT", "/v1/me/password", takes=PasswordChange, answers=Tokens, errors=(404, 429), of_account=True
)
def change_password(request: Request) -> Tokens:
    """Set another password by the old one; logs out everywhere, and answers new tokens to whoever asked."""
    body: PasswordChange = request.body
    token = request.access_token
    return tokens_view(
        network().accounts.change_password(
            request.driver_id, token, body.old_password, body.new_password, body.code or ""
        )
    )


@endpoint(credentials, "POST", "/v1/logout", status=204, of_account=True)
def log_out(request: Request) -> Answer:
    """Log out everywhere: no access or refresh token that was given out until now is good any more."""
    network().accounts.log_out(request.driver_id)
    return Answer()


@endpoint(
    credentials, "PUT", "/v1/me/email", takes=NewAddress, status=204, errors=(403, 404, 409, 429, 503), of_account=True
)
def change_email(request: Request) -> Answer:
    """Send a code to another e-mail address; the old one counts until that is shown. Needs a recent login."""
    _themselves(request, request.body.password)
    network().accounts.change_email(request.access_token, request.body.email)
    return Answer()


@endpoint(
    credentials,
    "POST",
    "/v1/me/email/confirm",
    takes=AddressCode,
    answers=Me,
    errors=(404, 409, 429, 503),
    of_account=True,
)
def confirm_email(request: Request) -> Me:
    """Let the other e-mail address count, by the code sent there."""
    return me_view(network().accounts.confirm_email(request.driver_id, request.access_token, request.body.code))


@endpoint(
    credentials, "DELETE", "/v1/me", takes=Farewell, status=204, errors=(402, 403, 409, 429, 503), of_account=True
)
def leave(request: Request) -> Answer:
    """Delete the account and its data; sessions stay in the books, and nothing in them leads to a person.

    Needs a login of the last quarter of an hour, or the password. All tokens of the account are dead from then on.
    """
    _themselves(request, request.body.password)
    network().account_deletion.leave(request.driver_id)
    return Answer()


def _themselves(request: Request, password: str | None) -> None:
    """Raises Refusal unless the driver has just logged in, NotAllowed for a password that is not theirs."""
    if password is not None:
        network().accounts.recognise(request.driver_id, password)
    elif not request.is_login_recent:
        raise Refusal("login_too_old", "log in again first (POST /v1/login), or send the password")
