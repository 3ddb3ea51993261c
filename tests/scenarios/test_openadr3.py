"""A utility's OpenADR 3 server has an event just after it was asked: the ask by message that hears it lowers cars."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import boto3
import pytest

from chalicelib import wiring
from chalicelib.domain.grid.demand_response import RESTORED_WITHIN
from local.openadr import CLIENT_ID, CLIENT_SECRET, Vtn, serving
from tests.scenarios.test_load_balancing import Site
from tests.scenarios.world import World, eventually

_SERVER = "/v1/operator/demand-response/openadr"


@pytest.fixture(params=["3.0.1", "3.1.0"])
def vtn(request: pytest.FixtureRequest) -> Iterator[Vtn]:
    with serving(request.param) as made:
        yield made


def _delayed() -> int:
    """Messages of the queue that wait for their time, on AWS as here."""
    queue = wiring.network().setting("DEMAND_RESPONSE_QUEUE", "")
    told = boto3.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    return int(told["ApproximateNumberOfMessagesDelayed"])


def test_an_event_is_heard_by_the_ask_between_two_minutes_and_lowers_all_cars(world: World, vtn: Vtn) -> None:
    cloud = world.stack.cloud
    site = Site(world)
    site.describe()
    area = f"quay-{site.site_id}"
    world.operator.call("PUT", f"{site.path}/demand-response", {"areas": [area]})
    site.begin(0)
    site.begin(1)
    site.until_offered(14.0, 14.0, 0, 0)
    link = {"url": vtn.url, "version": vtn.version, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    world.operator.call("PUT", _SERVER, {**link, "ven_name": "kerb-quay"})
    world.at_the_end(lambda: _unlinked(world))
    program = vtn.add("programs", {"programName": "peak"})
    before = _delayed()
    # The minute's own ask, at once; it finds nothing, and two more are to come.
    assert cloud.fire("openadr") == {"asked": 1}
    asked = vtn.asked.count("GET /events")
    assert asked == 1
    assert _delayed() == before + 2
    targets = [{"type": "GROUP", "values": [area]}] if vtn.version == "3.0.1" else [area]
    event = vtn.add(
        "events",
        {
            "programID": program["id"],
            "intervalPeriod": {"start": datetime.now(UTC).isoformat(), "duration": "PT1H"},
            "intervals": [{"id": 0, "payloads": [{"type": "SIMPLE", "values": [2]}]}],
            "targets": targets,
        },
    )
    # Their time has come, and no schedule's has.
    cloud.queues.deliver()
    cloud.settle()
    assert vtn.asked.count("GET /events") > asked
    site.until_offered(7.0, 7.0, 0, 0)
    # Those asks asked for none themselves.
    assert _delayed() == before + 2
    told = world.operator.call("GET", _SERVER)
    assert (told["fault"], len(told["events"])) == ("", 1)
    # Called off just after the next minute's ask, it is given back from the message's on.
    assert cloud.fire("openadr") == {"asked": 1}
    del vtn.objects["events"][event["id"]]
    cloud.queues.deliver()
    cloud.settle()
    (cancelled,) = (
        it
        for it in world.operator.call("GET", "/v1/operator/demand-response/events?limit=100")["items"]
        if it["event_id"] == told["events"][0]
    )
    assert cancelled["cancelled_at"] is not None

    def is_told() -> bool:
        site.looked()
        (demand,) = site.power()["demands"]
        ends_at = datetime.fromisoformat(demand["ends_at"])
        return ends_at <= datetime.now(UTC) < ends_at + RESTORED_WITHIN

    eventually(is_told)


def _unlinked(world: World) -> None:
    world.operator.call("DELETE", _SERVER)
