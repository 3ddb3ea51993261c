"""How chargers look to their operator: each thing has one view, whichever route shows it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from chalicelib.domain.chargers.availability import Happening, LineChanged, Uptime
from chalicelib.domain.chargers.events import ConnectorId, NewsReceived
from chalicelib.domain.charging.session import Session
from chalicelib.handlers.chargers.diagnostics_models import (
    ChargerDetail,
    ConnectorUptime,
    Gap,
    HistoryEvent,
    JournalEntry,
    News,
    OperatorSession,
    TransactionView,
    UptimeReport,
)
from chalicelib.handlers.chargers.models import RegisteredCharger
from chalicelib.records.chargers import Charger, LoggedMessage
from chalicelib.services.chargers.remote_control import Told

_MINUTE = timedelta(minutes=1)


def registered(it: Charger) -> RegisteredCharger:
    """A charger as its operator sees it in a list; never its password."""
    return RegisteredCharger(**_registered(it))


def _registered(it: Charger) -> dict[str, Any]:
    return {
        "charger_id": it.charger_id,
        "site_id": it.site_id,
        "admission": it.admission,
        "security_profile": it.security_profile,
        "keeps_list": it.keeps_list,
        "connectors": [str(connector) for connector in it.connectors],
        "online": it.connection_id is not None,
        "protocol": it.protocol,
        "connected_at": it.connected_at,
        "vendor": it.vendor,
        "model": it.model,
        "firmware": it.firmware,
    }


def detail(it: Charger, news: Sequence[tuple[NewsReceived, datetime]]) -> ChargerDetail:
    """A charger as its operator sees it."""
    return ChargerDetail(
        **_registered(it),
        serial=it.serial,
        list_version=it.list_version,
        traced_until=it.traced_until,
        news=[News(topic=said.topic, word=said.word, at=at) for said, at in news],
    )


def entry(it: LoggedMessage) -> JournalEntry:
    """A line of the journal."""
    return JournalEntry(
        at=it.at,
        direction=it.direction,
        what=it.what,
        message_id=it.message_id,
        payload=it.payload,
        answer=it.answer,
        result=it.result,
        deviation=it.deviation,
    )


def uptime(
    since: datetime, until: datetime, excluded: timedelta, found: Sequence[tuple[ConnectorId, Uptime]]
) -> UptimeReport:
    """Uptime in whole minutes, percentages with three decimals."""
    return UptimeReport(
        since=since,
        until=until,
        excluded_min=excluded // _MINUTE,
        connectors=[
            ConnectorUptime(
                connector=str(connector),
                measured_min=it.measured // _MINUTE,
                offline_min=it.offline // _MINUTE,
                not_working_min=it.not_working // _MINUTE,
                unknown_min=it.unknown // _MINUTE,
                uk_percent=_percent(it.uk_percent),
                us_percent=_percent(it.us_percent),
            )
            for connector, it in found
        ],
    )


def _percent(exact: Fraction | None) -> float | None:
    return None if exact is None else round(float(exact), 3)


def happening(it: Happening) -> HistoryEvent:
    """One line of the history."""
    if isinstance(it, LineChanged):
        return HistoryEvent(at=it.at, kind="line", online=it.online, connector=None, status=None)
    connector = str(it.connector) if it.connector else None
    return HistoryEvent(at=it.at, kind="status", online=None, connector=connector, status=it.status)


def transaction(it: Told) -> TransactionView:
    """A transaction as told."""
    facts = it.facts
    return TransactionView(
        ref=facts.ref,
        connector=str(facts.connector) if facts.connector else None,
        session_id=facts.session_id,
        started_at=facts.started_at,
        started_heard_at=facts.started_heard_at,
        stopped_at=facts.stopped_at,
        stopped_heard_at=facts.stopped_heard_at,
        meter_start_wh=facts.meter_start_wh,
        meter_stop_wh=facts.meter_stop_wh,
        stop_reason=facts.stop_reason,
        stop_word=facts.stop_word,
        token=facts.token,
        stop_token=facts.stop_token,
        numbered_messages=it.messages,
        missing_messages=[Gap(first=first, last=last) for first, last in it.missing],
    )


def session(it: Session) -> OperatorSession:
    """A session as the operator sees it."""
    return OperatorSession(
        session_id=it.session_id,
        state=it.state,
        reason=it.reason,
        flags=sorted(it.flags),
        charger_id=it.charger_id,
        connector=str(it.connector),
        ref=it.ref,
        created_at=it.created_at,
        started_at=it.started_at,
        stopped_at=it.stopped_at,
        meter_start_wh=it.meter_start_wh,
        meter_stop_wh=it.meter_stop_wh,
        energy_wh=it.energy_wh,
        total_minor=it.bill.total_minor if it.bill else None,
        paid_minor=it.payment.amount_minor if it.payment else None,
        currency=it.tariff.currency,
    )
