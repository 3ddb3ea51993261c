"""The session's states, drawn from the table of transitions itself: mermaid for docs/architecture.md.

`python -m tests.state_diagram` writes the drawing into the page; tests/test_state_diagram.py asks whether it is true.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
import textwrap
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import FunctionType
from typing import Any

from chalicelib.domain.charging.session import Session, State
from chalicelib.domain.charging.transitions import TRANSITIONS

PAGE = Path(__file__).parents[1] / "docs" / "architecture.md"
_BLOCK = re.compile(r"(<!-- drawn by tests/state_diagram.py -->\n)(?:.*?\n)??(<!-- end -->)", re.DOTALL)
_INDENT = "    "
# Where transitions and what they call stand.
_TABLES = ("chalicelib.domain.charging", "tests.test_state_diagram")

Table = Mapping[tuple[State, type], Callable[..., Session]]


def targets(transition: Callable[..., Any]) -> set[State]:
    """The states that a transition can lead to, read from its code and what that calls beside it; empty: it stays."""
    found: set[State] = set()
    seen: set[Callable[..., Any]] = set()
    waiting: list[Callable[..., Any]] = [transition]
    while waiting:
        function = waiting.pop()
        if function in seen:
            continue
        seen.add(function)
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
        for node in ast.walk(tree):
            if isinstance(node, ast.keyword) and node.arg == "state":
                found |= set(_states(node.value))
            elif isinstance(node, ast.Name):
                beside = inspect.unwrap(function).__globals__.get(node.id)
                if isinstance(beside, FunctionType) and beside.__module__.startswith(_TABLES):
                    waiting.append(beside)
    return found


def _states(value: ast.expr) -> Iterator[State]:
    named = [it.attr for it in ast.walk(value) if isinstance(it, ast.Attribute) and hasattr(State, it.attr)]
    if not named:
        raise ValueError(f"nobody can draw where this leads: {ast.unparse(value)}")
    yield from (State[name] for name in named)


def drawing(table: Table = TRANSITIONS) -> str:
    """A mermaid state diagram: what moves a session, and below it what each state takes in without moving."""
    moves: dict[tuple[State, State], list[str]] = defaultdict(list)
    stays: dict[State, list[str]] = defaultdict(list)
    for (state, event), transition in table.items():
        following = targets(transition) - {state}
        for target in following:
            moves[state, target].append(event.__name__)
        if not following:
            stays[state].append(event.__name__)
    order = list(State)
    lines = ["```mermaid", "stateDiagram-v2", f"{_INDENT}[*] --> {_first()}"]
    for source, target in sorted(moves, key=lambda it: (order.index(it[0]), order.index(it[1]))):
        lines.append(f"{_INDENT}{source} --> {target}: {', '.join(moves[source, target])}")
    lines += [f"{_INDENT}{state} --> [*]" for state in order if not any(source is state for source, _ in moves)]
    lines += ["```", "", "| state | takes in, and stays |", "| --- | --- |"]
    lines += [f"| `{state}` | {', '.join(f'`{it}`' for it in stays[state]) or 'nothing'} |" for state in order]
    return "\n".join(lines)


def _first() -> State:
    state = next(it.default for it in dataclasses.fields(Session) if it.name == "state")
    assert isinstance(state, State)
    return state


def filled(page: str) -> str:
    """A page with the drawing as the table gives it now."""
    return _BLOCK.sub(lambda found: f"{found[1]}{drawing()}\n{found[2]}", page)


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text()))
