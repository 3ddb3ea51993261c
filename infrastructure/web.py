"""The apps' door on AWS: a private bucket with the files of `web/`, and the CloudFront distribution that reads it.

The API keeps its own address: behind this door all drivers would come from CloudFront's few, and the firewall counts
by address. So the page may ask that address too, and its policy says so. `make deploy` puts the files there, each with
its type and how long it is kept; the page is told where the API is, and where its map begins.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import boto3

from infrastructure import file_doors, live, rest
from infrastructure.stage import Resources, Stage, attribute, ref
from infrastructure.storage import PRIVATE, never_without_tls
from infrastructure.web_files import HOME, INDEX, LANGUAGES, MAP_HOME, files, security_headers, spoken, with_settings

_HALF_A_YEAR_S = 15_768_000
# A bucket knows no index of a folder, nor which language a browser asks for first.
LEADS = f"""function handler(event) {{
    const request = event.request;
    if (request.uri === '/') {{
        return {{ statusCode: 302, statusDescription: 'Found', headers: {{ location: {{ value: '{HOME}' }} }} }};
    }}
    if (request.uri.endsWith('/')) {{
        const accepted = request.headers['accept-language'];
        const asked = (accepted ? accepted.value : '').split(',').map((it) => it.trim().slice(0, 2).toLowerCase());
        const language = asked.find((it) => {json.dumps(LANGUAGES)}.includes(it)) || '{LANGUAGES[0]}';
        request.uri += '{INDEX}'.replace('.', `.${{language}}.`);
    }}
    return request;
}}
"""
PARAMETERS: dict[str, Any] = {
    "MapHome": {
        "Type": "String",
        "Default": MAP_HOME,
        "AllowedPattern": r"-?\d{1,2}(\.\d+)?,-?\d{1,3}(\.\d+)?",
        "Description": "Where the app's map begins: latitude and longitude, 53.5437,9.9924",
    },
}
OUTPUTS: dict[str, Any] = {
    "AppUrl": {"Description": "What drivers open", "Value": {"Fn::Sub": "https://${WebDoor.DomainName}/"}},
    "WebBucketName": {"Value": ref("WebBucket")},
    "MapHome": {"Value": ref("MapHome")},
}


def resources(stage: Stage) -> Resources:
    return {
        "WebBucket": {
            "Type": "AWS::S3::Bucket",
            **stage.fate,
            "Properties": {
                "PublicAccessBlockConfiguration": PRIVATE,
                "BucketEncryption": {
                    "ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
                },
            },
        },
        "WebBucketPolicy": {
            "Type": "AWS::S3::BucketPolicy",
            "Properties": {
                "Bucket": ref("WebBucket"),
                "PolicyDocument": {"Version": "2012-10-17", "Statement": _who_may()},
            },
        },
        "WebAccess": {
            "Type": "AWS::CloudFront::OriginAccessControl",
            "Properties": file_doors.access(f"{stage.prefix}web"),
        },
        "WebLeads": {
            "Type": "AWS::CloudFront::Function",
            "Properties": {
                "Name": f"{stage.prefix}web",
                "AutoPublish": True,
                "FunctionConfig": {"Comment": "a folder leads to its page", "Runtime": "cloudfront-js-2.0"},
                "FunctionCode": LEADS,
            },
        },
        "WebHeaders": {
            "Type": "AWS::CloudFront::ResponseHeadersPolicy",
            "Properties": {"ResponseHeadersPolicyConfig": _headers(stage)},
        },
        "WebDoor": {"Type": "AWS::CloudFront::Distribution", "Properties": {"DistributionConfig": _door(stage)}},
    }


def publish(outputs: Mapping[str, str]) -> int:
    """Put the files where the door reads them; the pages that name the others come last. Returns how many."""
    s3 = boto3.client("s3")
    api, home = outputs["ApiUrl"].rstrip("/"), outputs.get("MapHome", MAP_HOME)  # a release of before has none
    told = [with_settings(it, api=api, stripe="real", home=home) for it in files()]
    pages = [spoken(it, language) for it in told if it.path.endswith(INDEX) for language in LANGUAGES]
    put = [it for it in told if not it.path.endswith(INDEX)] + pages
    for it in put:
        s3.put_object(
            Bucket=outputs["WebBucketName"],
            Key=it.path,
            Body=it.body,
            ContentType=it.content_type,
            CacheControl=it.cache_control,
        )
    return len(put)


def _who_may() -> list[dict[str, Any]]:
    everything = {"Fn::Join": ["", [attribute("WebBucket", "Arn"), "/*"]]}
    return [never_without_tls("WebBucket"), file_doors.read_by("WebDoor", everything)]


def _headers(stage: Stage) -> dict[str, Any]:
    told = security_headers(["${Api}/", "${Live}"], has_stripe=True)
    where = {"Api": rest.ADDRESS, "Live": live.ADDRESS}
    return {
        "Name": f"{stage.prefix}web",
        "SecurityHeadersConfig": {
            "ContentSecurityPolicy": {
                "ContentSecurityPolicy": {"Fn::Sub": [told["Content-Security-Policy"], where]},
                "Override": True,
            },
            "ContentTypeOptions": {"Override": True},
            "ReferrerPolicy": {"ReferrerPolicy": told["Referrer-Policy"], "Override": True},
            "StrictTransportSecurity": {"AccessControlMaxAgeSec": _HALF_A_YEAR_S, "Override": True},
        },
        "CustomHeadersConfig": {
            "Items": [{"Header": "Permissions-Policy", "Value": told["Permissions-Policy"], "Override": True}]
        },
    }


def _door(stage: Stage) -> dict[str, Any]:
    return {
        "Comment": f"{stage.stack}: the apps",
        "Enabled": True,
        "HttpVersion": "http2and3",
        "IPV6Enabled": True,
        "Origins": [file_doors.origin("WebBucket", "WebAccess")],
        "DefaultCacheBehavior": {
            "TargetOriginId": "files",
            "ViewerProtocolPolicy": "redirect-to-https",
            "AllowedMethods": ["GET", "HEAD"],
            "CachePolicyId": file_doors.AS_ORIGIN_SAYS,
            "ResponseHeadersPolicyId": ref("WebHeaders"),
            "Compress": True,
            "FunctionAssociations": [
                {"EventType": "viewer-request", "FunctionARN": attribute("WebLeads", "FunctionARN")}
            ],
        },
        "Logging": {"Bucket": attribute("LogBucket", "DomainName"), "Prefix": "web/", "IncludeCookies": False},
    }
