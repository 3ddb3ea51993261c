"""What a backend asks of a simulated OCPP 2.0.1 or 2.1 charger is really done."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local.simulator.battery import Car
from local.simulator.charger import Charger
from local.simulator.reports201 import name_of, place_of
from local.simulator.settings import settings201
from tests.local.test_simulator import PASSWORD, Backend, charging, connected, lived, until
from tests.local.test_simulator_16 import NEW_PASSWORD, in_s
from tests.local.test_simulator_certificates import root_certificate

both = pytest.mark.parametrize("version", ["2.0.1", "2.1"])


def token(text: str) -> dict[str, str]:
    """An RFID card."""
    return {"idToken": text, "type": "ISO14443"}


def profile(number: int, limit: float, purpose: str = "TxDefaultProfile", **more: Any) -> dict[str, Any]:
    """A charging profile that says one thing for ever."""
    periods = [{"startPeriod": 0, "limit": limit}]
    schedule = {"id": number, "chargingRateUnit": "W", "chargingSchedulePeriod": periods}
    kind = {"chargingProfilePurpose": purpose, "chargingProfileKind": "Relative"}
    return {"id": number, "stackLevel": 0, **kind, "chargingSchedule": [schedule], **more}


async def parts(backend: Backend, action: str, request_id: int) -> list[dict[str, Any]]:
    """All parts of a report."""

    def mine() -> list[dict[str, Any]]:
        return [it for it in backend.told(action) if it["requestId"] == request_id]

    await until(lambda: mine() and not mine()[-1]["tbc"])
    return mine()


def test_every_variable_is_found_again_by_its_component_and_name() -> None:
    names = [it.name for it in settings201(2)]
    assert [name_of(place_of(it)) for it in names] == names
    place = {"component": {"name": "A", "instance": "b", "evse": {"id": 1, "connectorId": 2}}}
    assert name_of(place_of("A[b]#1/2.C[d]")) == "A[b]#1/2.C[d]"
    assert place_of("A[b]#1/2.C[d]") == {**place, "variable": {"name": "C", "instance": "d"}}


@both
@lived
async def test_variables_are_read_and_set_each_with_its_own_status(version: str) -> None:
    wanted = [
        ("OCPPCommCtrlr.HeartbeatInterval", "77", "Accepted"),
        ("OCPPCommCtrlr.HeartbeatInterval", "soon", "Rejected"),
        ("OCPPCommCtrlr.ResetRetries", "3", "Rejected"),
        ("OCPPCommCtrlr.NetworkConfigurationPriority", "2", "RebootRequired"),
        ("OCPPCommCtrlr.Nonsense", "1", "UnknownVariable"),
        ("Nonsense.Nonsense", "1", "UnknownComponent"),
    ]
    async with connected(version) as (_, backend):
        data = [{**place_of(name), "attributeValue": value} for name, value, _ in wanted]
        results = (await backend.call("SetVariables", {"setVariableData": data}))["setVariableResult"]
        assert [it["attributeStatus"] for it in results] == [status for *_, status in wanted]
        names = ["OCPPCommCtrlr.HeartbeatInterval", "EVSE#1.AvailabilityState", "SecurityCtrlr.BasicAuthPassword"]
        asked = [place_of(it) for it in names] + [{**place_of(names[0]), "attributeType": "Target"}]
        results = (await backend.call("GetVariables", {"getVariableData": asked}))["getVariableResult"]
    assert [(it["attributeStatus"], it.get("attributeValue")) for it in results] == [
        ("Accepted", "77"),
        ("Accepted", "Available"),
        ("Rejected", None),
        ("NotSupportedAttributeType", None),
    ]


@both
@lived
async def test_a_new_password_is_used_on_the_next_connection_which_comes_at_once(version: str) -> None:
    async with connected(version) as (charger, backend):
        backend.passwords = {NEW_PASSWORD}
        data = [{**place_of("SecurityCtrlr.BasicAuthPassword"), "attributeValue": NEW_PASSWORD}]
        await backend.call("SetVariables", {"setVariableData": data})
        await until(lambda: len(backend.logins) == 2)
        await charger.until(lambda it: it.is_online)
    assert backend.logins == [PASSWORD, NEW_PASSWORD]


@both
@pytest.mark.parametrize("base", ["FullInventory", "ConfigurationInventory", "SummaryInventory"])
@lived
async def test_a_base_report_comes_in_numbered_parts_the_last_of_which_says_so(version: str, base: str) -> None:
    async with connected(version) as (_, backend):
        asked = {"requestId": 42, "reportBase": base}
        assert await backend.call("GetBaseReport", asked) == {"status": "Accepted"}
        told = await parts(backend, "NotifyReport", 42)
    assert len(told) >= 2
    assert [it["seqNo"] for it in told] == list(range(len(told)))
    assert [it["tbc"] for it in told] == [True] * (len(told) - 1) + [False]
    names = [name_of(entry) for it in told for entry in it["reportData"]]
    assert len(names) == len(set(names))
    assert ("SecurityCtrlr.BasicAuthPassword" in names) is (base != "SummaryInventory")
    assert ("ChargingStation.Model" in names) is (base == "FullInventory")


@lived
async def test_a_custom_report_holds_what_was_asked_for() -> None:
    async with connected("2.0.1") as (_, backend):
        component = {"component": {"name": "evse"}}
        await backend.call("GetReport", {"requestId": 1, "componentVariable": [component]})
        told = await parts(backend, "NotifyReport", 1)
        nothing = {"requestId": 2, "componentCriteria": ["Problem"]}
        assert await backend.call("GetReport", nothing) == {"status": "EmptyResultSet"}
    found = [entry["component"] for it in told for entry in it["reportData"]]
    assert found == [{"name": "EVSE", "evse": {"id": 1}}, {"name": "EVSE", "evse": {"id": 2}}]


@both
@lived
async def test_the_local_list_is_kept_by_version_and_decides_offline(version: str) -> None:
    entries = [
        {"idToken": token("GOOD"), "idTokenInfo": {"status": "Accepted"}},
        {"idToken": token("BAD"), "idTokenInfo": {"status": "Blocked"}},
    ]
    full = {"versionNumber": 3, "updateType": "Full", "localAuthorizationList": entries}
    async with connected(version, connectors=3) as (charger, backend):
        twice = {**full, "localAuthorizationList": entries * 2}
        assert await backend.call("SendLocalList", twice) == {"status": "Failed"}
        assert await backend.call("SendLocalList", full) == {"status": "Accepted"}
        old = {"versionNumber": 3, "updateType": "Differential"}
        assert await backend.call("SendLocalList", old) == {"status": "VersionMismatch"}
        assert await backend.call("GetLocalListVersion", {}) == {"versionNumber": 3}
        charger.go_offline()
        assert [await charger.swipe(it, n) for n, it in ((1, "GOOD"), (2, "BAD"), (3, "STRANGER"))] == [
            True,
            False,
            True,
        ]


@both
@lived
async def test_a_reservation_is_kept_used_and_told_of_when_it_expires(
    version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with connected(version) as (charger, backend):
        asked = {"id": 7, "idToken": token("MINE"), "evseId": 1, "expiryDateTime": in_s(600)}
        assert await backend.call("ReserveNow", asked) == {"status": "Accepted"}
        await until(lambda: backend.told("StatusNotification")[-1]["connectorStatus"] == "Reserved")
        assert await charger.swipe("OTHER") is False
        assert await charger.swipe("MINE") is True
        (started,) = await backend.until_told("TransactionEvent")
        assert started["reservationId"] == 7
        await backend.call("ReserveNow", {**asked, "id": 8, "evseId": 2})
        monkeypatch.setattr("local.simulator.charger.now", lambda: datetime.now(UTC) + timedelta(seconds=601))
        told = await backend.until_told("ReservationStatusUpdate")
    assert told == [{"reservationId": 8, "reservationUpdateStatus": "Expired"}]


@both
@lived
async def test_a_connector_with_a_charge_is_not_unlocked_and_becomes_unavailable_later(version: str) -> None:
    async with connected(version) as (charger, backend):
        await charging(charger, backend)
        here = {"evseId": 1, "connectorId": 1}
        assert await backend.call("UnlockConnector", here) == {"status": "OngoingAuthorizedTransaction"}
        assert await backend.call("UnlockConnector", {**here, "evseId": 2}) == {"status": "Unlocked"}
        off = {"operationalStatus": "Inoperative", "evse": {"id": 1}}
        assert await backend.call("ChangeAvailability", off) == {"status": "Scheduled"}
        await charger.swipe("CARD")
        await until(lambda: backend.told("StatusNotification")[-1]["connectorStatus"] == "Unavailable")


@both
@lived
async def test_a_reset_on_idle_waits_for_the_last_charge(version: str) -> None:
    async with connected(version) as (charger, backend):
        await charging(charger, backend)
        assert await backend.call("Reset", {"type": "OnIdle"}) == {"status": "Scheduled"}
        assert charger.connectors[1].transaction is not None
        await charger.swipe("CARD")
        boots = await backend.until_told("BootNotification", times=2)
        assert boots[-1]["reason"] == "RemoteReset"
        await until(lambda: backend.told("TransactionEvent")[-1]["eventType"] == "Ended")
        await charger.until(lambda it: it.is_online)
        assert await backend.call("Reset", {"type": "OnIdle"}) == {"status": "Accepted"}


@both
@pytest.mark.parametrize(
    "wanted",
    ["Heartbeat", "MeterValues", "StatusNotification", "TransactionEvent", "FirmwareStatusNotification"],
)
@lived
async def test_an_asked_message_comes_after_the_answer(version: str, wanted: str) -> None:
    async with connected(version) as (charger, backend):
        await charging(charger, backend)
        await backend.until_told("TransactionEvent")
        backend.heard.clear()
        backend.order.clear()
        asked = {"requestedMessage": wanted, "evse": {"id": 1}}
        assert await backend.call("TriggerMessage", asked) == {"status": "Accepted"}
        await backend.until_told(wanted)
        assert backend.order.index("answer") < backend.order.index(wanted)


@lived
async def test_a_message_that_cannot_be_sent_is_not_promised() -> None:
    async with connected("2.0.1") as (_, backend):
        for wanted, status in (
            ("SignV2GCertificate", "NotImplemented"),
            ("TransactionEvent", "Rejected"),
            ("BootNotification", "Rejected"),
        ):
            assert await backend.call("TriggerMessage", {"requestedMessage": wanted}) == {"status": status}


@both
@lived
async def test_firmware_and_logs_tell_of_their_stages_in_order(version: str) -> None:
    certificate, _ = root_certificate()
    firmware = {"location": "https://x/y", "retrieveDateTime": in_s(0)}
    async with connected(version) as (_, backend):
        await backend.call("UpdateFirmware", {"requestId": 1, "firmware": firmware})
        stages = await backend.until_told("FirmwareStatusNotification", times=4)
        assert [it["status"] for it in stages] == ["Downloading", "Downloaded", "Installing", "Installed"]
        signed = {**firmware, "signature": "s", "signingCertificate": "nonsense"}
        refused = await backend.call("UpdateFirmware", {"requestId": 2, "firmware": signed})
        assert refused == {"status": "InvalidCertificate"}
        signed["signingCertificate"] = certificate
        await backend.call("UpdateFirmware", {"requestId": 3, "firmware": signed})
        stages = await backend.until_told("FirmwareStatusNotification", times=9)
        assert "SignatureVerified" in [it["status"] for it in stages if it["requestId"] == 3]
        log = {"log": {"remoteLocation": "https://x/y"}, "logType": "SecurityLog", "requestId": 5}
        await backend.call("GetLog", log)
        stages = await backend.until_told("LogStatusNotification", times=2)
        assert [it["status"] for it in stages] == ["Uploading", "Uploaded"]


async def set_profile(backend: Backend, evse: int, raw: dict[str, Any]) -> str:
    """The status of the answer."""
    return str((await backend.call("SetChargingProfile", {"evseId": evse, "chargingProfile": raw}))["status"])


async def draws(charger: Charger, power_w: int) -> None:
    """Wait until the car at connector 1 draws so much."""
    await charger.until(lambda it: it.connectors[1].power_w == power_w)


@both
@lived
async def test_profiles_limit_power_are_reported_and_refused_when_they_clash(version: str) -> None:
    async with connected(version) as (charger, backend):
        ref = await charging(charger, backend)
        assert await set_profile(backend, 0, profile(1, 6000)) == "Accepted"
        await draws(charger, 6000)
        assert await set_profile(backend, 0, profile(2, 5000)) == "Rejected"
        assert await set_profile(backend, 1, profile(2, 5000, "TxProfile", transactionId="other")) == "Rejected"
        assert await set_profile(backend, 1, profile(2, 5000, "TxProfile", transactionId=ref)) == "Accepted"
        await draws(charger, 5000)
        await backend.call("GetChargingProfiles", {"requestId": 9, "chargingProfile": {}})
        told = await parts(backend, "ReportChargingProfiles", 9)
        assert [(it["evseId"], it["chargingProfile"][0]["id"]) for it in told] == [(0, 1), (1, 2)]
        answer = await backend.call("GetCompositeSchedule", {"evseId": 1, "duration": 60})
        assert answer["schedule"]["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": 5000}]
        await backend.call("ClearChargingProfile", {})
        await draws(charger, 11_000)


@lived
async def test_priority_and_dynamic_limits_of_2_1_change_what_flows() -> None:
    async with connected("2.1") as (charger, backend):
        ref = await charging(charger, backend)
        raise_priority = {"transactionId": ref, "activate": True}
        assert await backend.call("UsePriorityCharging", raise_priority) == {"status": "NoProfile"}
        await set_profile(backend, 1, profile(1, 3000, chargingProfileKind="Dynamic"))
        await set_profile(backend, 0, profile(2, 9000, "PriorityCharging"))
        await draws(charger, 3000)
        update = {"chargingProfileId": 1, "scheduleUpdate": {"limit": 4000}}
        assert await backend.call("UpdateDynamicSchedule", update) == {"status": "Accepted"}
        await draws(charger, 4000)
        assert await backend.call("UsePriorityCharging", raise_priority) == {"status": "Accepted"}
        await draws(charger, 9000)
        update["chargingProfileId"] = 2
        assert await backend.call("UpdateDynamicSchedule", update) == {"status": "Rejected"}


@lived
async def test_tariffs_of_2_1_are_kept_for_each_evse_and_for_a_transaction() -> None:
    euro = {"tariffId": "T1", "currency": "EUR"}
    async with connected("2.1") as (charger, backend):
        assert await backend.call("GetTariffs", {"evseId": 0}) == {"status": "NoTariff"}
        await backend.call("SetDefaultTariff", {"evseId": 0, "tariff": euro})
        (assigned,) = (await backend.call("GetTariffs", {"evseId": 0}))["tariffAssignments"]
        assert assigned == {"tariffId": "T1", "tariffKind": "DefaultTariff", "evseIds": [1, 2]}
        change = {"transactionId": await charging(charger, backend), "tariff": {**euro, "tariffId": "T2"}}
        assert await backend.call("ChangeTransactionTariff", change) == {"status": "Accepted"}
        dollar = {**change, "tariff": {"tariffId": "T3", "currency": "USD"}}
        assert await backend.call("ChangeTransactionTariff", dollar) == {"status": "NoCurrencyChange"}
        assert await backend.call("ChangeTransactionTariff", {**change, "transactionId": "x"}) == {
            "status": "TxNotFound"
        }
        results = (await backend.call("ClearTariffs", {"tariffIds": ["T1", "T9"]}))["clearTariffsResult"]
        assert [(it["tariffId"], it["status"]) for it in results] == [("T1", "Accepted"), ("T9", "NoTariff")]
        assert await backend.call("GetTariffs", {"evseId": 1}) == {"status": "NoTariff"}


@both
@lived
async def test_monitors_displays_and_what_is_known_of_a_customer_are_kept_and_told(version: str) -> None:
    async with connected(version) as (charger, backend):
        place = place_of("EVSE#1.AvailabilityState")
        watch = [{**place, "value": 1, "type": "Delta", "severity": 5}]
        (result,) = (await backend.call("SetVariableMonitoring", {"setMonitoringData": watch}))["setMonitoringResult"]
        await backend.call("GetMonitoringReport", {"requestId": 1})
        (told,) = await parts(backend, "NotifyMonitoringReport", 1)
        assert told["monitor"][0]["variableMonitoring"][0]["id"] == result["id"]
        gone = (await backend.call("ClearVariableMonitoring", {"id": [result["id"], 99]}))["clearMonitoringResult"]
        assert [it["status"] for it in gone] == ["Accepted", "NotFound"]
        text = {"format": "UTF8", "content": "hello"}
        message = {"id": 3, "priority": "NormalCycle", "message": text}
        await backend.call("SetDisplayMessage", {"message": message})
        await backend.call("GetDisplayMessages", {"requestId": 2})
        assert (await backend.until_told("NotifyDisplayMessages"))[0]["messageInfo"] == [message]
        assert await backend.call("ClearDisplayMessage", {"id": 3}) == {"status": "Accepted"}
        assert await backend.call("ClearDisplayMessage", {"id": 3}) == {"status": "Unknown"}
        await charger.swipe("CARD")
        asked = {"requestId": 4, "report": True, "clear": True, "idToken": token("CARD")}
        await backend.call("CustomerInformation", asked)
        assert (await backend.until_told("NotifyCustomerInformation"))[0]["data"] == "cache: accepted"
        assert charger.memory.cache == {}


@both
@lived
async def test_the_status_of_a_transaction_says_what_still_waits(version: str) -> None:
    async with connected(version) as (charger, backend):
        ref = await charging(charger, backend)
        await until(lambda: not charger.line.outbox)
        status = await backend.call("GetTransactionStatus", {"transactionId": ref})
        assert status == {"ongoingIndicator": True, "messagesInQueue": False}
        assert await backend.call("GetTransactionStatus", {}) == {"messagesInQueue": False}
        unknown = await backend.call("GetTransactionStatus", {"transactionId": "x"})
        assert unknown["ongoingIndicator"] is False


@lived
async def test_a_2_1_charger_tells_a_whole_charge_in_its_own_subprotocol() -> None:
    async with connected("2.1", interval_s=0.05) as (charger, backend):
        assert backend.socket is not None
        assert backend.socket.subprotocol == "ocpp2.1"
        await charger.plug(1, Car(60_000, 10_000))
        await charger.swipe("CARD")
        await backend.until_told("TransactionEvent", times=3)
        await charger.unplug(1)
        await until(lambda: backend.told("TransactionEvent")[-1]["eventType"] == "Ended")
    events = backend.told("TransactionEvent")
    assert [it["seqNo"] for it in events] == list(range(len(events)))
