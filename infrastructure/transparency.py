"""The log of settled charges: its key, its files, and the door through which anybody reads them.

The key signs and is never seen. Files are read by CloudFront alone, which keeps what never changes; nobody may delete
one, and in production nobody can. The log's name is its address, and must stay what it is for as long as anybody holds
a proof.
"""

from __future__ import annotations

from typing import Any

from infrastructure import file_doors
from infrastructure.stage import Resources, Stage, attribute, ref
from infrastructure.storage import PRIVATE, never_without_tls

FOLDER = "log"
_ADDRESS = {"Fn::Sub": f"${{LogDoor.DomainName}}/{FOLDER}"}
# As long as what proves a charge may be asked for by tax law: until then nobody deletes a version of a file, whoever
# they are. A stage that comes and goes could not go.
_LOCKED: dict[str, Any] = {
    "ObjectLockEnabled": True,
    "ObjectLockConfiguration": {
        "ObjectLockEnabled": "Enabled",
        "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 3_660}},
    },
}
SETTINGS: dict[str, Any] = {
    "KERB_LOG_BUCKET": ref("TransparencyBucket"),
    "KERB_LOG_KEY": ref("LogKey"),
    "KERB_LOG_NAME": _ADDRESS,
    "KERB_LOG_URL": {"Fn::Sub": f"https://${{LogDoor.DomainName}}/{FOLDER}"},
}
OUTPUTS: dict[str, Any] = {
    "LogUrl": {"Description": "Checkpoint and tiles lie under it", "Value": SETTINGS["KERB_LOG_URL"]}
}


def files_arn() -> dict[str, Any]:
    """All files of the log."""
    return {"Fn::Join": ["", [attribute("TransparencyBucket", "Arn"), f"/{FOLDER}/*"]]}


def resources(stage: Stage) -> Resources:
    return {
        "LogKey": {
            "Type": "AWS::KMS::Key",
            # Another key would be another log.
            **stage.fate,
            "Properties": {
                "Description": f"signs the log of settled charges of {stage.stack}",
                "KeySpec": "ECC_NIST_EDWARDS25519",
                "KeyUsage": "SIGN_VERIFY",
                "KeyPolicy": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Sid": "Account",
                            "Effect": "Allow",
                            "Principal": {"AWS": {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}},
                            "Action": "kms:*",
                            "Resource": "*",
                        }
                    ],
                },
            },
        },
        "TransparencyBucket": {
            "Type": "AWS::S3::Bucket",
            **stage.fate,
            "Properties": {
                "PublicAccessBlockConfiguration": PRIVATE,
                "BucketEncryption": {
                    "ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
                },
                # What is overwritten is not lost: only the checkpoint ever is.
                "VersioningConfiguration": {"Status": "Enabled"},
                **(_LOCKED if stage.is_production else {}),
                "LifecycleConfiguration": {
                    "Rules": [
                        {
                            "Id": "checkpoints",
                            "Status": "Enabled",
                            "NoncurrentVersionExpiration": {"NoncurrentDays": 400},
                            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
                        }
                    ]
                },
            },
        },
        "TransparencyBucketPolicy": {
            "Type": "AWS::S3::BucketPolicy",
            "Properties": {
                "Bucket": ref("TransparencyBucket"),
                "PolicyDocument": {"Version": "2012-10-17", "Statement": _who_may()},
            },
        },
        "LogAccess": {
            "Type": "AWS::CloudFront::OriginAccessControl",
            **stage.fate,
            "Properties": file_doors.access(f"{stage.prefix}log"),
        },
        "LogDoor": {
            "Type": "AWS::CloudFront::Distribution",
            # Another one would be another name.
            **stage.fate,
            "Properties": {"DistributionConfig": _door(stage)},
        },
    }


def _who_may() -> list[dict[str, Any]]:
    return [
        never_without_tls("TransparencyBucket"),
        {
            "Sid": "Kept",
            "Effect": "Deny",
            "Principal": "*",
            "Action": ["s3:DeleteObject", "s3:DeleteObjectVersion"],
            "Resource": [files_arn()],
        },
        file_doors.read_by("LogDoor", files_arn()),
    ]


def _door(stage: Stage) -> dict[str, Any]:
    return {
        "Comment": f"{stage.stack}: the log of settled charges",
        "Enabled": True,
        "HttpVersion": "http2",
        "IPV6Enabled": True,
        "Origins": [file_doors.origin("TransparencyBucket", "LogAccess")],
        "DefaultCacheBehavior": {
            "TargetOriginId": "files",
            "ViewerProtocolPolicy": "https-only",
            "AllowedMethods": ["GET", "HEAD"],
            "CachePolicyId": file_doors.AS_ORIGIN_SAYS,
            "Compress": True,
        },
        # A tile that is not there yet is there a minute later.
        "CustomErrorResponses": [{"ErrorCode": code, "ErrorCachingMinTTL": 0} for code in (403, 404)],
        "Logging": {"Bucket": attribute("LogBucket", "DomainName"), "Prefix": "transparency/", "IncludeCookies": False},
    }
