"""The model's arithmetic, against sums done by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.wiring import HEARTBEAT_S
from cli.__main__ import main
from cli.bill import bill, by_service, cost, price_list, total_usd
from cli.fleet import FIXED, Fleet, counts, use
from cli.report import TARGET_USD
from infrastructure import alarms
from infrastructure.stage import Stage

FLEET = Fleet(1_000, 200)


def test_a_month_is_counted_from_what_chargers_do() -> None:
    often = counts(FLEET)
    assert often["heartbeat"] == 1_000 * 730 * 12
    assert often["connect"] == often["disconnect"] == 1_000 * 365
    assert often["begin"] == pytest.approx(200 * 365 / 12)
    assert often["reading"] == pytest.approx(60 * often["begin"])
    assert often["tick_sweep"] == 43_800


def test_a_silent_charger_costs_its_connection_and_its_heartbeats() -> None:
    """One that speaks nothing else, by hand: two messages a heartbeat, 43,800 minutes, one read of its socket's row."""
    nothing: dict[str, Any] = {kind: {} for kind in counts(FLEET)}
    heartbeat = {"messages": 2, "read_units": {"connections": 1}, "invocations": {"websocket_message": 1}}
    kinds = {version: {**nothing, "heartbeat": heartbeat} for version in ("ocpp1.6", "ocpp2.0.1")}
    used = use(replace(FLEET, sessions_per_day=0), {**kinds, "beside": {}})
    heartbeats = 1_000 * 8_760
    assert used.amounts["socket_message"] == 2 * heartbeats
    assert used.amounts["socket_minute"] == 1_000 * 43_800
    assert used.amounts["read_unit"] == heartbeats
    # Six schedules every minute, one every five, one every hour.
    assert used.amounts["lambda_request"] == heartbeats + 6 * 43_800 + 8_760 + 730
    lines = {line.key: line.usd for line in bill(used)}
    assert lines["socket_message"] == pytest.approx(17.52)
    assert lines["socket_minute"] == pytest.approx(10.95)
    assert lines["read_unit"] == pytest.approx(1.095)


def test_tiers_are_paid_one_after_the_other() -> None:
    price = price_list()["prices"]["socket_message"]
    assert cost(5e8, price) == pytest.approx(500)
    assert cost(1e9, price) == pytest.approx(1_000)
    assert cost(9.5e9, price) == pytest.approx(1_000 + 8_500 * 0.8)
    assert cost(760_000, price_list()["prices"]["user_month_lite"]) == pytest.approx(90_000 * 0.0055 + 660_000 * 0.0046)


def test_services_add_up_to_the_total() -> None:
    lines = bill(use(FLEET))
    assert sum(by_service(lines).values()) == pytest.approx(total_usd(lines))


def test_everything_used_has_a_price_with_a_source() -> None:
    prices = price_list()["prices"]
    assert set(use(FLEET).amounts) <= set(prices)
    assert all(it["source"].startswith("https://") and it["seen"] for it in prices.values())


def test_half_a_million_chargers_cost_five_cents_each_and_no_tenth_of_a_cent_more() -> None:
    # Above the target since a charger's settings are looked at after each boot: docs/cost.md says by how much.
    fleet = Fleet(500_000, 100_000)
    assert fleet.heartbeat_s == HEARTBEAT_S
    assert total_usd(bill(use(fleet))) / fleet.chargers < TARGET_USD + 0.001


def test_what_always_stands_is_what_the_template_declares() -> None:
    stage = Stage("prod")
    assert FIXED["alarm_month"] == len(alarms.alarms(stage)) + 2 * len(alarms.shares(stage))


def test_the_command_prints_a_bill(capsys: pytest.CaptureFixture[str]) -> None:
    main(["cost", "--chargers", "1000", "--sessions-per-day", "200", "--heartbeat", "300", "--lines", "--limits"])
    told = capsys.readouterr().out
    assert "1,000 chargers, 200 sessions a day" in told
    assert "a charger-month at a heartbeat of 300 s" in told


def test_a_network_of_none_is_refused() -> None:
    with pytest.raises(SystemExit):
        main(["cost", "--chargers", "0"])
