"""Before anything is made it is said what the account lacks; nothing that would surely fail is begun."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from cli import limits
from cli.fleet import DATA, Fleet
from infrastructure import account, concurrency, deploy, preflight, vault
from infrastructure.account import Certificate, Facts, Mail, Quota, region_of
from infrastructure.libraries import services_used
from infrastructure.preflight import ASK, FINE, STOP, Finding, Wanted, findings
from infrastructure.stage import REGIONS, Stage
from local.cloud import REGION

NOW = datetime(2026, 11, 30, 8, 0, tzinfo=UTC)
PROD = Stage("prod")
ALL_QUOTAS = json.loads((DATA / "quotas.json").read_text())["quotas"]


def needs(chargers: int) -> dict[str, preflight.Need]:
    return preflight.needs_of(limits.needed(Fleet(chargers, chargers / 5), chargers // 10), ALL_QUOTAS)


MAIL = {"MailFrom": "Kerb <no-reply@example.com>", "MailIdentity": "example.com"}
DOMAIN = {"ChargerDomain": "ocpp.example.com", "ChargerDomainCertificate": "abc"}
# Of a fleet that needs half of what AWS gives by default, whatever the sheet says today.
MODEST = {key: replace(it, used=it.default / 2) for key, it in needs(100).items()}
WANTED = Wanted(PROD, MAIL | DOMAIN, MODEST, NOW)
READY = Facts(
    account="123456789012",
    region="eu-central-1",
    stack_status="UPDATE_COMPLETE",
    lambda_limit=3_000,
    quotas={key: Quota(1e9, service, "L-1") for key, (service, _) in account.QUOTAS.items()},
    distributions=1,
    mail=Mail(production=True, sending=True, a_day=50_000, verified=True),
    certificates={"ChargerDomainCertificate": Certificate("ISSUED", ("*.example.com",), NOW + timedelta(days=90))},
)


def test_an_account_that_has_everything_is_told_so() -> None:
    found = findings(READY, WANTED)
    assert {it.level for it in found} == {FINE}
    assert not preflight.stops(found)


def certificate(**other: Any) -> Facts:
    shown = READY.certificates["ChargerDomainCertificate"]
    assert shown is not None
    return replace(READY, certificates={"ChargerDomainCertificate": replace(shown, **other)})


FAILS: dict[str, tuple[Facts, Wanted]] = {
    "no template was checked": (replace(READY, region="eu-west-3"), WANTED),
    "4 tables": (replace(READY, stack_status=None, left_over=("a", "b", "c", "d")), WANTED),
    "UPDATE_ROLLBACK_FAILED": (replace(READY, stack_status="UPDATE_ROLLBACK_FAILED"), WANTED),
    "without MailIdentity": (READY, replace(WANTED, parameters={"MailFrom": "a@example.com"})),
    "does not cover": (READY, replace(WANTED, parameters=MAIL | {"MailIdentity": "example.org"})),
    "has not verified": (replace(READY, mail=Mail(True, True, 1.0, verified=False)), WANTED),
    "without ChargerDomainCertificate": (READY, replace(WANTED, parameters={"ChargerDomain": "a.example.com"})),
    "no such certificate": (replace(READY, certificates={"ChargerDomainCertificate": None}), WANTED),
    "PENDING_VALIDATION": (certificate(status="PENDING_VALIDATION"), WANTED),
    "not for ocpp.example.com": (certificate(names=("example.com", "*.api.example.com")), WANTED),
    "are reserved": (READY, replace(WANTED, parameters={"ApiConcurrency": "2500", "WorkflowConcurrency": "500"})),
}
TAKES_DAYS: dict[str, tuple[Facts, Wanted]] = {
    "Lambda runs 10 at once": (replace(READY, lambda_limit=10), WANTED),
    "new sockets a second": (replace(READY, quotas={"connections_per_s": Quota(50, "apigateway", "L-2")}), WANTED),
    "400 by default": (
        replace(READY, quotas={}),
        replace(WANTED, needs={**WANTED.needs, "starts_per_s": preflight.Need("starts", 500.0, True, 400.0)}),
    ),
    "CloudFront has made nothing": (replace(READY, distributions=0), WANTED),
    "sandbox": (replace(READY, mail=Mail(False, True, 200.0, verified=True)), WANTED),
    "stopped sending": (replace(READY, mail=Mail(True, False, 200.0, verified=True)), WANTED),
    "51st registration": (READY, replace(WANTED, parameters={})),
    "ends on 2026-12-10": (certificate(ends=NOW + timedelta(days=10)), WANTED),
    "need an RSA key": (certificate(key="EC_prime256v1"), WANTED),
    "need an ECDSA key": (
        replace(READY, certificates={"ChargerEcdsaDomainCertificate": READY.certificates["ChargerDomainCertificate"]}),
        replace(WANTED, parameters={"ChargerEcdsaDomain": "ec.example.com", "ChargerEcdsaDomainCertificate": "abc"}),
    ),
    "could not be read": (replace(READY, unread={"SES": "AccessDenied"}), WANTED),
}


@pytest.mark.parametrize("what", FAILS)
def test_what_would_surely_fail_stops_a_deployment(what: str) -> None:
    found = findings(*FAILS[what])
    assert preflight.stops(found)
    assert [it for it in found if it.level == STOP and what in it.what]
    assert all(it.do for it in found if it.level == STOP)


@pytest.mark.parametrize("what", TAKES_DAYS)
def test_what_takes_aws_days_is_said_and_stops_nothing(what: str) -> None:
    found = findings(*TAKES_DAYS[what])
    assert not preflight.stops(found)
    assert [it for it in found if it.level == ASK and what in it.what]
    assert all(it.do for it in found if it.level == ASK)


def test_what_to_ask_for_is_a_command_with_enough_in_it() -> None:
    told = findings(replace(READY, quotas={"api_requests_per_s": Quota(100, "apigateway", "L-8A5B8E43")}), WANTED)
    (asked,) = [it for it in told if it.level == ASK]
    assert "--service-code apigateway --quota-code L-8A5B8E43 --desired-value " in asked.do
    assert float(asked.do.rpartition(" ")[2]) > WANTED.needs["api_requests_per_s"].used


@pytest.mark.parametrize(("chosen", "asks"), [({}, False), ({"Maps": ""}, False), ({"Maps": "amazon"}, True)])
def test_more_of_maps_is_asked_for_only_where_they_are_chosen(chosen: dict[str, str], asks: bool) -> None:
    wanted = replace(WANTED, needs=needs(500_000), parameters={**WANTED.parameters, **chosen})
    told = findings(replace(READY, quotas={}), wanted)
    assert any("Amazon Location" in it.what for it in told) is asks


def places(limit: int, **chosen: str) -> Finding:
    told = findings(replace(READY, lambda_limit=limit), replace(WANTED, parameters={**WANTED.parameters, **chosen}))
    (found,) = [it for it in told if "places" in it.what]
    return found


def test_an_account_with_room_is_told_which_places_it_could_keep() -> None:
    possible = concurrency.affordable(1_000)
    found = places(1_000)
    assert found.level == FINE
    assert found.do == "give " + " ".join(f"{name}={it}" for name, it in possible.items())
    assert str(found).count("SettleConcurrency=80") == 1
    # What is kept already is not asked for again, be it less than possible or more.
    assert "Settle" not in places(1_000, SettleConcurrency="80").do
    assert "SettleConcurrency=80" in places(1_000, SettleConcurrency="79").do
    assert places(1_000, **possible).do == places(1_000, **{**possible, "SettleConcurrency": "90"}).do == ""
    assert (places(10).do, places(999).do) == ("", "")


def test_what_it_is_told_to_keep_stops_no_deployment() -> None:
    for limit in (1_000, 2_500):
        kept = replace(WANTED, parameters={**WANTED.parameters, **concurrency.affordable(limit)})
        assert not preflight.stops(findings(replace(READY, lambda_limit=limit), kept))


def test_a_small_fleet_needs_less_than_a_large_one() -> None:
    small, large = needs(100), needs(500_000)
    assert small["lambda_concurrency"].used < large["lambda_concurrency"].used
    assert not [key for key in small if small[key].used > large[key].used]


def test_what_was_left_may_be_imported() -> None:
    left = replace(READY, stack_status=None, left_over=("kerb-prod-sites",))
    assert not preflight.stops(findings(left, replace(WANTED, imports=True)))


def test_every_quota_that_is_asked_after_is_one_of_the_sheet() -> None:
    assert account.QUOTAS.keys() <= ALL_QUOTAS.keys()


@pytest.mark.parametrize(
    ("environment", "region"),
    [
        ({"AWS_REGION": "eu-west-1"}, "eu-west-1"),
        ({"AWS_DEFAULT_REGION": "eu-west-2"}, "eu-west-2"),
        ({"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-1"}, "eu-west-1"),
    ],
)
def test_the_region_is_what_the_environment_says(environment: dict[str, str], region: str) -> None:
    assert region_of(environment) == region


def test_two_regions_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit, match="not the same"):
        region_of({"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "us-east-1"})
    monkeypatch.setattr(boto3.session, "Session", lambda: Mock(region_name=None))
    with pytest.raises(SystemExit, match="no region"):
        region_of({})


def test_everything_that_is_used_is_offered_where_kerb_is_sold() -> None:
    session = boto3.session.Session()
    used = services_used(Path(vault.__file__).parents[1] / "chalicelib") - {"geo-routes", "apigatewaymanagementapi"}
    for service in used | {
        "lambda",
        "apigateway",
        "apigatewayv2",
        "wafv2",
        "kms",
        "secretsmanager",
        "events",
        "location",
    }:
        assert set(REGIONS) <= set(session.get_available_regions(service)), service


@pytest.fixture
def new_account() -> Iterator[None]:
    with mock_aws():
        yield


@pytest.mark.usefixtures("new_account")
def test_an_account_is_read_by_calls_that_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    client, asked = boto3.client, set[str]()

    def watched(service: str, **more: Any) -> Any:
        made = client(service, **more)  # type: ignore[call-overload]
        made.meta.events.register("provide-client-params", lambda model, **_: asked.add(model.name))
        return made

    acm = client("acm", region_name="us-east-1")
    arn = acm.request_certificate(DomainName="ocpp.example.com", ValidationMethod="DNS")["CertificateArn"]
    monkeypatch.setattr(boto3, "client", watched)
    monkeypatch.setattr(account, "_quotas", dict)
    told = {"ChargerDomain": "ocpp.example.com", "ChargerDomainCertificate": arn.rpartition("/")[2]}
    facts = account.read(PROD, REGION, told)
    assert facts.account == "123456789012"
    assert (facts.stack_status, facts.left_over, facts.distributions) == (None, (), 0)
    shown = facts.certificates["ChargerDomainCertificate"]
    assert shown is not None
    assert shown.names == ("ocpp.example.com",)
    assert asked
    assert not [it for it in asked if not it.startswith(("Get", "List", "Describe"))]


@pytest.mark.parametrize("known", [True, False])
def test_ses_is_asked_what_it_lets_the_account_send_and_as_whom(monkeypatch: pytest.MonkeyPatch, known: bool) -> None:
    class NotFound(Exception):
        pass

    ses = Mock()
    ses.exceptions.NotFoundException = NotFound
    quota = {"Max24HourSend": 200.0}
    ses.get_account.return_value = {"ProductionAccessEnabled": False, "SendingEnabled": True, "SendQuota": quota}
    ses.get_email_identity = Mock(
        return_value={"VerifiedForSendingStatus": True}, side_effect=None if known else NotFound
    )
    monkeypatch.setattr(boto3, "client", lambda _: ses)
    assert account._mail("example.com") == Mail(production=False, sending=True, a_day=200.0, verified=known)


def test_a_quota_is_found_by_its_code_or_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {
        "lambda": [{"QuotaCode": "L-B99A9384", "QuotaName": "Concurrent executions", "Value": 10.0}],
        "states": [
            {
                "QuotaCode": "L-3",
                "QuotaName": "StartExecution throttle token refill rate per second",
                "Value": 300.0,
            }
        ],
    }
    client = Mock()
    client.get_paginator.return_value.paginate = lambda ServiceCode: [{"Quotas": told.get(ServiceCode, [])}]  # noqa: N803
    monkeypatch.setattr(boto3, "client", lambda _: client)
    assert account._quotas() == {
        "lambda_concurrency": Quota(10.0, "lambda", "L-B99A9384"),
        "starts_per_s": Quota(300.0, "states", "L-3"),
    }


@pytest.mark.usefixtures("new_account")
def test_what_may_not_be_read_is_named_and_the_rest_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    denied = ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "GetAccountSettings")
    monkeypatch.setattr(account, "_concurrency", Mock(side_effect=denied))
    monkeypatch.setattr(account, "_quotas", dict)
    facts = account.read(PROD, REGION, {})
    assert facts.lambda_limit is None
    assert facts.unread.keys() == {"Lambda's concurrency"}
    assert facts.distributions == 0


@pytest.mark.usefixtures("new_account")
def test_a_plan_makes_nothing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("AWS_REGION", REGION)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    monkeypatch.setattr(account, "_quotas", dict)
    deploy.main(["--stage", "dev", "--plan", "--chargers", "100"])
    assert "kerb-dev, 100 chargers:" in capsys.readouterr().out
    assert not boto3.client("s3").list_buckets()["Buckets"]
    monkeypatch.setattr(preflight, "findings", lambda *_: [Finding(STOP, "it would fail")])
    with pytest.raises(SystemExit, match="nothing was made"):
        deploy.main(["--stage", "dev"])
    assert not boto3.client("s3").list_buckets()["Buckets"]
