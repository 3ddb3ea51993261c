"""The tables' calls are signed as botocore signs them, and go to the host that its rules come to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore import auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import NoCredentialsError
from botocore.session import Session
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.adapters import signature
from chalicelib.adapters.client import TablesConnection
from tests.properties import IN_A_FIXTURE

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
PLAIN = "https://dynamodb.eu-west-1.amazonaws.com/"
LETTERS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20)
NAMES = st.text("abcXYZ-", min_size=1, max_size=12).map("x-{}".format)
# Among them such as proxies change on the way, which are never signed.
HEADERS = st.dictionaries(
    st.one_of(NAMES, st.sampled_from(["User-Agent", "X-Amzn-Trace-Id", "X-Amz-Target", "Host", "X-Amz-Date", "Date"])),
    st.lists(LETTERS, min_size=1, max_size=3).map("  ".join),
    max_size=5,
)
CREDENTIALS = st.builds(ReadOnlyCredentials, LETTERS, LETTERS, st.none() | LETTERS)


@pytest.fixture(autouse=True)
def at_noon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both signers look at one clock."""
    for module in (auth, signature):
        monkeypatch.setattr(module, "get_current_datetime", lambda: NOON)


def signed(by: type[auth.SigV4Auth], credentials: ReadOnlyCredentials, request: dict[str, Any]) -> dict[str, str]:
    made = AWSRequest(**request)
    by(credentials, "dynamodb", "eu-west-1").add_auth(made)
    return dict(made.headers.items())


@settings(suppress_health_check=IN_A_FIXTURE)
@given(
    credentials=CREDENTIALS,
    headers=HEADERS,
    body=st.binary() | st.just("text"),
    url=st.sampled_from([PLAIN, "http://127.0.0.1:8000/", "https://127.0.0.1:8443/", PLAIN + "?a=b", PLAIN + "a/../b"]),
    method=st.sampled_from(["POST", "GET"]),
)
def test_a_request_is_signed_as_botocore_signs_it(
    credentials: ReadOnlyCredentials, headers: dict[str, str], body: bytes | str, url: str, method: str
) -> None:
    request = {"method": method, "url": url, "headers": headers, "data": body}
    assert signed(signature.TablesSignature, credentials, request) == signed(auth.SigV4Auth, credentials, request)


def test_a_request_that_is_tried_again_is_signed_anew() -> None:
    request = AWSRequest(method="POST", url=PLAIN, headers={"X-Amz-Target": "GetItem"}, data=b"{}")
    for secret in ("old", "new"):
        signature.TablesSignature(ReadOnlyCredentials("id", secret, "token"), "dynamodb", "eu-west-1").add_auth(request)
    once = {"method": "POST", "url": PLAIN, "headers": {"X-Amz-Target": "GetItem"}, "data": b"{}"}
    assert dict(request.headers.items()) == signed(auth.SigV4Auth, ReadOnlyCredentials("id", "new", "token"), once)


def test_another_day_has_another_key(monkeypatch: pytest.MonkeyPatch) -> None:
    request = {"method": "POST", "url": PLAIN, "headers": {}, "data": b"{}"}
    credentials = ReadOnlyCredentials("id", "secret", None)
    signed(signature.TablesSignature, credentials, request)
    for module in (auth, signature):
        monkeypatch.setattr(module, "get_current_datetime", lambda: NOON + timedelta(days=1))
    assert signed(signature.TablesSignature, credentials, request) == signed(auth.SigV4Auth, credentials, request)


def test_nothing_is_signed_without_credentials() -> None:
    nobodys: Any = None
    with pytest.raises(NoCredentialsError):
        signed(signature.TablesSignature, nobodys, {"method": "POST", "url": PLAIN, "headers": {}, "data": b"{}"})


def sent(client: Any) -> Any:
    """What a client would send for a call."""
    found = []

    def note(request: Any, **_: Any) -> None:
        found.append(request)
        raise ConnectionError

    client.meta.events.register_first("before-send.dynamodb", note)
    with pytest.raises(ConnectionError):
        client._make_api_call("GetItem", {"TableName": "t", "Key": {"id": {"S": "1"}}})
    return found[0]


@pytest.mark.parametrize("region", ["eu-west-1", "us-gov-west-1", "cn-north-1", "eusc-de-east-1", "mx-central-1"])
def test_the_tables_client_asks_the_host_and_signs_as_botocores_own_does(
    region: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "of-nobody")
    ours = sent(TablesConnection(region=region).client)
    theirs = sent(Session().create_client("dynamodb", region))
    assert ours.url == theirs.url
    assert ours.headers["Authorization"] == theirs.headers["Authorization"]


def test_clients_of_other_services_keep_botocores_rules() -> None:
    tables = TablesConnection(region="eu-west-1")
    assert tables.client
    others: Any = tables.session.create_client("sqs", "eu-west-1")
    assert others._ruleset_resolver
