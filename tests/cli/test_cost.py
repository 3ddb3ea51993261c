"""The model's arithmetic, against sums done by hand."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from chalice.app import SQSEventConfig

from chalicelib.adapters.tables import TABLES as TABLES_DECLARED
from chalicelib.domain.charging.session import Reason
from chalicelib.handlers.sessions.routes import CHARGING_RETRY_MS
from chalicelib.services.sessions.live_views import RENEW_S, VISIBLE_FOR
from chalicelib.wiring import HEARTBEAT_S
from cli import report
from cli.__main__ import main
from cli.bill import bill, by_service, cost, price_list, total_usd
from cli.fleet import ACCESS_LOG_BYTES, CANARY_RUNS, DATA, SECONDS_A_MONTH, Fleet, counts, measured, use
from cli.pages import BIG
from cli.report import LOG_USD, SMALL_FLEETS, TARGET_USD, log_usd, parts_usd
from cli.standing import (
    CANARY_FIXED,
    FIXED,
    LOG_METRICS,
    METRICS,
    QUEUES_READ,
    TABLES,
    TABLES_OF_FUNCTIONS,
    TABLES_OF_STEPS,
)
from cli.transparency import CLAIMS, PAPER
from infrastructure import (
    access_logs,
    alarms,
    canary,
    dashboard,
    edge_alarms,
    firewall,
    rest,
    transparency,
    vault,
)
from infrastructure.cloudwatch import Joined
from infrastructure.stage import Stage
from infrastructure.workflow import definition
from local.gateway import Limits

FLEET = Fleet(1_000, 200, heartbeat_s=300)
ROOT = Path(__file__).parents[2]
SOURCES = [ROOT / "app.py", *sorted((ROOT / "chalicelib").rglob("*.py"))]
# Where a client is made of a name that somebody else gives: wiring's own `client`.
MAKES_CLIENTS = ROOT / "chalicelib" / "wiring" / "stores.py"


def clients_made() -> set[str]:
    """The services that the code speaks to, DynamoDB by PynamoDB among them."""
    found = {"dynamodb"}
    for source in SOURCES:
        text = source.read_text()
        if source == MAKES_CLIENTS:
            text = text.replace("create_client(service, ", "create_client('dynamodb', ")
        found |= clients_in(text)
    return found


def clients_in(text: str) -> set[str]:
    """Raises ValueError where a client is made of a name that is not written there."""
    return set(_named(text, ("client", "create_client", "resource"), "service"))


def _named(text: str, functions: Collection[str], keyword: str = "") -> list[str]:
    """The first argument of each call of those functions, which is a text written there."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Call):
            continue
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if called not in functions or (isinstance(node.func, ast.Attribute) and called in ("count", "timed")):
            continue
        given = [*node.args[:1], *(it.value for it in node.keywords if keyword and it.arg == keyword)]
        if not given or not isinstance(given[0], ast.Constant) or not isinstance(given[0].value, str):
            raise ValueError(f"line {node.lineno}: the name of the service is to be written where {called} is called")
        found.append(given[0].value)
    return found


def test_a_month_is_counted_from_what_chargers_do() -> None:
    often = counts(FLEET)
    assert often["heartbeat"] == 1_000 * 730 * 12
    # Closed by us at the first heartbeat after 7200 - 300 - 30 s, which comes half of 300 s later in the mean.
    assert often["connect"] == pytest.approx(1_000 * 730 * 3600 / 7_020)
    assert often["renew"] + often["disconnect"] == pytest.approx(often["connect"])
    assert often["begin"] == pytest.approx(200 * 365 / 12)
    assert often["reading"] == pytest.approx(60 * often["begin"])
    assert often["tick_sweep"] == 43_800


def test_a_silent_charger_costs_its_connection_and_its_heartbeats() -> None:
    """One that speaks nothing else, by hand: two messages a heartbeat, 43,800 minutes, one read of its socket's row."""
    nothing: dict[str, Any] = {kind: {} for kind in counts(FLEET)}
    heartbeat = {"messages": 2, "read_units": {"connections": 1}, "invocations": {"websocket_message": 1}}
    kinds = {version: {**nothing, "heartbeat": heartbeat} for version in ("ocpp1.6", "ocpp2.0.1")}
    alone = replace(FLEET, sessions_per_day=0, chargers_per_alarm_page=float("inf"), changes_per_charger_month=0)
    used = use(alone, {**kinds, "beside": {}})
    heartbeats = 1_000 * 8_760
    assert used.amounts["socket_message"] == 2 * heartbeats
    assert used.amounts["socket_minute"] == 1_000 * 43_800
    assert used.amounts["read_unit"] == heartbeats
    assert used.amounts["lambda_request"] == heartbeats
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


@pytest.mark.parametrize("listed", ["prices", "quotas"])
def test_every_service_the_code_speaks_to_has_a_price_and_a_quota(listed: str) -> None:
    """By the name that boto3 knows it by; a client nobody has priced and bounded fails here."""
    entries = json.loads((DATA / f"{listed}.json").read_text())[listed].values()
    known = {client for entry in entries for client in entry.get("clients", ())}
    assert sorted(clients_made() - known) == []
    assert clients_made() >= {"apigatewaymanagementapi", "cognito-idp", "dynamodb", "sesv2", "sns", "stepfunctions"}


def test_a_client_made_under_a_name_that_cannot_be_read_is_found_out() -> None:
    assert clients_in("boto3.client('athena')\nsession.create_client(\"glue\", config=1)\nclient('s3')") == {
        "athena",
        "glue",
        "s3",
    }
    assert clients_in("boto3.resource('sqs').Queue(url)\nclient(service='kms')") == {"sqs", "kms"}
    with pytest.raises(ValueError, match="name of the service"):
        clients_in("boto3.client(which)")


def test_what_was_measured_is_of_services_that_have_a_price() -> None:
    known = {client for entry in price_list()["prices"].values() for client in entry.get("clients", ())}
    called = {
        call.partition(".")[0]
        for kinds in measured().values()
        for kind in kinds.values()
        for call in kind.get("calls", ())
    }
    # The workflow's own calls of functions, which moto makes for it.
    assert called - {"lambda"} <= known


def test_half_a_million_chargers_cost_less_than_four_and_a_half_cents_each() -> None:
    fleet = Fleet(500_000, 100_000)
    assert fleet.heartbeat_s == HEARTBEAT_S
    assert total_usd(bill(use(fleet))) / fleet.chargers < TARGET_USD == 0.045


@pytest.mark.parametrize("chargers", SMALL_FLEETS)
def test_few_chargers_cost_five_cents_each_and_sixty_dollars_at_the_most(chargers: int) -> None:
    used = use(Fleet(chargers, chargers / 5))
    assert total_usd(bill(used)) < 0.05 * chargers + 60


def test_a_heartbeat_is_due_a_minute_before_api_gateway_closes_a_silent_socket() -> None:
    assert Limits().idle_s - 60 >= HEARTBEAT_S


def test_what_the_live_view_and_its_length_cost_is_in_it() -> None:
    """Ten minutes a session: by event stream asked for as often as that itself says, by WebSocket told each step."""
    streamed = counts(replace(FLEET, live_socket_share=0))
    assert streamed["live"] == pytest.approx(FLEET.sessions * 600 / (FLEET.live_retry_s + 0.3))
    assert FLEET.live_retry_s * 1000 == CHARGING_RETRY_MS
    assert {often for kind, often in streamed.items() if kind.startswith("live_")} == {0}
    told = counts(FLEET)
    assert told["live"] == 0
    assert told["live_told"] == pytest.approx(FLEET.sessions * (600 / FLEET.reading_s + FLEET.live_states))
    assert told["live_renew"] == pytest.approx(FLEET.sessions * 600 / RENEW_S)
    assert (FLEET.live_renew_s, FLEET.live_lapse_s) == (RENEW_S, VISIBLE_FOR.total_seconds())


def test_the_cheaper_way_to_watch_is_the_one_that_is_counted_on() -> None:
    fleet = Fleet(500_000, 100_000)
    stream, socket, nobody = (
        total_usd(bill(use(it))) / fleet.chargers
        for it in (
            replace(fleet, live_socket_share=0),
            fleet,
            replace(fleet, live_minutes_per_session=0),
        )
    )
    assert nobody < socket < stream
    assert socket < TARGET_USD


def test_maps_cost_nothing_until_they_are_chosen_and_then_by_the_drive() -> None:
    assert use(FLEET).amounts["route"] == 0
    assert use(replace(FLEET, maps_per_search=5)).amounts["route"] == pytest.approx(FLEET.sessions * 3 * 5)


def test_chargers_that_boot_whenever_they_are_back_are_counted() -> None:
    often = counts(replace(FLEET, boots_per_month=0))
    assert often["boot_back"] == often["connect"] / 2
    # Each of the 500 is looked at once a day, and at one day in ten twice.
    assert often["boot_again"] == often["status_after_boot"] == pytest.approx(500 * 1.1 * 365 / 12)
    never = counts(replace(FLEET, boots_per_month=0, boots_at_connect=0))
    assert never["boot_again"] == never["boot_back"] == 0


def test_what_always_stands_is_what_the_template_declares() -> None:
    stage = Stage("prod")
    # Each edge that there may be, and the certificates of all.
    of_canary = canary.alarms(stage)
    every = [it for it in (*alarms.everything(stage), *edge_alarms.alarms(stage)) if it not in of_canary]
    assert CANARY_FIXED["alarm_month"] == sum(it.metrics for it in of_canary)
    assert FIXED["alarm_month"] == sum(it.metrics for it in every if not isinstance(it, Joined))
    assert FIXED["joined_alarm_month"] == sum(isinstance(it, Joined) for it in every)
    acls = [it for it in firewall.resources(stage).values() if it["Type"] == "AWS::WAFv2::WebACL"]
    assert FIXED["waf_acl_month"] == len(acls)
    assert FIXED["waf_rule_month"] == sum(len(it["Properties"]["Rules"]) for it in acls)
    secrets = [it for it in vault.resources(stage).values() if it["Type"] == "AWS::SecretsManager::Secret"]
    assert FIXED["secret_month"] == len(secrets)
    keys = [vault.resources(stage), transparency.resources(stage)]
    assert FIXED["kms_key_month"] == sum(it["Type"] == "AWS::KMS::Key" for those in keys for it in those.values())
    assert FIXED["dashboard_month"] == len(dashboard.resources(stage))


def test_every_metric_the_code_counts_is_paid_for() -> None:
    assert {name for source in SOURCES for name in _named(source.read_text(), ("count", "timed"))} == METRICS.keys()
    assert METRICS["SessionsFailed"] >= len(Reason)
    filters = [it for it in access_logs.resources(Stage("prod")).values() if it["Type"] == "AWS::Logs::MetricFilter"]
    counted = [it["MetricName"] for one in filters for it in one["Properties"]["MetricTransformations"]]
    assert sorted(counted) == sorted(LOG_METRICS)


def test_a_canary_is_paid_for_where_there_is_one_and_costs_a_few_dollars_whatever_the_fleet() -> None:
    """A session each five minutes, its function's ten seconds, two alarms and a secret."""
    without, watched = (use(replace(FLEET, canary=it)) for it in (False, True))
    assert counts(replace(FLEET, canary=True))["begin"] - counts(FLEET)["begin"] == pytest.approx(8_760)
    more = total_usd(bill(watched)) - total_usd(bill(without))
    assert 2 < more < 8
    other = replace(FLEET, chargers=100, sessions_per_day=20)
    small = total_usd(bill(use(replace(other, canary=True)))) - total_usd(bill(use(other)))
    assert small == pytest.approx(more, rel=0.1)
    # The smallest fleet's promise holds without it; with it that is passed by no more than it costs itself.
    assert total_usd(bill(use(Fleet(100, 20)))) < 0.05 * 100 + 60
    assert total_usd(bill(use(Fleet(100, 20, canary=True)))) < 0.05 * 100 + 60 + small
    assert CANARY_RUNS == SECONDS_A_MONTH / (canary.EVERY_MINUTES * 60)


def test_access_logs_cost_what_their_lines_do() -> None:
    """A thousand chargers' bill by hand: 0.5 USD a GB, and 3 months of 0.03."""
    used, without = (use(replace(FLEET, logs_requests=it)) for it in (True, False))
    requests = used.amounts["rest_request"]
    assert used.amounts["log_gb"] - without.amounts["log_gb"] == pytest.approx(requests * ACCESS_LOG_BYTES / 1024**3)
    gb = requests * ACCESS_LOG_BYTES / 1024**3
    assert total_usd(bill(used)) - total_usd(bill(without)) == pytest.approx(gb * (0.5 + 3 * 0.03))


KEY_USD = 1


def test_papers_in_the_log_and_claimed_records_are_paid_for_beside_it_and_are_within_its_promise() -> None:
    text = report.log(BIG).markdown()
    for parts in (PAPER, CLAIMS):
        assert f"${1000 * parts_usd(parts):.4f}" in text
    # As many of businesses' sessions invoiced by themselves as months of theirs.
    assert log_usd(BIG) + KEY_USD + 75_000 * parts_usd(PAPER) < LOG_USD


def test_log_and_evidence_cost_less_than_ten_dollars_a_month() -> None:
    assert 4 < log_usd(BIG) + KEY_USD < LOG_USD


def test_a_line_for_each_frame_would_break_the_promise() -> None:
    fleet = Fleet(500_000, 100_000, logs_frames=True)
    assert total_usd(bill(use(fleet))) / fleet.chargers > TARGET_USD - 0.0005


def test_what_browsers_say_is_logged_and_paid_for_with_frames() -> None:
    unwatched = replace(FLEET, live_minutes_per_session=0)
    more = [
        use(replace(it, logs_frames=True)).amounts["log_gb"] - use(it).amounts["log_gb"] for it in (FLEET, unwatched)
    ]
    assert more[0] > more[1]


def test_keys_are_asked_for_by_as_many_tables_as_there_are() -> None:
    assert len(TABLES_DECLARED) == TABLES
    root = Path(__file__).parents[2]
    of_functions = {
        policy.stem.removeprefix("policy-"): len(
            {it.removesuffix("/index/*") for it in re.findall(r"table/([a-z_/*-]+)", policy.read_text())}
        )
        for policy in (root / ".chalice").glob("policy-*.json")
    }
    assert sum(of_functions.values()) == TABLES_OF_FUNCTIONS
    steps = {str(name): tables for name, tables in of_functions.items() if f'"{name}"' in json.dumps(definition(str))}
    assert sum(steps.values()) == TABLES_OF_STEPS
    assert len(steps) == 7


def test_a_sessions_steps_ask_for_keys_no_oftener_than_they_run() -> None:
    asked = [use(Fleet(1_000, sessions)).amounts["kms_request"] for sessions in (0, 10, 20, 200)]
    none, few, twice, many = (it / 8_760 for it in asked)
    assert none < TABLES_OF_FUNCTIONS
    assert twice - few == pytest.approx(few - none, rel=0.1)
    # The rest is what more processes ask.
    assert many - none == pytest.approx(TABLES_OF_STEPS, rel=0.2)


def test_queues_that_are_read_all_month_are_paid_for() -> None:
    from app import app  # noqa: PLC0415

    assert sum(isinstance(it, SQSEventConfig) for it in app.event_sources) == QUEUES_READ


def test_routes_are_not_counted_one_by_one() -> None:
    """API Gateway bills a route's metrics as if they were ours; the API's own cost nothing."""
    declared: dict[str, Any] = {"RestAPIStage": {"Properties": {}}}
    rest.watch(declared)
    (settings,) = declared["RestAPIStage"]["Properties"]["MethodSettings"]
    assert settings["MetricsEnabled"] is False


def test_the_command_prints_a_bill(capsys: pytest.CaptureFixture[str]) -> None:
    main(["cost", "--chargers", "1000", "--sessions-per-day", "200", "--heartbeat", "300", "--lines", "--limits"])
    told = capsys.readouterr().out
    assert "1,000 chargers, 200 sessions a day" in told
    assert f"a charger-month at a heartbeat of {HEARTBEAT_S} s" in told


def test_a_network_of_none_is_refused() -> None:
    with pytest.raises(SystemExit):
        main(["cost", "--chargers", "0"])
