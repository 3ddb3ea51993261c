"""The user pool of this machine is moto's Cognito, set up as the deployed one; its tokens verify by moto's keys."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import boto3
from moto.utilities.utils import load_resource

from local.cognito_fixes import mail_codes_to
from local.mail import MailOutbox


def create_user_pool(mails: MailOutbox | None = None) -> tuple[str, str]:
    """A pool whose people log in by e-mail and password; returns its id and that of the app client.

    Codes go to `mails`, or nowhere.
    """
    mail_codes_to(mails or MailOutbox())
    client = boto3.client("cognito-idp")
    pool = client.create_user_pool(
        PoolName="kerb",
        UsernameAttributes=["email"],
        AutoVerifiedAttributes=["email"],
        UsernameConfiguration={"CaseSensitive": False},
        UserAttributeUpdateSettings={"AttributesRequireVerificationBeforeUpdate": ["email"]},
        Schema=[{"Name": "terms", "AttributeDataType": "String", "Mutable": True}],
        Policies={
            "PasswordPolicy": {
                "MinimumLength": 8,
                "RequireUppercase": True,
                "RequireLowercase": True,
                "RequireNumbers": True,
                "RequireSymbols": False,
            }
        },
    )
    pool_id = pool["UserPool"]["Id"]
    client.set_user_pool_mfa_config(
        UserPoolId=pool_id, SoftwareTokenMfaConfiguration={"Enabled": True}, MfaConfiguration="OPTIONAL"
    )
    app = client.create_user_pool_client(
        UserPoolId=pool_id,
        ClientName="kerb",
        GenerateSecret=False,
        ReadAttributes=["email", "email_verified", "locale", "custom:terms"],
        WriteAttributes=["email", "locale", "custom:terms"],
        ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
        PreventUserExistenceErrors="ENABLED",
        EnableTokenRevocation=True,
        AccessTokenValidity=60,
        RefreshTokenValidity=30,
        TokenValidityUnits={"AccessToken": "minutes", "RefreshToken": "days"},
    )
    return pool_id, app["UserPoolClient"]["ClientId"]


def issuer(pool_id: str) -> str:
    """What the pool's tokens say issued them."""
    region, _, _ = pool_id.partition("_")
    return f"https://cognito-idp.{region}.amazonaws.com/{pool_id}"


def jwks() -> dict[str, Any]:
    """The public keys of every pool on this machine, as JSON Web Keys."""
    return dict(load_resource("cognitoidp/resources/jwks-public.json"))


def add_to_group(pool_id: str, username: str, group: str) -> None:
    """Give somebody a group, creating it first if need be; tokens issued from now on carry it."""
    client = boto3.client("cognito-idp")
    with suppress(client.exceptions.GroupExistsException):
        client.create_group(UserPoolId=pool_id, GroupName=group)
    client.admin_add_user_to_group(UserPoolId=pool_id, Username=username, GroupName=group)
