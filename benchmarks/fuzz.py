"""No frame, however hostile, raises, loses a session or makes an endless item: strategies, and a long run of them.

Payloads come from the schemas of every action of every version, whole or with parts replaced by anything at all.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC
from functools import cache
from importlib.resources import files
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from chalicelib.protocol.ocpp import dialect_for
from chalicelib.protocol.ocpp.dialect import requests_of

PROTOCOLS = ("ocpp1.6", "ocpp2.0.1", "ocpp2.1")

_LETTERS = st.characters(exclude_categories=["Cs"])
_TEXT = st.text(_LETTERS, max_size=40)
_TIMES = st.datetimes(timezones=st.just(UTC)).map(lambda at: at.isoformat()) | st.just("2026-11-21T08:00:00Z")
_HOSTILE_NUMBERS = st.sampled_from([0, -1, 1_634_030_126, 2**31, 2**63, 10**30, -(10**18), 1e308, 0.1])
_HOSTILE_TEXTS = st.sampled_from(
    [
        "",
        " ",
        "NaN",
        "-1",
        "1e999",
        "1970-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "04A1B2C3",
        "x" * 5_000,
        "\x00",
        "¼",
    ]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | _TEXT
    | _HOSTILE_NUMBERS
    | _HOSTILE_TEXTS
)
ANYTHING: st.SearchStrategy[Any] = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3), max_leaves=6
)


def valid(schema: dict[str, Any], definitions: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values valid by what OCPP's schemas use of JSON Schema."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return st.deferred(lambda: valid(definitions[name], definitions))
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    kind = schema.get("type", "")
    return _KINDS[kind](schema, definitions) if kind in _KINDS else ANYTHING


def _object(schema: dict[str, Any], definitions: dict[str, Any]) -> st.SearchStrategy[Any]:
    known = {name: it for name, it in schema.get("properties", {}).items() if name != "customData"}
    needed = set(schema.get("required", ()))
    required = {name: valid(it, definitions) for name, it in known.items() if name in needed}
    optional = {name: valid(it, definitions) for name, it in known.items() if name not in needed}
    return st.fixed_dictionaries(required, optional=optional)


def _array(schema: dict[str, Any], definitions: dict[str, Any]) -> st.SearchStrategy[Any]:
    least = schema.get("minItems", 0)
    most = min(schema.get("maxItems", least + 2), least + 2)
    return st.lists(valid(schema.get("items", {}), definitions), min_size=least, max_size=most)


def _string(schema: dict[str, Any], _: dict[str, Any]) -> st.SearchStrategy[Any]:
    if schema.get("format") == "date-time":
        return _TIMES
    longest = min(schema.get("maxLength", 50), 50)
    return st.text(_LETTERS, min_size=schema.get("minLength", 0), max_size=longest)


def _number(schema: dict[str, Any], _: dict[str, Any]) -> st.SearchStrategy[Any]:
    return st.floats(schema.get("minimum", -1e6), schema.get("maximum", 1e6)) | st.integers(0, 10_000)


_KINDS: dict[str, Callable[[dict[str, Any], dict[str, Any]], st.SearchStrategy[Any]]] = {
    "object": _object,
    "array": _array,
    "string": _string,
    "integer": lambda it, _: st.integers(it.get("minimum", -(2**31)), it.get("maximum", 2**31)),
    "number": _number,
    "boolean": lambda *_: st.booleans(),
}


def _of(version: str, name: str) -> st.SearchStrategy[Any]:
    schema = json.loads((files("ocpp") / version / "schemas" / f"{name}.json").read_text("utf-8-sig"))
    return valid(schema, schema.get("definitions", {}))


@cache
def payloads(protocol: str, action: str) -> st.SearchStrategy[Any]:
    """Payloads valid by an action's schema."""
    dialect = dialect_for(protocol)
    ending = "" if action in dialect.silent else dialect.request
    return _of(dialect.schemas, action + ending)


@cache
def answers(protocol: str, action: str) -> st.SearchStrategy[Any]:
    """Payloads valid by the schema of what answers an action."""
    return _of(dialect_for(protocol).schemas, f"{action}Response")


def incoming(protocol: str) -> list[str]:
    """What a charger may send."""
    return sorted(dialect_for(protocol).decoders)


def outgoing(protocol: str) -> list[str]:
    """What a charger may be asked."""
    return sorted(dialect_for(protocol).asks())


@st.composite
def bent(draw: st.DrawFn, whole: st.SearchStrategy[Any]) -> Any:
    """Something valid of which one or two parts are missing, null, or something else altogether."""
    value = draw(whole)
    for _ in range(draw(st.integers(1, 2))):
        value = _bend(draw, value)
    return value


def _bend(draw: st.DrawFn, value: Any) -> Any:
    if isinstance(value, dict) and value and draw(st.integers(0, 4)):
        name = draw(st.sampled_from(sorted(value)))
        changed = dict(value)
        if draw(st.booleans()):
            changed[name] = _bend(draw, value[name])
        else:
            del changed[name]
        return changed
    if isinstance(value, list) and value and draw(st.integers(0, 4)):
        index = draw(st.integers(0, len(value) - 1))
        return [*value[:index], _bend(draw, value[index]), *value[index + 1 :]]
    return draw(ANYTHING)


@st.composite
def frames(draw: st.DrawFn, protocol: str) -> str:
    """A frame as a charger of `protocol` might send it, well or badly, or text that is none."""
    message_id = draw(st.sampled_from(["1", "2", "m-1", 7]) | _TEXT)
    kind = draw(st.integers(0, 9))
    if kind <= 4:
        action = draw(st.sampled_from(incoming(protocol)))
        return json.dumps([2, message_id, action, draw(bent(payloads(protocol, action)))])
    if kind == 5:
        action = draw(st.sampled_from(sorted(requests_of(dialect_for(protocol)))) | _TEXT)
        return json.dumps([draw(st.sampled_from([2, 6])), message_id, action, draw(ANYTHING)])
    if kind == 6:
        return json.dumps([3, message_id, draw(ANYTHING)])
    if kind == 7:
        return json.dumps([draw(st.sampled_from([4, 5])), message_id, draw(ANYTHING), draw(ANYTHING), {}])
    if kind == 8:
        return json.dumps(draw(ANYTHING))
    return draw(st.binary(max_size=60)).decode("utf-8", "replace")


def run_for(seconds: float, receive: Callable[[str, str], None]) -> int:
    """Send frames of every version until the time is over; returns how many. Raises what `receive` raises."""
    sent: list[int] = []
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for protocol in PROTOCOLS:
            _batch(protocol, receive, sent)
    return len(sent)


def _batch(protocol: str, receive: Callable[[str, str], None], sent: list[int]) -> None:
    @settings(
        max_examples=300,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(text=frames(protocol))
    def send(text: str) -> None:
        sent.append(len(text))
        receive(protocol, text)

    send()
