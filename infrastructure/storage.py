"""Buckets are private, encrypted, asked over TLS only, and forget what the law and the books no longer need.

No function may touch the bucket for receipts yet: they are told from the database.
"""

from __future__ import annotations

from typing import Any

from infrastructure.stage import Resources, Stage, attribute, ref

_RECEIPTS_KEPT_DAYS = 10 * 366  # longest that tax law asks for them where Kerb runs (Germany)
PRIVATE = {
    "BlockPublicAcls": True,
    "BlockPublicPolicy": True,
    "IgnorePublicAcls": True,
    "RestrictPublicBuckets": True,
}


def resources(stage: Stage) -> Resources:
    receipts = _bucket(
        {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": attribute("Key", "Arn")},
        _RECEIPTS_KEPT_DAYS,
        VersioningConfiguration={"Status": "Enabled"},
    )
    # CloudFront writes its logs with an ACL of its own, and cannot use our key.
    logs = _bucket(
        {"SSEAlgorithm": "AES256"},
        stage.log_days,
        OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]},
    )
    return {
        "ReceiptBucket": {**receipts, **stage.fate},
        "ReceiptBucketPolicy": _tls_only("ReceiptBucket"),
        "LogBucket": {**logs, **stage.fate},
        "LogBucketPolicy": _tls_only("LogBucket"),
    }


def _bucket(encryption: dict[str, Any], kept_days: int, **more: Any) -> dict[str, Any]:
    return {
        "Type": "AWS::S3::Bucket",
        "Properties": {
            "PublicAccessBlockConfiguration": PRIVATE,
            "BucketEncryption": {
                "ServerSideEncryptionConfiguration": [
                    {"ServerSideEncryptionByDefault": encryption, "BucketKeyEnabled": True}
                ]
            },
            "LifecycleConfiguration": {
                "Rules": [
                    {
                        "Id": "forget",
                        "Status": "Enabled",
                        "ExpirationInDays": kept_days,
                        "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
                        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
                    }
                ]
            },
            **more,
        },
    }


def never_without_tls(bucket: str) -> dict[str, Any]:
    """Of a bucket's policy: nobody asks it anything in plain text."""
    return {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [attribute(bucket, "Arn"), {"Fn::Sub": f"${{{bucket}.Arn}}/*"}],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def _tls_only(bucket: str) -> dict[str, Any]:
    return {
        "Type": "AWS::S3::BucketPolicy",
        "Properties": {
            "Bucket": ref(bucket),
            "PolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [never_without_tls(bucket)],
            },
        },
    }
