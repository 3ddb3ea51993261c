"""Connectors are written the way their stickers read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.chargers.events import ConnectorId


@given(st.integers(1, 999), st.integers(1, 99))
def test_a_connector_reads_back_as_it_was_written(evse: int, plug: int) -> None:
    assert ConnectorId.parse(str(ConnectorId(evse, plug))) == ConnectorId(evse, plug)


def test_the_first_plug_of_an_evse_needs_no_number_of_its_own() -> None:
    assert str(ConnectorId(2)) == "2"
    assert str(ConnectorId(2, 3)) == "2.3"


@pytest.mark.parametrize("text", ["", "0", "-1", "a", "1.0", "1.2.3", "1.x"])
def test_what_is_no_connector_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"connector|invalid literal"):
        ConnectorId.parse(text)
