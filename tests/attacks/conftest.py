"""A network under attack: its operator and a driver who mean well, and a rival, a stranger and a charger who do not.

Everything here goes through the doors that the internet has: HTTP, and the chargers' socket. One file a boundary; each
test is something that must be refused, and must leave no trace.
"""

from __future__ import annotations

import base64
import http.client
import itertools
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from websockets import Subprotocol
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from benchmarks.wire import Socket
from local.client import Person
from local.seed import CHARGER_PASSWORD, SITE_ID, open_account, open_operator, seed
from local.stack import Options, Stack
from tests.stacks import patient_stack

TIMEOUT_S = 60
_numbers = itertools.count(1)


class _ToTheLetter(http.client.HTTPConnection):
    """Sends a path's characters as the bytes that they number, be they ASCII or not."""

    def _encode_request(self, request: str) -> bytes:
        return request.encode("latin-1")


@dataclass
class Network:
    """Who is who. `mallory` is a driver like any other; `rival` an operator like any other."""

    stack: Stack
    operator: Person
    alice: Person
    mallory: Person
    rival: Person

    def ask(
        self,
        who: Person | str | None,
        method: str,
        path: str,
        body: Any = None,
        headers: dict[str, str] | None = None,
        data: bytes | None = None,
    ) -> requests.Response:
        """One request as that person, with that token, or as nobody."""
        token = who.token if isinstance(who, Person) else who
        sent = {**({"Authorization": f"Bearer {token}"} if token else {}), **(headers or {})}
        url = self.stack.http_url + path
        return requests.request(
            method, url, json=body, data=data, headers=sent, timeout=TIMEOUT_S, allow_redirects=False
        )

    def ask_to_the_letter(self, who: Person | None, method: str, target: str) -> tuple[int, str]:
        """A request whose path is sent as it stands, which no polite client would do."""
        link = _ToTheLetter(self.stack.options.host, self.stack.rest.port, timeout=TIMEOUT_S)
        try:
            link.putrequest(method, target, skip_host=False, skip_accept_encoding=True)
            if who is not None:
                link.putheader("Authorization", f"Bearer {who.token}")
            link.endheaders()
            answer = link.getresponse()
            return answer.status, answer.read().decode()
        finally:
            link.close()

    def register(self, *, password: str = CHARGER_PASSWORD, **more: Any) -> str:
        """A charger of the operator's that nobody else uses."""
        charger_id = f"ATT-{next(_numbers)}"
        # As fast as the tests are: what a plug cannot give is not billed.
        plugs = [{"connector": it, "max_power_w": 20_000_000} for it in ("1", "2")]
        body = {"site_id": SITE_ID, "connectors": ["1", "2"], "plugs": plugs, "password": password, **more}
        self.operator.call("PUT", f"/v1/operator/chargers/{charger_id}", body)
        return charger_id

    @contextmanager
    def charger(self, charger_id: str | None = None) -> Iterator[Socket]:
        """Its open socket, booted."""
        charger_id = charger_id or self.register()
        socket = Socket(self.stack.socket_url, charger_id, CHARGER_PASSWORD, "ocpp1.6")
        try:
            socket.call("BootNotification", {"chargePointVendor": "Test", "chargePointModel": "One"})
            yield socket
        finally:
            socket.close()

    def knock(self, target: str, user: str | None, password: bytes = b"", **headers: str) -> int:
        """The HTTP status that a charger's handshake is answered with; 101 for one that is let in."""
        proof = {}
        if user is not None:
            proof["Authorization"] = "Basic " + base64.b64encode(user.encode() + b":" + password).decode()
        url = self.stack.socket_url.removesuffix("/ocpp") + target
        try:
            with connect(
                url,
                subprotocols=[Subprotocol("ocpp1.6")],
                additional_headers={**proof, **headers},
                open_timeout=TIMEOUT_S,
            ):
                return 101
        except InvalidStatus as refused:
            return refused.response.status_code

    def begin(self, who: Person, charger_id: str, socket: Socket) -> str:
        """A session of that driver's, under way."""
        session_id = str(who.begin(charger_id)["session_id"])
        socket.await_command()
        start = {"connectorId": 1, "idTag": socket.command["idTag"], "meterStart": 0, "timestamp": stamp()}
        socket.transaction_id = socket.call("StartTransaction", start)["transactionId"]  # type: ignore[attr-defined]
        who.until(session_id, lambda it: it["state"] == "active")
        return session_id

    def finish(self, who: Person, session_id: str, socket: Socket, meter_stop_wh: int = 5_000) -> dict[str, Any]:
        """The session, stopped by its charger and paid."""
        transaction_id: int = socket.transaction_id  # type: ignore[attr-defined]
        stop = {"transactionId": transaction_id, "meterStop": meter_stop_wh, "timestamp": stamp()}
        socket.call("StopTransaction", stop)
        return who.until(session_id, lambda it: it["state"] in ("completed", "failed"))

    def person(self, card: str | None = "pm_card_visa") -> Person:
        """Another driver."""
        return open_account(self.stack, f"p-{secrets.token_hex(4)}@example.com", "Other-driver-1", card)

    def id_of(self, who: Person) -> str:
        """Their driver id."""
        return str(who.call("GET", "/v1/me")["driver_id"])


def stamp(later_s: float = 0) -> str:
    """A time as chargers write it."""
    return (datetime.now(UTC) + timedelta(seconds=later_s)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def problem(answer: requests.Response) -> str:
    """The code of the problem that was answered."""
    return str(json.loads(answer.text)["type"]).rpartition(":")[2]


@pytest.fixture(scope="package")
def net() -> Iterator[Network]:
    stack = patient_stack(Options(ticks_per_second=0))
    stack.start()
    seeded = seed(stack)
    mallory = open_account(stack, "mallory@example.com", "Mallory-mean-1")
    rival = open_operator(stack, "rival@example.com", "Rival-operator-1", "rival")
    rival.call("PUT", "/v1/operator/tariffs/rival-tariff", {"name": "R", "currency": "EUR", "price_per_kwh": "0.10"})
    site = {"name": "Theirs", "address": "There 1", "time_zone": "Europe/Berlin", "tariff_id": "rival-tariff"}
    rival.call("PUT", "/v1/operator/sites/rival-site", site)
    yield Network(stack, seeded.operator, seeded.driver, mallory, rival)
    stack.stop()


@dataclass
class Scene:
    """What alice has: a session that is paid, and one that is under way at `socket`."""

    paid: str
    running: str
    charger_id: str
    socket: Socket


@pytest.fixture(scope="package")
def scene(net: Network) -> Iterator[Scene]:
    charger_id = net.register()
    with net.charger(charger_id) as earlier:
        paid = net.begin(net.alice, charger_id, earlier)
        assert net.finish(net.alice, paid, earlier)["state"] == "completed"
    charger_id = net.register()
    with net.charger(charger_id) as socket:
        yield Scene(paid, net.begin(net.alice, charger_id, socket), charger_id, socket)
