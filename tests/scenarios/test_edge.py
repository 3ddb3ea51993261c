"""Only what the edge says of a charger is believed, and a charger of profile 3 gets in by its certificate alone."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets import Subprotocol
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus, WebSocketException

from local.certificates import Authority
from local.gateway import Gateway
from local.seed import SITE_ID
from tests.patience import PATIENCE_S
from tests.scenarios.world import PASSWORD, World

BOOT = json.dumps([2, "1", "BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"}])


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority.create(tmp_path)


@pytest.fixture
def secure_url(world: World, authority: Authority) -> Iterator[str]:
    """A second door to the same backend, with TLS."""

    async def opened() -> Gateway:
        gateway = Gateway(world.stack.hooks)
        await gateway.start("127.0.0.1", 0, authority.server_context())
        return gateway

    gateway = asyncio.run_coroutine_threadsafe(opened(), world.loop).result(60)
    yield f"wss://127.0.0.1:{gateway.port}/ocpp"
    asyncio.run_coroutine_threadsafe(gateway.stop(), world.loop).result(60)


def register(world: World, charger_id: str) -> None:
    body = {"site_id": SITE_ID, "connectors": ["1"], "security_profile": 3}
    world.operator.call("PUT", f"/v1/operator/chargers/{charger_id}", body)


async def knock(url: str, charger_id: str, tls: ssl.SSLContext | None = None, **headers: str) -> str:
    """What its BootNotification is answered by, if it is let in. In one thread: none reads TLS while another writes."""
    door = connect(
        f"{url}/{charger_id}",
        ssl=tls,
        subprotocols=[Subprotocol("ocpp1.6")],
        additional_headers=headers or None,
        open_timeout=PATIENCE_S,
        proxy=None,
    )
    async with door as socket:
        await socket.send(BOOT)
        answer = await asyncio.wait_for(socket.recv(), PATIENCE_S)
    return str(json.loads(answer)[2]["status"])


def test_a_charger_of_profile_3_gets_in_with_its_own_certificate(
    world: World, secure_url: str, authority: Authority
) -> None:
    register(world, "MTLS-1")
    own = authority.client_context(authority.issue("MTLS-1"))
    assert world.do(knock(secure_url, "MTLS-1", own)) == "Accepted"


def test_another_certificate_or_none_or_a_password_does_not_open(
    world: World, secure_url: str, authority: Authority
) -> None:
    register(world, "MTLS-2")
    another = authority.client_context(authority.issue("MTLS-3"))
    password = "Basic " + base64.b64encode(f"MTLS-2:{PASSWORD}".encode()).decode()
    for tls, headers in ((another, {}), (authority.client_context(), {}), (another, {"Authorization": password})):
        with pytest.raises(InvalidStatus) as refused:
            world.do(knock(secure_url, "MTLS-2", tls, **headers))
        assert refused.value.response.status_code == 401


def test_a_certificate_of_a_strange_authority_does_not_get_as_far_as_the_door(
    world: World, secure_url: str, authority: Authority, tmp_path: Path
) -> None:
    register(world, "MTLS-4")
    (tmp_path / "strange").mkdir()
    strange = Authority.create(tmp_path / "strange").issue("MTLS-4")
    with pytest.raises((ssl.SSLError, OSError, EOFError, WebSocketException)):
        world.do(knock(secure_url, "MTLS-4", authority.client_context(strange)))


@pytest.mark.parametrize("header", ["X-Kerb-Client-Cert-Subject", "x-kerb-CLIENT-cert-subject"])
def test_a_certificate_that_a_client_only_claims_is_not_believed(world: World, header: str) -> None:
    register(world, "MTLS-5")
    with pytest.raises(InvalidStatus) as refused:
        world.do(knock(world.stack.socket_url, "MTLS-5", None, **{header: "CN=MTLS-5"}))
    assert refused.value.response.status_code == 401


def test_whoever_finds_the_door_behind_the_edge_is_turned_away(world: World) -> None:
    event = {
        "headers": {"X-Kerb-Charger-Id": "DEMO-16", "X-Kerb-Edge-Secret": "guess"},
        "requestContext": {"connectionId": "direct=", "connectedAt": 0, "domainName": "x", "stage": "x", "apiId": "x"},
    }
    assert world.stack.hooks.connect(event, None)["statusCode"] == 403
