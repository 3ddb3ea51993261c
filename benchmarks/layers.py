"""What a frame and a request cost the processor, layer by layer: domain and protocol, adapters, botocore.

Everything is real down to HTTP: each step is played once against an account whose answers are written down, and then
again and again with those answers. What is `ours` is all but the stores; `adapters` are ours and PynamoDB's between a
store's method and botocore's call; `botocore` is the client from its call to what it would put on the wire, and back.
"""

from __future__ import annotations

import base64
import gc
import json
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from types import SimpleNamespace
from typing import Any

from botocore.client import BaseClient
from rich.table import Table

from benchmarks.replay import Wire, in_turn
from benchmarks.speed import samples
from chalicelib import wiring
from chalicelib.adapters.access.tokens import Tickets
from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.records.chargers import Charger
from chalicelib.services.chargers.connections import ChargerCredentials
from chalicelib.services.chargers.passwords import hash_password
from chalicelib.wiring.late_stores import LateStores
from chalicelib.wiring.stores import Stores
from tests.services.conftest import CARD, NOW, Kit
from tests.tables import account

_PASSWORD = "a-password-of-20-chars"
_PROTOCOLS = ("ocpp1.6", "ocpp2.0.1")
_DRIVER, _CHARGER, _SOCKET = "driver-1", "CP-1", "c-9"
# Speak to others than the tables, or need settings that a bench has no use for.
_NO_STORES = (
    "link",
    "viewer_link",
    "workflow",
    "invocations",
    "payments",
    "access_tokens",
    "identity",
    "tickets",
    "messengers",
    "travel",
)
_TIMES = 150
# Calls that overlap by this much were made at once.
_HELD_S = 0.02

Step = Callable[[], Any]


@dataclass
class Spent:
    """Processor seconds of one step by layer, the calls it made, and how many of them one after another."""

    calls: int = 0
    in_turn: int = 0
    ours_s: float = 0.0
    adapters_s: float = 0.0
    botocore_s: float = 0.0


@dataclass
class Layers:
    """Processor seconds inside stores, and inside botocore beneath them, by all threads."""

    store_s: float = 0.0
    botocore_s: float = 0.0
    calls: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _thread: threading.local = field(default_factory=threading.local)

    def timed(self, method: Callable[..., Any]) -> Callable[..., Any]:
        """The method, its time noted; what a store asks of itself is within it."""

        def timed(*args: Any, **named: Any) -> Any:
            began = time.thread_time()
            try:
                return method(*args, **named)
            finally:
                with self._lock:
                    self.store_s += time.thread_time() - began

        return timed

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Note what is asked of botocore."""
        base: Any = BaseClient
        original = base._make_api_call

        def make_api_call(client: Any, operation: str, params: dict[str, Any]) -> Any:
            began = time.thread_time()
            try:
                return original(client, operation, params)
            finally:
                with self._lock:
                    self.botocore_s += time.thread_time() - began
                    self.calls[operation] += 1

        base._make_api_call = make_api_call
        try:
            yield
        finally:
            base._make_api_call = original


class _Timed:
    """A store whose methods' time is noted."""

    def __init__(self, store: Any, layers: Layers) -> None:
        self._store = store
        self._layers = layers

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        timed = self._layers.timed(found) if callable(found) else found
        self.__dict__[name] = timed
        return timed


class _Bench(Kit):
    """A network of one charger that speaks `protocol`, whose stores' time is noted."""

    def __init__(self, layers: Layers, protocol: str) -> None:
        super().__init__()
        self.settings = {**self.settings, "KERB_PASSWORD_SECRET": "s" * 32}
        charger = Charger(
            charger_id=_CHARGER,
            operator_id="op",
            site_id="harbour",
            password_hash=hash_password(_PASSWORD.encode(), b"s" * 16),
            connectors=(ConnectorId(1), ConnectorId(2)),
        )
        self.chargers.put(charger)
        self.show_on_map(charger)
        self.protocol = protocol
        known = vars(self)
        known |= {"tickets": Tickets("t" * 32), "identity": SimpleNamespace()}
        for name in [it for it, made in known.items() if type(made).__module__.startswith("chalicelib.services.")]:
            # Built upon stores that are not watched.
            del known[name]
        for name, made in (vars(Stores) | vars(LateStores)).items():
            if isinstance(made, cached_property) and name not in _NO_STORES:
                store = getattr(self, name)
                if type(store).__module__.startswith("chalicelib.adapters."):
                    known[name] = _Timed(store, layers)

    def connect(self) -> None:
        """Open a socket as the edge asks for it."""
        credentials = base64.b64encode(f"{_CHARGER}:{_PASSWORD}".encode()).decode()
        told = ChargerCredentials(f"Basic {credentials}")
        self.connections.open(_SOCKET, f"/ocpp/{_CHARGER}", told, [self.protocol], self.clock())

    def hear(self, action: str, payload: Mapping[str, Any]) -> Step:
        """Whatever takes a CALL of the charger's, from text to answer; it raises RuntimeError where it is refused."""
        text = json.dumps([2, "m-1", action, payload])

        def heard() -> None:
            answer = self.conversation.receive(_SOCKET, text)
            if answer is None or not answer.startswith("[3"):
                raise RuntimeError(f"{action} was answered with {answer}")

        return heard


def _steps(bench: _Bench) -> Iterator[tuple[str, Step]]:
    """What a charger and a driver do in the course of two charges, each after what is before it."""
    # A password that is new to us is hashed, which is a matter of its own.
    bench.connect()
    bench.clock.advance(hours=3)
    yield "$connect", bench.connect
    hear = bench.hear
    is_16 = bench.protocol == "ocpp1.6"
    words = _words16() if is_16 else _words201()
    yield "BootNotification", hear("BootNotification", words["boot"])
    yield "Heartbeat", hear("Heartbeat", {})
    # Its settings are looked at with its first status.
    hear("StatusNotification", words["available"])()
    yield "StatusNotification", hear("StatusNotification", words["preparing"])
    yield "the same again", hear("StatusNotification", words["preparing"])
    event = "TransactionEvent"
    yield (
        ("StartTransaction" if is_16 else f"{event} Started"),
        hear("StartTransaction" if is_16 else event, words["start"]),
    )
    if is_16:
        session = bench.session(bench.workflow.started[-1])
        words["reading"]["transactionId"] = words["stop"]["transactionId"] = int(session.ref or 0)
    yield (
        ("MeterValues 1x10" if is_16 else f"{event} Updated 1x10"),
        hear("MeterValues" if is_16 else event, words["reading"]),
    )
    yield "GET /v1/sessions/{id}", partial(_asked, "GET", "/v1/sessions/{session_id}", bench.workflow.started[-1])
    yield (
        ("StopTransaction" if is_16 else f"{event} Ended"),
        hear("StopTransaction" if is_16 else event, words["stop"]),
    )
    if is_16:
        body = {"charger_id": _CHARGER, "connector": "2"}
        yield "POST /v1/sessions", partial(_asked, "POST", "/v1/sessions", "", body)
        begun = bench.workflow.started[-1]
        yield "a step: hold", partial(bench.lifecycle.place_hold, begun, "token")
        yield "a step: start command", partial(bench.lifecycle.start_charging, begun, "token")


def _words16() -> dict[str, dict[str, Any]]:
    at = NOW.isoformat()
    return {
        "boot": {"chargePointVendor": "Bench", "chargePointModel": "One"},
        "available": {"connectorId": 1, "errorCode": "NoError", "status": "Available", "timestamp": at},
        "preparing": {"connectorId": 1, "errorCode": "NoError", "status": "Preparing", "timestamp": at},
        "start": {"connectorId": 1, "idTag": CARD, "meterStart": 1_000, "timestamp": at},
        "reading": {"connectorId": 1, "meterValue": samples(1, "1.6")},
        "stop": {"meterStop": 9_000, "timestamp": at},
    }


def _words201() -> dict[str, dict[str, Any]]:
    at = NOW.isoformat()
    event = {
        "timestamp": at,
        "transactionInfo": {"transactionId": "0b1f5f6e", "chargingState": "Charging"},
        "evse": {"id": 1, "connectorId": 1},
    }
    begun = {"eventType": "Started", "triggerReason": "Authorized", "seqNo": 0}
    going_on = {"eventType": "Updated", "triggerReason": "MeterValuePeriodic", "seqNo": 1}
    ended = {"eventType": "Ended", "triggerReason": "StopAuthorized", "seqNo": 2}
    return {
        "boot": {"reason": "PowerUp", "chargingStation": {"model": "One", "vendorName": "Bench"}},
        "available": {"timestamp": at, "connectorStatus": "Available", "evseId": 1, "connectorId": 1},
        "preparing": {"timestamp": at, "connectorStatus": "Occupied", "evseId": 1, "connectorId": 1},
        "start": {**event, **begun, "idToken": {"idToken": CARD, "type": "ISO14443"}},
        "reading": {**event, **going_on, "meterValue": samples(1, "2.0.1")},
        "stop": {**event, **ended},
    }


def _asked(method: str, resource: str, session_id: str = "", body: Mapping[str, Any] | None = None) -> None:
    """A request as API Gateway hands it on, of the driver's. Raises RuntimeError where it is not answered well."""
    from app import app  # noqa: PLC0415  (its logger asks how loud to be when it is imported)

    now_s = str(int(time.time()) + 3600)
    authorizer = {"principalId": _DRIVER, "groups": "", "issued_s": now_s, "logged_in_s": now_s}
    answer = app(
        {
            "resource": resource,
            "path": resource.format(session_id=session_id),
            "httpMethod": method,
            "requestContext": {
                "resourcePath": resource,
                "httpMethod": method,
                "identity": {"sourceIp": "203.0.113.1"},
                "authorizer": authorizer,
            },
            "headers": {"Content-Type": "application/json", "Idempotency-Key": "k"},
            "multiValueQueryStringParameters": None,
            "pathParameters": {"session_id": session_id} if session_id else None,
            "stageVariables": None,
            "body": json.dumps(body) if body is not None else None,
            "isBase64Encoded": False,
        },
        SimpleNamespace(aws_request_id="r", function_name="api", invoked_function_arn="", memory_limit_in_mb=512),
    )
    if answer["statusCode"] not in (200, 201):
        raise RuntimeError(f"{method} {resource}: {answer}")


def _spent(step: Step, layers: Layers, wire: Wire) -> Spent:
    """The fastest of many times, all answered as the first time."""
    found = Spent()
    wire.held_s = _HELD_S
    layers.calls.clear()
    wire.intervals.clear()
    wire.rewind()
    step()
    wire.held_s = 0.0
    found.calls, found.in_turn = layers.calls.total(), in_turn(wire.intervals)
    gc.collect()
    times = []
    for _ in range(_TIMES):
        layers.store_s = layers.botocore_s = wire.spent_s = 0.0
        wire.rewind()
        began = time.process_time()
        step()
        whole_s = time.process_time() - began
        ours_s, adapters_s = whole_s - layers.store_s, layers.store_s - layers.botocore_s
        botocore_s = layers.botocore_s - wire.spent_s
        times.append((ours_s + adapters_s + botocore_s, ours_s, adapters_s, botocore_s))
    # Shorter than what a busy machine gives to one process at a time: the fastest was not disturbed.
    _, found.ours_s, found.adapters_s, found.botocore_s = min(times)
    return found


def spent() -> dict[tuple[str, str], Spent]:
    """What each step takes, by protocol and name."""
    found: dict[tuple[str, str], Spent] = {}
    layers, wire = Layers(), Wire()
    logging.disable(logging.CRITICAL)
    with account(), wire.connected(), layers.watching():
        for protocol in _PROTOCOLS:
            with account():
                bench = _Bench(layers, protocol)
                wiring.install(bench)
                try:
                    for name, step in _steps(bench):
                        # What is heard at the very moment at which its transaction was is taken for its beginning.
                        bench.clock.advance(seconds=20)
                        wire.forget()
                        layers.calls.clear()
                        step()
                        asked = layers.calls.total()
                        # Once for what is imported and compiled at first use.
                        wire.rewind()
                        step()
                        found[protocol, name] = it = _spent(step, layers, wire)
                        if it.calls > asked:
                            raise RuntimeError(f"{name} makes {it.calls} calls where it made {asked}")
                        wire.forget()
                finally:
                    wire.forget()
                    wiring.install(None)
    logging.disable(logging.NOTSET)
    return found


def table() -> Table:
    """The layers side by side, to print."""
    shown = Table(title="A frame and a request, layer by layer: processor time without HTTP", title_justify="left")
    for column in ("version", "what"):
        shown.add_column(column)
    for column in ("calls", "one after another", "ours µs", "adapters µs", "both µs", "botocore µs", "a call"):
        shown.add_column(column, justify="right")
    for (protocol, name), it in spent().items():
        micros = [round(layer * 1e6) for layer in (it.ours_s, it.adapters_s, it.ours_s + it.adapters_s, it.botocore_s)]
        a_call = round(it.botocore_s * 1e6 / it.calls) if it.calls else 0
        shown.add_row(protocol.removeprefix("ocpp"), name, *map(str, (it.calls, it.in_turn, *micros, a_call)))
    return shown
