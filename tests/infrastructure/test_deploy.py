"""A release goes out, stays as it was chosen, and comes back; against moto, with what moto's CloudFormation knows."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.cloudformation.models import cloudformation_backends

from infrastructure import deploy, identity, operators, protection, releases, stripe_endpoint
from infrastructure.package import _zip
from infrastructure.stage import Stage
from local.cloud import REGION
from tests.infrastructure.test_deployed import ACCOUNT, known_to_moto

DEV, PROD = Stage("dev"), Stage("prod")
NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


@pytest.fixture
def package(dev: dict[str, Any], tmp_path: Path) -> Iterator[Path]:
    """What `make package` leaves, less what moto does not know and the tables, which take it long."""
    resources = known_to_moto(dev)["Resources"]
    few = {name: it for name, it in resources.items() if it["Type"] in ("AWS::SQS::Queue", "AWS::Logs::LogGroup")}
    (tmp_path / "template.json").write_text(json.dumps({**dev, "Resources": few, "Outputs": {}}))
    for part in ("code", "solver"):
        with zipfile.ZipFile(tmp_path / f"{part}.zip", "w") as code:
            code.writestr("app.py", "")
    (tmp_path / "release.json").write_text('{"stage": "dev", "code": "abc.zip", "solver": "s1.zip"}')
    with mock_aws():
        yield tmp_path


def parameters() -> dict[str, str]:
    stack = boto3.client("cloudformation").describe_stacks(StackName="kerb-dev")["Stacks"][0]
    return {it["ParameterKey"]: it["ParameterValue"] for it in stack["Parameters"]}


def test_what_was_chosen_once_stays_and_an_earlier_release_comes_back(package: Path) -> None:
    bucket = releases.make_bucket(REGION)
    assert releases.make_bucket(REGION) == bucket
    first = releases.release_from(package, DEV, bucket, NOW)
    deploy.deploy(DEV, first, bucket, {"AlarmEmail": "on-call@example.com"}, NOW)
    assert (parameters()["CodeKey"], parameters()["SolverKey"]) == ("dev/code/abc.zip", "dev/solver/s1.zip")
    assert parameters()["SecretsReadAt"] == NOW.isoformat()

    (package / "release.json").write_text('{"stage": "dev", "code": "def.zip", "solver": "s1.zip"}')
    second = releases.release_from(package, DEV, bucket, LATER)
    deploy.deploy(DEV, second, bucket, {}, LATER)
    assert parameters()["CodeKey"] == "dev/code/def.zip"
    assert parameters()["AlarmEmail"] == "on-call@example.com"
    assert parameters()["SecretsReadAt"] == NOW.isoformat()

    newest, before = releases.releases(DEV, bucket)
    assert (newest, before) == (second.name, first.name)
    deploy.deploy(
        DEV, releases.release_named(before, DEV, bucket), bucket, {}, LATER + timedelta(minutes=1), secrets=True
    )
    assert parameters()["CodeKey"] == "dev/code/abc.zip"
    assert parameters()["SecretsReadAt"] > LATER.isoformat()
    assert parameters()["AlarmEmail"] == "on-call@example.com"


def test_the_bucket_of_releases_is_closed_to_the_public_each_time(package: Path) -> None:
    s3 = boto3.client("s3")
    bucket = releases.make_bucket(REGION)
    s3.delete_public_access_block(Bucket=bucket.name)
    s3.delete_bucket_ownership_controls(Bucket=bucket.name)
    releases.make_bucket(REGION)
    found = s3.get_public_access_block(Bucket=bucket.name)
    assert all(found["PublicAccessBlockConfiguration"].values())
    owned = s3.get_bucket_ownership_controls(Bucket=bucket.name)["OwnershipControls"]["Rules"]
    assert [it["ObjectOwnership"] for it in owned] == ["BucketOwnerEnforced"]


def test_every_call_about_the_bucket_says_whose_it_must_be(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody else may have made a bucket of that name before us, and would be given our code, or give us theirs."""
    said: dict[str, list[dict[str, Any]]] = {}
    client = boto3.client

    def watched(service: str) -> Any:
        made = client(service)  # type: ignore[call-overload]
        made.meta.events.register(
            "provide-client-params.s3", lambda params, model, **_: said.setdefault(model.name, []).append(params)
        )
        return made

    monkeypatch.setattr(boto3, "client", watched)
    bucket = releases.make_bucket(REGION)
    made = releases.release_from(package, DEV, bucket, NOW)
    releases.release_from(package, DEV, bucket, LATER)
    deploy.deploy(DEV, made, bucket, {}, NOW)
    releases.release_named(releases.releases(DEV, bucket)[0], DEV, bucket)
    assert said.keys() >= {"HeadBucket", "PutObject", "GetObject", "HeadObject", "ListObjectsV2"}
    for operation, calls in said.items():
        for params in calls:
            assert operation == "CreateBucket" or params["ExpectedBucketOwner"] == bucket.owner, operation


def test_a_bucket_of_that_name_that_is_somebody_elses_is_left_alone(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forbidden = ClientError({"Error": {"Code": "403", "Message": "Forbidden"}}, "HeadBucket")
    s3 = Mock(head_bucket=Mock(side_effect=forbidden))
    client = boto3.client
    monkeypatch.setattr(boto3, "client", lambda service: s3 if service == "s3" else client(service))
    with pytest.raises(SystemExit, match="not this account's"):
        releases.make_bucket(REGION)
    assert [call[0] for call in s3.method_calls] == ["head_bucket"]


def status_of_stack(told: str) -> None:
    backend = cloudformation_backends[ACCOUNT][REGION]
    (stack,) = backend.stacks.values()
    stack.status = told


def test_a_first_deployment_that_failed_is_tried_again_without_a_hand_laid_on(package: Path) -> None:
    bucket = releases.make_bucket(REGION)
    release = releases.release_from(package, DEV, bucket, NOW)
    deploy.deploy(DEV, release, bucket, {"AlarmEmail": "typo"}, NOW)
    status_of_stack("ROLLBACK_COMPLETE")
    deploy.deploy(DEV, release, bucket, {}, LATER)
    assert parameters()["SecretsReadAt"] == LATER.isoformat()
    assert not parameters().get("AlarmEmail")


@pytest.mark.parametrize("status", ["ROLLBACK_FAILED", "UPDATE_ROLLBACK_FAILED", "UPDATE_IN_PROGRESS"])
def test_a_stack_that_takes_no_update_is_left_alone_and_its_remedy_named(package: Path, status: str) -> None:
    bucket = releases.make_bucket(REGION)
    release = releases.release_from(package, DEV, bucket, NOW)
    deploy.deploy(DEV, release, bucket, {}, NOW)
    status_of_stack(status)
    with pytest.raises(SystemExit, match=f"kerb-dev is {status}: ..."):
        deploy.deploy(DEV, release, bucket, {}, LATER)


def test_what_production_keeps_refuses_its_deletion_once_it_is_deployed(monkeypatch: pytest.MonkeyPatch) -> None:
    with mock_aws():
        dynamodb, cognito = boto3.client("dynamodb"), boto3.client("cognito-idp")
        key: dict[str, Any] = {"KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}]}
        key["AttributeDefinitions"] = [{"AttributeName": "id", "AttributeType": "S"}]
        dynamodb.create_table(TableName="kerb-prod-sites", BillingMode="PAY_PER_REQUEST", **key)
        pool = cognito.create_user_pool(PoolName="kerb-prod", **identity.POOL)["UserPool"]  # type: ignore[arg-type]
        before = cognito.describe_user_pool(UserPoolId=pool["Id"])["UserPool"]
        made = [("AWS::DynamoDB::Table", "kerb-prod-sites"), ("AWS::Cognito::UserPool", pool["Id"]), ("x", "y")]
        monkeypatch.setattr(protection, "_made", lambda _: made)
        for _ in range(2):
            assert protection.protect(PROD) == []
        assert dynamodb.describe_table(TableName="kerb-prod-sites")["Table"]["DeletionProtectionEnabled"]
        after = cognito.describe_user_pool(UserPoolId=pool["Id"])["UserPool"]
        assert after.pop("DeletionProtection") == "ACTIVE"
        # Cognito forgets what an update does not say, and so does moto.
        for kept in ("Policies", "AutoVerifiedAttributes", "UserAttributeUpdateSettings", "AccountRecoverySetting"):
            assert after.get(kept) == before.get(kept), kept


def test_a_table_that_is_busy_is_named_and_the_rest_is_protected(monkeypatch: pytest.MonkeyPatch) -> None:
    busy = ClientError({"Error": {"Code": "ResourceInUseException", "Message": ""}}, "UpdateTable")
    dynamodb = Mock(describe_table=Mock(return_value={"Table": {}}), update_table=Mock(side_effect=[busy, {}]))
    monkeypatch.setattr(boto3, "client", lambda _: dynamodb)
    monkeypatch.setattr(protection, "_made", lambda _: [("AWS::DynamoDB::Table", "a"), ("AWS::DynamoDB::Table", "b")])
    assert protection.protect(PROD) == ["a"]


def test_only_production_is_protected(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deploy, "protect", Mock(side_effect=AssertionError))
    bucket = releases.make_bucket(REGION)
    deploy.deploy(DEV, releases.release_from(package, DEV, bucket, NOW), bucket, {}, NOW)


def test_a_parameter_nobody_knows_is_refused(package: Path) -> None:
    bucket = releases.make_bucket(REGION)
    release = releases.release_from(package, DEV, bucket, NOW)
    with pytest.raises(SystemExit, match="AlarmMail"):
        deploy.deploy(DEV, release, bucket, {"AlarmMail": "x"}, NOW)


def test_the_same_code_is_the_same_zip(tmp_path: Path) -> None:
    names = []
    for folder in ("one", "two"):
        code = tmp_path / folder / "code"
        (code / "b").mkdir(parents=True)
        for file in ("b/c.py", "a.py") if folder == "one" else ("a.py", "b/c.py"):
            (code / file).write_text(file)
        names.append(_zip(code, tmp_path / folder))
    assert names[0] == names[1]


def test_a_first_deployment_can_be_used_after_it_and_says_what_is_missing_if_not(
    package: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    outputs = {"ApiUrl": "https://api.example.com", "UserPoolId": "pool"}
    deployed = Mock(return_value=outputs)
    connected, made = Mock(return_value=True), Mock(return_value=True)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    monkeypatch.setattr(deploy, "BUILD", package.parent)
    (package.parent / "dev").symlink_to(package)
    monkeypatch.setattr(deploy, "deploy", deployed)
    monkeypatch.setattr(deploy, "_preflight", lambda *_: True)
    monkeypatch.setattr(operators, "make_operator", made)
    appointed = Mock()
    monkeypatch.setattr(operators, "appoint_owner", appointed)
    monkeypatch.setattr(operators, "has_operators", lambda _: made.called)
    monkeypatch.setattr(stripe_endpoint, "connect", connected)
    monkeypatch.setattr(stripe_endpoint, "is_connected", lambda _: connected.called)

    deploy.main([])
    assert "ARGS=--stripe" in (told := capsys.readouterr().out)
    assert "ARGS=--operator=" in told

    monkeypatch.setenv("STRIPE_API_KEY", "sk_test_1")
    monkeypatch.setenv("STRIPE_PUBLISHABLE_KEY", "pk_test_1")
    deploy.main(["--stripe", "--operator", "acme=ada@example.com"])
    assert "still to do" not in capsys.readouterr().out
    connected.assert_called_once_with(DEV, outputs["ApiUrl"], ("sk_test_1", "pk_test_1"))
    made.assert_called_once_with("pool", "acme", "ada@example.com")
    appointed.assert_called_once_with("pool", "kerb-dev-", "acme", "ada@example.com")
    # What Stripe was told is told the functions.
    assert deployed.call_args.kwargs == {"secrets": True}
