"""Views of chargers for their operator: each thing has one, whichever route shows it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from chalicelib.domain.chargers.availability import Happening, LineChanged, Uptime
from chalicelib.domain.chargers.events import ConnectorId, NewsReceived, SignedValue
from chalicelib.domain.chargers.setup import Setup
from chalicelib.domain.charging.session import Correction, Session
from chalicelib.domain.pricing.currency import to_minor
from chalicelib.domain.pricing.tariff import Tariff
from chalicelib.handlers.chargers.diagnostics_models import (
    ChargerDetail,
    ConnectorUptime,
    Gap,
    HistoryEvent,
    JournalEntry,
    KnockView,
    MainMeterView,
    News,
    TransactionView,
    UptimeReport,
)
from chalicelib.handlers.chargers.models import (
    ChargerView,
    ConnectorView,
    CorrectionView,
    OpeningHoursBody,
    RegisteredCharger,
    SettlementView,
    SiteSummary,
)
from chalicelib.handlers.chargers.session_models import (
    LateEndView,
    OperatorSession,
    SignedValueView,
)
from chalicelib.handlers.chargers.setup_models import SettingView, SetupState, SetupView
from chalicelib.handlers.http.endpoint import Request
from chalicelib.handlers.pricing.views import prices
from chalicelib.handlers.transparency.signed_values import signed_energy
from chalicelib.records.chargers import Charger, ConnectorState, Knock, LoggedMessage, MainMeter, Plug, Site
from chalicelib.services.access import operators_own
from chalicelib.services.chargers.remote_control import TransactionReport
from chalicelib.wiring import network

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
        "password_from": it.password_from,
        "keeps_list": it.keeps_list,
        "connectors": [str(connector) for connector in it.connectors],
        "online": it.connection_id is not None,
        "protocol": it.protocol,
        "connected_at": it.connected_at,
        "vendor": it.vendor,
        "model": it.model,
        "firmware": it.firmware,
        "has_main_meter": it.has_main_meter,
        "has_card_terminal": it.has_card_terminal,
        "metering": it.metering,
    }


def detail(
    it: Charger, news: Sequence[tuple[NewsReceived, datetime]], main_meter: MainMeter | None, setup: SetupView
) -> ChargerDetail:
    """A charger as its operator sees it."""
    return ChargerDetail(
        **_registered(it),
        serial=it.serial,
        list_version=it.list_version,
        traced_until=it.traced_until,
        news=[News(topic=said.topic, word=said.word, at=at) for said, at in news],
        main_meter=_main_meter(main_meter) if main_meter else None,
        setup=setup,
    )


def setup(it: Charger, setup: Setup | None, profile: str) -> SetupView:
    """What a charger was set to, and what it said; `profile` is the version of the one in force."""
    state = SetupState.UNKNOWN
    if setup is not None:
        state = SetupState.UNDER_WAY if setup.is_under_way else SetupState.SETTLED
    return SetupView(
        state=state,
        metering=it.metering,
        is_current=it.setup_profile == profile,
        begun_at=setup.begun_at if setup else None,
        settled_at=setup.settled_at if setup else None,
        messages=setup.messages if setup else 0,
        settings=[
            SettingView(
                name=line.target.name,
                aspect=line.target.aspect,
                wanted=line.wanted,
                said=line.said,
                standing=line.standing,
            )
            for line in (setup.lines if setup else ())
        ],
    )


def _main_meter(it: MainMeter) -> MainMeterView:
    return MainMeterView(
        energy_wh=it.energy_wh,
        energy_at=it.energy_at,
        power_w=it.power_w,
        power_at=it.power_at,
        current_ma=it.current_ma,
        phase_currents_ma=list(it.phase_currents_ma) if it.phase_currents_ma else None,
        current_at=it.current_at,
    )


def signed_value(it: SignedValue) -> SignedValueView:
    """What a meter signed, to the letter."""
    return SignedValueView(at=it.at, context=it.context, sample=json.loads(it.sample))


def entry(it: LoggedMessage) -> JournalEntry:
    """A logged message as its operator reads it."""
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


def knock(it: Knock) -> KnockView:
    """A refused connection, and how often the same was refused that day."""
    return KnockView(
        charger_id=it.charger_id,
        name=it.name,
        reason=it.reason,
        why=it.why,
        at=it.at,
        first_at=it.first_at,
        knocks=it.knocks,
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


def transaction(it: TransactionReport) -> TransactionView:
    """A transaction as its charger told it."""
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


def correction(it: Correction) -> CorrectionView:
    """A correction of a bill, as the operator sees it."""
    return CorrectionView(
        total_minor=it.total_minor,
        by=it.by,
        at=it.at,
        note=it.note,
        waived_minor=it.waived_minor,
        is_settled=it.is_settled,
    )


def session(it: Session) -> OperatorSession:
    """A session as the operator sees it."""
    return OperatorSession(
        session_id=it.session_id,
        state=it.told_state,
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
        needs_review=it.needs_review,
        review_until=it.review_until,
        decided_wh=it.decided_wh,
        charging_s=it.occupation.charging_s if it.occupation else None,
        suspended_by_car_s=it.occupation.suspended_by_car_s if it.occupation else None,
        suspended_by_station_s=it.occupation.suspended_by_station_s if it.occupation else None,
        unplugged_at=it.unplugged_at,
        plugged_in_after_s=it.plugged_in_after_s,
        total_minor=it.bill.total_minor if it.bill else None,
        paid_minor=it.payment.amount_minor if it.payment else None,
        due_minor=it.due_minor if it.is_over else 0,
        waived_minor=it.waived_minor,
        written_off_minor=it.written_off_minor,
        corrections=[correction(each) for each in it.corrections],
        paid_at_terminal=_settlement(it),
        currency=it.tariff.currency,
        is_end_inferred=it.is_end_inferred,
        ended_by=it.by_hand.by if it.by_hand else None,
        ended_because=it.by_hand.note if it.by_hand else None,
        signed=signed_energy(it.signed),
        late_end=_late_end(it),
    )


def _late_end(it: Session) -> LateEndView | None:
    told = it.late_end
    if told is None:
        return None
    return LateEndView(at=told.at, meter_stop_wh=told.meter_stop_wh, signed_wh=told.signed_wh)


def _settlement(it: Session) -> SettlementView | None:
    told = it.settlement
    if told is None:
        return None
    return SettlementView(
        psp_ref=told.psp_ref,
        amount_minor=to_minor(told.amount, it.tariff.currency),
        at=told.at,
        receipt_id=told.receipt_id,
        receipt_url=told.receipt_url,
    )


def site_summary(it: Site) -> SiteSummary:
    """Where a charger is, and when one may come there."""
    hours = it.opening_hours
    return SiteSummary(
        site_id=it.site_id,
        name=it.name,
        address=it.address,
        latitude=it.latitude,
        longitude=it.longitude,
        time_zone=it.time_zone,
        opening_hours=OpeningHoursBody.model_validate(asdict(hours)) if hours else None,
        is_open=hours.is_open(it.time_zone, network().clock()) if hours else None,
    )


def charger(it: Charger, site: Site, tariff: Tariff, states: list[ConnectorState]) -> ChargerView:
    """A charger as anyone may see it."""
    plugs = {plug.connector: plug for plug in it.plugs}
    return ChargerView(
        charger_id=it.charger_id,
        operator_id=site.operator_id,
        site_id=site.site_id,
        site_name=site.name,
        address=site.address,
        site=site_summary(site),
        online=it.connection_id is not None,
        metering=it.metering,
        connectors=[
            ConnectorView(
                connector=str(state.connector),
                kind=plugs.get(state.connector, Plug(state.connector)).kind,
                max_power_w=plugs.get(state.connector, Plug(state.connector)).max_power_w,
                status=state.seen(network().clock()),
                status_at=state.status_at,
                error=state.error,
                in_use=state.session_id is not None,
            )
            for state in states
        ],
        prices=prices(tariff, site.time_zone, network().clock()),
    )


def session_before(request: Request) -> OperatorSession:
    """A session as it is, for the audit of what changes it. Raises NotFound."""
    session_id = request.path["session_id"]
    return session(operators_own(network().sessions.get(session_id), request.operator_id, f"session {session_id}"))
