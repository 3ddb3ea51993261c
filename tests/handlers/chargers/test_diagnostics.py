"""What an operator reads of a charger, through the front door."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from benchmarks.wire import Socket
from chalicelib import wiring
from local.client import ApiError, Person
from local.seed import CHARGER_PASSWORD, RFID_UID, Network
from local.stack import Stack


def get(network: Network, charger_id: str, path: str = "") -> dict[str, Any]:
    return network.operator.call("GET", f"/v1/operator/chargers/{charger_id}{path}")


def now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


def test_the_journal_tells_newest_first_and_page_by_page(network: Network, charger_id: str, socket: Socket) -> None:
    for status in ("Preparing", "Charging", "Finishing"):
        socket.call("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": status})
    seen, cursor = [], ""
    while True:
        page = get(network, charger_id, f"/journal?limit=2{cursor}")
        # What Kerb asks of the charger's settings by itself is journalled too.
        seen += [it for it in page["items"] if it["what"] != "GetConfiguration"]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor'].replace('#', '%23')}"
    assert [it["what"] for it in seen] == ["StatusNotification"] * 3 + ["BootNotification", "connected"]
    assert '"Finishing"' in seen[0]["payload"]
    assert seen[3]["answer"].startswith('{"status":"Accepted"')


def journalled(network: Network, charger_id: str) -> list[str]:
    """What is journalled, but for what Kerb asks of the charger's settings by itself."""
    found = [str(it["what"]) for it in get(network, charger_id, "/journal")["items"]]
    return [it for it in found if it != "GetConfiguration"]


def test_heartbeats_and_readings_are_journalled_only_while_traced(
    network: Network, charger_id: str, socket: Socket
) -> None:
    readings = {"connectorId": 1, "meterValue": [{"timestamp": now(), "sampledValue": [{"value": "1"}]}]}
    socket.call("Heartbeat", {})
    socket.call("MeterValues", readings)
    assert set(journalled(network, charger_id)) == {"BootNotification", "connected"}
    path = f"/v1/operator/chargers/{charger_id}/trace"
    asked_at = datetime.now(UTC)
    until = network.operator.call("PUT", path, {"minutes": 30})["traced_until"]
    assert asked_at <= datetime.fromisoformat(until) - timedelta(minutes=30) <= datetime.now(UTC)
    # Other processes learn of it within a minute; this one would wait as long.
    wiring.network().sockets._known_connection.cache_clear()
    socket.call("Heartbeat", {})
    socket.call("MeterValues", readings)
    assert journalled(network, charger_id)[:2] == ["MeterValues", "Heartbeat"]
    assert get(network, charger_id)["traced_until"] is not None


def test_a_deviation_in_readings_is_journalled_once(network: Network, charger_id: str, socket: Socket) -> None:
    for value in ("1", "2", "3"):
        samples = [{"value": value, "unit": "Furlong"}]
        socket.call("MeterValues", {"connectorId": 1, "meterValue": [{"timestamp": now(), "sampledValue": samples}]})
    (entry,) = (it for it in get(network, charger_id, "/journal")["items"] if it["what"] == "MeterValues")
    assert "Furlong" not in entry["deviation"]
    assert "meterValue.0" in entry["deviation"]


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/journal?limit=0", "limit"),
        ("/journal?limit=x", "limit"),
        ("/journal?cursor=abc", "cursor"),
        ("/uptime?since=yesterday", "since"),
        ("/uptime?since=2026-01-01T00:00:00", "since"),
        ("/uptime?since=2020-01-01T00:00:00Z", "since"),
        ("/uptime?excluded_min=-1", "excluded_min"),
        ("/history?until=x", "until"),
        ("/reports/gossip/1", "kind"),
        ("/reports/device_model/x", "request_id"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused_by_field(
    network: Network, charger_id: str, path: str, field: str
) -> None:
    with pytest.raises(ApiError) as error:
        get(network, charger_id, path)
    assert (error.value.status, error.value.problem["errors"][0]["field"]) == (400, field)


def test_uptime_and_history_follow_from_statuses_and_connections(
    stack: Stack, network: Network, charger_id: str
) -> None:
    since = now()
    socket = Socket(stack.socket_url, charger_id, CHARGER_PASSWORD, "ocpp1.6")
    for status in ("Available", "Available", "Faulted", "Available"):
        socket.call("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": status})
    socket.close()
    items = get(network, charger_id, f"/history?since={since}")["items"]
    kinds = [(it["kind"], it["status"] or it["online"]) for it in items]
    assert kinds[:4] == [("line", True), ("status", "available"), ("status", "faulted"), ("status", "available")]
    report = get(network, charger_id, f"/uptime?since={since}")
    assert [it["connector"] for it in report["connectors"]] == ["1", "2"]
    assert 0 <= report["connectors"][0]["us_percent"] <= report["connectors"][0]["uk_percent"] <= 100


def test_news_of_firmware_and_logs_is_kept_by_topic(network: Network, charger_id: str, socket: Socket) -> None:
    for status in ("Downloading", "Downloaded", "Installed"):
        socket.call("FirmwareStatusNotification", {"status": status})
    socket.call("DiagnosticsStatusNotification", {"status": "Uploaded"})
    socket.call("SecurityEventNotification", {"type": "TamperDetectionActivated", "timestamp": now()})
    news = {it["topic"]: it["word"] for it in get(network, charger_id)["news"]}
    assert news == {"firmware": "Installed", "log": "Uploaded", "security": "TamperDetectionActivated"}


def test_a_report_in_parts_is_put_together(stack: Stack, network: Network, charger_id: str) -> None:
    socket = Socket(stack.socket_url, charger_id, CHARGER_PASSWORD, "ocpp2.0.1")
    data = [
        {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": name}, "variableAttribute": [{"value": "1"}]}
        for name in ("HeartbeatInterval", "RetryBackOffWaitMinimum")
    ]
    for seq_no, (item, more) in enumerate(zip(data, (True, False), strict=True)):
        part = {"requestId": 7, "generatedAt": now(), "seqNo": seq_no, "tbc": more, "reportData": [item]}
        socket.call("NotifyReport", part)
        socket.call("NotifyReport", part)
        report = get(network, charger_id, "/reports/device_model/7")
        assert (report["is_complete"], len(report["parts"])) == (not more, seq_no + 1)
    assert report["parts"][1]["reportData"][0]["variable"]["name"] == "RetryBackOffWaitMinimum"
    socket.close()


def test_certificates_and_plug_and_charge_are_answered_honestly(
    stack: Stack, charger_id: str, network: Network
) -> None:
    socket = Socket(stack.socket_url, charger_id, CHARGER_PASSWORD, "ocpp2.1")
    exi = {"iso15118SchemaVersion": "urn:iso:15118:2:2013:MsgDef", "action": "Install", "exiRequest": "AAAA"}
    hashes = {"hashAlgorithm": "SHA256", "issuerNameHash": "a", "issuerKeyHash": "b", "serialNumber": "c"}
    ocsp = {**hashes, "responderURL": "https://ocsp.example"}
    chain = {"certificateHashData": hashes, "source": "OCSP", "urls": ["https://ocsp.example"]}
    assert socket.call("SignCertificate", {"csr": "-----BEGIN"})["status"] == "Rejected"
    no_request = {"status": "Failed", "exiResponse": "", "statusInfo": {"reasonCode": "provider: HTTP 400"}}
    assert socket.call("Get15118EVCertificate", exi) == no_request
    no_such = {"status": "Failed", "statusInfo": {"reasonCode": "no such certificate"}}
    assert socket.call("GetCertificateStatus", {"ocspRequestData": ocsp}) == no_such
    answer = socket.call("GetCertificateChainStatus", {"certificateStatusRequests": [chain]})
    assert [it["status"] for it in answer["certificateStatus"]] == ["Failed"]
    assert socket.call("VatNumberValidation", {"vatNumber": "DE1"}) == {"status": "Rejected", "vatNumber": "DE1"}
    assert socket.call("DataTransfer", {"vendorId": "x"}) == {"status": "UnknownVendorId"}
    socket.close()


def test_a_transaction_shows_the_messages_that_never_came(stack: Stack, network: Network, charger_id: str) -> None:
    socket = Socket(stack.socket_url, charger_id, CHARGER_PASSWORD, "ocpp2.0.1")
    for kind, seq_no in (("Started", 0), ("Updated", 3), ("Ended", 5)):
        socket.call(
            "TransactionEvent",
            {
                "eventType": kind,
                "timestamp": now(),
                "triggerReason": "Authorized",
                "seqNo": seq_no,
                "transactionInfo": {"transactionId": "tx-gaps"},
                "evse": {"id": 1, "connectorId": 1},
                "idToken": {"idToken": RFID_UID, "type": "ISO14443"},
            },
        )
    told = get(network, charger_id, "/transactions/tx-gaps")
    assert told["missing_messages"] == [{"first": 1, "last": 2}, {"first": 4, "last": 4}]
    assert told["numbered_messages"] == 3
    assert told["session_id"].startswith("K")
    sessions = network.operator.call("GET", "/v1/operator/sessions?limit=5")["items"]
    assert told["session_id"] in [it["session_id"] for it in sessions]
    with pytest.raises(ApiError) as error:
        get(network, charger_id, "/transactions/nothing")
    assert error.value.status == 404
    socket.close()


def test_a_session_to_look_at_is_flagged(network: Network, charger_id: str, socket: Socket) -> None:
    start = {"connectorId": 1, "idTag": RFID_UID, "meterStart": 0, "timestamp": "1970-01-01T00:00:00Z"}
    socket.call("StartTransaction", start)
    flagged = network.operator.call("GET", "/v1/operator/sessions?flagged=true")["items"]
    assert [it["flags"] for it in flagged if it["charger_id"] == charger_id] == [["clock_wrong"]]


def test_a_blocked_charger_is_closed_out_and_let_in_again(
    stack: Stack, network: Network, charger_id: str, socket: Socket
) -> None:
    network.operator.call("POST", f"/v1/operator/chargers/{charger_id}/block")
    assert get(network, charger_id)["admission"] == "blocked"
    with pytest.raises(Exception, match="403"):
        Socket(stack.socket_url, charger_id, CHARGER_PASSWORD, "ocpp1.6")
    network.operator.call("POST", f"/v1/operator/chargers/{charger_id}/accept")
    Socket(stack.socket_url, charger_id, CHARGER_PASSWORD, "ocpp1.6").close()


def test_a_driver_cannot_begin_at_a_blocked_charger(network: Network, charger_id: str, socket: Socket) -> None:
    network.operator.call("POST", f"/v1/operator/chargers/{charger_id}/block")
    with pytest.raises(ApiError) as error:
        network.driver.begin(charger_id)
    assert error.value.status in (404, 409)


def test_an_operator_reads_which_of_its_chargers_were_refused_and_why_and_nothing_of_anothers(
    stack: Stack, network: Network, rival: Person, charger_id: str
) -> None:
    for _ in range(2):
        with pytest.raises(InvalidStatus):
            Socket(stack.socket_url, charger_id, "not the password", "ocpp1.6")
    found = network.operator.call("GET", "/v1/operator/knocks?limit=200")["items"]
    (knock,) = [it for it in found if it["charger_id"] == charger_id]
    assert (knock["reason"], knock["knocks"], knock["name"]) == ("wrong_password", 2, charger_id)
    assert "not the password" not in str(found)
    entries = get(network, charger_id, "/journal")["items"]
    assert [it["what"] for it in entries] == ["refused", "refused"]
    assert rival.call("GET", "/v1/operator/knocks")["items"] == []
    with pytest.raises(ApiError) as refused:
        network.operator.call("GET", "/v1/operator/knocks?cursor=x")
    assert refused.value.status == 400


def test_an_operator_sees_what_meters_signed_and_the_stations_own_meter(
    network: Network, charger_id: str, socket: Socket
) -> None:
    signed = {"value": "OCMF|{}|{}", "format": "SignedData", "context": "Transaction.Begin"}
    start = {"connectorId": 1, "idTag": RFID_UID, "meterStart": 0, "timestamp": now()}
    ref = socket.call("StartTransaction", start)["transactionId"]
    told = {"connectorId": 1, "transactionId": ref, "meterValue": [{"timestamp": now(), "sampledValue": [signed]}]}
    socket.call("MeterValues", told)
    power = {"value": "4200", "measurand": "Power.Active.Import", "unit": "W"}
    socket.call("MeterValues", {"connectorId": 0, "meterValue": [{"timestamp": now(), "sampledValue": [power]}]})

    sessions = network.operator.call("GET", "/v1/operator/sessions")["items"]
    session_id = next(it["session_id"] for it in sessions if it["charger_id"] == charger_id)
    path = f"/v1/operator/sessions/{session_id}/signed-values"
    page = network.operator.call("GET", path)
    assert [(it["context"], it["sample"]) for it in page["items"]] == [("Transaction.Begin", signed)]
    assert page["next_cursor"] is None
    assert get(network, charger_id)["main_meter"]["power_w"] == 4200
    for wrong, status in ((f"{path}?cursor=x", 400), ("/v1/operator/sessions/nobody/signed-values", 404)):
        with pytest.raises(ApiError) as refused:
            network.operator.call("GET", wrong)
        assert refused.value.status == status
