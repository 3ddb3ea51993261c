"""Accounts live in one Cognito pool: people log in by e-mail and password, and everybody proves the address."""

from __future__ import annotations

from infrastructure.stage import Resources, Stage, ref

# The same as on a laptop (local/identity.py); a test holds it.
POOL = {
    "UsernameAttributes": ["email"],
    "AutoVerifiedAttributes": ["email"],
    "UsernameConfiguration": {"CaseSensitive": False},
    # Another address counts once it is proven; until then the old one does.
    "UserAttributeUpdateSettings": {"AttributesRequireVerificationBeforeUpdate": ["email"]},
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
CLIENT = {
    "GenerateSecret": False,
    "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
    "PreventUserExistenceErrors": "ENABLED",
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
                "DeletionProtection": "ACTIVE" if stage.is_production else "INACTIVE",
                "AccountRecoverySetting": {"RecoveryMechanisms": [{"Name": "verified_email", "Priority": 1}]},
                **POOL,
            },
        },
        "UserPoolClient": {
            "Type": "AWS::Cognito::UserPoolClient",
            "Properties": {"ClientName": stage.stack, "UserPoolId": ref("UserPool"), **CLIENT},
        },
    }
