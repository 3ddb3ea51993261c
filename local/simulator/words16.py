"""OCPP 1.6J as a charger speaks it: the backend names transactions, and all that follows waits for the name."""

from __future__ import annotations

from local.simulator.line import Payload, Queued, Unsupported
from local.simulator.parts import Connector, Obedient, Transaction, nothing, now, timestamp

_CONFIGURATION = {"HeartbeatInterval": "300", "MeterValueSampleInterval": "10", "NumberOfConnectors": "2"}


class Words16:
    """OCPP 1.6J."""

    subprotocol = "ocpp1.6"

    def boot(self) -> tuple[str, Payload]:
        return "BootNotification", {
            "chargePointVendor": "Kerb",
            "chargePointModel": "Simulator",
            "firmwareVersion": "1.0",
        }

    def status(self, connector: int, status: str) -> tuple[str, Payload]:
        return "StatusNotification", {
            "connectorId": connector,
            "errorCode": "NoError",
            "status": status,
            "timestamp": timestamp(now()),
        }

    def authorize(self, token: str) -> tuple[str, Payload]:
        return "Authorize", {"idTag": token}

    def is_accepted(self, answer: Payload) -> bool:
        return bool(answer["idTagInfo"]["status"] == "Accepted")

    def started(self, transaction: Transaction, charger: Obedient) -> Queued:
        payload = {
            "connectorId": transaction.connector,
            "idTag": transaction.token,
            "meterStart": transaction.meter_start_wh,
            "timestamp": timestamp(transaction.started_at),
        }

        async def answered(answer: Payload) -> None:
            transaction.ref = str(answer["transactionId"])
            await charger.heard_of(transaction, self.is_accepted(answer))

        return Queued("StartTransaction", lambda: payload, answered)

    def reading(self, transaction: Transaction, connector: Connector, offline: bool) -> Queued:
        samples = [
            {"value": str(int(connector.register_wh)), "measurand": "Energy.Active.Import.Register", "unit": "Wh"},
            {"value": str(connector.power_w), "measurand": "Power.Active.Import", "unit": "W"},
        ]
        if connector.car is not None:
            samples.append({"value": str(connector.car.soc_percent), "measurand": "SoC", "unit": "Percent"})
        meter_value = [{"timestamp": timestamp(now()), "sampledValue": samples}]

        def build() -> Payload:
            return {
                "connectorId": connector.number,
                "transactionId": int(transaction.ref or -1),
                "meterValue": meter_value,
            }

        return Queued("MeterValues", build, nothing)

    def stopped(self, transaction: Transaction, connector: Connector, reason: str, offline: bool) -> Queued:
        meter_stop, at = int(connector.register_wh), timestamp(now())

        def build() -> Payload:
            return {
                "transactionId": int(transaction.ref or -1),
                "idTag": transaction.token,
                "meterStop": meter_stop,
                "timestamp": at,
                "reason": reason,
            }

        return Queued("StopTransaction", build, nothing)

    async def called(self, charger: Obedient, action: str, payload: Payload) -> Payload:
        """Answer the backend. Raises Unsupported."""
        accepted: bool | None = None
        match action:
            case "RemoteStartTransaction":
                accepted = await charger.remote_start(payload.get("connectorId"), payload["idTag"], None)
            case "RemoteStopTransaction":
                accepted = await charger.remote_stop(str(payload["transactionId"]))
            case "Reset":
                charger.soon(charger.reset())
                accepted = True
            case "UnlockConnector":
                return {"status": "Unlocked"}
            case "TriggerMessage":
                accepted = payload["requestedMessage"] == "Heartbeat"
                if accepted:
                    charger.soon(charger.line.tell("Heartbeat", {}))
                else:
                    return {"status": "NotImplemented"}
            case "GetConfiguration":
                keys = [{"key": key, "readonly": True, "value": value} for key, value in _CONFIGURATION.items()]
                return {"configurationKey": keys}
            case "ChangeConfiguration":
                return {"status": "Rejected" if payload["key"] in _CONFIGURATION else "NotSupported"}
            case _:
                raise Unsupported(action)
        return {"status": "Accepted" if accepted else "Rejected"}
