"""moto's DynamoDB without its detours: values, items and queries; and accounts that open soon.

It answers as it did: `tests/local/test_moto_tables.py` asks both. Detours were most of what a test of services costs.
"""

from __future__ import annotations

import base64
import copy
import threading
from collections import defaultdict
from decimal import Decimal
from functools import cache
from itertools import chain
from typing import Any

from moto.core import models as mocking
from moto.dynamodb import responses
from moto.dynamodb.exceptions import ItemSizeTooLarge
from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict
from moto.dynamodb.models.table import Table

from local.moto_originals import originals, replace

# What moto allows of 400 KB.
_LARGEST_ITEM = 405_000
_SETS = frozenset(["SS", "NS", "BS"])
# What a thread's query asks for, while it runs.
_query_of = threading.local()


@cache
def make_moto_measure_soon() -> None:
    """Let values be copied, compared and measured, and items be found, without detours. Once is enough."""
    replace(DynamoType, "__deepcopy__", lambda value, memo: _copied_value(value))
    replace(DynamoType, "__eq__", _is_equal)
    replace(DynamoType, "__ne__", lambda value, other: not _is_equal(value, other))
    replace(DynamoType, "cast_value", property(_cast_value))
    replace(DynamoType, "size", _size)
    replace(DynamoType, "to_regular_json", _to_regular_json)
    replace(LimitedSizeDict, "__setitem__", _set_within_limit)
    replace(Item, "__new__", staticmethod(lambda kind, *told, **more: object.__new__(kind)))
    replace(Item, "__init__", _begin_item)
    replace(Item, "__deepcopy__", lambda item, memo: _copied_item(item))
    replace(Item, "size", _size_of_item)
    replace(responses, "dynamo_to_dict", _to_dict)
    replace(Table, "query", _query)
    replace(Table, "all_items", _all_items)


@cache
def make_moto_begin_soon() -> None:
    """Let an account be opened with the addresses that were listed when one was first opened. Once is enough."""
    listed: dict[str, list[Any]] = {}
    enable: Any = mocking.MockAWS._enable_patching

    def enable_patching(mock: Any, reset: bool = True) -> None:
        registry: Any
        if not (listed and reset):
            enable(mock, reset)
            registry = mocking.responses_mock._registry
            if reset:
                listed.update({method: list(answers) for method, answers in registry._registered.items()})
            return
        mocking.botocore_stubber.enabled = True
        mock.reset()
        for answer in chain.from_iterable(listed.values()):
            answer.calls.reset()
        mocking.responses_mock.start()
        registry = mocking.responses_mock._registry
        registry._registered = defaultdict(list, {method: list(answers) for method, answers in listed.items()})

    replace(mocking.MockAWS, "_enable_patching", enable_patching)


# Values


def _is_equal(value: Any, other: Any) -> bool:
    if value.type != other.type:
        return False
    return bool(value.value == other.value if value.type == "S" else value.cast_value == other.cast_value)


def _cast_value(value: Any) -> Any:
    kind, held = value.type, value.value
    if kind == "S":
        return held
    if kind == "N":
        return Decimal(held)
    if kind in _SETS:
        return {DynamoType({kind[0]: it}).cast_value for it in held}
    if kind == "L":
        return [DynamoType(it).cast_value for it in held]
    if kind == "M":
        return {name: DynamoType(it).cast_value for name, it in held.items()}
    return None if kind == "NULL" else held


def _size(value: Any) -> int:
    kind, held = value.type, value.value
    if kind == "N":
        return len(str(held))
    if kind == "M":
        return sum(_bytes(name) + _size(it) for name, it in held.items())
    if kind == "L":
        return sum(_size(it) for it in held)
    if kind == "NS":
        return sum(len(str(it)) for it in held)
    if kind in _SETS:
        return sum(_bytes(it) for it in held)
    return 1 if isinstance(held, bool) else _bytes(held)


def _bytes(text: str | bytes) -> int:
    return len(text if isinstance(text, bytes) else text.encode())


def _copied_value(value: Any) -> Any:
    if type(value) is not DynamoType:
        return copy.deepcopy(value)
    made = DynamoType.__new__(DynamoType)
    kind, held = value.type, value.value
    made.type = kind
    if kind == "L":
        made.value = [_copied_value(it) for it in held]
    elif kind == "M":
        made.value = {name: _copied_value(it) for name, it in held.items()}
    else:
        made.value = list(held) if kind in _SETS else held
    return made


def _to_regular_json(value: Any) -> dict[str, Any]:
    kind, held = value.type, value.value
    if isinstance(held, dict):
        return {kind: {name: _as_regular_json(it) for name, it in held.items()}}
    if isinstance(held, list):
        return {kind: [_as_regular_json(it) for it in held]}
    if kind == "B" and isinstance(held, str):
        return {kind: base64.b64decode(held)}
    return {kind: held}


def _as_regular_json(value: Any) -> Any:
    return _to_regular_json(value) if type(value) is DynamoType else copy.deepcopy(value)


def _to_dict(value: Any) -> Any:
    kind = type(value)
    if kind is str:
        return value
    if kind is dict or kind is LimitedSizeDict:
        return {name: _to_dict(it) for name, it in value.items()}
    if kind is list:
        return [_to_dict(it) for it in value]
    if kind is DynamoType and value.type not in ("B", "BS"):
        return {value.type: _to_dict(value.value)}
    if kind is Item:
        return _to_dict(value.to_json())
    return originals[responses, "dynamo_to_dict"](value)


# Items


def _begin_item(item: Any, hash_key: Any, range_key: Any, attrs: dict[str, Any]) -> None:
    item.hash_key, item.range_key = hash_key, range_key
    held, size = LimitedSizeDict.__new__(LimitedSizeDict), 0
    for name, told in attrs.items():
        value = DynamoType(told)
        size += _bytes(name) + _size(value)
        if size > _LARGEST_ITEM:
            raise ItemSizeTooLarge
        dict.__setitem__(held, name, value)
    item.attrs = held


def _set_within_limit(held: Any, name: str, value: Any) -> None:
    size = _bytes(name) + _size_of(value)
    for there, it in held.items():
        size += _bytes(str(there)) + _size_of(it)
    if size > _LARGEST_ITEM:
        raise ItemSizeTooLarge
    dict.__setitem__(held, name, value)


def _size_of(value: Any) -> int:
    return _size(value) if type(value) is DynamoType else _bytes(str(value))


def _copied_item(item: Any) -> Any:
    made: Any = object.__new__(Item)
    made.hash_key = _copied_value(item.hash_key)
    made.range_key = _copied_value(item.range_key)
    attrs = LimitedSizeDict.__new__(LimitedSizeDict)
    for name, value in item.attrs.items():
        dict.__setitem__(attrs, name, _copied_value(value))
    made.attrs = attrs
    return made


def _size_of_item(item: Any) -> int:
    return sum(_bytes(name) + _size(value) for name, value in item.attrs.items())


# Queries


def _query(table: Any, hash_key: Any, *told: Any, **more: Any) -> Any:
    """As moto answers it, out of the items that have the key, and not out of the whole table in order."""
    is_of_index = any(it is not None for it in (*told[6:7], more.get("index_name")))
    conditions = more.get("hash_key_conditions")
    _query_of.asked = (hash_key, conditions) if conditions or not is_of_index else None
    _query_of.is_of_index = is_of_index
    try:
        return originals[Table, "query"](table, hash_key, *told, **more)
    finally:
        _query_of.asked = None


def _all_items(table: Any) -> list[Any]:
    all_items: Any = originals[Table, "all_items"]
    hash_key, conditions = getattr(_query_of, "asked", None) or (None, ())
    if hash_key is None:
        return list(all_items(table))
    if not _query_of.is_of_index:
        found = table.items.get(hash_key)
        return [] if found is None else list(found.values()) if table.range_key_attr else [found]
    items = [it for of_key in table.items.values() for it in (of_key.values() if table.range_key_attr else (of_key,))]
    for name, value in conditions:
        items = [it for it in items if it.attrs.get(name) is not None and it.attrs[name] == value]
    return sorted(items, key=lambda it: (it.hash_key, it.range_key) if it.range_key else it.hash_key)
