"""Every command is valid by the standard in every version that has it; what a version lacks is said, not guessed."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, get_args

import pytest
from ocpp import messages

from chalicelib.domain.chargers import commands as c
from chalicelib.domain.chargers.commands import Command, Unable, Verdict
from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.protocol.ocpp import dialect_for
from chalicelib.protocol.ocpp.dialect import requests_of
from chalicelib.protocol.ocpp.redaction import redacted

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
VERSIONS = ("ocpp1.6", "ocpp2.0.1", "ocpp2.1")
LATER = NOW + timedelta(hours=1)
PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"
LIMITS = (c.Limit(0, Decimal(11_000)), c.Limit(900, Decimal("16.5"), 3))

COMMANDS: list[Command] = [
    c.StartCharging(ConnectorId(1), "K" * 20, 2**31 - 1),
    c.StopCharging("77"),
    c.Reset(),
    c.Reset(hard=True),
    c.Unlock(ConnectorId(2)),
    c.SetAvailability(False),
    c.SetAvailability(True, ConnectorId(1)),
    c.ClearCache(),
    c.ReadSettings(("A.B", "C/1.D/2")),
    c.WriteSetting("SecurityCtrlr.Identity", "x"),
    c.ChangePassword("A" * 40),
    *(c.Trigger(it, ConnectorId(1)) for it in c.Message if it is not c.Message.TRANSACTION),
    c.Trigger(c.Message.BOOT),
    c.ReadListVersion(),
    c.ReadListLimits(),
    c.UpdateList(7, True, ()),
    c.UpdateList(8, False, (c.Listed("04A1"), c.Listed("04B2", None), c.Listed("04C3", c.AuthorizationStatus.BLOCKED))),
    c.Reserve(5, "04A1", NOW),
    c.Reserve(5, "04A1", NOW, ConnectorId(2)),
    c.CancelReservation(5),
    c.SetProfile(profile_id=1, purpose=c.ProfilePurpose.CHARGER, limits=LIMITS, starts_at=NOW),
    c.SetProfile(
        profile_id=2,
        purpose=c.ProfilePurpose.SESSION,
        limits=LIMITS,
        connector=ConnectorId(1),
        stack_level=3,
        in_amps=True,
        starts_at=NOW,
        duration_s=3600,
        ref="77",
    ),
    c.SetProfile(
        profile_id=2,
        purpose=c.ProfilePurpose.DEFAULT,
        limits=LIMITS,
        connector=ConnectorId(1),
        stack_level=3,
        in_amps=True,
        starts_at=NOW,
        duration_s=3600,
        valid_from=NOW,
        valid_until=LATER,
    ),
    c.ClearProfiles(),
    c.ClearProfiles(1, ConnectorId(1), c.ProfilePurpose.DEFAULT, 2),
    c.ReadSchedule(3600),
    c.ReadSchedule(3600, ConnectorId(1), True),
    c.UpdateFirmware(request_id=1, url="https://x.example/f", retrieve_at=NOW),
    c.UpdateFirmware(
        request_id=1,
        url="https://x.example/f",
        retrieve_at=NOW,
        install_at=NOW,
        certificate=PEM,
        signature="c2ln",
        retries=3,
        retry_interval_s=60,
    ),
    c.UploadLog(request_id=1, kind=c.LogKind.DIAGNOSTICS, url="ftp://x.example/", oldest=NOW, newest=NOW),
    c.UploadLog(request_id=1, kind=c.LogKind.SECURITY, url="ftp://x.example/"),
    c.InstallCertificate(c.CertificateUse.BACKEND, PEM),
    c.ListCertificates(c.CertificateUse.MANUFACTURER),
    c.DeleteCertificate("SHA256", "aa", "bb", "cc"),
    c.DeliverCertificate(PEM),
    c.DataTransfer("com.example", "hello", "{}"),
    c.ShowCost("tx-1", Decimal("1.84")),
]


HEARTBEAT: dict[str, Any] = {
    "attributeValue": "60",
    "component": {"name": "OCPPCommCtrlr"},
    "variable": {"name": "HeartbeatInterval"},
}
PASSWORD: dict[str, Any] = {
    "attributeValue": "A" * 32,
    "component": {"name": "SecurityCtrlr"},
    "variable": {"name": "BasicAuthPassword"},
}


def session_profile(**more: Any) -> c.SetProfile:
    return c.SetProfile(
        profile_id=1, purpose=c.ProfilePurpose.SESSION, limits=LIMITS, **{"connector": ConnectorId(1), **more}
    )


def default_profile(*limits: c.Limit, **more: Any) -> c.SetProfile:
    return c.SetProfile(profile_id=1, purpose=c.ProfilePurpose.DEFAULT, limits=limits, **more)


def validate(version: str, action: str, payload: dict[str, Any]) -> None:
    asyncio.run(messages.validate_payload(messages.Call("1", action, payload), version.removeprefix("ocpp")))


# A cost can be shown by OCPP 2.x alone.
SPOKEN = [(v, it) for v in VERSIONS for it in COMMANDS if not (v == "ocpp1.6" and isinstance(it, c.ShowCost))]


@pytest.mark.parametrize(
    ("version", "command"), SPOKEN, ids=lambda it: it if isinstance(it, str) else type(it).__name__
)
def test_every_command_is_valid_in_every_version(version: str, command: Command) -> None:
    action, payload = dialect_for(version).encode(command)
    validate(version, action, json.loads(json.dumps(payload)))
    assert action in dialect_for(version).asks()


def test_every_kind_of_command_is_among_them() -> None:
    assert {type(it) for it in COMMANDS} | {c.Ask} == set(get_args(Command))


@pytest.mark.parametrize(
    ("version", "command", "says"),
    [
        ("ocpp1.6", c.Reset(connector=ConnectorId(1)), "leave the connector out"),
        ("ocpp1.6", c.ShowCost("tx-1", Decimal("1.84")), "has no word for ShowCost"),
        ("ocpp1.6", c.Trigger(c.Message.TRANSACTION), "cannot ask for transaction"),
        ("ocpp1.6", c.StopCharging("tx-1"), "is no number"),
        ("ocpp1.6", c.ListCertificates(), "one use at a time; name it"),
        ("ocpp1.6", c.WriteSetting("x" * 51, "y"), "ChangeConfiguration: key"),
        ("ocpp1.6", c.Ask("GetBaseReport", {}), "has no request 'GetBaseReport'"),
        ("ocpp1.6", c.Ask("BootNotification", {}), "has no request 'BootNotification'"),
        ("ocpp1.6", c.Ask("Reset", {"type": "Gentle"}), "Reset: type"),
        ("ocpp1.6", c.Ask("../../passwd", {}), "has no request"),
        ("ocpp2.0.1", c.ReadSettings(), "ask for GetBaseReport"),
        ("ocpp2.0.1", c.WriteSetting("NoDot", "y"), "write Component.Variable"),
        ("ocpp2.0.1", c.Ask("SetDERControl", {}), "has no request"),
        ("ocpp2.1", c.Ask("GetTariffs", {}), "GetTariffs: "),
        ("ocpp1.6", c.WriteSetting("authorizationkey", "A" * 32), "locks it out"),
        ("ocpp1.6", c.Ask("ChangeConfiguration", {"key": "AuthorizationKey", "value": "A" * 32}), "locks it out"),
        ("ocpp2.0.1", c.WriteSetting("SecurityCtrlr.BasicAuthPassword", "A" * 32), "locks it out"),
        ("ocpp2.1", c.WriteSetting("securityctrlr.basicauthpassword", "A" * 32), "locks it out"),
        ("ocpp2.0.1", c.Ask("SetVariables", {"setVariableData": [HEARTBEAT, PASSWORD]}), "locks it out"),
        ("ocpp2.0.1", session_profile(), "name it"),
        ("ocpp1.6", session_profile(connector=None), "needs its connector"),
        ("ocpp1.6", session_profile(valid_until=LATER), "as long as that is"),
        ("ocpp2.0.1", session_profile(ref="7", connector=None), "needs its connector"),
        (
            "ocpp1.6",
            c.SetProfile(profile_id=1, purpose=c.ProfilePurpose.DEFAULT, limits=LIMITS, ref="7"),
            "only a profile of one transaction",
        ),
        (
            "ocpp1.6",
            c.SetProfile(profile_id=1, purpose=c.ProfilePurpose.CHARGER, limits=LIMITS, connector=ConnectorId(1)),
            "has no connector",
        ),
        ("ocpp2.0.1", c.SetProfile(profile_id=1, purpose=c.ProfilePurpose.CHARGER, limits=LIMITS), "from when"),
        ("ocpp1.6", default_profile(c.Limit(5, Decimal(9))), "start at 0"),
        ("ocpp2.0.1", default_profile(*LIMITS, c.Limit(900, Decimal(1))), "one after the other"),
        ("ocpp2.1", default_profile(*LIMITS, duration_s=900), "over before"),
        ("ocpp1.6", default_profile(*LIMITS, valid_from=LATER, valid_until=NOW), "before it begins"),
    ],
)
def test_what_a_version_cannot_say_is_named(version: str, command: Command, says: str) -> None:
    with pytest.raises(Unable, match=says.replace(".", r"\.")):
        dialect_for(version).encode(command)


@pytest.mark.parametrize("version", VERSIONS)
def test_every_action_of_a_version_is_served_or_can_be_asked_for(version: str) -> None:
    dialect = dialect_for(version)
    assert dialect.decoders.keys() | dialect.asks() == requests_of(dialect)
    assert dialect.decoders.keys() & dialect.asks() == {"DataTransfer"}


@pytest.mark.parametrize(
    ("version", "action", "answer", "verdict"),
    [
        ("ocpp1.6", "Reset", {"status": "Accepted"}, Verdict.ACCEPTED),
        ("ocpp1.6", "ChangeConfiguration", {"status": "RebootRequired"}, Verdict.ACCEPTED),
        ("ocpp1.6", "ChangeConfiguration", {"status": "NotSupported"}, Verdict.REJECTED),
        ("ocpp1.6", "UnlockConnector", {"status": "Unlocked"}, Verdict.ACCEPTED),
        ("ocpp1.6", "UnlockConnector", {"status": "UnlockFailed"}, Verdict.REJECTED),
        ("ocpp1.6", "ChangeAvailability", {"status": "Scheduled"}, Verdict.ACCEPTED),
        ("ocpp1.6", "GetConfiguration", {"configurationKey": []}, Verdict.ACCEPTED),
        ("ocpp1.6", "GetDiagnostics", {}, Verdict.ACCEPTED),
        ("ocpp1.6", "GetLocalListVersion", {"listVersion": 3}, Verdict.ACCEPTED),
        ("ocpp1.6", "GetLocalListVersion", {}, Verdict.FAILED),
        ("ocpp1.6", "SendLocalList", {"status": "VersionMismatch"}, Verdict.REJECTED),
        ("ocpp1.6", "Reset", {"status": "Perhaps"}, Verdict.FAILED),
        ("ocpp1.6", "Reset", {}, Verdict.FAILED),
        ("ocpp1.6", "GetLog", {"status": "AcceptedCanceled"}, Verdict.ACCEPTED),
        (
            "ocpp2.0.1",
            "SetVariables",
            {
                "setVariableResult": [
                    {"attributeStatus": status, "component": {"name": "C"}, "variable": {"name": "V"}}
                    for status in ("Accepted", "UnknownVariable")
                ]
            },
            Verdict.REJECTED,
        ),
        ("ocpp2.0.1", "GetTransactionStatus", {"messagesInQueue": False}, Verdict.ACCEPTED),
        ("ocpp2.0.1", "CostUpdated", {}, Verdict.ACCEPTED),
        ("ocpp2.0.1", "UnpublishFirmware", {"status": "Unpublished"}, Verdict.ACCEPTED),
        ("ocpp2.0.1", "UnpublishFirmware", {"status": "DownloadOngoing"}, Verdict.REJECTED),
        ("ocpp2.0.1", "UnpublishFirmware", {"status": "NoFirmware"}, Verdict.REJECTED),
        ("ocpp2.0.1", "RemoteStartTransaction", {"status": "Accepted"}, Verdict.ACCEPTED),
    ],
)
def test_an_answer_amounts_to_a_verdict(version: str, action: str, answer: dict[str, Any], verdict: Verdict) -> None:
    result = dialect_for(version).read_result(action, answer)
    assert (result.verdict, result.data) == (verdict, answer)


@pytest.mark.parametrize(
    ("action", "payload"),
    [
        ("ChangeConfiguration", {"key": "AuthorizationKey", "value": "SECRET"}),
        (
            "SetVariables",
            {
                "setVariableData": [
                    {"attributeValue": "SECRET", "component": {"name": "S"}, "variable": {"name": "BasicAuthPassword"}}
                ]
            },
        ),
        ("SetNetworkProfile", {"connectionData": {"apn": {"apnPassword": "SECRET"}, "vpn": {"key": "k"}}}),
        ("UpdateFirmware", {"location": "ftp://me:SECRET@x.example/f"}),
        ("NotifyCustomerInformation", {"data": "SECRET"}),
    ],
)
def test_no_secret_is_written_down(action: str, payload: dict[str, Any]) -> None:
    assert "SECRET" not in redacted(action, payload)
    assert "***" in redacted(action, payload)


def test_what_is_written_down_is_never_long() -> None:
    assert len(redacted("DataTransfer", {"data": "x" * 100_000})) < 9000
