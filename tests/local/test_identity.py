"""The user pool of this machine behaves as the one on AWS, as far as Kerb can tell."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

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


def test_people_are_found_while_others_come_and_go() -> None:
    with mock_aws():
        pool_id, _ = identity.create_user_pool()

        def lives(number: int) -> str:
            client, email = boto3.client("cognito-idp"), f"person-{number}@example.com"
            client.admin_create_user(UserPoolId=pool_id, Username=email)
            found = client.admin_get_user(UserPoolId=pool_id, Username=email.upper())
            client.admin_delete_user(UserPoolId=pool_id, Username=found["Username"])
            return str(found["Username"])

        # Between any two steps of one another may come.
        interval_s = sys.getswitchinterval()
        sys.setswitchinterval(1e-6)
        try:
            with ThreadPoolExecutor(8) as pool:
                assert len(set(pool.map(lives, range(200)))) == 200
        finally:
            sys.setswitchinterval(interval_s)
