"""OCPP 2.1 says all that 2.0.1 says, and answers what is new: tariffs, priority and limits that change while charging.

What needs a grid-forming inverter, a battery to swap or a regulated power supply is refused: there is none.
"""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from local.simulator.answers201 import ANSWERS
from local.simulator.line import Payload
from local.simulator.parts import Answers, Obedient
from local.simulator.reports201 import monitoring_report
from local.simulator.settings import Setting, settings201
from local.simulator.words201 import Words201

_ACCEPTED, _REJECTED, _NOT_SUPPORTED = {"status": "Accepted"}, {"status": "Rejected"}, {"status": "NotSupported"}


def _refuse(charger: Obedient, payload: Payload) -> Payload:
    return _REJECTED


def _no_inverter(charger: Obedient, payload: Payload) -> Payload:
    return _NOT_SUPPORTED


def _nothing_to_do(charger: Obedient, payload: Payload) -> Payload:
    return {}


# Tariffs (I07 to I11): `memory.tariffs` holds the default of each EVSE.


def _set_default_tariff(charger: Obedient, payload: Payload) -> Payload:
    evse, tariff = payload["evseId"], payload["tariff"]
    if evse != 0 and evse not in charger.connectors:
        return _REJECTED
    for number in charger.connectors if evse == 0 else [evse]:
        charger.memory.tariffs[number] = tariff
    return _ACCEPTED


def _get_tariffs(charger: Obedient, payload: Payload) -> Payload:
    by_id: dict[str, list[int]] = {}
    for evse, tariff in charger.memory.tariffs.items():
        if payload["evseId"] in (0, evse):
            by_id.setdefault(tariff["tariffId"], []).append(evse)
    if not by_id:
        return {"status": "NoTariff"}
    assigned = [{"tariffId": it, "tariffKind": "DefaultTariff", "evseIds": evses} for it, evses in by_id.items()]
    return {"status": "Accepted", "tariffAssignments": assigned}


def _clear_tariffs(charger: Obedient, payload: Payload) -> Payload:
    kept, evse = charger.memory.tariffs, payload.get("evseId")
    here = {number: tariff["tariffId"] for number, tariff in kept.items() if evse in (None, 0, number)}
    asked = payload.get("tariffIds") or sorted(set(here.values()))
    for number, tariff_id in here.items():
        if tariff_id in asked:
            del kept[number]
    results = [{"tariffId": it, "status": "Accepted" if it in here.values() else "NoTariff"} for it in asked]
    return {"clearTariffsResult": results or [{"status": "NoTariff"}]}


def _change_transaction_tariff(charger: Obedient, payload: Payload) -> Payload:
    at = charger.under_way(payload["transactionId"])
    if at is None:
        return {"status": "TxNotFound"}
    former = charger.memory.transaction_tariffs.get(payload["transactionId"], charger.memory.tariffs.get(at.number))
    if former is not None and former["currency"] != payload["tariff"]["currency"]:
        return {"status": "NoCurrencyChange"}
    charger.memory.transaction_tariffs[payload["transactionId"]] = payload["tariff"]
    return _ACCEPTED


# Charging profiles: priority (K22) and dynamic limits (K28).


def _use_priority_charging(charger: Obedient, payload: Payload) -> Payload:
    at = charger.under_way(payload["transactionId"])
    if at is None or at.transaction is None:
        return _REJECTED
    profiles = charger.memory.profiles.find(purpose="PriorityCharging")
    if not any(it.evse in (0, at.number) for it in profiles):
        return {"status": "NoProfile"}
    at.transaction.has_priority = payload["activate"]
    return _ACCEPTED


def _update_dynamic_schedule(charger: Obedient, payload: Payload) -> Payload:
    found = charger.memory.profiles.find([payload["chargingProfileId"]])
    if not found or found[0].raw["chargingProfileKind"] != "Dynamic":
        return _REJECTED
    period = found[0].schedule["chargingSchedulePeriod"][0]
    period |= {name: value for name, value in payload["scheduleUpdate"].items() if name != "customData"}
    return _ACCEPTED


class Words21(Words201):
    """OCPP 2.1."""

    subprotocol = "ocpp2.1"
    answers: ClassVar[Answers] = {
        **ANSWERS,
        "AdjustPeriodicEventStream": _refuse,  # no stream is ever opened
        "AFRRSignal": _refuse,
        "ChangeTransactionTariff": _change_transaction_tariff,
        "ClearDERControl": _no_inverter,
        "ClearTariffs": _clear_tariffs,
        "GetDERControl": _no_inverter,
        # 2.1 says of a monitor who set it: all of ours come from the CSMS.
        "GetMonitoringReport": partial(monitoring_report, more={"eventNotificationType": "CustomMonitor"}),
        "GetPeriodicEventStream": _nothing_to_do,
        "GetTariffs": _get_tariffs,
        "NotifyAllowedEnergyTransfer": _refuse,
        "NotifyWebPaymentStarted": _nothing_to_do,
        "RequestBatterySwap": _refuse,
        "SetDefaultTariff": _set_default_tariff,
        "SetDERControl": _no_inverter,
        "UpdateDynamicSchedule": _update_dynamic_schedule,
        "UsePriorityCharging": _use_priority_charging,
    }

    def settings(self, connectors: int) -> list[Setting]:
        return settings201(connectors, longest_password=64)
