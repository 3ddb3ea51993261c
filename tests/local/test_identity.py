"""The user pool of this machine behaves as the one on AWS, as far as Kerb can tell."""

from __future__ import annotations

import boto3
from moto import mock_aws

from local import identity


def test_a_group_is_created_when_it_is_first_given() -> None:
    with mock_aws():
        pool_id, _ = identity.create_user_pool()
        client = boto3.client("cognito-idp")
        for email in ("ada@example.com", "bob@example.com"):
            client.admin_create_user(UserPoolId=pool_id, Username=email)
            identity.add_to_group(pool_id, email, "operator:demo")

        members = client.list_users_in_group(UserPoolId=pool_id, GroupName="operator:demo")["Users"]

        assert len(members) == 2


def test_the_keys_are_public_and_named() -> None:
    (key,) = identity.jwks()["keys"]

    assert (key["kty"], key["kid"]) == ("RSA", "dummy")
    assert "d" not in key


def test_an_issuer_is_an_address_in_the_pools_region() -> None:
    assert identity.issuer("eu-west-1_abc") == "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_abc"
