"""A class of data of ours is and does what the standard library's is and does."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
from collections.abc import Callable
from dataclasses import field
from typing import Any, ClassVar, get_type_hints

import pytest

from chalicelib.domain.data_classes import dataclass as ours

Decorator = Callable[..., Callable[[type[Any]], type[Any]]]
HOW = [{"frozen": True, **more} for more in ({}, {"slots": True}, {"kw_only": True}, {"slots": True, "kw_only": True})]


@ours(frozen=True, slots=True)
class Kept:
    """Stands where a pickle can find it."""

    name: str
    notes: list[str] = field(default_factory=list)


def _made(how: dict[str, bool], decorator: Any) -> type[Any]:
    class Session:
        """One of each kind of field."""

        MOST: ClassVar[int] = 3
        session_id: str
        energy_wh: int = 0
        notes: list[str] = field(default_factory=list, compare=False)
        secret: str = field(default="", repr=False)
        tally: dict[str, int] = field(default_factory=dict, init=False, repr=False, compare=False)
        day: int = field(default=1, hash=False)

        def __post_init__(self) -> None:
            if self.energy_wh < 0:
                raise ValueError("no energy")

    made: type[Any] = decorator(**how)(Session)
    return made


def _both(how: dict[str, bool]) -> tuple[type[Any], type[Any]]:
    return _made(how, dataclasses.dataclass), _made(how, ours)


@pytest.mark.parametrize("how", HOW, ids=str)
def test_it_is_asked_for_and_shown_as_the_standards_is(how: dict[str, bool]) -> None:
    standard, made = _both(how)
    assert str(inspect.signature(standard)) == str(inspect.signature(made))
    assert get_type_hints(standard.__init__) == get_type_hints(made.__init__)
    assert standard.__match_args__ == made.__match_args__
    assert [(it.name, it.kw_only, it.init) for it in dataclasses.fields(standard)] == [
        (it.name, it.kw_only, it.init) for it in dataclasses.fields(made)
    ]
    assert [getattr(made.__dataclass_params__, it) for it in ("init", "repr", "eq", "frozen")] == [True] * 4
    assert hasattr(standard, "__slots__") == hasattr(made, "__slots__")
    named = {"session_id": "s-1", "energy_wh": 5, "secret": "hush"}
    assert repr(standard(**named)) == repr(made(**named))
    assert hash(standard(**named)) == hash(made(**named))
    assert dataclasses.asdict(standard(**named)) == dataclasses.asdict(made(**named))


@pytest.mark.parametrize("how", HOW, ids=str)
def test_it_equals_what_has_the_same_values_and_nothing_else(how: dict[str, bool]) -> None:
    standard, made = _both(how)
    one, other = made(session_id="s-1", notes=["a"]), made(session_id="s-1", notes=["b"])
    assert one == other
    assert hash(one) == hash(made(session_id="s-1", day=2))
    assert one not in (made(session_id="s-1", day=2), made(session_id="s-2"), standard(session_id="s-1"), "s-1", None)


@pytest.mark.parametrize("how", HOW, ids=str)
def test_it_does_not_change(how: dict[str, bool]) -> None:
    for kind in _both(how):
        it = kind(session_id="s-1")
        with pytest.raises(dataclasses.FrozenInstanceError, match="assign to field 'energy_wh'"):
            it.energy_wh = 1
        with pytest.raises(dataclasses.FrozenInstanceError, match="delete field 'energy_wh'"):
            del it.energy_wh
        # Of a frozen class with slots the standard's own refusal is one of Python's.
        with pytest.raises((dataclasses.FrozenInstanceError, TypeError)):
            it.unheard_of = 1
        changed = dataclasses.replace(it, energy_wh=7)
        assert (it.energy_wh, changed.energy_wh) == (0, 7)


@pytest.mark.parametrize("how", HOW, ids=str)
def test_each_has_defaults_of_its_own_and_looks_at_itself_when_made(how: dict[str, bool]) -> None:
    for kind in _both(how):
        one, other = kind(session_id="s-1"), kind(session_id="s-1")
        assert (one.notes, one.tally) == ([], {})
        assert one.notes is not other.notes
        with pytest.raises(ValueError, match="no energy"):
            kind(session_id="s-1", energy_wh=-1)


@pytest.mark.parametrize("how", HOW, ids=str)
def test_a_wrong_call_is_refused_in_the_standards_words(how: dict[str, bool]) -> None:
    said = []
    for kind in _both(how):
        for named in ({}, {"session_id": "s-1", "unknown": 1}, {"session_id": "s-1", "tally": {}}):
            with pytest.raises(TypeError) as refused:
                kind(**named)
            said.append(str(refused.value).rpartition("__init__")[2])
    assert said[:3] == said[3:]


def test_it_can_be_copied_and_pickled() -> None:
    it = Kept("one", ["a"])
    for copied in (copy.copy(it), copy.deepcopy(it), pickle.loads(pickle.dumps(it))):
        assert (copied, copied is it) == (it, False)


@pytest.mark.parametrize("decorator", [dataclasses.dataclass, ours])
def test_what_a_class_writes_itself_stays(decorator: Any) -> None:
    class Token:
        """Shows no more than it must."""

        uid: str

        def __repr__(self) -> str:
            return "a token"

        def __eq__(self, other: object) -> bool:
            return isinstance(other, type(self)) and self.uid.lower() == other.uid.lower()

        def __hash__(self) -> int:
            return 7

    kind: Any = decorator(frozen=True, slots=True)(Token)
    assert (repr(kind("A")), hash(kind("A")), kind("A") == kind("a")) == ("a token", 7, True)


@pytest.mark.parametrize("decorator", [dataclasses.dataclass, ours])
def test_heirs_have_their_parents_fields_and_may_have_more_of_their_own(decorator: Any) -> None:
    @ours(frozen=True, kw_only=True)
    class Holds:
        """A parent."""

        limit_minor: int

    @decorator(frozen=True, kw_only=True)
    class Funds(Holds):
        """A child."""

        tax_minor: int = 0

    class Counted(Funds):
        """A double, as tests make them."""

        def __init__(self, limit_minor: int) -> None:
            super().__init__(limit_minor=limit_minor)
            self.asked = 0

    heir: Any = Funds
    assert repr(heir(limit_minor=2, tax_minor=1)).endswith("Funds(limit_minor=2, tax_minor=1)")
    counted: Any = Counted(5)
    counted.asked += 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        counted.limit_minor = 1
    assert (counted.asked, counted.limit_minor) == (1, 5)


def test_one_that_contains_itself_is_shown_once() -> None:
    it = Kept("one")
    it.notes.append(it)  # type: ignore[arg-type]
    assert repr(it) == "Kept(name='one', notes=[...])"


def test_one_with_an_order_or_that_changes_is_the_standards() -> None:
    @ours(frozen=True, order=True)
    class Rank:
        """Ordered."""

        rank: int

    @ours
    class Counter:
        """Changes."""

        rounds: int = 0

    counter = Counter()
    counter.rounds += 1
    assert (Rank(1) < Rank(2), counter) == (True, Counter(1))
