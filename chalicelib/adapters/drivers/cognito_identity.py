"""Accounts in an Amazon Cognito user pool.

Nobody learns from its answers who has one, except whoever tries to register. Passwords pass through and are neither
kept nor logged.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import jwt
from botocore.exceptions import ClientError, ParamValidationError

from chalicelib.domain.languages import locale_of
from chalicelib.records.drivers import (
    AcceptedTerms,
    AlreadyRegistered,
    CodeNeeded,
    Enrolment,
    Login,
    MailUnavailable,
    NotAllowed,
    TooManyAttempts,
)

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient
    from mypy_boto3_cognito_idp.type_defs import (
        InitiateAuthResponseTypeDef,
        RespondToAuthChallengeResponseTypeDef,
    )

_WRONG_CREDENTIALS = "wrong e-mail or password"
_WRONG_CODE = "the code is wrong, too old or used already"
_UNUSABLE = "this e-mail address or password cannot be used"
_LOG_IN = "log in again"
_REFUSALS = {
    "CodeMismatchException": _WRONG_CODE,
    "EnableSoftwareTokenMFAException": _WRONG_CODE,
    "ExpiredCodeException": _WRONG_CODE,
    "InvalidParameterException": _UNUSABLE,
    "PasswordResetRequiredException": "set a new password first",
    "UserNotConfirmedException": "confirm your e-mail first",
}
_TOO_MANY = ("LimitExceededException", "TooManyFailedAttemptsException", "TooManyRequestsException")
# Whoever asks for a mail to an address that has no account, or none to be mailed about, learns nothing.
_NOBODY = ("UserNotFoundException", "InvalidParameterException", "NotAuthorizedException")
# What Cognito calls it to ask for an authenticator's code (RFC 6238).
_CODE_ASKED = "SOFTWARE_TOKEN_MFA"
# When the terms of use were accepted, and which (infrastructure/identity.py).
_TERMS = "custom:terms"
# Whoever has not proven an address by then does not keep its owner from it.
UNPROVEN_FOR = timedelta(hours=1)
# As long as Cognito takes the code.
UNPROVEN_KEPT = timedelta(days=1)


class CognitoIdentity:
    """A Cognito user pool: the port Identity. Methods make one call where they say nothing else."""

    def __init__(self, client: CognitoIdentityProviderClient, user_pool_id: str, client_id: str) -> None:
        self._client = client
        self._user_pool_id = user_pool_id
        self._client_id = client_id

    def register(self, email: str, password: str, locale: str = "", accepted: AcceptedTerms | None = None) -> str:
        """One call, and three more where somebody began to take the address and never proved it.

        The account's id is the `sub` of its tokens.
        """
        told = {"email": email}
        if locale:
            told["locale"] = locale
        if accepted is not None:
            told[_TERMS] = f"{accepted.at.isoformat()} {accepted.version}"
        try:
            return self._sign_up(told, password)
        except AlreadyRegistered:
            if not self._lapsed(email):
                raise
            self._client.admin_delete_user(UserPoolId=self._user_pool_id, Username=email)
            return self._sign_up(told, password)

    def confirm(self, email: str, code: str) -> None:
        with _plain_errors(unknown=_WRONG_CODE):
            self._client.confirm_sign_up(ClientId=self._client_id, Username=email, ConfirmationCode=code)

    def resend(self, email: str) -> None:
        with _plain_errors(unknown=_WRONG_CODE), _told_to_nobody():
            self._client.resend_confirmation_code(ClientId=self._client_id, Username=email)

    def log_in(self, email: str, password: str, code: str = "") -> Login:
        """One call, and another one where the account asks for a code."""
        with _plain_errors(unknown=_WRONG_CREDENTIALS):
            answer = self._client.initiate_auth(
                ClientId=self._client_id,
                AuthFlow="USER_PASSWORD_AUTH",
                AuthParameters={"USERNAME": email, "PASSWORD": password},
            )
        if answer.get("ChallengeName") != _CODE_ASKED:
            return _login(answer)
        if not code:
            raise CodeNeeded("this account asks for the code of its authenticator as well: send it as `code`")
        name = answer.get("ChallengeParameters", {}).get("USER_ID_FOR_SRP", email)
        with _plain_errors(unknown=_WRONG_CODE):
            answered = self._client.respond_to_auth_challenge(
                ClientId=self._client_id,
                ChallengeName=_CODE_ASKED,
                Session=answer["Session"],
                ChallengeResponses={"USERNAME": name, f"{_CODE_ASKED}_CODE": code},
            )
        return replace(_login(answered), had_code=True)

    def begin_second_factor(self, access_token: str) -> str:
        with _plain_errors(unknown=_LOG_IN):
            return self._client.associate_software_token(AccessToken=access_token)["SecretCode"]

    def confirm_second_factor(self, access_token: str, code: str) -> None:
        """Two calls: what is confirmed is asked for from then on."""
        with _plain_errors(unknown=_LOG_IN):
            told = self._client.verify_software_token(AccessToken=access_token, UserCode=code)
            if told.get("Status") != "SUCCESS":
                raise NotAllowed(_WRONG_CODE)
            self._ask_for_code(access_token, is_asked=True)

    def end_second_factor(self, access_token: str) -> None:
        with _plain_errors(unknown=_LOG_IN):
            self._ask_for_code(access_token, is_asked=False)

    def _ask_for_code(self, access_token: str, *, is_asked: bool) -> None:
        self._client.set_user_mfa_preference(
            AccessToken=access_token, SoftwareTokenMfaSettings={"Enabled": is_asked, "PreferredMfa": is_asked}
        )

    def refresh(self, refresh_token: str) -> Login:
        """One call; the refresh token stays good."""
        with _plain_errors(unknown=_LOG_IN):
            answer = self._client.initiate_auth(
                ClientId=self._client_id,
                AuthFlow="REFRESH_TOKEN_AUTH",
                AuthParameters={"REFRESH_TOKEN": refresh_token},
            )
        return _login(answer)

    def enrolment_of(self, access_token: str) -> Enrolment:
        with _plain_errors(unknown=_LOG_IN):
            told = self._client.get_user(AccessToken=access_token)["UserAttributes"]
        return _enrolment({it["Name"]: it.get("Value", "") for it in told})

    def send_reset(self, email: str) -> None:
        with _plain_errors(unknown=_WRONG_CODE), _told_to_nobody():
            self._client.forgot_password(ClientId=self._client_id, Username=email)

    def reset(self, email: str, code: str, password: str) -> str:
        """Two calls: the second one asks whose address it is."""
        with _plain_errors(unknown=_WRONG_CODE):
            self._client.confirm_forgot_password(
                ClientId=self._client_id, Username=email, ConfirmationCode=code, Password=password
            )
            return self._client.admin_get_user(UserPoolId=self._user_pool_id, Username=email)["Username"]

    def change_password(self, access_token: str, old: str, new: str) -> None:
        with _plain_errors(unknown="the old password is wrong"):
            self._client.change_password(AccessToken=access_token, PreviousPassword=old, ProposedPassword=new)

    def change_email(self, access_token: str, email: str) -> None:
        with _plain_errors(unknown=_LOG_IN):
            self._client.update_user_attributes(
                AccessToken=access_token, UserAttributes=[{"Name": "email", "Value": email}]
            )

    def confirm_email(self, access_token: str, code: str) -> str:
        """Two calls: the second one asks which address that was."""
        with _plain_errors(unknown=_LOG_IN):
            self._client.verify_user_attribute(AccessToken=access_token, AttributeName="email", Code=code)
        return self.enrolment_of(access_token).email

    def sign_out(self, account_id: str) -> int:
        """One call. The second is told by Cognito's clock, which dates its tokens too."""
        answer: Mapping[str, Any]
        try:
            answer = self._client.admin_user_global_sign_out(UserPoolId=self._user_pool_id, Username=account_id)
        except self._client.exceptions.UserNotFoundException as error:
            answer = error.response  # nobody's tokens are good
        return int(_told_at(answer).timestamp()) + 1

    def forget(self, account_id: str) -> None:
        """Two calls: accounts are known by their name, and listed by their id."""
        found = self._client.list_users(UserPoolId=self._user_pool_id, Filter=f'sub = "{account_id}"', Limit=1)
        for user in found["Users"]:
            # Of two who forget it at once one comes second.
            with suppress(self._client.exceptions.UserNotFoundException):
                self._client.admin_delete_user(UserPoolId=self._user_pool_id, Username=user["Username"])

    def forget_unproven(self) -> Iterator[str]:
        """One call for each sixty that were never proven, and one for each that goes."""
        pages = self._client.get_paginator("list_users").paginate(
            UserPoolId=self._user_pool_id, Filter='cognito:user_status = "UNCONFIRMED"'
        )
        for page in pages:
            for user in page["Users"]:
                if _told_at(page) - user["UserCreateDate"] > UNPROVEN_KEPT:
                    self._client.admin_delete_user(UserPoolId=self._user_pool_id, Username=user["Username"])
                    yield user["Username"]

    def _sign_up(self, told: Mapping[str, str], password: str) -> str:
        with _plain_errors(unknown=_UNUSABLE):
            return self._client.sign_up(
                ClientId=self._client_id,
                Username=told["email"],
                Password=password,
                UserAttributes=[{"Name": name, "Value": value} for name, value in told.items()],
            )["UserSub"]

    def _lapsed(self, email: str) -> bool:
        """Whether nobody proved that address in all the time there was."""
        with _plain_errors(unknown=_UNUSABLE):
            known = self._client.admin_get_user(UserPoolId=self._user_pool_id, Username=email)
        return known["UserStatus"] == "UNCONFIRMED" and _told_at(known) - known["UserCreateDate"] > UNPROVEN_FOR


@contextmanager
def _told_to_nobody() -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        if error.response["Error"]["Code"] not in _NOBODY:
            raise


@contextmanager
def _plain_errors(unknown: str) -> Iterator[None]:
    """Turn refusals into the port's words; `unknown` is said for a wrong secret and for no such account alike."""
    try:
        yield
    except ParamValidationError:
        raise NotAllowed(unknown) from None
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in ("UsernameExistsException", "AliasExistsException"):
            raise AlreadyRegistered from None
        said = error.response["Error"].get("Message", "")
        # The mailer's day is over (Cognito's own sends 50 mails a day), or SES does not take it.
        if code == "CodeDeliveryFailureException" or (code == "LimitExceededException" and "email" in said.casefold()):
            raise MailUnavailable from None
        if code in _TOO_MANY:
            raise TooManyAttempts("too many attempts; try again later") from None
        if code in ("NotAuthorizedException", "UserNotFoundException"):
            raise NotAllowed(unknown) from None
        if code == "InvalidPasswordException":
            raise NotAllowed(said) from None
        if code in _REFUSALS:
            raise NotAllowed(_REFUSALS[code]) from None
        raise


def _login(answer: InitiateAuthResponseTypeDef | RespondToAuthChallengeResponseTypeDef) -> Login:
    tokens = answer.get("AuthenticationResult")
    if not tokens:
        raise NotAllowed("this account asks for more than a password, which is not supported here")
    access_token = tokens["AccessToken"]
    # Straight from Cognito over TLS: there is nothing to verify here. Whoever presents it later is verified.
    claims = jwt.decode(access_token, options={"verify_signature": False})
    return Login(
        account_id=claims["sub"],
        access_token=access_token,
        refresh_token=tokens.get("RefreshToken"),
        expires_s=tokens["ExpiresIn"],
        issued_s=claims["iat"],
        login_id=str(claims.get("origin_jti", "")),
    )


def _enrolment(told: Mapping[str, str]) -> Enrolment:
    """Whoever holds a token of theirs can write what is said here: what makes no sense was not said."""
    said_at, _, version = told.get(_TERMS, "").partition(" ")
    accepted: tuple[AcceptedTerms, ...] = ()
    with suppress(ValueError):
        at = datetime.fromisoformat(said_at)
        accepted = (AcceptedTerms(version, at),) if version and at.tzinfo is not None else ()
    return Enrolment(email=told["email"], locale=locale_of(told.get("locale", "")), accepted=accepted)


def _told_at(answer: Mapping[str, Any]) -> datetime:
    """When Cognito answered, by its own clock."""
    date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
    return parsedate_to_datetime(date) if date else datetime.now(UTC)
