"""A synthetic charger: OCPP 1.6's frames by hand, one connector, and an answer to whatever it is asked meanwhile."""

from __future__ import annotations

import base64
import itertools
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from chalicelib.canary.websocket import WebSocket

PROTOCOL = "ocpp1.6"
CONNECTOR = 1
_CALL, _RESULT, _ERROR = 2, 3, 4
Payload = dict[str, Any]


class Silent(Exception):
    """What was waited for did not come in time, or Kerb answered with an error."""


class SyntheticCharger:
    """Connected from `connect` to `leave`. It does things in order, and hears Kerb's calls while it waits."""

    def __init__(self, url: str, charger_id: str, password: str, within_s: float) -> None:
        """`url` is the door's, `wss://.../ocpp`; each wait for Kerb is `within_s` at the most."""
        self.asked: dict[str, Payload] = {}
        self._url, self._charger_id, self._password = url, charger_id, password
        self._within_s = within_s
        self._socket: WebSocket | None = None
        self._ids = itertools.count(1)
        # A register only ever rises, also from one process to the next: 10 Wh in five minutes.
        self._register_wh = int(time.time()) // 30
        self._transaction_id: int | None = None
        self._came: list[list[Any]] = []

    def connect(self, *, boots: bool) -> None:
        """Open the socket and say that the connector is free, having booted if so: not each five minutes.

        Raises NotOpened, OSError, Closed, Silent.
        """
        basic = base64.b64encode(f"{self._charger_id}:{self._password}".encode()).decode()
        self._socket = WebSocket.open(
            f"{self._url}/{self._charger_id}", {"Authorization": f"Basic {basic}"}, PROTOCOL, self._within_s
        )
        if boots:
            self.call("BootNotification", {"chargePointVendor": "Kerb", "chargePointModel": "Canary"})
        self.tell("Available")

    def tell(self, status: str) -> None:
        """Say the connector's status, in OCPP's word."""
        told = {"connectorId": CONNECTOR, "errorCode": "NoError", "status": status, "timestamp": _now()}
        self.call("StatusNotification", told)

    def wait_for(self, action: str) -> Payload:
        """The payload of Kerb's next call of that action, which was answered. Raises Silent."""
        self._until(lambda: action in self.asked, f"Kerb did not ask for {action}")
        return self.asked.pop(action)

    def begin(self, token: str) -> None:
        """A car begins to charge."""
        began = {"connectorId": CONNECTOR, "idTag": token, "meterStart": self._register_wh, "timestamp": _now()}
        answer = self.call("StartTransaction", began)
        if answer["idTagInfo"]["status"] != "Accepted":
            raise Silent(f"the charge was answered {answer['idTagInfo']['status']}")
        self._transaction_id = int(answer["transactionId"])
        self.tell("Charging")

    def read(self) -> None:
        """Say what the register shows: it has risen by a watt-hour."""
        self._register_wh += 1
        sample = {"value": str(self._register_wh), "measurand": "Energy.Active.Import.Register", "unit": "Wh"}
        told = {"connectorId": CONNECTOR, "meterValue": [{"timestamp": _now(), "sampledValue": [sample]}]}
        self.call("MeterValues", told | {"transactionId": self._transaction_id})

    def end(self) -> None:
        """The charge is over and the car leaves; nothing if there is none."""
        if self._transaction_id is None:
            return
        ended = {"transactionId": self._transaction_id, "meterStop": self._register_wh, "timestamp": _now()}
        self.call("StopTransaction", ended | {"reason": "Remote"})
        self._transaction_id = None
        self.tell("Finishing")
        self.tell("Available")

    def leave(self) -> None:
        """Hang up; nothing where it never connected."""
        if self._socket is not None:
            self._socket.close()

    def call(self, action: str, payload: Payload) -> Payload:
        """Ask Kerb, and return its answer. Raises Silent, Closed."""
        message_id = str(next(self._ids))
        self._came.clear()
        self._open.send(json.dumps([_CALL, message_id, action, payload]))
        found: list[list[Any]] = []

        def answered() -> bool:
            found[:] = [it for it in self._came if it[0] in (_RESULT, _ERROR) and it[1] == message_id]
            return bool(found)

        self._until(answered, f"{action} was not answered")
        if found[0][0] == _ERROR:
            raise Silent(f"{action} was answered {found[0][2]}")
        result: Payload = found[0][2]
        return result

    def hear(self, within_s: float) -> None:
        """Answer what Kerb asks, as long as that."""
        deadline = time.monotonic() + within_s
        while (left := deadline - time.monotonic()) > 0:
            self._hear_one(left)

    @property
    def _open(self) -> WebSocket:
        if self._socket is None:
            raise Silent("the charger is not connected")
        return self._socket

    def _until(self, reached: Callable[[], bool], otherwise: str) -> None:
        deadline = time.monotonic() + self._within_s
        while not reached():
            left = deadline - time.monotonic()
            if left <= 0:
                raise Silent(f"{otherwise} within {self._within_s:g} s")
            self._hear_one(left)

    def _hear_one(self, within_s: float) -> None:
        text = self._open.receive(within_s)
        if not text:  # nothing, or the empty frame that API Gateway may send for an answer without a body
            return
        message = json.loads(text)
        if message[0] == _CALL:
            _, message_id, action, payload = message
            self.asked[action] = payload
            self._open.send(json.dumps(_answer(message_id, action, payload)))
        else:
            self._came.append(message)


def _answer(message_id: str, action: str, payload: Payload) -> list[Any]:
    match action:
        case "RemoteStartTransaction" | "RemoteStopTransaction" | "ChangeAvailability" | "TriggerMessage":
            return [_RESULT, message_id, {"status": "Accepted"}]
        case "GetConfiguration":
            return [_RESULT, message_id, {"configurationKey": [], "unknownKey": payload.get("key", [])}]
        case "ChangeConfiguration":
            return [_RESULT, message_id, {"status": "NotSupported"}]
    return [_ERROR, message_id, "NotImplemented", "", {}]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
