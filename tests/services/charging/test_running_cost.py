"""A charger that can show it is told what a charge costs so far, if its operator wants that: once a minute at most."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from chalicelib.domain.chargers.commands import ReadSettings
from chalicelib.domain.chargers.setup_profile import SetupProfile
from chalicelib.domain.pricing.tariff import simple_elements
from chalicelib.records.chargers import Purpose
from tests.services.charging.test_quirks import CARD201, Talk, event, told
from tests.services.conftest import NOW, TARIFF, Kit

SHOWS = {"TariffCostCtrlr.Enabled/Cost": "true"}


@pytest.fixture
def kit(kit: Kit) -> Kit:
    kit.setups.put_profile("op", SetupProfile(shows_running_cost=True))
    kit.charger_news.note_limits("CP-1", SHOWS)
    return kit


def begin(kit: Kit, protocol: str = "ocpp2.0.1") -> Talk:
    talk = Talk(kit, protocol)
    event(talk, "Started", 0, idToken=CARD201, meterValue=reading(talk, 0))
    return talk


def reading(talk: Talk, value: int) -> list[dict[str, Any]]:
    return [{"timestamp": told(talk.kit.clock.now), "sampledValue": [{"value": value}]}]


def charges(talk: Talk, value: int, seq_no: int, **later: float) -> dict[str, Any]:
    talk.kit.clock.advance(**later or {"minutes": 10})
    return event(talk, "Updated", seq_no, meterValue=reading(talk, value))


def shown(kit: Kit) -> list[tuple[float, str]]:
    calls = [json.loads(it) for it in kit.link.sent]
    return [(it[3]["totalCost"], it[3]["transactionId"]) for it in calls if it[2] == "CostUpdated"]


def test_2_0_1_is_sent_the_cost_so_far(kit: Kit) -> None:
    talk = begin(kit)
    # 0.45 EUR a kWh.
    assert "totalCost" not in charges(talk, 2000, 1)
    assert shown(kit) == [(0.9, "tx-1")]


def test_2_1_is_told_it_with_the_answer_to_its_reading_and_is_sent_nothing(kit: Kit) -> None:
    talk = begin(kit, "ocpp2.1")
    assert charges(talk, 2000, 1)["totalCost"] == 0.9
    assert shown(kit) == []


def test_it_is_told_once_a_minute_at_most(kit: Kit) -> None:
    talk = begin(kit, "ocpp2.1")
    costs = [charges(talk, 100 * n, n, seconds=20).get("totalCost") for n in range(1, 8)]
    assert [it is not None for it in costs] == [True, False, False, True, False, False, True]


def test_it_is_told_only_where_it_has_changed(kit: Kit) -> None:
    talk = begin(kit, "ocpp2.1")
    assert "totalCost" in charges(talk, 1000, 1)
    assert "totalCost" not in charges(talk, 1000, 2)
    assert "totalCost" in charges(talk, 1100, 3)


def test_of_two_processes_that_take_a_reading_one_tells_it(kit: Kit) -> None:
    begin(kit)
    ask = ("CP-1", "tx-1", 90, NOW, NOW)
    assert kit.transactions.cost_told(*ask)
    assert not kit.transactions.cost_told(*ask)


@pytest.mark.parametrize("said", [{}, {"TariffCostCtrlr.Enabled/Cost": "false"}, {"TariffCostCtrlr.Enabled/Cost": "x"}])
@pytest.mark.parametrize("protocol", ["ocpp2.0.1", "ocpp2.1"])
def test_a_charger_that_has_not_said_it_shows_costs_is_told_none(kit: Kit, protocol: str, said: dict[str, str]) -> None:
    kit.charger_news.note_limits("CP-1", {"TariffCostCtrlr.Enabled/Cost": "", **said})
    assert "totalCost" not in charges(begin(kit, protocol), 2000, 1)
    assert shown(kit) == []


def test_an_operator_who_does_not_ask_for_it_pays_nothing_for_it(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    kit.setups.put_profile("op", SetupProfile())
    talk = begin(kit)
    monkeypatch.setattr(kit.sessions, "get", None)
    charges(talk, 2000, 1)
    assert shown(kit) == []


def test_1_6_has_no_word_for_it(kit: Kit) -> None:
    talk = Talk(kit, "ocpp1.6")
    transaction_id = talk.start()
    kit.clock.advance(minutes=10)
    talk.read(3000, transactionId=transaction_id)
    assert not kit.link.sent


def test_what_costs_nothing_is_not_told(kit: Kit) -> None:
    free = replace(TARIFF, elements=simple_elements(per_kwh=Decimal(0)))
    kit.tariffs.put(free)
    charges(begin(kit), 2000, 1)
    assert shown(kit) == []


def test_a_charger_that_went_offline_meanwhile_loses_no_reading(kit: Kit) -> None:
    talk = begin(kit)
    kit.link.is_open = False
    assert charges(talk, 2000, 1) == {}
    assert kit.readings.newest("CP-1", "tx-1")[0].reading.energy_wh == 2000


def test_what_else_waits_for_the_charger_goes_first(kit: Kit) -> None:
    talk = begin(kit)
    kit.link.sent.clear()
    kit.commands.send("CP-1", ReadSettings(("A.B",)), Purpose.OPERATOR, name="first")
    charges(talk, 2000, 1, seconds=5)
    kit.commands.send("CP-1", ReadSettings(("C.D",)), Purpose.LIST_LIMITS, name="later")
    for _ in range(3):
        message_id, action = json.loads(kit.link.sent[-1])[1:3]
        answer: dict[str, Any] = {"getVariableResult": []} if action == "GetVariables" else {}
        kit.conversation.receive(talk.connection_id, json.dumps([3, message_id, answer]))
    assert [json.loads(it)[1] for it in kit.link.sent[:2]] == ["first", "later"]
    assert shown(kit) == [(0.9, "tx-1")]


def test_a_charger_says_whether_it_shows_costs_wherever_it_tells_its_settings(kit: Kit) -> None:
    kit.charger_news.note_limits("CP-1", {"TariffCostCtrlr.Enabled/Cost": ""})
    talk = Talk(kit, "ocpp2.0.1")
    talk.say(
        "NotifyReport",
        {
            "requestId": 1,
            "generatedAt": told(NOW),
            "seqNo": 0,
            "reportData": [
                {
                    "component": {"name": "TariffCostCtrlr"},
                    "variable": {"name": "Enabled", "instance": "Cost"},
                    "variableAttribute": [{"value": "true"}],
                }
            ],
        },
    )
    event(talk, "Started", 0, idToken=CARD201, meterValue=reading(talk, 0))
    charges(talk, 2000, 1)
    assert shown(kit) == [(0.9, "tx-1")]
