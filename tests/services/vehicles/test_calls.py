"""What linked cars cost is counted: calls to AWS as the bill has them, and makers' prices as adapters know them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import time, timedelta
from math import ceil
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient

from chalicelib.adapters.vehicles.makers import MAKERS, maker_class
from chalicelib.domain.vehicles.budget import MONTHLY_MICRO_USD, WAKES_A_MONTH
from chalicelib.domain.vehicles.capability import Capability, StopCarCharge
from chalicelib.domain.vehicles.telemetry import Observed, Telemetry
from chalicelib.domain.vehicles.wish import CarWish, ReadyBy
from chalicelib.records.vehicles import PositionSharing
from chalicelib.wiring import Network
from cli import cars as price
from tests.services.vehicles.conftest import DRIVER, Cars


def counted(monkeypatch: pytest.MonkeyPatch, call: Callable[[], Any]) -> Counter[str]:
    calls: Counter[str] = Counter()
    client_class: Any = BaseClient
    original = client_class._make_api_call

    def make_api_call(client: Any, operation: str, parameters: Any) -> Any:
        calls[operation] += 1
        return original(client, operation, parameters)

    with monkeypatch.context() as patch:
        patch.setattr(client_class, "_make_api_call", make_api_call)
        call()
    return calls


def test_calls_to_aws_are_those_that_are_paid_for(cars: Cars, monkeypatch: pytest.MonkeyPatch) -> None:
    vehicle, car = cars.link("tesla", PositionSharing.COARSE)
    car.plug(cars.clock(), is_in=True)
    remote, percent = cars.network.car_remote, frozenset({Capability.PERCENT})
    looked = counted(monkeypatch, lambda: remote.look(vehicle.vehicle_id, percent, cars.clock()))
    sent = counted(monkeypatch, lambda: remote.send(vehicle.vehicle_id, StopCarCharge(), cars.clock()))
    cars.clock.later(minutes=59)
    tokens = cars.network.link_tokens
    refreshed = counted(monkeypatch, lambda: tokens.access(DRIVER, vehicle.link_id))
    found = {"look": looked, "command": sent, "refresh": refreshed}
    assert {thing: dict(calls) for thing, calls in found.items()} == {it: dict(price.CALLS[it]) for it in found}


def test_a_push_that_says_nothing_new_writes_nothing(cars: Cars, monkeypatch: pytest.MonkeyPatch) -> None:
    vehicle, _ = cars.link("enode")
    told = Telemetry(percent=Observed(50, cars.clock() - timedelta(minutes=1)))
    cars.network.car_telemetry.merge(vehicle.vehicle_id, told)
    again = counted(monkeypatch, lambda: cars.network.car_telemetry.merge(vehicle.vehicle_id, told))
    assert again == Counter({"Query": 1})


def test_makers_prices_are_the_same_where_they_are_counted_and_where_they_are_shown() -> None:
    assert price.makers().keys() == MAKERS.keys()
    for name, listed in price.makers().items():
        prices = maker_class(name).prices
        micro = {kind: round(usd * 1_000_000) for kind, usd in listed["call_usd"].items()}
        assert micro == {"data": prices.data, "command": prices.command, "wake": prices.wake}
        assert ceil(listed.get("signal_usd", 0) * 1_000_000) == prices.signal
        assert round(listed["car_month_usd"] * 1_000_000) == prices.car_month


def test_a_plan_a_night_keeps_within_its_budget_at_aws_and_at_the_dearest_maker_of_calls() -> None:
    assert price.aws_usd() < price.TARGET_USD / 2
    assert price.WAKES_A_MONTH == WAKES_A_MONTH
    assert price.maker_usd("tesla") <= MONTHLY_MICRO_USD / 1_000_000


def test_a_nights_calls_are_those_that_are_paid_for(cars: Cars, monkeypatch: pytest.MonkeyPatch) -> None:
    vehicle, car = cars.link("enode")
    queue = boto3.client("sqs").create_queue(QueueName="plans")["QueueUrl"]
    settings = {**cars.server.settings, "KERB_STATE_MACHINE_ARN": "none", "KERB_PLANS_QUEUE": queue}
    network = Network(settings, clock=cars.clock)
    network.car_nights.wish(DRIVER, vehicle.vehicle_id, CarWish(ready_by=(ReadyBy(time(7), 80),) * 7))
    told = replace(cars, network=network)
    car.plug(cars.clock(), is_in=True)
    found = {"plug": counted(monkeypatch, lambda: told.push("enode", car))}
    found["plan"] = counted(monkeypatch, lambda: network.car_nights.plan(vehicle.vehicle_id))
    cars.clock.later(minutes=10)
    found["word"] = counted(monkeypatch, lambda: told.push("enode", car))
    found["due"] = counted(monkeypatch, lambda: network.car_nights.look(vehicle.vehicle_id))
    cars.clock.later(hours=8)
    car.plug(cars.clock(), is_in=False)
    found["unplug"] = counted(monkeypatch, lambda: told.push("enode", car))
    assert {thing: dict(calls) for thing, calls in found.items()} == {it: dict(price.CALLS[it]) for it in found}
