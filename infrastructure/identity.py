"""Accounts live in one Cognito pool: people log in by e-mail and password, and everybody proves the address.

Codes are mailed by Amazon SES once `MailFrom` and `MailIdentity` are given; without them by Cognito's own mailer, which
sends 50 mails a day and is for trying things out.
"""

from __future__ import annotations

from typing import Any

from infrastructure.stage import Resources, Stage, arn, ref

PARAMETERS: dict[str, Any] = {
    "MailFrom": {
        "Type": "String",
        "Default": "",
        "Description": "The address that codes are mailed from, Kerb <no-reply@example.com>; Cognito's mailer if empty",
    },
    "MailIdentity": {
        "Type": "String",
        "Default": "",
        "Description": "The domain or address that SES has verified for it, in this region",
    },
    "MailsADayAlarm": {
        "Type": "Number",
        "Default": 40_000,
        "Description": "An alarm rings at so many mails of SES within a day; four fifths of the quota",
    },
}
CONDITIONS: dict[str, Any] = {"HasMailFrom": {"Fn::Not": [{"Fn::Equals": [ref("MailFrom"), ""]}]}}

# The same as on a laptop (local/identity.py); a test holds it.
POOL = {
    "UsernameAttributes": ["email"],
    "AutoVerifiedAttributes": ["email"],
    "UsernameConfiguration": {"CaseSensitive": False},
    # Another address counts once it is proven; until then the old one does.
    "UserAttributeUpdateSettings": {"AttributesRequireVerificationBeforeUpdate": ["email"]},
    # What was accepted as one registered, until the first login. Of a pool's attributes none is ever taken away.
    "Schema": [{"Name": "terms", "AttributeDataType": "String", "Mutable": True}],
    "Policies": {
        "PasswordPolicy": {
            "MinimumLength": 8,
            "RequireUppercase": True,
            "RequireLowercase": True,
            "RequireNumbers": True,
            "RequireSymbols": False,
        }
    },
}
# Whoever sets up an authenticator is asked for its code at each login, and nobody else. Lite has no passkeys.
SECOND_FACTOR = {"MfaConfiguration": "OPTIONAL", "EnabledMfas": ["SOFTWARE_TOKEN_MFA"]}
CLIENT = {
    "GenerateSecret": False,
    # Said, for Cognito's documentation gives a client that says nothing the standard attributes only, and registration
    # writes one of ours. (`email_verified` only Cognito writes.)
    "ReadAttributes": ["email", "email_verified", "locale", "custom:terms"],
    "WriteAttributes": ["email", "locale", "custom:terms"],
    "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
    "PreventUserExistenceErrors": "ENABLED",
    # Who logs out everywhere has no refresh token left.
    "EnableTokenRevocation": True,
    # An access token that is not asked after at each request would live as long as this; a refresh token as long as a
    # driver may be away from the app.
    "AccessTokenValidity": 60,
    "RefreshTokenValidity": 30,
    "TokenValidityUnits": {"AccessToken": "minutes", "RefreshToken": "days"},
}
_MAILER = {
    "Fn::If": [
        "HasMailFrom",
        {
            "EmailSendingAccount": "DEVELOPER",
            "From": ref("MailFrom"),
            "SourceArn": arn("ses", "identity/${MailIdentity}"),
        },
        {"EmailSendingAccount": "COGNITO_DEFAULT"},
    ]
}
_ISSUER = "https://cognito-idp.${AWS::Region}.${AWS::URLSuffix}/${UserPool}"
SETTINGS = {
    "KERB_USER_POOL_ID": ref("UserPool"),
    "KERB_USER_POOL_CLIENT_ID": ref("UserPoolClient"),
    "KERB_OIDC_ISSUER": {"Fn::Sub": _ISSUER},
    "KERB_OIDC_JWKS_URL": {"Fn::Sub": f"{_ISSUER}/.well-known/jwks.json"},
}


def resources(stage: Stage) -> Resources:
    return {
        "UserPool": {
            "Type": "AWS::Cognito::UserPool",
            **stage.fate,
            "Properties": {
                "UserPoolName": stage.stack,
                # What a pool is by default costs three times as much for what nobody uses here (docs/adr/0014-cost.md).
                "UserPoolTier": "LITE",
                "AccountRecoverySetting": {"RecoveryMechanisms": [{"Name": "verified_email", "Priority": 1}]},
                "EmailConfiguration": _MAILER,
                **POOL,
                **SECOND_FACTOR,
            },
        },
        "UserPoolClient": {
            "Type": "AWS::Cognito::UserPoolClient",
            "Properties": {"ClientName": stage.stack, "UserPoolId": ref("UserPool"), **CLIENT},
        },
    }
