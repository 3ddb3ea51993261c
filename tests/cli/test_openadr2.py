"""What an OpenADR 2.0b event asks, and what its VEN does while the operator's API is away."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cli.__main__ import main
from cli.openadr2 import OperatorApi, Refused, Unheard, Ven
from cli.openadr2_events import NotUnderstood, body_of, name_of

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
_SERVER = "https://vtn.example/OpenADR2/Simple/2.0b"
_HOUR = timedelta(hours=1)


def signal(name: str, kind: str, *values: float, lasts: timedelta = _HOUR, **measure: Any) -> dict[str, Any]:
    intervals = [{"uid": at, "duration": lasts, "signal_payload": value} for at, value in enumerate(values)]
    return {"signal_name": name, "signal_type": kind, "signal_id": "s", "intervals": intervals, **measure}


def told(*signals: Mapping[str, Any], status: str = "far", targets: Any = (), **period: Any) -> dict[str, Any]:
    described = {"event_id": "e-1", "modification_number": 0, "event_status": status, "market_context": "http://peak"}
    return {
        "event_descriptor": described,
        "active_period": {"dtstart": NOON, "duration": _HOUR, **period},
        "event_signals": list(signals),
        "targets": list(targets),
        "response_required": "always",
    }


def asked(*signals: Mapping[str, Any], now: datetime = NOON, **more: Any) -> list[dict[str, Any]]:
    intervals: list[dict[str, Any]] = body_of(told(*signals, **more), frozenset(), now)["intervals"]
    return [{key: it[key] for key in it if key not in ("begins_at", "ends_at")} for it in intervals]


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (signal("SIMPLE", "level", 2.0), {"kind": "level", "level": 2}),
        (signal("simple", "level", 1), {"kind": "level", "level": 1}),
        (signal("LOAD_CONTROL", "x-loadControlCapacity", 0.4), {"kind": "load_control", "permille": 400}),
        (signal("LOAD_CONTROL", "x-loadControlCapacity", 40), {"kind": "load_control", "permille": 400}),
        (signal("LOAD_CONTROL", "x-loadControlLevelOffset", 3), {"kind": "relative", "permille": 300}),
        (signal("LOAD_DISPATCH", "setpoint", 5000), {"kind": "setpoint", "power_w": 5000}),
        (
            signal("LOAD_DISPATCH", "setpoint", 5, power_real={"item_units": "W", "si_scale_code": "k"}),
            {"kind": "setpoint", "power_w": 5000},
        ),
    ],
)
def test_each_signal_that_lowers_is_asked_as_what_it_means(said: dict[str, Any], meant: dict[str, Any]) -> None:
    assert asked(said) == [meant]


def test_a_level_sent_along_for_those_who_know_no_better_counts_where_nothing_else_is_understood() -> None:
    level = signal("SIMPLE", "level", 3)
    assert asked(level, signal("LOAD_DISPATCH", "setpoint", 100)) == [{"kind": "setpoint", "power_w": 100}]
    assert asked(level, signal("ELECTRICITY_PRICE", "price", 0.4)) == [{"kind": "level", "level": 3}]


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (signal("ELECTRICITY_PRICE", "price", 0.4), "ELECTRICITY_PRICE price"),
        (signal("LOAD_CONTROL", "x-loadControlPercentOffset", 20), "x-loadControlPercentOffset"),
        (signal("LOAD_DISPATCH", "delta", -5), "LOAD_DISPATCH delta"),
        (signal("SIMPLE", "level", 4), "level 4"),
        (signal("SIMPLE", "level", 1.5), "level 1.5"),
        (signal("LOAD_DISPATCH", "setpoint", 5, voltage={"item_units": "V", "si_scale_code": "k"}), "kV"),
        (signal("LOAD_CONTROL", "x-loadControlCapacity", 400), "400"),
    ],
)
def test_what_asks_for_nothing_cars_could_do_is_refused_by_its_name(said: dict[str, Any], why: str) -> None:
    with pytest.raises(NotUnderstood, match=why):
        asked(said)


def test_intervals_follow_one_another_where_their_times_are_not_said() -> None:
    intervals = body_of(told(signal("SIMPLE", "level", 1, 2)), frozenset(), NOON)["intervals"]
    times = [(it["begins_at"], it["ends_at"]) for it in intervals]
    one, two = (NOON + it * _HOUR for it in (1, 2))
    assert times == [(NOON.isoformat(), one.isoformat()), (one.isoformat(), two.isoformat())]


def test_an_event_without_an_end_is_asked_for_a_day_from_now() -> None:
    later = NOON + timedelta(days=3)
    event = told(signal("SIMPLE", "level", 1, lasts=timedelta()), duration=timedelta())
    (interval,) = body_of(event, frozenset(), later)["intervals"]
    assert interval["ends_at"] == (later + timedelta(days=1)).isoformat()


def test_it_is_for_the_names_it_says_and_for_all_where_it_says_ours() -> None:
    level = signal("SIMPLE", "level", 1)
    body = body_of(told(level, targets=[{"group_id": "quay"}, {"ven_id": "us"}]), frozenset({"us"}), NOON)
    assert (body["areas"], body["site_ids"], body["program"]) == (["quay"], ["quay"], "http://peak")
    assert body_of(told(level, targets=[{"ven_id": "us"}]), frozenset({"us"}), NOON)["areas"] == []


def test_sites_begin_one_after_another_where_the_utility_asks_for_it() -> None:
    late = {"tolerate": {"startafter": timedelta(minutes=5)}}
    body = body_of(told(signal("SIMPLE", "level", 1), tolerance=late), frozenset(), NOON)
    assert body["random_start_s"] == 300


class Away(OperatorApi):
    """An API that cannot be reached, or refuses, or is there again."""

    def __init__(self) -> None:
        super().__init__("http://127.0.0.1:9", "kerb_live_x")
        self.fault: Exception | None = None
        self.heard: list[tuple[str, str]] = []

    async def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        if self.fault is not None:
            raise self.fault
        self.heard.append((method, path.rpartition("/")[2]))
        return {"items": [], "next_cursor": None}


def _ven(api: OperatorApi) -> Ven:
    return Ven(api, ven_name="us", vtn_url=_SERVER, clock=lambda: NOON)


def test_a_utility_is_told_yes_only_for_what_the_api_has_taken() -> None:
    async def story() -> None:
        api, level = Away(), signal("SIMPLE", "level", 1)
        ven = _ven(api)
        for api.fault in (Unheard("no line"), Refused("403")):
            assert await ven.hear(told(level)) == "optOut"
        api.fault = None
        ven._owed.clear()
        assert await ven.hear(told(signal("ELECTRICITY_PRICE", "price", 0.4))) == "optOut"
        assert api.heard == []
        assert await ven.hear(told(level)) == "optIn"
        assert api.heard == [("PUT", name_of(_SERVER, "e-1"))]

    asyncio.run(story())


def test_what_is_cancelled_while_the_api_is_away_is_cancelled_when_it_is_back() -> None:
    async def story() -> None:
        api = Away()
        ven = _ven(api)
        api.fault = Unheard("no line")
        assert await ven.hear(told(signal("SIMPLE", "level", 1), status="cancelled")) == "optIn"
        api.fault = None
        await ven._cancel_owed()
        await ven._cancel_owed()
        assert api.heard == [("DELETE", name_of(_SERVER, "e-1"))]

    asyncio.run(story())


def test_what_it_comes_to_ask_that_cannot_be_done_holds_no_more_as_it_was() -> None:
    async def story() -> None:
        api, level = Away(), signal("SIMPLE", "level", 1)
        ven, name = _ven(api), name_of(_SERVER, "e-1")
        for wrong in (signal("SIMPLE", "level", 7), signal("ELECTRICITY_PRICE", "price", 0.4)):
            assert await ven.hear(told(level)) == "optIn"
            assert await ven.hear(told(wrong)) == "optOut"
        assert api.heard == [("PUT", name), ("DELETE", name)] * 2
        # An answer that was lost may have been a yes: it is cancelled as soon as anybody hears it.
        api.heard.clear()
        api.fault = Unheard("no line")
        assert await ven.hear(told(level)) == "optOut"
        api.fault = None
        await ven._cancel_owed()
        assert api.heard == [("DELETE", name)]
        # Told again it stands, whatever was owed before.
        assert await ven.hear(told(level)) == "optIn"
        await ven._cancel_owed()
        assert api.heard[1:] == [("PUT", name)]

    asyncio.run(story())


def test_what_is_not_among_the_events_that_are_told_is_cancelled_by_that() -> None:
    async def story() -> None:
        api, one, other = Away(), told(signal("SIMPLE", "level", 1)), told(signal("SIMPLE", "level", 2))
        other["event_descriptor"]["event_id"] = "e-2"
        ven = _ven(api)
        for events in ([one, other], [other]):
            told_all = [{**it, "response_required": "never"} for it in events]
            await ven._on_event({"vtn_id": "VTN", "request_id": "r", "events": told_all})
        assert api.heard == [
            ("PUT", name_of(_SERVER, "e-1")),
            ("PUT", name_of(_SERVER, "e-2")),
            ("DELETE", name_of(_SERVER, "e-1")),
        ]

    asyncio.run(story())


def test_a_test_event_asks_nobody() -> None:
    async def story() -> None:
        api, event = Away(), told(signal("SIMPLE", "level", 3))
        event["event_descriptor"]["test_event"] = True
        assert await _ven(api).hear(event) == "optIn"
        assert api.heard == []

    asyncio.run(story())


def test_an_address_where_nobody_answers_is_unheard_and_not_refused() -> None:
    async def story() -> None:
        with pytest.raises(Unheard, match="PUT"):
            await OperatorApi("http://127.0.0.1:9", "kerb_live_x").ask("openadr2-x", {})

    asyncio.run(story())


class Registered(Ven):
    """A VEN whose utility says at each registration how often it wants to be asked, or (None) nothing of that."""

    says: timedelta | None = None

    async def _perform_request(self, service: str, message: str) -> tuple[str, dict[str, Any]]:
        told = {"response": {"response_code": 200}, "registration_id": "r", "ven_id": "us"}
        return "oadrCreatedPartyRegistration", told | ({"requested_oadr_poll_freq": self.says} if self.says else {})


@pytest.mark.parametrize(("says_s", "asked_s"), [(None, 10), (5, 5), (20, 20), (3600, 3600)])
def test_a_utility_is_asked_as_often_as_it_wants_and_within_the_bar_where_it_says_nothing(
    says_s: int | None, asked_s: int, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> None:
        ven = Registered(Away(), ven_name="us", vtn_url=_SERVER)
        ven.says = timedelta(seconds=says_s) if says_s else None
        await ven.create_party_registration()
        assert ven.poll_frequency == timedelta(seconds=asked_s)
        assert ("so late it is heard" in caplog.text) is (asked_s > 30)

    asyncio.run(story())


def test_a_utility_that_registers_us_anew_is_asked_as_often_as_it_says_then() -> None:
    async def story() -> None:
        ven = Registered(Away(), ven_name="us", vtn_url=_SERVER)
        ven.says = timedelta(seconds=60)
        await ven.create_party_registration()
        ven.scheduler.add_job(ven._poll, trigger="interval", seconds=60)
        ven.scheduler.start()
        ven.says = timedelta(seconds=20)
        await ven.create_party_registration(registration_id="r")
        (job,) = ven.scheduler.get_jobs()
        assert job.trigger.interval == ven.says
        ven.scheduler.shutdown()

    asyncio.run(story())


def test_without_a_key_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KERB_API_KEY", raising=False)
    with pytest.raises(SystemExit, match="KERB_API_KEY"):
        main(["openadr2", "--vtn", _SERVER, "--ven-name", "us", "--api", "https://api.example"])
