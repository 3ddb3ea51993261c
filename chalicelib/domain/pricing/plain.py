"""Tariffs and bills as plain JSON values, and back: for whoever checks a bill elsewhere, with nothing but Python.

What is read is what was written, and anything else is refused.
"""

from __future__ import annotations

import types
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

Value = TypeVar("Value")
_ISO = (datetime, date, time)


def plain(value: object) -> Any:  # noqa: PLR0911 (one for each kind)
    """Dataclasses become objects without what is as by default, decimals and times text, sets sorted lists."""
    if is_dataclass(value) and not isinstance(value, type):
        told = {it.name: getattr(value, it.name) for it in fields(value)}
        defaults = {it.name: it.default for it in fields(value)}
        return {name: plain(it) for name, it in told.items() if it != defaults[name]}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, _ISO):
        return value.isoformat()
    if isinstance(value, frozenset | set):
        return sorted(plain(it) for it in value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(it) for it in value]
    return value


def read(kind: type[Value], told: Any) -> Value:
    """The value of that kind. Raises ValueError: it is none."""
    try:
        return cast(Value, _read(kind, told))
    except (TypeError, KeyError, AttributeError, InvalidOperation) as error:
        raise ValueError(f"not a {kind.__name__}: {error}") from error


def _read(kind: Any, told: Any) -> Any:  # noqa: PLR0911 (one for each kind)
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        present = [it for it in get_args(kind) if it is not type(None)]
        return None if told is None else _read(present[0], told)
    if origin in (tuple, frozenset):
        return origin(_read(get_args(kind)[0], it) for it in told)
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        if unknown := told.keys() - hints.keys():
            raise ValueError(f"{kind} knows no {', '.join(sorted(unknown))}")
        return cast(Any, kind)(**{name: _read(hints[name], it) for name, it in told.items()})
    if issubclass(kind, Enum):
        return kind(told)
    if kind is Decimal:
        return Decimal(told)
    if kind in _ISO:
        return kind.fromisoformat(told)
    if type(told) is not kind:
        raise ValueError(f"{told!r} is no {kind.__name__}")
    return told
