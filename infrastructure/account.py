"""What an AWS account is and allows, read by a few calls that change nothing; who lacks a right learns the rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from infrastructure.stage import Stage

# Parameter of a domain, that of its certificate, and the certificate's region (nothing: the stack's own).
DOMAINS = (
    ("ChargerDomain", "ChargerDomainCertificate", "us-east-1"),
    ("ChargerEcdsaDomain", "ChargerEcdsaDomainCertificate", "us-east-1"),
    ("ApiDomain", "ApiDomainCertificate", ""),
)
# Quota of cli/data/quotas.json -> service and name, or code, under which Service Quotas has it.
QUOTAS: Mapping[str, tuple[str, str]] = {
    "api_requests_per_s": ("apigateway", "L-8A5B8E43"),
    "connections_per_s": ("apigateway", "L-9ED1E49A"),
    "kms_per_s": ("kms", "Cryptographic operations (symmetric) request rate"),
    "lambda_concurrency": ("lambda", "L-B99A9384"),
    "logins_per_s": ("cognito-idp", "Rate of UserAuthentication requests"),
    "starts_per_s": ("states", "StartExecution throttle token refill rate per second"),
    "table_writes_per_s": ("dynamodb", "Table-level write throughput limit"),
    "task_answers_per_s": ("states", "SendTaskSuccess throttle token refill rate per second"),
    "transitions_per_s": ("states", "StateTransition throttle token refill rate per second"),
}
_A = TypeVar("_A")


@dataclass(frozen=True, slots=True)
class Quota:
    """What the account may do, and under which code more is asked for."""

    limit: float
    service: str
    code: str


@dataclass(frozen=True, slots=True)
class Mail:
    """What SES lets the account do in this region; `verified` is of the identity that was asked about."""

    production: bool
    sending: bool
    a_day: float
    verified: bool


@dataclass(frozen=True, slots=True)
class Certificate:
    """One of ACM: its status, the names that it covers, its end, and its key (`RSA_2048`, `EC_prime256v1`, ...)."""

    status: str
    names: tuple[str, ...]
    ends: datetime | None
    key: str = "RSA_2048"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What was read. None, or a key that is missing, was not; `unread` says what and why."""

    account: str
    region: str
    stack_status: str | None = None
    left_over: tuple[str, ...] = ()
    lambda_limit: int | None = None
    quotas: Mapping[str, Quota] = field(default_factory=dict)
    distributions: int | None = None
    mail: Mail | None = None
    certificates: Mapping[str, Certificate | None] = field(default_factory=dict)
    unread: Mapping[str, str] = field(default_factory=dict)


def region_of(environment: Mapping[str, str]) -> str:
    """Where to deploy: boto3 itself knows AWS_DEFAULT_REGION and the profile, not AWS_REGION, which others prefer.

    Raises SystemExit if nothing says it, or two things do.
    """
    told = {environment[key] for key in ("AWS_REGION", "AWS_DEFAULT_REGION") if environment.get(key)}
    if len(told) > 1:
        raise SystemExit(f"AWS_REGION and AWS_DEFAULT_REGION are not the same: {' and '.join(sorted(told))}")
    region = told.pop() if told else boto3.session.Session().region_name
    if not region:
        raise SystemExit("no region: set AWS_REGION")
    return region


def parameters_of(stage: Stage) -> dict[str, str]:
    """Those that the stack was given before; none if there is no stack."""
    stack = _described(stage)
    return {it["ParameterKey"]: it["ParameterValue"] for it in (stack or {}).get("Parameters", [])}


def read(stage: Stage, region: str, parameters: Mapping[str, str]) -> Facts:
    """Ask. Only who the account is must be known; every other call may be refused."""
    unread: dict[str, str] = {}

    def tried(what: str, ask: Callable[[], _A]) -> _A | None:
        try:
            return ask()
        except (ClientError, BotoCoreError) as error:
            unread[what] = str(error)
            return None

    stack = tried("the stack", lambda: _described(stage))
    status = stack["StackStatus"] if stack else None
    certificates = {
        parameter: tried(parameter, lambda: _certificate(parameters[parameter], where or region))  # noqa: B023
        for domain, parameter, where in DOMAINS
        if parameters.get(domain) and parameters.get(parameter, "none") not in ("", "none")
    }
    return Facts(
        account=boto3.client("sts").get_caller_identity()["Account"],
        region=region,
        stack_status=status,
        left_over=() if status else tried("tables", lambda: _tables(stage)) or (),
        lambda_limit=tried("Lambda's concurrency", _concurrency),
        quotas=tried("quotas", _quotas) or {},
        distributions=tried("CloudFront's distributions", _distributions),
        mail=tried("SES", lambda: _mail(parameters.get("MailIdentity", ""))) if parameters.get("MailFrom") else None,
        certificates={key: it for key, it in certificates.items() if key not in unread},
        unread=unread,
    )


def _described(stage: Stage) -> dict[str, Any] | None:
    try:
        stack = boto3.client("cloudformation").describe_stacks(StackName=stage.stack)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    return dict(stack)


def _tables(stage: Stage) -> tuple[str, ...]:
    pages = boto3.client("dynamodb").get_paginator("list_tables").paginate()
    return tuple(name for page in pages for name in page["TableNames"] if name.startswith(stage.prefix))


def _concurrency() -> int:
    return int(boto3.client("lambda").get_account_settings()["AccountLimit"]["ConcurrentExecutions"])


def _quotas() -> dict[str, Quota]:
    client = boto3.client("service-quotas")
    by_name: dict[tuple[str, str], Quota] = {}
    for service in {service for service, _ in QUOTAS.values()}:
        for page in client.get_paginator("list_service_quotas").paginate(ServiceCode=service):
            for it in page["Quotas"]:
                quota = Quota(it["Value"], service, it["QuotaCode"])
                by_name |= {(service, it["QuotaName"]): quota, (service, it["QuotaCode"]): quota}
    return {key: by_name[told] for key, told in QUOTAS.items() if told in by_name}


def _distributions() -> int:
    return int(boto3.client("cloudfront").list_distributions(MaxItems="1")["DistributionList"]["Quantity"])


def _mail(identity: str) -> Mail:
    ses = boto3.client("sesv2")
    account = ses.get_account()
    verified = False
    if identity:
        try:
            verified = ses.get_email_identity(EmailIdentity=identity)["VerifiedForSendingStatus"]
        except ses.exceptions.NotFoundException:
            verified = False
    return Mail(
        production=account["ProductionAccessEnabled"],
        sending=account["SendingEnabled"],
        a_day=account["SendQuota"]["Max24HourSend"],
        verified=verified,
    )


def _certificate(certificate: str, region: str) -> Certificate | None:
    acm = boto3.client("acm", region_name=region)
    account = boto3.client("sts").get_caller_identity()["Account"]
    try:
        shown = acm.describe_certificate(CertificateArn=f"arn:aws:acm:{region}:{account}:certificate/{certificate}")
    except acm.exceptions.ResourceNotFoundException:
        return None
    it = shown["Certificate"]
    names = tuple(it.get("SubjectAlternativeNames", [it["DomainName"]]))
    return Certificate(it["Status"], names, it.get("NotAfter"), it.get("KeyAlgorithm", "RSA_2048").replace("-", "_"))
