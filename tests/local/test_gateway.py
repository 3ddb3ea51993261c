"""A charger's side and a handler's side of the local gateway, over real sockets."""

import asyncio
import base64
import json
import logging
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from chalice.app import Chalice, WebsocketEvent
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from local.connection import Event, route_of
from local.context import LambdaContext
from local.gateway import Gateway, Gone, Hook, Hooks, Limits, PayloadTooLarge, Throttled
from local.gateway_faults import GatewayFault
from tests.local import in_loop, pass_time, soon, wait_for
from tests.patience import PATIENCE_S


@dataclass
class Backend:
    """Three hooks that remember what they were told; a test replaces the one it is about."""

    connect: Hook = lambda event, context: {"statusCode": 200}
    message: Hook = lambda event, context: {"statusCode": 200, "body": event["body"]}
    disconnect: Hook = lambda event, context: None
    connects: list[Event] = field(default_factory=list)
    messages: list[Event] = field(default_factory=list)
    disconnects: list[Event] = field(default_factory=list)

    def hooks(self) -> Hooks:
        def remembering(events: list[Event], hook: Hook) -> Hook:
            def run(event: Event, context: Any) -> Any:
                events.append(event)
                return hook(event, context)

            return run

        return Hooks(
            remembering(self.connects, self.connect),
            remembering(self.messages, self.message),
            remembering(self.disconnects, self.disconnect),
        )

    def connection_id(self) -> str:
        return str(self.connects[-1]["requestContext"]["connectionId"])


@asynccontextmanager
async def serving(backend: Backend, *faults: GatewayFault, **limits: Any) -> AsyncIterator[Gateway]:
    gateway = Gateway(backend.hooks(), Limits(**limits), faults)
    await gateway.start("127.0.0.1", 0)
    with pytest.MonkeyPatch.context() as patch:
        # What is under way as it stops is over in the end, on a slow machine too.
        patch.setattr("local.gateway.STOP_TIMEOUT_S", PATIENCE_S)
        try:
            yield gateway
        finally:
            await gateway.stop()


def charger(gateway: Gateway, path: str = "/ocpp/CP-1", **options: Any) -> connect:
    return connect(f"ws://127.0.0.1:{gateway.port}{path}", proxy=None, open_timeout=60, **options)


async def closed(client: ClientConnection) -> tuple[int | None, str | None]:
    """How the socket ended, as the charger saw it."""
    with suppress(ConnectionClosed):
        while True:
            await client.recv()
    return client.close_code, client.close_reason


HANDSHAKE = (
    b"GET /ocpp/CP-1 HTTP/1.1\r\nHost: kerb\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


async def raw_handshake(gateway: Gateway, *lines: str) -> tuple[str, str]:
    """Status line and headers that a client gets which writes its handshake by hand."""
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    try:
        writer.write(HANDSHAKE + "\r\n".join([*lines, "", ""]).encode())
        status, _, headers = (await reader.readuntil(b"\r\n\r\n")).decode().partition("\r\n")
        return status, headers
    finally:
        writer.close()


# Opening


@in_loop
async def test_connect_event_has_the_documented_shape() -> None:
    backend = Backend()
    async with serving(backend) as gateway, charger(gateway, "/ocpp/CP%2A1:a_b-c?site=7&tag=a&tag=b"):
        event = backend.connects[0]
        context = event["requestContext"]
        target = "/ocpp/CP%2A1:a_b-c?site=7&tag=a&tag=b"
        assert event["headers"]["X-Kerb-Target"] == target
        assert event["multiValueHeaders"]["X-Kerb-Target"] == [target]
        assert event["headers"]["Host"] == f"127.0.0.1:{gateway.port}"
        assert event["queryStringParameters"] == {"site": "7", "tag": "b"}
        assert event["multiValueQueryStringParameters"] == {"site": ["7"], "tag": ["a", "b"]}
        assert event["isBase64Encoded"] is False
        assert context["routeKey"] == "$connect"
        assert context["eventType"] == "CONNECT"
        assert context["messageDirection"] == "IN"
        assert context["identity"]["sourceIp"] == "127.0.0.1"
        assert "websockets" in context["identity"]["userAgent"]
        assert {"connectionId", "requestId", "extendedRequestId", "apiId", "stage", "domainName"} <= context.keys()
        assert context["connectedAt"] <= context["requestTimeEpoch"]
        assert WebsocketEvent(event, None).connection_id == context["connectionId"]


@in_loop
async def test_forged_target_and_charger_id_headers_are_stripped_whatever_their_case() -> None:
    backend = Backend()
    async with serving(backend) as gateway:
        forged = {"x-KERB-target": "CP-victim", "x-KERB-charger-ID": "CP-victim", "Authorization": "Basic Q1A6cHc="}
        async with charger(gateway, "/ocpp/CP-mine", additional_headers=forged):
            headers = backend.connects[0]["headers"]
            told = {name: value for name, value in headers.items() if "kerb" in name.lower()}
            assert told == {"X-Kerb-Target": "/ocpp/CP-mine", "X-Kerb-Edge-Secret": told["X-Kerb-Edge-Secret"]}
            assert headers["Authorization"] == "Basic Q1A6cHc="


@pytest.mark.parametrize("path", ["/api", "/ocppx/CP-1", "/other/CP-1", "/other/ocpp/CP-1", "/ocpp/" + "x" * 1024])
def test_other_paths_are_unknown_and_reach_no_hook(path: str) -> None:
    @in_loop
    async def story() -> None:
        backend = Backend()
        async with serving(backend) as gateway:
            with pytest.raises(InvalidStatus) as refused:
                await charger(gateway, path)
            assert refused.value.response.status_code == 404
            assert backend.connects == []

    story()


@in_loop
async def test_plain_http_request_reaches_no_hook() -> None:
    backend = Backend()
    async with serving(backend) as gateway:
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        writer.write(b"GET /ocpp/CP-1 HTTP/1.1\r\nHost: kerb\r\n\r\n")
        assert b" 426 " in await reader.readline()
        writer.close()
        assert backend.connects == []


@in_loop
async def test_refused_charger_sees_the_status_and_challenge_before_the_socket_opens() -> None:
    answer = {"statusCode": 401, "headers": {"www-authenticate": 'Basic realm="kerb"'}}
    backend = Backend(connect=lambda event, context: answer)
    async with serving(backend) as gateway:
        with pytest.raises(InvalidStatus) as refused:
            await charger(gateway)
        assert refused.value.response.status_code == 401
        assert refused.value.response.headers["WWW-Authenticate"] == 'Basic realm="kerb"'
    assert backend.disconnects == []


@pytest.mark.parametrize("answer", [None, {}, {"statusCode": "teapot"}, RuntimeError("table is gone"), SystemExit(1)])
@pytest.mark.filterwarnings("ignore")
def test_connect_hook_that_fails_or_answers_nonsense_is_a_500(answer: Any) -> None:
    def fail(event: Event, context: Any) -> Any:
        if isinstance(answer, BaseException):
            raise answer
        return answer

    @in_loop
    async def story() -> None:
        backend = Backend(connect=fail)
        async with serving(backend) as gateway:
            with pytest.raises(InvalidStatus) as refused:
                await charger(gateway)
            assert refused.value.response.status_code == 500
        assert backend.disconnects == []

    story()


@in_loop
async def test_without_a_subprotocol_in_the_answer_the_socket_has_none() -> None:
    async with serving(Backend()) as gateway:
        async with charger(gateway, subprotocols=[Subprotocol("ocpp1.6")]) as client:
            assert client.subprotocol is None
        async with charger(gateway) as client:
            assert client.subprotocol is None


@in_loop
async def test_subprotocol_is_the_one_the_connect_hook_chose() -> None:
    chosen = {"statusCode": 200, "headers": {"sec-websocket-protocol": "ocpp1.6"}}
    backend = Backend(connect=lambda event, context: chosen)
    async with serving(backend) as gateway:
        async with charger(gateway, subprotocols=[Subprotocol("ocpp2.0.1"), Subprotocol("ocpp1.6")]) as client:
            assert client.subprotocol == "ocpp1.6"
        offered = backend.connects[0]["headers"]["Sec-WebSocket-Protocol"]
        assert [name.strip() for name in offered.split(",")] == ["ocpp2.0.1", "ocpp1.6"]


@pytest.mark.parametrize("offer", ["ocpp1.6 ,  ocpp1.5,", "OCPP 1.6", "", "ocpp/1.6;q=1"])
def test_odd_subprotocol_offers_are_left_for_the_hook_to_judge(offer: str) -> None:
    @in_loop
    async def story() -> None:
        backend = Backend(
            connect=lambda event, context: {"statusCode": 200, "headers": {"Sec-WebSocket-Protocol": "ocpp1.6"}}
        )
        async with serving(backend) as gateway:
            status, headers = await raw_handshake(gateway, f"Sec-WebSocket-Protocol:   {offer}  ")
            assert " 101 " in status
            assert "Sec-WebSocket-Protocol: ocpp1.6" in headers
            assert backend.connects[0]["headers"]["Sec-WebSocket-Protocol"] == offer.strip()

    story()


@in_loop
async def test_posting_while_connect_still_runs_is_gone() -> None:
    tried: list[BaseException] = []

    def connecting(event: Event, context: Any) -> Any:
        try:
            gateway.post(event["requestContext"]["connectionId"], "too early")
        except Gone as error:
            tried.append(error)
        return {"statusCode": 200}

    backend = Backend(connect=connecting)
    async with serving(backend) as gateway, charger(gateway) as client:
        assert len(tried) == 1
        await asyncio.to_thread(gateway.post, backend.connection_id(), "in time")
        assert await client.recv() == "in time"


@in_loop
async def test_charger_that_leaves_while_connect_runs_still_gets_a_disconnect() -> None:
    started, leave = threading.Event(), threading.Event()

    def connecting(event: Event, context: Any) -> Any:
        started.set()
        leave.wait(60)
        return {"statusCode": 200}

    backend = Backend(connect=connecting)
    async with serving(backend) as gateway:
        opening = asyncio.ensure_future(raw_handshake(gateway))
        await wait_for(started)
        opening.cancel()
        await asyncio.gather(opening, return_exceptions=True)
        leave.set()
        disconnected = await soon(lambda: backend.disconnects)
        assert disconnected[0]["requestContext"]["connectionId"] == backend.connection_id()


# Messages


@in_loop
async def test_message_event_can_be_read_by_chalice() -> None:
    backend = Backend()
    async with serving(backend) as gateway, charger(gateway) as client:
        await client.send('[2,"1","Heartbeat",{}]')
        assert await client.recv() == '[2,"1","Heartbeat",{}]'
        event = backend.messages[0]
        assert event["requestContext"]["routeKey"] == "$default"
        assert event["requestContext"]["eventType"] == "MESSAGE"
        assert event["requestContext"]["messageId"]
        assert event["requestContext"]["connectionId"] == backend.connection_id()
        assert "headers" not in event
        assert json.loads(WebsocketEvent(event, None).body) == [2, "1", "Heartbeat", {}]


@in_loop
async def test_chalice_hooks_are_called_as_they_are() -> None:
    app = Chalice("charging", configure_logs=False)
    seen: list[Any] = []

    @app.on_ws_connect()
    def on_connect(event: WebsocketEvent) -> Any:
        return {"statusCode": 200, "headers": {"Sec-WebSocket-Protocol": "ocpp1.6"}}

    @app.on_ws_message()
    def on_message(event: WebsocketEvent) -> Any:
        return {"body": f"{event.body}!"}

    @app.on_ws_disconnect()
    def on_disconnect(event: WebsocketEvent) -> None:
        seen.append(event.connection_id)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        gateway = Gateway(Hooks(on_connect, on_message, on_disconnect))
        await gateway.start("127.0.0.1", 0)
        async with charger(gateway, subprotocols=[Subprotocol("ocpp1.6")]) as client:
            await client.send("hello")
            assert await client.recv() == "hello!"
        await gateway.stop()
    assert len(seen) == 1


@in_loop
async def test_frames_of_one_charger_run_at_once_and_are_answered_as_they_finish() -> None:
    release = threading.Event()

    def answering(event: Event, context: Any) -> Any:
        if event["body"] == "first":
            assert release.wait(60)
        return {"statusCode": 200, "body": event["body"]}

    async with serving(Backend(message=answering)) as gateway, charger(gateway) as client:
        await client.send("first")
        await client.send("second")
        assert await client.recv() == "second"
        release.set()
        assert await client.recv() == "first"


@in_loop
async def test_hook_without_a_body_answers_nothing() -> None:
    answers: dict[str, Any] = {"a": None, "b": {}, "c": {"statusCode": 200}, "d": {"body": ""}, "e": {"body": "last"}}
    backend = Backend(message=lambda event, context: answers[event["body"]])
    async with serving(backend) as gateway, charger(gateway) as client:
        for asked, name in enumerate(answers, start=1):
            await client.send(name)
            while len(backend.messages) < asked:
                await asyncio.sleep(0)
        assert await client.recv() == "last"


@in_loop
async def test_binary_frame_arrives_base64_encoded() -> None:
    backend = Backend(message=lambda event, context: None)
    async with serving(backend) as gateway, charger(gateway) as client:
        await client.send(b"\x00\xff")
        event = (await soon(lambda: backend.messages))[0]
        assert event["isBase64Encoded"] is True
        assert base64.b64decode(event["body"]) == b"\x00\xff"


@pytest.mark.parametrize("fault", ["raises", "exits", "answers a number"])
def test_hook_that_fails_makes_the_gateway_apologise(fault: str, caplog: pytest.LogCaptureFixture) -> None:
    def failing(event: Event, context: Any) -> Any:
        if fault == "raises":
            raise RuntimeError("table is gone")
        if fault == "exits":
            raise SystemExit(1)
        return {"body": 42}

    @in_loop
    async def story() -> None:
        backend = Backend(message=failing)
        async with serving(backend) as gateway, charger(gateway) as client:
            await client.send("hello")
            assert json.loads(await client.recv()) == {
                "message": "Internal server error",
                "connectionId": backend.connection_id(),
                "requestId": backend.messages[0]["requestContext"]["requestId"],
            }
            await client.ping()  # the socket survives

    with caplog.at_level(logging.ERROR, "local.gateway"):
        story()
    assert any("websocket_message" in record.message for record in caplog.records)


@in_loop
async def test_hook_over_the_integration_limit_is_answered_for() -> None:
    release = threading.Event()
    contexts: list[LambdaContext] = []

    def slow(event: Event, context: LambdaContext) -> Any:
        contexts.append(context)
        release.wait(60)
        return {"statusCode": 200, "body": "too late"}

    backend = Backend(message=slow)
    async with serving(backend) as gateway, charger(gateway) as client:
        gateway.limits = replace(gateway.limits, handler_s=0.05)
        await client.send("hello")
        answer = json.loads(await client.recv())
        assert answer["message"] == "Endpoint request timed out"
        assert answer["connectionId"] == backend.connection_id()
        # Its thread may have begun late, and has its time from then on.
        await soon(lambda: contexts and contexts[0].get_remaining_time_in_millis() == 0)
        release.set()


@in_loop
async def test_hook_gets_a_context_of_its_own() -> None:
    contexts: list[LambdaContext] = []
    backend = Backend(message=lambda event, context: contexts.append(context))
    async with serving(backend, handler_s=PATIENCE_S) as gateway, charger(gateway) as client:
        await client.send("a")
        await client.send("b")
        await soon(lambda: len(contexts) == 2)
    assert contexts[0].aws_request_id != contexts[1].aws_request_id
    assert contexts[0].function_name == "websocket_message"
    assert contexts[0].function_name in contexts[0].invoked_function_arn
    assert contexts[0].memory_limit_in_mb > 0
    assert 0 < contexts[0].get_remaining_time_in_millis() <= PATIENCE_S * 1000


# Limits


@in_loop
async def test_message_at_the_limit_passes_in_frames_at_the_limit() -> None:
    backend = Backend()
    async with serving(backend) as gateway, charger(gateway) as client:
        await client.send(["x" * 32_768] * 4)
        assert await client.recv() == "x" * 131_072


@in_loop
async def test_frame_over_the_limit_closes_with_1009() -> None:
    backend = Backend()
    async with serving(backend) as gateway, charger(gateway) as client:
        await client.send("x" * 32_769)
        code, _ = await closed(client)
        assert code == 1009
        event = (await soon(lambda: backend.disconnects))[0]
        assert event["requestContext"]["disconnectStatusCode"] == 1009
        assert backend.messages == []


@in_loop
async def test_message_over_the_limit_closes_with_1009_though_every_frame_is_small() -> None:
    backend = Backend()
    async with serving(backend) as gateway, charger(gateway) as client:
        with suppress(ConnectionClosed):
            await client.send([*["x" * 32_768] * 4, "x"])
        assert (await closed(client))[0] == 1009
        assert backend.messages == []


@in_loop
async def test_idle_socket_is_closed_with_1001() -> None:
    backend = Backend()
    async with serving(backend, idle_s=0.1) as gateway, charger(gateway) as client:
        assert await closed(client) == (1001, "Going away")
        event = (await soon(lambda: backend.disconnects))[0]
        assert event["requestContext"]["disconnectStatusCode"] == 1001


@pytest.mark.parametrize("activity", ["ping", "message", "post"])
def test_any_activity_keeps_an_idle_socket_open(activity: str) -> None:
    @in_loop
    async def story() -> None:
        backend = Backend(message=lambda event, context: None)
        async with serving(backend, idle_s=30) as gateway, charger(gateway, ping_interval=None) as client:
            for number in range(1, 4):  # a minute in all, never half a minute of silence
                pass_time(20)
                if activity == "ping":
                    await (await client.ping())
                elif activity == "message":
                    await client.send("alive")
                    while len(backend.messages) < number:
                        await asyncio.sleep(0.005)
                else:
                    await asyncio.to_thread(gateway.post, backend.connection_id(), "alive")
            await asyncio.to_thread(gateway.describe, backend.connection_id())  # not Gone

    story()


@in_loop
async def test_lifetime_ends_even_a_busy_socket() -> None:
    backend = Backend(message=lambda event, context: None)
    async with serving(backend, lifetime_s=0.2) as gateway, charger(gateway) as client:

        async def chatter() -> None:
            while True:
                await client.send("busy")
                await asyncio.sleep(0.01)

        with pytest.raises(ConnectionClosed):
            await chatter()
        assert (client.close_code, client.close_reason) == (1001, "Going away")


# Closing


@in_loop
async def test_disconnect_event_tells_how_the_charger_left_and_not_which_it_was() -> None:
    backend = Backend()
    async with serving(backend) as gateway:
        async with charger(gateway) as client:
            await client.close(1000, "done")
        event = (await soon(lambda: backend.disconnects))[0]
        context = event["requestContext"]
        assert context["routeKey"] == "$disconnect"
        assert context["eventType"] == "DISCONNECT"
        assert context["connectionId"] == backend.connection_id()
        assert context["disconnectStatusCode"] == 1000
        assert context["disconnectReason"] == "done"
        assert "X-Kerb-Target" not in event["headers"]
        assert WebsocketEvent(event, None).connection_id == context["connectionId"]


@in_loop
async def test_disconnect_of_a_charger_that_lost_power_is_abnormal() -> None:
    backend = Backend()
    async with serving(backend) as gateway:
        client = await charger(gateway)
        client.transport.abort()
        event = (await soon(lambda: backend.disconnects))[0]
        assert event["requestContext"]["disconnectStatusCode"] == 1006


@in_loop
async def test_late_disconnect_comes_after_the_next_connect_but_the_old_id_is_gone_at_once() -> None:
    backend = Backend()
    async with serving(backend, disconnect_delay_s=30) as gateway:
        async with charger(gateway):
            pass
        old = backend.connection_id()
        with pytest.raises(Gone):
            await asyncio.to_thread(gateway.post, old, "anyone there?")
        async with charger(gateway):
            assert backend.connection_id() != old
            assert backend.disconnects == []
            pass_time(31)
            event = (await soon(lambda: backend.disconnects))[0]
            assert event["requestContext"]["connectionId"] == old


@in_loop
async def test_lost_disconnect_never_comes_not_even_at_stop() -> None:
    backend = Backend()
    async with serving(backend, GatewayFault.NO_DISCONNECT) as gateway:
        async with charger(gateway):
            pass
        client = await charger(gateway)
    assert (await closed(client))[0] == 1001
    assert backend.disconnects == []


@pytest.mark.parametrize("ending", ["delete", "stop", "lifetime"])
def test_charger_that_stopped_reading_is_cut_off_in_the_end(ending: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local.gateway.CLOSE_TIMEOUT_S", 0.1)
    monkeypatch.setattr("local.gateway.SEND_TIMEOUT_S", 60)

    def flood(gateway: Gateway, connection_id: str) -> None:
        with suppress(Gone):
            while True:
                gateway.post(connection_id, "x" * 131_072)

    @in_loop
    async def story() -> None:
        backend = Backend()
        async with serving(backend, lifetime_s=30) as gateway:
            with socket.create_connection(("127.0.0.1", gateway.port)) as deaf:
                deaf.sendall(HANDSHAKE + b"\r\n")
                await soon(lambda: gateway._open)
                flooding = asyncio.ensure_future(asyncio.to_thread(flood, gateway, backend.connection_id()))
                await soon(lambda: next(iter(gateway._open.values())).paused)
                if ending == "delete":
                    await asyncio.to_thread(gateway.delete, backend.connection_id())
                    with pytest.raises(Gone):  # at once, though the socket still closes
                        await asyncio.to_thread(gateway.describe, backend.connection_id())
                if ending == "stop":
                    await gateway.stop()
                if ending == "lifetime":
                    pass_time(31)
                await flooding
                await soon(lambda: backend.disconnects)

    story()


@in_loop
async def test_failing_disconnect_hook_harms_nobody() -> None:
    def failing(event: Event, context: Any) -> Any:
        raise RuntimeError("table is gone")

    backend = Backend(disconnect=failing)
    async with serving(backend) as gateway:
        async with charger(gateway):
            pass
        await soon(lambda: backend.disconnects)
        async with charger(gateway) as client:
            await client.send("hello")
            assert await client.recv() == "hello"


@in_loop
async def test_stop_closes_sockets_finishes_hooks_and_delivers_late_disconnects_now() -> None:
    started, finished = threading.Event(), threading.Event()

    def slow(event: Event, context: Any) -> Any:
        started.set()
        threading.Event().wait(0.1)
        finished.set()

    backend = Backend(message=slow)
    async with serving(backend, disconnect_delay_s=60) as gateway:
        client = await charger(gateway)
        await client.send("hello")
        await wait_for(started)
    assert finished.is_set()
    assert await closed(client) == (1001, "Going away")
    assert len(backend.disconnects) == 1
    with pytest.raises(Gone):
        await asyncio.to_thread(gateway.post, backend.connection_id(), "anyone there?")
    with pytest.raises(OSError):  # noqa: PT011 (any refusal will do)
        await charger(gateway)


@in_loop
async def test_taken_port_is_an_os_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        gateway = Gateway(Backend().hooks())
        with pytest.raises(OSError, match="in use"):
            await gateway.start("127.0.0.1", taken.getsockname()[1])
        await gateway.stop()


# @connections


@in_loop
async def test_post_reaches_the_client_from_any_thread_in_order() -> None:
    backend = Backend()
    async with serving(backend) as gateway, charger(gateway) as client:

        def post_all() -> None:
            for number in range(20):
                gateway.post(backend.connection_id(), str(number))

        await asyncio.to_thread(post_all)
        assert [await client.recv() for _ in range(20)] == [str(number) for number in range(20)]


@in_loop
async def test_post_over_a_frame_is_fragmented_and_over_a_message_is_refused() -> None:
    backend = Backend()
    async with serving(backend) as gateway, charger(gateway, max_size=(131_072, 32_768)) as client:
        text = "é" * 65_536  # 128 KB exactly, frames end within characters
        await asyncio.to_thread(gateway.post, backend.connection_id(), text)
        assert await client.recv() == text
        with pytest.raises(PayloadTooLarge):
            await asyncio.to_thread(gateway.post, backend.connection_id(), text + "x")


@in_loop
async def test_reply_over_the_message_limit_is_an_error_to_the_client() -> None:
    backend = Backend(message=lambda event, context: {"body": "x" * 131_073})
    async with serving(backend) as gateway, charger(gateway) as client:
        await client.send("hello")
        assert json.loads(await client.recv())["connectionId"] == backend.connection_id()


@in_loop
async def test_describe_tells_when_and_who() -> None:
    backend, began_at = Backend(), datetime.now(UTC) - timedelta(milliseconds=1)
    async with serving(backend) as gateway, charger(gateway, user_agent_header="Wallbox/1"):
        seen = await asyncio.to_thread(gateway.describe, backend.connection_id())
        assert seen["identity"] == {"sourceIp": "127.0.0.1", "userAgent": "Wallbox/1"}
        connected, active = (datetime.fromisoformat(seen[name]) for name in ("connectedAt", "lastActiveAt"))
        assert began_at <= connected
        assert connected - timedelta(seconds=1) < active <= datetime.now(UTC)


@in_loop
async def test_delete_closes_the_socket_and_disconnect_follows() -> None:
    backend = Backend()
    async with serving(backend) as gateway, charger(gateway) as client:
        await asyncio.to_thread(gateway.delete, backend.connection_id())
        with pytest.raises(Gone):
            await asyncio.to_thread(gateway.post, backend.connection_id(), "anyone there?")
        assert await closed(client) == (1000, "Connection Closed Normally")
        event = (await soon(lambda: backend.disconnects))[0]
        assert event["requestContext"]["disconnectReason"] == "Connection Closed Normally"


@in_loop
async def test_unknown_connection_is_gone_for_every_call() -> None:
    async with serving(Backend()) as gateway:
        for call in (
            lambda: gateway.post("nobody", "x"),
            lambda: gateway.describe("nobody"),
            lambda: gateway.delete("nobody"),
        ):
            with pytest.raises(Gone):
                await asyncio.to_thread(call)


@in_loop
async def test_waiting_for_the_loop_on_the_loop_is_an_error_not_a_deadlock() -> None:
    async with serving(Backend()) as gateway:
        with pytest.raises(RuntimeError, match="another thread"):
            gateway.post("anyone", "x")


@in_loop
async def test_hundreds_of_chargers_each_get_their_own_answers() -> None:
    backend = Backend(message=lambda event, context: {"body": event["requestContext"]["connectionId"] + event["body"]})
    async with serving(backend) as gateway:
        clients = await asyncio.gather(*(charger(gateway, f"/ocpp/CP-{number}") for number in range(300)))
        await asyncio.gather(*(client.send(str(number)) for number, client in enumerate(clients)))
        answers = await asyncio.gather(*(client.recv() for client in clients))
        ids = {event["headers"]["X-Kerb-Target"]: event["requestContext"]["connectionId"] for event in backend.connects}
        assert answers == [f"{ids[f'/ocpp/CP-{number}']}{number}" for number in range(300)]
    await asyncio.gather(*(client.wait_closed() for client in clients))
    assert len(backend.disconnects) == 300


@in_loop
async def test_an_answer_without_a_body_may_come_as_an_empty_frame_but_not_to_what_is_itself_an_answer() -> None:
    backend = Backend(message=lambda event, context: {"statusCode": 200})
    async with serving(backend, GatewayFault.EMPTY_FRAMES) as gateway, charger(gateway) as client:
        for text in ('[3,"1",{}]', '[4,"1","X","",{}]', '[5,"1","X","",{}]', '[6,"1","Y",{}]', '[2,"1","Z",{}]'):
            await client.send(text)
        assert await client.recv() == ""
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.recv(), 0.2)
        await soon(lambda: len(backend.messages) == 5)
        keys = sorted(event["requestContext"]["routeKey"] for event in backend.messages)
        assert keys == ["$default", "3", "4", "5", "6"]


@pytest.mark.parametrize("text", ["[2]", "[]", "{}", "3", "no json", '["3"', "[" * 100_000, '[[3],"1"]', "[true]"])
def test_what_is_no_answer_goes_the_default_way(text: str) -> None:
    assert route_of(text) == "$default"


# What it does wrong (tests/scenarios/test_gateway_faults.py tells what comes of each)


@in_loop
async def test_so_many_sockets_open_within_a_second_and_the_next_is_told_429() -> None:
    backend = Backend()
    async with serving(backend, connects_per_s=2) as gateway:
        loop: Any = asyncio.get_running_loop()
        now, loop.time = loop.time(), lambda: now
        gateway._second, gateway._connects = int(now), 2
        assert gateway._is_crowded()
        loop.time = lambda: now + 1
        assert [gateway._is_crowded() for _ in range(3)] == [False, False, True]
        del loop.time


@in_loop
async def test_what_is_throttled_is_told_so_and_let_through_when_it_is_tried_again() -> None:
    async with serving(backend := Backend(), GatewayFault.THROTTLED) as gateway:
        with pytest.raises(InvalidStatus) as refused:
            await charger(gateway)
        assert refused.value.response.status_code == 429
        assert backend.connects == []
        async with charger(gateway) as client:
            command = json.dumps([2, "1", "ClearCache", {}])
            with pytest.raises(Throttled):
                await asyncio.to_thread(gateway.post, backend.connection_id(), command)
            await asyncio.to_thread(gateway.post, backend.connection_id(), command)
            assert await client.recv() == command
            told = []
            for _ in range(4):
                await client.send(json.dumps([2, "a", "Heartbeat", {}]))
                told.append(json.loads(await client.recv()))
            assert [it[2] if isinstance(it, list) else it["message"] for it in told] == [
                *("Heartbeat", "Heartbeat", "Too Many Requests", "Heartbeat")
            ]
