"""`make deploy`: a packaged stage goes to S3 and becomes its CloudFormation stack; an earlier release returns likewise.

Never run against AWS by the project's own tests, only against moto: see docs/operations.md.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.exceptions import ClientError, WaiterError

from cli import limits
from cli.fleet import DATA, Fleet
from infrastructure import access_logs, account, edge_alarms, operators, preflight, releases, stripe_endpoint, web
from infrastructure.adoption import adopt
from infrastructure.package import BUILD
from infrastructure.protection import protect
from infrastructure.releases import Bucket, Release
from infrastructure.rollout import ALL_AT_ONCE, AT_RELEASE
from infrastructure.stage import APP, STAGES, Stage

# What to do about a stack that takes no update.
_STUCK = {
    "ROLLBACK_FAILED": "delete what its events say could not be deleted, then the stack, and deploy again",
    "CREATE_FAILED": "delete the stack, and deploy again",
    "DELETE_FAILED": "delete what its events say could not be deleted, then the stack",
    "UPDATE_ROLLBACK_FAILED": "mend what its events name, then aws cloudformation continue-update-rollback",
    "UPDATE_FAILED": "aws cloudformation rollback-stack",
}
_WAIT = {"Delay": 10, "MaxAttempts": 360}  # a CloudFront distribution takes its time


def deploy(  # noqa: PLR0913, PLR0917 (a deployment is all of this)
    stage: Stage, release: Release, bucket: Bucket, chosen: dict[str, str], at: datetime, secrets: bool = False
) -> dict[str, str]:
    """Make the stack what the release says; returns its outputs. CloudFormation takes back what fails half-way.

    With `secrets` whoever is told a secret is told its value of now.
    """
    cloudformation = boto3.client("cloudformation")
    known = _parameters_of(stage)
    told = {"CodeBucket": bucket.name, "CodeKey": release.code_key, **chosen}
    if release.solver_key:
        told["SolverKey"] = release.solver_key
    if secrets or known is None:
        told["SecretsReadAt"] = at.isoformat()
    template = releases.template_of(release, stage, bucket)
    takes: dict[str, Any] = json.loads(template)["Parameters"]
    if "Rollout" not in takes:  # a release of before
        told.pop("Rollout", None)
    if unknown := told.keys() - takes.keys():
        raise SystemExit(f"the template takes no {', '.join(sorted(unknown))}")
    defaults = {key: str(it.get("Default", "")) for key, it in takes.items()}
    before = {key: value for key, value in (known or {}).items() if key in takes}
    made_of = _made_of(template, defaults | before | told)
    if "Release" in takes:
        told["Release"] = made_of
    url = releases.put_template(release, stage, bucket, template.replace(AT_RELEASE, f"Of{made_of}"))
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
                # ... but for how one release was to be rolled out.
                for key in sorted(before.keys() - told.keys() - {"Rollout"})
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
            _guard(cloudformation, stage)
            return _outputs(stage)
        raise SystemExit(f"{error}\n{_why(cloudformation, stage, at)}") from None
    _guard(cloudformation, stage)
    return _outputs(stage)


def _made_of(template: str, parameters: Mapping[str, str]) -> str:
    """What a deployment is made of, in short: the same again changes nothing, and publishes nothing."""
    told = sorted((key, value) for key, value in parameters.items() if key not in ("Release", "Rollout"))
    return hashlib.sha256(json.dumps([template, told]).encode()).hexdigest()[:12]


def _guard(cloudformation: Any, stage: Stage) -> None:
    """In production neither the stack nor what it keeps can be deleted from now on."""
    if not stage.is_production:
        return
    cloudformation.update_termination_protection(StackName=stage.stack, EnableTerminationProtection=True)
    if busy := protect(stage):
        raise SystemExit(f"deployed; but {', '.join(busy)} can still be deleted: busy. Run make deploy again later")


def _outputs(stage: Stage) -> dict[str, str]:
    stack = boto3.client("cloudformation").describe_stacks(StackName=stage.stack)["Stacks"][0]
    return {it["OutputKey"]: it["OutputValue"] for it in stack.get("Outputs", [])}


def _changes_nothing(error: WaiterError) -> bool:
    """CloudFormation calls it a failure when the stack is what it should be already."""
    why = str(error.last_response.get("StatusReason", ""))
    return "didn't contain changes" in why or "No updates are to be performed" in why


def _parameters_of(stage: Stage) -> dict[str, str] | None:
    """Those of the stack as it is; nothing if there is none yet, or only what a failed first deployment left."""
    cloudformation = boto3.client("cloudformation")
    try:
        stack = cloudformation.describe_stacks(StackName=stage.stack)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    status = stack["StackStatus"]
    # A change set that was never executed leaves an empty stack behind.
    if status == "REVIEW_IN_PROGRESS":
        return None
    if status == "ROLLBACK_COMPLETE":
        # All that it made is gone again, and CloudFormation lets nobody update what is left.
        cloudformation.delete_stack(StackName=stage.stack)
        cloudformation.get_waiter("stack_delete_complete").wait(StackName=stage.stack, WaiterConfig=_WAIT)
        return None
    if status.endswith("_FAILED") or status.endswith("_IN_PROGRESS"):
        raise SystemExit(f"{stage.stack} is {status}: {_STUCK.get(status, 'wait until that is over')}")
    return {it["ParameterKey"]: it["ParameterValue"] for it in stack.get("Parameters", [])}


def _why(cloudformation: Any, stage: Stage, since: datetime) -> str:
    """What CloudFormation could not do."""
    events = cloudformation.describe_stack_events(StackName=stage.stack)["StackEvents"]
    return "\n".join(
        f"{it['LogicalResourceId']}: {it.get('ResourceStatusReason', '')}"
        for it in reversed(events)
        if it["ResourceStatus"].endswith("FAILED") and it["Timestamp"] >= since
    )


def _preflight(stage: Stage, region: str, chosen: argparse.Namespace, at: datetime) -> bool:
    """Say what this account lacks; whether a deployment can succeed."""
    given = dict(it.split("=", 1) for it in chosen.parameters)
    parameters = account.parameters_of(stage) | given
    fleet = Fleet(chosen.chargers, chosen.sessions_per_day or chosen.chargers / 5)
    used = limits.needed(fleet, round(fleet.sessions_per_day / 2))
    needs = preflight.needs_of(used, json.loads((DATA / "quotas.json").read_text())["quotas"])
    wanted = preflight.Wanted(stage, parameters, needs, at, chosen.imports)
    found = preflight.findings(account.read(stage, region, parameters), wanted)
    print(f"{stage.stack}, {chosen.chargers:,} chargers:", *found, sep="\n")  # noqa: T201
    return not preflight.stops(found)


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    options = argparse.ArgumentParser(prog="make deploy", description=__doc__)
    options.add_argument("--stage", choices=STAGES, default="dev")
    options.add_argument("--release", help="deploy this earlier release again, instead of what was packaged")
    options.add_argument("--import", dest="imports", action="store_true", help="first import what a deleted stack left")
    options.add_argument("--secrets", action="store_true", help="let everything have the values that secrets have now")
    options.add_argument("--list", action="store_true", help="list releases, newest first, and stop")
    options.add_argument("--plan", action="store_true", help="say what this account lacks, and stop: nothing is made")
    options.add_argument("--anyway", action="store_true", help="deploy though it was said that this will fail")
    options.add_argument(
        "--stripe", action="store_true", help="make or mend Stripe's webhook endpoint, by STRIPE_API_KEY"
    )
    options.add_argument(
        "--operator", action="append", default=[], metavar="ID=EMAIL", help="make a person an operator"
    )
    options.add_argument(
        "--invite", action="append", default=[], metavar="ID=EMAIL", help="invite a person to own an operator, by mail"
    )
    options.add_argument(
        "--platform", action="append", default=[], metavar="EMAIL", help="make a person administer the platform"
    )
    options.add_argument(
        "--not-platform", action="append", default=[], metavar="EMAIL", help="let a person administer it no more"
    )
    options.add_argument(
        "--forget-second-factor",
        action="append",
        default=[],
        metavar="EMAIL",
        help="for whoever has lost theirs, once you know that it is they who ask",
    )
    options.add_argument("--chargers", type=int, default=1_000, help="how many are to come (%(default)s)")
    options.add_argument("--sessions-per-day", type=float, help="of all of them (a fifth of the chargers)")
    options.add_argument("parameters", nargs="*", metavar="Name=value", help="the template's parameters; the rest stay")
    return options.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    chosen = _arguments(arguments)
    stage, now, region = Stage(chosen.stage), datetime.now(UTC), account.region_of(os.environ)
    boto3.setup_default_session(region_name=region)
    if chosen.list:
        print("\n".join(releases.releases(stage, releases.make_bucket(region))))  # noqa: T201
        return
    # Whoever rolls back has no time for advice.
    if not chosen.release and not _preflight(stage, region, chosen, now) and not chosen.anyway:
        raise SystemExit("nothing was made: mend what is marked STOP (or ARGS=--anyway)")
    if chosen.plan:
        return
    people = [operators.operator_and_person(it) for it in chosen.operator]
    chosen.invite = [operators.operator_and_person(it) for it in chosen.invite]
    keys = stripe_endpoint.keys_for(stage, os.environ) if chosen.stripe else None
    bucket = releases.make_bucket(region)
    release = (
        releases.release_named(chosen.release, stage, bucket)
        if chosen.release
        else releases.release_from(BUILD / stage.name, stage, bucket, now)
    )
    parameters = dict(it.split("=", 1) for it in chosen.parameters)
    if chosen.release:
        # Whoever goes back does not try it on a tenth first.
        parameters = {"Rollout": ALL_AT_ONCE} | parameters
    if chosen.imports:
        template = json.loads((BUILD / stage.name / "template.json").read_text())
        print(f"imported: {', '.join(adopt(template, stage, bucket, parameters))}")  # noqa: T201
    if (account.parameters_of(stage) | parameters).get("AccessLogs") != "none":
        access_logs.let_gateway_write()
    outputs = deploy(stage, release, bucket, parameters, now, chosen.secrets)
    if keys is not None and stripe_endpoint.connect(stage, outputs["ApiUrl"], keys):
        deploy(stage, release, bucket, {}, datetime.now(UTC), secrets=True)
    if "WebBucketName" in outputs:  # a release of before has no door for them
        web.publish(outputs)
    print(f"{stage.stack} is release {release.name}")  # noqa: T201
    for name in ("AppUrl", "ApiUrl", "ChargerUrl", "UserPoolId"):
        print(f"  {name}: {outputs.get(name, '')}")  # noqa: T201
    if secret := outputs.get("CanarySecretArn"):
        print(f"  canary: {operators.make_canary(outputs['UserPoolId'], stage, secret)}")  # noqa: T201
    for operator, email in people:
        is_new = operators.make_operator(outputs["UserPoolId"], operator, email)
        operators.appoint_owner(outputs["UserPoolId"], stage.prefix, operator, email)
        first = ": POST /v1/password/forgot sends the code for a first password" if is_new else ""
        print(f"  {email} owns {operator}{first}")  # noqa: T201
    _appoint(stage, outputs["UserPoolId"], chosen)
    print(f"  alarms of the edge: {edge_alarms.deploy(stage, outputs, account.parameters_of(stage))}")  # noqa: T201
    for it in _left_to_do(stage, outputs):
        print(f"  still to do: {it}")  # noqa: T201


def _appoint(stage: Stage, user_pool_id: str, chosen: argparse.Namespace) -> None:
    """Who is invited to own an operator; who administers the platform, and who has lost a second factor."""
    sender = account.parameters_of(stage).get("MailFrom", "")
    for operator, email in chosen.invite:
        code = operators.invite_owner(stage.prefix, operator, email, sender, datetime.now(UTC))
        mailed = f"with this code (nobody has mailed it, for there is no MailFrom): {code}" if code else "by mail"
        print(f"  {email} is invited to own {operator}, {mailed}")  # noqa: T201
    for email in chosen.platform:
        is_new = operators.make_account(user_pool_id, email)
        operators.appoint_platform(user_pool_id, stage.prefix, email)
        first = "POST /v1/password/forgot sends the code for a first password; then " if is_new else ""
        print(f"  {email} administers the platform: {first}a second factor (POST /v1/me/second-factor)")  # noqa: T201
    for email in chosen.not_platform:
        operators.appoint_platform(user_pool_id, stage.prefix, email, is_one=False)
        print(f"  {email} administers the platform no more")  # noqa: T201
    for email in chosen.forget_second_factor:
        operators.forget_second_factor(user_pool_id, stage.prefix, email)
        print(f"  {email} has no second factor, and is logged out")  # noqa: T201


def _left_to_do(stage: Stage, outputs: dict[str, str]) -> list[str]:
    """One command each, where a first deployment is not yet one that anybody can use."""
    again = f"make deploy STAGE={stage.name} ARGS="
    left = []
    if not stripe_endpoint.is_connected(stage):
        left.append(f"STRIPE_API_KEY=sk_... STRIPE_PUBLISHABLE_KEY=pk_... {again}--stripe")
    if not operators.has_operators(outputs["UserPoolId"]):
        left.append(f"{again}--operator={{operator id}}={{their e-mail address}}")
    return left


if __name__ == "__main__":
    main()
