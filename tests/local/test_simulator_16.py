"""What a backend asks of a simulated OCPP 1.6 charger is really done."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local.simulator.certificates import parsed
from tests.local.test_simulator import PASSWORD, charging, connected, lived, until
from tests.local.test_simulator_certificates import root_certificate

NEW_PASSWORD = "another-sesame-4321"


def in_s(seconds: float) -> str:
    """A time from now, as OCPP writes it."""
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


def profile(limit: float, purpose: str = "TxDefaultProfile", unit: str = "W", **more: Any) -> dict[str, Any]:
    """A charging profile that says one thing for ever."""
    schedule = {"chargingRateUnit": unit, "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}]}
    kind = {"chargingProfilePurpose": purpose, "chargingProfileKind": "Relative"}
    return {"chargingProfileId": 1, "stackLevel": 0, **kind, "chargingSchedule": schedule, **more}


@lived
async def test_settings_are_listed_with_the_unknown_ones_apart_and_the_password_hidden() -> None:
    async with connected("1.6", settings={"MakersOwn": "7"}) as (_, backend):
        asked = ["heartbeatinterval", "AuthorizationKey", "MakersOwn", "Nonsense"]
        answer = await backend.call("GetConfiguration", {"key": asked})
        everything = await backend.call("GetConfiguration", {})
    assert answer["configurationKey"] == [
        {"key": "HeartbeatInterval", "readonly": False, "value": "300"},
        {"key": "AuthorizationKey", "readonly": False},
        {"key": "MakersOwn", "readonly": False, "value": "7"},
    ]
    assert answer["unknownKey"] == ["Nonsense"]
    assert len(everything["configurationKey"]) > 30


@pytest.mark.parametrize(
    ("key", "value", "status"),
    [
        ("HeartbeatInterval", "60", "Accepted"),
        ("HeartbeatInterval", "soon", "Rejected"),
        ("HeartbeatInterval", "-1", "Rejected"),
        ("AuthorizeRemoteTxRequests", "maybe", "Rejected"),
        ("NumberOfConnectors", "5", "Rejected"),
        ("AuthorizationKey", "short", "Rejected"),
        ("Nonsense", "1", "NotSupported"),
    ],
)
@lived
async def test_a_setting_changes_only_to_what_it_can_be(key: str, value: str, status: str) -> None:
    async with connected("1.6") as (_, backend):
        before = await backend.call("GetConfiguration", {"key": [key]})
        assert await backend.call("ChangeConfiguration", {"key": key, "value": value}) == {"status": status}
        after = await backend.call("GetConfiguration", {"key": [key]})
    assert (before == after) is (status != "Accepted")


@lived
async def test_a_shorter_heartbeat_interval_counts_at_once() -> None:
    async with connected("1.6") as (_, backend):
        await backend.call("ChangeConfiguration", {"key": "HeartbeatInterval", "value": "1"})
        await backend.until_told("Heartbeat")


@lived
async def test_a_new_password_is_used_on_the_next_connection_which_comes_at_once_and_without_a_boot() -> None:
    async with connected("1.6") as (charger, backend):
        backend.passwords = {NEW_PASSWORD}
        await backend.call("ChangeConfiguration", {"key": "AuthorizationKey", "value": NEW_PASSWORD})
        await until(lambda: len(backend.logins) == 2)
        await charger.until(lambda it: it.is_online)
    assert backend.logins == [PASSWORD, NEW_PASSWORD]
    assert len(backend.told("BootNotification")) == 1


@lived
async def test_the_former_password_is_tried_while_the_backend_does_not_know_the_new_one() -> None:
    async with connected("1.6") as (charger, backend):
        await backend.call("ChangeConfiguration", {"key": "AuthorizationKey", "value": NEW_PASSWORD})
        await until(lambda: len(backend.logins) == 3)
        await charger.until(lambda it: it.is_online)
        backend.passwords = {NEW_PASSWORD}
        charger.go_offline()
        charger.go_online()
        await until(lambda: backend.logins[-1] == NEW_PASSWORD)
        await charger.until(lambda it: it.is_online)
    assert backend.logins[:3] == [PASSWORD, NEW_PASSWORD, PASSWORD]


@lived
async def test_the_local_list_decides_while_the_line_is_down() -> None:
    def listed(token: str, **info: Any) -> dict[str, Any]:
        return {"idTag": token, "idTagInfo": info}

    async with connected("1.6", connectors=4) as (charger, backend):
        entries = [
            listed("GOOD", status="Accepted"),
            listed("BAD", status="Blocked"),
            listed("OLD", status="Accepted", expiryDate=in_s(-60)),
        ]
        payload = {"listVersion": 1, "updateType": "Full", "localAuthorizationList": entries}
        assert await backend.call("SendLocalList", payload) == {"status": "Accepted"}
        charger.go_offline()
        assert await charger.swipe("good", 1) is True
        assert await charger.swipe("BAD", 2) is False
        assert await charger.swipe("OLD", 3) is False
        assert await charger.swipe("STRANGER", 4) is True


@lived
async def test_the_local_list_takes_no_update_that_is_older_than_itself() -> None:
    async with connected("1.6") as (_, backend):
        one = {"localAuthorizationList": [{"idTag": "A", "idTagInfo": {"status": "Accepted"}}]}
        gone = {"localAuthorizationList": [{"idTag": "A"}]}
        statuses = []
        for update in (
            {"listVersion": 5, "updateType": "Full", **one},
            {"listVersion": 5, "updateType": "Differential", **gone},
        ):
            statuses.append((await backend.call("SendLocalList", update))["status"])
        assert statuses == ["Accepted", "VersionMismatch"]
        assert await backend.call("GetLocalListVersion", {}) == {"listVersion": 5}
        await backend.call("SendLocalList", {"listVersion": 6, "updateType": "Differential", **gone})
        assert await backend.call("GetLocalListVersion", {}) == {"listVersion": 0}


@lived
async def test_a_card_refused_before_is_refused_offline_until_the_cache_is_cleared() -> None:
    async with connected("1.6") as (charger, backend):
        backend.refused.add("THIEF")
        assert await charger.swipe("THIEF") is False
        charger.go_offline()
        assert await charger.swipe("THIEF") is False
        charger.go_online()
        await charger.until(lambda it: it.is_online)
        await backend.call("ClearCache", {})
        charger.go_offline()
        assert await charger.swipe("THIEF") is True


@lived
async def test_a_reserved_connector_starts_for_its_token_alone_and_says_which_reservation() -> None:
    async with connected("1.6") as (charger, backend):
        asked = {"connectorId": 1, "expiryDate": in_s(600), "idTag": "MINE", "reservationId": 7}
        assert await backend.call("ReserveNow", asked) == {"status": "Accepted"}
        await charger.until(lambda it: it.connectors[1].status == "Reserved")
        assert await backend.call("ReserveNow", {**asked, "reservationId": 8}) == {"status": "Occupied"}
        start = {"connectorId": 1, "idTag": "OTHER"}
        assert await backend.call("RemoteStartTransaction", start) == {"status": "Rejected"}
        await charger.plug(1)
        assert await charger.swipe("OTHER") is False
        assert await charger.swipe("MINE") is True
        (started,) = await backend.until_told("StartTransaction")
        assert started["reservationId"] == 7
        assert await backend.call("CancelReservation", {"reservationId": 7}) == {"status": "Rejected"}


@lived
async def test_a_reservation_ends_when_its_time_is_over_or_it_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    async with connected("1.6") as (charger, backend):
        asked = {"connectorId": 1, "idTag": "MINE", "reservationId": 7}
        await backend.call("ReserveNow", {**asked, "expiryDate": in_s(600)})
        await charger.until(lambda it: it.connectors[1].status == "Reserved")
        with monkeypatch.context() as later:
            later.setattr("local.simulator.charger.now", lambda: datetime.now(UTC) + timedelta(seconds=601))
            await charger.until(lambda it: it.connectors[1].status == "Available")
        await backend.call("ReserveNow", {**asked, "expiryDate": in_s(600)})
        await charger.until(lambda it: it.connectors[1].status == "Reserved")
        assert await backend.call("CancelReservation", {"reservationId": 7}) == {"status": "Accepted"}
        await charger.until(lambda it: it.connectors[1].status == "Available")
        assert await backend.call("ReserveNow", {**asked, "expiryDate": in_s(-1)}) == {"status": "Rejected"}


@lived
async def test_a_connector_becomes_unavailable_at_once_or_after_its_charge() -> None:
    async with connected("1.6") as (charger, backend):
        await charging(charger, backend, 2)
        off = {"connectorId": 0, "type": "Inoperative"}
        assert await backend.call("ChangeAvailability", off) == {"status": "Scheduled"}
        await charger.until(lambda it: it.connectors[1].status == "Unavailable")
        assert charger.connectors[2].status == "Charging"
        assert await charger.swipe("CARD", 1) is False
        await charger.swipe("CARD", 2)
        await charger.until(lambda it: it.connectors[2].status == "Unavailable")
        assert await backend.call("ChangeAvailability", {**off, "type": "Operative"}) == {"status": "Accepted"}
        await charger.until(lambda it: [at.status for at in it.connectors.values()] == ["Available", "Preparing"])
        assert await backend.call("ChangeAvailability", {**off, "connectorId": 9}) == {"status": "Rejected"}


@lived
async def test_unlocking_ends_the_charge_after_the_answer() -> None:
    async with connected("1.6") as (charger, backend):
        await charging(charger, backend)
        backend.order.clear()
        assert await backend.call("UnlockConnector", {"connectorId": 1}) == {"status": "Unlocked"}
        (stopped,) = await backend.until_told("StopTransaction")
        assert stopped["reason"] == "UnlockCommand"
        assert backend.order[0] == "answer"


@pytest.mark.parametrize("action", ["TriggerMessage", "ExtendedTriggerMessage"])
@pytest.mark.parametrize(
    "wanted",
    ["BootNotification", "Heartbeat", "MeterValues", "StatusNotification", "FirmwareStatusNotification"],
)
@lived
async def test_an_asked_message_comes_after_the_answer(action: str, wanted: str) -> None:
    async with connected("1.6") as (charger, backend):
        await charging(charger, backend)
        backend.heard.clear()
        backend.order.clear()
        asked = {"requestedMessage": wanted, "connectorId": 1}
        assert await backend.call(action, asked) == {"status": "Accepted"}
        await backend.until_told(wanted)
        assert backend.order.index("answer") < backend.order.index(wanted)
        assert await backend.call(action, {"requestedMessage": "Poem"}) == {"status": "NotImplemented"}


@lived
async def test_firmware_and_logs_tell_of_their_stages_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    certificate, _ = root_certificate()
    async with connected("1.6") as (_, backend):
        await backend.call("UpdateFirmware", {"location": "https://x/y", "retrieveDate": in_s(0)})
        stages = await backend.until_told("FirmwareStatusNotification", times=4)
        assert [it["status"] for it in stages] == ["Downloading", "Downloaded", "Installing", "Installed"]
        await backend.call("GetDiagnostics", {"location": "https://x/y"})
        stages = await backend.until_told("DiagnosticsStatusNotification", times=2)
        assert [it["status"] for it in stages] == ["Uploading", "Uploaded"]
        log = {"log": {"remoteLocation": "https://x/y"}, "logType": "SecurityLog", "requestId": 5}
        with monkeypatch.context() as slow:
            slow.setattr("local.simulator.memory._STAGE_S", 3600)
            await backend.call("GetLog", {**log, "requestId": 4})
            await backend.until_told("LogStatusNotification")
        assert (await backend.call("GetLog", log))["status"] == "AcceptedCanceled"
        await until(lambda: {"status": "Uploaded", "requestId": 5} in backend.told("LogStatusNotification"))
        assert {"status": "Uploaded", "requestId": 4} not in backend.told("LogStatusNotification")
        firmware = {"location": "https://x/y", "retrieveDateTime": in_s(0), "signature": "s"}
        signed = {"requestId": 6, "firmware": {**firmware, "signingCertificate": certificate}}
        assert await backend.call("SignedUpdateFirmware", signed) == {"status": "Accepted"}
        stages = await backend.until_told("SignedFirmwareStatusNotification", times=5)
        assert [it["status"] for it in stages][-2:] == ["Installing", "Installed"]
        assert {it["requestId"] for it in stages} == {6}


@lived
async def test_the_prevailing_profile_limits_the_power_and_nothing_flows_at_zero() -> None:
    async with connected("1.6") as (charger, backend):
        ref = await charging(charger, backend)

        async def limit(raw: dict[str, Any], connector: int = 1) -> None:
            asked = {"connectorId": connector, "csChargingProfiles": raw}
            assert await backend.call("SetChargingProfile", asked) == {"status": "Accepted"}

        at = charger.connectors[1]
        await charger.until(lambda _: at.power_w == 11_000)
        await limit(profile(5000))
        await charger.until(lambda _: at.power_w == 5000)
        await limit(profile(10, "TxProfile", "A", chargingProfileId=2, transactionId=int(ref)))
        await charger.until(lambda _: at.power_w == 6900)
        await limit(profile(0, "ChargePointMaxProfile", chargingProfileId=3), 0)
        await charger.until(lambda _: at.power_w == 0 and at.status == "SuspendedEVSE")
        assert await backend.call("ClearChargingProfile", {"id": 3}) == {"status": "Accepted"}
        await charger.until(lambda _: at.power_w == 6900 and at.status == "Charging")
        assert await backend.call("ClearChargingProfile", {"id": 3}) == {"status": "Unknown"}
        await charger.swipe("CARD")
        assert [it.profile_id for it in charger.memory.profiles.find()] == [1]


@lived
async def test_the_whole_stations_limit_is_shared_by_those_that_charge() -> None:
    async with connected("1.6") as (charger, backend):
        await charging(charger, backend, 1)
        await charging(charger, backend, 2)
        asked = {"connectorId": 0, "csChargingProfiles": profile(8000, "ChargePointMaxProfile")}
        await backend.call("SetChargingProfile", asked)
        await charger.until(lambda it: [at.power_w for at in it.connectors.values()] == [4000, 4000])


@lived
async def test_a_composite_schedule_follows_the_profiles_through_time() -> None:
    async with connected("1.6") as (_, backend):
        periods = [{"startPeriod": 0, "limit": 9000}, {"startPeriod": 600, "limit": 3000}]
        schedule = {"duration": 1200, "chargingRateUnit": "W", "chargingSchedulePeriod": periods}
        await backend.call(
            "SetChargingProfile", {"connectorId": 1, "csChargingProfiles": profile(1, chargingSchedule=schedule)}
        )
        answer = await backend.call("GetCompositeSchedule", {"connectorId": 1, "duration": 3600})
        amperes = await backend.call(
            "GetCompositeSchedule", {"connectorId": 0, "duration": 60, "chargingRateUnit": "A"}
        )
    told = [(it["startPeriod"], it["limit"]) for it in answer["chargingSchedule"]["chargingSchedulePeriod"]]
    assert told == [(0, 9000), (600, 3000), (1200, 22_000)]
    assert amperes["chargingSchedule"]["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": 63.8}]


@lived
async def test_a_profile_for_no_transaction_or_no_connector_is_refused() -> None:
    async with connected("1.6") as (charger, backend):
        for connector, raw in (
            (1, profile(1, "TxProfile")),
            (9, profile(1)),
            (1, profile(1, "ChargePointMaxProfile")),
        ):
            asked = {"connectorId": connector, "csChargingProfiles": raw}
            assert await backend.call("SetChargingProfile", asked) == {"status": "Rejected"}
        assert len(charger.memory.profiles) == 0


@lived
async def test_a_remote_start_brings_its_own_profile() -> None:
    async with connected("1.6") as (charger, backend):
        start = {"connectorId": 1, "idTag": "CARD", "chargingProfile": profile(4000, "TxProfile")}
        await backend.call("RemoteStartTransaction", start)
        await charger.plug(1)
        await charger.until(lambda it: it.connectors[1].power_w == 4000)


@lived
async def test_a_certificate_is_installed_listed_and_deleted_by_its_hashes() -> None:
    certificate, _ = root_certificate()
    kind = {"certificateType": "CentralSystemRootCertificate"}
    async with connected("1.6") as (_, backend):
        assert await backend.call("GetInstalledCertificateIds", kind) == {"status": "NotFound"}
        assert await backend.call("InstallCertificate", {**kind, "certificate": "nonsense"}) == {"status": "Rejected"}
        assert await backend.call("InstallCertificate", {**kind, "certificate": certificate}) == {"status": "Accepted"}
        (hashes,) = (await backend.call("GetInstalledCertificateIds", kind))["certificateHashData"]
        found = parsed(certificate)
        assert found is not None
        assert int(hashes["serialNumber"], 16) == found.serial_number
        other = {"certificateHashData": {**hashes, "serialNumber": "1"}}
        assert await backend.call("DeleteCertificate", other) == {"status": "NotFound"}
        assert await backend.call("DeleteCertificate", {"certificateHashData": hashes}) == {"status": "Accepted"}
        assert await backend.call("GetInstalledCertificateIds", kind) == {"status": "NotFound"}
