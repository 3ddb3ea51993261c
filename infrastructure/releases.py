"""What was deployed: code, template and manifest of each release in a bucket of the account, closed to the public.

Bucket names are the world's: somebody else may have made ours before us. So every call says whose bucket it must be
(`ExpectedBucketOwner`), and S3 refuses it otherwise. CloudFormation and Lambda are told of the bucket only after that.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError

from infrastructure.stage import APP, Stage

_PRIVATE = {
    "BlockPublicAcls": True,
    "BlockPublicPolicy": True,
    "IgnorePublicAcls": True,
    "RestrictPublicBuckets": True,
}


@dataclass(frozen=True, slots=True)
class Bucket:
    """The bucket for releases of every stage of this account and region. It forgets nothing by itself."""

    name: str
    owner: str

    @property
    def ours(self) -> dict[str, str]:
        """What each call about it says."""
        return {"Bucket": self.name, "ExpectedBucketOwner": self.owner}


@dataclass(frozen=True, slots=True)
class Release:
    """What was, or is to be, deployed: kept in the bucket under `{stage}/releases/{name}/`."""

    name: str
    code_key: str
    solver_key: str = ""


def make_bucket(region: str) -> Bucket:
    """Made if it is not there, and each time closed again. Raises SystemExit if it is another account's."""
    owner = boto3.client("sts").get_caller_identity()["Account"]
    bucket = Bucket(f"{APP}-releases-{owner}-{region}", owner)
    s3 = boto3.client("s3")
    try:
        s3.head_bucket(**bucket.ours)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("404", "NoSuchBucket", "NotFound"):
            raise SystemExit(f"the bucket {bucket.name} is not this account's, or may not be used: {error}") from None
        where: dict[str, Any] = {} if region == "us-east-1" else {"LocationConstraint": region}
        s3.create_bucket(Bucket=bucket.name, **({"CreateBucketConfiguration": where} if where else {}))
    s3.put_public_access_block(**bucket.ours, PublicAccessBlockConfiguration=_PRIVATE)
    s3.put_bucket_ownership_controls(
        **bucket.ours, OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    )
    s3.put_bucket_versioning(**bucket.ours, VersioningConfiguration={"Status": "Enabled"})
    return bucket


def release_from(folder: Path, stage: Stage, bucket: Bucket, at: datetime) -> Release:
    """Upload what `make package` made."""
    s3 = boto3.client("s3")
    made = json.loads((folder / "release.json").read_text())
    owner = {"ExpectedBucketOwner": bucket.owner}
    keys = {part: f"{stage.name}/{part}/{made[part]}" for part in ("code", "solver")}
    for part, key in keys.items():
        if not _exists(s3, bucket, key):
            s3.upload_file(str(folder / f"{part}.zip"), bucket.name, key, ExtraArgs=owner)
    release = Release(f"{at:%Y%m%dT%H%M%SZ}", keys["code"], keys["solver"])
    s3.upload_file(str(folder / "template.json"), bucket.name, _template_key(stage, release.name), ExtraArgs=owner)
    manifest = json.dumps(keys).encode()
    s3.put_object(**bucket.ours, Key=_manifest_key(stage, release.name), Body=manifest)
    return release


def release_named(name: str, stage: Stage, bucket: Bucket) -> Release:
    """One that was deployed before."""
    body = boto3.client("s3").get_object(**bucket.ours, Key=_manifest_key(stage, name))["Body"].read()
    keys = json.loads(body)
    return Release(name, keys["code"], keys.get("solver", ""))


def template_of(release: Release, stage: Stage, bucket: Bucket) -> str:
    """As it was packaged."""
    key = _template_key(stage, release.name)
    body: bytes = boto3.client("s3").get_object(**bucket.ours, Key=key)["Body"].read()
    return body.decode()


def put_template(release: Release, stage: Stage, bucket: Bucket, template: str) -> str:
    """As it is deployed, beside that; returns where CloudFormation finds it."""
    s3 = boto3.client("s3")
    key = f"{stage.name}/releases/{release.name}/deployed.json"
    s3.put_object(**bucket.ours, Key=key, Body=template.encode())
    return f"https://{bucket.name}.s3.{s3.meta.region_name}.amazonaws.com/{key}"


def releases(stage: Stage, bucket: Bucket) -> list[str]:
    """Newest first."""
    pages = (
        boto3.client("s3").get_paginator("list_objects_v2").paginate(**bucket.ours, Prefix=f"{stage.name}/releases/")
    )
    keys = [it["Key"] for page in pages for it in page.get("Contents", [])]
    return sorted({key.split("/")[2] for key in keys}, reverse=True)


def _template_key(stage: Stage, release: str) -> str:
    return f"{stage.name}/releases/{release}/template.json"


def _manifest_key(stage: Stage, release: str) -> str:
    return f"{stage.name}/releases/{release}/release.json"


def _exists(s3: Any, bucket: Bucket, key: str) -> bool:
    try:
        s3.head_object(**bucket.ours, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] in ("404", "NoSuchKey", "NotFound"):
            return False
        raise
    return True
