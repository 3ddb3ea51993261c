"""The chargers' door is CloudFront: it has the path, verifies certificates, and alone knows what opens the socket API.

With a trust store it asks for client certificates (optional: security profiles 1 and 2 show none). A domain of one's
own needs its certificate in us-east-1, and CloudFront asks for client certificates only under such a domain.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from infrastructure.firewall import CHARGER_WEB_ACL
from infrastructure.stage import Resources, Stage, attribute, ref
from infrastructure.vault import secret_value

EDGE_SECRET_HEADER = "X-Kerb-Edge-Secret"  # noqa: S105
# CloudFront's own policies, the same in every account.
_NO_CACHING = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
_ALL_BUT_HOST = "b689b0a8-53d0-40ab-baf2-68738e2966ac"
_CERTIFICATE_HEADERS = [
    f"CloudFront-Viewer-Cert-{name}" for name in ("Present", "Subject", "Issuer", "Serial-Number", "Sha256")
]
_CERTIFICATE_ARN = "arn:${AWS::Partition}:acm:us-east-1:${AWS::AccountId}:certificate/"
# From the first on none has the TLS_RSA suites that OCPP 2.0.1 A00.FR.318 wants (docs/ocpp.md, "TLS").
TLS_POLICIES = ("TLSv1.2_2018", "TLSv1.2_2019", "TLSv1.2_2021", "TLSv1.2_2025", "TLSv1.3_2025")
_NOT_REMEMBERED = (400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504)

PARAMETERS: dict[str, Any] = {
    "ChargerDomain": {"Type": "String", "Default": "", "Description": "Where chargers connect; CloudFront's if empty"},
    "ChargerDomainCertificate": {
        "Type": "String",
        "Default": "none",
        "Description": "Id of its ACM certificate, which is in us-east-1 and this account",
    },
    "ChargerTlsPolicy": {
        "Type": "String",
        "Default": TLS_POLICIES[0],
        "AllowedValues": list(TLS_POLICIES),
        "Description": "Protocols and ciphers of chargers; all but the first shut out those with TLS_RSA only",
    },
    "ChargerEcdsaDomain": {
        "Type": "String",
        "Default": "",
        "Description": "Where chargers connect that know ECDSA ciphers only; there is no such place if empty",
    },
    "ChargerEcdsaDomainCertificate": {
        "Type": "String",
        "Default": "none",
        "Description": "Id of its ACM certificate with an ECDSA key, which is in us-east-1 and this account",
    },
    "ChargerTrustStoreId": {
        "Type": "String",
        "Default": "",
        "Description": "CloudFront trust store of the CAs that issue chargers' certificates; none asked for if empty",
    },
}
CONDITIONS: dict[str, Any] = {
    "HasChargerDomain": {"Fn::Not": [{"Fn::Equals": [ref("ChargerDomain"), ""]}]},
    "HasChargerEcdsaDomain": {"Fn::Not": [{"Fn::Equals": [ref("ChargerEcdsaDomain"), ""]}]},
    "AsksForCertificates": {"Fn::Not": [{"Fn::Equals": [ref("ChargerTrustStoreId"), ""]}]},
}
# Chargers append their id.
CHARGERS_ADDRESS: dict[str, Any] = {
    "Fn::Sub": [
        "wss://${Domain}/ocpp",
        {"Domain": {"Fn::If": ["HasChargerDomain", ref("ChargerDomain"), attribute("ChargerEdge", "DomainName")]}},
    ]
}
OUTPUTS: dict[str, Any] = {
    "ChargerUrl": {"Description": "Chargers append their id", "Value": CHARGERS_ADDRESS},
    "ChargerEdgeDomain": {"Value": attribute("ChargerEdge", "DomainName")},
    # By these CloudWatch knows them (edge_alarms.py).
    "ChargerEdgeId": {"Value": ref("ChargerEdge")},
    "ChargerEcdsaEdgeId": {"Condition": "HasChargerEcdsaDomain", "Value": ref("ChargerEcdsaEdge")},
    "ChargerEcdsaEdgeDomain": {
        "Condition": "HasChargerEcdsaDomain",
        "Value": attribute("ChargerEcdsaEdge", "DomainName"),
    },
}


def function_code(believes_certificates: bool, stage_path: str = "/api") -> str:
    """edge.js with its two settings filled in."""
    code = (Path(__file__).parent / "edge.js").read_text()
    for before, after in (
        (
            "const BELIEVES_CERTIFICATES = false;",
            f"const BELIEVES_CERTIFICATES = {str(believes_certificates).lower()};",
        ),
        ("const STAGE_PATH = '/api';", f"const STAGE_PATH = '{stage_path}';"),
    ):
        if code.count(before) != 1:
            raise ValueError(f"edge.js does not hold {before!r} once")
        code = code.replace(before, after)
    return code


def resources(stage: Stage, api_stage: str) -> Resources:
    return {
        "ChargerEdgeFunction": {
            "Type": "AWS::CloudFront::Function",
            # The door understands an edge of before; an edge that is ahead of its door would shut chargers out.
            "DependsOn": ["WebsocketConnect"],
            "Properties": {
                "Name": f"{stage.prefix}edge",
                "AutoPublish": True,
                "FunctionConfig": {"Comment": "path and query become a header", "Runtime": "cloudfront-js-2.0"},
                "FunctionCode": {
                    "Fn::If": [
                        "AsksForCertificates",
                        function_code(True, f"/{api_stage}"),
                        function_code(False, f"/{api_stage}"),
                    ]
                },
            },
        },
        "ChargerEdgeCachePolicy": {
            "Type": "AWS::CloudFront::CachePolicy",
            "Condition": "AsksForCertificates",
            "Properties": {"CachePolicyConfig": _certificates_seen(stage)},
        },
        "ChargerEdge": {
            "Type": "AWS::CloudFront::Distribution",
            "Properties": {"DistributionConfig": _distribution(stage)},
        },
        # The same door with another certificate: a distribution shows one.
        "ChargerEcdsaEdge": {
            "Type": "AWS::CloudFront::Distribution",
            "Condition": "HasChargerEcdsaDomain",
            "Properties": {
                "DistributionConfig": {
                    **_distribution(stage),
                    "Aliases": [ref("ChargerEcdsaDomain")],
                    "ViewerCertificate": _shown("ChargerEcdsaDomainCertificate"),
                }
            },
        },
    }


def _shown(certificate: str) -> dict[str, Any]:
    """The certificate that the parameter of that name tells, and to whom it is shown."""
    return {
        "AcmCertificateArn": {"Fn::Sub": f"{_CERTIFICATE_ARN}${{{certificate}}}"},
        "SslSupportMethod": "sni-only",
        "MinimumProtocolVersion": ref("ChargerTlsPolicy"),
    }


def _certificates_seen(stage: Stage) -> dict[str, Any]:
    """CloudFront tells its function of a certificate if a policy names the headers, and none may that never caches."""
    return {
        "Name": f"{stage.prefix}edge",
        "MinTTL": 0,
        "DefaultTTL": 0,
        "MaxTTL": 1,
        "ParametersInCacheKeyAndForwardedToOrigin": {
            "EnableAcceptEncodingGzip": False,
            "HeadersConfig": {
                "HeaderBehavior": "whitelist",
                "Headers": ["Authorization", *_CERTIFICATE_HEADERS],
            },
            "CookiesConfig": {"CookieBehavior": "none"},
            "QueryStringsConfig": {"QueryStringBehavior": "none"},
        },
    }


def _distribution(stage: Stage) -> dict[str, Any]:
    return {
        # CloudFormation reads the edge's secret again only when it changes something here.
        "Comment": {"Fn::Sub": f"{stage.stack}: chargers, secret of ${{SecretsReadAt}}"},
        "Enabled": True,
        "HttpVersion": "http2",  # asked of whoever asks for certificates; sockets are opened by HTTP/1.1 all the same
        "IPV6Enabled": True,
        "Aliases": {"Fn::If": ["HasChargerDomain", [ref("ChargerDomain")], ref("AWS::NoValue")]},
        "ViewerCertificate": {
            "Fn::If": [
                "HasChargerDomain",
                _shown("ChargerDomainCertificate"),
                ref("AWS::NoValue"),
            ]
        },
        "ViewerMtlsConfig": {
            "Fn::If": [
                "AsksForCertificates",
                {"Mode": "optional", "TrustStoreConfig": {"TrustStoreId": ref("ChargerTrustStoreId")}},
                ref("AWS::NoValue"),
            ]
        },
        "WebACLId": {"Fn::If": ["HasChargerFirewall", CHARGER_WEB_ACL, ref("AWS::NoValue")]},
        "Origins": [
            {
                "Id": "sockets",
                "DomainName": {"Fn::Sub": "${WebsocketAPI}.execute-api.${AWS::Region}.${AWS::URLSuffix}"},
                "CustomOriginConfig": {
                    "OriginProtocolPolicy": "https-only",
                    "OriginSSLProtocols": ["TLSv1.2"],
                    # A connect hook may take as long as API Gateway lets it.
                    "OriginReadTimeout": 30,
                },
                "OriginCustomHeaders": [
                    {"HeaderName": EDGE_SECRET_HEADER, "HeaderValue": secret_value("EdgeSecret")},
                ],
            }
        ],
        "DefaultCacheBehavior": {
            "TargetOriginId": "sockets",
            "ViewerProtocolPolicy": "https-only",
            "AllowedMethods": ["GET", "HEAD"],
            "CachePolicyId": {"Fn::If": ["AsksForCertificates", ref("ChargerEdgeCachePolicy"), _NO_CACHING]},
            # All a charger sends goes on, Authorization and Sec-WebSocket-Protocol among it; Host would be refused.
            "OriginRequestPolicyId": _ALL_BUT_HOST,
            "FunctionAssociations": [
                {
                    "EventType": "viewer-request",
                    "FunctionARN": attribute("ChargerEdgeFunction", "FunctionARN"),
                }
            ],
        },
        # A charger that was refused may be accepted a second later.
        "CustomErrorResponses": [{"ErrorCode": code, "ErrorCachingMinTTL": 0} for code in _NOT_REMEMBERED],
        "Logging": {"Bucket": attribute("LogBucket", "DomainName"), "Prefix": "edge/", "IncludeCookies": False},
    }
