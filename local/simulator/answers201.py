"""OCPP 2.0.1: every request a CSMS may send has an answer in this table; what no such charger can do is refused.

Starting and stopping by remote are answered in `words201`; variables, reports and displays in `reports201`.
"""

from __future__ import annotations

from local.simulator.limits import refusal
from local.simulator.line import Payload
from local.simulator.memory import Entry, Reservation
from local.simulator.parts import Answers, Connector, Obedient, now, timestamp
from local.simulator.profiles import Charge, Profile, instant
from local.simulator.reports201 import REPORTS
from local.simulator.settings import Role
from local.simulator.work import install, upload

_ACCEPTED, _REJECTED = {"status": "Accepted"}, {"status": "Rejected"}
_STATION, _FOREIGN, _OWN = "ChargingStationMaxProfile", "ChargingStationExternalConstraints", "TxProfile"


def _if(done: bool, otherwise: str = "Rejected") -> Payload:
    return {"status": "Accepted" if done else otherwise}


def _refused(reason: str) -> Payload:
    return {"status": "Rejected", "statusInfo": {"reasonCode": reason}}


# The charger and its connectors.


def _reset(charger: Obedient, payload: Payload) -> Payload:
    if "evseId" in payload:
        return _refused("UnsupportedRequest")  # one EVSE cannot be reset alone (B11, B12: AllowReset is false)
    if payload["type"] == "OnIdle":
        return {"status": charger.reset_when_idle("Reboot")}
    charger.soon(charger.reset("ImmediateReset"))
    return _ACCEPTED


def _unlock(charger: Obedient, payload: Payload) -> Payload:
    at = charger.connectors.get(payload["evseId"])
    if at is None or payload["connectorId"] != 1:
        return {"status": "UnknownConnector"}
    return {"status": "Unlocked" if at.transaction is None else "OngoingAuthorizedTransaction"}  # F05.FR.02


def _change_availability(charger: Obedient, payload: Payload) -> Payload:
    evse = payload.get("evse", {"id": 0})
    if evse.get("connectorId", 1) != 1:
        return _REJECTED
    return {"status": charger.change_availability(evse["id"], payload["operationalStatus"] == "Operative")}


def _clear_cache(charger: Obedient, payload: Payload) -> Payload:
    charger.memory.cache.clear()
    return _ACCEPTED


def _data_transfer(charger: Obedient, payload: Payload) -> Payload:
    return {"status": "UnknownVendorId"}


def _set_network_profile(charger: Obedient, payload: Payload) -> Payload:
    charger.memory.networks[payload["configurationSlot"]] = payload["connectionData"]
    return _ACCEPTED


def _get_transaction_status(charger: Obedient, payload: Payload) -> Payload:
    of = payload.get("transactionId")
    waiting = [it.build() for it in charger.line.outbox if it.action == "TransactionEvent"]
    answer = {"messagesInQueue": any(of in (None, it["transactionInfo"]["transactionId"]) for it in waiting)}
    return answer if of is None else {"ongoingIndicator": charger.under_way(of) is not None, **answer}


def _cost_updated(charger: Obedient, payload: Payload) -> Payload:
    charger.memory.costs[payload["transactionId"]] = payload["totalCost"]
    return {}


# Local authorization list (D01, D02).


def _send_local_list(charger: Obedient, payload: Payload) -> Payload:
    settings, kept = charger.memory.settings, charger.memory.local_list
    listed = payload.get("localAuthorizationList", [])
    entries = {it["idToken"]["idToken"]: _entry(it.get("idTokenInfo")) for it in listed}
    is_sound = settings.flag(Role.LIST_ENABLED) and payload["versionNumber"] > 0 and len(entries) == len(listed)
    full = payload["updateType"] == "Full"
    if not is_sound or len(listed) > settings.number(Role.LIST_ITEMS) or (full and None in entries.values()):
        return {"status": "Failed"}
    if full:
        kept.replace(payload["versionNumber"], entries)
        return _ACCEPTED
    return _if(kept.change(payload["versionNumber"], entries), "VersionMismatch")


def _entry(info: Payload | None) -> Entry | None:
    if info is None:
        return None
    until = instant(info["cacheExpiryDateTime"]) if "cacheExpiryDateTime" in info else None
    return Entry(info["status"] == "Accepted", until)


def _get_local_list_version(charger: Obedient, payload: Payload) -> Payload:
    return {"versionNumber": charger.memory.local_list.version}


# Reservations (H01, H02).


def _reserve_now(charger: Obedient, payload: Payload) -> Payload:
    if "evseId" not in payload:
        return _refused("UnsupportedRequest")  # ReservationCtrlr.NonEvseSpecific is false
    until, token = instant(payload["expiryDateTime"]), payload["idToken"]["idToken"]
    return {"status": charger.reserve(Reservation(payload["id"], payload["evseId"], token, until))}


def _cancel_reservation(charger: Obedient, payload: Payload) -> Payload:
    return _if(charger.cancel_reservation(payload["reservationId"]))


# Smart charging (K01, K08, K09, K10).


def _set_charging_profile(charger: Obedient, payload: Payload) -> Payload:
    evse, raw = payload["evseId"], payload["chargingProfile"]
    purpose, at, transaction = raw["chargingProfilePurpose"], charger.connectors.get(evse), None
    if evse != 0 and at is None:
        return _refused("UnknownEvse")
    if purpose == _FOREIGN or (purpose == _STATION and evse != 0):
        return _refused("InvalidProfile")
    if purpose == _OWN:
        transaction = at.transaction if at is not None else None
        if transaction is None or raw.get("transactionId") != transaction.ref:
            return _refused("TxNotFound")
    profile = Profile(evse, raw, now(), transaction.uuid if transaction else None)
    profile.limit_w(now(), None)  # unreadable profiles are refused with a CALLERROR, not kept
    if charger.memory.profiles.rival(profile) is not None:
        return _refused("DuplicateProfile")  # K01.FR.06, .39, .52
    reason = refusal(profile, charger.memory.profiles, charger.memory.settings, charger.oddities)
    if reason is not None:
        return _refused(reason)
    charger.memory.profiles.add(profile)
    return _ACCEPTED


def _clear_charging_profile(charger: Obedient, payload: Payload) -> Payload:
    ids = [payload["chargingProfileId"]] if "chargingProfileId" in payload else None
    criteria = payload.get("chargingProfileCriteria", {}) if ids is None else {}
    wanted = (criteria.get("evseId"), criteria.get("chargingProfilePurpose"), criteria.get("stackLevel"))
    found = charger.memory.profiles.find(ids, *wanted)
    charger.memory.profiles.remove(found)
    return _if(bool(found), "Unknown")


def _get_charging_profiles(charger: Obedient, payload: Payload) -> Payload:
    criteria = payload["chargingProfile"]
    purpose, level = criteria.get("chargingProfilePurpose"), criteria.get("stackLevel")
    found = charger.memory.profiles.find(criteria.get("chargingProfileId"), payload.get("evseId"), purpose, level)
    if not found or "CSO" not in criteria.get("chargingLimitSource", ["CSO"]):
        return {"status": "NoProfiles"}
    by_evse: dict[int, list[Payload]] = {}
    for profile in found:
        by_evse.setdefault(profile.evse, []).append(profile.raw)
    parts = [{"evseId": evse, "chargingProfile": profiles} for evse, profiles in by_evse.items()]
    head = {"requestId": payload["requestId"], "chargingLimitSource": "CSO"}
    told = [{**head, **part, "tbc": part is not parts[-1]} for part in parts]
    charger.tell_soon(*(("ReportChargingProfiles", part) for part in told))
    return _ACCEPTED


def _get_composite_schedule(charger: Obedient, payload: Payload) -> Payload:
    evse, duration_s, at = payload["evseId"], payload["duration"], now()
    unit, connector = payload.get("chargingRateUnit", "W"), charger.connectors.get(evse)
    if evse != 0 and connector is None:
        return _refused("UnknownEvse")
    charge = charger.charge(connector) if connector else Charge()
    periods = charger.memory.profiles.composite(evse, at, duration_s, unit, charge, len(charger.connectors))
    schedule = {"evseId": evse, "duration": duration_s, "scheduleStart": timestamp(at), "chargingRateUnit": unit}
    return {"status": "Accepted", "schedule": {**schedule, "chargingSchedulePeriod": periods}}


# Firmware and logs (L, N01). This charger is no local controller: it publishes firmware to nobody.


def _update_firmware(charger: Obedient, payload: Payload) -> Payload:
    certificate = payload["firmware"].get("signingCertificate")
    return {"status": install(charger, "FirmwareStatusNotification", payload["requestId"], certificate)}


def _publish_firmware(charger: Obedient, payload: Payload) -> Payload:
    return _refused("UnsupportedRequest")


def _unpublish_firmware(charger: Obedient, payload: Payload) -> Payload:
    return {"status": "NoFirmware"}


def _get_log(charger: Obedient, payload: Payload) -> Payload:
    return upload(charger, "LogStatusNotification", payload["requestId"])


# Certificates (A02, M03 to M05).


def _certificate_signed(charger: Obedient, payload: Payload) -> Payload:
    return _if(charger.memory.certificates.take_chain(payload["certificateChain"]))


def _install_certificate(charger: Obedient, payload: Payload) -> Payload:
    return _if(charger.memory.certificates.install(payload["certificateType"], payload["certificate"]))


def _delete_certificate(charger: Obedient, payload: Payload) -> Payload:
    return _if(charger.memory.certificates.delete(payload["certificateHashData"]), "NotFound")


def _get_installed_certificate_ids(charger: Obedient, payload: Payload) -> Payload:
    found = charger.memory.certificates.named(payload.get("certificateType"))
    if not found:
        return {"status": "NotFound"}
    chain = [{"certificateType": kind, "certificateHashData": hashes} for kind, hashes in found]
    return {"status": "Accepted", "certificateHashDataChain": chain}


# Triggers (F06): the asked message goes out once the answer has.


def _trigger_message(charger: Obedient, payload: Payload) -> Payload:
    memory, wanted = charger.memory, payload["requestedMessage"]
    evse = payload.get("evse", {}).get("id")
    asked = [it for it in charger.connectors.values() if evse in (None, it.number)]
    match wanted:
        case "BootNotification":
            if charger.line.registered.is_set():
                return _REJECTED  # F06.FR.17: it was accepted already
            charger.tell_soon(charger.words.boot("Triggered"))
        case "Heartbeat":
            charger.tell_soon(("Heartbeat", {}))
        case "StatusNotification" | "MeterValues" | "TransactionEvent":
            return _if(_trigger_connectors(charger, wanted, asked))
        case "LogStatusNotification":
            charger.tell_soon((wanted, memory.log.numbered()))
        case "FirmwareStatusNotification":
            charger.tell_soon((wanted, memory.firmware.numbered()))
        case "SignChargingStationCertificate":
            request = {"csr": memory.certificates.request(charger.charger_id)}
            charger.tell_soon(("SignCertificate", {**request, "certificateType": "ChargingStationCertificate"}))
        case _:
            return {"status": "NotImplemented"}
    return _ACCEPTED


def _trigger_connectors(charger: Obedient, wanted: str, asked: list[Connector]) -> bool:
    match wanted:
        case "StatusNotification":
            charger.tell_soon(*(charger.words.status(it.number, it.status) for it in asked))
        case "MeterValues":
            charger.tell_soon(*(charger.words.sample(it) for it in asked))
        case _:
            asked = [it for it in asked if it.transaction is not None]
            charger.soon(_update(charger, asked))
    return bool(asked)


async def _update(charger: Obedient, asked: list[Connector]) -> None:
    for at in asked:
        if at.transaction is not None:
            charger.line.queue(charger.words.reading(at.transaction, at, offline=False, asked=True))


ANSWERS: Answers = {
    **REPORTS,
    "CancelReservation": _cancel_reservation,
    "CertificateSigned": _certificate_signed,
    "ChangeAvailability": _change_availability,
    "ClearCache": _clear_cache,
    "ClearChargingProfile": _clear_charging_profile,
    "CostUpdated": _cost_updated,
    "DataTransfer": _data_transfer,
    "DeleteCertificate": _delete_certificate,
    "GetChargingProfiles": _get_charging_profiles,
    "GetCompositeSchedule": _get_composite_schedule,
    "GetInstalledCertificateIds": _get_installed_certificate_ids,
    "GetLocalListVersion": _get_local_list_version,
    "GetLog": _get_log,
    "GetTransactionStatus": _get_transaction_status,
    "InstallCertificate": _install_certificate,
    "PublishFirmware": _publish_firmware,
    "ReserveNow": _reserve_now,
    "Reset": _reset,
    "SendLocalList": _send_local_list,
    "SetChargingProfile": _set_charging_profile,
    "SetNetworkProfile": _set_network_profile,
    "TriggerMessage": _trigger_message,
    "UnlockConnector": _unlock,
    "UnpublishFirmware": _unpublish_firmware,
    "UpdateFirmware": _update_firmware,
}
