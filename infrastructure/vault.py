"""One key encrypts what rests, and secrets are made or put in by hand in Secrets Manager: none is in a template."""

from __future__ import annotations

from typing import Any

from infrastructure.stage import Resources, Stage, ref

# Setting -> (secret, key in its JSON or nothing, the functions that are told). Nobody else learns it.
PAYERS = ("api_handler", "stripe_webhook", "place_hold", "settle", "abort", "sweep", "debts", "reconcile", "accounts")
# Who shows a session to its driver as it goes on.
VIEWS = ("viewers", "tell_viewers")
SETTINGS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "KERB_EDGE_SECRET": ("EdgeSecret", "", ("websocket_connect",)),
    "KERB_PASSWORD_SECRET": ("PasswordSecret", "", ("websocket_connect",)),
    "KERB_TICKET_SECRET": ("TicketSecret", "", ("api_handler", "notices", *VIEWS)),
    "KERB_STRIPE_API_KEY": ("StripeSecret", "api_key", PAYERS),
    "KERB_STRIPE_WEBHOOK_SECRET": ("StripeSecret", "webhook_secret", PAYERS),
    "KERB_STRIPE_PUBLISHABLE_KEY": ("StripeSecret", "publishable_key", (*PAYERS, *VIEWS)),
    "KERB_SIGNAL_KEYS": ("SignalSecret", "", ("signals",)),
    "KERB_CAR_MAKER_KEYS": ("CarMakerSecret", "", ("api_handler", "plan_sites")),
    "KERB_CONTRACT_KEYS": ("ContractSecret", "", ("websocket_message",)),
}
# Services that use the key for somebody: whoever may use their thing needs no leave for the key besides.
_VIA = ("dynamodb", "lambda", "s3", "secretsmanager", "sns")
# Who uses it of its own accord, to tell of alarms.
_BY = "cloudwatch.amazonaws.com"


def resources(stage: Stage) -> Resources:
    return {
        "Key": {
            "Type": "AWS::KMS::Key",
            # Without it nothing that is kept could be read.
            **stage.fate,
            "Properties": {
                "Description": f"what {stage.stack} keeps",
                "EnableKeyRotation": True,
                "KeyPolicy": _key_policy(),
            },
        },
        "KeyAlias": {
            "Type": "AWS::KMS::Alias",
            "Properties": {"AliasName": f"alias/{stage.stack}", "TargetKeyId": ref("Key")},
        },
        "EdgeSecret": _made(stage, "edge", 48),
        "PasswordSecret": _made(stage, "password", 64),
        "TicketSecret": _made(stage, "ticket", 64),
        "StripeSecret": {
            "Type": "AWS::SecretsManager::Secret",
            **stage.fate,
            "Properties": {
                "Name": f"{stage.stack}/stripe",
                "KmsKeyId": ref("Key"),
                # Only until somebody puts in the true ones: docs/operations.md.
                "SecretString": '{"api_key": "unset", "webhook_secret": "unset", "publishable_key": "unset"}',
            },
        },
        "SignalSecret": {
            "Type": "AWS::SecretsManager::Secret",
            **stage.fate,
            "Properties": {
                "Name": f"{stage.stack}/signals",
                "KmsKeyId": ref("Key"),
                # One key for each source that wants one; until somebody puts it in, that source tells nothing.
                "SecretString": '{"entsoe": "unset", "electricity_maps": "unset", "watttime": "unset"}',
            },
        },
        "CarMakerSecret": {
            "Type": "AWS::SecretsManager::Secret",
            **stage.fate,
            "Properties": {
                "Name": f"{stage.stack}/car-makers",
                "KmsKeyId": ref("Key"),
                # An object for each maker; until somebody puts them in, no car can be linked there.
                "SecretString": '{"smartcar": {"client_id": "unset"}, "enode": {}, "tesla": {}}',
            },
        },
        "ContractSecret": {
            "Type": "AWS::SecretsManager::Secret",
            **stage.fate,
            "Properties": {
                "Name": f"{stage.stack}/contracts",
                "KmsKeyId": ref("Key"),
                # Until somebody puts in the true ones, the contract provider refuses us, if one is set.
                "SecretString": '{"client_id": "unset", "client_secret": "unset"}',
            },
        },
    }


def secret_value(secret: str, key: str = "") -> dict[str, str]:
    """What CloudFormation puts in a secret's place when it updates the resource that asks."""
    within = f":SecretString:{key}" if key else ""
    return {"Fn::Sub": f"{{{{resolve:secretsmanager:${{{secret}}}{within}}}}}"}


def _made(stage: Stage, name: str, length: int) -> dict[str, Any]:
    return {
        "Type": "AWS::SecretsManager::Secret",
        **stage.fate,
        "Properties": {
            "Name": f"{stage.stack}/{name}",
            "KmsKeyId": ref("Key"),
            "GenerateSecretString": {"PasswordLength": length, "ExcludePunctuation": True},
        },
    }


def _key_policy() -> dict[str, Any]:
    via = [{"Fn::Sub": f"{service}.${{AWS::Region}}.amazonaws.com"} for service in _VIA]
    use = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"]
    own_account = {"kms:CallerAccount": ref("AWS::AccountId")}
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "Account",
                "Effect": "Allow",
                "Principal": {"AWS": {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}},
                "Action": "kms:*",
                "Resource": "*",
            },
            {
                "Sid": "ThroughServices",
                "Effect": "Allow",
                "Principal": {"AWS": "*"},
                "Action": [*use, "kms:CreateGrant"],
                "Resource": "*",
                "Condition": {"StringEquals": {"kms:ViaService": via, **own_account}},
            },
            {
                "Sid": "Alarms",
                "Effect": "Allow",
                "Principal": {"Service": _BY},
                "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
                "Resource": "*",
                "Condition": {"StringEquals": {"aws:SourceAccount": ref("AWS::AccountId")}},
            },
        ],
    }
