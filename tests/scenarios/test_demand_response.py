"""Two sites of charging cars are asked for a fifth less, and all lowered; once it is over they have what they had."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib.domain.grid.demand_response import RESTORED_WITHIN
from tests.scenarios.test_load_balancing import Site
from tests.scenarios.world import World, eventually


def _event(event_id: str) -> str:
    return f"/v1/operator/demand-response/events/{event_id}"


def test_two_sites_are_lowered_by_one_word_and_given_back_by_another(world: World) -> None:
    sites = [Site(world) for _ in range(2)]
    call = world.operator.call
    for site in sites:
        site.describe()
        call("PUT", f"{site.path}/demand-response", {"areas": ["quay"]})
        site.begin(0)
        site.until_offered(22.0, 0, 0, 0)
        site.begin(1)
        site.until_offered(14.0, 14.0, 0, 0)
    now = datetime.now(UTC)
    body: dict[str, Any] = {
        "program": "evening-peak",
        "areas": ["quay"],
        "intervals": [{"begins_at": now.isoformat(), "ends_at": (now + timedelta(hours=1)).isoformat()}],
    }
    event_id = f"peak-{sites[0].site_id}"
    told = call("PUT", _event(event_id), body)
    assert (told["intervals"][0]["permille"], told["revision"]) == (200, 1)
    # Said again it is the same.
    assert call("PUT", _event(event_id), body) == told
    for site in sites:
        site.until_offered(11.2, 11.2, 0, 0)
        (held,) = site.power()["demands"]
        assert (held["event_id"], held["holds_permille"]) == (event_id, 1000)
        assert {it["bound"] for it in site.power()["ports"] if it["session_id"]} == {f"demand:{event_id}"}

    # Whoever told it, the operator's people hear of it.
    def is_alarm() -> bool:
        world.stack.cloud.queues.deliver()
        alarms = call("GET", "/v1/operator/alarms?limit=100&open=true")["items"]
        return any(subject.endswith(event_id) for it in alarms for subject in it["subjects"])

    eventually(is_alarm)

    def is_delivered() -> bool:
        for site in sites:
            site.looked()
        report = call("GET", f"{_event(event_id)}/report")
        baseline_w: int = sum(it["baseline_w"] for it in report["quarters"])
        return len(report["sites"]) == len(sites) and baseline_w > 0

    eventually(is_delivered)
    # More is asked under the same name: so much that to give it back is worth a frame, however many there were.
    body["intervals"][0]["permille"] = 500
    assert call("PUT", _event(event_id), body)["revision"] == 2
    for site in sites:
        site.until_offered(7.0, 7.0, 0, 0)
    call("DELETE", _event(event_id))
    eventually(lambda: all(_is_cancelled(site) for site in sites))
    # Chargers keep the true time, so that the clock is not moved: it is told anew that it ended a while ago.
    long_ago, lately = now - timedelta(hours=1), now - RESTORED_WITHIN
    body["intervals"][0] |= {"begins_at": long_ago.isoformat(), "ends_at": lately.isoformat()}
    call("PUT", _event(event_id), body)
    eventually(lambda: all(_is_given_back(site) for site in sites))
    for site in sites:
        assert site.power()["demands"][0]["holds_permille"] == 0


def _is_cancelled(site: Site) -> bool:
    site.looked()
    (told,) = site.power()["demands"]
    return datetime.fromisoformat(told["ends_at"]) <= datetime.now(UTC)


def _is_given_back(site: Site) -> bool:
    """Whether both cars have what they had, but for what is not worth a frame."""
    site.looked()
    return all(it > 13.0 for it in site.offered_a()[:2])
