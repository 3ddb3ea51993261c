"""What one frame costs the processor, against the `ocpp` library in the same run: ratios hold, milliseconds do not.

Ours is all that a socket's frame goes through but the store: read, validated, understood, taken in by the services,
answered, written. Theirs is `unpack` and `validate_payload` alone.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from ocpp import messages
from rich.table import Table

from chalicelib.domain.chargers.events import ConnectorId, Reading, SignedValue
from chalicelib.records.chargers import Connection, ConnectorState
from chalicelib.records.charging import Transaction
from chalicelib.services.ocpp.conversation import Conversation
from chalicelib.wiring import Network

_T = "2026-11-21T08:00:00Z"
_ROUNDS = 7
_ROUND_S = 0.05
_MEASURANDS = (
    "Energy.Active.Import.Register Power.Active.Import SoC Voltage Current.Import Current.Offered Power.Offered "
    "Frequency Temperature Power.Factor"
).split()
# A frequency has no unit in 1.6; to leave it out is what every schema takes.
_UNITS_16 = dict(zip(_MEASURANDS, "Wh W Percent V A A W - Celsius Percent".split(), strict=True))


class _Nothing:
    """A store that takes everything and knows one charger and one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._transaction = Transaction(charger_id=connection.charger_id, ref="7", connector=ConnectorId(1))

    def connection(self, connection_id: str) -> Connection:
        return self._connection

    def get(self, charger_id: str, ref: str) -> Transaction:
        return self._transaction

    def append(self, charger_id: str, ref: str, readings: Sequence[Reading], seq_no: int | None) -> None:
        return None

    def keep(self, charger_id: str, ref: str, values: Sequence[SignedValue]) -> None:
        return None

    def of_charger(self, charger_id: str) -> Sequence[ConnectorState]:
        return ()

    def set_status(self, charger_id: str, state: ConnectorState) -> ConnectorState:
        return state

    def place(self, *_: Any) -> bool:
        return False

    def take(self, *_: Any) -> bool:
        return True

    def add(self, *_: Any) -> None:
        return None


def _clock() -> datetime:
    return datetime.now(UTC)


def conversation(protocol: str) -> Conversation:
    """The services of a socket, over stores that cost nothing."""
    store: Any = _Nothing(Connection(connection_id="c", charger_id="CP-1", operator_id="op", protocol=protocol))
    chargers = (
        "allowances",
        "chargers",
        "sockets",
        "connectors",
        "charger_news",
        "charger_passwords",
        "held_lists",
        "sites",
        "setups",
    )
    outside = ("calls", "message_log", "history", "reports", "places", "link", "workflow")
    kept = ("sessions", "transactions", "readings", "signed_values", "reservations", "outbox")
    people = ("tariffs", "tokens", "drivers", "operator_profiles")
    return Network({}, clock=_clock, **dict.fromkeys((*chargers, *outside, *kept, *people), store)).conversation


def samples(count: int, version: str) -> list[dict[str, Any]]:
    """So many meter values of ten samples each, in the words of that version."""
    if version == "1.6":
        values: Iterable[dict[str, Any]] = (
            {"value": str(index * 100), "measurand": name, "context": "Sample.Periodic"}
            | ({"unit": _UNITS_16[name]} if _UNITS_16[name] != "-" else {})
            for index, name in enumerate(_MEASURANDS)
        )
    else:
        values = (
            {"value": index * 100.5, "measurand": name, "context": "Sample.Periodic", "unitOfMeasure": {"unit": "Wh"}}
            for index, name in enumerate(_MEASURANDS[:8])
        )
    ten = [*values]
    while len(ten) < 10:
        ten.append(dict(ten[-1]))
    return [{"timestamp": _T, "sampledValue": ten} for _ in range(count)]


def frames(version: str) -> dict[str, tuple[str, dict[str, Any]]]:
    """What chargers say most, by what it is called here: the action and its payload."""
    if version == "1.6":
        status = {"connectorId": 1, "errorCode": "NoError", "status": "Charging", "timestamp": _T}
        where: dict[str, Any] = {"connectorId": 1, "transactionId": 7}
    else:
        status = {"timestamp": _T, "connectorStatus": "Occupied", "evseId": 1, "connectorId": 1}
        where = {"evseId": 1}
    frames: dict[str, tuple[str, dict[str, Any]]] = {
        "Heartbeat": ("Heartbeat", {}),
        "StatusNotification": ("StatusNotification", status),
        "MeterValues 1x10": ("MeterValues", {**where, "meterValue": samples(1, version)}),
        "MeterValues 20x10": ("MeterValues", {**where, "meterValue": samples(20, version)}),
    }
    if version != "1.6":
        event = {
            "eventType": "Updated",
            "timestamp": _T,
            "triggerReason": "MeterValuePeriodic",
            "seqNo": 3,
            "transactionInfo": {"transactionId": "0b1f5f6e", "chargingState": "Charging"},
            "evse": {"id": 1, "connectorId": 1},
            "meterValue": samples(1, version),
        }
        frames["TransactionEvent 1x10"] = ("TransactionEvent", event)
    return frames


def _fastest_s(round_s: Callable[[], tuple[float, int]]) -> float:
    """The fastest of several rounds: what the machine can do when nothing else disturbs it."""
    rounds = [spent / count for spent, count in (round_s() for _ in range(_ROUNDS))]
    return min(rounds)


def _ours_s(receive: Callable[[], object]) -> float:
    def round_s() -> tuple[float, int]:
        count, began = 0, time.perf_counter()
        while (spent := time.perf_counter() - began) < _ROUND_S:
            receive()
            count += 1
        return spent, count

    return _fastest_s(round_s)


def _theirs_s(text: str, version: str, loop: asyncio.AbstractEventLoop) -> float:
    async def round_s() -> tuple[float, int]:
        count, began = 0, time.perf_counter()
        while (spent := time.perf_counter() - began) < _ROUND_S:
            await messages.validate_payload(messages.unpack(text), version)
            count += 1
        return spent, count

    return _fastest_s(lambda: loop.run_until_complete(round_s()))


def ratios(versions: Sequence[str] = ("1.6", "2.0.1")) -> dict[tuple[str, str], tuple[float, float]]:
    """Seconds a frame, ours and theirs, by version and frame."""
    loop = asyncio.new_event_loop()
    found = {}
    for version in versions:
        ours = conversation(f"ocpp{version}")
        for name, (action, payload) in frames(version).items():
            text = json.dumps([2, "m-1", action, payload])
            answer = ours.receive("c", text)
            assert answer is not None
            assert answer.startswith("[3"), answer
            found[version, name] = (
                _ours_s(partial(ours.receive, "c", text)),
                _theirs_s(text, version, loop),
            )
    loop.close()
    return found


def table() -> Table:
    """The comparison, to print."""
    shown = Table(title="One frame: ours in full, against ocpp's unpack + validate_payload", title_justify="left")
    for column in ("version", "frame"):
        shown.add_column(column)
    for column in ("ours µs", "theirs µs", "times faster"):
        shown.add_column(column, justify="right")
    found = ratios()
    for (version, name), (ours_s, theirs_s) in found.items():
        shown.add_row(version, name, f"{ours_s * 1e6:.0f}", f"{theirs_s * 1e6:.0f}", f"{theirs_s / ours_s:.1f}")
    median = statistics.median(theirs / ours for ours, theirs in found.values())
    shown.caption = f"median {median:.0f} times faster"
    return shown
