"""Before anything is made: what this account lacks for this deployment, and what to ask AWS for.

A judgement over facts that `account.py` has read; it makes no call. What would surely fail stops the deployment;
what AWS takes days to grant is said while there is time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from infrastructure.account import DOMAINS, Certificate, Facts
from infrastructure.concurrency import affordable
from infrastructure.stage import REGIONS, Stage

STOP, ASK, FINE = "STOP", "ask", "ok"
# So much of an account's concurrency AWS leaves to functions that reserve none.
LEAST_UNRESERVED = 100
# A certificate that ends sooner is not being renewed: ACM begins sixty days before.
_RENEWED_BEFORE_DAYS = 30
# Statuses of a stack that a deployment can begin from; `deploy.py` says what to do about the others.
_READY = {
    "CREATE_COMPLETE",
    "IMPORT_COMPLETE",
    "IMPORT_ROLLBACK_COMPLETE",
    "REVIEW_IN_PROGRESS",
    "ROLLBACK_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE",
}
_SANDBOX_A_DAY = 200


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: `level` (STOP, ask, ok), what was found, and what to do about it."""

    level: str
    what: str
    do: str = ""

    def __str__(self) -> str:
        return f"  {self.level:<5} {self.what}" + (f"\n        {self.do}" if self.do else "")


@dataclass(frozen=True, slots=True)
class Need:
    """What the chosen fleet uses of a quota at its worst: in its busiest hour, or when all of it comes back at once."""

    name: str
    used: float
    rises: bool
    default: float


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be deployed: `parameters` are the template's, those chosen before included; `needs` are by quota.

    `imports` says that what a deleted stack left is taken up first.
    """

    stage: Stage
    parameters: Mapping[str, str]
    needs: Mapping[str, Need]
    at: datetime
    imports: bool = False


def needs_of(used: Mapping[str, float], quotas: Mapping[str, Mapping[str, Any]]) -> dict[str, Need]:
    """Of AWS's quotas in cli/data/quotas.json; others' are nobody's here to grant."""
    return {
        key: Need(it["name"], used[key], it["rises"], it["limit"])
        for key, it in quotas.items()
        if "amazon.com" in it["source"] or "repost.aws" in it["source"]
    }


def findings(facts: Facts, wanted: Wanted) -> list[Finding]:
    """Everything that was looked at, the worst first."""
    found = [it for check in _CHECKS for it in check(facts, wanted)]
    found += [
        Finding(ASK, f"{what} could not be read: {why}", "give the deploying role that right, or look by hand")
        for what, why in facts.unread.items()
    ]
    order = (STOP, ASK, FINE)
    return sorted(found, key=lambda it: order.index(it.level))


def stops(found: list[Finding]) -> bool:
    """Whether a deployment would surely fail."""
    return any(it.level == STOP for it in found)


def _region(facts: Facts, _: Wanted) -> Iterator[Finding]:
    if facts.region in REGIONS:
        yield Finding(FINE, f"account {facts.account}, region {facts.region}")
    else:
        yield Finding(
            STOP,
            f"region {facts.region!r}: no template was checked for it",
            f"set AWS_REGION to one of {', '.join(REGIONS)}; another is a line in infrastructure/stage.py",
        )


def _stack(facts: Facts, wanted: Wanted) -> Iterator[Finding]:
    name = wanted.stage.stack
    if facts.stack_status is None and facts.left_over and not wanted.imports:
        some = ", ".join(facts.left_over[:3])
        yield Finding(
            STOP,
            f"there is no stack {name}, but {len(facts.left_over)} tables of one ({some} ...)",
            "an earlier stack was deleted and left them: make deploy ARGS=--import, or delete them by hand",
        )
    elif facts.stack_status is not None and facts.stack_status not in _READY:
        yield Finding(STOP, f"{name} is {facts.stack_status}", "docs/operations.md, Deploy")
    else:
        yield Finding(FINE, f"{name} is {facts.stack_status or 'not there yet'}")


def _concurrency(facts: Facts, wanted: Wanted) -> Iterator[Finding]:
    """Its own check: a new account has ten, whatever the documentation says."""
    need = wanted.needs["lambda_concurrency"]
    if facts.lambda_limit is None:
        return
    reserved = sum(int(it) for key, it in wanted.parameters.items() if key.endswith("Concurrency") and it.isdigit())
    if reserved and reserved > facts.lambda_limit - LEAST_UNRESERVED:
        yield Finding(
            STOP,
            f"{reserved:,} invocations at once are reserved by parameters, of {facts.lambda_limit:,} in this account, "
            f"and AWS leaves {LEAST_UNRESERVED} to all others",
            "reserve less, or 0 for nothing, until the account has more",
        )
    least = max(need.used, 10, reserved) + LEAST_UNRESERVED
    if facts.lambda_limit >= least:
        yield Finding(FINE, f"Lambda runs {facts.lambda_limit:,} at once, and {need.used:,.0f} are needed")
    else:
        yield Finding(
            ASK,
            f"Lambda runs {facts.lambda_limit:,} at once; this fleet needs {need.used:,.0f}, and "
            f"{LEAST_UNRESERVED} stay unreserved",
            _request("lambda", "L-B99A9384", max(1000, round(least, -2) + 100)),
        )


def _places(facts: Facts, wanted: Wanted) -> Iterator[Finding]:
    """What this account could keep for payments and bound for browsers (concurrency.py); a suggestion, no demand."""
    if facts.lambda_limit is None:
        return
    possible = affordable(facts.lambda_limit)
    room = sum(map(int, possible.values()))
    if not room:
        yield Finding(FINE, f"no places can be kept for payments: {facts.lambda_limit:,} at once are too few")
        return
    fewer = {name: it for name, it in possible.items() if int(wanted.parameters.get(name, "0") or 0) < int(it)}
    if fewer:
        yield Finding(
            FINE,
            f"this account could keep {room:,} of {facts.lambda_limit:,} places for functions that must not wait",
            "give " + " ".join(f"{name}={it}" for name, it in fewer.items()),
        )
    else:
        yield Finding(FINE, f"{room:,} places or more are kept for functions that must not wait")


def _quotas(facts: Facts, wanted: Wanted) -> Iterator[Finding]:
    """Against what the account has; where that was not to be read, against what AWS gives by default."""
    enough, assumed = 0, 0
    for key, need in wanted.needs.items():
        if key == "lambda_concurrency" or (key == "matrices_per_s" and wanted.parameters.get("Maps") != "amazon"):
            continue
        quota = facts.quotas.get(key)
        limit = quota.limit if quota else need.default
        assumed += quota is None
        if need.used <= limit:
            enough += 1
        elif need.rises:
            yield Finding(
                ASK,
                f"{need.name}: {limit:,.0f}{'' if quota else ' by default'}, and this fleet needs {need.used:,.0f}",
                _request(quota.service, quota.code, need.used * 1.5) if quota else "docs/scale.md says what follows",
            )
    yield Finding(FINE, f"{enough} other quotas are enough for this fleet ({assumed} by AWS's defaults)")


def _cloudfront(facts: Facts, _: Wanted) -> Iterator[Finding]:
    """No call tells whether AWS has verified an account for CloudFront; one that has a distribution is."""
    if facts.distributions:
        yield Finding(FINE, "CloudFront has made distributions for this account")
    elif facts.distributions == 0:
        yield Finding(
            ASK,
            "CloudFront has made nothing for this account yet, and refuses new accounts that AWS has not verified",
            'if the deployment fails with "Your account must be verified", open a support case (Account and billing, '
            "free of charge) that says so; it takes a day or two, and then deploy again",
        )


def _mail(facts: Facts, wanted: Wanted) -> Iterator[Finding]:
    sender, identity = wanted.parameters.get("MailFrom", ""), wanted.parameters.get("MailIdentity", "")
    if not sender:
        yield Finding(
            ASK if wanted.stage.is_production else FINE,
            "codes are mailed by Cognito's own mailer: 50 a day, so the 51st registration of a day fails",
            "verify a domain with SES, leave its sandbox, and give MailFrom and MailIdentity"
            if wanted.stage.is_production
            else "",
        )
        return
    address = sender.rpartition("<")[2].rstrip(">").strip()
    if not identity:
        yield Finding(STOP, "MailFrom without MailIdentity: Cognito needs both", "give MailIdentity")
    elif address != identity and not address.endswith(("@" + identity, "." + identity)):
        yield Finding(
            STOP, f"MailFrom is {address}, which {identity} does not cover", "give the identity it belongs to"
        )
    if facts.mail is None:
        return
    if identity and not facts.mail.verified:
        yield Finding(
            STOP,
            f"SES in {facts.region} has not verified {identity}, and Cognito is refused",
            f"aws sesv2 create-email-identity --email-identity {identity}, then its DKIM records in DNS",
        )
    if not facts.mail.production:
        yield Finding(
            ASK,
            f"SES is in its sandbox: it writes to verified addresses only, {_SANDBOX_A_DAY} a day",
            "aws sesv2 put-account-details --production-access-enabled --mail-type TRANSACTIONAL --website-url ...",
        )
    elif not facts.mail.sending:
        yield Finding(ASK, "SES has stopped sending for this account", "see its account dashboard")
    elif identity and facts.mail.verified:
        yield Finding(FINE, f"SES mails as {address}, {facts.mail.a_day:,.0f} a day")


def _certificates(facts: Facts, wanted: Wanted) -> Iterator[Finding]:
    for domain, parameter, _ in DOMAINS:
        name, chosen = wanted.parameters.get(domain, ""), wanted.parameters.get(parameter, "none")
        if not name:
            continue
        if chosen in ("", "none"):
            yield Finding(STOP, f"{domain} without {parameter}", f"give {parameter}, the id of its ACM certificate")
        elif parameter in facts.certificates:
            yield from _certificate(name, parameter, facts.certificates[parameter], wanted.at)


def _certificate(name: str, parameter: str, shown: Certificate | None, at: datetime) -> Iterator[Finding]:
    if shown is None:
        yield Finding(
            STOP, f"{parameter}: no such certificate where it must be", "CloudFront's are in us-east-1, the API's here"
        )
    elif shown.status != "ISSUED":
        yield Finding(STOP, f"{parameter} is {shown.status}, not ISSUED", "put the records it asks for in DNS")
    elif not any(_covers(it, name) for it in shown.names):
        yield Finding(STOP, f"{parameter} is for {', '.join(shown.names)}, not for {name}", "request another")
    elif shown.key.startswith("EC") != parameter.startswith("ChargerEcdsa") and parameter.startswith("Charger"):
        wanted = "an ECDSA key (EC_prime256v1)" if parameter.startswith("ChargerEcdsa") else "an RSA key (RSA_2048)"
        yield Finding(
            ASK, f"{parameter} has the key {shown.key}, and chargers there need {wanted}", "docs/ocpp.md, TLS"
        )
    elif shown.ends is not None and (shown.ends - at).days < _RENEWED_BEFORE_DAYS:
        yield Finding(ASK, f"{parameter} ends on {shown.ends:%Y-%m-%d}", "its records in DNS must stay, or ACM cannot")
    else:
        yield Finding(FINE, f"{parameter} is issued for {name}")


def _covers(pattern: str, name: str) -> bool:
    if pattern.startswith("*."):
        return name.partition(".")[2].lower() == pattern[2:].lower()
    return pattern.lower() == name.lower()


def _request(service: str, code: str, amount: float) -> str:
    return (
        f"aws service-quotas request-service-quota-increase --service-code {service} "
        f"--quota-code {code} --desired-value {amount:.0f}"
    )


_CHECKS: tuple[Callable[[Facts, Wanted], Iterator[Finding]], ...] = (
    _region,
    _stack,
    _concurrency,
    _places,
    _quotas,
    _cloudfront,
    _mail,
    _certificates,
)
