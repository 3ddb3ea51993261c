"""Chargers we did not write: mobilityhouse's `ocpp` library speaks to us over a plain WebSocket client."""

from __future__ import annotations

import asyncio
import base64
from datetime import UTC, datetime
from typing import Any

import pytest
import websockets
from ocpp.routing import on
from ocpp.v16 import ChargePoint as ChargePoint16
from ocpp.v16 import call as call16
from ocpp.v16 import call_result as result16
from ocpp.v21 import ChargePoint as ChargePoint21
from ocpp.v21 import call as call21
from ocpp.v21 import call_result as result21
from ocpp.v201 import ChargePoint as ChargePoint201
from ocpp.v201 import call as call201
from ocpp.v201 import call_result as result201

from tests.patience import PATIENCE_S
from tests.scenarios.world import PASSWORD, World, eventually


def now() -> str:
    return datetime.now(UTC).isoformat()


def connect(world: World, charger_id: str, subprotocol: str) -> Any:
    credentials = base64.b64encode(f"{charger_id}:{PASSWORD}".encode()).decode()
    return websockets.connect(
        f"{world.stack.socket_url}/{charger_id}",
        subprotocols=[websockets.Subprotocol(subprotocol)],
        additional_headers={"Authorization": f"Basic {credentials}"},
        open_timeout=60,
    )


class Foreign16(ChargePoint16):
    """Starts and stops as told."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.work: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()

    @on("RemoteStartTransaction")
    def remote_start(self, id_tag: str, connector_id: int, **_: Any) -> result16.RemoteStartTransaction:
        self.work.put_nowait(("start", (connector_id, id_tag)))
        return result16.RemoteStartTransaction(status="Accepted")

    @on("RemoteStopTransaction")
    def remote_stop(self, transaction_id: int) -> result16.RemoteStopTransaction:
        self.work.put_nowait(("stop", transaction_id))
        return result16.RemoteStopTransaction(status="Accepted")

    async def charge_once(self) -> None:
        await self.call(call16.BootNotification(charge_point_model="Foreign", charge_point_vendor="Elsewhere"))
        await self.call(call16.StatusNotification(connector_id=1, error_code="NoError", status="Available"))
        _, (connector_id, id_tag) = await self.work.get()
        started = await self.call(
            call16.StartTransaction(connector_id=connector_id, id_tag=id_tag, meter_start=1_000_000, timestamp=now())
        )
        assert started.id_tag_info["status"] == "Accepted"
        await self.call(
            call16.MeterValues(
                connector_id=connector_id,
                transaction_id=started.transaction_id,
                meter_value=[{"timestamp": now(), "sampled_value": [{"value": "1004.2", "unit": "kWh"}]}],
            )
        )
        _, transaction_id = await self.work.get()
        assert transaction_id == started.transaction_id
        await self.call(
            call16.StopTransaction(
                meter_stop=1_008_000, timestamp=now(), transaction_id=transaction_id, reason="Remote"
            )
        )


def foreign2(charge_point: Any, call: Any, result: Any) -> type[Any]:
    """A station of a 2.x version that starts and stops as told."""

    class Foreign2(charge_point):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            self.work: asyncio.Queue[Any] = asyncio.Queue()

        @on("RequestStartTransaction")
        def remote_start(self, id_token: dict[str, Any], remote_start_id: int, **_: Any) -> Any:
            self.work.put_nowait((id_token, remote_start_id))
            return result.RequestStartTransaction(status="Accepted")

        @on("RequestStopTransaction")
        def remote_stop(self, transaction_id: str) -> Any:
            self.work.put_nowait(transaction_id)
            return result.RequestStopTransaction(status="Accepted")

        async def _tell(self, event_type: str, seq_no: int, wh: int, trigger: str, **more: Any) -> Any:
            info = {"transaction_id": "tx-foreign", **more.pop("info", {})}
            reading = {"value": wh, "measurand": "Energy.Active.Import.Register"}
            return await self.call(
                call.TransactionEvent(
                    event_type=event_type,
                    timestamp=now(),
                    trigger_reason=trigger,
                    seq_no=seq_no,
                    transaction_info=info,
                    evse={"id": 1, "connector_id": 1},
                    meter_value=[{"timestamp": now(), "sampled_value": [reading]}],
                    **more,
                )
            )

        async def charge_once(self) -> None:
            await self.call(
                call.BootNotification(charging_station={"model": "F", "vendor_name": "E"}, reason="PowerUp")
            )
            id_token, remote_start_id = await self.work.get()
            answer = await self._tell(
                "Started", 0, 50_000, "RemoteStart", id_token=id_token, info={"remote_start_id": remote_start_id}
            )
            assert answer.id_token_info["status"] == "Accepted"
            await self._tell("Updated", 1, 54_200, "MeterValuePeriodic")
            assert await self.work.get() == "tx-foreign"
            await self._tell("Ended", 2, 58_000, "RemoteStop", info={"stopped_reason": "Remote"})

    return Foreign2


@pytest.mark.parametrize(
    ("subprotocol", "client"),
    [
        ("ocpp1.6", Foreign16),
        ("ocpp2.0.1", foreign2(ChargePoint201, call201, result201)),
        ("ocpp2.1", foreign2(ChargePoint21, call21, result21)),
    ],
)
def test_a_charger_we_did_not_write_sells_a_paid_session(world: World, subprotocol: str, client: Any) -> None:
    charger_id = world.register_charger()

    async def charger() -> None:
        async with connect(world, charger_id, subprotocol) as socket:
            charge_point = client(charger_id, socket)
            listening = asyncio.create_task(charge_point.start())
            await charge_point.charge_once()
            listening.cancel()

    charging = world.in_background(charger())
    # Known to be online it is a moment before its socket is open; what it said came through that.
    eventually(lambda: world.operator.call("GET", f"/v1/operator/chargers/{charger_id}")["vendor"])
    session_id = world.driver.begin(charger_id)["session_id"]
    world.driver.until(session_id, lambda session: session["energy_wh"] == 4200)
    world.driver.end(session_id)
    session = world.driver.until(session_id, lambda session: session["state"] == "completed")
    charging.result(timeout=PATIENCE_S)
    assert session["energy_wh"] == 8000
    assert world.driver.receipt(session_id)["energy_wh"] == 8000
