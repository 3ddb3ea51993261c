"""What a meter signed, through the front door: checked by the key it is known by, and to be checked by anybody else."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree

import pytest
import requests

from benchmarks.wire import Socket
from chalicelib.domain.chargers.events import SignedValue
from chalicelib.domain.transparency.signed_records import Verification
from chalicelib.protocol.transparency import records
from local.client import ApiError
from local.seed import RFID_UID, Network
from tests.signing import SigningMeter, reading

METER = SigningMeter()


def now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


def _charge(socket: Socket, *signed: str) -> None:
    """A charge by the driver's card, at whose beginning these were signed."""
    start = {"connectorId": 1, "idTag": RFID_UID, "meterStart": 0, "timestamp": now()}
    ref = socket.call("StartTransaction", start)["transactionId"]
    samples = [{"value": it, "format": "SignedData", "context": "Transaction.Begin"} for it in signed]
    values = [{"timestamp": now(), "sampledValue": samples}]
    socket.call("MeterValues", {"connectorId": 1, "transactionId": ref, "meterValue": values})


def _session_at(network: Network, charger_id: str) -> str:
    sessions = network.operator.call("GET", "/v1/operator/sessions")["items"]
    return str(next(it["session_id"] for it in sessions if it["charger_id"] == charger_id))


def _text(network: Network, path: str) -> str:
    headers = {"Authorization": f"Bearer {network.driver.token}"}
    answer = requests.get(network.driver.http_url + path, headers=headers, timeout=60)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/xml")
    return answer.text


def _keys_of(charger_id: str) -> str:
    return f"/v1/operator/chargers/{charger_id}/meter-keys"


def test_a_driver_sees_what_was_signed_and_may_check_it_by_themselves(
    network: Network, charger_id: str, socket: Socket
) -> None:
    network.operator.call("PUT", _keys_of(charger_id), {"meter": "G1/M1", "key": METER.public_key})
    record = METER.record(reading(500.0, "B"), ID="<&>")
    _charge(socket, record, "gibberish & <more>")
    path = f"/v1/sessions/{_session_at(network, charger_id)}/signed-values"
    seen = network.driver.call("GET", path)
    assert [(it["verification"], it["meter"]) for it in seen["items"]] == [("valid", "G1/M1"), ("malformed", "")]
    assert seen["signed"] is None

    whole = ElementTree.fromstring(_text(network, f"{path}?format=xml"))
    first, second = whole.findall("value")
    data = first.find("signedData")
    assert data is not None
    assert (first.get("context"), data.get("format"), data.get("encoding"), data.text) == (
        "Transaction.Begin",
        "OCMF",
        "plain",
        record,
    )
    told = SignedValue(datetime.now(UTC), "Transaction.Begin", json.dumps({"value": data.text}))
    assert records.verification(records.record(told), first.findtext("publicKey") or "") is Verification.VALID
    assert second.findtext("signedData") == "gibberish & <more>"


def test_the_keys_of_meters_are_shown_with_those_of_former_times(network: Network, charger_id: str) -> None:
    first, second = METER.public_key, SigningMeter("secp256k1").public_key
    for key in (first, second, second):
        found = network.operator.call("PUT", _keys_of(charger_id), {"meter": "M1", "key": key})["items"]
    assert [(it["key"], it["source"], it["until"] is None) for it in found] == [
        (first, "operator", False),
        (second, "operator", True),
    ]
    assert network.operator.call("GET", _keys_of(charger_id))["items"] == found


def test_what_is_no_key_is_not_pinned(network: Network, charger_id: str) -> None:
    key = METER.public_key
    off_the_curve = key[:-2] + ("01" if key.endswith("00") else "00")
    with pytest.raises(ApiError) as refused:
        network.operator.call("PUT", _keys_of(charger_id), {"meter": "M1", "key": off_the_curve})
    assert (refused.value.status, refused.value.problem["type"]) == (409, "urn:kerb:problem:not_a_key")
    assert network.operator.call("GET", _keys_of(charger_id))["items"] == []


@pytest.mark.parametrize(("query", "status"), [("", 404), ("?format=pdf", 400)])
def test_a_charge_of_which_nothing_was_signed_has_no_file(
    network: Network, charger_id: str, socket: Socket, query: str, status: int
) -> None:
    start: dict[str, Any] = {"connectorId": 1, "idTag": RFID_UID, "meterStart": 0, "timestamp": now()}
    socket.call("StartTransaction", start)
    with pytest.raises(ApiError) as refused:
        network.driver.call("GET", f"/v1/sessions/{_session_at(network, charger_id)}/signed-values{query}")
    assert refused.value.status == status
