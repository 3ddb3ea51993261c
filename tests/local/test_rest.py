"""The app over HTTP, and `@connections` as boto3 calls it, over real sockets."""

import asyncio
import io
import socket
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import boto3
import botocore.auth
import pytest
import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config as BotoConfig
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from chalice.app import (
    AuthResponse,
    BadRequestError,
    Blueprint,
    Chalice,
    CORSConfig,
    LambdaFunctionEvent,
    NotFoundError,
    Response,
)
from moto import mock_aws
from mypy_boto3_apigatewaymanagementapi.client import ApiGatewayManagementApiClient
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from yarl import URL

from local.context import LambdaContext, isolate_invocations
from local.gateway import Gateway, Hooks, Limits
from local.rest import RestServer
from tests.local import in_loop, wait_for


@dataclass
class Site:
    """The two servers, a browser, and what the gateway's hooks saw."""

    rest: RestServer
    gateway: Gateway
    http: aiohttp.ClientSession
    connection_ids: list[str]

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.rest.port}{path}"

    def charger(self) -> connect:
        return connect(f"ws://127.0.0.1:{self.gateway.port}/ocpp/CP-1", proxy=None, open_timeout=60)


@asynccontextmanager
async def serving(
    app: Chalice, documents: dict[str, Callable[[], Any]] | None = None, workers: int = 32, handler_s: float = 29
) -> AsyncIterator[Site]:
    connection_ids: list[str] = []

    def on_connect(event: Any, context: Any) -> Any:
        connection_ids.append(event["requestContext"]["connectionId"])
        return {"statusCode": 200}

    gateway = Gateway(Hooks(on_connect, lambda *_: None, lambda *_: None), Limits(handler_s=handler_s))
    rest = RestServer(app, gateway, documents or {}, workers, lambda: ("testing", "testing"))
    await gateway.start("127.0.0.1", 0)
    await rest.start("127.0.0.1", 0)
    try:
        async with aiohttp.ClientSession() as http:
            yield Site(rest, gateway, http, connection_ids)
    finally:
        await rest.stop()
        await gateway.stop()


def management(port: int) -> ApiGatewayManagementApiClient:
    return boto3.client(
        "apigatewaymanagementapi",
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name="us-east-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        config=BotoConfig(retries={"max_attempts": 1}),
    )


def current(app: Chalice) -> Any:
    """The current request, typed for tests: Chalice says it may be None."""
    return app.current_request


def charging_app() -> Chalice:
    """A small app with one of everything that API Gateway or Chalice treats specially."""
    app = Chalice("charging", configure_logs=False)

    @app.authorizer()
    def drivers(request: Any) -> AuthResponse:
        if request.token == "Bearer broken":
            raise RuntimeError("keys are gone")
        if request.token == "Bearer expired":
            raise PermissionError("Unauthorized")
        routes: dict[str, list[Any]] = {"Bearer ada": ["*"], "Bearer bob": ["/v1/elsewhere"]}
        grants: dict[str, Any] = {"operator": True, "level": 3}
        return AuthResponse(routes.get(request.token, []), principal_id=request.token, context=grants)

    @app.route(
        "/v1/me", authorizer=drivers, methods=["GET", "DELETE"], cors=CORSConfig(allow_origin="https://kerb.app")
    )
    def me() -> Any:
        return current(app).context["authorizer"]

    @app.route("/v1/echo", methods=["GET", "POST", "OPTIONS"], content_types=["application/json", "text/plain"])
    def echo() -> Any:
        request = current(app)
        return {
            "body": request.raw_body.decode(),
            "query": {name: request.query_params.getlist(name) for name in request.query_params or {}},
            "agent": request.headers["USER-AGENT"],
            "event": {k: v for k, v in request.to_original_event().items() if k not in ("headers", "requestContext")},
            "context": request.context,
        }

    @app.route("/v1/sites/{site}/chargers/{charger}")
    def charger(site: str, charger: str) -> Any:
        return {"site": site, "charger": charger, "uri_params": current(app).uri_params}

    @app.route("/v1/sites/{other}/sessions/{session}")
    def session(other: str, session: str) -> Any:
        return {"uri_params": current(app).uri_params}

    @app.route("/v1/photo", methods=["POST"], content_types=["image/png"])
    def photo() -> Any:
        return Response(current(app).raw_body[::-1], headers={"Content-Type": "image/png"})

    @app.route("/v1/fail/{how}")
    def fail(how: str) -> Any:
        if how == "bad":
            raise BadRequestError("no such tariff")
        if how == "missing":
            raise NotFoundError("no such charger")
        if how == "bytes":
            return Response(b"\xff", headers={"Content-Type": "text/plain"})
        raise RuntimeError("secret detail")

    @app.route("/v1/cookies")
    def cookies() -> Any:
        return Response("", status_code=302, headers={"Set-Cookie": ["a=1", "b=2"], "Location": "/v1/me"})

    return app


# Requests


@in_loop
async def test_view_sees_method_body_headers_and_query_as_api_gateway_sends_them() -> None:
    async with serving(charging_app()) as site:
        url = site.url("/v1/echo?tag=a%20b&tag=c%26d&empty=")
        async with site.http.post(url, data="é".encode(), headers={"Content-Type": "text/plain"}) as answer:
            seen = await answer.json()
        assert seen["body"] == "é"
        assert seen["query"] == {"tag": ["a b", "c&d"], "empty": [""]}
        assert "aiohttp" in seen["agent"]
        assert seen["event"]["httpMethod"] == "POST"
        assert seen["event"]["path"] == "/v1/echo"
        assert seen["event"]["queryStringParameters"] == {"tag": "c&d", "empty": ""}
        assert seen["event"]["body"] == "é"
        assert seen["event"]["isBase64Encoded"] is False
        assert seen["event"]["pathParameters"] is None
        assert seen["context"]["resourcePath"] == "/v1/echo"
        assert {"requestId", "stage", "apiId", "requestTimeEpoch"} <= seen["context"].keys()


@in_loop
async def test_request_without_a_query_or_body_has_none() -> None:
    async with serving(charging_app()) as site, site.http.get(site.url("/v1/echo")) as answer:
        event = (await answer.json())["event"]
        assert event["body"] is None
        assert event["queryStringParameters"] is None
        assert event["multiValueQueryStringParameters"] is None


@in_loop
async def test_path_parameters_stay_percent_encoded_as_on_aws() -> None:
    async with serving(charging_app()) as site:
        path = "/v1/sites/S-1/chargers/CP%2A1%2Fa"
        async with site.http.get(URL(site.url(path), encoded=True)) as answer:
            seen = await answer.json()
        assert (seen["site"], seen["charger"]) == ("S-1", "CP%2A1%2Fa")


@in_loop
async def test_parameters_of_other_routes_do_not_leak_in() -> None:
    async with serving(charging_app()) as site, site.http.get(site.url("/v1/sites/S-1/chargers/CP-1")) as answer:
        assert (await answer.json())["uri_params"] == {"site": "S-1", "charger": "CP-1"}


@in_loop
async def test_binary_bodies_pass_both_ways() -> None:
    headers = {"Content-Type": "image/png", "Accept": "image/png"}
    async with (
        serving(charging_app()) as site,
        site.http.post(site.url("/v1/photo"), data=b"\x00\x01\xff", headers=headers) as answer,
    ):
        assert await answer.read() == b"\xff\x01\x00"
        assert answer.headers["Content-Type"] == "image/png"


@in_loop
async def test_redirect_and_repeated_headers_reach_the_client() -> None:
    async with (
        serving(charging_app()) as site,
        site.http.get(site.url("/v1/cookies"), allow_redirects=False) as answer,
    ):
        assert answer.status == 302
        assert answer.headers["Location"] == "/v1/me"
        assert answer.headers.getall("Set-Cookie") == ["a=1", "b=2"]


@in_loop
async def test_preflight_is_answered_from_the_apps_own_cors_and_without_the_authorizer() -> None:
    async with serving(charging_app()) as site:
        headers = {"Origin": "https://kerb.app", "Access-Control-Request-Method": "DELETE"}
        async with site.http.options(site.url("/v1/me"), headers=headers) as answer:
            assert answer.status == 200
            assert answer.headers["Access-Control-Allow-Origin"] == "https://kerb.app"
            assert "DELETE" in answer.headers["Access-Control-Allow-Methods"]
        async with site.http.get(site.url("/v1/me"), headers={"Authorization": "Bearer ada"}) as answer:
            assert answer.headers["Access-Control-Allow-Origin"] == "https://kerb.app"
        async with site.http.options(site.url("/v1/echo")) as answer:  # a view of its own
            assert (await answer.json())["event"]["httpMethod"] == "OPTIONS"


# Authorizer


@pytest.mark.parametrize(
    ("token", "status"),
    [
        (None, 401),
        ("Bearer ada", 200),
        ("Bearer bob", 403),
        ("Bearer eve", 403),
        ("Bearer expired", 401),
        ("Bearer broken", 500),
    ],
)
def test_authorizer_decides(token: str | None, status: int, caplog: pytest.LogCaptureFixture) -> None:
    @in_loop
    async def story() -> None:
        headers = {"Authorization": token} if token else {}
        async with serving(charging_app()) as site, site.http.get(site.url("/v1/me"), headers=headers) as answer:
            assert answer.status == status
            assert "keys are gone" not in await answer.text()

    story()
    assert ("authorizer failed" in caplog.text) == (status == 500)


@in_loop
async def test_what_the_authorizer_granted_reaches_the_view_as_text() -> None:
    async with (
        serving(charging_app()) as site,
        site.http.get(site.url("/v1/me"), headers={"authorization": "Bearer ada"}) as answer,
    ):
        assert await answer.json() == {"principalId": "Bearer ada", "operator": "true", "level": "3"}


# Failures


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("/v1/fail/bad", 400, "no such tariff"),
        ("/v1/fail/missing", 404, "no such charger"),
        ("/v1/fail/crash", 500, "An internal server error occurred."),
        ("/v1/fail/bytes", 502, "something went wrong on our side"),
        ("/v1/nowhere", 404, "there is no such route"),
        ("/", 404, "there is no such route"),
    ],
)
def test_failures_have_api_gateways_status_and_no_trace(path: str, status: int, text: str) -> None:
    @in_loop
    async def story() -> None:
        async with serving(charging_app()) as site, site.http.get(site.url(path)) as answer:
            body = await answer.text()
            assert answer.status == status
            assert text in body
            assert "secret detail" not in body
            assert "Traceback" not in body
            assert answer.headers["Content-Type"].startswith(("application/json", "application/problem+json"))

    story()


@in_loop
async def test_method_without_a_view_is_not_allowed() -> None:
    async with serving(charging_app()) as site:
        async with site.http.put(site.url("/v1/me")) as answer:
            assert answer.status == 405
            assert answer.headers["Content-Type"] == "application/problem+json"
            assert answer.headers["Allow"] == "DELETE, GET, OPTIONS"
            assert (await answer.json(content_type=None))["type"] == "urn:kerb:problem:method_not_allowed"
        async with site.http.head(site.url("/v1/fail/bad")) as answer:
            assert answer.status == 405
            assert await answer.read() == b""


@in_loop
async def test_unsupported_media_type_is_refused() -> None:
    async with (
        serving(charging_app()) as site,
        site.http.post(site.url("/v1/echo"), data=b"<a/>", headers={"Content-Type": "text/xml"}) as answer,
    ):
        assert answer.status == 415


@in_loop
async def test_payload_over_ten_megabytes_is_refused() -> None:
    async with serving(charging_app()) as site:
        body, headers = io.BytesIO(b"x" * (10 * 1024 * 1024 + 1)), {"Content-Type": "text/plain"}
        async with site.http.post(site.url("/v1/echo"), data=body, headers=headers) as answer:
            assert answer.status == 413
            assert answer.headers["Content-Type"] == "application/problem+json"
            assert (await answer.json(content_type=None))["type"] == "urn:kerb:problem:too_large"


@in_loop
async def test_view_over_the_integration_limit_is_a_504_and_others_still_run() -> None:
    app, release = charging_app(), threading.Event()

    @app.route("/v1/slow")
    def slow() -> Any:
        release.wait(60)
        return {}

    async with serving(app, handler_s=0.2) as site:
        async with site.http.get(site.url("/v1/slow")) as answer:
            assert answer.status == 504
            assert (await answer.json())["detail"] == "this took too long; try again"
        # Others have all the time that they take on this machine.
        site.gateway.limits = Limits()
        async with site.http.get(site.url("/v1/echo")) as answer:
            assert answer.status == 200
        release.set()


# Many at once


@in_loop
async def test_concurrent_requests_do_not_mix_up_the_current_request() -> None:
    app, blueprint = Chalice("charging", configure_logs=False), Blueprint(__name__)
    together = threading.Barrier(16)

    @blueprint.route("/v1/who/{number}")
    def who(number: str) -> Any:
        before = blueprint.current_request.headers["x-number"]
        context = app.lambda_context.aws_request_id
        together.wait(60)  # all sixteen are inside this view now
        request: Any = blueprint.current_request
        return [
            number,
            before,
            request.headers["x-number"],
            request.uri_params["number"],
            app.lambda_context.aws_request_id == context == request.lambda_context.aws_request_id,
        ]

    app.register_blueprint(blueprint)
    async with serving(app) as site:

        async def ask(number: int) -> Any:
            async with site.http.get(site.url(f"/v1/who/{number}"), headers={"X-Number": str(number)}) as answer:
                return await answer.json()

        for _ in range(5):
            answers = await asyncio.gather(*(ask(number) for number in range(16)))
            assert answers == [[str(number)] * 4 + [True] for number in range(16)]


def test_two_apps_in_one_process_keep_their_requests_apart() -> None:
    one, two = Chalice("one", configure_logs=False), Chalice("two", configure_logs=False)
    for app in (one, two, one):
        isolate_invocations(app)
    one.current_request, two.current_request = "request of one", "request of two"  # type: ignore[assignment]
    assert current(one) == "request of one"
    assert current(two) == "request of two"
    assert isinstance(one, Chalice)


def test_two_first_calls_at_once_both_run_through_the_middleware() -> None:
    app = Chalice("charging", configure_logs=False)
    seen: list[str] = []

    @app.middleware("all")
    def count(event: Any, get_response: Callable[[Any], Any]) -> Any:
        seen.append("passed")
        return get_response(event)

    @app.lambda_function()
    def settle(event: LambdaFunctionEvent, context: Any) -> Any:
        return "settled"

    isolate_invocations(app)
    settle({}, LambdaContext("settle", 3))
    settle.handler = None  # what another thread saw that called before the first had built its chain
    settle({}, LambdaContext("settle", 3))
    assert seen == ["passed"] * 2


# Documents and @connections


@in_loop
async def test_documents_are_served_as_json_without_the_app() -> None:
    documents = {"/pool/.well-known/jwks.json": lambda: {"keys": [{"kid": "1"}]}}
    async with serving(charging_app(), documents) as site:
        async with site.http.get(site.url("/pool/.well-known/jwks.json")) as answer:
            assert await answer.json() == {"keys": [{"kid": "1"}]}
        async with site.http.post(site.url("/pool/.well-known/jwks.json")) as answer:
            assert answer.status == 404
        async with site.http.get(site.url("/pool/.well-known/")) as answer:
            assert answer.status == 404


@pytest.mark.parametrize("mocked", [False, True])
def test_boto3_posts_describes_and_deletes_also_while_moto_mocks_aws(mocked: bool) -> None:
    def call(site: Site) -> tuple[Any, int]:
        client, connection_id = management(site.rest.port), site.connection_ids[0]
        client.post_to_connection(ConnectionId=connection_id, Data="à bientôt".encode())
        described = client.get_connection(ConnectionId=connection_id)
        deleted = client.delete_connection(ConnectionId=connection_id)
        with pytest.raises(client.exceptions.GoneException):
            client.post_to_connection(ConnectionId=connection_id, Data=b"anyone there?")
        with pytest.raises(client.exceptions.GoneException):
            client.get_connection(ConnectionId=connection_id)
        with pytest.raises(client.exceptions.GoneException):
            client.delete_connection(ConnectionId=connection_id)
        return described, deleted["ResponseMetadata"]["HTTPStatusCode"]

    @in_loop
    async def story() -> None:
        async with serving(charging_app()) as site, site.charger() as charger:
            described, status = await asyncio.to_thread(call, site)
            assert await charger.recv() == "à bientôt"
            with pytest.raises(ConnectionClosed):
                await charger.recv()
            assert charger.close_code == 1000
            assert status == 204
            assert described["Identity"]["SourceIp"] == "127.0.0.1"
            assert described["ConnectedAt"].tzinfo is not None

    if mocked:
        with mock_aws():
            story()
    else:
        story()


@in_loop
async def test_boto3_sees_payload_too_large_and_bad_text() -> None:
    async with serving(charging_app()) as site, site.charger():
        client, connection_id = management(site.rest.port), site.connection_ids[0]

        def post(data: bytes) -> str:
            with pytest.raises(ClientError) as refused:
                client.post_to_connection(ConnectionId=connection_id, Data=data)
            return refused.value.response["Error"]["Code"]

        assert await asyncio.to_thread(post, b"x" * 131_073) == "PayloadTooLargeException"
        assert await asyncio.to_thread(post, b"\xff") == "BadRequestException"


@pytest.mark.parametrize("authorization", [None, "Bearer ada"])
def test_connections_calls_need_a_signature(authorization: str | None) -> None:
    @in_loop
    async def story() -> None:
        async with serving(charging_app()) as site, site.charger():
            url = site.url(f"/@connections/{site.connection_ids[0]}")
            headers = {"Authorization": authorization} if authorization else {}
            for method in ("POST", "GET", "DELETE"):
                async with site.http.request(method, url, headers=headers) as answer:
                    assert answer.status == 403
                    assert answer.headers["x-amzn-ErrorType"] == "MissingAuthenticationTokenException"

    story()


@pytest.mark.parametrize(
    ("key_id", "secret", "age_s", "change"),
    [
        ("testing", "guessed", 0, {}),
        ("another", "testing", 0, {}),
        ("testing", "testing", 3600, {}),
        ("testing", "testing", 0, {"data": b"another"}),
        ("testing", "testing", 0, {"method": "DELETE"}),
        ("testing", "testing", 0, {"path": "/@connections/other"}),
    ],
    ids=["secret", "key", "old", "body", "method", "connection"],
)
def test_connections_calls_need_the_signature_of_this_very_call(
    key_id: str, secret: str, age_s: int, change: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    signed_at = datetime.now(UTC) - timedelta(seconds=age_s)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: signed_at)

    @in_loop
    async def story() -> None:
        async with serving(charging_app()) as site, site.charger():
            path = f"/@connections/{site.connection_ids[0]}"
            call = AWSRequest("POST", site.url(path), data=b"hello")
            SigV4Auth(Credentials(key_id, secret), "execute-api", "us-east-1").add_auth(call)
            url = site.url(change.get("path", path))
            headers = dict(call.headers.items())
            method, data = change.get("method", "POST"), change.get("data", b"hello")
            async with site.http.request(method, url, headers=headers, data=data) as answer:
                assert answer.status == 403
                assert answer.headers["x-amzn-ErrorType"] == "InvalidSignatureException"

    story()


@in_loop
async def test_views_that_call_back_into_the_server_do_not_wait_for_one_another() -> None:
    app = Chalice("charging", configure_logs=False)

    @app.authorizer()
    def drivers(request: Any) -> AuthResponse:
        keys = requests.get(f"http://127.0.0.1:{port}/keys", timeout=60).json()
        return AuthResponse(routes=["*"] if keys else [], principal_id="ada")

    @app.route("/v1/start", methods=["POST"], authorizer=drivers)
    def start() -> Any:
        management(port).post_to_connection(ConnectionId=site.connection_ids[0], Data=b"start")
        return {}

    async with serving(app, {"/keys": lambda: {"keys": ["1"]}}, workers=1) as site, site.charger() as charger:
        port = site.rest.port
        headers = {"Authorization": "Bearer ada"}

        async def ask() -> int:
            async with site.http.post(site.url("/v1/start"), json={}, headers=headers) as answer:
                return answer.status

        assert set(await asyncio.gather(ask(), ask(), ask())) == {200}
        assert [await charger.recv() for _ in range(3)] == ["start"] * 3


# Stopping


@in_loop
async def test_stop_lets_a_running_request_finish() -> None:
    app, started = Chalice("charging", configure_logs=False), threading.Event()

    @app.route("/v1/slow")
    def slow() -> Any:
        started.set()
        threading.Event().wait(0.1)
        return {"done": True}

    async with serving(app) as site:

        async def ask() -> Any:
            async with site.http.get(site.url("/v1/slow")) as answer:
                return await answer.json()

        asking = asyncio.ensure_future(ask())
        await wait_for(started)
        await site.rest.stop()
        assert await asking == {"done": True}
        with pytest.raises(aiohttp.ClientConnectorError):
            await site.http.get(site.url("/v1/slow"))


@in_loop
async def test_taken_port_is_an_os_error() -> None:
    gateway = Gateway(Hooks(lambda *_: None, lambda *_: None, lambda *_: None))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        rest = RestServer(charging_app(), gateway)
        with pytest.raises(OSError, match="in use"):
            await rest.start("127.0.0.1", taken.getsockname()[1])
        await rest.stop()
