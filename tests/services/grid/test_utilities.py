"""A utility's OpenADR 3 server and a site, over real HTTP: events lower it, end, are called off, and are reported."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from pydantic import ValidationError

from chalicelib.adapters.grid.openadr3 import OpenAdr3
from chalicelib.adapters.grid.utility_links import DynamoUtilityLinks
from chalicelib.domain.grid.energy import EnergyContract, told_feed
from chalicelib.domain.grid.stays import Settings, parts
from chalicelib.domain.grid.utility import SpanKind, UtilitySpan
from chalicelib.handlers.grid.energy_models import Market
from chalicelib.ports.grid import PriceSeries
from chalicelib.records.grid import OpenAdrVersion, ServerUnavailable, UtilityLink
from chalicelib.services.access import NotFound, Refusal
from chalicelib.services.grid.utilities import Utilities
from local.openadr import CLIENT_ID, CLIENT_SECRET, Vtn, serving
from tests.services.conftest import SITE, Kit
from tests.services.grid.plant import Plant
from tests.services.grid.test_demand_response import Spread, amps, desk, draw, is_given_back, plant, spread

__all__ = ["desk", "plant", "spread"]
_PUBLISHED = "KERB_OPENADR_SPECIFICATION"


@pytest.fixture(params=list(OpenAdrVersion))
def vtn(request: pytest.FixtureRequest) -> Iterator[Vtn]:
    with serving(request.param) as made:
        yield made


class Prices:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[UtilitySpan] = []

    def tell(self, operator_id: str, zone: str, spans: Any, since: datetime) -> None:
        self.told += spans


def link_to(vtn: Vtn, **more: Any) -> UtilityLink:
    about = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "ven_name": "kerb-op"}
    return UtilityLink(operator_id="op", url=vtn.url, version=OpenAdrVersion(vtn.version), **about | more)


def client(kit: Kit) -> OpenAdr3:
    return OpenAdr3(clock=kit.clock, may_be_inside=True)


def utilities(kit: Kit, spread: Spread | None = None, prices: PriceSeries | None = None) -> Utilities:
    assert spread is None or spread.desk is not None
    return Utilities(
        links=DynamoUtilityLinks(),
        servers=client(kit),
        demand_response=(spread.desk if spread else None) or kit.demand_response,
        prices=prices or Prices(),
        invocations=kit.invocations,
        asks=kit.utilities.asks,
        clock=kit.clock,
        may_be_inside=True,
    )


def event(vtn: Vtn, kit: Kit, *payloads: tuple[str, float], minutes: int = 60, **more: Any) -> dict[str, Any]:
    """An event of the server's only program, from now on."""
    if not vtn.objects["programs"]:
        vtn.add("programs", {"programName": "peak"})
    start = kit.clock().isoformat()
    return vtn.add(
        "events",
        {
            "programID": next(iter(vtn.objects["programs"])),
            "intervalPeriod": {"start": start, "duration": f"PT{minutes}M"},
            "intervals": [{"id": 0, "payloads": [{"type": kind, "values": [value]} for kind, value in payloads]}],
            **more,
        },
    )


def test_an_event_lowers_a_site_and_is_reported_when_it_is_over(
    vtn: Vtn, plant: Plant, desk: object, spread: Spread
) -> None:
    kit, ven = plant.kit, utilities(plant.kit, spread)
    ven.link(link_to(vtn))
    descriptors = [{"payloadType": "USAGE"}]
    event(vtn, kit, ("SIMPLE", 1), minutes=15, reportDescriptors=descriptors)
    assert ven.ask("op") == 1
    plant.live(2)
    assert amps(plant) == [11.2, 11.2]
    draw(plant, 2)
    asked = len(vtn.asked)
    assert ven.ask("op") == 0
    # One request for its programs, one for the program's events.
    assert len(vtn.asked) - asked == 2
    draw(plant, 25)
    ven.ask("op")
    ven.ask("op")
    (report,) = vtn.objects["reports"].values()
    (resource,) = report["resources"]
    values = {it["type"]: it["values"][0] for it in resource["intervals"][0]["payloads"]}
    assert values["DELTA_USAGE"] == pytest.approx(values["USAGE"] - values["BASELINE"])
    assert values["DELTA_USAGE"] < -0.1 * values["BASELINE"] < 0
    assert is_given_back(plant)


def test_what_its_server_has_no_more_is_cancelled_and_what_is_unlinked_too(
    vtn: Vtn, plant: Plant, desk: object, spread: Spread
) -> None:
    kit, ven = plant.kit, utilities(plant.kit, spread)
    ven.link(link_to(vtn))
    first = event(vtn, kit, ("IMPORT_CAPACITY_LIMIT", 14 * 0.69))
    ven.ask("op")
    plant.live(2)
    assert amps(plant) == [7.0, 7.0]
    del vtn.objects["events"][first["id"]]
    assert ven.ask("op") == 1
    plant.live(660)
    assert is_given_back(plant)
    event(vtn, kit, ("DISPATCH_SETPOINT", 14 * 0.69))
    ven.ask("op")
    plant.live(2)
    assert amps(plant) == [7.0, 7.0]
    ven.unlink("op")
    plant.live(660)
    assert is_given_back(plant)
    assert ven.ask("op") == 0
    with pytest.raises(NotFound):
        ven.linked("op")


def test_prices_and_emissions_are_told_and_lower_nothing(vtn: Vtn, kit: Kit) -> None:
    prices = Prices()
    ven = utilities(kit, prices=prices)
    ven.link(link_to(vtn))
    event(vtn, kit, ("PRICE", 0.31), ("GHG", 420))
    assert ven.ask("op") == 1
    assert [(it.kind, it.value) for it in prices.told] == [(SpanKind.PRICE, 310_000), (SpanKind.MARGINAL, 420)]
    assert ven.linked("op")[1].heard[0].is_demand is False


def test_prices_and_emissions_of_a_program_are_those_of_the_sites_that_go_by_it(vtn: Vtn, kit: Kit) -> None:
    ven = utilities(kit, prices=kit.utilities.prices)
    ven.link(link_to(vtn))
    kit.sites.put(replace(SITE, site_id="works"))
    kit.site_energy.describe(_by_program("op", "peak", kit))
    with pytest.raises(Refusal, match="tells no price"):
        kit.site_energy.describe(_by_program("another", "peak", kit))
    told_in = [{"payloadType": "PRICE", "units": "KWH", "currency": "EUR"}]
    event(vtn, kit, ("PRICE", 0.31), ("GHG", 420), payloadDescriptors=told_in)
    ven.ask("op")
    outlook = kit.outlooks.of("works", kit.clock() + timedelta(minutes=15), 2)
    assert (outlook.price_micros, outlook.marginal_g) == ((310_000,) * 2, (420,) * 2)
    # What one more kWh emits is no account of what was emitted; it says how dirty an hour is, and so it plans.
    assert outlook.carbon_g == ()
    assert next(parts(outlook, kit.clock(), Settings(carbon_micros_per_kg=1_000_000))).cost == pytest.approx(0.73)


def test_a_price_that_is_withdrawn_or_told_otherwise_holds_no_more(vtn: Vtn, kit: Kit) -> None:
    ven = utilities(kit, prices=kit.utilities.prices)
    ven.link(link_to(vtn))
    kit.sites.put(replace(SITE, site_id="works"))
    kit.site_energy.describe(_by_program("op", "peak", kit))
    told_in = [{"payloadType": "PRICE", "units": "KWH", "currency": "EUR"}]

    outlooks = replace(kit.outlooks, remembered=timedelta())

    def known() -> tuple[int, ...]:
        return outlooks.of("works", kit.clock() + timedelta(minutes=15), 8).price_micros

    whole = event(vtn, kit, ("PRICE", 0.31), minutes=150, payloadDescriptors=told_in)
    ven.ask("op")
    assert known() == (310_000,) * 8
    # Beside it one for the first hour: told later, it holds; and gone again, what was told before does.
    hour = event(vtn, kit, ("PRICE", 0.50), minutes=75, payloadDescriptors=told_in)
    ven.ask("op")
    assert known() == (500_000,) * 4 + (310_000,) * 4
    del vtn.objects["events"][hour["id"]]
    ven.ask("op")
    assert known() == (310_000,) * 8
    del vtn.objects["events"][whole["id"]]
    ven.ask("op")
    assert known() == ()


def test_prices_for_some_are_those_of_the_sites_that_go_by_them_and_of_no_other(vtn: Vtn, kit: Kit) -> None:
    ven = utilities(kit, prices=kit.utilities.prices)
    ven.link(link_to(vtn))
    kit.sites.put(replace(SITE, site_id="works"))
    told_in = [{"payloadType": "PRICE", "units": "KWH", "currency": "EUR"}]
    event(vtn, kit, ("PRICE", 0.31), payloadDescriptors=told_in)
    event(vtn, kit, ("PRICE", 0.99), payloadDescriptors=told_in, targets=_named(vtn, "quay"))
    ven.ask("op")
    for zone, price in (("peak", 310_000), ("peak@quay", 990_000)):
        kit.site_energy.describe(_by_program("op", zone, kit))
        assert kit.outlooks.of("works", kit.clock() + timedelta(minutes=15), 1).price_micros == (price,)


def _named(vtn: Vtn, name: str) -> list[Any]:
    return [name] if vtn.version == "3.1.0" else [{"type": "GROUP", "values": [name]}]


def test_a_price_that_nobody_means_is_passed_over_and_holds_up_no_other(vtn: Vtn, kit: Kit) -> None:
    prices = Prices()
    ven = utilities(kit, prices=prices)
    ven.link(link_to(vtn))
    event(vtn, kit, ("PRICE", 1e40))
    event(vtn, kit, ("GHG", -1e12))
    event(vtn, kit, ("PRICE", -0.05))
    assert ven.ask("op") == 1
    assert [it.value for it in prices.told] == [-50_000]


def test_a_program_is_named_as_its_utility_names_it() -> None:
    told = {"kind": "market", "source": "openadr", "zone": "Residential TOU-PRE (2.0)"}
    assert Market.model_validate(told).zone == "Residential TOU-PRE (2.0)"
    for zone in ("", "x" * 129, "a#b", "a\nb"):
        with pytest.raises(ValidationError):
            Market.model_validate(told | {"zone": zone})


def test_no_home_goes_by_a_program_of_a_utilitys(kit: Kit) -> None:
    kept = replace(_by_program("", "peak", kit), operator_id="", site_id="")
    with pytest.raises(Refusal, match="tells no price"):
        kit.home_energy.keep("V-1", kept)


def _by_program(operator_id: str, program: str, kit: Kit) -> EnergyContract:
    """The contract of a site of `op`, whose price and carbon are told in that operator's program."""
    feed = told_feed(operator_id, program)
    return EnergyContract(
        site_id="works",
        operator_id="op",
        time_zone="",
        currency="EUR",
        changed_at=kit.clock(),
        price_feed=feed,
        carbon_feed=feed,
    )


def test_a_server_that_does_not_answer_leaves_all_as_it_is_and_says_so(
    vtn: Vtn, plant: Plant, desk: object, spread: Spread
) -> None:
    ven = utilities(plant.kit, spread)
    ven.link(link_to(vtn))
    event(vtn, plant.kit, ("LOAD_CONTROL", 0.11))
    ven.ask("op")
    plant.live(2)
    assert amps(plant) == [7.0, 7.0]
    broken = replace(ven, servers=replace(client(plant.kit), may_be_inside=False))
    assert broken.ask("op") == 0
    assert ven.linked("op")[1].fault == "ValueError"
    plant.live(60)
    assert amps(plant) == [7.0, 7.0]
    assert ven.ask("op") == 0
    assert ven.linked("op")[1].fault == ""


def test_a_token_that_is_refused_is_fetched_anew_and_a_wrong_secret_is_said(vtn: Vtn, kit: Kit) -> None:
    server = client(kit)
    event(vtn, kit, ("SIMPLE", 1))
    assert len(server.events(link_to(vtn))) == 1
    vtn.tokens.clear()
    assert len(server.events(link_to(vtn))) == 1
    assert vtn.asked.count("POST /auth/token") == 2
    with pytest.raises(ServerUnavailable, match="no token: HTTP 401"):
        server.events(link_to(vtn, client_id="somebody"))


def test_more_events_than_a_page_are_all_heard_and_one_that_is_none_spoils_no_other(vtn: Vtn, kit: Kit) -> None:
    for _ in range(51):
        event(vtn, kit, ("SIMPLE", 1))
    event(vtn, kit, ("SIMPLE", 9))
    server = client(kit)
    assert len(server.events(link_to(vtn))) == 51
    assert server.events(link_to(vtn, programs=("other",))) == []


def test_an_address_inside_is_refused(kit: Kit) -> None:
    ven = replace(utilities(kit), may_be_inside=False)
    with serving("3.1.0") as vtn, pytest.raises(ValueError, match="https"):
        ven.link(link_to(vtn))


def test_each_operators_server_is_asked_by_an_invocation_of_its_own(kit: Kit) -> None:
    ven = utilities(kit)
    with serving("3.1.0") as vtn:
        for number in range(3):
            ven.link(replace(link_to(vtn), operator_id=f"op-{number}"))
    assert ven.begin() == 3


@pytest.mark.skipif(
    _PUBLISHED not in os.environ,
    reason=f"{_PUBLISHED} names no folder with the Alliance's openadr3.yaml of each version",
)
def test_what_is_served_and_reported_is_what_the_published_description_says(vtn: Vtn, kit: Kit) -> None:
    yaml = pytest.importorskip("yaml")
    text = (Path(os.environ[_PUBLISHED]) / vtn.version / "openadr3.yaml").read_text()
    published = yaml.safe_load(text)
    event(vtn, kit, ("SIMPLE", 1), ("PRICE", 0.2))
    server = client(kit)
    server.report(link_to(vtn), "program-1", "event-1", [])
    for kind, objects in vtn.objects.items():
        for it in objects.values():
            schema = {"$ref": f"#/components/schemas/{kind[:-1]}", "components": _plain(published["components"])}
            jsonschema_rs.validate(schema, it)
    wanted = {path: set(told) for path, told in published["paths"].items()}
    assert all(path.partition(" ")[2] in wanted for path in vtn.asked)


def _plain(said: Any) -> Any:
    """OpenAPI 3.0's `nullable` and its numbers' bounds in the words of JSON Schema."""
    if isinstance(said, list):
        return [_plain(it) for it in said]
    if not isinstance(said, dict):
        return said
    plain = {name: _plain(it) for name, it in said.items() if name not in ("discriminator", "example")}
    if plain.pop("nullable", False) and isinstance(plain.get("type"), str):
        plain["type"] = [plain["type"], "null"]
    if plain.get("exclusiveMaximum") is True:
        plain["exclusiveMaximum"] = plain.pop("maximum")
    return plain


@pytest.mark.skipif(sys.version_info < (3, 12), reason="openadr3-client needs Python 3.12: it drives no stand-in here")
def test_another_client_finds_at_the_stand_in_what_ours_does(
    vtn: Vtn, kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Its library of OAuth takes no token without TLS else.
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    made = pytest.importorskip("openadr3_client.bl.http_factory", reason="openadr3-client is not installed")
    versions = pytest.importorskip("openadr3_client.version").OADRVersion
    event(vtn, kit, ("SIMPLE", 1))
    other = made.BusinessLogicHttpClientFactory.create_http_bl_client(
        vtn_base_url=vtn.url,
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        token_url=f"{vtn.url}/auth/token",
        allow_insecure_http=True,
        version=versions("oadr" + vtn.version.replace(".", "")),
    )
    found = other.events.get_events(target=None, pagination=None, program_id=None)
    ours = client(kit).events(link_to(vtn))
    assert [it.id for it in found] == [it.event_id for it in ours]


def test_an_event_that_comes_to_ask_for_nothing_is_asked_no_more(
    vtn: Vtn, plant: Plant, desk: object, spread: Spread
) -> None:
    kit, ven = plant.kit, utilities(plant.kit, spread)
    ven.link(link_to(vtn))
    told = event(vtn, kit, ("LOAD_CONTROL", 0.11), reportDescriptors=[{"payloadType": "USAGE"}])
    ven.ask("op")
    plant.live(2)
    assert amps(plant) == [7.0, 7.0]
    draw(plant, 2)
    # So a server calls one off that it keeps: it lasts no time.
    told["intervalPeriod"]["duration"] = "PT0S"
    assert ven.ask("op") == 1
    plant.live(660)
    assert is_given_back(plant)
    assert ven.ask("op") == 0
    assert vtn.objects["reports"]


def test_an_event_that_comes_to_be_what_nobody_may_ask_for_holds_no_more_as_it_was(
    vtn: Vtn, plant: Plant, desk: object, spread: Spread
) -> None:
    kit, ven = plant.kit, utilities(plant.kit, spread)
    ven.link(link_to(vtn))
    told = event(vtn, kit, ("LOAD_CONTROL", 0.11))
    ven.ask("op")
    plant.live(2)
    told["intervalPeriod"]["start"] = (kit.clock() + timedelta(days=30_000)).isoformat()
    ven.ask("op")
    plant.live(660)
    assert is_given_back(plant)
    # And one that comes to be what nobody understands.
    again = event(vtn, kit, ("LOAD_CONTROL", 0.11))
    ven.ask("op")
    plant.live(2)
    assert amps(plant) == [7.0, 7.0]
    again["intervals"][0]["payloads"][0]["values"] = ["much"]
    ven.ask("op")
    plant.live(660)
    assert is_given_back(plant)


def test_an_event_without_an_end_that_sites_begin_one_after_another_is_asked_for(
    vtn: Vtn, plant: Plant, desk: object, spread: Spread
) -> None:
    kit, ven = plant.kit, utilities(plant.kit, spread)
    ven.link(link_to(vtn))
    start = kit.clock().isoformat()
    event(vtn, kit, ("LOAD_CONTROL", 0.11), intervalPeriod={"start": start, "randomizeStart": "PT1M"})
    ven.ask("op")
    plant.live(150)
    assert amps(plant) == [7.0, 7.0]


def test_of_many_events_that_are_long_over_none_crowds_out_the_one_that_holds(
    vtn: Vtn, plant: Plant, desk: object, spread: Spread
) -> None:
    """A server of 3.0.1 has no way to leave them out."""
    kit, ven = plant.kit, utilities(plant.kit, spread)
    ven.link(link_to(vtn))
    old = {"start": (kit.clock() - timedelta(days=40)).isoformat(), "duration": "PT1H"}
    for _ in range(450):
        event(vtn, kit, ("SIMPLE", 1), intervalPeriod=old)
    event(vtn, kit, ("LOAD_CONTROL", 0.11))
    ven.ask("op")
    plant.live(2)
    assert amps(plant) == [7.0, 7.0]
    assert len(ven.linked("op")[1].heard) == 1


def test_who_wants_to_know_sooner_is_told_each_quarter_of_an_hour_and_none_of_them_twice(
    vtn: Vtn, plant: Plant, desk: object, spread: Spread
) -> None:
    kit, ven = plant.kit, utilities(plant.kit, spread)
    ven.link(link_to(vtn))
    told = event(vtn, kit, ("SIMPLE", 1), minutes=40, reportDescriptors=[{"payloadType": "USAGE", "frequency": 0}])
    seen = []
    for minute in range(60):
        if minute == 20:
            # It asks for more: what was reported of it stands.
            told["intervals"][0]["payloads"][0]["values"] = [2]
        ven.ask("op")
        seen.append(len(vtn.objects["reports"]))
        draw(plant, 1)
    starts = [
        interval["intervalPeriod"]["start"]
        for it in vtn.objects["reports"].values()
        for interval in it["resources"][0]["intervals"]
    ]
    assert starts == sorted(set(starts))
    assert len(starts) >= 3
    # Within two minutes of each quarter's end.
    assert seen[17] >= 1
    assert seen[32] >= 2
    names = [it["reportName"] for it in vtn.objects["reports"].values()]
    assert len(set(names)) == len(names)


def test_one_that_is_heard_when_it_is_over_lowers_nobody(vtn: Vtn, plant: Plant, desk: object, spread: Spread) -> None:
    kit, ven = plant.kit, utilities(plant.kit, spread)
    ven.link(link_to(vtn))
    start = (kit.clock() - timedelta(minutes=61)).isoformat()
    event(vtn, kit, ("LOAD_CONTROL", 0.11), intervalPeriod={"start": start, "duration": "PT1H"})
    ven.ask("op")
    plant.live(60)
    assert amps(plant) == [14.0, 14.0]
