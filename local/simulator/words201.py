"""OCPP 2.0.1 as a charger speaks it: it names its transactions itself and numbers every event of each."""

from __future__ import annotations

from typing import Any, ClassVar

from local.simulator.answers201 import ANSWERS
from local.simulator.line import Payload, Queued
from local.simulator.parts import Answers, Connector, Obedient, Transaction, answer, nothing, now, timestamp
from local.simulator.profiles import VOLTAGE_V
from local.simulator.settings import Role, Setting, settings201
from local.simulator.supply import currents_a

_STATUS = {it: it for it in ("Available", "Reserved", "Faulted", "Unavailable")}
_TRIGGER = {
    "Remote": "RemoteStop",
    "EVDisconnected": "EVCommunicationLost",
    "DeAuthorized": "Deauthorized",
    "ImmediateReset": "ResetCommand",
}
_SUSPENDED = ("SuspendedEVSE", "SuspendedEV")


class Words201:
    """OCPP 2.0.1."""

    subprotocol = "ocpp2.0.1"
    answers: ClassVar[Answers] = ANSWERS

    def settings(self, connectors: int) -> list[Setting]:
        return settings201(connectors)

    def boot(self, reason: str = "PowerUp") -> tuple[str, Payload]:
        station = {"vendorName": "Kerb", "model": "Simulator", "firmwareVersion": "1.0"}
        return "BootNotification", {"reason": reason, "chargingStation": station}

    def status(self, connector: int, status: str) -> tuple[str, Payload]:
        return "StatusNotification", {
            "timestamp": timestamp(now()),
            "connectorStatus": _STATUS.get(status, "Occupied"),
            "evseId": connector,
            "connectorId": 1,
        }

    def authorize(self, token: str) -> tuple[str, Payload]:
        return "Authorize", {"idToken": {"idToken": token, "type": "ISO14443"}}

    def is_accepted(self, answer: Payload) -> bool:
        return bool(answer.get("idTokenInfo", {}).get("status", "Accepted") == "Accepted")

    def started(self, transaction: Transaction, charger: Obedient) -> Queued:
        transaction.ref = transaction.uuid
        payload = self._event(
            transaction,
            "Started",
            "RemoteStart" if transaction.remote else "Authorized",
            transaction.offline,
            {"chargingState": "Charging", "remoteStartId": transaction.remote_start_id},
            _told(transaction, Role.START_VALUES, "Transaction.Begin", transaction.meter_start_wh),
        )
        car = charger.connectors[transaction.connector].car
        is_contract = car is not None and car.emaid == transaction.token
        kind = "Central" if transaction.remote else "eMAID" if is_contract else "ISO14443"
        payload["idToken"] = {"idToken": transaction.token, "type": kind}
        if transaction.reservation_id is not None:
            payload["reservationId"] = transaction.reservation_id

        async def answered(said: Payload) -> None:
            await charger.heard_of(transaction, self.is_accepted(said))

        return Queued("TransactionEvent", lambda: payload, answered)

    def reading(self, transaction: Transaction, connector: Connector, offline: bool, asked: bool = False) -> Queued:
        trigger, context = ("Trigger", "Trigger") if asked else ("MeterValuePeriodic", "Sample.Periodic")
        flowing = "Charging" if connector.power_w else "SuspendedEV"
        info = {"chargingState": connector.status if connector.status in _SUSPENDED else flowing}
        meter_value = _told(transaction, Role.READINGS, context, int(connector.register_wh), connector)
        payload = self._event(transaction, "Updated", trigger, offline, info, meter_value)
        return Queued("TransactionEvent", lambda: payload, nothing)

    def sample(self, connector: Connector) -> tuple[str, Payload]:
        """The meter as it stands, because the backend asks."""
        return "MeterValues", {"evseId": connector.number, "meterValue": [_full_meter_value("Trigger", connector)]}

    def stopped(self, transaction: Transaction, connector: Connector, reason: str, offline: bool) -> Queued:
        trigger = _TRIGGER.get(reason, "StopAuthorized")
        meter_value = _told(transaction, Role.STOP_VALUES, "Transaction.End", int(connector.register_wh))
        payload = self._event(transaction, "Ended", trigger, offline, {"stoppedReason": reason}, meter_value)
        return Queued("TransactionEvent", lambda: payload, nothing)

    def reservation_over(self, reservation_id: int, why: str) -> tuple[str, Payload] | None:
        payload = {"reservationId": reservation_id, "reservationUpdateStatus": why}
        return "ReservationStatusUpdate", payload

    async def called(self, charger: Obedient, action: str, payload: Payload) -> Payload:
        """Answer the backend. Raises Unsupported."""
        match action:
            case "RequestStartTransaction":
                token = payload["idToken"]["idToken"]
                asked = (payload.get("evseId"), token, payload["remoteStartId"], payload.get("chargingProfile"))
                accepted = await charger.remote_start(*asked)
            case "RequestStopTransaction":
                accepted = await charger.remote_stop(payload["transactionId"])
            case _:
                return answer(self.answers, charger, action, payload)
        return {"status": "Accepted" if accepted else "Rejected"}

    def _event(
        self,
        transaction: Transaction,
        kind: str,
        trigger: str,
        offline: bool,
        info: dict[str, Any],
        meter_value: Payload | None,
    ) -> Payload:
        told = {name: value for name, value in info.items() if value is not None}
        return {
            "eventType": kind,
            "timestamp": meter_value["timestamp"] if meter_value else timestamp(now()),
            "triggerReason": trigger,
            "seqNo": transaction.next_seq_no(),
            "offline": offline,
            "transactionInfo": {"transactionId": transaction.uuid, **told},
            "evse": {"id": transaction.connector, "connectorId": 1},
            **({"meterValue": [meter_value]} if meter_value else {}),
        }


def _told(
    transaction: Transaction, role: Role, context: str, register_wh: int, connector: Connector | None = None
) -> Payload | None:
    """What the settings let be told of the meter; None when that is nothing."""
    meter_value = _meter_value(context, register_wh) if connector is None else _full_meter_value(context, connector)
    samples = [it for it in meter_value["sampledValue"] if transaction.settings.has(role, it["measurand"])]
    return {**meter_value, "sampledValue": samples} if samples else None


def _meter_value(context: str, register_wh: int) -> Payload:
    sample = {
        "value": register_wh,
        "context": context,
        "measurand": "Energy.Active.Import.Register",
        "unitOfMeasure": {"unit": "Wh"},
    }
    return {"timestamp": timestamp(now()), "sampledValue": [sample]}


def _full_meter_value(context: str, connector: Connector) -> Payload:
    meter_value = _meter_value(context, int(connector.register_wh))
    power = {"value": connector.power_w, "measurand": "Power.Active.Import", "unitOfMeasure": {"unit": "W"}}
    meter_value["sampledValue"].append({**power, "context": context})
    if connector.car is not None and connector.car.tells_percent:
        soc = {"value": connector.car.soc_percent, "measurand": "SoC", "context": context}
        meter_value["sampledValue"].append(soc)
    for phase, current_a in enumerate(currents_a(connector) if connector.measures_phases else (), 1):
        told = {"measurand": "Current.Import", "phase": f"L{phase}", "unitOfMeasure": {"unit": "A"}}
        meter_value["sampledValue"].append({**told, "value": round(current_a, 2), "context": context})
        voltage = {"measurand": "Voltage", "phase": f"L{phase}-N", "unitOfMeasure": {"unit": "V"}}
        meter_value["sampledValue"].append({**voltage, "value": VOLTAGE_V, "context": context})
    return meter_value
