"""What a CloudFront distribution needs to read a private bucket and show its files to anybody, and nobody else may.

The origin says how long a file is kept; no cookies or queries reach it.
"""

from __future__ import annotations

from typing import Any

from infrastructure.stage import attribute

# CloudFront's own policy, the same in every account.
AS_ORIGIN_SAYS = "658327ea-f89d-4fab-a63d-7e88639e58f6"
_DOOR_ARN = "arn:${AWS::Partition}:cloudfront::${AWS::AccountId}:distribution/"


def access(name: str) -> dict[str, Any]:
    """Properties of the right by which a distribution signs what it asks the bucket."""
    return {
        "OriginAccessControlConfig": {
            "Name": name,
            "OriginAccessControlOriginType": "s3",
            "SigningBehavior": "always",
            "SigningProtocol": "sigv4",
        }
    }


def origin(bucket: str, access_name: str) -> dict[str, Any]:
    """The bucket, as a distribution's origin."""
    return {
        "Id": "files",
        "DomainName": attribute(bucket, "RegionalDomainName"),
        "OriginAccessControlId": attribute(access_name, "Id"),
        "S3OriginConfig": {"OriginAccessIdentity": ""},
    }


def read_by(door: str, files: dict[str, Any]) -> dict[str, Any]:
    """Of the bucket's policy: that one distribution, in this account, reads these files."""
    return {
        "Sid": "Door",
        "Effect": "Allow",
        "Principal": {"Service": "cloudfront.amazonaws.com"},
        "Action": "s3:GetObject",
        "Resource": [files],
        "Condition": {"StringEquals": {"AWS:SourceArn": {"Fn::Sub": f"{_DOOR_ARN}${{{door}}}"}}},
    }
