"""Classes of data as the standard library makes them, at a tenth of what they cost a process that starts.

`dataclasses` writes six functions for a frozen class as text and compiles each: 0.4 ms of every cold start for a class
that perhaps nobody uses. Here only the initialiser is written, when it is first asked for. What such a class is and
does is the standard's own: its fields, slots and order of arguments come from there, and all of a class that is not
frozen, has an order or inherits from another.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, FrozenInstanceError, field, replace
from functools import partial
from operator import attrgetter
from reprlib import recursive_repr
from types import MethodType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    # What knows the types of a class of data knows it by this name.
    from dataclasses import dataclass
else:

    def dataclass(cls: Any = None, /, *, frozen: bool = False, **how: bool) -> Any:
        """Make `cls` a class of data; as `dataclasses.dataclass` is called."""
        is_ours = frozen and how.keys() <= _DECLARED
        make = partial(_frozen, how=how) if is_ours else dataclasses.dataclass(frozen=frozen, **how)
        return make if cls is None else make(cls)


__all__ = ["dataclass", "field", "replace"]

_Field = dataclasses.Field[Any]
_DECLARED = frozenset({"slots", "kw_only"})
_SET = object.__setattr__


class _Factory:
    """Stands in a signature for what is made anew for each."""

    def __repr__(self) -> str:
        return "<factory>"


_NEW = _Factory()


def _frozen(plain: type[Any], how: Mapping[str, bool]) -> type[Any]:
    if any(map(dataclasses.is_dataclass, plain.__mro__[1:])):
        return dataclasses.dataclass(frozen=True, **how)(plain)
    # Fields, slots and what follows from them are worked out by the standard, which compiles nothing for that.
    cls: type[Any] = dataclasses.dataclass(init=False, repr=False, eq=False, **how)(plain)
    its = dataclasses.fields(cls)
    said: Any = cls.__dataclass_params__
    said.init = said.repr = said.eq = said.frozen = True
    ours = {
        "__setattr__": _setattr(cls, its),
        "__delattr__": _delattr(cls, its),
        "__repr__": _repr,
        "__eq__": _eq(_values(it.name for it in its if it.compare)),
        "__hash__": _hash(_values(it.name for it in its if (it.compare if it.hash is None else it.hash))),
        "__init__": _Initialiser(cls),
    }
    if how.get("slots"):
        ours |= {"__getstate__": _state, "__setstate__": _set_state}
    written = vars(cls)
    for name, function in ours.items():
        # What a class writes itself stays; Python notes that there is no hash where one writes __eq__.
        if name not in written or (name == "__hash__" and written[name] is None):
            setattr(cls, name, function)
    return cls


def _setattr(cls: type[Any], its: Iterable[_Field]) -> Callable[[Any, str, Any], None]:
    names = frozenset(it.name for it in its)

    def __setattr__(self: Any, name: str, value: Any) -> None:  # noqa: N807
        if type(self) is cls or name in names:
            raise FrozenInstanceError(f"cannot assign to field {name!r}")
        super(cls, self).__setattr__(name, value)

    return __setattr__


def _delattr(cls: type[Any], its: Iterable[_Field]) -> Callable[[Any, str], None]:
    names = frozenset(it.name for it in its)

    def __delattr__(self: Any, name: str) -> None:  # noqa: N807
        if type(self) is cls or name in names:
            raise FrozenInstanceError(f"cannot delete field {name!r}")
        super(cls, self).__delattr__(name)

    return __delattr__


@recursive_repr()
def _repr(self: Any) -> str:
    shown = ", ".join(f"{it.name}={getattr(self, it.name)!r}" for it in dataclasses.fields(self) if it.repr)
    return f"{type(self).__qualname__}({shown})"


def _values(names: Iterable[str]) -> Callable[[Any], tuple[Any, ...]]:
    those = tuple(names)
    if len(those) > 1:
        return attrgetter(*those)
    return lambda self: tuple(getattr(self, name) for name in those)


def _eq(values: Callable[[Any], tuple[Any, ...]]) -> Callable[[Any, object], bool]:
    def __eq__(self: Any, other: object) -> bool:  # noqa: N807
        return values(self) == values(other) if type(other) is type(self) else NotImplemented

    return __eq__


def _hash(values: Callable[[Any], tuple[Any, ...]]) -> Callable[[Any], int]:
    def __hash__(self: Any) -> int:  # noqa: N807
        return hash(values(self))

    return __hash__


def _state(self: Any) -> list[Any]:
    return [getattr(self, it.name) for it in dataclasses.fields(self)]


def _set_state(self: Any, state: list[Any]) -> None:
    for it, value in zip(dataclasses.fields(self), state, strict=True):
        _SET(self, it.name, value)


class _Initialiser:
    """Stands for the initialiser of a class until somebody asks for it, and is then replaced by it."""

    __slots__ = ("_cls",)

    def __init__(self, cls: type[Any]) -> None:
        self._cls = cls

    def __get__(self, instance: Any, _: type[Any] | None = None) -> Callable[..., None]:
        # Two threads may both write it: the one is as good as the other.
        self._cls.__init__ = init = _init(self._cls)
        return init if instance is None else MethodType(init, instance)


def _init(cls: type[Any]) -> Callable[..., None]:
    """The initialiser, written as a person would: what is hot must not look at fields for each instance."""
    its = dataclasses.fields(cls)
    known: dict[str, Any] = {"_set": _SET, "_new": _NEW}
    by_position, by_name = ["self"], list[str]()
    lines: list[str] = []
    for it in its:
        value = it.name
        if it.init:
            asked = it.name
            if it.default is not MISSING:
                known[f"_default_{it.name}"] = it.default
                asked += f"=_default_{it.name}"
            elif it.default_factory is not MISSING:
                asked += "=_new"
                value = f"_make_{it.name}() if {it.name} is _new else {it.name}"
            (by_name if it.kw_only else by_position).append(asked)
        elif it.default_factory is not MISSING:
            value = f"_make_{it.name}()"
        else:
            continue
        if it.default_factory is not MISSING:
            known[f"_make_{it.name}"] = it.default_factory
        lines.append(f"_set(self, {it.name!r}, {value})")
    if hasattr(cls, "__post_init__"):
        lines.append("self.__post_init__()")
    arguments = ", ".join([*by_position, *(["*", *by_name] if by_name else [])])
    text = (
        f"def make({', '.join(known)}):\n def __init__({arguments}):\n  {'; '.join(lines) or 'pass'}\n return __init__"
    )
    made: dict[str, Any] = {}
    exec(text, vars(sys.modules[cls.__module__]), made)  # noqa: S102  (fields' names, which Python has read before)
    init: Callable[..., None] = made["make"](**known)
    init.__annotations__ = {it.name: it.type for it in its if it.init} | {"return": None}
    return init
