"""Tokens that changed are read no further than they are asked for."""

from __future__ import annotations

from datetime import timedelta

import pytest

from benchmarks.growth import counted
from chalicelib.adapters.drivers.tokens import DynamoTokens
from chalicelib.records.drivers import Token
from tests.adapters.conftest import NOW

pytestmark = pytest.mark.usefixtures("tables")


def test_of_many_changed_tokens_those_asked_for_are_read_and_one_more() -> None:
    tokens = DynamoTokens()
    for number in range(40):
        at = NOW + timedelta(seconds=number)
        tokens.put(Token(uid=f"T-{number:02}", operator_id="op", driver_id="d-1"), at)
    second = int(NOW.timestamp())
    with counted() as usage:
        found = tokens.changed("op", second - 1, second + 100, 10)
    assert [token.uid for _, token in found] == [f"T-{number:02}" for number in range(10)]
    assert (usage.calls, usage.items) == (1, 11)


def test_all_of_the_last_second_are_read_however_many() -> None:
    tokens = DynamoTokens()
    for number in range(12):
        tokens.put(Token(uid=f"T-{number:02}", operator_id="op", driver_id="d-1"), NOW)
    second = int(NOW.timestamp())
    assert len(tokens.changed("op", second - 1, second, 3)) == 12
