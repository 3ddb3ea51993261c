"""Accounts in an Amazon Cognito user pool.

Nobody learns from its answers who has one, except whoever tries to register. Passwords pass through and are neither
kept nor logged.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import jwt
from botocore.exceptions import ClientError, ParamValidationError

from chalicelib.records.drivers import AlreadyRegistered, Login, NotAllowed

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient
    from mypy_boto3_cognito_idp.type_defs import InitiateAuthResponseTypeDef

_WRONG_CREDENTIALS = "wrong e-mail or password"
_WRONG_CODE = "the code is wrong, too old or used already"
_UNUSABLE = "this e-mail address or password cannot be used"
_TOO_MANY = "too many attempts; try again later"
_REFUSALS = {
    "CodeMismatchException": _WRONG_CODE,
    "ExpiredCodeException": _WRONG_CODE,
    "InvalidParameterException": _UNUSABLE,
    "LimitExceededException": _TOO_MANY,
    "PasswordResetRequiredException": "set a new password first",
    "TooManyFailedAttemptsException": _TOO_MANY,
    "TooManyRequestsException": _TOO_MANY,
    "UserNotConfirmedException": "confirm your e-mail first",
}


class CognitoIdentity:
    """A Cognito user pool: the port Identity. Methods make one call where they say nothing else.

    `auto_confirm` takes every address as proven: for a machine that sends no e-mail.
    """

    def __init__(
        self, client: CognitoIdentityProviderClient, user_pool_id: str, client_id: str, auto_confirm: bool = False
    ) -> None:
        self._client = client
        self._user_pool_id = user_pool_id
        self._client_id = client_id
        self._auto_confirm = auto_confirm

    def register(self, email: str, password: str) -> str:
        """One call (two with `auto_confirm`); the account's id is the `sub` of its tokens."""
        with _plain_errors(unknown=_UNUSABLE):
            account = self._client.sign_up(
                ClientId=self._client_id,
                Username=email,
                Password=password,
                UserAttributes=[{"Name": "email", "Value": email}],
            )
            if self._auto_confirm:
                self._client.admin_confirm_sign_up(UserPoolId=self._user_pool_id, Username=email)
        return account["UserSub"]

    def confirm(self, email: str, code: str) -> None:
        with _plain_errors(unknown=_WRONG_CODE):
            self._client.confirm_sign_up(ClientId=self._client_id, Username=email, ConfirmationCode=code)

    def log_in(self, email: str, password: str) -> Login:
        with _plain_errors(unknown=_WRONG_CREDENTIALS):
            answer = self._client.initiate_auth(
                ClientId=self._client_id,
                AuthFlow="USER_PASSWORD_AUTH",
                AuthParameters={"USERNAME": email, "PASSWORD": password},
            )
        return _login(answer)

    def refresh(self, refresh_token: str) -> Login:
        """One call; the refresh token stays good."""
        with _plain_errors(unknown="log in again"):
            answer = self._client.initiate_auth(
                ClientId=self._client_id,
                AuthFlow="REFRESH_TOKEN_AUTH",
                AuthParameters={"REFRESH_TOKEN": refresh_token},
            )
        return _login(answer)

    def forget(self, account_id: str) -> None:
        """Two calls: accounts are known by their name, and listed by their id."""
        found = self._client.list_users(UserPoolId=self._user_pool_id, Filter=f'sub = "{account_id}"', Limit=1)
        for user in found["Users"]:
            self._client.admin_delete_user(UserPoolId=self._user_pool_id, Username=user["Username"])


@contextmanager
def _plain_errors(unknown: str) -> Iterator[None]:
    """Turn refusals into the port's words; `unknown` is said for a wrong secret and for no such account alike."""
    try:
        yield
    except ParamValidationError:
        raise NotAllowed(unknown) from None
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code == "UsernameExistsException":
            raise AlreadyRegistered from None
        if code in ("NotAuthorizedException", "UserNotFoundException"):
            raise NotAllowed(unknown) from None
        if code == "InvalidPasswordException":
            raise NotAllowed(error.response["Error"]["Message"]) from None
        if code in _REFUSALS:
            raise NotAllowed(_REFUSALS[code]) from None
        raise


def _login(answer: InitiateAuthResponseTypeDef) -> Login:
    tokens = answer.get("AuthenticationResult")
    if not tokens:
        raise NotAllowed("this account asks for more than a password, which is not supported here")
    access_token = tokens["AccessToken"]
    # Straight from Cognito over TLS: there is nothing to verify here. Whoever presents it later is verified.
    account_id = jwt.decode(access_token, options={"verify_signature": False})["sub"]
    return Login(account_id, access_token, tokens.get("RefreshToken"), tokens["ExpiresIn"])
