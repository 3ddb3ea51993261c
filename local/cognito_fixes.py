"""What moto's Cognito needs to let people in as the deployed one does: it mails codes, and takes no others.

AWS's API reference says what is added here: ConfirmSignUp, ResendConfirmationCode, ForgotPassword,
ConfirmForgotPassword, UpdateUserAttributes, VerifyUserAttribute; AssociateSoftwareToken, VerifySoftwareToken and
RespondToAuthChallenge, for moto takes any code of an authenticator. The user pool hides who has an account
(`PreventUserExistenceErrors`): strangers' addresses are answered as if they had one.
"""

from __future__ import annotations

import secrets
import threading
import time
from dataclasses import dataclass
from functools import cache
from typing import Any

from moto.cognitoidp import exceptions
from moto.cognitoidp.models import CognitoIdpUserPool, UserStatus, cognitoidp_backends
from moto.cognitoidp.responses import CognitoIdpResponse
from moto.core.exceptions import JsonRESTError
from moto.core.responses import ActionResult, EmptyResult

from local import totp
from local.mail import Mail, MailOutbox, Purpose

_MOST_TRIES = 5
_TEXTS: dict[Purpose, str] = {
    "confirm_account": "Your confirmation code is {code}.",
    "reset_password": "Your password reset code is {code}.",
    "confirm_email": "Your verification code is {code}.",
}
_LASTS_S: dict[Purpose, float] = {"confirm_account": 24 * 3600, "reset_password": 3600, "confirm_email": 24 * 3600}
_ONE_AT_A_TIME = threading.RLock()
_outboxes: list[MailOutbox] = []


@dataclass
class _Code:
    """A code that was mailed; `detail` is the address that it will prove."""

    code: str
    until: float
    detail: str
    tries: int = 0


def mail_codes_to(outbox: MailOutbox) -> None:
    """From now on codes of every pool of this process go there."""
    _outboxes[:] = [outbox]
    _patch()


@cache
def _patch() -> None:
    responses: Any = CognitoIdpResponse
    sign_up = responses.sign_up

    def sign_up_and_mail(response: Any) -> Any:
        answer = sign_up(response)
        user = _user(response)
        _mail(user, "confirm_account", _email(user))
        return answer

    responses.sign_up = sign_up_and_mail
    responses.confirm_sign_up = _confirm_sign_up
    responses.resend_confirmation_code = _resend_confirmation_code
    responses.forgot_password = _forgot_password
    responses.confirm_forgot_password = _confirm_forgot_password
    responses.update_user_attributes = _update_user_attributes
    responses.verify_user_attribute = _verify_user_attribute
    responses.associate_software_token = _associate_software_token
    responses.verify_software_token = _verify_software_token
    _ask_for_codes(responses)
    _know_people_by_their_id()
    call_action = responses.call_action

    def one_at_a_time(response: Any) -> Any:
        # moto looks people up one by one, while others sign up or leave.
        with _ONE_AT_A_TIME:
            return call_action(response)

    responses.call_action = one_at_a_time


def _confirm_sign_up(response: Any) -> Any:
    user = _user(response)
    if user is None:
        raise exceptions.ExpiredCodeException("Invalid code provided, please request a code again.")
    if user.status is not UserStatus.UNCONFIRMED:
        raise exceptions.NotAuthorizedError("User cannot be confirmed. Current status is CONFIRMED")
    _redeem(user, "confirm_account", response._get_param("ConfirmationCode"))
    user.status = UserStatus.CONFIRMED
    user.update_attributes([{"Name": "email_verified", "Value": "true"}])
    return EmptyResult()


def _resend_confirmation_code(response: Any) -> Any:
    user = _user(response)
    if user is not None and user.status is not UserStatus.UNCONFIRMED:
        raise exceptions.InvalidParameterException("User is already confirmed.")
    if user is not None:
        _mail(user, "confirm_account", _email(user))
    return _sent(response)


def _forgot_password(response: Any) -> Any:
    user = _user(response)
    if user is not None:
        if user.attribute_lookup.get("email_verified") != "true":
            raise exceptions.InvalidParameterException(
                "Cannot reset password for the user as there is no registered/verified email or phone_number"
            )
        _mail(user, "reset_password", _email(user))
    return _sent(response)


def _confirm_forgot_password(response: Any) -> Any:
    user, password = _user(response), response._get_param("Password")
    if user is None:
        raise _mismatch()
    backend = _backend(response._get_param("ClientId"))
    backend._validate_password(user.user_pool_id, password)
    _redeem(user, "reset_password", response._get_param("ConfirmationCode"))
    user.password = password
    return EmptyResult()


def _update_user_attributes(response: Any) -> Any:
    """The address stays until the new one is proven: `AttributesRequireVerificationBeforeUpdate`."""
    pool, user = _holder(response._get_param("AccessToken"))
    wanted = {it["Name"]: it["Value"] for it in response._get_param("UserAttributes")}
    email = wanted.pop("email", None)
    if email is not None:
        if _taken(pool, user, email):
            raise exceptions.AliasExistsException
        _mail(user, "confirm_email", email)
    user.update_attributes([{"Name": name, "Value": value} for name, value in wanted.items()])
    return EmptyResult()


def _verify_user_attribute(response: Any) -> Any:
    pool, user = _holder(response._get_param("AccessToken"))
    email = _redeem(user, "confirm_email", response._get_param("Code"))
    if _taken(pool, user, email):
        raise exceptions.AliasExistsException
    user.update_attributes([{"Name": "email", "Value": email}, {"Name": "email_verified", "Value": "true"}])
    return EmptyResult()


def _associate_software_token(response: Any) -> Any:
    """Another secret counts once a code of it was shown; until then the one before does."""
    _, user = _holder(response._get_param("AccessToken"))
    user.offered_secret = totp.new_secret()
    return ActionResult({"SecretCode": user.offered_secret})


def _verify_software_token(response: Any) -> Any:
    _, user = _holder(response._get_param("AccessToken"))
    offered = user.__dict__.get("offered_secret")
    if offered is None or not totp.is_code(offered, response._get_param("UserCode") or ""):
        raise JsonRESTError("EnableSoftwareTokenMFAException", "Code mismatch")
    user.secret, user.token_verified = offered, True
    return ActionResult({"Status": "SUCCESS"})


def _ask_for_codes(responses: Any) -> None:
    """A challenge is met by a code of the person's own authenticator, by whoever gave the password for it."""
    respond = responses.respond_to_auth_challenge

    def respond_to_auth_challenge(response: Any) -> Any:
        if response._get_param("ChallengeName") == "SOFTWARE_TOKEN_MFA":
            answers = response._get_param("ChallengeResponses")
            asked = _backend(response._get_param("ClientId")).sessions.get(response._get_param("Session"))
            if asked is None:
                raise exceptions.NotAuthorizedError("Invalid session for the user.")
            username, pool = asked
            user = pool._get_user(username)
            if user is None or pool._get_user(answers["USERNAME"]) is not user:
                raise exceptions.NotAuthorizedError("Invalid session for the user.")
            if not totp.is_code(user.__dict__.get("secret", ""), answers.get("SOFTWARE_TOKEN_MFA_CODE", "")):
                raise JsonRESTError("CodeMismatchException", "Invalid code received for user")
        return respond(response)

    responses.respond_to_auth_challenge = respond_to_auth_challenge


def _know_people_by_their_id() -> None:
    """Tokens outlive a change of address, and an address is the same in any case."""
    pool: Any = CognitoIdpUserPool
    get_user, create_refresh_token = pool._get_user, pool.create_refresh_token
    create_access_token, create_jwt = pool.create_access_token, pool.create_jwt
    began: dict[str, int] = {}

    def get_user_in_any_case(self: Any, username: str) -> Any:
        for user in self.users.values():
            if user.attribute_lookup.get("email", "").casefold() == username.casefold():
                return user
        return get_user(self, username)

    def username(self: Any, name: str) -> str:
        return str(getattr(self._get_user(name), "username", name))

    def create_refresh(self: Any, client_id: str, name: str) -> Any:
        return create_refresh_token(self, client_id, username(self, name))

    def create_access(self: Any, client_id: str, name: str, origin_jti: str) -> Any:
        if self._get_user(name) is None:
            raise exceptions.NotAuthorizedError("Refresh Token has been revoked")
        return create_access_token(self, client_id, username(self, name), origin_jti=origin_jti)

    def create(self: Any, *args: Any, extra_data: dict[str, Any] | None = None, **options: Any) -> Any:
        """`auth_time` is when the password was given, however often the token was refreshed since."""
        extra = dict(extra_data or {})
        if "origin_jti" in extra:
            extra["auth_time"] = began.setdefault(extra["origin_jti"], int(time.time()))
        return create_jwt(self, *args, extra_data=extra, **options)

    pool._get_user, pool.create_refresh_token, pool.create_access_token = (
        get_user_in_any_case,
        create_refresh,
        create_access,
    )
    pool.create_jwt = create


def _mail(user: Any, purpose: Purpose, to: str) -> None:
    code = f"{secrets.randbelow(1_000_000):06}"
    _codes(user)[purpose] = _Code(code, time.monotonic() + _LASTS_S[purpose], to)
    _outboxes[0].send(Mail(to=to, purpose=purpose, code=code, text=_TEXTS[purpose].format(code=code)))


def _redeem(user: Any, purpose: Purpose, code: str) -> str:
    """What the code proves; it is good once, and of few tries."""
    mailed = _codes(user).get(purpose)
    if mailed is None or time.monotonic() > mailed.until:
        raise exceptions.ExpiredCodeException("Invalid code provided, please request a code again.")
    mailed.tries += 1
    if mailed.tries > _MOST_TRIES:
        raise JsonRESTError("TooManyFailedAttemptsException", "Attempt limit exceeded, please try after some time.")
    if mailed.code != code:
        raise _mismatch()
    del _codes(user)[purpose]
    return mailed.detail


def _codes(user: Any) -> dict[Purpose, _Code]:
    codes: dict[Purpose, _Code] = user.__dict__.setdefault("mailed_codes", {})
    return codes


def _email(user: Any) -> str:
    return str(user.attribute_lookup["email"])


def _taken(pool: Any, user: Any, email: str) -> bool:
    other = pool._get_user(email)
    return other is not None and other is not user


def _sent(response: Any) -> Any:
    details = {"Destination": "d***@e***", "DeliveryMedium": "EMAIL", "AttributeName": "email"}
    return ActionResult({"CodeDeliveryDetails": details})


def _mismatch() -> JsonRESTError:
    return JsonRESTError("CodeMismatchException", "Invalid verification code provided, please try again.")


def _backend(client_id: str) -> Any:
    for account in cognitoidp_backends.values():
        for region, backend in account.items():
            if region != "global" and any(client_id in pool.clients for pool in backend.user_pools.values()):
                return backend
    raise exceptions.ResourceNotFoundError(client_id)


def _user(response: Any) -> Any:
    client_id, username = response._get_param("ClientId"), response._get_param("Username")
    (pool,) = (it for it in _backend(client_id).user_pools.values() if client_id in it.clients)
    return pool._get_user(username)


def _holder(access_token: str) -> tuple[Any, Any]:
    for account in cognitoidp_backends.values():
        for region, backend in account.items():
            for pool in backend.user_pools.values() if region != "global" else ():
                if access_token in pool.access_tokens:
                    user = pool._get_user(pool.access_tokens[access_token][1])
                    if user is not None:
                        return pool, user
    raise exceptions.NotAuthorizedError("Access Token has been revoked")
