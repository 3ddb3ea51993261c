"""Operators whose chargers lack something are found without looking at all others."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from chalicelib.adapters.chargers.setups import DynamoSetups
from chalicelib.adapters.drivers.tokens import DynamoTokens
from chalicelib.domain.chargers.setup_profile import SetupProfile
from chalicelib.records.drivers import Token

AT = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
SECOND = int(AT.timestamp())


@pytest.mark.usefixtures("tables")
def test_nobody_is_read_where_nothing_changed_and_only_who_is_behind_where_something_did(aws_calls: list[str]) -> None:
    tokens, setups = DynamoTokens(), DynamoSetups()
    aws_calls.clear()
    assert (list(tokens.lists_behind()), list(setups.operators_behind())) == ([], [])
    assert aws_calls == ["Query", "Query"]
    tokens.put(Token(uid="04A1B2C3", driver_id="driver-1", operator_id="op-1"), AT)
    setups.put_profile("op-2", SetupProfile())
    aws_calls.clear()
    assert list(tokens.lists_behind()) == [("op-1", SECOND)]
    assert list(setups.operators_behind()) == ["op-2"]
    assert aws_calls == ["Query", "BatchGetItem"] * 2


@pytest.mark.usefixtures("tables")
def test_who_has_caught_up_is_looked_at_once_more_and_no_longer(aws_calls: list[str]) -> None:
    tokens, setups = DynamoTokens(), DynamoSetups()
    tokens.put(Token(uid="04A1B2C3", driver_id="driver-1", operator_id="op-1"), AT)
    setups.put_profile("op-1", SetupProfile())
    tokens.lists_done("op-1", SECOND)
    # A profile is still on its way there.
    assert (list(tokens.lists_behind()), list(setups.operators_behind())) == ([], ["op-1"])
    assert setups.next_chargers("op-1", 10) == []
    assert list(setups.operators_behind()) == []
    aws_calls.clear()
    assert (list(tokens.lists_behind()), list(setups.operators_behind())) == ([], [])
    assert aws_calls == ["Query", "Query"]
    tokens.put(Token(uid="04A1B2C4", driver_id="driver-1", operator_id="op-1"), AT.replace(hour=10))
    assert list(tokens.lists_behind()) == [("op-1", SECOND + 3600)]
