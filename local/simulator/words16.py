"""OCPP 1.6J as a charger speaks it: the backend names transactions, and all that follows waits for the name."""

from __future__ import annotations

from local.simulator.answers16 import ANSWERS
from local.simulator.line import Payload, Queued
from local.simulator.parts import Connector, Obedient, Transaction, answer, nothing, now, timestamp
from local.simulator.profiles import VOLTAGE_V
from local.simulator.settings import Role, Setting, settings16
from local.simulator.supply import currents_a


class Words16:
    """OCPP 1.6J."""

    subprotocol = "ocpp1.6"

    def settings(self, connectors: int) -> list[Setting]:
        return settings16(connectors)

    def boot(self, reason: str = "PowerUp") -> tuple[str, Payload]:
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
        if transaction.reservation_id is not None:
            payload["reservationId"] = transaction.reservation_id

        async def answered(said: Payload) -> None:
            transaction.ref = str(said["transactionId"])
            await charger.heard_of(transaction, self.is_accepted(said))

        return Queued("StartTransaction", lambda: payload, answered)

    def reading(self, transaction: Transaction, connector: Connector, offline: bool, asked: bool = False) -> Queued:
        samples = [it for it in _samples(connector) if transaction.settings.has(Role.READINGS, it["measurand"])]
        meter_value = [{"timestamp": timestamp(now()), "sampledValue": samples}]

        def build() -> Payload:
            return {
                "connectorId": connector.number,
                "transactionId": int(transaction.ref or -1),
                "meterValue": meter_value,
            }

        return Queued("MeterValues", build, nothing)

    def sample(self, connector: Connector) -> tuple[str, Payload]:
        """The meter as it stands, because the backend asks."""
        samples = [{**it, "context": "Trigger"} for it in _samples(connector)]
        meter_value = [{"timestamp": timestamp(now()), "sampledValue": samples}]
        payload: Payload = {"connectorId": connector.number, "meterValue": meter_value}
        if connector.transaction is not None and connector.transaction.ref is not None:
            payload["transactionId"] = int(connector.transaction.ref)
        return "MeterValues", payload

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

    def reservation_over(self, reservation_id: int, why: str) -> tuple[str, Payload] | None:
        return None

    async def called(self, charger: Obedient, action: str, payload: Payload) -> Payload:
        """Answer the backend. Raises Unsupported."""
        match action:
            case "RemoteStartTransaction":
                asked = (payload.get("connectorId"), payload["idTag"], None, payload.get("chargingProfile"))
                accepted = await charger.remote_start(*asked)
            case "RemoteStopTransaction":
                accepted = await charger.remote_stop(str(payload["transactionId"]))
            case _:
                return answer(ANSWERS, charger, action, payload)
        return {"status": "Accepted" if accepted else "Rejected"}


def _samples(connector: Connector) -> list[Payload]:
    samples = [
        {"value": str(int(connector.register_wh)), "measurand": "Energy.Active.Import.Register", "unit": "Wh"},
        {"value": str(connector.power_w), "measurand": "Power.Active.Import", "unit": "W"},
    ]
    if connector.car is not None and connector.car.tells_percent:
        samples.append({"value": str(connector.car.soc_percent), "measurand": "SoC", "unit": "Percent"})
    for phase, current_a in enumerate(currents_a(connector) if connector.measures_phases else (), 1):
        told = {"measurand": "Current.Import", "unit": "A", "phase": f"L{phase}"}
        samples.append({**told, "value": f"{current_a:.2f}"})
        voltage = {"measurand": "Voltage", "unit": "V", "phase": f"L{phase}-N"}
        samples.append({**voltage, "value": str(VOLTAGE_V)})
    return samples
