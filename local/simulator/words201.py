"""OCPP 2.0.1 as a charger speaks it: it names its transactions itself and numbers every event of each."""

from __future__ import annotations

from typing import Any

from local.simulator.line import Payload, Queued, Unsupported
from local.simulator.parts import Connector, Obedient, Transaction, nothing, now, timestamp

_STATUS = {"Available": "Available", "Faulted": "Faulted", "Unavailable": "Unavailable"}
_TRIGGER = {"Remote": "RemoteStop", "EVDisconnected": "EVCommunicationLost", "DeAuthorized": "Deauthorized"}


class Words201:
    """OCPP 2.0.1."""

    subprotocol = "ocpp2.0.1"

    def boot(self) -> tuple[str, Payload]:
        station = {"vendorName": "Kerb", "model": "Simulator", "firmwareVersion": "1.0"}
        return "BootNotification", {"reason": "PowerUp", "chargingStation": station}

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
            _meter_value("Transaction.Begin", transaction.meter_start_wh),
        )
        kind = "Central" if transaction.remote else "ISO14443"
        payload["idToken"] = {"idToken": transaction.token, "type": kind}

        async def answered(answer: Payload) -> None:
            await charger.heard_of(transaction, self.is_accepted(answer))

        return Queued("TransactionEvent", lambda: payload, answered)

    def reading(self, transaction: Transaction, connector: Connector, offline: bool) -> Queued:
        meter_value = _meter_value("Sample.Periodic", int(connector.register_wh))
        meter_value["sampledValue"].append(
            {"value": connector.power_w, "measurand": "Power.Active.Import", "unitOfMeasure": {"unit": "W"}}
        )
        if connector.car is not None:
            meter_value["sampledValue"].append({"value": connector.car.soc_percent, "measurand": "SoC"})
        info = {"chargingState": "Charging" if connector.power_w else "SuspendedEV"}
        payload = self._event(transaction, "Updated", "MeterValuePeriodic", offline, info, meter_value)
        return Queued("TransactionEvent", lambda: payload, nothing)

    def stopped(self, transaction: Transaction, connector: Connector, reason: str, offline: bool) -> Queued:
        trigger = _TRIGGER.get(reason, "StopAuthorized")
        meter_value = _meter_value("Transaction.End", int(connector.register_wh))
        payload = self._event(transaction, "Ended", trigger, offline, {"stoppedReason": reason}, meter_value)
        return Queued("TransactionEvent", lambda: payload, nothing)

    async def called(self, charger: Obedient, action: str, payload: Payload) -> Payload:
        """Answer the backend. Raises Unsupported."""
        match action:
            case "RequestStartTransaction":
                token = payload["idToken"]["idToken"]
                accepted = await charger.remote_start(payload.get("evseId"), token, payload["remoteStartId"])
            case "RequestStopTransaction":
                accepted = await charger.remote_stop(payload["transactionId"])
            case "Reset":
                charger.soon(charger.reset())
                accepted = True
            case "UnlockConnector":
                return {"status": "Unlocked"}
            case "GetVariables":
                asked = payload["getVariableData"]
                return {"getVariableResult": [{**_named(it), "attributeStatus": "UnknownVariable"} for it in asked]}
            case "SetVariables":
                asked = payload["setVariableData"]
                return {"setVariableResult": [{**_named(it), "attributeStatus": "UnknownVariable"} for it in asked]}
            case _:
                raise Unsupported(action)
        return {"status": "Accepted" if accepted else "Rejected"}

    def _event(
        self,
        transaction: Transaction,
        kind: str,
        trigger: str,
        offline: bool,
        info: dict[str, Any],
        meter_value: Payload,
    ) -> Payload:
        told = {name: value for name, value in info.items() if value is not None}
        return {
            "eventType": kind,
            "timestamp": meter_value["timestamp"],
            "triggerReason": trigger,
            "seqNo": transaction.next_seq_no(),
            "offline": offline,
            "transactionInfo": {"transactionId": transaction.uuid, **told},
            "evse": {"id": transaction.connector, "connectorId": 1},
            "meterValue": [meter_value],
        }


def _meter_value(context: str, register_wh: int) -> Payload:
    sample = {
        "value": register_wh,
        "context": context,
        "measurand": "Energy.Active.Import.Register",
        "unitOfMeasure": {"unit": "Wh"},
    }
    return {"timestamp": timestamp(now()), "sampledValue": [sample]}


def _named(asked: Payload) -> Payload:
    return {"component": asked["component"], "variable": asked["variable"]}
