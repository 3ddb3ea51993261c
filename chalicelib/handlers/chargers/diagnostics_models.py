"""Models of diagnostics: what an operator reads of a charger, as the API gives it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from chalicelib.domain.chargers.events import ConnectorStatus, ReportKind, StopReason, Topic
from chalicelib.domain.charging.session import Reason, State
from chalicelib.domain.pricing.evidence import Flag
from chalicelib.handlers.chargers.models import CorrectionView, RegisteredCharger
from chalicelib.handlers.chargers.setup_models import SetupView
from chalicelib.handlers.http import examples
from chalicelib.handlers.http.fields import RequestBody, ResponseBody
from chalicelib.records.chargers import Direction, KnockReason


def _example(**values: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [values]})


class News(ResponseBody):
    """The latest that a charger said of a topic, in its own word."""

    topic: Topic
    word: str
    at: datetime


class MainMeterView(ResponseBody):
    """The station's own meter as last told, each value with the time it is of; phases are L1, L2, L3."""

    energy_wh: int | None
    energy_at: datetime | None
    power_w: int | None
    power_at: datetime | None
    current_ma: int | None
    phase_currents_ma: list[int | None] | None
    current_at: datetime | None


class ChargerDetail(RegisteredCharger):
    """A charger as its operator sees it."""

    model_config = RegisteredCharger.model_config | _example(
        **examples.REGISTERED["items"][0],
        serial="A-1001",
        list_version=0,
        traced_until=None,
        news=[{"topic": "firmware", "word": "Installed", "at": "2026-11-21T09:30:00Z"}],
        main_meter=None,
        setup={
            "state": "settled",
            "metering": "full",
            "is_current": True,
            "begun_at": "2026-11-21T09:30:00Z",
            "settled_at": "2026-11-21T09:30:04Z",
            "messages": 1,
            "settings": [
                {
                    "name": "MeterValueSampleInterval",
                    "aspect": "reading_interval_s",
                    "wanted": "60",
                    "said": "60",
                    "standing": "as_wanted",
                }
            ],
        },
    )
    serial: str | None
    list_version: int
    traced_until: datetime | None
    news: list[News]
    main_meter: MainMeterView | None
    setup: SetupView


class JournalEntry(ResponseBody):
    """A logged message; `payload` and `answer` are JSON texts, cut where they are long."""

    at: datetime
    direction: Direction
    what: str
    message_id: str
    payload: str
    answer: str
    result: str
    deviation: str | None


class JournalPage(ResponseBody):
    """A page of the message log, newest first; ask again with `cursor` for more."""

    model_config = ResponseBody.model_config | _example(
        items=[
            {
                "at": "2026-11-21T09:30:00Z",
                "direction": "in",
                "what": "BootNotification",
                "message_id": "1",
                "payload": "{}",
                "answer": "{}",
                "result": "",
                "deviation": None,
            }
        ],
        next_cursor=None,
    )
    items: list[JournalEntry]
    next_cursor: str | None


class KnockView(ResponseBody):
    """Refused connections for one reason on one day. `charger_id` is null for a name nobody has registered.

    `name` is what the last of them called itself; nothing here was proven.
    """

    charger_id: str | None
    name: str
    reason: KnockReason
    why: str
    at: datetime
    first_at: datetime
    knocks: int


class KnockPage(ResponseBody):
    """A page of refused connections, the newest day first; ask again with `cursor` for more."""

    model_config = ResponseBody.model_config | _example(
        items=[
            {
                "charger_id": "CP-1",
                "name": "cp-1",
                "reason": "wrong_password",
                "why": "wrong password for charger 'CP-1'",
                "at": "2026-11-21T09:30:00Z",
                "first_at": "2026-11-21T08:00:00Z",
                "knocks": 12,
            }
        ],
        next_cursor=None,
    )
    items: list[KnockView]
    next_cursor: str | None


class TraceBody(RequestBody):
    """How long to log heartbeats and readings too, in minutes; 0 ends it."""

    model_config = RequestBody.model_config | _example(minutes=30)
    minutes: Annotated[int, Field(ge=0, le=1440)]


class Trace(ResponseBody):
    """Until when heartbeats and readings are logged too."""

    model_config = ResponseBody.model_config | _example(traced_until="2026-11-21T10:00:00Z")
    traced_until: datetime


class ConnectorUptime(ResponseBody):
    """A connector's time in minutes by condition, and what UK and US law make of it.

    What was before its charger was first heard of is unknown, and not measured.
    """

    connector: str
    measured_min: int
    offline_min: int
    not_working_min: int
    unknown_min: int
    uk_percent: float | None
    us_percent: float | None


class UptimeReport(ResponseBody):
    """Uptime by law. UK: the Public Charge Point Regulations 2023, reg. 7 (99 %). US: 23 CFR 680.116(b) (97 %)."""

    model_config = ResponseBody.model_config | _example(
        since="2026-10-21T00:00:00Z",
        until="2026-11-21T00:00:00Z",
        excluded_min=0,
        connectors=[
            {
                "connector": "1",
                "measured_min": 44640,
                "offline_min": 12,
                "not_working_min": 0,
                "unknown_min": 0,
                "uk_percent": 100.0,
                "us_percent": 99.973,
            }
        ],
    )
    since: datetime
    until: datetime
    excluded_min: int
    connectors: list[ConnectorUptime]


class HistoryEvent(ResponseBody):
    """The line came up or went down, or a connector (none: the whole charger) became something else."""

    at: datetime
    kind: Literal["line", "status"]
    online: bool | None
    connector: str | None
    status: ConnectorStatus | None


class HistoryView(ResponseBody):
    """A charger's history, in order of time."""

    model_config = ResponseBody.model_config | _example(items=[])
    items: list[HistoryEvent]


class ReportView(ResponseBody):
    """A report as far as it has come; each part in the words of the charger's OCPP version."""

    model_config = ResponseBody.model_config | _example(kind="device_model", request_id=1, is_complete=True, parts=[{}])
    kind: ReportKind
    request_id: int
    is_complete: bool
    parts: list[dict[str, Any]]


class Gap(ResponseBody):
    """A gap in a transaction's messages: numbers that never came, both ends included."""

    first: int
    last: int


class TransactionView(ResponseBody):
    """A transaction as its charger told it; `..._heard_at` is when we heard it.

    `token` began it and `stop_token` ended it; `stop_word` is the charger's own word for why it ended.
    """

    model_config = ResponseBody.model_config | _example(
        ref="1",
        connector="1",
        session_id=None,
        started_at=None,
        started_heard_at=None,
        stopped_at=None,
        stopped_heard_at=None,
        meter_start_wh=0,
        meter_stop_wh=1000,
        stop_reason="local",
        stop_word="Local",
        token="04A1B2C3",  # an RFID token
        stop_token=None,
        numbered_messages=3,
        missing_messages=[],
    )
    ref: str
    connector: str | None
    session_id: str | None
    started_at: datetime | None
    started_heard_at: datetime | None
    stopped_at: datetime | None
    stopped_heard_at: datetime | None
    meter_start_wh: int | None
    meter_stop_wh: int | None
    stop_reason: StopReason | None
    stop_word: str | None
    token: str | None
    stop_token: str | None
    numbered_messages: int
    missing_messages: list[Gap]


class LateEndView(ResponseBody):
    """A charger's own word for an end that was billed already."""

    at: datetime
    meter_stop_wh: int | None


class HandSettlementBody(RequestBody):
    """Why an operator ends a session by hand; it is kept with the session, and with it who did so."""

    model_config = RequestBody.model_config | _example(reason="the charger burnt down")
    reason: Annotated[str, Field(min_length=1, max_length=500)]


class OperatorSession(ResponseBody):
    """A session as the operator sees it; `flags` say why a person should look at it.

    `needs_review`: its meter's word cannot be believed, and nothing is billed until somebody says what it delivered
    (`POST .../energy`), or `review_until`, when `energy_wh`, which is proven, is billed.
    """

    model_config = ResponseBody.model_config | _example(
        session_id="KQ3V5ZJ7NAX2M4D6B8CE",
        state="stopping",
        reason="charger_lost",
        flags=["end_unknown"],
        charger_id="DEMO-16",
        connector="1",
        ref="1711463018",
        created_at="2026-11-21T09:30:00Z",
        started_at="2026-11-21T09:30:05Z",
        stopped_at="2026-11-21T10:02:00Z",
        meter_start_wh=121_600,
        meter_stop_wh=129_600,
        energy_wh=8000,
        needs_review=False,
        review_until=None,
        decided_wh=None,
        charging_s=1500,
        suspended_by_car_s=0,
        suspended_by_station_s=415,
        unplugged_at="2026-11-21T10:04:00Z",
        plugged_in_after_s=120,
        total_minor=None,
        paid_minor=None,
        due_minor=0,
        waived_minor=0,
        written_off_minor=0,
        corrections=[],
        currency="EUR",
        late_end=None,
        is_end_inferred=True,
        ended_by="driver-7",
        ended_because="the charger burnt down",
    )
    session_id: str
    state: State
    reason: Reason | None
    flags: list[Flag]
    charger_id: str
    connector: str
    ref: str | None
    created_at: datetime
    started_at: datetime | None
    stopped_at: datetime | None
    meter_start_wh: int | None
    meter_stop_wh: int | None
    energy_wh: int | None
    needs_review: bool
    review_until: datetime | None
    decided_wh: int | None
    charging_s: int | None
    suspended_by_car_s: int | None
    suspended_by_station_s: int | None
    unplugged_at: datetime | None = Field(description="since then its connector is free of its car")
    plugged_in_after_s: int | None
    total_minor: int | None
    paid_minor: int | None
    due_minor: int = Field(description="asked of its driver and not paid")
    waived_minor: int = Field(description="what of the bill corrections took away unpaid")
    written_off_minor: int = Field(description="too little for a card to be charged")
    corrections: list[CorrectionView]
    currency: str
    is_end_inferred: bool = Field(description="the charger itself has not told when it ended")
    ended_by: str | None = Field(description="who ended it by hand")
    ended_because: str | None = Field(description="their reason")
    late_end: LateEndView | None = Field(description="the charger's own end, told after the bill")


class SignedValueView(ResponseBody):
    """What a meter signed: the sampled value as it came, in the words of its charger's OCPP version."""

    at: datetime
    context: str
    sample: dict[str, Any]


class SignedValuePage(ResponseBody):
    """A page of signed meter values, in order of time; ask again with `cursor` for more."""

    model_config = ResponseBody.model_config | _example(
        items=[
            {
                "at": "2026-11-21T09:30:00Z",
                "context": "Transaction.Begin",
                "sample": {"value": "OCMF|{}|{}", "format": "SignedData", "context": "Transaction.Begin"},
            }
        ],
        next_cursor=None,
    )
    items: list[SignedValueView]
    next_cursor: str | None


class OperatorSessionPage(ResponseBody):
    """A page of the operator's sessions, newest first; ask again with `cursor` for more."""

    model_config = ResponseBody.model_config | _example(items=[], next_cursor=None)
    items: list[OperatorSession]
    next_cursor: str | None
