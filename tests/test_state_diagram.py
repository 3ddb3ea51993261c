"""The drawing of the session's states in docs/architecture.md is what the table of transitions gives today."""

from __future__ import annotations

import re
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.charging.session import Session, State
from chalicelib.domain.charging.transitions import TRANSITIONS, Completed, SessionEvent, Started, apply
from tests.domain.charging.test_session import EVENTS, NEW
from tests.state_diagram import PAGE, drawing, filled


def test_the_page_shows_the_drawing_of_today() -> None:
    page = PAGE.read_text()
    assert drawing() in page
    assert filled(page) == page, "python -m tests.state_diagram"


def test_every_line_of_the_table_is_drawn_once_from_each_state() -> None:
    told = drawing()
    for _, event in TRANSITIONS:
        assert event.__name__ in told


DRAWN = {
    (State(source), event): State(target)
    for source, target, events in re.findall(r"^ {4}(\w+) --> (\w+): (.+)$", drawing(), re.MULTILINE)
    for event in events.split(", ")
}


@given(st.lists(st.sampled_from(EVENTS), max_size=20))
def test_a_session_goes_only_where_the_drawing_leads(events: list[SessionEvent]) -> None:
    session = NEW
    for event in events:
        following = apply(session, event)
        if following.state is not session.state:
            assert DRAWN[session.state, type(event).__name__] is following.state
        session = following


def _finish(session: Session, event: Completed) -> Session:
    return _end(session) if event.at else session


def _end(session: Session) -> Session:
    return replace(session, state=State.COMPLETED)


def test_a_line_that_is_added_to_the_table_changes_the_drawing() -> None:
    table = {**TRANSITIONS, (State.ACTIVE, Completed): _finish}
    assert "    active --> completed: Completed" in drawing(table).splitlines()
    assert "active --> completed" not in drawing()


def test_a_line_that_leaves_the_table_leaves_the_drawing() -> None:
    table = {key: value for key, value in TRANSITIONS.items() if key[1] is not Started}
    assert "initiated --> active" in drawing()
    assert "initiated --> active" not in drawing(table)
