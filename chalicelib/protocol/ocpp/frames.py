"""OCPP-J frames: a frame is one of four things, or an error that says why not. Nothing here knows what an action means.

OCPP-J 1.6 §4, OCPP 2.0.1 part 4 §4. Schemas are those that the `ocpp` library ships, compiled when first needed. Error
codes are 2.x's; `spelling` gives a version's own.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

import jsonschema_rs
import msgspec

from chalicelib.domain.data_classes import dataclass

_CALL, _CALL_RESULT, _CALL_ERROR, _CALL_RESULT_ERROR, _SEND = 2, 3, 4, 5, 6
_ANSWERS = (_CALL_RESULT, _CALL_ERROR, _CALL_RESULT_ERROR)
_LONGEST_ID = 255
# No payload of any version goes half as deep.
_DEEPEST = 32
_CONTAINERS = (dict, list)
_LONGEST_DESCRIPTION = 255
_UNREADABLE_ID = "-1"

# A text, ended or not, or a sign that may stand nowhere outside one: what a C program leaves behind a buffer's end,
# a byte order mark. Possessive, so that no text takes longer to read than it is long.
_TEXT_OR_NOISE = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufeff\ufffe]', re.DOTALL)
# Inside a text JSON wants them escaped; what is meant is plain all the same.
_ESCAPED = {code: f"\\u{code:04x}" for code in range(0x20)}
_NOISE = re.compile(r"[\x00-\x1f\x7f\ufeff\ufffe]")
# How a frame begins that is no JSON further on.
_BEGINNING = re.compile(r'\s*\[\s*([2-6])\s*,\s*"([^"\\\x00-\x1f]{1,255})"\s*[,\]]')

# What `ocpp`'s own validate_payload makes of JSON Schema's keywords, but for its ProtocolError where 2.x is exact.
_CODES = {
    "type": "TypeConstraintViolation",
    "additionalProperties": "FormatViolation",
    "required": "OccurrenceConstraintViolation",
    "minItems": "OccurrenceConstraintViolation",
    "maxItems": "OccurrenceConstraintViolation",
}
_ANY_OTHER_KEYWORD = "PropertyConstraintViolation"
# What a charger sent is not repeated: it may be a token, and these texts are logged.
_MASK = "the value"


# A text by the standard; some firmwares count instead, and expect their number back.
MessageId = str | int


class ProtocolError(Exception):
    """A frame that cannot be understood, and why; `message_id` None when not even that could be read."""

    def __init__(self, code: str, description: str, message_id: MessageId | None) -> None:
        super().__init__(f"{code}: {description}")
        self.code = code
        self.description = description
        self.message_id = message_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A CALL: a request; one that `is_silent` (OCPP 2.1's SEND) is not answered.

    `bent` is what was forgiven to read it.
    """

    message_id: MessageId
    action: str
    payload: dict[str, Any]
    is_silent: bool = False
    bent: str = ""


@dataclass(frozen=True, slots=True)
class CallResult:
    """A CALLRESULT: the answer to the CALL of that message id."""

    message_id: str
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class CallError:
    """A CALLERROR: an answer that says why there is none; `unread` is one that was no JSON, as it came."""

    message_id: str
    code: str
    description: str = ""
    unread: str = ""


@dataclass(frozen=True, slots=True)
class ResultError:
    """A CALLRESULTERROR (OCPP 2.1): our answer was not understood."""

    message_id: str
    code: str
    description: str = ""


Frame = Call | CallResult | CallError | ResultError


def parse(text: str | bytes) -> Frame:
    """Read one frame's text. Raises ProtocolError, with the code to answer it by."""
    try:
        frame, bent = msgspec.json.decode(text), ""
    except (ValueError, RecursionError):
        text = text if isinstance(text, str) else text.decode("utf-8", "replace")
        try:
            frame, bent = msgspec.json.decode(_mended(text)), "the frame held signs that JSON does not allow"
        except (ValueError, RecursionError):
            return _unreadable(text)
    # An answer is not answered, however it is misshapen: its command must hear that it failed.
    shortest = 2 if isinstance(frame, list) and frame and frame[0] in _ANSWERS else 3
    if not isinstance(frame, list) or len(frame) < shortest:
        raise ProtocolError("RpcFrameworkError", "the frame is not an array of three elements or more", None)
    kind, message_id, *rest = frame
    if not _is_message_id(message_id):
        raise ProtocolError("RpcFrameworkError", "the message id is not a text of 1 to 255 characters", None)
    # Counting brackets is much quicker than walking, and rules out depth for nearly every frame.
    if _brackets(text) > _DEEPEST and _is_too_deep(frame):
        raise ProtocolError("FormatViolation", f"the frame is nested deeper than {_DEEPEST} levels", message_id)
    if kind == _CALL:
        return _call(message_id, rest, bent, is_silent=False)
    if kind == _CALL_RESULT:
        return CallResult(str(message_id), rest[0] if rest and isinstance(rest[0], dict) else {})
    if kind == _SEND:
        return _call(message_id, rest, bent, is_silent=True)
    if kind in (_CALL_ERROR, _CALL_RESULT_ERROR):
        error = CallError if kind == _CALL_ERROR else ResultError
        code, description, *_ = (*(str(it)[:_LONGEST_ID] for it in rest[:2]), "", "")
        return error(str(message_id), code, description)
    raise ProtocolError("MessageTypeNotSupported", f"no message has type {str(kind)[:20]}", message_id)


def _mended(text: str) -> str:
    """JSON without what may not stand in it: noise between its parts goes, control characters in texts are escaped."""
    if not _NOISE.search(text):
        raise ValueError("nothing to mend")
    return _TEXT_OR_NOISE.sub(_mended_part, text)


def _mended_part(found: re.Match[str]) -> str:
    return found[0].translate(_ESCAPED) if found[0].startswith('"') else ""


def _unreadable(text: str) -> CallError:
    """An answer that is no JSON still ends the wait for it; whatever else is none is refused. Raises ProtocolError."""
    begun = _BEGINNING.match(text)
    kind, message_id = (int(begun[1]), begun[2]) if begun else (None, None)
    if kind in (_CALL_RESULT, _CALL_ERROR):
        return CallError(str(message_id), "FormatViolation", "the answer is not JSON", unread=text)
    raise ProtocolError("RpcFrameworkError", "the frame is not JSON", message_id if kind == _CALL else None)


def _is_message_id(value: object) -> bool:
    if isinstance(value, str):
        return 0 < len(value) <= _LONGEST_ID
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63


def _brackets(text: str | bytes) -> int:
    if isinstance(text, str):
        return text.count("[") + text.count("{")
    return text.count(b"[") + text.count(b"{")


def _is_too_deep(frame: list[Any]) -> bool:
    level: list[Any] = [frame]
    for _ in range(_DEEPEST):
        level = [
            child
            for outer in level
            for child in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(child, _CONTAINERS)
        ]
        if not level:
            return False
    return True


def _call(message_id: MessageId, rest: list[Any], bent: str, *, is_silent: bool) -> Call:
    action, *payload = rest
    if not isinstance(action, str):
        raise ProtocolError("FormatViolation", "the action is not a text", message_id)
    # Some firmwares leave an empty payload out, or send null.
    given = payload[0] if payload else None
    if given is not None and not isinstance(given, dict):
        given, bent = _object(given, message_id), "; ".join(filter(None, (bent, "the payload was no object")))
    return Call(message_id=message_id, action=action, payload=given or {}, is_silent=is_silent, bent=bent)


def _object(payload: object, message_id: MessageId) -> dict[str, Any]:
    """What is meant where an object belongs: some languages write an empty one as an empty list, or as no text."""
    if payload in ([], ""):
        return {}
    if isinstance(payload, list) and len(payload) == 1 and isinstance(payload[0], dict):
        return payload[0]
    raise ProtocolError("FormatViolation", "the payload is not an object", message_id)


def pack_call(message_id: str, action: str, payload: Mapping[str, Any]) -> str:
    """The text of a CALL: `[2, message id, action, payload]`."""
    return msgspec.json.encode([_CALL, message_id, action, payload]).decode()


def pack_result(message_id: MessageId, payload: Mapping[str, Any]) -> str:
    """The text of a CALLRESULT: `[3, message id, payload]`."""
    return msgspec.json.encode([_CALL_RESULT, message_id, payload]).decode()


def pack_error(error: ProtocolError, spelling: Mapping[str, str]) -> str:
    """A CALLERROR's text; OCPP 2.0.1 part 4 §4.2.3 gives "-1" for an id that could not be read."""
    code = spelling.get(error.code, error.code)
    description = error.description[:_LONGEST_DESCRIPTION]
    return msgspec.json.encode(
        [_CALL_ERROR, _UNREADABLE_ID if error.message_id is None else error.message_id, code, description, {}]
    ).decode()


@dataclass(frozen=True, slots=True)
class Violation:
    """The first thing a schema has against a payload."""

    code: str
    description: str


def schema_names(version: str) -> Collection[str]:
    """The schemas a version has."""
    return _schemas(version).keys()


@cache
def _schemas(version: str) -> Mapping[str, Traversable]:
    return {file.name.removesuffix(".json"): file for file in (files("ocpp") / version / "schemas").iterdir()}


@cache
def _validator(version: str, schema: str) -> jsonschema_rs.Validator:
    source = _schemas(version)[schema].read_text("utf-8-sig")
    return jsonschema_rs.validator_for(msgspec.json.decode(source), mask=_MASK)


def is_known(version: str, schema: str) -> bool:
    """Whether a version of OCPP has such a request at all."""
    return schema in _schemas(version) and not schema.endswith("Response")


def violation(version: str, schema: str, payload: Mapping[str, Any]) -> Violation | None:
    """What is wrong with a payload, if anything; KeyError for a schema the version does not have.

    Finding nothing wrong is the fast path.
    """
    validator = _validator(version, schema)
    if validator.is_valid(payload):
        return None
    error = next(validator.iter_errors(payload))
    path = ".".join(map(str, error.instance_path))
    # The last part of the way through the schema that is a keyword of JSON Schema names the rule that was broken.
    keyword = next((str(part) for part in reversed(list(error.schema_path)) if isinstance(part, str)), "")
    return Violation(_CODES.get(keyword, _ANY_OTHER_KEYWORD), f"{path}: {error.message}" if path else error.message)
