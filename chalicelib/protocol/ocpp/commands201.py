"""Encoders of commands for OCPP 2.x: what can be asked of such a charger, in its words.

Use cases cited (A05, B05, ...) are those of "OCPP 2.0.1 Part 2 - Specification".
"""

from __future__ import annotations

import re

from chalicelib.domain.chargers.commands import (
    AuthorizationStatus,
    CertificateUse,
    ChangePassword,
    ClearProfiles,
    DeliverCertificate,
    InstallCertificate,
    ListCertificates,
    Listed,
    LogKind,
    Message,
    ProfilePurpose,
    ReadListLimits,
    ReadSchedule,
    ReadSettings,
    Reserve,
    Reset,
    SetAvailability,
    SetProfile,
    ShowCost,
    StartCharging,
    StopCharging,
    Trigger,
    Unable,
    Unlock,
    UpdateFirmware,
    UpdateList,
    UploadLog,
    WriteSetting,
)
from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.domain.charging.names import looks_like_app_token
from chalicelib.domain.drivers.emaid import as_shown_elsewhere, is_contract_token
from chalicelib.protocol.ocpp import alike
from chalicelib.protocol.ocpp.alike import (
    charging_profile,
    charging_schedule,
    composite_schedule,
    evse_number,
    evse_or_all,
    firmware,
    log,
    retrying,
    when,
)
from chalicelib.protocol.ocpp.dialect import Encoder, Fields, present, timestamp

STANDINGS = {
    AuthorizationStatus.ACCEPTED: "Accepted",
    AuthorizationStatus.UNKNOWN: "Unknown",
    AuthorizationStatus.BLOCKED: "Blocked",
    AuthorizationStatus.EXPIRED: "Expired",
    AuthorizationStatus.CONCURRENT_TX: "ConcurrentTx",
    AuthorizationStatus.NOT_HERE: "NotAtThisLocation",
}
_PURPOSES = {
    ProfilePurpose.CHARGER: "ChargingStationMaxProfile",
    ProfilePurpose.DEFAULT: "TxDefaultProfile",
    ProfilePurpose.SESSION: "TxProfile",
}
LIST_LIMITS = ("LocalAuthListCtrlr.ItemsPerMessage", "LocalAuthListCtrlr.BytesPerMessage")
_USES = {
    CertificateUse.BACKEND: "CSMSRootCertificate",
    CertificateUse.MANUFACTURER: "ManufacturerRootCertificate",
    CertificateUse.PLUG_AND_CHARGE: "V2GRootCertificate",
    CertificateUse.MOBILITY_OPERATOR: "MORootCertificate",
}
_TRIGGERS = {
    Message.BOOT: "BootNotification",
    Message.HEARTBEAT: "Heartbeat",
    Message.READINGS: "MeterValues",
    Message.STATUS: "StatusNotification",
    Message.TRANSACTION: "TransactionEvent",
    Message.FIRMWARE_STATUS: "FirmwareStatusNotification",
    Message.LOG_STATUS: "LogStatusNotification",
    Message.CERTIFICATE: "SignChargingStationCertificate",
}
# `Component/instance@EVSE.Variable/instance`, both instances and the EVSE optional.
_SETTING = re.compile(r"([^./@]{1,50})(?:/([^./@]{1,50}))?(?:@([1-9]\d{0,3}))?\.([^./]{1,50})(?:/([^./]{1,50}))?")


def _token(token: str) -> Fields:
    if is_contract_token(token):
        return {"idToken": as_shown_elsewhere(token), "type": "eMAID"}
    return {"idToken": token, "type": "Central" if looks_like_app_token(token) else "ISO14443"}


def group_token(group: str) -> Fields | None:
    """The group of a token, if it has one (C09)."""
    return {"idToken": group, "type": "Central"} if group else None


def _evse(connector: ConnectorId) -> Fields:
    return {"id": connector.evse, "connectorId": connector.plug}


def _request_start(command: StartCharging) -> tuple[str, Fields]:
    return "RequestStartTransaction", {
        "evseId": command.connector.evse,
        "remoteStartId": command.remote_start_id,
        "idToken": _token(command.token),
    }


def _reset(command: Reset) -> tuple[str, Fields]:
    evse_id = evse_number(command.connector)
    return "Reset", present(type="Immediate" if command.hard else "OnIdle", evseId=evse_id)


def _availability(command: SetAvailability) -> tuple[str, Fields]:
    status = "Operative" if command.operative else "Inoperative"
    evse = _evse(command.connector) if command.connector else None
    return "ChangeAvailability", present(operationalStatus=status, evse=evse)


def _setting(name: str) -> Fields:
    """The component and variable that `name` means."""
    parts = _SETTING.fullmatch(name)
    if parts is None:
        raise Unable(f"{name!r} does not name a variable: write Component.Variable, or Component/instance.Variable")
    evse = {"id": int(parts[3])} if parts[3] else None
    return {
        "component": present(name=parts[1], instance=parts[2], evse=evse),
        "variable": present(name=parts[4], instance=parts[5]),
    }


def _read_settings(command: ReadSettings) -> tuple[str, Fields]:
    if not command.names:
        raise Unable("OCPP 2.x reads variables by name; for all of them ask for GetBaseReport")
    return "GetVariables", {"getVariableData": [_setting(name) for name in command.names]}


def _write(name: str, value: str) -> tuple[str, Fields]:
    return "SetVariables", {"setVariableData": [{"attributeValue": value, **_setting(name)}]}


def _trigger(command: Trigger) -> tuple[str, Fields]:
    evse = _evse(command.connector) if command.connector else None
    return "TriggerMessage", present(requestedMessage=_TRIGGERS[command.message], evse=evse)


def _entry(entry: Listed) -> Fields:
    # D01: an entry without idTokenInfo is taken off the list.
    info = None
    if entry.standing:
        info = present(
            status=STANDINGS[entry.standing],
            groupIdToken=group_token(entry.group),
            cacheExpiryDateTime=when(entry.expires_at),
        )
    return present(idToken=_token(entry.token), idTokenInfo=info)


def _update_list(command: UpdateList) -> tuple[str, Fields]:
    # An empty list is left out: the schema asks for at least one entry (D01: Full without entries clears it).
    entries = [_entry(entry) for entry in command.entries] or None
    update = "Full" if command.full else "Differential"
    return "SendLocalList", present(versionNumber=command.version, updateType=update, localAuthorizationList=entries)


def _reserve(command: Reserve) -> tuple[str, Fields]:
    return "ReserveNow", present(
        id=command.reservation_id,
        expiryDateTime=timestamp(command.until),
        idToken=_token(command.token),
        evseId=evse_number(command.connector),
    )


def _set_profile(command: SetProfile) -> tuple[str, Fields]:
    profile = present(
        id=command.profile_id,
        transactionId=command.ref,
        chargingSchedule=[{"id": command.profile_id, **charging_schedule(command)}],
        **charging_profile(command, _PURPOSES),
    )
    return "SetChargingProfile", {"evseId": evse_or_all(command.connector), "chargingProfile": profile}


def _clear_profiles(command: ClearProfiles) -> tuple[str, Fields]:
    criteria = present(
        evseId=evse_number(command.connector),
        chargingProfilePurpose=_PURPOSES[command.purpose] if command.purpose else None,
        stackLevel=command.stack_level,
    )
    return "ClearChargingProfile", present(
        chargingProfileId=command.profile_id, chargingProfileCriteria=criteria or None
    )


def _read_schedule(command: ReadSchedule) -> tuple[str, Fields]:
    return "GetCompositeSchedule", {"evseId": evse_or_all(command.connector), **composite_schedule(command)}


def _update_firmware(command: UpdateFirmware) -> tuple[str, Fields]:
    asked = {"requestId": command.request_id, "firmware": firmware(command)}
    return "UpdateFirmware", {**asked, **retrying(command)}


def _upload_log(command: UploadLog) -> tuple[str, Fields]:
    return "GetLog", log(command, "DiagnosticsLog" if command.kind is LogKind.DIAGNOSTICS else "SecurityLog")


def _deliver(command: DeliverCertificate) -> tuple[str, Fields]:
    return "CertificateSigned", {
        "certificateChain": command.chain,
        "certificateType": "ChargingStationCertificate",
    }


def _install(command: InstallCertificate) -> tuple[str, Fields]:
    return "InstallCertificate", {"certificateType": _USES[command.use], "certificate": command.certificate}


def _list_certificates(command: ListCertificates) -> tuple[str, Fields]:
    return "GetInstalledCertificateIds", {"certificateType": [_USES[command.use]]} if command.use else {}


ENCODERS: dict[type, Encoder] = {
    **alike.ENCODERS,
    StartCharging: _request_start,
    StopCharging: lambda it: ("RequestStopTransaction", {"transactionId": it.ref}),
    # I02
    ShowCost: lambda it: ("CostUpdated", {"totalCost": float(it.cost), "transactionId": it.ref}),
    Reset: _reset,
    Unlock: lambda it: ("UnlockConnector", {"evseId": it.connector.evse, "connectorId": it.connector.plug}),
    SetAvailability: _availability,
    ReadSettings: _read_settings,
    WriteSetting: lambda it: _write(it.name, it.value),
    # A01
    ChangePassword: lambda it: _write("SecurityCtrlr.BasicAuthPassword", it.password),
    Trigger: _trigger,
    ReadListLimits: lambda _: ("GetVariables", {"getVariableData": [_setting(name) for name in LIST_LIMITS]}),
    UpdateList: _update_list,
    Reserve: _reserve,
    SetProfile: _set_profile,
    ClearProfiles: _clear_profiles,
    ReadSchedule: _read_schedule,
    UpdateFirmware: _update_firmware,
    UploadLog: _upload_log,
    InstallCertificate: _install,
    ListCertificates: _list_certificates,
    DeliverCertificate: _deliver,
}
