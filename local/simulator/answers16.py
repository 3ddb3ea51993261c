"""OCPP 1.6 and its security extension: every request of a central system has an answer here, and what follows it.

Starting and stopping by remote are answered in `words16`, for they speak of transactions.
"""

from __future__ import annotations

import json

from local.simulator.answers201 import ANSWERS as ANSWERS201
from local.simulator.limits import refusal
from local.simulator.line import Payload
from local.simulator.memory import Entry, Reservation
from local.simulator.parts import Answers, Obedient, now, timestamp
from local.simulator.profiles import Charge, Profile, instant
from local.simulator.settings import Role
from local.simulator.work import install, upload

_ACCEPTED, _REJECTED = {"status": "Accepted"}, {"status": "Rejected"}
_CONTRACTS = "org.openchargealliance.iso15118pnc"
_STATION = "ChargePointMaxProfile"


def _if(done: bool, otherwise: str = "Rejected") -> Payload:
    return {"status": "Accepted" if done else otherwise}


# Core.


def _reset(charger: Obedient, payload: Payload) -> Payload:
    charger.soon(charger.reset(f"{payload['type']}Reset"))
    return _ACCEPTED


def _unlock(charger: Obedient, payload: Payload) -> Payload:
    at = charger.connectors.get(payload["connectorId"])
    if at is None:
        return {"status": "NotSupported"}
    charger.soon(charger.stop(at, "UnlockCommand"))
    return {"status": "Unlocked"}


def _change_availability(charger: Obedient, payload: Payload) -> Payload:
    return {"status": charger.change_availability(payload["connectorId"], payload["type"] == "Operative")}


def _clear_cache(charger: Obedient, payload: Payload) -> Payload:
    charger.memory.cache.clear()
    return _ACCEPTED


def _get_configuration(charger: Obedient, payload: Payload) -> Payload:
    settings = charger.memory.settings
    asked = payload.get("key") or [it.name for it in settings.all()]
    found = [it for it in map(settings.find, asked) if it is not None]
    keys: list[Payload] = [{"key": it.name, "readonly": not it.is_writable} for it in found]
    for key, setting in zip(keys, found, strict=True):
        if setting.is_readable:
            key["value"] = setting.value
    answer: Payload = {"configurationKey": keys}
    if unknown := [it for it in asked if settings.find(it) is None]:
        answer["unknownKey"] = unknown
    return answer


def _change_configuration(charger: Obedient, payload: Payload) -> Payload:
    status = charger.write(payload["key"], payload["value"])
    return {"status": "NotSupported" if status == "Unknown" else status}


def _data_transfer(charger: Obedient, payload: Payload) -> Payload:
    if payload.get("vendorId") != _CONTRACTS:
        return {"status": "UnknownVendorId"}
    # The application note on Plug & Charge: 2.0.1's words as a text.
    if payload.get("messageId") not in ("InstallCertificate", "DeleteCertificate", "GetInstalledCertificateIds"):
        return {"status": "UnknownMessageId"}
    told = ANSWERS201[payload["messageId"]](charger, json.loads(payload["data"]))
    return {"status": "Accepted", "data": json.dumps(told)}


# Local authorization list (§5.15, §5.10).


def _send_local_list(charger: Obedient, payload: Payload) -> Payload:
    settings, kept = charger.memory.settings, charger.memory.local_list
    listed = payload.get("localAuthorizationList", [])
    if not settings.flag(Role.LIST_ENABLED):
        return {"status": "NotSupported"}
    if payload["listVersion"] <= 0 or len(listed) > settings.number(Role.LIST_ITEMS):
        return {"status": "Failed"}
    full = payload["updateType"] == "Full"
    if full and not all("idTagInfo" in it for it in listed):
        return {"status": "Failed"}
    entries = {it["idTag"]: _entry(it.get("idTagInfo")) for it in listed}
    if full:
        kept.replace(payload["listVersion"], entries)
        return _ACCEPTED
    return _if(kept.change(payload["listVersion"], entries), "VersionMismatch")


def _entry(info: Payload | None) -> Entry | None:
    if info is None:
        return None
    until = instant(info["expiryDate"]) if "expiryDate" in info else None
    return Entry(info["status"] == "Accepted", until)


def _get_local_list_version(charger: Obedient, payload: Payload) -> Payload:
    enabled = charger.memory.settings.flag(Role.LIST_ENABLED)
    return {"listVersion": charger.memory.local_list.version if enabled else -1}


# Reservations.


def _reserve_now(charger: Obedient, payload: Payload) -> Payload:
    # Connector 0 is no connector here: ReserveConnectorZeroSupported is false.
    number, until = payload["connectorId"], instant(payload["expiryDate"])
    reservation = Reservation(payload["reservationId"], number, payload["idTag"], until)
    return {"status": charger.reserve(reservation)}


def _cancel_reservation(charger: Obedient, payload: Payload) -> Payload:
    return _if(charger.cancel_reservation(payload["reservationId"]))


# Smart charging (§5.16, §5.5, §5.7).


def _set_charging_profile(charger: Obedient, payload: Payload) -> Payload:
    number, raw = payload["connectorId"], payload["csChargingProfiles"]
    at, transaction = charger.connectors.get(number), None
    if number != 0 and at is None:
        return _REJECTED
    if raw["chargingProfilePurpose"] == "TxProfile":
        transaction = at.transaction if at is not None else None
        if transaction is None or str(raw.get("transactionId", transaction.ref)) != transaction.ref:
            return _REJECTED
    if raw["chargingProfilePurpose"] == _STATION and number != 0:
        return _REJECTED
    profile = Profile(number, raw, now(), transaction.uuid if transaction else None)
    profile.limit_w(now(), None)  # unreadable profiles are refused with a CALLERROR, not kept
    reason = refusal(profile, charger.memory.profiles, charger.memory.settings, charger.oddities)
    if reason is not None:
        return _REJECTED
    charger.memory.profiles.add(profile)
    return _ACCEPTED


def _clear_charging_profile(charger: Obedient, payload: Payload) -> Payload:
    ids = [payload["id"]] if "id" in payload else None
    criteria = (payload.get("connectorId"), payload.get("chargingProfilePurpose"), payload.get("stackLevel"))
    found = charger.memory.profiles.find(ids, *(criteria if ids is None else ()))
    charger.memory.profiles.remove(found)
    return _if(bool(found), "Unknown")


def _get_composite_schedule(charger: Obedient, payload: Payload) -> Payload:
    number, duration_s, at = payload["connectorId"], payload["duration"], now()
    unit, connector = payload.get("chargingRateUnit", "W"), charger.connectors.get(number)
    if number != 0 and connector is None:
        return _REJECTED
    charge = charger.charge(connector) if connector else Charge()
    periods = charger.memory.profiles.composite(number, at, duration_s, unit, charge, len(charger.connectors))
    schedule = {"duration": duration_s, "startSchedule": timestamp(at), "chargingRateUnit": unit}
    return {
        "status": "Accepted",
        "connectorId": number,
        "scheduleStart": timestamp(at),
        "chargingSchedule": {**schedule, "chargingSchedulePeriod": periods},
    }


# Firmware and logs.


def _update_firmware(charger: Obedient, payload: Payload) -> Payload:
    install(charger, "FirmwareStatusNotification", None, None)
    return {}


def _signed_update_firmware(charger: Obedient, payload: Payload) -> Payload:
    certificate = payload["firmware"]["signingCertificate"]
    action = "SignedFirmwareStatusNotification"
    return {"status": install(charger, action, payload["requestId"], certificate)}


def _get_diagnostics(charger: Obedient, payload: Payload) -> Payload:
    return {"fileName": upload(charger, "DiagnosticsStatusNotification", None)["filename"]}


def _get_log(charger: Obedient, payload: Payload) -> Payload:
    return upload(charger, "LogStatusNotification", payload["requestId"])


# Triggers: the asked message goes out once the answer has.


def _trigger_message(charger: Obedient, payload: Payload) -> Payload:
    memory, wanted = charger.memory, payload["requestedMessage"]
    connectors = [it for it in charger.connectors.values() if payload.get("connectorId") in (None, it.number)]
    if not connectors and wanted in ("MeterValues", "StatusNotification"):
        return _REJECTED
    match wanted:
        case "BootNotification":
            charger.tell_soon(charger.words.boot())
        case "Heartbeat":
            charger.tell_soon(("Heartbeat", {}))
        case "StatusNotification":
            charger.tell_soon(*(charger.words.status(it.number, it.status) for it in connectors))
        case "MeterValues":
            charger.tell_soon(*(charger.words.sample(it) for it in connectors))
        case "DiagnosticsStatusNotification":
            charger.tell_soon((wanted, {"status": memory.log.status}))
        case "LogStatusNotification":
            charger.tell_soon((wanted, memory.log.numbered()))
        case "FirmwareStatusNotification":
            charger.tell_soon((wanted, {"status": _unsigned(memory.firmware.status)}))
        case _:
            return {"status": "NotImplemented"}
    return _ACCEPTED


def _unsigned(status: str) -> str:
    return "Downloaded" if status == "SignatureVerified" else status


def _extended_trigger_message(charger: Obedient, payload: Payload) -> Payload:
    memory, wanted = charger.memory, payload["requestedMessage"]
    if wanted == "SignChargePointCertificate":
        charger.tell_soon(("SignCertificate", {"csr": memory.certificates.request(charger.charger_id)}))
        return _ACCEPTED
    if wanted == "FirmwareStatusNotification" and memory.firmware_is_signed:
        charger.tell_soon(("SignedFirmwareStatusNotification", memory.firmware.numbered()))
        return _ACCEPTED
    return _trigger_message(charger, payload)


# Certificates.


def _certificate_signed(charger: Obedient, payload: Payload) -> Payload:
    return _if(charger.memory.certificates.take_chain(payload["certificateChain"]))


def _install_certificate(charger: Obedient, payload: Payload) -> Payload:
    return _if(charger.memory.certificates.install(payload["certificateType"], payload["certificate"]))


def _delete_certificate(charger: Obedient, payload: Payload) -> Payload:
    return _if(charger.memory.certificates.delete(payload["certificateHashData"]), "NotFound")


def _get_installed_certificate_ids(charger: Obedient, payload: Payload) -> Payload:
    found = [hashes for _, hashes in charger.memory.certificates.named([payload["certificateType"]])]
    return {"status": "Accepted", "certificateHashData": found} if found else {"status": "NotFound"}


ANSWERS: Answers = {
    "CancelReservation": _cancel_reservation,
    "CertificateSigned": _certificate_signed,
    "ChangeAvailability": _change_availability,
    "ChangeConfiguration": _change_configuration,
    "ClearCache": _clear_cache,
    "ClearChargingProfile": _clear_charging_profile,
    "DataTransfer": _data_transfer,
    "DeleteCertificate": _delete_certificate,
    "ExtendedTriggerMessage": _extended_trigger_message,
    "GetCompositeSchedule": _get_composite_schedule,
    "GetConfiguration": _get_configuration,
    "GetDiagnostics": _get_diagnostics,
    "GetInstalledCertificateIds": _get_installed_certificate_ids,
    "GetLocalListVersion": _get_local_list_version,
    "GetLog": _get_log,
    "InstallCertificate": _install_certificate,
    "ReserveNow": _reserve_now,
    "Reset": _reset,
    "SendLocalList": _send_local_list,
    "SetChargingProfile": _set_charging_profile,
    "SignedUpdateFirmware": _signed_update_firmware,
    "TriggerMessage": _trigger_message,
    "UnlockConnector": _unlock,
    "UpdateFirmware": _update_firmware,
}
