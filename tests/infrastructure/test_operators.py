"""An operator's first person is let in without anybody telling anybody a password."""

from __future__ import annotations

from collections.abc import Iterator

import boto3
import jwt
import pytest
from moto import mock_aws

from chalicelib.adapters.drivers.cognito_identity import CognitoIdentity
from infrastructure.operators import has_operators, make_operator, operator_and_person
from local import identity
from local.mail import MailOutbox

EMAIL, PASSWORD = "ada@example.com", "Analytical-1"


@pytest.fixture
def mails() -> MailOutbox:
    return MailOutbox()


@pytest.fixture
def pool(mails: MailOutbox) -> Iterator[tuple[str, str]]:
    with mock_aws():
        yield identity.create_user_pool(mails)


def groups_of(people: CognitoIdentity, password: str) -> list[str]:
    token = people.log_in(EMAIL, password).access_token
    told: list[str] = jwt.decode(token, options={"verify_signature": False})["cognito:groups"]
    return told


def test_somebody_without_an_account_sets_a_password_by_a_mailed_code_and_acts_for_the_operator(
    pool: tuple[str, str], mails: MailOutbox
) -> None:
    people = CognitoIdentity(boto3.client("cognito-idp"), *pool)
    assert not has_operators(pool[0])
    assert make_operator(pool[0], "acme", EMAIL)
    assert has_operators(pool[0])
    people.send_reset(EMAIL)
    (mail,) = mails.to(EMAIL)
    people.reset(EMAIL, mail.code, PASSWORD)
    assert groups_of(people, PASSWORD) == ["operator:acme"]


def test_who_has_an_account_keeps_it_and_a_second_run_changes_nothing(pool: tuple[str, str], mails: MailOutbox) -> None:
    people = CognitoIdentity(boto3.client("cognito-idp"), *pool)
    mails.on_mail = lambda mail: people.confirm(mail.to, mail.code)
    people.register(EMAIL, PASSWORD)
    for _ in range(2):
        assert not make_operator(pool[0], "acme", EMAIL)
    assert groups_of(people, PASSWORD) == ["operator:acme"]


def test_an_address_that_somebody_took_and_never_proved_is_made_no_operator(pool: tuple[str, str]) -> None:
    """Whoever began the account knows its password."""
    CognitoIdentity(boto3.client("cognito-idp"), *pool).register(EMAIL, PASSWORD)
    with pytest.raises(SystemExit, match="not proven"):
        make_operator(pool[0], "acme", EMAIL)
    assert not has_operators(pool[0])


def test_an_operator_is_named_as_the_api_reads_it() -> None:
    assert operator_and_person("acme=ada@example.com") == ("acme", EMAIL)
    for told in ("acme", "=ada@example.com", "a,b=ada@example.com", "a/b=ada@example.com", "acme=ada", "acme=a @b.c"):
        with pytest.raises(ValueError, match="is not operator"):
            operator_and_person(told)
