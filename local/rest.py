"""Every REST request reaches the app as API Gateway would hand it over, through Chalice's own local gateway.

Authorizers, CORS, binary bodies and errors are therefore Chalice's; this file adds the socket, the threads, and what
`chalice local` leaves out of events and failures. The same server answers the `@connections` calls of boto3, and
serves documents that another AWS service would publish (a user pool's keys). Both have threads of their own: views
call them while they hold a thread, and must never wait for one another.
"""

import asyncio
import base64
import json
import logging
import os
import time
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from aiohttp import web
from chalice.app import Chalice
from chalice.config import Config
from chalice.local import (
    InvalidAuthorizerError,
    LambdaEventConverter,
    LocalGateway,
    LocalGatewayAuthorizer,
    LocalGatewayException,
    NotAuthorizedError,
    RouteMatcher,
)
from multidict import CIMultiDict

from infrastructure.rest import METHOD_NOT_ALLOWED, PACKED_FROM_BYTES, REFUSALS, allowed, problem
from local.context import LambdaContext, isolate_invocations
from local.gateway import Gateway, Gone, PayloadTooLarge, Throttled
from local.signature import is_signed
from local.web import WebDoor

log = logging.getLogger(__name__)

REQUEST_BYTES = 10 * 1024 * 1024  # API Gateway's limit for a payload
STOP_TIMEOUT_S = 5.0

Event = dict[str, Any]


def process_credentials() -> tuple[str, str]:
    """The access key that whoever runs in this process signs with."""
    return os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]


class RestServer:
    """Serves the app's routes, the gateway's `@connections` and some documents, on one port.

    `documents` maps exact GET paths to functions that return a JSON document. The integration limit is the gateway's
    (`Limits.handler_s`, 29 s on AWS). `credentials` tells the access key (id, secret) that may call `@connections`.
    `viewers` is the browsers' gateway, whose sockets are at `/live/@connections`. `files` finds those under `/log/`.
    `apps` are the pages that people open.
    """

    def __init__(
        self,
        app: Chalice,
        gateway: Gateway,
        documents: Mapping[str, Callable[[], dict[str, Any]]] = {},
        workers: int = 32,
        credentials: Callable[[], tuple[str, str]] = process_credentials,
        viewers: Gateway | None = None,
        files: Callable[[str], tuple[bytes, str] | None] | None = None,
        apps: WebDoor | None = None,
    ) -> None:
        isolate_invocations(app)
        self.port = 0
        self._gateway = gateway
        self._viewers = viewers
        self._documents = documents
        self._credentials = credentials
        self._files = files
        self._apps = apps
        self._api = _Api(app, gateway.limits.handler_s)
        self._views = ThreadPoolExecutor(workers, thread_name_prefix="rest")
        self._aws = ThreadPoolExecutor(workers, thread_name_prefix="rest-aws")
        self._runner: web.AppRunner | None = None

    async def start(self, host: str, port: int) -> None:
        """Listen; port 0 picks a free one, which `port` then tells. Raises OSError when the port is taken."""
        server = web.Application(client_max_size=REQUEST_BYTES)
        server.router.add_route("*", "/@connections/{connection_id}", self._serve_connection)
        if self._viewers is not None:
            server.router.add_route("*", "/live/@connections/{connection_id}", self._serve_connection)
        for path in self._documents:
            server.router.add_get(path, self._serve_document)
        if self._files is not None:
            server.router.add_get("/log/{path:.+}", self._serve_file)
        if self._apps is not None:
            self._apps.open(server)
        server.router.add_route("*", "/{path:(?s:.*)}", self._serve_view)
        self._runner = web.AppRunner(server, access_log=None, shutdown_timeout=STOP_TIMEOUT_S)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, host, port, backlog=1024).start()
        except OSError:
            await self._runner.cleanup()
            raise
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Stop listening and give running requests a bounded time."""
        if self._runner is not None:
            await self._runner.cleanup()
        self._views.shutdown(wait=False, cancel_futures=True)
        self._aws.shutdown(wait=False, cancel_futures=True)

    async def _serve_view(self, request: web.Request) -> web.Response:
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            return _refusal("REQUEST_TOO_LARGE")
        headers = {name.lower(): value for name, value in request.headers.items()}
        try:
            async with asyncio.timeout(self._gateway.limits.handler_s):
                answer = await asyncio.get_running_loop().run_in_executor(
                    self._views, self._call_view, request.method, request.raw_path, headers, body or None
                )
                return _packed(answer, headers.get("accept-encoding", ""))
        except TimeoutError:
            return _refusal("INTEGRATION_TIMEOUT")

    def _call_view(self, method: str, path: str, headers: dict[str, str], body: bytes | None) -> web.Response:
        if path.startswith("//"):
            # Chalice takes what follows for a host (RFC 3986 4.2), API Gateway for a path that is no resource.
            return _refusal("MISSING_AUTHENTICATION_TOKEN")
        methods = self._api.methods(path)
        if methods and method not in (*methods, "OPTIONS"):
            return _problem(*METHOD_NOT_ALLOWED, {"Allow": allowed(methods)})
        try:
            answer = self._api.handle_request(method, path, headers, body)
            json.dumps(answer)  # Lambda answers in JSON: bytes that nobody encoded fail here as they do there
        except LocalGatewayException as refusal:
            return _refusal(_reason(refusal), refusal.headers)
        except Exception:
            log.exception("%s %s failed", method, path.partition("?")[0])
            return _refusal("INTEGRATION_FAILURE")
        body = answer["body"]
        if answer.get("isBase64Encoded"):
            body = base64.b64decode(answer["body"])
        return _response(answer["statusCode"], answer["headers"] | answer["multiValueHeaders"], body)

    async def _serve_document(self, request: web.Request) -> web.Response:
        document = await asyncio.get_running_loop().run_in_executor(self._aws, self._documents[request.path])
        return web.json_response(document)

    async def _serve_file(self, request: web.Request) -> web.Response:
        """The log's files, which CloudFront serves on AWS."""
        files = self._files or (lambda _: None)
        found = await asyncio.get_running_loop().run_in_executor(self._aws, files, request.path.removeprefix("/"))
        if found is None:
            return web.Response(status=404)
        return web.Response(body=found[0], headers={"Content-Type": found[1]})

    async def _serve_connection(self, request: web.Request) -> web.Response:
        """`@connections`, in the shapes botocore reads. Only who signs with this account's key is heard."""
        calls = {"POST": _post, "GET": _describe, "DELETE": _delete}
        gateway = (self._viewers if request.path.startswith("/live/") else None) or self._gateway
        claims_to_be_signed = request.headers.get("Authorization", "").startswith("AWS4-HMAC-SHA256")
        if not claims_to_be_signed or request.method not in calls:
            return _failure(403, "Missing Authentication Token", "MissingAuthenticationTokenException")
        body = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        if not is_signed(request.method, request.raw_path, headers, body, self._credentials(), datetime.now(UTC)):
            return _failure(403, "The request signature does not match", "InvalidSignatureException")
        return await asyncio.get_running_loop().run_in_executor(
            self._aws, _call_gateway, calls[request.method], gateway, request.match_info["connection_id"], body
        )


def _call_gateway(
    call: Callable[[Gateway, str, bytes], web.Response], gateway: Gateway, connection_id: str, body: bytes
) -> web.Response:
    try:
        return call(gateway, connection_id, body)
    except Gone:
        return _failure(410, None, "GoneException")
    except Throttled as error:
        return _failure(429, str(error), "LimitExceededException")
    except PayloadTooLarge as error:
        return _failure(413, str(error), "PayloadTooLargeException")
    except UnicodeDecodeError:
        return _failure(400, "Invalid text", "BadRequestException")


def _post(gateway: Gateway, connection_id: str, body: bytes) -> web.Response:
    gateway.post(connection_id, body.decode())
    return web.Response()


def _describe(gateway: Gateway, connection_id: str, _: bytes) -> web.Response:
    return web.json_response(gateway.describe(connection_id))


def _delete(gateway: Gateway, connection_id: str, _: bytes) -> web.Response:
    gateway.delete(connection_id)
    return web.Response(status=204)


class _Api(LocalGateway):
    """Chalice's local gateway; its own parts replaced where AWS acts differently. Holds nothing of a request."""

    def __init__(self, app: Chalice, timeout_s: float) -> None:
        super().__init__(app, Config())
        self._routes, self._app_routes = RouteMatcher(list(app.routes)), app.routes
        self.event_converter = _EventConverter(RouteMatcher(list(app.routes)), app.api.binary_types)
        self._authorizer = _Authorizer(app)
        self._timeout_s = timeout_s

    def methods(self, path: str) -> list[str]:
        """Those of the route that a path leads to; none where there is no route."""
        try:
            route = self._routes.match_route(path).route
        except ValueError:
            return []
        return list(self._app_routes[route])

    def _generate_lambda_context(self) -> LambdaContext:  # type: ignore[override]  # another class of this shape
        return LambdaContext("api_handler", self._timeout_s)


class _EventConverter(LambdaEventConverter):
    """Adds what API Gateway's events hold beyond Chalice's: ids, times and a body that is text."""

    def create_lambda_event(self, method: str, path: str, headers: dict[str, str], body: bytes | None = None) -> Event:
        event = super().create_lambda_event(method, path, headers, body)
        context = event["requestContext"]
        request_id = str(uuid.uuid4())
        context |= {
            "requestId": request_id,
            "extendedRequestId": request_id,
            "requestTimeEpoch": int(time.time() * 1000),
            "accountId": "123456789012",
            "apiId": "local",
            "stage": "local",
            "protocol": "HTTP/1.1",
        }
        context["identity"]["userAgent"] = headers.get("user-agent")
        query = event["multiValueQueryStringParameters"]
        event |= {
            "httpMethod": method,
            "path": context["path"],
            "resource": context["resourcePath"],
            "queryStringParameters": query and {name: values[-1] for name, values in query.items()},
        }
        # Chalice keeps what it captured while trying other routes.
        captured = event["pathParameters"]
        event["pathParameters"] = {
            name: value for name, value in captured.items() if f"{{{name}}}" in context["resourcePath"]
        } or None
        event.setdefault("isBase64Encoded", False)
        if isinstance(event["body"], bytes):
            event["body"] = event["body"].decode(errors="replace")
        return event


class _Authorizer(LocalGatewayAuthorizer):
    """Answers for an authorizer that fails, as API Gateway does: 401 if it raised "Unauthorized", otherwise 500."""

    def authorize(self, raw_path: str, lambda_event: Event, lambda_context: Any) -> tuple[Event, Any]:
        headers = {"x-amzn-RequestId": lambda_context.aws_request_id}
        try:
            event, context = super().authorize(raw_path, lambda_event, lambda_context)
        except LocalGatewayException:
            raise
        except Exception as error:
            if str(error) == "Unauthorized":
                raise NotAuthorizedError(headers, b'{"message":"Unauthorized"}') from error
            log.exception("authorizer failed")
            raise InvalidAuthorizerError(headers, b'{"message":null}') from error
        if granted := event["requestContext"].get("authorizer"):
            # Values reach the view as text: True becomes "true".
            event["requestContext"]["authorizer"] = {
                name: value if isinstance(value, str) else json.dumps(value) for name, value in granted.items()
            }
        return event, context


def _response(status: int, headers: Mapping[str, Any], body: str | bytes | None) -> web.Response:
    fields: CIMultiDict[str] = CIMultiDict({"Content-Type": "application/json"} if body is not None else {})
    for name in headers:
        fields.popall(name, None)
    for name, value in headers.items():
        for item in value if isinstance(value, list) else [value]:
            fields.add(name, str(item))
    fields.popall("Content-Length", None)  # aiohttp counts for itself
    return web.Response(status=status, headers=fields, body=body.encode() if isinstance(body, str) else body)


def _packed(answer: web.Response, accepted: str) -> web.Response:
    if "gzip" in accepted and isinstance(answer.body, bytes) and len(answer.body) >= PACKED_FROM_BYTES:
        answer.enable_compression(web.ContentCoding.gzip)
    return answer


def _reason(refusal: LocalGatewayException) -> str:
    """API Gateway's name for what Chalice's gateway refuses."""
    if refusal.CODE == HTTPStatus.UNAUTHORIZED:
        return "UNAUTHORIZED"
    if refusal.CODE == HTTPStatus.FORBIDDEN:
        body = refusal.body or b""
        if b"Authorization header requires 'Credential'" in body:
            return "INVALID_SIGNATURE"
        return "MISSING_AUTHENTICATION_TOKEN" if b"Missing Authentication Token" in body else "ACCESS_DENIED"
    return "AUTHORIZER_FAILURE"


def _refusal(reason: str, headers: Mapping[str, Any] = {}) -> web.Response:
    """What API Gateway answers by itself, in the words that are deployed with it."""
    return _problem(*REFUSALS[reason], headers)


def _problem(status: int, code: str, detail: str, headers: Mapping[str, Any] = {}) -> web.Response:
    told = {**headers, "Content-Type": "application/problem+json", "Access-Control-Allow-Origin": "*"}
    return _response(status, told, json.dumps(problem(status, code, detail)))


def _failure(status: int, message: str | None, error_type: str = "") -> web.Response:
    """An answer of API Gateway itself; botocore reads the exception's name from the header."""
    headers = {"x-amzn-ErrorType": error_type} if error_type else {}
    return _response(status, headers, None if message is None else json.dumps({"message": message}))
