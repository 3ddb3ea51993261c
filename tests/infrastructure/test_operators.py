"""An operator's first person is let in without anybody telling anybody a password."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import boto3
import jwt
import pytest
from moto import mock_aws

from chalicelib.adapters.access.members import DynamoMemberships
from chalicelib.adapters.access.second_factors import DynamoSecondFactors
from chalicelib.adapters.drivers.cognito_identity import CognitoIdentity
from chalicelib.adapters.drivers.drivers import DynamoDrivers
from chalicelib.adapters.tables.base import PREFIX
from chalicelib.domain.access.rights import Role
from chalicelib.records.drivers import CodeNeeded, Driver, NotAllowed, Terms
from chalicelib.wiring import Network
from infrastructure.operators import (
    appoint_owner,
    appoint_platform,
    forget_second_factor,
    has_operators,
    invite_owner,
    make_account,
    make_operator,
    operator_and_person,
)
from infrastructure.tables import create_tables
from local import identity, totp
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


def person_id(pool: tuple[str, str]) -> str:
    found = boto3.client("cognito-idp").admin_get_user(UserPoolId=pool[0], Username=EMAIL)
    return next(it["Value"] for it in found["UserAttributes"] if it["Name"] == "sub")


def test_who_administers_the_platform_is_said_by_a_deployment_before_or_after_their_first_login(
    pool: tuple[str, str],
) -> None:
    create_tables()
    assert make_account(pool[0], EMAIL)
    appoint_platform(pool[0], PREFIX, EMAIL)
    drivers, name = DynamoDrivers(), person_id(pool)
    assert drivers.get(name) is None
    drivers.put(Driver(driver_id=name, email=EMAIL))
    for is_one in (True, False):
        appoint_platform(pool[0], PREFIX, EMAIL, is_one=is_one)
        known = drivers.get(name)
        assert known is not None
        assert known.is_platform is is_one
        # What the account writes of itself changes nothing of that.
        drivers.change(name, lambda it: replace(it, is_platform=True))
        drivers.put(Driver(driver_id=name, email=EMAIL, is_platform=True))
        again = drivers.get(name)
        assert again is not None
        assert again.is_platform is is_one


def test_whoever_has_lost_an_authenticator_is_logged_out_and_logs_in_without(
    pool: tuple[str, str], mails: MailOutbox
) -> None:
    create_tables()
    people, drivers, proven = (
        CognitoIdentity(boto3.client("cognito-idp"), *pool),
        DynamoDrivers(),
        DynamoSecondFactors(),
    )
    mails.on_mail = lambda mail: people.confirm(mail.to, mail.code)
    people.register(EMAIL, PASSWORD)
    login, name = people.log_in(EMAIL, PASSWORD), person_id(pool)
    drivers.put(Driver(driver_id=name, email=EMAIL))
    secret = people.begin_second_factor(login.access_token)
    people.confirm_second_factor(login.access_token, totp.code_now(secret))
    proven.note_proven(name, login.login_id, datetime.now(UTC))
    with pytest.raises(CodeNeeded):
        people.log_in(EMAIL, PASSWORD)
    for wrong in [it for it in ("000000", "111111", totp.code_at(secret, 0)) if not totp.is_code(secret, it)]:
        with pytest.raises(NotAllowed):
            people.log_in(EMAIL, PASSWORD, wrong)
    again = people.log_in(EMAIL, PASSWORD, totp.code_now(secret))
    assert (again.had_code, again.login_id != login.login_id) == (True, True)
    assert people.refresh(again.refresh_token or "").login_id == again.login_id
    forget_second_factor(pool[0], PREFIX, EMAIL)
    assert not people.log_in(EMAIL, PASSWORD).had_code
    driver = drivers.get(name)
    assert driver is not None
    assert (driver.second_factor_since, driver.proven_logins) == (None, frozenset())
    with pytest.raises(NotAllowed):
        people.refresh(again.refresh_token or "")


def test_a_first_owner_is_invited_by_a_deployment_with_a_code_that_is_taken_as_any(pool: tuple[str, str]) -> None:
    create_tables()
    at = datetime.now(UTC)
    code = invite_owner(PREFIX, "acme", EMAIL, "", at)
    kit = Network({})
    kit.drivers.put(Driver(driver_id="ada", email=EMAIL))
    ada = kit.drivers.get("ada")
    assert ada is not None
    kit.invitation_desk.accept(kit.invitation_desk.shown(ada, "acme", code), "ada")
    assert kit.memberships.of_person("ada")["acme"].role is Role.OWNER
    assert not kit.memberships.owner_no_more("acme", "ada")
    assert [name for name, _ in kit.operators.page(10, None)[0]] == ["acme"]
    ses = boto3.client("sesv2")
    ses.create_email_identity(EmailIdentity="no-reply@example.com")
    assert not invite_owner(PREFIX, "acme", "bob@example.com", "no-reply@example.com", at)
