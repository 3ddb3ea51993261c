"""An operator's first person, who could not give themselves leave: an account in the pool, and an owner's membership.

The operator's group of the pool is given too, for a release that knows nothing of members (ADR 33). And the platform's
administrators, whom the API makes none of (ADR 31): what says that they are is written here and nowhere else.

Whoever has no account yet gets one without a password that anybody knows, and sets their own by a mailed code
(`POST /v1/password/forgot`): so the address is theirs, and nothing secret is printed, mailed by us or kept in a shell.
"""

from __future__ import annotations

import json
import re
import secrets
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import boto3

from chalicelib.adapters.dynamo import decode, encode
from chalicelib.adapters.notifications.invitations import SesInvitationMail
from chalicelib.domain.access.api_keys import new_key_id
from chalicelib.domain.access.invitations import BY_PLATFORM, GOOD_FOR, Invitation, new_code
from chalicelib.domain.access.rights import Membership, Role
from infrastructure import canary
from infrastructure.stage import Stage

_GROUP = "operator:"
# As the API reads it (chalicelib/handlers/http/caller.py).
_OPERATOR = re.compile(r"[^\s/,\x00-\x1f]{1,120}")


def operator_and_person(told: str) -> tuple[str, str]:
    """`acme=ada@example.com`. Raises ValueError for anything else."""
    operator, _, email = told.partition("=")
    if not _OPERATOR.fullmatch(operator) or email.count("@") != 1 or any(it.isspace() for it in email):
        raise ValueError(f"{told!r} is not operator=person@example.com")
    return operator, email


def make_operator(user_pool_id: str, operator: str, email: str) -> bool:
    """Safe to repeat; says whether the account is new. Tokens issued from now on act for the operator."""
    is_new = make_account(user_pool_id, email)
    cognito, group = boto3.client("cognito-idp"), f"{_GROUP}{operator}"
    with suppress(cognito.exceptions.GroupExistsException):
        cognito.create_group(UserPoolId=user_pool_id, GroupName=group)
    cognito.admin_add_user_to_group(UserPoolId=user_pool_id, Username=email, GroupName=group)
    return is_new


def make_account(user_pool_id: str, email: str) -> bool:
    """Safe to repeat; says whether the account is new. Raises SystemExit for an address that nobody has proven."""
    cognito = boto3.client("cognito-idp")
    person = {"UserPoolId": user_pool_id, "Username": email}
    is_new, status = False, ""
    try:
        status = str(cognito.admin_get_user(**person)["UserStatus"])
    except cognito.exceptions.UserNotFoundException:
        is_new = True
        proven = [{"Name": "email", "Value": email}, {"Name": "email_verified", "Value": "true"}]
        cognito.admin_create_user(**person, UserAttributes=proven, MessageAction="SUPPRESS")  # type: ignore[arg-type]
    if status == "UNCONFIRMED":
        raise SystemExit(
            f"{email} has begun an account and not proven the address: the code was mailed, then try again"
        )
    if is_new or status == "FORCE_CHANGE_PASSWORD":
        # Of the pool's rules each is met; nobody will ever type it.
        unknown = f"Aa1{secrets.token_urlsafe(48)}"
        cognito.admin_set_user_password(**person, Password=unknown, Permanent=True)
    return is_new


def invite_owner(prefix: str, operator: str, email: str, sender: str, at: datetime) -> str:
    """Invite somebody to own an operator, as the API would; returns the code where there is no `sender` to mail it."""
    invitation_id = new_key_id(secrets.token_bytes)
    code, secret_hash = new_code(invitation_id, secrets.token_bytes)
    made = Invitation(
        invitation_id=invitation_id,
        operator_id=operator,
        email=email,
        role=Role.OWNER,
        by=BY_PLATFORM,
        made_at=at,
        mailed_at=at,
        expires_at=at + GOOD_FOR,
        secret_hash=secret_hash,
    )
    tables = boto3.client("dynamodb")
    row = {
        "operator_id": {"S": f"invitations/{operator}"},
        "person_id": {"S": invitation_id},
        "body": {"S": encode(made)},
    }
    tables.put_item(TableName=f"{prefix}members", Item=row)
    tables.put_item(TableName=f"{prefix}members", Item=_of_all(operator))
    if not sender:
        return code
    SesInvitationMail(boto3.client("sesv2"), sender).send(made, operator, code)
    return ""


def _of_all(operator: str) -> dict[str, Any]:
    """The platform's administrator lists all operators, those too that came about by a deployment."""
    return {"operator_id": {"S": "platform/operators"}, "person_id": {"S": operator}}


def appoint_platform(user_pool_id: str, prefix: str, email: str, *, is_one: bool = True) -> None:
    """Make a person with an account an administrator of the platform, or one no more. Safe to repeat.

    It counts with their next request; they set up a second factor before they may do anything.
    """
    boto3.client("dynamodb").update_item(
        TableName=f"{prefix}drivers",
        Key={"driver_id": {"S": _person_id(user_pool_id, email)}},
        UpdateExpression=f"SET terms = if_not_exists(terms, :none){', is_platform = :yes' if is_one else ''}"
        + ("" if is_one else " REMOVE is_platform"),
        ExpressionAttributeValues={":none": {"M": {}}, **({":yes": {"BOOL": True}} if is_one else {})},
    )


def forget_second_factor(user_pool_id: str, prefix: str, email: str) -> None:
    """Whoever has lost their authenticator logs in without one again, and sets up another. Safe to repeat."""
    cognito = boto3.client("cognito-idp")
    cognito.admin_set_user_mfa_preference(
        UserPoolId=user_pool_id,
        Username=email,
        SoftwareTokenMfaSettings={"Enabled": False, "PreferredMfa": False},
    )
    # Whoever holds the phone now has no login left that counted.
    person_id = _person_id(user_pool_id, email)
    cognito.admin_user_global_sign_out(UserPoolId=user_pool_id, Username=person_id)
    boto3.client("dynamodb").update_item(
        TableName=f"{prefix}drivers",
        Key={"driver_id": {"S": person_id}},
        UpdateExpression="SET terms = if_not_exists(terms, :none) REMOVE proven, second_factor_since",
        ExpressionAttributeValues={":none": {"M": {}}},
    )


def _person_id(user_pool_id: str, email: str) -> str:
    found = boto3.client("cognito-idp").admin_get_user(UserPoolId=user_pool_id, Username=email)
    return next(it["Value"] for it in found["UserAttributes"] if it["Name"] == "sub")


def appoint_owner(user_pool_id: str, prefix: str, operator: str, email: str) -> None:
    """Make a person with an account an owner of the operator, in the tables of that prefix. Safe to repeat.

    As `adapters/access/members.py` keeps it; their first login finds it. Somebody who was removed is one again.
    """
    person_id = _person_id(user_pool_id, email)
    tables = boto3.client("dynamodb")
    key = {"driver_id": {"S": person_id}}
    known = tables.get_item(TableName=f"{prefix}drivers", Key=key, ConsistentRead=True).get("Item", {})
    before = known.get("memberships", {}).get("S")
    owner = Membership(role=Role.OWNER, since=datetime.now(UTC).replace(microsecond=0))
    after = {**(decode(dict[str, Membership], before) if before else {}), operator: owner}
    tables.update_item(
        TableName=f"{prefix}drivers",
        Key=key,
        UpdateExpression="SET memberships = :after, terms = if_not_exists(terms, :none)",
        ConditionExpression="memberships = :before" if before else "attribute_not_exists(memberships)",
        ExpressionAttributeValues={
            ":after": {"S": encode(after)},
            ":none": {"M": {}},
            **({":before": {"S": before}} if before else {}),
        },
    )
    listed = {"operator_id": {"S": operator}, "person_id": {"S": person_id}}
    tables.put_item(TableName=f"{prefix}members", Item=listed)
    tables.put_item(TableName=f"{prefix}members", Item=_of_all(operator))
    tables.update_item(
        TableName=f"{prefix}operators",
        Key={"operator_id": {"S": operator}},
        UpdateExpression="ADD owners :person",
        ExpressionAttributeValues={":person": {"SS": [person_id]}},
    )


def make_canary(user_pool_id: str, stage: Stage, secret_arn: str) -> str:
    """The canary's account (chalicelib/canary), by the password that its function was told; safe to repeat.

    It is a driver and the operator of its own test site; the rest it makes itself, through the public API, in a first
    round. Returns how that went.
    """
    secret = boto3.client("secretsmanager").get_secret_value(SecretId=secret_arn)
    email = canary.email(stage)
    make_operator(user_pool_id, canary.OPERATOR, email)
    password = secret["SecretString"]
    boto3.client("cognito-idp").admin_set_user_password(
        UserPoolId=user_pool_id, Username=email, Password=password, Permanent=True
    )
    told = _invoke(stage.prefix + canary.NAME)
    answer = json.loads(told["Payload"].read())
    if "FunctionError" in told:
        return f"FAILED at {answer.get('errorMessage', '')}"
    return f"charged in {sum(answer.values()) / 1000:.1f} s"


def _invoke(function: str) -> Any:
    """A round, which boto waits for a minute and no longer."""
    return boto3.client("lambda").invoke(FunctionName=function, Payload=json.dumps(canary.ANEW))


def has_operators(user_pool_id: str) -> bool:
    """Whether anybody can act for an operator; the canary is nobody."""
    pages = boto3.client("cognito-idp").get_paginator("list_groups").paginate(UserPoolId=user_pool_id)
    ours = f"{_GROUP}{canary.OPERATOR}"
    groups = {group["GroupName"] for page in pages for group in page["Groups"]}
    return any(name.startswith(_GROUP) and name != ours for name in groups)
