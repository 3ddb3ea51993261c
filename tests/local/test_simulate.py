"""A day at a site, simulated: what is made up, what is replayed, what the judge sees, what is drawn."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from chalicelib.domain.charging.preferences import ToldPlan
from local.simulate import chart
from local.simulate.__main__ import main
from local.simulate.algorithms import ALGORITHMS
from local.simulate.day import Outcome, simulate
from local.simulate.days import Unreadable, generate, replay
from local.simulate.estimates import estimates
from local.simulate.figures import FIGURES
from local.simulate.signals import CARBON, PRICES, Signals
from local.simulate.sites import SITES, house

DAY = datetime(2026, 6, 1, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
TREE = house(4, 40)


def outcome(name: str, site: str = "house", *, noise_ma: int = 0, liars_h: float = 0.0) -> Outcome:
    tree = SITES[site](6, 40)
    requests = generate(tree, DAY, cars=10, seed=3, liars_h=liars_h)
    return simulate(name, ALGORITHMS[name](tree), tree, requests, period=QUARTER, noise_ma=noise_ma)


def test_a_seed_makes_the_same_day_again_and_another_another() -> None:
    assert generate(TREE, DAY, seed=3) == generate(TREE, DAY, seed=3)
    assert generate(TREE, DAY, seed=3) != generate(TREE, DAY, seed=4)


def test_no_port_has_two_cars_at_once() -> None:
    requests = generate(TREE, DAY, days=2, cars=30)
    for one in requests:
        assert not [
            it
            for it in requests
            if it is not one and it.port_id == one.port_id and one.arrives_at <= it.arrives_at < one.departs_at
        ]


@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("noise_ma", [0, 500])
def test_the_fair_share_exceeds_no_limit_and_delivers_more_than_first_come(site: str, noise_ma: int) -> None:
    fair, first = outcome("fair-share", site, noise_ma=noise_ma, liars_h=1.0), outcome("first-come", site, liars_h=1.0)
    assert (fair.violations, fair.overloads, fair.invalid) == (0, 0, 0)
    assert fair.lowest_decile >= first.lowest_decile
    assert fair.energy_percent >= first.energy_percent - 1


def test_the_plan_exceeds_no_limit_and_is_cheaper_for_the_same_energy() -> None:
    fair, plan = outcome("fair-share"), outcome("plan")
    assert (plan.violations, plan.overloads, plan.invalid) == (0, 0, 0)
    assert plan.energy_percent >= fair.energy_percent - 1
    signals = Signals()
    assert signals.cost(plan) < signals.cost(fair)


def test_requests_are_made_shown_and_written_to_be_replayed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "requests.csv"
    few = ["--site", "house", "--cars", "4", "--seed", "3"]
    assert main(["charging_request_simulation", *few, "--csv", str(path)]) == 0
    assert "kWh asked" in capsys.readouterr().out
    made, again = generate(SITES["house"](), DAY, cars=4, seed=3), replay(SITES["house"](), path)
    assert [(it.session_id, it.port_id, it.asked_wh) for it in again] == [
        (it.session_id, it.port_id, it.asked_wh) for it in made
    ]


def test_both_parts_and_the_days_to_choose_from_stand_in_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    told = capsys.readouterr().out
    for name in ("charging_request_simulation", "system_charging_optimization", *PRICES, *CARBON):
        assert name in told


def test_the_judge_sees_what_happens_where_nobody_shares() -> None:
    wild = outcome("uncontrolled", "street")
    assert wild.violations >= wild.overloads > 0
    assert wild.energy_percent > 95


def test_a_day_of_acn_data_is_replayed(tmp_path: Path) -> None:
    path = tmp_path / "sessions.json"
    item = {
        "sessionID": "2_39_78_362",
        "spaceID": "P001",
        "connectionTime": "Mon, 01 Jun 2026 08:00:00 GMT",
        "disconnectTime": "Mon, 01 Jun 2026 12:00:00 GMT",
        "kWhDelivered": 7.5,
        "userInputs": [{"kWhRequested": 9, "requestedDeparture": "Mon, 01 Jun 2026 11:30:00 GMT"}],
    }
    alone = {**item, "sessionID": "b", "spaceID": "elsewhere", "userInputs": None}
    path.write_text(json.dumps({"_items": [item, alone]}))
    known, other = replay(TREE, path)
    assert known.port_id == TREE.ports[1].port_id
    assert (known.asked_wh, other.asked_wh) == (9_000, 7_500)
    assert known.declared_at == DAY + timedelta(hours=11, minutes=30)
    assert other.declared_at == other.departs_at == DAY + timedelta(hours=12)
    assert other.port_id != known.port_id


def test_a_day_of_csv_is_replayed_and_who_finds_no_port_drives_on(tmp_path: Path) -> None:
    path = tmp_path / "day.csv"
    lines = [f"2026-06-01T0{hour}:00,2026-06-01T18:00,5,16,1" for hour in range(1, 7)]
    path.write_text("\n".join(["arrival,departure,kwh,max_a,phases", *lines]))
    requests = replay(TREE, path)
    assert len(requests) == len(TREE.ports)
    assert {(it.most_ma, it.phases, it.asked_wh) for it in requests} == {(16_000, 1, 5_000)}


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.json", "{}", "_items"),
        ("a.json", '[{"connectionTime": "yesterday"}]', "item 1"),
        ("a.csv", "arrival,departure,kwh\n2026-06-01,2026-05-01,3", "line 2"),
        ("a.csv", "arrival,departure\n2026-06-01,2026-06-02", "line 2"),
    ],
)
def test_a_file_that_is_no_list_of_requests_says_where(tmp_path: Path, name: str, text: str, says: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(Unreadable, match=says):
        replay(TREE, tmp_path / name)
    assert main(["--replay", str(tmp_path / name)]) == 1


def test_what_drivers_were_told_is_held_against_what_came() -> None:
    """One was told as it came; one hears of ten minutes and a tenth of the energy too much; one will lack, and did."""
    at = DAY + timedelta(hours=8)
    price = Signals(price="fixed", carbon="even")
    told = ToldPlan(planned_at=at, starts_at=at, ready_at=at + timedelta(hours=1), energy_wh=10_000)
    told = replace(told, energy_cost_micros=1_500_000, carbon_g=2_500)
    came = Outcome(name="plan", begins_at=at, period=timedelta(hours=1))
    came.asked_wh = {"a": 10_000, "b": 10_000, "c": 10_000}
    came.taken_wh = {"a": {at: 9_700, at + timedelta(hours=1): 300}, "b": {at: 9_000}, "c": {at: 11_000}}
    came.told = {"a": told, "b": told, "c": replace(told, ready_at=None, energy_wh=5_000, unmet_wh=5_000)}
    found = estimates(came, price)
    assert found.ready_min.by_session == [0.0]
    assert found.cost_percent.by_session == pytest.approx([0, -10, 0])
    assert found.carbon_percent.by_session == pytest.approx([0, -10, 0])
    assert found.energy_percent.by_session == pytest.approx([0, -10, 50])
    assert (found.energy_percent.median, found.energy_percent.within(0.9)) == pytest.approx((0, 50))
    assert (found.told_ready, found.missed, found.told_short, found.had_all) == (2, 1, 1, 1)


def test_a_plan_tells_each_driver_once_as_they_come() -> None:
    plan = outcome("plan", liars_h=1.0)
    assert plan.told.keys() == plan.asked_wh.keys()
    assert all(it.energy_cost_micros is not None for it in plan.told.values() if it.energy_wh)
    assert not outcome("fair-share").told


def test_the_command_prints_a_table_and_draws_a_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "day.html"
    few = ["--site", "house", "--ports", "4", "--cars", "6", "--period", "30", "--html", str(page)]
    assert main([*few, "-a", "fair-share", "-a", "uncontrolled", "-a", "plan"]) == 0
    printed = capsys.readouterr().out
    assert "house, 4 ports" in printed
    assert printed.count("against what came") == 1
    text = page.read_text()
    assert text.count("<path") > 4
    assert "<td>fair-share</td>" in text


def test_all_algorithms_and_all_figures_fit_a_terminal_of_eighty_columns(capsys: pytest.CaptureFixture[str]) -> None:
    few = ["--site", "house", "--ports", "2", "--cars", "2", "--period", "30"]
    assert main([*few, "--price", "time-of-use", "--carbon", "windy-night"]) == 0
    printed = capsys.readouterr().out
    assert "…" not in printed
    assert all(name in printed for name in FIGURES)
    assert all(word in printed for name in ALGORITHMS for word in name.split("-"))


def test_a_picture_is_drawn(tmp_path: Path) -> None:
    pytest.importorskip("PIL")
    path = tmp_path / "day.png"
    chart.png([outcome("fair-share")], "A day", path)
    assert path.read_bytes().startswith(b"\x89PNG")
