"""The edge's own JavaScript, run: what it makes of a path, of forged headers, and of a certificate."""

from __future__ import annotations

import inspect
import json
import re
from typing import Any
from urllib.parse import unquote

import pytest
import quickjs  # type: ignore[import-untyped]

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
    """What the function returns; a header is a text, or several."""
    context = quickjs.Context()
    context.eval(function_code(believes))
    sent = {
        name: {"value": it[0], "multiValue": [{"value": each} for each in it]}
        if isinstance(it, list)
        else {"value": it}
        for name, it in (headers or {}).items()
    }
    event = {"request": {"method": "GET", "uri": uri, "querystring": {}, "headers": sent, "cookies": {}}}
    answer: dict[str, Any] = json.loads(context.eval(f"JSON.stringify(handler({json.dumps(event)}))"))
    return answer


def told(uri: str, headers: dict[str, Any] | None = None, believes: bool = True) -> dict[str, str]:
    """The headers that go on to API Gateway."""
    return {name: it["value"] for name, it in through(uri, headers, believes)["headers"].items()}


@pytest.mark.parametrize(
    ("path", "charger_id"),
    [("CP-1", "CP-1"), ("CP%201", "CP 1"), ("a%2Fb", "a/b"), ("%7E", "~"), ("*-_=:+|@.", "*-_=:+|@.")],
)
def test_the_path_becomes_the_header_that_the_door_reads(path: str, charger_id: str) -> None:
    answer = through(f"/ocpp/{path}")
    assert answer["headers"][socket.CHARGER_ID_HEADER] == {"value": charger_id}
    assert answer["uri"] == "/api"


@pytest.mark.parametrize(
    "path",
    ["/", "/ocpp", "/ocpp/", "/ocpp/a/b", "/api", "/OCPP/a", "/ocpp/%0d%0aX", "/ocpp/%zz", "/ocpp/%20", "/x/ocpp/a"],
)
def test_any_other_path_ends_at_the_edge(path: str) -> None:
    answer = through(path)
    assert answer["statusCode"] == 404
    assert "uri" not in answer


def test_credentials_and_offers_go_on_as_they_came() -> None:
    sent = {"authorization": "Basic eDp5", "sec-websocket-protocol": "ocpp2.0.1, ocpp1.6", "sec-websocket-key": "k"}
    assert told("/ocpp/CP-1", sent) == {**sent, "x-kerb-charger-id": "CP-1"}


@pytest.mark.parametrize("believes", [True, False])
@pytest.mark.parametrize(
    "header",
    [socket.EDGE_SECRET_HEADER, socket.CERTIFICATE_HEADER, socket.CHARGER_ID_HEADER, "x-kerb-anything", "X-Kerb-Odd"],
)
def test_what_only_the_edge_may_say_is_not_taken_from_a_client(header: str, believes: bool) -> None:
    assert told("/ocpp/CP-1", {header: "forged"}, believes) == {"x-kerb-charger-id": "CP-1"}


def test_a_verified_certificate_is_told_in_the_names_that_the_door_reads() -> None:
    headers = told("/ocpp/MTLS-1", CERTIFICATE)
    assert headers == {
        "x-kerb-charger-id": "MTLS-1",
        "x-kerb-client-cert-subject": "CN=MTLS-1,O=Kerb,C=DE",
        "x-kerb-client-cert-issuer": "CN=Charger CA,O=Kerb",
        "x-kerb-client-cert-serial": "4a3f5c",
        "x-kerb-client-cert-sha256": "01fbf94f",
    }
    assert ChargerCredentials(None, headers[socket.CERTIFICATE_HEADER]).certificate_subject


def test_without_verification_a_certificates_headers_are_only_a_clients_words() -> None:
    assert told("/ocpp/MTLS-1", CERTIFICATE, believes=False) == {"x-kerb-charger-id": "MTLS-1"}


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
    assert told("/ocpp/MTLS-1", CERTIFICATE | forged) == {"x-kerb-charger-id": "MTLS-1"}


def test_the_edge_of_a_laptop_and_of_aws_and_the_door_use_the_same_names(dev: dict[str, Any]) -> None:
    assert connection.CHARGER_ID_HEADER.lower() == socket.CHARGER_ID_HEADER
    assert connection.EDGE_SECRET_HEADER.lower() == EDGE_SECRET_HEADER.lower() == socket.EDGE_SECRET_HEADER
    own = set(told("/ocpp/CP-1", CERTIFICATE))
    local = {name.lower() for name in re.findall(r'"(X-Kerb-[\w-]+)"', inspect.getsource(connection))}
    assert own | {EDGE_SECRET_HEADER.lower()} == local
    origin = dev["Resources"]["ChargerEdge"]["Properties"]["DistributionConfig"]["Origins"][0]
    secret = dev["Resources"]["WebsocketConnect"]["Properties"]["Environment"]["Variables"]["KERB_EDGE_SECRET"]
    assert origin["OriginCustomHeaders"] == [{"HeaderName": EDGE_SECRET_HEADER, "HeaderValue": secret}]


@pytest.mark.parametrize("path", ["/ocpp/CP-1", "/ocpp/CP%201", "/ocpp/%0d%0aX", "/ocpp/", "/ocpp/a/b"])
def test_the_edge_of_a_laptop_reads_a_path_as_that_of_aws(path: str) -> None:
    match = connection._CHARGER_PATH.fullmatch(path)
    local = unquote(match[1]) if match else ""
    assert through(path)["headers"].get("x-kerb-charger-id", {}).get("value", "") == (
        local if local.isprintable() else ""
    )


def test_the_function_is_small_enough_for_cloudfront() -> None:
    assert len(function_code(True).encode()) < 10_240


def test_the_stage_in_the_function_is_the_sockets_own(dev: dict[str, Any]) -> None:
    stage = dev["Resources"]["WebsocketAPIStage"]["Properties"]["StageName"]
    _, with_certificates, without = dev["Resources"]["ChargerEdgeFunction"]["Properties"]["FunctionCode"]["Fn::If"]
    for code in (with_certificates, without):
        assert f"STAGE_PATH = '/{stage}'" in code
    assert "BELIEVES_CERTIFICATES = true" in with_certificates
    assert "BELIEVES_CERTIFICATES = false" in without
