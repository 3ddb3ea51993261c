"""How the apps are served beside the API, what a browser may ask of the local Stripe, and the demo's chargers."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import boto3
import pytest
import quickjs  # type: ignore[import-untyped]
import requests
from moto import mock_aws

from infrastructure.web import LEADS, publish
from infrastructure.web_files import LANGUAGES, files
from local.seed import DEMO_CHARGER, Network
from local.stack import Stack
from local.street import Street
from tests.patience import PATIENCE_S
from tests.scenarios.world import World

_TIMEOUT_S = 60


def settings_of(page: str) -> Any:
    """What a page is told of its deployment."""
    line = re.search(r'<meta name="settings" content="([^"]*)">', page)
    assert line is not None
    return json.loads(html.unescape(line.group(1)))


def test_files_come_with_their_types_packed_and_are_asked_for_again_by_their_etag(stack: Stack) -> None:
    assert requests.get(f"{stack.http_url}/", timeout=_TIMEOUT_S).url == f"{stack.http_url}/driver/"
    for path, kind in (
        ("driver/app.js", "text/javascript; charset=utf-8"),
        ("vendor/preact-11.2.0/preact.mjs", "text/javascript; charset=utf-8"),
        ("tokens.css", "text/css; charset=utf-8"),
        ("driver/manifest.webmanifest", "application/manifest+json"),
    ):
        address = f"{stack.http_url}/{path}"
        first = requests.get(address, timeout=_TIMEOUT_S)
        assert (first.status_code, first.headers["Content-Type"]) == (200, kind)
        assert first.headers["Content-Encoding"] == "gzip"
        assert ("immutable" in first.headers["Cache-Control"]) == path.startswith("vendor/")
        assert "script-src 'self';" in first.headers["Content-Security-Policy"]
        again = requests.get(address, headers={"If-None-Match": first.headers["ETag"]}, timeout=_TIMEOUT_S)
        assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("de-DE,de;q=0.9,en;q=0.8", "de"),
        ("fr-FR, en-GB;q=0.8, de;q=0.7", "en"),
        ("fr", "en"),
        ("*", "en"),
        (None, "en"),
    ],
)
def test_a_page_comes_in_the_language_that_its_reader_asks_for_first_here_and_at_cloudfront(
    stack: Stack, accepted: str | None, language: str
) -> None:
    headers = {"Accept-Language": accepted} if accepted else {}
    page = requests.get(f"{stack.http_url}/driver/", headers=headers, timeout=_TIMEOUT_S)
    assert f'<html lang="{language}">' in page.text
    told = {"accept-language": {"value": accepted}} if accepted else {}
    event = json.dumps({"request": {"uri": "/driver/", "headers": told}})
    led = json.loads(quickjs.Context().eval(f"{LEADS}; JSON.stringify(handler({event}))"))
    assert led["uri"] == f"/driver/index.{language}.html"


def test_a_long_answer_of_the_api_is_packed_for_who_can_read_that_as_api_gateway_does(network: World) -> None:
    url = f"{network.stack.http_url}/v1/openapi.json"
    packed = requests.get(url, headers={"Accept-Encoding": "gzip"}, timeout=_TIMEOUT_S)
    plain = requests.get(url, headers={"Accept-Encoding": "identity"}, timeout=_TIMEOUT_S)
    assert (packed.headers["Content-Encoding"], packed.json()) == ("gzip", plain.json())
    assert "Content-Encoding" not in plain.headers
    assert int(packed.headers["Content-Length"]) * 5 < int(plain.headers["Content-Length"])


@pytest.mark.parametrize(
    "path", ["driver/none.js", "vendor/lock.json/x", "driver/%2e%2e/%2e%2e/app.py", "driver/..%2f..%2fapp.py"]
)
def test_what_is_no_file_of_the_apps_is_not_found(stack: Stack, path: str) -> None:
    assert requests.get(f"{stack.http_url}/{path}", timeout=_TIMEOUT_S).status_code == 404


def test_a_browser_may_give_the_local_stripe_a_card_and_nothing_else(stack: Stack) -> None:
    for path in ("v1/customers", "v1/refunds", "v1/payment_intents/pi_1/capture", "v1/_disputes"):
        told = requests.post(f"{stack.http_url}/local/stripe/{path}", data={"key": "pk_test_kerb"}, timeout=_TIMEOUT_S)
        assert told.status_code == 403, path


def test_at_the_demos_chargers_a_car_comes_when_somebody_asks_to_start(
    network: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    # All are gone in the end, on a slow machine too; and nobody here waits for a car as drivers do.
    monkeypatch.setattr("local.street._STOP_TIMEOUT_S", PATIENCE_S)
    monkeypatch.setattr("local.street._COMES_AFTER_S", 0.1)
    with Street(network.stack, Network(network.operator, network.driver)):
        network.until_online(DEMO_CHARGER)
        session_id = network.driver.begin(DEMO_CHARGER)["session_id"]
        network.driver.until(session_id, lambda it: it["state"] == "active")
        network.driver.end(session_id)
        network.driver.until(session_id, lambda it: it["state"] == "completed")


def test_a_deployment_puts_each_file_with_its_type_and_age_and_tells_pages_where_the_api_is() -> None:
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket="web")
        outputs = {"WebBucketName": "web", "ApiUrl": "https://api.example.com/api", "MapHome": "48.2,-16.37"}
        assert publish(outputs) == len(list(files())) - 1 + len(LANGUAGES)
        page = s3.get_object(Bucket="web", Key="driver/index.en.html")
        assert (page["ContentType"], page["CacheControl"]) == ("text/html; charset=utf-8", "no-cache")
        assert "immutable" in s3.get_object(Bucket="web", Key="vendor/leaflet-1.9.4/leaflet.js")["CacheControl"]
        german = s3.get_object(Bucket="web", Key="driver/index.de.html")["Body"].read().decode()
        assert '<html lang="de">' in german
        assert "/driver/words/de.js" in german
        assert "/driver/words/en.js" not in german
        assert settings_of(page["Body"].read().decode()) == {
            "api": "https://api.example.com/api",
            "stripe": "real",
            "home": {"lat": 48.2, "lng": -16.37},
        }
