"""A start that meets a charger that is not there waits for one that was there a moment ago, and for no other."""

from __future__ import annotations

import pytest

from chalicelib.records.chargers import Gone, SoonBack
from tests.services.conftest import CONNECTION, Kit


def test_a_charger_that_was_there_a_moment_ago_is_waited_for(kit: Kit) -> None:
    session = kit.app_session()
    kit.sockets.closed(CONNECTION)
    kit.clock.advance(seconds=20)
    with pytest.raises(SoonBack):
        kit.lifecycle.start_charging(session.session_id, "token")


def test_one_whose_socket_is_said_to_be_gone_before_anybody_heard_of_its_end_is_waited_for(kit: Kit) -> None:
    session = kit.app_session()
    kit.link.is_open = False
    with pytest.raises(SoonBack):
        kit.lifecycle.start_charging(session.session_id, "token")


def test_one_that_has_been_away_for_longer_is_not(kit: Kit) -> None:
    session = kit.app_session()
    kit.sockets.closed(CONNECTION)
    kit.clock.advance(seconds=40)
    with pytest.raises(Gone) as gone:
        kit.lifecycle.start_charging(session.session_id, "token")
    assert not isinstance(gone.value, SoonBack)
