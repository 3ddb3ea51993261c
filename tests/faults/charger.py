"""A charger of OCPP 1.6 or 2.0.1 that keeps what it told of a charge, and tells it again, until it is acknowledged."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any, Protocol

from tests.faults.engine import Failed

POWER_W = 11_000
_READING_S = 60.0
_MOST_PAUSE_S = 60.0
Payload = dict[str, Any]


class Host(Protocol):
    """What a charger needs of the world."""

    def after(self, seconds: float, what: Callable[[], None]) -> None: ...
    def now(self) -> datetime: ...
    def receive(self, connection_id: str, frame: str) -> str | None:
        """Raises Failed when nothing comes back."""

    def connect(self, charger: Stub, connection_id: str) -> None:
        """Raises Failed."""

    def disconnect(self, connection_id: str) -> None:
        """Raises Failed."""


@dataclass
class Charge:
    """What truly happened."""

    token: str
    began_at: datetime
    meter_start_wh: int
    remote_start_id: int | None = None
    ref: str = ""
    meter_stop_wh: int | None = None
    seq_no: int = 0

    @property
    def energy_wh(self) -> int:
        return (self.meter_stop_wh or 0) - self.meter_start_wh


@dataclass
class Message:
    """A CALL to be sent; `fill` completes its payload when it is sent."""

    id: str
    action: str
    payload: Payload
    lasting: bool
    charge: Charge | None = None
    tries: int = 0


@dataclass
class Stub:
    """One connector. It never forgets, and always means what it says."""

    charger_id: str
    protocol: str
    host: Host
    connection_id: str = ""
    online: bool = False
    plugged: bool = False
    is_lost: bool = False
    obeys: bool = True
    charge: Charge | None = None
    charges: list[Charge] = field(default_factory=list)
    queue: list[Message] = field(default_factory=list)
    sent: int = 0
    awaited: tuple[str, int | None] | None = None
    register_wh: int = 100_000
    _busy: bool = False
    _numbers: Any = field(default_factory=lambda: count(1))
    _sockets: Any = field(default_factory=lambda: count(2))

    @property
    def is_16(self) -> bool:
        return self.protocol == "ocpp1.6"

    # What people do.

    def plug(self) -> None:
        self.plugged = True
        self._status("Preparing")
        if self.awaited is not None:
            self._begin(*self.awaited)

    def unplug(self) -> None:
        self.end("EVDisconnected")
        self.plugged = False
        self._status("Available")

    def swipe(self, token: str) -> None:
        """Somebody shows a card, and again if nothing happens."""
        if self.charge is not None:
            self.end("Local", token)
        elif not self.online:
            self._begin(token, None)
        else:
            shown = {"idTag": token} if self.is_16 else {"idToken": {"idToken": token, "type": "ISO14443"}}
            self._say("Authorize", shown, lasting=False)
            self.host.after(20, lambda: self._swipe_again(token))

    def _swipe_again(self, token: str) -> None:
        if self.charge is None and self.plugged and not self.charges:
            self.swipe(token)

    def go_offline(self) -> None:
        self.online = False
        gone = self.connection_id
        try:
            self.host.disconnect(gone)
        except Failed:
            return

    def vanish(self) -> None:
        """Never to be heard of again."""
        self.end("PowerLoss")
        self.go_offline()
        self.is_lost = True
        self.queue.clear()

    def come_online(self) -> None:
        if self.is_lost:
            return
        name = f"{self.charger_id}-c{next(self._sockets)}"
        try:
            self.host.connect(self, name)
        except Failed:
            self.host.after(10, self.come_online)
            return
        self.connection_id, self.online = name, True
        boot: Payload = {"chargePointVendor": "Stub", "chargePointModel": "S"}
        if not self.is_16:
            boot = {"reason": "PowerUp", "chargingStation": {"vendorName": "Stub", "model": "S"}}
        self._say("BootNotification", boot, lasting=False)
        self._status("Charging" if self.charge else "Preparing" if self.plugged else "Available")
        self._pump()

    # What happens by itself.

    def _begin(self, token: str, remote_start_id: int | None) -> None:
        if self.charge is not None or not self.plugged:
            return
        self.awaited = None
        charge = Charge(token, self.host.now(), self.register_wh, remote_start_id)
        charge.ref = "" if self.is_16 else f"{self.charger_id}-tx{len(self.charges) + 1}"
        self.charge = charge
        self.charges.append(charge)
        if self.is_16:
            start = {"connectorId": 1, "idTag": token, "meterStart": self.register_wh, "timestamp": self._time()}
            self._say("StartTransaction", start, charge)
        else:
            self._event(charge, "Started", "RemoteStart" if remote_start_id else "Authorized", token=token)
        self._status("Charging")
        self.host.after(_READING_S, lambda: self._read(charge))

    def _read(self, charge: Charge) -> None:
        if self.charge is not charge:
            return
        if self.is_16:
            self._say("MeterValues", {"connectorId": 1, "meterValue": [self._meter()]}, charge)
        else:
            self._event(charge, "Updated", "MeterValuePeriodic")
        self.host.after(_READING_S, lambda: self._read(charge))

    def end(self, reason: str, token: str | None = None) -> None:
        charge = self.charge
        if charge is None:
            return
        self.register_wh = charge.meter_stop_wh = self._meter_wh(charge)
        self.charge = None
        if self.is_16:
            stop: Payload = {"meterStop": charge.meter_stop_wh, "timestamp": self._time()}
            stop["reason"] = reason if reason != "EVDisconnected" else "EVDisconnected"
            if token:
                stop["idTag"] = token
            self._say("StopTransaction", stop, charge)
        else:
            self._event(charge, "Ended", "StopAuthorized" if token else "EVCommunicationLost", reason)
        self._status("Finishing")

    def _event(
        self, charge: Charge, kind: str, trigger: str, reason: str | None = None, token: str | None = None
    ) -> None:
        info: Payload = {"transactionId": charge.ref}
        if charge.remote_start_id is not None and kind == "Started":
            info["remoteStartId"] = charge.remote_start_id
        if reason is not None:
            info["stoppedReason"] = reason
        payload: Payload = {
            "eventType": kind,
            "timestamp": self._time(),
            "triggerReason": trigger,
            "seqNo": charge.seq_no,
            "transactionInfo": info,
            "evse": {"id": 1, "connectorId": 1},
            "meterValue": [self._meter(charge)],
        }
        charge.seq_no += 1
        if token is not None:
            kind_of = "Central" if charge.remote_start_id else "ISO14443"
            payload["idToken"] = {"idToken": token, "type": kind_of}
        self._say("TransactionEvent", payload, charge)

    def _status(self, status: str) -> None:
        if self.is_16:
            said: Payload = {"connectorId": 1, "errorCode": "NoError", "status": status, "timestamp": self._time()}
        else:
            word = "Available" if status == "Available" else "Occupied"
            said = {"timestamp": self._time(), "connectorStatus": word, "evseId": 1, "connectorId": 1}
        self._say("StatusNotification", said, lasting=False)

    def _meter(self, charge: Charge | None = None) -> Payload:
        value: Any = self._meter_wh(charge or self.charge)
        sample = {"value": str(value) if self.is_16 else value, "measurand": "Energy.Active.Import.Register"}
        if self.is_16:
            sample["unit"] = "Wh"
        return {"timestamp": self._time(), "sampledValue": [sample]}

    def _meter_wh(self, charge: Charge | None) -> int:
        if charge is None:
            return self.register_wh
        if charge.meter_stop_wh is not None:
            return charge.meter_stop_wh
        return charge.meter_start_wh + int((self.host.now() - charge.began_at).total_seconds()) * POWER_W // 3600

    def _time(self) -> str:
        return self.host.now().isoformat().replace("+00:00", "Z")

    # How it speaks.

    def _say(self, action: str, payload: Payload, charge: Charge | None = None, *, lasting: bool = True) -> None:
        if not lasting and not self.online:
            return
        self.queue.append(Message(f"q-{next(self._numbers)}", action, payload, lasting, charge))
        self._pump()

    def _pump(self) -> None:
        if self._busy or not self.online or not self.queue:
            return
        self._busy = True
        self.host.after(0.1, self._send)

    def _send(self) -> None:
        if not self.online or not self.queue:
            self._busy = False
            return
        message = self.queue[0]
        if message.charge is not None and self.is_16 and message.action != "StartTransaction":
            message.payload["transactionId"] = int(message.charge.ref)
        message.tries += 1
        self.sent += 1
        # What else its timers do meanwhile finds it waiting for this answer.
        answer = self._asked(json.dumps([2, message.id, message.action, message.payload]))
        pause_s = 0.1
        if self.is_lost:
            return
        if answer is not None and answer[0] == 3:
            self.queue.remove(message)
            self._answered(message, answer[2])
        elif message.lasting:
            pause_s = min(10.0 * message.tries, _MOST_PAUSE_S)
        else:
            self.queue.remove(message)
        self.host.after(pause_s, self._send)

    def _asked(self, frame: str) -> list[Any] | None:
        try:
            text = self.host.receive(self.connection_id, frame)
        except Failed as error:
            if error.error == "Gone":
                self.online = False
                self.host.after(5, self.come_online)
            return None
        return json.loads(text) if text else None

    def _answered(self, message: Message, answer: Payload) -> None:
        charge = message.charge
        standing = answer.get("idTagInfo" if self.is_16 else "idTokenInfo", {}).get("status", "Accepted")
        if message.action == "Authorize" and standing == "Accepted":
            shown = message.payload.get("idTag") or message.payload["idToken"]["idToken"]
            self._begin(shown, None)
        if charge is None:
            return
        if message.action == "StartTransaction":
            charge.ref = str(answer["transactionId"])
        if standing != "Accepted" and self.charge is charge:
            self.end("DeAuthorized")

    def command(self, frame: str) -> None:
        """A CALL came down the socket."""
        _, name, action, payload = json.loads(frame)
        status = {"status": self._obey(action, payload)}
        if self.online:
            self._asked(json.dumps([3, name, status]))

    def _obey(self, action: str, payload: Payload) -> str:
        match action:
            case "RemoteStartTransaction" | "RequestStartTransaction":
                if self.charge is not None or self.awaited is not None:
                    return "Rejected"
                token = payload["idTag"] if self.is_16 else payload["idToken"]["idToken"]
                self.awaited = (token, payload.get("remoteStartId"))
                awaited = self.awaited
                self.host.after(1, lambda: self._begin(*awaited))
                # OCPP 1.6 ConnectionTimeOut: nobody has plugged in.
                self.host.after(45, self._stop_waiting)
            case "RemoteStopTransaction" | "RequestStopTransaction":
                if not self.obeys or self.charge is None or self.charge.ref != str(payload["transactionId"]):
                    return "Rejected"
                self.host.after(1, lambda: self.end("Remote"))
        return "Accepted"

    def _stop_waiting(self) -> None:
        self.awaited = None
