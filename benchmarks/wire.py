"""A charger reduced to its frames: it says exactly what it is told to, one message at a time."""

from __future__ import annotations

import base64
import itertools
import json
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from websockets import Subprotocol
from websockets.sync.client import connect

_TIMEOUT_S, _CALL = 60, 2
_ABOUT_SETTINGS = ("GetConfiguration", "ChangeConfiguration", "GetVariables", "SetVariables")

Send = Callable[["Socket"], Any]


class Socket:
    """One charger's open socket. `command` is the newest command received and accepted.

    `settings` is what the charger is set to, and outlives the socket; it takes whatever it is told.
    """

    def __init__(
        self, url: str, charger_id: str, password: str, protocol: str, settings: dict[str, str] | None = None
    ) -> None:
        credentials = base64.b64encode(f"{charger_id}:{password}".encode()).decode()
        self._open = ExitStack()
        self._socket = self._open.enter_context(
            connect(
                f"{url}/{charger_id}",
                subprotocols=[Subprotocol(protocol)],
                additional_headers={"Authorization": f"Basic {credentials}"},
                open_timeout=_TIMEOUT_S,
            )
        )
        self._ids = itertools.count(1)
        self._settings: dict[str, str] = {} if settings is None else settings
        self.command: dict[str, Any] = {}
        self._waiting: deque[list[Any]] = deque()
        self._answered = 0

    def call(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Send a CALL and return its CALLRESULT's payload."""
        message_id = f"bench-{next(self._ids)}"
        self._socket.send(json.dumps([2, message_id, action, payload]))
        # Either side may ask while the other's question is open: what comes meanwhile is for later.
        while (frame := self._heard())[0] == _CALL:
            self._waiting.append(frame)
        kind, answered, *rest = frame
        if (kind, answered) != (3, message_id):
            raise RuntimeError(f"{action} was answered with {kind} {answered} {rest}")
        return dict(rest[0])

    def await_command(self) -> None:
        """Wait for a CALL from the backend, remember it, and accept it."""
        _, message_id, _, self.command = self._waiting.popleft() if self._waiting else self._heard()
        self._socket.send(json.dumps([3, message_id, {"status": "Accepted"}]))

    def answer_what_came(self) -> int:
        """Answer the questions about settings that are here already; returns how many those were."""
        before = self._answered
        with suppress(TimeoutError):
            self._heard(0)
            raise RuntimeError("told something else than a question about settings")
        return self._answered - before

    def _heard(self, timeout_s: float = _TIMEOUT_S) -> list[Any]:
        """The next frame that is not about settings; what is asked and told about those is answered meanwhile."""
        while True:
            frame: list[Any] = json.loads(self._socket.recv(timeout=timeout_s))
            if frame[0] != _CALL or frame[2] not in _ABOUT_SETTINGS:
                return frame
            self._socket.send(json.dumps([3, frame[1], self._about_settings(frame[2], frame[3])]))
            self._answered += 1

    def _about_settings(self, action: str, said: dict[str, Any]) -> dict[str, Any]:
        if action == "GetConfiguration":
            told = [{"key": it, "readonly": False, "value": self._settings.get(it, "0")} for it in said["key"]]
            return {"configurationKey": told}
        if action == "ChangeConfiguration":
            self._settings[said["key"]] = said["value"]
            return {"status": "Accepted"}
        if action == "GetVariables":
            values = [{**it, "attributeValue": self._settings.get(_name(it), "0")} for it in said["getVariableData"]]
            return {"getVariableResult": [{**it, "attributeStatus": "Accepted"} for it in values]}
        data = said["setVariableData"]
        self._settings.update({_name(it): it["attributeValue"] for it in data})
        places = [{name: it[name] for name in ("component", "variable")} for it in data]
        return {"setVariableResult": [{**it, "attributeStatus": "Accepted"} for it in places]}

    def close(self) -> None:
        """Leave politely."""
        self._open.close()


@dataclass(frozen=True)
class Story:
    """What a charger says before, during and at the end of a session, by name."""

    protocol: str
    out_of_order: Send
    before: Sequence[tuple[str, Send]]
    charging: Sequence[tuple[str, Send]]
    ending: Sequence[tuple[str, Send]]


@dataclass
class _Charger16:
    """OCPP 1.6's words; `transaction_id` is what the backend gave."""

    transaction_id: int = 0
    values: Sequence[int] = field(default_factory=lambda: range(1_000_000, 1_000_100, 10))

    def story(self) -> Story:
        status = {"connectorId": 1, "errorCode": "NoError"}
        boot = {"chargePointVendor": "Bench", "chargePointModel": "One"}
        return Story(
            "ocpp1.6",
            out_of_order=lambda it: it.call("StatusNotification", {**status, "status": "Unavailable"}),
            before=[
                ("BootNotification", lambda it: it.call("BootNotification", boot)),
                ("Heartbeat", lambda it: it.call("Heartbeat", {})),
                ("StatusNotification", lambda it: it.call("StatusNotification", {**status, "status": "Available"})),
            ],
            charging=[
                ("Authorize (app token)", lambda it: it.call("Authorize", {"idTag": it.command["idTag"]})),
                ("StartTransaction", self._start),
                ("StatusNotification", lambda it: it.call("StatusNotification", {**status, "status": "Charging"})),
                ("MeterValues (1x10)", self._read),
                ("Heartbeat", lambda it: it.call("Heartbeat", {})),
            ],
            ending=[("StopTransaction", self._stop)],
        )

    def _start(self, socket: Socket) -> None:
        tag = socket.command["idTag"]
        start = {"connectorId": 1, "idTag": tag, "meterStart": 1_000_000, "timestamp": _now()}
        self.transaction_id = socket.call("StartTransaction", start)["transactionId"]

    def _read(self, socket: Socket) -> None:
        samples = [{"value": str(value), "unit": "Wh"} for value in self.values]
        reading = {"timestamp": _now(), "sampledValue": samples}
        values = {"connectorId": 1, "transactionId": self.transaction_id, "meterValue": [reading]}
        socket.call("MeterValues", values)

    def _stop(self, socket: Socket) -> None:
        stop = {"transactionId": self.transaction_id, "meterStop": 1_000_900, "timestamp": _now(), "reason": "Remote"}
        socket.call("StopTransaction", stop)


@dataclass
class _Charger201:
    """OCPP 2.0.1's words."""

    def story(self) -> Story:
        status = {"timestamp": _now(), "connectorStatus": "Available", "evseId": 1, "connectorId": 1}
        boot = {"reason": "PowerUp", "chargingStation": {"model": "One", "vendorName": "Bench"}}
        return Story(
            "ocpp2.0.1",
            out_of_order=lambda it: it.call("StatusNotification", {**status, "connectorStatus": "Unavailable"}),
            before=[
                ("BootNotification", lambda it: it.call("BootNotification", boot)),
                ("Heartbeat", lambda it: it.call("Heartbeat", {})),
                ("StatusNotification", lambda it: it.call("StatusNotification", status)),
            ],
            charging=[
                ("Authorize (app token)", lambda it: it.call("Authorize", {"idToken": it.command["idToken"]})),
                ("TransactionEvent Started", self._started),
                ("TransactionEvent Updated", lambda it: self._event(it, "Updated", 1, 1_000_400, "MeterValuePeriodic")),
                ("Heartbeat", lambda it: it.call("Heartbeat", {})),
            ],
            ending=[
                (
                    "TransactionEvent Ended",
                    lambda it: self._event(it, "Ended", 2, 1_000_900, "RemoteStop", {"stoppedReason": "Remote"}),
                )
            ],
        )

    def _started(self, socket: Socket) -> None:
        asked = socket.command
        info = {"remoteStartId": asked["remoteStartId"]}
        self._event(socket, "Started", 0, 1_000_000, "RemoteStart", info, {"idToken": asked["idToken"]})

    def _event(
        self,
        socket: Socket,
        kind: str,
        seq_no: int,
        register_wh: int,
        trigger: str,
        info: dict[str, Any] | None = None,
        more: dict[str, Any] | None = None,
    ) -> None:
        sample = {"value": register_wh, "measurand": "Energy.Active.Import.Register"}
        event = {
            "eventType": kind,
            "timestamp": _now(),
            "triggerReason": trigger,
            "seqNo": seq_no,
            "transactionInfo": {"transactionId": "bench-tx", **(info or {})},
            "evse": {"id": 1, "connectorId": 1},
            "meterValue": [{"timestamp": _now(), "sampledValue": [sample]}],
            **(more or {}),
        }
        socket.call("TransactionEvent", event)


def stories() -> tuple[Story, Story]:
    """One paid session in each version."""
    return _Charger16().story(), _Charger201().story()


def _name(item: dict[str, Any]) -> str:
    """A variable's component, name and instance, as one text."""
    return json.dumps([item["component"], item["variable"]])


def now() -> datetime:
    """By a charger's clock."""
    return datetime.now(UTC)


def _now() -> str:
    return now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
