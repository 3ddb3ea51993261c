"""Models of diagnostics: what an operator reads of a charger, as the API gives it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from chalicelib.domain.chargers.events import ConnectorStatus, ReportKind, StopReason, Topic
from chalicelib.handlers.chargers.models import RegisteredCharger
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
