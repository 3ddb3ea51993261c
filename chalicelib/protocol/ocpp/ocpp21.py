"""OCPP 2.1: 2.0.1's tables, and what 2.1 adds or changes.

Use cases cited are those of "OCPP 2.1 Part 2 - Specification".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from chalicelib.domain.chargers.answers import Decision, Noted, StartAnswer
from chalicelib.domain.chargers.events import (
    ChargerEvent,
    ChargingStarted,
    Need,
    ReadingsTaken,
    ReportKind,
    SettlementTold,
    Topic,
    TransactionLimits,
)
from chalicelib.protocol.ocpp import ocpp201
from chalicelib.protocol.ocpp.alike import grants
from chalicelib.protocol.ocpp.contracts201 import (
    chain_status_asked,
    chain_status_reply,
    contract_asked,
    status_asked,
)
from chalicelib.protocol.ocpp.dialect import Fields, present
from chalicelib.protocol.ocpp.notices201 import news, report, requested
from chalicelib.protocol.ocpp.payload import Payload


def _tax_number(answer: Decision, asked: Mapping[str, Any]) -> Fields:
    return present(
        status="Accepted" if answer.granted else "Rejected",
        vatNumber=asked.get("vatNumber"),
        evseId=asked.get("evseId"),
    )


def _transaction_event(payload: Payload) -> ChargerEvent:
    event = ocpp201.DIALECT.decoders["TransactionEvent"](payload)
    info = payload.optional_part("transactionInfo")
    said = info.optional_part("transactionLimit") if info else None
    if said is None or not isinstance(event, ChargingStarted | ReadingsTaken):
        return event
    # E16: who stands at the station may limit the charge there, and what we said of it is confirmed so.
    energy_wh = said.optional_number("maxEnergy")
    limits = TransactionLimits(
        cost=said.optional_number("maxCost"),
        energy_wh=None if energy_wh is None else int(energy_wh),
        duration_s=said.optional_integer("maxTime"),
        soc_percent=said.optional_integer("maxSoC"),
    )
    return replace(event, limits=limits)


def _settlement(payload: Payload) -> SettlementTold:
    word, amount = payload.text("status"), payload.optional_number("settlementAmount") or Decimal(0)
    return SettlementTold(
        psp_ref=payload.text("pspRef"),
        word=word[:100],
        amount=amount,
        at=payload.at("settlementTime"),
        is_settled=word == "Settled" and amount >= 0,
        ref=payload.optional_text("transactionId"),
        receipt_id=payload.optional_text("receiptId") or "",
        receipt_url=payload.optional_text("receiptUrl") or "",
    )


def _event_reply(answer: StartAnswer | Noted, asked: Mapping[str, Any]) -> Fields:
    limits = answer.limits
    reply = ocpp201.DIALECT.repliers["TransactionEvent"](answer, asked)
    if limits is None:
        return reply
    limit = present(
        maxCost=None if limits.cost is None else float(limits.cost),
        maxEnergy=limits.energy_wh,
        maxTime=limits.duration_s,
        maxSoC=limits.soc_percent,
    )
    return reply | {"transactionLimit": limit}


DIALECT = replace(
    ocpp201.DIALECT,
    subprotocol="ocpp2.1",
    schemas="v21",
    decoders={
        **ocpp201.DIALECT.decoders,
        "BatterySwap": news(Topic.BATTERY_SWAP, "eventType"),
        "ClosePeriodicEventStream": news(Topic.EVENT_STREAM),
        # The schemas of 2.1: exiRequest 11000, exiResponse 17000, ocspResult 18000.
        "Get15118EVCertificate": contract_asked(11_000, 17_000),
        "GetCertificateChainStatus": chain_status_asked,
        "GetCertificateStatus": status_asked(18_000),
        "NotifyDERAlarm": news(Topic.GRID, "controlType"),
        "NotifyDERStartStop": news(Topic.GRID),
        "NotifyPeriodicEventStream": news(Topic.EVENT_STREAM),
        "NotifyPriorityCharging": news(Topic.PRIORITY),
        "NotifySettlement": _settlement,
        "OpenPeriodicEventStream": requested(Need.EVENT_STREAM),
        "PullDynamicScheduleUpdate": requested(Need.CHARGING_SCHEDULE),
        "TransactionEvent": _transaction_event,
        "ReportDERControl": report(ReportKind.GRID_CONTROLS),
        "VatNumberValidation": requested(Need.TAX_NUMBER_CHECK, "vatNumber"),
    },
    repliers={
        **ocpp201.DIALECT.repliers,
        "GetCertificateChainStatus": chain_status_reply,
        "NotifyEVChargingNeeds": grants("Processing", "NoChargingProfile"),
        "OpenPeriodicEventStream": grants("Accepted", "Rejected"),
        "PullDynamicScheduleUpdate": grants("Accepted", "Rejected"),
        "TransactionEvent": _event_reply,
        "VatNumberValidation": _tax_number,
    },
    silent=frozenset({"NotifyPeriodicEventStream"}),
    tells_cost_in_answers=True,
)
