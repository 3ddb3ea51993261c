"""The alarms of the chargers' edge, a small stack of their own in us-east-1, whichever region the stage is in.

CloudFront reports its figures there, and ACM those of the certificates that CloudFront shows; an alarm hears no other
region's. So does the topic that tells people: whoever is named confirms the address once more. `make deploy` makes this
stack after the stage's own, from what that put out, and again whenever that changes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import boto3
from botocore.exceptions import ClientError, WaiterError

from infrastructure.alarms import CONDITIONS as HAS_EMAIL
from infrastructure.alarms import PARAMETERS as EMAIL
from infrastructure.alarms import certificate
from infrastructure.cloudwatch import MINUTE, Any_, Formula, Metric, declared
from infrastructure.stage import APP, Resources, Stage, ref

REGION = "us-east-1"
# Parameter -> what of the stage's stack it is: an output, or a parameter of the same name.
_OUTPUTS = ("ChargerEdgeId", "ChargerEcdsaEdgeId")
_CHOSEN = (
    "AlarmEmail",
    "ChargerDomain",
    "ChargerDomainCertificate",
    "ChargerEcdsaDomain",
    "ChargerEcdsaDomainCertificate",
)
_TEXT = {"Type": "String", "Default": ""}
# Ids are never empty, even where nothing is called by them.
_ID = {"Type": "String", "Default": "none"}
_CONNECTS = "connects-absent, in the stage's own stack"
_WAIT = {"Delay": 5, "MaxAttempts": 120}


def alarms(stage: Stage) -> list[Any_]:
    """CloudFront's errors and the days that certificates have left, for each edge that there is."""
    found: list[Any_] = []
    for suffix, distribution, domain, condition in (
        ("", "ChargerEdgeId", "ChargerDomain", ""),
        ("-ecdsa", "ChargerEcdsaEdgeId", "ChargerEcdsaDomain", "HasChargerEcdsaDomain"),
    ):
        of = {"DistributionId": ref(distribution), "Region": "Global"}
        requests = Metric("AWS/CloudFront", "Requests", of)
        found += [
            Formula(
                name=f"edge-failing{suffix}",
                expression="IF(FILL(requests, 0) >= 20, FILL(failed, 0), 0)",
                of={"requests": requests, "failed": Metric("AWS/CloudFront", "5xxErrorRate", of, "Average")},
                why="more than 5 of a hundred sockets cannot be opened: CloudFront is answered 5xx, or nothing",
                limit=5,
                periods=2,
                silence=_CONNECTS,
                condition=condition,
            ),
            Formula(
                name=f"edge-refusing{suffix}",
                expression="IF(FILL(requests, 0) >= 100, FILL(refused, 0), 0)",
                of={"requests": requests, "refused": Metric("AWS/CloudFront", "4xxErrorRate", of, "Average")},
                why="more than half of those who knock are refused",
                limit=50,
                period_s=15 * MINUTE,
                silence=_CONNECTS,
                condition=condition,
            ),
            certificate(
                f"certificate-chargers{suffix}",
                f"arn:${{AWS::Partition}}:acm:{REGION}:${{AWS::AccountId}}:certificate/${{{domain}Certificate}}",
                f"Has{domain}",
            ),
        ]
    return found


def template(stage: Stage) -> dict[str, Any]:
    """The whole small stack."""
    made: Resources = {
        # Not encrypted by our key, which is in the stage's region: nothing but an alarm's name and figures is told.
        "Alarms": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": f"{stage.prefix}edge-alarms"}},
        "AlarmEmailSubscription": {
            "Type": "AWS::SNS::Subscription",
            "Condition": "HasAlarmEmail",
            "Properties": {"TopicArn": ref("Alarms"), "Protocol": "email", "Endpoint": ref("AlarmEmail")},
        },
    }
    for alarm in alarms(stage):
        made |= declared(stage, alarm)
    has = {
        f"Has{name}": {"Fn::Not": [{"Fn::Equals": [ref(name), ""]}]} for name in ("ChargerDomain", "ChargerEcdsaDomain")
    }
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"Kerb, stage {stage.name}: alarms of the chargers' edge",
        "Parameters": EMAIL
        | dict.fromkeys(_OUTPUTS, _ID)
        | {name: _ID if name.endswith("Certificate") else _TEXT for name in _CHOSEN if name not in EMAIL},
        "Conditions": HAS_EMAIL | has,
        "Resources": made,
    }


def stack_of(stage: Stage) -> str:
    return f"{stage.stack}-edge"


def deploy(stage: Stage, outputs: Mapping[str, str], chosen: Mapping[str, str]) -> str:
    """Make the small stack what the stage's now is; returns what became of it.

    `outputs` and `chosen` are the stage's stack's outputs and parameters. Raises SystemExit where it fails: the stage
    itself stays deployed.
    """
    told = {name: it[name] for it, names in ((outputs, _OUTPUTS), (chosen, _CHOSEN)) for name in names if name in it}
    if not told.get("ChargerEdgeId"):
        return "nothing to watch"
    cloudformation = boto3.client("cloudformation", region_name=REGION)
    name = stack_of(stage)
    wanted: dict[str, Any] = {
        "StackName": name,
        "TemplateBody": json.dumps(template(stage), separators=(",", ":")),
        "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in told.items()],
        "Tags": [{"Key": "app", "Value": APP}, {"Key": "stage", "Value": stage.name}],
    }
    try:
        if _is_there(cloudformation, name):
            cloudformation.update_stack(**wanted)
            cloudformation.get_waiter("stack_update_complete").wait(StackName=name, WaiterConfig=_WAIT)
            return "changed"
        cloudformation.create_stack(**wanted)
        cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig=_WAIT)
    except (ClientError, WaiterError) as error:
        if "No updates are to be performed" in str(error):
            return "as it was"
        raise SystemExit(f"{stage.stack} is deployed, but the alarms of its edge are not: {error}") from None
    return "made"


def _is_there(cloudformation: Any, name: str) -> bool:
    """Not counting what a failed first try left, which nobody can update: that is deleted."""
    try:
        status = cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
    except ClientError as error:
        if "does not exist" in str(error):
            return False
        raise
    if status == "ROLLBACK_COMPLETE":
        cloudformation.delete_stack(StackName=name)
        cloudformation.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig=_WAIT)
        return False
    return True
