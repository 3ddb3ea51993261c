"""What an operator reads of a charger, as the API gives it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from chalicelib.domain.chargers.events import ConnectorStatus, ReportKind, StopReason, Topic
from chalicelib.domain.charging.session import Reason, State
from chalicelib.domain.pricing.evidence import Flag
from chalicelib.handlers.chargers.models import RegisteredCharger
from chalicelib.handlers.http import examples
from chalicelib.handlers.http.fields import RequestBody, ResponseBody
from chalicelib.records.chargers import Direction


def _example(**values: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [values]})


class News(ResponseBody):
    """The latest that a charger said of a topic, in its own word."""

    topic: Topic
    word: str
    at: datetime


class ChargerDetail(RegisteredCharger):
    """A charger as its operator sees it."""

    model_config = RegisteredCharger.model_config | _example(
        **examples.REGISTERED["items"][0],
        serial="A-1001",
        list_version=0,
        traced_until=None,
        news=[{"topic": "firmware", "word": "Installed", "at": "2026-11-21T09:30:00Z"}],
    )
    serial: str | None
    list_version: int
    traced_until: datetime | None
    news: list[News]


class JournalEntry(ResponseBody):
    """A line of the journal; `payload` and `answer` are JSON texts, cut where they are long."""

    at: datetime
    direction: Direction
    what: str
    message_id: str
    payload: str
    answer: str
    result: str
    deviation: str | None


class JournalPage(ResponseBody):
    """Newest first; ask again with `cursor` for more."""

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


class TraceBody(RequestBody):
    """For how long to journal heartbeats and readings too; 0 ends it."""

    model_config = RequestBody.model_config | _example(minutes=30)
    minutes: Annotated[int, Field(ge=0, le=1440)]


class Trace(ResponseBody):
    """Until when."""

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
    """UK: the Public Charge Point Regulations 2023, reg. 7 (99 %). US: 23 CFR 680.116(b) (97 %)."""

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
    """In order of time."""

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
    """Message numbers that never came, both ends included."""

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
        token="04A1B2C3",  # noqa: S106 # a card
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


class OperatorSession(ResponseBody):
    """A session as the operator sees it; `flags` say why a person should look at it."""

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
    total_minor: int | None
    paid_minor: int | None
    currency: str


class OperatorSessionPage(ResponseBody):
    """Newest first; ask again with `cursor` for more."""

    model_config = ResponseBody.model_config | _example(items=[], next_cursor=None)
    items: list[OperatorSession]
    next_cursor: str | None
