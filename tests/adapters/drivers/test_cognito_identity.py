"""Accounts live in Cognito; its answers give nobody away."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import boto3
import jwt
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from chalicelib.adapters.drivers.cognito_identity import CognitoIdentity
from chalicelib.records.drivers import AlreadyRegistered, NotAllowed
from local import identity

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient

EMAIL, PASSWORD = "ada@example.com", "Analytical-1"
Pool = tuple[str, str]


@pytest.fixture
def pool() -> Iterator[Pool]:
    with mock_aws():
        yield identity.create_user_pool()


@pytest.fixture
def client(pool: Pool) -> CognitoIdentityProviderClient:
    return boto3.client("cognito-idp")


@pytest.fixture
def people(pool: Pool, client: CognitoIdentityProviderClient) -> CognitoIdentity:
    return CognitoIdentity(client, *pool, auto_confirm=True)


@pytest.fixture
def strangers(pool: Pool, client: CognitoIdentityProviderClient) -> CognitoIdentity:
    """The same pool where addresses must be proven."""
    return CognitoIdentity(client, *pool)


def test_who_registers_can_log_in_as_the_subject_of_the_account(people: CognitoIdentity) -> None:
    subject = people.register(EMAIL, PASSWORD)

    login = people.log_in(EMAIL, PASSWORD)

    assert jwt.decode(login.access_token, options={"verify_signature": False})["sub"] == subject
    assert login.refresh_token
    assert login.expires_s == 3600


def test_an_address_registers_once(people: CognitoIdentity) -> None:
    people.register(EMAIL, PASSWORD)

    with pytest.raises(AlreadyRegistered):
        people.register(EMAIL, "Another-pass-2")
    assert people.log_in(EMAIL, PASSWORD)


def test_an_address_must_be_confirmed_first(strangers: CognitoIdentity) -> None:
    strangers.register(EMAIL, PASSWORD)
    with pytest.raises(NotAllowed, match="confirm your e-mail"):
        strangers.log_in(EMAIL, PASSWORD)

    strangers.confirm(EMAIL, "123456")

    assert strangers.log_in(EMAIL, PASSWORD)


@pytest.mark.parametrize("password", ["Short-1", "", "no-capitals-1", "No-Numbers"])
def test_a_weak_password_is_not_allowed(people: CognitoIdentity, password: str) -> None:
    with pytest.raises(NotAllowed, match="password"):
        people.register(EMAIL, password)


@pytest.mark.parametrize("email", ["ada", ""])
def test_what_is_no_address_is_not_allowed(people: CognitoIdentity, email: str) -> None:
    with pytest.raises(NotAllowed, match="cannot be used"):
        people.register(email, PASSWORD)


@pytest.mark.parametrize(
    ("email", "password"), [(EMAIL, "Wrong-pass-1"), ("nobody@example.com", PASSWORD), (EMAIL, ""), ("", PASSWORD)]
)
def test_a_wrong_password_and_no_account_sound_alike(people: CognitoIdentity, email: str, password: str) -> None:
    people.register(EMAIL, PASSWORD)

    with pytest.raises(NotAllowed, match=r"^wrong e-mail or password$"):
        people.log_in(email, password)


def test_a_refresh_token_gives_a_new_login(people: CognitoIdentity) -> None:
    people.register(EMAIL, PASSWORD)
    login = people.log_in(EMAIL, PASSWORD)

    again = people.refresh(login.refresh_token or "")

    assert again.access_token != login.access_token
    assert again.refresh_token is None
    with pytest.raises(NotAllowed):
        people.refresh("made-up")


def test_confirming_an_account_that_does_not_exist_sounds_like_a_wrong_code(strangers: CognitoIdentity) -> None:
    with pytest.raises(NotAllowed, match="code is wrong"):
        strangers.confirm("nobody@example.com", "123456")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("CodeMismatchException", "code is wrong"),
        ("ExpiredCodeException", "code is wrong"),
        ("UserNotFoundException", "code is wrong"),
        ("NotAuthorizedException", "code is wrong"),
        ("TooManyFailedAttemptsException", "try again later"),
        ("LimitExceededException", "try again later"),
    ],
)
def test_what_cognito_refuses_is_said_in_our_words(
    strangers: CognitoIdentity, client: CognitoIdentityProviderClient, code: str, said: str
) -> None:
    with Stubber(client) as stubber:
        stubber.add_client_error("confirm_sign_up", code, "in Cognito's words")
        with pytest.raises(NotAllowed, match=said):
            strangers.confirm(EMAIL, "123456")


def test_what_is_cognitos_own_trouble_is_not_blamed_on_the_person(
    strangers: CognitoIdentity, client: CognitoIdentityProviderClient
) -> None:
    with Stubber(client) as stubber:
        stubber.add_client_error("initiate_auth", "InternalErrorException")
        with pytest.raises(client.exceptions.InternalErrorException):
            strangers.log_in(EMAIL, PASSWORD)


def test_a_login_that_asks_for_more_is_not_allowed(pool: Pool, client: CognitoIdentityProviderClient) -> None:
    client.admin_create_user(UserPoolId=pool[0], Username=EMAIL, TemporaryPassword=PASSWORD)

    with pytest.raises(NotAllowed, match="more than a password"):
        CognitoIdentity(client, *pool).log_in(EMAIL, PASSWORD)
