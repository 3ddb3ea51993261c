"""What is committed about each kind of message is what the code does today."""

from __future__ import annotations

import pytest

from benchmarks import measuring
from benchmarks.measuring import Measured
from tests.benchmarks.apart import told_apart


@pytest.fixture(scope="module")
def today(tmp_path_factory: pytest.TempPathFactory) -> Measured:
    measure = "import json, sys; from benchmarks.measuring import measure; json.dump(measure(), open(sys.argv[1], 'w'))"
    found: Measured = told_apart(measure, tmp_path_factory.mktemp("measured") / "measured.json")
    return found


def test_messages_use_what_the_cost_model_says_they_use(today: Measured) -> None:
    found = measuring.differences(measuring.read(), today)
    assert not found, "\n".join([*found, "measure again: make bench ARGS=--write, then python -m cli pages"])


def test_a_heartbeat_writes_nothing(today: Measured) -> None:
    for version in ("ocpp1.6", "ocpp2.0.1"):
        heartbeat = today["kinds"][version]["heartbeat"]
        assert "write_units" not in heartbeat
        assert "log_bytes" not in heartbeat
        assert heartbeat["messages"] == 2


def test_units_are_close_to_those_committed(today: Measured) -> None:
    """Sizes vary by a few bytes with times and ids; only a race may cost more than a unit."""
    for group, kinds in measuring.read()["kinds"].items():
        for kind, committed in kinds.items():
            for what in ("read_units", "write_units"):
                was = sum(committed.get(what, {}).values())
                is_now = sum(today["kinds"][group][kind].get(what, {}).values())
                assert abs(was - is_now) <= (15 if kind == "begin" else 1), (group, kind, what)


def test_a_difference_is_told_in_a_sentence() -> None:
    before = {
        "kinds": {"ocpp1.6": {"heartbeat": {"messages": 2, "calls": {"dynamodb.GetItem": 1}}}},
        "schedules": {"sweep sessions": {"calls": 5}},
    }
    after = {
        "kinds": {"ocpp1.6": {"heartbeat": {"messages": 2, "calls": {"dynamodb.GetItem": 2}}}},
        "schedules": {"sweep sessions": {"calls": 6}},
    }
    assert measuring.differences(before, before) == []
    assert measuring.differences(before, after) == [
        "ocpp1.6 heartbeat: calls were {'dynamodb.GetItem': 1}, are {'dynamodb.GetItem': 2}",
        "schedules sweep sessions: an item took {'calls': 5}, takes {'calls': 6}",
    ]
