"""Everything AWS would bill for is metered where it happens: calls with their items, invocations, messages, log lines.

Calls pass through one botocore method, invocations through the context each handler is given, messages through the
local gateway, log lines through the app's own handler.
"""

from __future__ import annotations

import contextlib
import io
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from botocore.client import BaseClient
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType

from benchmarks.calls import until_quiet
from benchmarks.units import OVERHEAD_BYTES, Index, Item, item_bytes, read_units, write_units
from chalicelib.adapters.tables import TABLES
from local.cloud import REGION
from local.context import LambdaContext
from local.gateway import Gateway
from local.rest import RestServer

MESSAGE_STEP_BYTES = 32 * 1024
# What CloudWatch Logs adds to every event it takes in.
LOG_EVENT_BYTES = 26
# A header's colon, space and line end; and what API Gateway adds to every answer (date, its ids, a trace's).
_HEADER_SIGNS, _GATEWAYS_HEADERS = 4, 350
_WRITES = {"PutItem": "Item", "UpdateItem": "Key", "DeleteItem": "Key"}


@dataclass
class Usage:
    """What was used. Units and bytes are by table; `messages` are in steps of 32 KB, both ways.

    `sent_bytes` go to chargers, `answer_bytes` are what the HTTP API answers, headers among them.
    """

    calls: Counter[str] = field(default_factory=Counter)
    reads: Counter[str] = field(default_factory=Counter)
    writes: Counter[str] = field(default_factory=Counter)
    stored_bytes: Counter[str] = field(default_factory=Counter)
    invocations: Counter[str] = field(default_factory=Counter)
    messages: int = 0
    sent_bytes: int = 0
    answer_bytes: int = 0
    log_bytes: int = 0


class Meter:
    """What was used since the last `take`, which waits for what `is_under_way`, too."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.usage = Usage()
        self.changed_at = time.monotonic()
        self.is_under_way: Callable[[], bool] = lambda: False
        self._thread = threading.local()

    @property
    def is_aside(self) -> bool:
        """Whether what this thread calls is not counted."""
        return getattr(self._thread, "is_aside", False)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Look at what there is without counting."""
        self._thread.is_aside = True
        try:
            yield
        finally:
            self._thread.is_aside = False

    @contextmanager
    def noting(self) -> Iterator[Usage]:
        """Hold the usage to add to it."""
        with self.lock:
            yield self.usage
            self.changed_at = time.monotonic()

    def settle(self, quiet_s: float) -> None:
        """Wait until nothing has happened for so long."""
        until_quiet(quiet_s, lambda: self.changed_at, self.is_under_way)

    def take(self, quiet_s: float = 0.25) -> Usage:
        """Wait until nothing has happened for `quiet_s`, then return what was used and begin anew."""
        self.settle(quiet_s)
        with self.lock:
            taken, self.usage = self.usage, Usage()
        return taken


@contextmanager
def metered() -> Iterator[Meter]:
    """Meter this process while inside."""
    meter = Meter()
    with (
        _calls(meter),
        _invocations(meter),
        _messages(meter),
        _answers(meter),
        _logs(meter),
    ):
        yield meter


@contextmanager
def metered_calls() -> Iterator[Meter]:
    """Meter calls alone, whoever makes them."""
    meter = Meter()
    with _calls(meter):
        yield meter


@contextmanager
def _replaced(owner: Any, name: str, by: Any) -> Iterator[None]:
    original = getattr(owner, name)
    setattr(owner, name, by(original))
    try:
        yield
    finally:
        setattr(owner, name, original)


def _calls(meter: Meter) -> contextlib.AbstractContextManager[None]:
    def wrap(original: Any) -> Any:
        def make_api_call(client: Any, operation: str, params: dict[str, Any]) -> Any:
            if meter.is_aside:
                return original(client, operation, params)
            service = client.meta.service_model.service_name
            with meter.noting() as usage:
                usage.calls[f"{service}.{operation}"] += 1
            if service != "dynamodb":
                return original(client, operation, params)
            if touched := _touched(operation, params):
                factor = 2 if operation == "TransactWriteItems" else 1
                return _written(meter, touched, factor, lambda: original(client, operation, params))
            answer = original(client, operation, params)
            _read(meter, operation, params, answer)
            return answer

        return make_api_call

    return _replaced(BaseClient, "_make_api_call", wrap)


def _touched(operation: str, params: Mapping[str, Any]) -> list[tuple[str, Item]]:
    """The items that a call writes: their tables, and something that holds their keys."""
    if operation in _WRITES:
        return [(params["TableName"], params[_WRITES[operation]])]
    if operation == "BatchWriteItem":
        asked = [(table, it) for table, requests in params["RequestItems"].items() for it in requests]
        return [
            (table, it["PutRequest"]["Item"] if "PutRequest" in it else it["DeleteRequest"]["Key"])
            for table, it in asked
        ]
    if operation == "TransactWriteItems":
        actions = [action for item in params["TransactItems"] for action in item.values()]
        return [(action["TableName"], action.get("Item") or action["Key"]) for action in actions]
    return []


def _written(meter: Meter, touched: list[tuple[str, Item]], factor: int, act: Callable[[], Any]) -> Any:
    """A write is billed by the larger of the two images; one whose condition fails, by the image that is there."""
    images = [(table, named, _image(table, named)) for table, named in touched]
    try:
        answer = act()
    except Exception:
        with meter.noting() as usage:
            for table, _, before in images:
                usage.writes[table] += factor * write_units(before, before)
        raise
    for table, named, before in images:
        after, indexes = _image(table, named), _indexes(table)
        in_indexes = write_units(before, after, indexes) - write_units(before, after)
        with meter.noting() as usage:
            usage.writes[table] += factor * write_units(before, after) + in_indexes
            usage.stored_bytes[table] += _stored(after, table) - _stored(before, table)
    return answer


def _read(meter: Meter, operation: str, params: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
    match operation:
        case "GetItem":
            sizes = [item_bytes(answer["Item"])] if "Item" in answer else []
            units = read_units(sizes, consistent=params.get("ConsistentRead", False), together=False)
            noted = {params["TableName"]: units}
        case "Query":
            sizes = [item_bytes(it) for it in answer["Items"]]
            units = read_units(sizes, consistent=params.get("ConsistentRead", False), together=True)
            noted = {params["TableName"]: units}
        case "BatchGetItem":
            noted = {
                table: read_units(
                    [item_bytes(it) for it in answer["Responses"].get(table, ())],
                    consistent=asked.get("ConsistentRead", False),
                    together=False,
                )
                for table, asked in params["RequestItems"].items()
            }
        case "Scan":
            sizes = [item_bytes(it) for it in answer["Items"]]
            noted = {params["TableName"]: read_units(sizes, consistent=False, together=True)}
        case "DescribeTable" | "CreateTable" | "UpdateTimeToLive":
            return
        case _:
            raise NotImplementedError(f"what {operation} costs is not known here yet")
    with meter.noting() as usage:
        for table, units in noted.items():
            usage.reads[table] += units  # type: ignore[assignment]  # halves


def _image(table_name: str, named: Item) -> Item | None:
    """The item as it is stored now, read past the API."""
    table = dynamodb_backends[DEFAULT_ACCOUNT_ID][REGION].get_table(table_name)
    sort_key = table.range_key_attr
    found = table.get_item(
        DynamoType(dict(named[table.hash_key_attr])),
        DynamoType(dict(named[sort_key])) if sort_key is not None else None,
    )
    return dict(found.to_json()["Attributes"]) if found is not None else None


def _indexes(table_name: str) -> list[Index]:
    for model in TABLES:
        if model.Meta.table_name == table_name:
            schema: dict[str, Any] = dict(model._get_schema())
            own = [key["AttributeName"] for key in schema["key_schema"]]
            return [_index(it, own) for it in schema.get("global_secondary_indexes") or ()]
    return []


def _index(described: Mapping[str, Any], own_keys: list[str]) -> Index:
    keys = tuple(key["AttributeName"] for key in described["key_schema"])
    everything = described["projection"]["ProjectionType"] == "ALL"
    kept = None if everything else frozenset((*keys, *own_keys, *described["projection"].get("NonKeyAttributes", ())))
    return Index(described["index_name"], keys, kept)


def _stored(item: Item | None, table: str) -> int:
    """Bytes on disk, in the table and in its indexes."""
    entries = [item, *(index.entry(item) for index in _indexes(table))]
    return sum(item_bytes(it) + OVERHEAD_BYTES for it in entries if it is not None)


def _invocations(meter: Meter) -> contextlib.AbstractContextManager[None]:
    def wrap(original: Any) -> Any:
        def begin(context: LambdaContext, function_name: str, timeout_s: float) -> None:
            with meter.noting() as usage:
                usage.invocations[function_name] += 1
            original(context, function_name, timeout_s)

        return begin

    return _replaced(LambdaContext, "__init__", wrap)


@contextmanager
def _messages(meter: Meter) -> Iterator[None]:
    def counting(size_bytes: int, *, is_sent: bool) -> None:
        with meter.noting() as usage:
            usage.messages += ceil(size_bytes / MESSAGE_STEP_BYTES)
            usage.sent_bytes += size_bytes if is_sent else 0

    def wrap_in(original: Any) -> Any:
        async def message(gateway: Gateway, socket: Any, said: str | bytes) -> None:
            counting(len(said.encode() if isinstance(said, str) else said), is_sent=False)
            await original(gateway, socket, said)

        return message

    def wrap_out(original: Any) -> Any:
        async def send(gateway: Gateway, socket: Any, text: str) -> None:
            counting(len(text.encode()), is_sent=True)
            await original(gateway, socket, text)

        return send

    with _replaced(Gateway, "_message", wrap_in), _replaced(Gateway, "_send", wrap_out):
        yield


def _answers(meter: Meter) -> contextlib.AbstractContextManager[None]:
    def wrap(original: Any) -> Any:
        def call_view(server: RestServer, *request: Any) -> Any:
            answer = original(server, *request)
            headers = sum(len(name) + len(value) + _HEADER_SIGNS for name, value in answer.headers.items())
            with meter.noting() as usage:
                usage.answer_bytes += len(answer.body or b"") + headers + _GATEWAYS_HEADERS
            return answer

        return call_view

    return _replaced(RestServer, "_call_view", wrap)


@contextmanager
def _logs(meter: Meter) -> Iterator[None]:
    """Log lines, and metrics, which are log lines too."""

    class Counting(io.StringIO):
        def write(self, text: str) -> int:
            with meter.noting() as usage:
                usage.log_bytes += sum(len(line.encode()) + LOG_EVENT_BYTES for line in text.splitlines() if line)
            return len(text)

    # It reads its level from the environment when it is imported, which whoever measures has set by now.
    from chalicelib.handlers.http.observability import logger  # noqa: PLC0415

    counting = Counting()
    (handler,) = logger.handlers
    before = handler.setStream(counting)  # type: ignore[attr-defined]
    try:
        with contextlib.redirect_stdout(counting):
            yield
    finally:
        handler.setStream(before)  # type: ignore[attr-defined]


def plain(kinds: dict[str, Usage]) -> dict[str, Any]:
    """As JSON, tables without their prefix, what is nought left out."""
    return {kind: _usage(usage) for kind, usage in kinds.items()}


def _usage(usage: Usage) -> dict[str, Any]:
    calls = Counter(usage.calls)
    plain: dict[str, Any] = {
        "transitions": calls.pop("transitions", 0),
        "calls": dict(calls),
        "invocations": dict(usage.invocations),
        "messages": usage.messages,
        "sent_bytes": usage.sent_bytes,
        "answer_bytes": usage.answer_bytes,
        "log_bytes": usage.log_bytes,
        **{
            name: {table.removeprefix("kerb-"): amount for table, amount in by_table.items() if amount}
            for name, by_table in (
                ("read_units", usage.reads),
                ("write_units", usage.writes),
                ("stored_bytes", usage.stored_bytes),
            )
        },
    }
    return {name: value for name, value in plain.items() if value}
