"""A release goes out, stays as it was chosen, and comes back; against moto, with what moto's CloudFormation knows."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from infrastructure import deploy
from infrastructure.package import _zip
from infrastructure.stage import Stage
from tests.infrastructure.test_deployed import known_to_moto

DEV = Stage("dev")
NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


@pytest.fixture
def package(dev: dict[str, Any], tmp_path: Path) -> Iterator[Path]:
    """What `make package` leaves, less what moto does not know and the tables, which take it long."""
    resources = known_to_moto(dev)["Resources"]
    few = {name: it for name, it in resources.items() if it["Type"] in ("AWS::SQS::Queue", "AWS::Logs::LogGroup")}
    (tmp_path / "template.json").write_text(json.dumps({**dev, "Resources": few, "Outputs": {}}))
    with zipfile.ZipFile(tmp_path / "code.zip", "w") as code:
        code.writestr("app.py", "")
    (tmp_path / "release.json").write_text('{"stage": "dev", "code": "abc.zip"}')
    with mock_aws():
        yield tmp_path


def parameters() -> dict[str, str]:
    stack = boto3.client("cloudformation").describe_stacks(StackName="kerb-dev")["Stacks"][0]
    return {it["ParameterKey"]: it["ParameterValue"] for it in stack["Parameters"]}


def test_what_was_chosen_once_stays_and_an_earlier_release_comes_back(package: Path) -> None:
    bucket = deploy.make_bucket()
    assert deploy.make_bucket() == bucket
    first = deploy.release_from(package, DEV, bucket, NOW)
    deploy.deploy(DEV, first, bucket, {"AlarmEmail": "on-call@example.com"}, NOW)
    assert parameters()["CodeKey"] == "dev/code/abc.zip"
    assert parameters()["SecretsReadAt"] == NOW.isoformat()

    (package / "release.json").write_text('{"stage": "dev", "code": "def.zip"}')
    second = deploy.release_from(package, DEV, bucket, LATER)
    deploy.deploy(DEV, second, bucket, {}, LATER)
    assert parameters()["CodeKey"] == "dev/code/def.zip"
    assert parameters()["AlarmEmail"] == "on-call@example.com"
    assert parameters()["SecretsReadAt"] == NOW.isoformat()

    newest, before = deploy.releases(DEV, bucket)
    assert (newest, before) == (second.name, first.name)
    deploy.deploy(
        DEV, deploy.release_named(before, DEV, bucket), bucket, {}, LATER + timedelta(minutes=1), secrets=True
    )
    assert parameters()["CodeKey"] == "dev/code/abc.zip"
    assert parameters()["SecretsReadAt"] > LATER.isoformat()
    assert parameters()["AlarmEmail"] == "on-call@example.com"


def test_the_bucket_of_releases_is_private(package: Path) -> None:
    found = boto3.client("s3").get_public_access_block(Bucket=deploy.make_bucket())
    assert all(found["PublicAccessBlockConfiguration"].values())


def test_a_parameter_nobody_knows_is_refused(package: Path) -> None:
    bucket = deploy.make_bucket()
    release = deploy.release_from(package, DEV, bucket, NOW)
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
