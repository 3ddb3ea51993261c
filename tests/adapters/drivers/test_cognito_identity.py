"""Accounts live in Cognito; its answers give nobody away."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import boto3
import jwt
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from chalicelib.adapters.drivers.cognito_identity import CognitoIdentity
from chalicelib.records.drivers import AlreadyRegistered, MailUnavailable, NotAllowed, TooManyAttempts
from local import identity
from local.mail import Mail, MailOutbox

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient

EMAIL, PASSWORD = "ada@example.com", "Analytical-1"
Pool = tuple[str, str]


@pytest.fixture
def mails() -> MailOutbox:
    return MailOutbox()


@pytest.fixture
def pool(mails: MailOutbox) -> Iterator[Pool]:
    with mock_aws():
        yield identity.create_user_pool(mails)


@pytest.fixture
def client(pool: Pool) -> CognitoIdentityProviderClient:
    return boto3.client("cognito-idp")


@pytest.fixture
def people(pool: Pool, client: CognitoIdentityProviderClient, mails: MailOutbox) -> CognitoIdentity:
    """The same pool where everybody reads their mail at once."""
    known = CognitoIdentity(client, *pool)

    def read(mail: Mail) -> None:
        if mail.purpose == "confirm_account":
            known.confirm(mail.to, mail.code)

    mails.on_mail = read
    return known


@pytest.fixture
def strangers(pool: Pool, client: CognitoIdentityProviderClient) -> CognitoIdentity:
    """A pool where nobody reads mail by themselves."""
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


def wrong(code: str) -> str:
    """Another code than that one."""
    return f"{(int(code) + 1) % 1_000_000:06}"


def test_an_address_must_be_confirmed_first_with_the_code_that_was_mailed(
    strangers: CognitoIdentity, mails: MailOutbox
) -> None:
    strangers.register(EMAIL, PASSWORD)
    code = mails.code(EMAIL, "confirm_account")
    with pytest.raises(NotAllowed, match="confirm your e-mail"):
        strangers.log_in(EMAIL, PASSWORD)
    with pytest.raises(NotAllowed, match="code is wrong"):
        strangers.confirm(EMAIL, wrong(code))

    strangers.confirm(EMAIL, code)

    assert strangers.log_in(EMAIL, PASSWORD)
    with pytest.raises(NotAllowed):
        strangers.confirm(EMAIL, code)


def test_a_code_sent_again_replaces_the_one_before(strangers: CognitoIdentity, mails: MailOutbox) -> None:
    strangers.register(EMAIL, PASSWORD)
    before = mails.code(EMAIL, "confirm_account")

    strangers.resend(EMAIL)

    after = mails.code(EMAIL, "confirm_account")
    if before != after:
        with pytest.raises(NotAllowed):
            strangers.confirm(EMAIL, before)
    strangers.confirm(EMAIL, after)


def test_whoever_asks_for_a_mail_learns_nothing_of_who_has_an_account(
    strangers: CognitoIdentity, people: CognitoIdentity, mails: MailOutbox
) -> None:
    people.register(EMAIL, PASSWORD)
    mails.on_mail = None
    strangers.register("unproven@example.com", PASSWORD)
    sent = len(mails.to("unproven@example.com"))
    strangers.resend(EMAIL)
    strangers.resend("nobody@example.com")
    strangers.send_reset("nobody@example.com")
    strangers.send_reset("unproven@example.com")
    assert not mails.to("nobody@example.com")
    assert len(mails.to("unproven@example.com")) == sent
    assert [it.purpose for it in mails.to(EMAIL)] == ["confirm_account"]


def test_who_has_forgotten_the_password_sets_another_by_mail(people: CognitoIdentity, mails: MailOutbox) -> None:
    subject = people.register(EMAIL, PASSWORD)
    people.send_reset(EMAIL)
    code = mails.code(EMAIL, "reset_password")
    with pytest.raises(NotAllowed, match="code is wrong"):
        people.reset(EMAIL, wrong(code), "Another-pass-2")
    with pytest.raises(NotAllowed, match="code is wrong"):
        people.reset("nobody@example.com", code, "Another-pass-2")

    assert people.reset(EMAIL, code, "Another-pass-2") == subject

    assert people.log_in(EMAIL, "Another-pass-2")
    with pytest.raises(NotAllowed):
        people.log_in(EMAIL, PASSWORD)
    with pytest.raises(NotAllowed):
        people.reset(EMAIL, code, "Yet-another-3")


def test_codes_are_not_to_be_guessed(people: CognitoIdentity, mails: MailOutbox) -> None:
    people.register(EMAIL, PASSWORD)
    people.send_reset(EMAIL)
    code = mails.code(EMAIL, "reset_password")
    for _ in range(5):
        with pytest.raises(NotAllowed):
            people.reset(EMAIL, wrong(code), "Another-pass-2")
    with pytest.raises(TooManyAttempts):
        people.reset(EMAIL, code, "Another-pass-2")


def test_a_password_changes_by_the_old_one(people: CognitoIdentity) -> None:
    people.register(EMAIL, PASSWORD)
    token = people.log_in(EMAIL, PASSWORD).access_token
    with pytest.raises(NotAllowed, match="old password is wrong"):
        people.change_password(token, "Not-the-old-1", "Another-pass-2")

    people.change_password(token, PASSWORD, "Another-pass-2")

    assert people.log_in(EMAIL, "Another-pass-2")


def test_another_address_counts_once_it_is_proven(people: CognitoIdentity, mails: MailOutbox) -> None:
    subject = people.register(EMAIL, PASSWORD)
    token = people.log_in(EMAIL, PASSWORD).access_token
    people.change_email(token, "countess@example.com")
    assert people.enrolment_of(token).email == EMAIL
    with pytest.raises(NotAllowed):
        people.log_in("countess@example.com", PASSWORD)

    assert people.confirm_email(token, mails.code("countess@example.com", "confirm_email")) == "countess@example.com"

    assert people.log_in("Countess@Example.com", PASSWORD).account_id == subject
    with pytest.raises(NotAllowed):
        people.log_in(EMAIL, PASSWORD)


def test_another_address_is_nobody_elses(people: CognitoIdentity) -> None:
    people.register("bob@example.com", PASSWORD)
    people.register(EMAIL, PASSWORD)
    with pytest.raises(AlreadyRegistered):
        people.change_email(people.log_in(EMAIL, PASSWORD).access_token, "bob@example.com")


def test_whoever_signs_out_has_no_refresh_token_left(people: CognitoIdentity) -> None:
    subject = people.register(EMAIL, PASSWORD)
    login = people.log_in(EMAIL, PASSWORD)

    assert people.sign_out(subject) > login.issued_s

    with pytest.raises(NotAllowed):
        people.refresh(login.refresh_token or "")
    assert people.log_in(EMAIL, PASSWORD)


def test_signing_out_somebody_who_is_gone_does_nothing(people: CognitoIdentity) -> None:
    assert people.sign_out("7e0a9a52-0000-4000-8000-000000000000") > 0


def test_an_address_that_nobody_proved_is_its_owners(
    strangers: CognitoIdentity,
    mails: MailOutbox,
    client: CognitoIdentityProviderClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever takes another's address without ever reading its mail does not keep them from it, nor gets in."""
    strangers.register(EMAIL, "Intruders-1")
    with pytest.raises(AlreadyRegistered):
        strangers.register(EMAIL, PASSWORD)
    monkeypatch.setattr("chalicelib.adapters.drivers.cognito_identity.UNPROVEN_FOR", timedelta(seconds=-10))

    strangers.register(EMAIL, PASSWORD)

    strangers.confirm(EMAIL, mails.code(EMAIL, "confirm_account"))
    assert strangers.log_in(EMAIL, PASSWORD)
    with pytest.raises(NotAllowed):
        strangers.log_in(EMAIL, "Intruders-1")
    with pytest.raises(AlreadyRegistered):
        strangers.register(EMAIL, "Intruders-1")


def test_what_nobody_proved_for_a_day_is_forgotten(
    strangers: CognitoIdentity, people: CognitoIdentity, mails: MailOutbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    people.register("proven@example.com", PASSWORD)
    mails.on_mail = None
    strangers.register(EMAIL, PASSWORD)
    assert list(strangers.forget_unproven()) == []
    monkeypatch.setattr("chalicelib.adapters.drivers.cognito_identity.UNPROVEN_KEPT", timedelta(seconds=-10))

    assert len(list(strangers.forget_unproven())) == 1

    assert people.log_in("proven@example.com", PASSWORD)
    assert strangers.register(EMAIL, PASSWORD)


def test_of_two_who_forget_an_account_at_once_neither_breaks(
    people: CognitoIdentity, monkeypatch: pytest.MonkeyPatch
) -> None:
    account_id = people.register("twice@example.com", PASSWORD)
    client, left = people._client, [1]
    list_users = client.list_users

    def meanwhile(**asked: Any) -> Any:
        found = list_users(**asked)
        if left:
            left.pop()
            people.forget(account_id)
        return found

    monkeypatch.setattr(client, "list_users", meanwhile)
    people.forget(account_id)
    assert list_users(UserPoolId=people._user_pool_id, Filter=f'sub = "{account_id}"', Limit=1)["Users"] == []


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("CodeDeliveryFailureException", "SES said no"),
        ("LimitExceededException", "Exceeded daily email limit for the operation or the account."),
    ],
)
def test_a_mail_that_cannot_be_sent_is_not_the_persons_fault(
    strangers: CognitoIdentity, client: CognitoIdentityProviderClient, code: str, message: str
) -> None:
    with Stubber(client) as stubber:
        stubber.add_client_error("sign_up", code, message)
        with pytest.raises(MailUnavailable):
            strangers.register(EMAIL, PASSWORD)


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
