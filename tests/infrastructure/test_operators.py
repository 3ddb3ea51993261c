"""An operator's first person is let in without anybody telling anybody a password."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import boto3
import jwt
import pytest
from moto import mock_aws

from chalicelib.adapters.access.members import DynamoMemberships
from chalicelib.adapters.drivers.cognito_identity import CognitoIdentity
from chalicelib.adapters.drivers.drivers import DynamoDrivers
from chalicelib.adapters.tables.base import PREFIX
from chalicelib.domain.access.rights import Role
from chalicelib.records.drivers import Driver, Terms
from infrastructure.operators import appoint_owner, has_operators, make_operator, operator_and_person
from infrastructure.tables import create_tables
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


def test_whoever_is_made_an_operators_first_person_owns_it_before_their_first_login(
    pool: tuple[str, str], mails: MailOutbox
) -> None:
    create_tables()
    for operator in ("acme", "other", "acme"):
        make_operator(pool[0], operator, EMAIL)
        appoint_owner(pool[0], PREFIX, operator, EMAIL)
    found = boto3.client("cognito-idp").admin_get_user(UserPoolId=pool[0], Username=EMAIL)
    (person_id,) = (it["Value"] for it in found["UserAttributes"] if it["Name"] == "sub")
    drivers, memberships = DynamoDrivers(), DynamoMemberships()
    # An account is what the first login makes.
    assert drivers.get(person_id) is None
    drivers.put(Driver(driver_id=person_id, email=EMAIL))
    owned = {name: it.role for name, it in memberships.of_person(person_id).items()}
    assert owned == {"acme": Role.OWNER, "other": Role.OWNER}
    assert list(memberships.of_operator("acme")) == [person_id]
    assert not memberships.owner_no_more("acme", person_id)
    assert drivers.set_terms(person_id, "acme", Terms(blocked=True))
    drivers.change(person_id, lambda it: replace(it, locale="de"))
    driver = drivers.get(person_id)
    assert driver is not None
    assert (driver.locale, driver.terms["acme"].blocked, set(driver.memberships)) == ("de", True, set(owned))


def test_an_operator_is_named_as_the_api_reads_it() -> None:
    assert operator_and_person("acme=ada@example.com") == ("acme", EMAIL)
    for told in ("acme", "=ada@example.com", "a,b=ada@example.com", "a/b=ada@example.com", "acme=ada", "acme=a @b.c"):
        with pytest.raises(ValueError, match="is not operator"):
            operator_and_person(told)
