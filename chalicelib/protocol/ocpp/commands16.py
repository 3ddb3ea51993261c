"""Encoders of commands for OCPP 1.6: what can be asked of such a charger, in its words.

Sections cited are those of "Open Charge Point Protocol 1.6" edition 2; the rest is "Improved security for OCPP 1.6-J"
edition 3.
"""

from __future__ import annotations

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
from chalicelib.domain.drivers.emaid import is_contract_token
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
from chalicelib.protocol.ocpp.contracts16 import transferred
from chalicelib.protocol.ocpp.dialect import Encoder, Fields, present, timestamp

STANDINGS = {
    AuthorizationStatus.ACCEPTED: "Accepted",
    AuthorizationStatus.UNKNOWN: "Invalid",
    AuthorizationStatus.BLOCKED: "Blocked",
    AuthorizationStatus.EXPIRED: "Expired",
    AuthorizationStatus.CONCURRENT_TX: "ConcurrentTx",
    AuthorizationStatus.NOT_HERE: "Blocked",
}
_PURPOSES = {
    ProfilePurpose.CHARGER: "ChargePointMaxProfile",
    ProfilePurpose.DEFAULT: "TxDefaultProfile",
    ProfilePurpose.SESSION: "TxProfile",
}
LIST_LIMITS = ("LocalAuthListMaxLength", "SendLocalListMaxLength")
_USES = {
    CertificateUse.BACKEND: "CentralSystemRootCertificate",
    CertificateUse.MANUFACTURER: "ManufacturerRootCertificate",
}
# Only the application note on Plug & Charge has words for these.
_CONTRACT_ROOTS = {
    CertificateUse.PLUG_AND_CHARGE: "V2GRootCertificate",
    CertificateUse.MOBILITY_OPERATOR: "MORootCertificate",
}
_TRIGGERS = {
    Message.BOOT: "BootNotification",
    Message.HEARTBEAT: "Heartbeat",
    Message.READINGS: "MeterValues",
    Message.STATUS: "StatusNotification",
    Message.FIRMWARE_STATUS: "FirmwareStatusNotification",
}
# Only the security extension can ask for these.
_EXTENDED_TRIGGERS = {Message.LOG_STATUS: "LogStatusNotification", Message.CERTIFICATE: "SignChargePointCertificate"}


def _ref(ref: str) -> int:
    try:
        return int(ref)
    except ValueError:
        raise Unable(f"OCPP 1.6 numbers transactions; {ref!r} is no number") from None


def _remote_start(command: StartCharging) -> tuple[str, Fields]:
    return "RemoteStartTransaction", {"connectorId": command.connector.evse, "idTag": command.token}


def _reset(command: Reset) -> tuple[str, Fields]:
    if command.connector is not None:
        raise Unable("OCPP 1.6 resets the charger as a whole; leave the connector out")
    return "Reset", {"type": "Hard" if command.hard else "Soft"}


def _availability(command: SetAvailability) -> tuple[str, Fields]:
    kind = "Operative" if command.operative else "Inoperative"
    return "ChangeAvailability", {"connectorId": evse_or_all(command.connector), "type": kind}


def _trigger(command: Trigger) -> tuple[str, Fields]:
    connector = present(connectorId=evse_number(command.connector))
    if command.message in _EXTENDED_TRIGGERS:
        return "ExtendedTriggerMessage", {"requestedMessage": _EXTENDED_TRIGGERS[command.message], **connector}
    if command.message not in _TRIGGERS:
        raise Unable(f"OCPP 1.6 cannot ask for {command.message}")
    return "TriggerMessage", {"requestedMessage": _TRIGGERS[command.message], **connector}


def _entry(entry: Listed) -> Fields:
    # AuthorizationData: an entry without idTagInfo is taken off the list.
    info = None
    if entry.standing:
        status, group = STANDINGS[entry.standing], entry.group or None
        info = present(status=status, parentIdTag=group, expiryDate=when(entry.expires_at))
    return present(idTag=entry.token, idTagInfo=info)


def _update_list(command: UpdateList) -> tuple[str, Fields]:
    return "SendLocalList", {
        "listVersion": command.version,
        "updateType": "Full" if command.full else "Differential",
        "localAuthorizationList": [
            _entry(entry)
            for entry in command.entries
            # An idTag cannot say that it is a contract's: typed at a keypad it would be let in.
            if not is_contract_token(entry.token)
        ],
    }


def _reserve(command: Reserve) -> tuple[str, Fields]:
    return "ReserveNow", {
        "connectorId": evse_or_all(command.connector),
        "expiryDate": timestamp(command.until),
        "idTag": command.token,
        "reservationId": command.reservation_id,
    }


def _set_profile(command: SetProfile) -> tuple[str, Fields]:
    if any(it.phase_to_use is not None for it in command.limits):
        raise Unable("OCPP 1.6 cannot say which phase to use; leave phase_to_use out")
    profile = present(
        chargingProfileId=command.profile_id,
        transactionId=_ref(command.ref) if command.ref else None,
        chargingSchedule=charging_schedule(command),
        **charging_profile(command, _PURPOSES),
    )
    return "SetChargingProfile", {"connectorId": evse_or_all(command.connector), "csChargingProfiles": profile}


def _clear_profiles(command: ClearProfiles) -> tuple[str, Fields]:
    return "ClearChargingProfile", present(
        id=command.profile_id,
        connectorId=evse_number(command.connector),
        chargingProfilePurpose=_PURPOSES[command.purpose] if command.purpose else None,
        stackLevel=command.stack_level,
    )


def _read_schedule(command: ReadSchedule) -> tuple[str, Fields]:
    return "GetCompositeSchedule", {"connectorId": evse_or_all(command.connector), **composite_schedule(command)}


def _update_firmware(command: UpdateFirmware) -> tuple[str, Fields]:
    if command.certificate is None or command.signature is None:
        unsigned = {"location": command.url, "retrieveDate": timestamp(command.retrieve_at)}
        return "UpdateFirmware", {**unsigned, **retrying(command)}
    signed = {"requestId": command.request_id, "firmware": firmware(command)}
    return "SignedUpdateFirmware", {**signed, **retrying(command)}


def _upload_log(command: UploadLog) -> tuple[str, Fields]:
    if command.kind is LogKind.DIAGNOSTICS:
        # Core's own request: the security extension's GetLog is not on every charger.
        oldest, newest = when(command.oldest), when(command.newest)
        return "GetDiagnostics", present(location=command.url, startTime=oldest, stopTime=newest)
    return "GetLog", log(command, "SecurityLog")


def _use(use: CertificateUse | None) -> str:
    if use is None or use not in _USES:
        raise Unable("OCPP 1.6 lists certificates of one use at a time; name it")
    return _USES[use]


def _install(command: InstallCertificate) -> tuple[str, Fields]:
    if command.use in _CONTRACT_ROOTS:
        root = {"certificateType": _CONTRACT_ROOTS[command.use], "certificate": command.certificate}
        return transferred("InstallCertificate", root)
    return "InstallCertificate", {"certificateType": _use(command.use), "certificate": command.certificate}


def _list(command: ListCertificates) -> tuple[str, Fields]:
    if command.use in _CONTRACT_ROOTS:
        return transferred("GetInstalledCertificateIds", {"certificateType": [_CONTRACT_ROOTS[command.use]]})
    return "GetInstalledCertificateIds", {"certificateType": _use(command.use)}


def _write(name: str, value: str) -> tuple[str, Fields]:
    return "ChangeConfiguration", {"key": name, "value": value}


ENCODERS: dict[type, Encoder] = {
    **alike.ENCODERS,
    StartCharging: _remote_start,
    StopCharging: lambda it: ("RemoteStopTransaction", {"transactionId": _ref(it.ref)}),
    Reset: _reset,
    Unlock: lambda it: ("UnlockConnector", {"connectorId": it.connector.evse}),
    SetAvailability: _availability,
    ReadSettings: lambda it: ("GetConfiguration", {"key": list(it.names)} if it.names else {}),
    WriteSetting: lambda it: _write(it.name, it.value),
    ChangePassword: lambda it: _write("AuthorizationKey", it.password),
    Trigger: _trigger,
    ReadListLimits: lambda _: ("GetConfiguration", {"key": list(LIST_LIMITS)}),
    UpdateList: _update_list,
    Reserve: _reserve,
    SetProfile: _set_profile,
    ClearProfiles: _clear_profiles,
    ReadSchedule: _read_schedule,
    UpdateFirmware: _update_firmware,
    UploadLog: _upload_log,
    InstallCertificate: _install,
    ListCertificates: _list,
    DeliverCertificate: lambda it: ("CertificateSigned", {"certificateChain": it.chain}),
}
