"""A contract pool over HTTP, and OCSP responders: what they give, and that nothing they do harms who asks."""

from __future__ import annotations

import base64
import json
import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from threading import Event, Thread
from typing import Any

import pytest

from chalicelib.adapters.ocpp.opcp import OpcpPool, keys_of
from chalicelib.adapters.ocpp.responders import DynamoCertificateMemory, WebResponders
from chalicelib.adapters.ocpp.web import NoReply, Web, WebRequest
from chalicelib.domain.chargers.contracts import ContractRequested
from chalicelib.records.ocpp import ContractUnavailable, ResponderUnavailable
from local.contract_pool import CLIENT_SECRET, SCHEMA, ContractPool, PoolFault

NOW = datetime(2026, 11, 30, 18, 0, tzinfo=UTC)
PCID, EMAID = "WMI00000000000001", "DE8AAC12345678"
CONTRACT = ContractRequested(schema=SCHEMA, exi=base64.b64encode(json.dumps({"pcid": PCID}).encode()).decode())


@pytest.fixture(scope="module")
def running() -> Iterator[ContractPool]:
    server = ContractPool(lambda: NOW)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def server(running: ContractPool) -> Iterator[ContractPool]:
    running.contracts = {PCID: [EMAID, "DE8AAC87654321"]}
    running.asked.clear()
    yield running
    running.fault = running.responder_fault = None


def pool_of(server: ContractPool, **more: Any) -> OpcpPool:
    settings = server.settings
    given: dict[str, Any] = {
        "address": settings["KERB_CONTRACT_PROVIDER"],
        "token_url": settings["KERB_CONTRACT_TOKEN_URL"],
        "keys": lambda: keys_of(settings["KERB_CONTRACT_KEYS"]),
        "web": Web(may_be_inside=True),
        "clock": lambda: NOW,
    }
    return OpcpPool(**(given | more))


def test_contracts_and_roots_are_had_with_one_token(server: ContractPool) -> None:
    pool = pool_of(server)
    assert [it.emaid for it in pool.contracts(CONTRACT)] == [EMAID, "DE8AAC87654321"]
    assert pool.roots() == [server.authority.root.der]
    assert server.asked == ["POST /oauth/token", "POST /v1/ccp/signedContractData", "GET /v1/root/rootCerts"]


def test_a_token_taken_back_before_its_time_is_asked_for_anew_once(server: ContractPool) -> None:
    pool = pool_of(server)
    pool.roots()
    server.take_tokens_back()
    assert pool.contracts(CONTRACT)
    assert server.asked.count("POST /oauth/token") == 2


def test_a_token_is_not_used_beyond_its_lifetime(server: ContractPool) -> None:
    moments = iter([NOW, NOW, NOW + timedelta(days=1), NOW + timedelta(days=1)])
    pool = pool_of(server, clock=lambda: next(moments))
    pool.roots()
    pool.roots()
    pool.roots()
    assert server.asked.count("POST /oauth/token") == 2


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (PoolFault.DOWN, "provider: no token"),
        (PoolFault.GARBAGE, "provider: no token"),
        (PoolFault.ENDLESS, "answer too long"),
        (PoolFault.ELSEWHERE, "provider: no token"),
    ],
)
def test_a_pool_that_fails_gives_no_contract_and_says_why(server: ContractPool, fault: PoolFault, why: str) -> None:
    server.fault = fault
    with pytest.raises(ContractUnavailable, match=why):
        pool_of(server).contracts(CONTRACT)


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (PoolFault.DOWN, "provider: HTTP 503"),
        (PoolFault.GARBAGE, "no contract"),
        (PoolFault.ENDLESS, "answer too long"),
        (PoolFault.ELSEWHERE, "provider: HTTP 302"),
    ],
)
def test_a_pool_that_fails_after_its_token_says_why_too(server: ContractPool, fault: PoolFault, why: str) -> None:
    pool = pool_of(server)
    pool.roots()
    server.fault = fault
    with pytest.raises(ContractUnavailable, match=why):
        pool.contracts(CONTRACT)
    assert "GET /elsewhere" not in server.asked


def test_a_car_without_a_contract_and_a_request_that_is_none_are_told_so(server: ContractPool) -> None:
    server.contracts = {}
    with pytest.raises(ContractUnavailable, match="provider: HTTP 404"):
        pool_of(server).contracts(CONTRACT)
    with pytest.raises(ContractUnavailable, match="provider: HTTP 400"):
        pool_of(server).contracts(replace(CONTRACT, exi="AAAA"))


def test_an_answer_that_dribbles_is_not_waited_for(server: ContractPool) -> None:
    seconds = iter([0.0, 100.0])
    web = Web(may_be_inside=True, seconds=lambda: next(seconds))
    asked = WebRequest(method="GET", url=f"{server.base}/", headers={}, most_bytes=1_000, most_s=12.0)
    with pytest.raises(NoReply, match="no answer in time"):
        web.asked(asked)


def test_a_header_that_dribbles_is_not_waited_for() -> None:
    is_left = Event()

    def dribble(listening: socket.socket) -> None:
        line, _ = listening.accept()
        with line, suppress(OSError):
            line.recv(4096)
            line.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            # Each sign in time, for 20 s; then all is well.
            for _ in range(400):
                line.sendall(b"x")
                if is_left.wait(0.05):
                    return
            line.sendall(b"\r\nContent-Length: 4\r\n\r\ngood")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = Thread(target=dribble, args=(listening,))
        thread.start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        asked = WebRequest(method="GET", url=url, headers={}, most_bytes=1_000, most_s=0.2)
        try:
            # Its own clock stands still: nothing but the connection's end can end this.
            with pytest.raises(NoReply, match="no answer in time"):
                Web(may_be_inside=True, seconds=lambda: 0.0).asked(asked)
        finally:
            is_left.set()
            thread.join()


def test_token_contract_and_second_try_have_one_time_together(
    server: ContractPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chalicelib.adapters.ocpp.opcp._MOST_S", 12.0)
    # So much passes between any two looks at the clock.
    web = Web(may_be_inside=True, seconds=count(0.0, 1.5).__next__)
    pool = pool_of(server, web=web)
    assert pool.roots()
    server.take_tokens_back()
    with pytest.raises(ContractUnavailable, match="no answer in time"):
        pool.contracts(CONTRACT)


def test_a_server_that_says_nothing_is_left_in_time(server: ContractPool) -> None:
    server.fault = PoolFault.SILENT
    asked = WebRequest(method="GET", url=f"{server.base}/", headers={}, most_bytes=10, most_s=0.05)
    with pytest.raises(NoReply, match="no answer in time"):
        Web(may_be_inside=True).asked(asked)


def test_credentials_go_to_no_plain_address_and_into_no_text(server: ContractPool) -> None:
    pool = pool_of(server, web=Web(resolve=lambda host, port: ["93.184.216.34"]))
    with pytest.raises(ContractUnavailable, match="provider: no https"):
        pool.contracts(CONTRACT)
    known = pool_of(server)
    known.roots()
    assert CLIENT_SECRET not in repr(known)
    assert not any(it in repr(known) for it in server._tokens)


@pytest.mark.parametrize("text", ["[]", "{", '{"client_id": 7}'])
def test_keys_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"JSON object|property name"):
        keys_of(text)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.8",
        "169.254.169.254",
        "192.168.1.1",
        "::1",
        "fd00::1",
        "::ffff:10.0.0.8",
        "0.0.0.0",
        "100.64.0.1",
    ],
)
def test_a_responder_inside_is_not_asked_whatever_it_is_called(server: ContractPool, address: str) -> None:
    responders = WebResponders(Web(resolve=lambda host, port: ["93.184.216.34", address]))
    with pytest.raises(ResponderUnavailable, match="address not public"):
        responders.ask("http://ocsp.example/", b"question")
    assert server.asked == []


@pytest.mark.parametrize(
    "url",
    ["", "ocsp.example", "ftp://ocsp.example", "file:///etc/passwd", "http://", "http://a:b@ocsp.example/", "ldap://x"],
)
def test_what_is_no_web_address_is_not_asked(url: str) -> None:
    with pytest.raises(ResponderUnavailable, match="no web address"):
        WebResponders(Web(resolve=lambda host, port: ["93.184.216.34"])).ask(url, b"question")


@pytest.mark.parametrize("url", ["http://ocsp.example:99999/", "http://[::1"])
def test_an_address_that_cannot_be_read_is_not_asked(url: str) -> None:
    with pytest.raises(ResponderUnavailable):
        WebResponders(Web(resolve=lambda host, port: ["93.184.216.34"])).ask(url, b"question")


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (PoolFault.DOWN, "responder: HTTP 503"),
        (PoolFault.ENDLESS, "answer too long"),
        (PoolFault.ELSEWHERE, "responder: HTTP 302"),
    ],
)
def test_a_responder_that_fails_says_why(server: ContractPool, fault: PoolFault, why: str) -> None:
    server.responder_fault = fault
    with pytest.raises(ResponderUnavailable, match=why):
        WebResponders(Web(may_be_inside=True)).ask(f"{server.base}/ocsp", b"question")


def test_what_was_said_is_remembered_until_it_is_out_of_date(tables: None) -> None:
    memory = DynamoCertificateMemory()
    memory.remember("abc", "said", NOW + timedelta(hours=1))
    assert memory.known(["abc", "def"], NOW) == {"abc": "said"}
    assert memory.known(["abc"], NOW + timedelta(hours=1)) == {}
    assert memory.known([], NOW) == {}
    counted = [memory.count(it, NOW) for it in ("CP-1", "CP-1", "CP-2")]
    assert (*counted, memory.count("CP-1", NOW + timedelta(hours=1))) == (1, 2, 1, 1)


def test_a_name_server_that_takes_its_time_is_not_waited_for() -> None:
    is_over = Event()

    def slow(host: str, port: int) -> list[str]:
        is_over.wait()
        return []

    asked = WebRequest(method="GET", url="http://ocsp.example/", headers={}, most_bytes=10, most_s=0.05)
    with pytest.raises(NoReply, match="name not found"):
        Web(resolve=slow).asked(asked)
    is_over.set()


def test_a_name_that_is_none_is_not_found() -> None:
    asked = WebRequest(method="GET", url="http://" + "x" * 70 + ".example/", headers={}, most_bytes=10, most_s=60.0)
    with pytest.raises(NoReply):
        Web().asked(asked)
