"""The edge's own JavaScript, run: what it makes of a path, of forged headers, and of a certificate."""

from __future__ import annotations

import inspect
import json
import re
from typing import Any

import pytest
import quickjs  # type: ignore[import-untyped]

from chalicelib.domain.chargers.identity import claimed_in
from chalicelib.handlers.ocpp import socket
from chalicelib.services.chargers.connections import ChargerCredentials
from infrastructure.edge import EDGE_SECRET_HEADER, function_code
from local import connection

CERTIFICATE = {
    "cloudfront-viewer-cert-present": "1",
    "cloudfront-viewer-cert-subject": "CN=MTLS-1,O=Kerb,C=DE",
    "cloudfront-viewer-cert-issuer": "CN=Charger CA,O=Kerb",
    "cloudfront-viewer-cert-serial-number": "00:4A:3f:5c",
    "cloudfront-viewer-cert-sha256": "01FBF94F",
}


def through(uri: str, headers: dict[str, Any] | None = None, believes: bool = True) -> dict[str, Any]:
    """What the function returns; a header is a text, or several. `uri` may have a query."""
    context = quickjs.Context()
    context.eval(function_code(believes))
    sent = {
        name: {"value": it[0], "multiValue": [{"value": each} for each in it]}
        if isinstance(it, list)
        else {"value": it}
        for name, it in (headers or {}).items()
    }
    path, _, query = uri.partition("?")
    parameters: dict[str, Any] = {}
    for name, _, value in (pair.partition("=") for pair in query.split("&") if pair):
        one = {"value": value}
        if name in parameters:
            parameters[name].setdefault("multiValue", [dict(parameters[name])]).append(one)
        else:
            parameters[name] = one
    event = {"request": {"method": "GET", "uri": path, "querystring": parameters, "headers": sent, "cookies": {}}}
    answer: dict[str, Any] = json.loads(context.eval(f"JSON.stringify(handler({json.dumps(event)}))"))
    return answer


def told(uri: str, headers: dict[str, Any] | None = None, believes: bool = True) -> dict[str, str]:
    """The headers that go on to API Gateway."""
    return {name: it["value"] for name, it in through(uri, headers, believes)["headers"].items()}


@pytest.mark.parametrize(
    ("target", "charger_id"),
    [
        ("/ocpp/CP-1", "CP-1"),
        ("/ocpp/%43P-1", "CP-1"),
        ("/ocpp/*-_=:+|@.", "*-_=:+|@."),
        ("//ocpp/CP-1/", "CP-1"),
        ("/ocpp//CP-1", "CP-1"),
        ("/OCPP/CP-1/CP-1", "CP-1"),
        ("/ocpp?station=CP-1", "CP-1"),
        ("/?id=x&id=CP-1", "x"),
    ],
)
def test_path_and_query_become_the_header_in_which_the_door_finds_the_name(target: str, charger_id: str) -> None:
    answer = through(target)
    assert answer["headers"][socket.TARGET_HEADER] == {"value": target}
    assert claimed_in(target)[0] == charger_id
    assert answer["uri"] == "/api"


@pytest.mark.parametrize("path", ["/api", "/ocppx", "/x/ocpp/a", "/ocpp/a b", "/ocpp/\r\nX", "/ocpp/" + "x" * 1024])
def test_any_other_path_ends_at_the_edge(path: str) -> None:
    answer = through(path)
    assert answer["statusCode"] == 404
    assert "uri" not in answer


def test_credentials_and_offers_go_on_as_they_came() -> None:
    sent = {"authorization": "Basic eDp5", "sec-websocket-protocol": "ocpp2.0.1, ocpp1.6", "sec-websocket-key": "k"}
    assert told("/ocpp/CP-1", sent) == {**sent, "x-kerb-target": "/ocpp/CP-1"}


@pytest.mark.parametrize("believes", [True, False])
@pytest.mark.parametrize(
    "header",
    [
        socket.EDGE_SECRET_HEADER,
        socket.CERTIFICATE_HEADER,
        socket.TARGET_HEADER,
        socket.FORMER_HEADER,
        "x-kerb-anything",
        "X-Kerb-Odd",
    ],
)
def test_what_only_the_edge_may_say_is_not_taken_from_a_client(header: str, believes: bool) -> None:
    assert told("/ocpp/CP-1", {header: "forged"}, believes) == {"x-kerb-target": "/ocpp/CP-1"}


def test_a_verified_certificate_is_told_in_the_names_that_the_door_reads() -> None:
    headers = told("/ocpp/MTLS-1", CERTIFICATE)
    assert headers == {
        "x-kerb-target": "/ocpp/MTLS-1",
        "x-kerb-client-cert-subject": "CN=MTLS-1,O=Kerb,C=DE",
        "x-kerb-client-cert-issuer": "CN=Charger CA,O=Kerb",
        "x-kerb-client-cert-serial": "4a3f5c",
        "x-kerb-client-cert-sha256": "01fbf94f",
    }
    assert ChargerCredentials(None, headers[socket.CERTIFICATE_HEADER]).certificate_subject


def test_without_verification_a_certificates_headers_are_only_a_clients_words() -> None:
    assert told("/ocpp/MTLS-1", CERTIFICATE, believes=False) == {"x-kerb-target": "/ocpp/MTLS-1"}


@pytest.mark.parametrize(
    "forged",
    [
        {"cloudfront-viewer-cert-present": "0"},
        {"cloudfront-viewer-cert-present": ["0", "1"]},
        {"cloudfront-viewer-cert-subject": ["CN=MTLS-1", "CN=MTLS-2"]},
        {"cloudfront-viewer-cert-subject": ""},
    ],
)
def test_a_certificate_that_was_not_shown_cannot_be_claimed(forged: dict[str, Any]) -> None:
    assert told("/ocpp/MTLS-1", CERTIFICATE | forged) == {"x-kerb-target": "/ocpp/MTLS-1"}


def test_the_edge_of_a_laptop_and_of_aws_and_the_door_use_the_same_names(dev: dict[str, Any]) -> None:
    assert connection.TARGET_HEADER.lower() == socket.TARGET_HEADER
    assert connection.EDGE_SECRET_HEADER.lower() == EDGE_SECRET_HEADER.lower() == socket.EDGE_SECRET_HEADER
    own = set(told("/ocpp/CP-1", CERTIFICATE))
    local = {name.lower() for name in re.findall(r'"(X-Kerb-[\w-]+)"', inspect.getsource(connection))}
    assert own | {EDGE_SECRET_HEADER.lower()} == local
    origin = dev["Resources"]["ChargerEdge"]["Properties"]["DistributionConfig"]["Origins"][0]
    secret = dev["Resources"]["WebsocketConnect"]["Properties"]["Environment"]["Variables"]["KERB_EDGE_SECRET"]
    assert origin["OriginCustomHeaders"] == [{"HeaderName": EDGE_SECRET_HEADER, "HeaderValue": secret}]


@pytest.mark.parametrize(
    "target",
    [
        *("/ocpp/CP-1", "/ocpp/CP%201", "/ocpp/%0d%0aX", "/ocpp/", "/ocpp", "/ocpp/a/b", "//ocpp//a/", "/Ocpp/a", "/"),
        *("/ocpp?station=a", "/ocpp/?a&b=c&b=d", "/?a", "/ocppx", "/x/ocpp/a", "/ocpp/a b", "/api"),
        "/ocpp/" + "x" * 1024,
    ],
)
def test_the_edge_of_a_laptop_hands_on_what_that_of_aws_does(target: str) -> None:
    handed_on = through(target)["headers"].get("x-kerb-target", {}).get("value")
    assert handed_on == (target if connection.is_for_chargers(target) else None)


def test_the_door_is_rolled_out_before_the_edge_that_speaks_to_it(dev: dict[str, Any]) -> None:
    assert dev["Resources"]["ChargerEdgeFunction"]["DependsOn"] == ["WebsocketConnect"]
    assert "WebsocketConnect" in dev["Resources"]


def test_the_function_is_small_enough_for_cloudfront() -> None:
    assert len(function_code(True).encode()) < 10_240


def test_the_stage_in_the_function_is_the_sockets_own(dev: dict[str, Any]) -> None:
    stage = dev["Resources"]["WebsocketAPIStage"]["Properties"]["StageName"]
    _, with_certificates, without = dev["Resources"]["ChargerEdgeFunction"]["Properties"]["FunctionCode"]["Fn::If"]
    for code in (with_certificates, without):
        assert f"STAGE_PATH = '/{stage}'" in code
    assert "BELIEVES_CERTIFICATES = true" in with_certificates
    assert "BELIEVES_CERTIFICATES = false" in without


# docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/secure-connections-supported-viewer-protocols-ciphers.html:
# which of the suites that OCPP 2.0.1 A00.FR.318 names (by OpenSSL's names) each security policy has.
ECDSA = {"ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384"}
RSA = {"AES128-GCM-SHA256", "AES256-GCM-SHA384"}
SUITES = {
    "TLSv1.2_2018": ECDSA | RSA,
    "TLSv1.2_2019": ECDSA,
    "TLSv1.2_2021": ECDSA,
    "TLSv1.2_2025": ECDSA,
    "TLSv1.3_2025": set[str](),
}


def test_by_default_chargers_find_the_suites_that_ocpp_wants(dev: dict[str, Any]) -> None:
    policy = dev["Parameters"]["ChargerTlsPolicy"]
    assert SUITES[policy["Default"]] == ECDSA | RSA
    assert set(policy["AllowedValues"]) == SUITES.keys()


def test_the_edge_for_ecdsa_is_the_same_door_with_another_name_and_certificate(dev: dict[str, Any]) -> None:
    one, other = (
        dev["Resources"][it]["Properties"]["DistributionConfig"] for it in ("ChargerEdge", "ChargerEcdsaEdge")
    )
    assert {key for key in one if one[key] != other[key]} == {"Aliases", "ViewerCertificate"}
    assert one.keys() == other.keys()
    shown = one["ViewerCertificate"]["Fn::If"][1]
    for certificate in (shown, other["ViewerCertificate"]):
        assert certificate["MinimumProtocolVersion"] == {"Ref": "ChargerTlsPolicy"}
    assert "${ChargerDomainCertificate}" in shown["AcmCertificateArn"]["Fn::Sub"]
    assert "${ChargerEcdsaDomainCertificate}" in other["ViewerCertificate"]["AcmCertificateArn"]["Fn::Sub"]
