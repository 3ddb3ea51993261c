"""A simulated charger answers every request of its OCPP version, and says nothing that the schemas do not allow."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import functools
import itertools
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from http import HTTPStatus
from pathlib import Path
from typing import Any

import jsonschema_rs
import ocpp
import pytest
from websockets import Request, Response, Subprotocol
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from local.simulator.battery import Car
from local.simulator.charger import Charger, Setup
from tests.patience import PATIENCE_S

PASSWORD = "open-sesame-1234"
VERSIONS = ["1.6", "2.0.1", "2.1"]
_SCHEMAS = Path(ocpp.__file__).parent
_LATER = "2099-01-01T00:00:00Z"
# Nothing is told but what is asked for, and nothing flows by itself.
_STEADY = {"first_wait_s": 0.01, "speed": 0.0, "interval_s": 3600.0}

# What only a charger sends; all else in the schemas a CSMS sends.
_FROM_CHARGER = """Authorize BatterySwap BootNotification ClearedChargingLimit ClosePeriodicEventStream
    DiagnosticsStatusNotification FirmwareStatusNotification Get15118EVCertificate GetCertificateChainStatus
    GetCertificateStatus Heartbeat LogStatusNotification MeterValues NotifyChargingLimit NotifyCustomerInformation
    NotifyDERAlarm NotifyDERStartStop NotifyDisplayMessages NotifyEVChargingNeeds NotifyEVChargingSchedule NotifyEvent
    NotifyMonitoringReport NotifyPriorityCharging NotifyReport NotifySettlement OpenPeriodicEventStream
    PublishFirmwareStatusNotification PullDynamicScheduleUpdate ReportChargingProfiles ReportDERControl
    ReservationStatusUpdate SecurityEventNotification SignCertificate SignedFirmwareStatusNotification
    StartTransaction StatusNotification StopTransaction TransactionEvent VatNumberValidation""".split()


def _folder(version: str) -> Path:
    return _SCHEMAS / f"v{version.replace('.', '')}" / "schemas"


@functools.cache
def schema(version: str, action: str, answer: bool) -> dict[str, Any]:
    """As the package ships it: 1.6 has no suffix for requests."""
    suffix = "Response" if answer else "" if version == "1.6" else "Request"
    return dict(json.loads((_folder(version) / f"{action}{suffix}.json").read_text("utf-8-sig")))


def check(version: str, action: str, payload: Any, answer: bool = False) -> None:
    """Raises jsonschema_rs.ValidationError."""
    jsonschema_rs.validator_for(schema(version, action, answer)).validate(json.loads(json.dumps(payload)))


def requests(version: str) -> list[str]:
    """The actions of a CSMS."""
    answered = {it.stem.removesuffix("Response") for it in _folder(version).glob("*Response.json")}
    return sorted(answered - set(_FROM_CHARGER))


def example(of: dict[str, Any], root: dict[str, Any], full: bool) -> Any:
    """The least that a schema allows, or something of all that it allows."""
    if "$ref" in of:
        return example(root["definitions"][of["$ref"].rpartition("/")[2]], root, full)
    if "enum" in of:
        return of["enum"][0]
    match of.get("type"):
        case "object":
            wanted = [it for it in of.get("properties", {}) if it in of.get("required", []) or full]
            return {it: example(of["properties"][it], root, full) for it in wanted if it != "customData"}
        case "array":
            return [example(of["items"], root, full)] * (of.get("minItems", 1) or 1)
        case "integer" | "number":
            return min(max(1, of.get("minimum", 1)), of.get("maximum", 1))
        case "boolean":
            return True
        case _:
            return {"date-time": _LATER, "uri": "https://example.com/x"}.get(of.get("format", ""), "x")


class Backend:
    """The least CSMS that a charger can live with. `heard` is all that chargers said."""

    def __init__(self, version: str) -> None:
        self.version = version
        self.passwords = {PASSWORD}
        self.refused: set[str] = set()
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self.logins: list[str] = []
        self.order: list[str] = []
        self.faults: list[str] = []
        self.socket: ServerConnection | None = None
        self._numbers = itertools.count(1)
        self._answers: dict[str, asyncio.Future[list[Any]]] = {}

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """Its address while it lives."""
        name = Subprotocol(f"ocpp{self.version}")
        server: Server
        async with serve(self._serve, "127.0.0.1", 0, subprotocols=[name], process_request=self._door) as server:
            yield f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"

    async def call(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        """The checked answer of the charger."""
        kind, _, *rest = await self.call_raw(action, payload)
        assert kind == 3, rest
        check(self.version, action, rest[0], answer=True)
        return dict(rest[0])

    async def call_raw(self, action: str, payload: dict[str, Any]) -> list[Any]:
        """Whatever comes back."""
        assert self.socket is not None
        message_id = str(next(self._numbers))
        self._answers[message_id] = asyncio.get_running_loop().create_future()
        await self.socket.send(json.dumps([2, message_id, action, payload]))
        return await asyncio.wait_for(self._answers[message_id], PATIENCE_S)

    def told(self, action: str) -> list[dict[str, Any]]:
        """All messages of one kind."""
        return [payload for heard, payload in self.heard if heard == action]

    async def until_told(self, action: str, times: int = 1) -> list[dict[str, Any]]:
        """Wait for so many messages of one kind."""
        await until(lambda: len(self.told(action)) >= times)
        return self.told(action)

    async def _door(self, socket: ServerConnection, request: Request) -> Response | None:
        login = base64.b64decode(request.headers["Authorization"].removeprefix("Basic ")).decode()
        self.logins.append(login.partition(":")[2])
        return None if self.logins[-1] in self.passwords else socket.respond(HTTPStatus.UNAUTHORIZED, "")

    async def _serve(self, socket: ServerConnection) -> None:
        self.socket = socket
        with contextlib.suppress(ConnectionClosed):
            await self._listen(socket)

    async def _listen(self, socket: ServerConnection) -> None:
        async for text in socket:
            kind, message_id, *rest = json.loads(text)
            if kind == 2:
                try:
                    check(self.version, rest[0], rest[1])
                except jsonschema_rs.ValidationError as error:
                    self.faults.append(f"{rest[0]}: {error.message} in {rest[1]}")
                self.heard.append((rest[0], rest[1]))
                self.order.append(rest[0])
                await socket.send(json.dumps([3, message_id, self._answer(*rest)]))
            else:
                self.order.append("answer")
                self._answers.pop(message_id).set_result([kind, message_id, *rest])

    def _answer(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        match action:
            case "BootNotification":
                return {"status": "Accepted", "interval": 300, "currentTime": _LATER}
            case "Authorize":
                token = payload["idTag"] if self.version == "1.6" else payload["idToken"]["idToken"]
                status = {"status": "Invalid" if token in self.refused else "Accepted"}
                return {"idTagInfo" if self.version == "1.6" else "idTokenInfo": status}
            case "StartTransaction":
                return {"transactionId": next(self._numbers), "idTagInfo": {"status": "Accepted"}}
        return {}


async def until(reached: Callable[[], Any]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(PATIENCE_S):
        while not reached():
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def connected(version: str, **setup: Any) -> AsyncIterator[tuple[Charger, Backend]]:
    """A charger that its backend has accepted."""
    backend = Backend(version)
    async with backend.serving() as url:
        built: dict[str, Any] = {"charger_id": "CP", "password": PASSWORD, "url": url, "version": version}
        charger = Charger(Setup(**{**built, **_STEADY, **setup}))
        running = asyncio.create_task(charger.run())
        try:
            await charger.until(lambda it: it.is_online)
            await backend.until_told("StatusNotification", times=2)
            yield charger, backend
        finally:
            assert not running.done() or running.exception() is None
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            assert backend.faults == []


def lived(story: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """A test that is a coroutine."""

    @functools.wraps(story)
    def run(*args: Any, **kwargs: Any) -> None:
        asyncio.run(asyncio.wait_for(story(*args, **kwargs), 2 * PATIENCE_S))

    return run


async def charging(charger: Charger, backend: Backend, connector: int = 1, car: Car | None = None) -> str:
    """A transaction under way and told of, by its name on the wire."""
    told = len(backend.told("StatusNotification"))
    await charger.plug(connector, car or Car(60_000, 10_000))
    assert await charger.swipe("CARD", connector)
    at = charger.connectors[connector]
    await charger.until(lambda _: at.transaction is not None and at.transaction.ref is not None)
    await backend.until_told("StatusNotification", told + 2)
    assert at.transaction is not None
    assert at.transaction.ref is not None
    return at.transaction.ref


@pytest.mark.parametrize("full", [False, True], ids=["least", "most"])
@pytest.mark.parametrize(("version", "action"), [(it, action) for it in VERSIONS for action in requests(it)])
@lived
async def test_every_request_is_answered_as_its_schema_demands(version: str, action: str, full: bool) -> None:
    asked = schema(version, action, answer=False)
    payload = example(asked, asked, full)
    check(version, action, payload)
    async with connected(version) as (_, backend):
        await backend.call(action, payload)


@pytest.mark.parametrize(("version", "count"), [("1.6", 26), ("2.0.1", 40), ("2.1", 55)])
def test_the_schemas_name_as_many_requests_as_the_standard(version: str, count: int) -> None:
    assert len(requests(version)) == count


@pytest.mark.parametrize("version", VERSIONS)
@lived
async def test_a_request_of_no_standard_is_answered_with_not_implemented(version: str) -> None:
    async with connected(version) as (_, backend):
        answer = await backend.call_raw("MakeCoffee", {})
    assert (answer[0], answer[2]) == (4, "NotImplemented")


@lived
async def test_a_request_of_a_later_version_is_not_understood_by_an_earlier_one() -> None:
    for version, action in (("1.6", "GetVariables"), ("2.0.1", "GetTariffs")):
        async with connected(version) as (_, backend):
            assert (await backend.call_raw(action, {}))[2] == "NotImplemented"


@pytest.mark.parametrize("version", VERSIONS)
@lived
async def test_a_request_without_what_it_must_have_gets_an_error_and_not_silence(version: str) -> None:
    async with connected(version) as (_, backend):
        answer = await backend.call_raw("CancelReservation", {})
    assert answer[0] == 4


@lived
async def test_where_time_brings_nothing_a_car_draws_what_it_is_let() -> None:
    async with connected("1.6") as (charger, backend):
        await charging(charger, backend)
        at = charger.connectors[1]
        assert at.transaction is not None
        assert await charger.draw(700) == 700
        assert await charger.draw(100_000) == 49_300
        await charger.until(lambda _: at.status == "SuspendedEV")
        assert at.register_wh - at.transaction.meter_start_wh == 50_000


@lived
async def test_a_charger_that_is_ended_as_an_answer_comes_ends() -> None:
    async with connected("1.6") as (charger, _):
        calling = asyncio.create_task(charger.line.call("Heartbeat", {}))
        while not charger.line._waiting:
            await asyncio.sleep(0)
        (answer,) = charger.line._waiting.values()
        answer.set_result({})
        calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling
