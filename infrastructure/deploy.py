"""`make deploy`: a packaged stage goes to S3 and becomes its CloudFormation stack; an earlier release returns likewise.

Never run against AWS by the project's own tests, only against moto: see docs/operations.md.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError, WaiterError

from infrastructure.package import BUILD
from infrastructure.stage import APP, STAGES, Stage

_WAIT = {"Delay": 10, "MaxAttempts": 360}  # a CloudFront distribution takes its time


@dataclass(frozen=True, slots=True)
class Release:
    """What was, or is to be, deployed: kept in the bucket under `{stage}/{name}/`."""

    name: str
    code_key: str


def release_from(folder: Path, stage: Stage, bucket: str, at: datetime) -> Release:
    """Upload what `make package` made."""
    s3 = boto3.client("s3")
    code = f"{stage.name}/code/{json.loads((folder / 'release.json').read_text())['code']}"
    if not _exists(s3, bucket, code):
        s3.upload_file(str(folder / "code.zip"), bucket, code)
    release = Release(f"{at:%Y%m%dT%H%M%SZ}", code)
    s3.upload_file(str(folder / "template.json"), bucket, _template_key(stage, release.name))
    s3.put_object(Bucket=bucket, Key=_manifest_key(stage, release.name), Body=json.dumps({"code": code}).encode())
    return release


def release_named(name: str, stage: Stage, bucket: str) -> Release:
    """One that was deployed before."""
    body = boto3.client("s3").get_object(Bucket=bucket, Key=_manifest_key(stage, name))["Body"].read()
    return Release(name, json.loads(body)["code"])


def releases(stage: Stage, bucket: str) -> list[str]:
    """Newest first."""
    pages = (
        boto3.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{stage.name}/releases/")
    )
    keys = [it["Key"] for page in pages for it in page.get("Contents", [])]
    return sorted({key.split("/")[2] for key in keys}, reverse=True)


def make_bucket() -> str:
    """The bucket for releases of every stage of this account and region, private, and forgetting nothing by itself."""
    region = boto3.session.Session().region_name
    name = f"{APP}-releases-{boto3.client('sts').get_caller_identity()['Account']}-{region}"
    s3 = boto3.client("s3")
    try:
        s3.head_bucket(Bucket=name)
    except ClientError:
        where: dict[str, Any] = {} if region == "us-east-1" else {"LocationConstraint": region}
        s3.create_bucket(Bucket=name, **({"CreateBucketConfiguration": where} if where else {}))
        s3.put_public_access_block(
            Bucket=name,
            PublicAccessBlockConfiguration={
                "BlockPublicAcls": True,
                "BlockPublicPolicy": True,
                "IgnorePublicAcls": True,
                "RestrictPublicBuckets": True,
            },
        )
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return name


def deploy(  # noqa: PLR0913, PLR0917 (a deployment is all of this)
    stage: Stage, release: Release, bucket: str, chosen: dict[str, str], at: datetime, secrets: bool = False
) -> dict[str, str]:
    """Make the stack what the release says; returns its outputs. CloudFormation takes back what fails half-way.

    With `secrets` whoever is told a secret is told its value of now.
    """
    cloudformation = boto3.client("cloudformation")
    url = (
        f"https://{bucket}.s3.{boto3.session.Session().region_name}.amazonaws.com/{_template_key(stage, release.name)}"
    )
    known = _parameters_of(stage)
    told = {"CodeBucket": bucket, "CodeKey": release.code_key, **chosen}
    if secrets or known is None:
        told["SecretsReadAt"] = at.isoformat()
    takes = {it["ParameterKey"] for it in cloudformation.get_template_summary(TemplateURL=url)["Parameters"]}
    if unknown := told.keys() - takes:
        raise SystemExit(f"the template takes no {', '.join(sorted(unknown))}")
    change = f"release-{release.name}-{at:%Y%m%d%H%M%S}"
    cloudformation.create_change_set(
        StackName=stage.stack,
        ChangeSetName=change,
        ChangeSetType="CREATE" if known is None else "UPDATE",
        TemplateURL=url,
        Parameters=[
            *({"ParameterKey": key, "ParameterValue": value} for key, value in told.items()),
            # What was chosen once stays.
            *(
                {"ParameterKey": key, "UsePreviousValue": True}
                for key in sorted(((known or set()) & takes) - told.keys())
            ),
        ],
        Capabilities=["CAPABILITY_IAM"],
        Tags=[{"Key": "app", "Value": APP}, {"Key": "stage", "Value": stage.name}],
    )
    done = "stack_create_complete" if known is None else "stack_update_complete"
    try:
        cloudformation.get_waiter("change_set_create_complete").wait(StackName=stage.stack, ChangeSetName=change)
        cloudformation.execute_change_set(StackName=stage.stack, ChangeSetName=change)
        cloudformation.get_waiter(done).wait(StackName=stage.stack, WaiterConfig=_WAIT)
    except WaiterError as error:
        if _changes_nothing(error):
            cloudformation.delete_change_set(StackName=stage.stack, ChangeSetName=change)
            return _outputs(stage)
        raise SystemExit(f"{error}\n{_why(cloudformation, stage, at)}") from None
    if stage.is_production:
        cloudformation.update_termination_protection(StackName=stage.stack, EnableTerminationProtection=True)
    return _outputs(stage)


def _outputs(stage: Stage) -> dict[str, str]:
    stack = boto3.client("cloudformation").describe_stacks(StackName=stage.stack)["Stacks"][0]
    return {it["OutputKey"]: it["OutputValue"] for it in stack.get("Outputs", [])}


def _changes_nothing(error: WaiterError) -> bool:
    """CloudFormation calls it a failure when the stack is what it should be already."""
    why = str(error.last_response.get("StatusReason", ""))
    return "didn't contain changes" in why or "No updates are to be performed" in why


def _parameters_of(stage: Stage) -> set[str] | None:
    """Those of the stack as it is; nothing if there is none yet."""
    try:
        stack = boto3.client("cloudformation").describe_stacks(StackName=stage.stack)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    # A change set that was never executed leaves an empty stack behind.
    if stack["StackStatus"] == "REVIEW_IN_PROGRESS":
        return None
    return {it["ParameterKey"] for it in stack.get("Parameters", [])}


def _why(cloudformation: Any, stage: Stage, since: datetime) -> str:
    """What CloudFormation could not do."""
    events = cloudformation.describe_stack_events(StackName=stage.stack)["StackEvents"]
    return "\n".join(
        f"{it['LogicalResourceId']}: {it.get('ResourceStatusReason', '')}"
        for it in reversed(events)
        if it["ResourceStatus"].endswith("FAILED") and it["Timestamp"] >= since
    )


def _exists(s3: Any, bucket: str, key: str) -> bool:
    try:
        s3.head_object(Bucket=bucket, Key=key)
    except ClientError:
        return False
    return True


def _template_key(stage: Stage, release: str) -> str:
    return f"{stage.name}/releases/{release}/template.json"


def _manifest_key(stage: Stage, release: str) -> str:
    return f"{stage.name}/releases/{release}/release.json"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--stage", choices=STAGES, default="dev")
    options.add_argument("--release", help="deploy this earlier release again, instead of what was packaged")
    options.add_argument("--secrets", action="store_true", help="let everything have the values that secrets have now")
    options.add_argument("--list", action="store_true", help="list releases, newest first, and stop")
    options.add_argument("parameters", nargs="*", metavar="Name=value", help="the template's parameters; the rest stay")
    chosen = options.parse_args()
    stage, now, bucket = Stage(chosen.stage), datetime.now(UTC), make_bucket()
    if chosen.list:
        print("\n".join(releases(stage, bucket)))  # noqa: T201
        return
    release = (
        release_named(chosen.release, stage, bucket)
        if chosen.release
        else release_from(BUILD / stage.name, stage, bucket, now)
    )
    outputs = deploy(stage, release, bucket, dict(it.split("=", 1) for it in chosen.parameters), now, chosen.secrets)
    print(f"{stage.stack} is release {release.name}")  # noqa: T201
    for name in ("EndpointURL", "ChargerUrl", "UserPoolId"):
        print(f"  {name}: {outputs.get(name, '')}")  # noqa: T201


if __name__ == "__main__":
    main()
