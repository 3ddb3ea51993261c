"""A token of the pool opens the door; one that is old, forged, or meant for somebody or something else does not."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from moto import mock_aws

from chalicelib.adapters.access.tokens import AccessTokens, Tickets
from chalicelib.adapters.drivers.cognito_identity import CognitoIdentity
from chalicelib.records.drivers import NotAllowed
from local import identity
from local.mail import MailOutbox
from tests.endpoint import Endpoint, an_endpoint

NOW = datetime(2020, 1, 1, tzinfo=UTC)  # long ago: the caller's clock decides, not this machine's
ISSUER, CLIENT = "https://issuer.example.com/pool", "client-1"
KEY = rsa.generate_private_key(65537, 2048)
STRANGERS_KEY = rsa.generate_private_key(65537, 2048)


def jwks_of(kid: str, key: rsa.RSAPrivateKey) -> dict[str, Any]:
    return {"keys": [{**jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": kid, "use": "sig"}]}


def a_token(key: Any = KEY, algorithm: str = "RS256", kid: str | None = "k1", **changed: Any) -> str:
    """An access token that is in order, but for what is changed (None: left out)."""
    usual = {
        "iss": ISSUER,
        "sub": "driver-1",
        "client_id": CLIENT,
        "token_use": "access",
        "iat": int(time.time()),
        "exp": int(time.time()) + 3600,
    }
    claims = {name: value for name, value in (usual | changed).items() if value is not None}
    return jwt.encode(claims, key, algorithm, headers={"kid": kid} if kid else None)


@pytest.fixture
def keys() -> Iterator[Endpoint]:
    """The issuer's JWKS."""
    with an_endpoint() as endpoint:
        endpoint.answer = lambda _: (200, jwks_of("k1", KEY))
        yield endpoint


@pytest.fixture
def tokens(keys: Endpoint) -> AccessTokens:
    return AccessTokens(ISSUER, keys.url, CLIENT)


# Access tokens


def test_a_token_of_the_local_pool_verifies_by_the_local_keys() -> None:
    with mock_aws(), an_endpoint() as keys:
        keys.answer = lambda _: (200, identity.jwks())
        mails = MailOutbox()
        pool_id, client_id = identity.create_user_pool(mails)
        people = CognitoIdentity(boto3.client("cognito-idp"), pool_id, client_id)
        subject = people.register("ada@example.com", "Analytical-1")
        people.confirm("ada@example.com", mails.code("ada@example.com", "confirm_account"))
        tokens = AccessTokens(identity.issuer(pool_id), keys.url, client_id)

        asked_at = datetime.now(UTC).replace(microsecond=0)
        claims = tokens.verify(people.log_in("ada@example.com", "Analytical-1").access_token)

        assert (claims.subject, claims.groups) == (subject, ())
        assert asked_at <= claims.expires_at - timedelta(hours=1) <= datetime.now(UTC)

        identity.add_to_group(pool_id, "ada@example.com", "operator:demo")
        token = people.log_in("ada@example.com", "Analytical-1").access_token
        assert tokens.verify(token).groups == ("operator:demo",)

        for elsewhere in (
            AccessTokens(identity.issuer("us-east-1_other"), keys.url, client_id),
            AccessTokens(identity.issuer(pool_id), keys.url, "other-client"),
        ):
            with pytest.raises(NotAllowed):
                elsewhere.verify(token)


def test_an_id_token_of_the_local_pool_is_not_an_access_token() -> None:
    with mock_aws(), an_endpoint() as keys:
        keys.answer = lambda _: (200, identity.jwks())
        mails = MailOutbox()
        pool_id, client_id = identity.create_user_pool(mails)
        client = boto3.client("cognito-idp")
        people = CognitoIdentity(client, pool_id, client_id)
        people.register("ada@example.com", "Analytical-1")
        people.confirm("ada@example.com", mails.code("ada@example.com", "confirm_account"))
        answer = client.initiate_auth(
            ClientId=client_id,
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": "ada@example.com", "PASSWORD": "Analytical-1"},
        )

        with pytest.raises(NotAllowed):
            AccessTokens(identity.issuer(pool_id), keys.url, client_id).verify(
                answer["AuthenticationResult"]["IdToken"]
            )


def test_a_token_in_order_is_good(tokens: AccessTokens) -> None:
    groups: dict[str, Any] = {"cognito:groups": ["a", "b"]}

    claims = tokens.verify(a_token(exp=4102444800, **groups))

    assert claims.subject == "driver-1"
    assert claims.groups == ("a", "b")
    assert claims.expires_at == datetime(2100, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "token",
    [
        a_token(exp=int(time.time()) - 1),
        a_token(exp=None),
        a_token(iss="https://issuer.example.com/other"),
        a_token(iss=None),
        a_token(sub=None),
        a_token(client_id="client-2"),
        a_token(client_id=None, aud=CLIENT),
        a_token(token_use="id"),
        a_token(token_use=None),
        a_token(key=STRANGERS_KEY),
        a_token(kid="k2"),
        a_token(kid=None),
        a_token(key="a secret of thirty-two characters", algorithm="HS256"),
        a_token(key="", algorithm="none"),
        a_token()[:-4] + "AAAA",
        "",
        "not.a.token",
        "é",
    ],
    ids=lambda token: "",
)
def test_a_token_not_in_order_is_refused_and_nobody_is_told_why(tokens: AccessTokens, token: str) -> None:
    with pytest.raises(NotAllowed, match=r"^log in again$"):
        tokens.verify(token)


def test_the_public_key_is_no_shared_secret(tokens: AccessTokens, keys: Endpoint) -> None:
    public = jwks_of("k1", KEY)["keys"][0]["n"]

    with pytest.raises(NotAllowed):
        tokens.verify(a_token(key=public, algorithm="HS256"))


def test_keys_are_fetched_once(tokens: AccessTokens, keys: Endpoint) -> None:
    for _ in range(3):
        tokens.verify(a_token())
        with pytest.raises(NotAllowed):
            tokens.verify(a_token(kid="made-up"))

    assert len(keys.asked) == 1


def test_without_keys_nobody_can_tell(tokens: AccessTokens, keys: Endpoint) -> None:
    keys.answer = lambda _: (503, {})
    with pytest.raises(jwt.PyJWKClientConnectionError):
        tokens.verify(a_token())

    keys.answer = lambda _: (200, jwks_of("k1", KEY))
    assert tokens.verify(a_token()).subject == "driver-1"


# Tickets

SECRET = "0123456789abcdef" * 4


def test_a_ticket_names_its_driver() -> None:
    ticket = Tickets(SECRET).issue("K1", "driver-1", NOW + timedelta(minutes=5))

    assert Tickets(SECRET).verify(ticket, "K1", NOW) == "driver-1"
    assert Tickets(SECRET).verify(ticket, "K1", NOW + timedelta(minutes=5, seconds=-1)) == "driver-1"


@pytest.mark.parametrize(
    ("ticket", "session_id", "now"),
    [
        (Tickets(SECRET).issue("K1", "driver-1", NOW), "K1", NOW),
        (Tickets(SECRET).issue("K1", "driver-1", NOW + timedelta(minutes=5)), "K2", NOW),
        (Tickets(SECRET[::-1]).issue("K1", "driver-1", NOW + timedelta(minutes=5)), "K1", NOW),
        (a_token(session_id="K1", aud="live"), "K1", NOW),
        (jwt.encode({"session_id": "K1", "sub": "driver-1", "exp": 4102444800}, SECRET, "HS256"), "K1", NOW),
        (jwt.encode({"session_id": "K1", "sub": "driver-1", "aud": "live"}, SECRET, "HS256"), "K1", NOW),
        (jwt.encode({"session_id": "K1", "aud": "live", "exp": 4102444800}, SECRET, "HS256"), "K1", NOW),
        (
            jwt.encode({"session_id": "K1", "sub": "d", "aud": "live", "exp": 4102444800}, "", "none"),
            "K1",
            NOW,
        ),
        ("", "K1", NOW),
    ],
    ids=[
        "late",
        "other session",
        "other secret",
        "access token",
        "no audience",
        "endless",
        "nobody",
        "unsigned",
        "none",
    ],
)
def test_a_ticket_not_in_order_is_refused(ticket: str, session_id: str, now: datetime) -> None:
    with pytest.raises(NotAllowed, match=r"^this ticket is not valid$"):
        Tickets(SECRET).verify(ticket, session_id, now)
