"""A fault report: what a driver found wrong at a charger, and what its operator answered."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.domain.data_classes import dataclass

# So many reports of one driver in a day are taken; more is somebody who floods operators.
MOST_A_DAY = 10
REMEMBERED_FOR = timedelta(days=1)


class FaultKind(StrEnum):
    """What is wrong there."""

    DOES_NOT_START = "does_not_start"
    DOES_NOT_STOP = "does_not_stop"
    CABLE_STUCK = "cable_stuck"
    DAMAGED = "damaged"
    PLACE_BLOCKED = "place_blocked"
    WRONG_PRICE = "wrong_price"
    FAKE_CODE = "fake_code"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultReport:
    """A report; it is open until its operator closes it, be it with an answer or without."""

    report_id: str
    operator_id: str
    driver_id: str
    charger_id: str
    connector: ConnectorId | None
    kind: FaultKind
    text: str
    created_at: datetime
    answer: str = ""
    answered_at: datetime | None = None
    closed_at: datetime | None = None
