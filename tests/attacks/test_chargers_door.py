"""The chargers' door: nobody is a charger but by its proof, and nobody learns from outside which chargers there are.

STRIDE: spoofing (identities, the edge's headers), information disclosure (how a refusal looks, and what it costs).
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.client import BaseClient

from benchmarks.calls import until_quiet
from chalicelib import wiring
from local.seed import CHARGER_PASSWORD
from tests.attacks.conftest import Network

SECRET = CHARGER_PASSWORD.encode()


@pytest.mark.parametrize(
    ("target", "user", "password"),
    [
        ("/ocpp/{0}", None, b""),
        ("/ocpp/{0}", "{0}", b""),
        ("/ocpp/{0}", "{0}", b"guess"),
        ("/ocpp/{0}", "{0}", SECRET + b"\0"),
        ("/ocpp/{0}", "{0}", SECRET[:-1]),
        ("/ocpp/{0}", "{0}", SECRET.upper()),
        ("/ocpp/{1}", "{0}", SECRET),
        ("/ocpp/{0}", "{1}", SECRET),
        ("/ocpp/{0}/{1}", "{1}", b"guess"),
        ("/ocpp/{0}%00", "{0}", b"guess"),
        ("/ocpp/..%2f{0}", "{0}", b"guess"),
        ("/ocpp/{0}?id={1}", "{0}", b"guess"),
        ("/ocpp/", "", b""),
    ],
)
def test_a_name_is_no_proof(net: Network, target: str, user: str | None, password: bytes) -> None:
    mine, other = net.register(password="another-password-1"), net.register()
    asked = target.format(mine, other), user.format(mine, other) if user is not None else None
    assert net.knock(*asked, password) == 401
    assert not net.alice.call("GET", f"/v1/chargers/{mine}")["online"]


def test_the_edges_headers_are_believed_from_the_edge_alone(net: Network) -> None:
    """The gateway sets the target itself; a client that sends one, or a certificate's subject, is not heard."""
    victim = net.register(security_profile=3)
    for header, value in (
        ("X-Kerb-Target", f"/ocpp/{victim}"),
        ("X-Kerb-Charger-Id", victim),
        ("X-Kerb-Client-Cert-Subject", f"CN={victim}"),
        ("X-Kerb-Edge-Secret", "guess"),
    ):
        assert net.knock(f"/ocpp/{victim}", victim, SECRET, **{header: value}) in (401, 403)
    assert not net.alice.call("GET", f"/v1/chargers/{victim}")["online"]


def test_another_chargers_certificate_is_none(net: Network) -> None:
    victim, other = net.register(security_profile=3), net.register(security_profile=3)
    for subject in (f"CN={other}", f"O={victim}", f"CN=x\\,CN={victim}", f"CN={victim}x", f"CN={victim.lower()}", ""):
        assert _by_certificate(net, victim, subject) == 401
    assert _by_certificate(net, victim, f"CN={victim}") == 200


def test_a_blocked_charger_stays_out_by_any_spelling(net: Network) -> None:
    charger_id = net.register(blocked=True)
    for target in (f"/ocpp/{charger_id}", f"//ocpp//{charger_id}/", f"/ocpp/{charger_id.lower()}", "/ocpp"):
        assert net.knock(target, charger_id, SECRET) in (401, 403)


@dataclass
class Work:
    """What refusing cost: hashes of passwords, and calls to AWS by name."""

    hashes: int = 0
    calls: Counter[str] = field(default_factory=Counter)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Work) and (self.hashes, self.size) == (other.hashes, other.size)

    __hash__ = None  # type: ignore[assignment]

    @property
    def size(self) -> tuple[int, int]:
        """Reads and writes: one of a kind takes as long as another."""
        reads = sum(number for name, number in self.calls.items() if name.startswith(("GetItem", "BatchGet", "Query")))
        return reads, self.calls.total() - reads


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Counts work from one knock to its answer."""
    done = Work()
    scrypt, call = hashlib.scrypt, BaseClient._make_api_call  # type: ignore[attr-defined]

    def counted_scrypt(*args: Any, **options: Any) -> bytes:
        done.hashes += 1
        return scrypt(*args, **options)

    def counted_call(client: Any, operation: str, params: Any) -> Any:
        done.calls[operation] += 1
        return call(client, operation, params)

    monkeypatch.setattr(hashlib, "scrypt", counted_scrypt)
    monkeypatch.setattr(BaseClient, "_make_api_call", counted_call)

    @contextmanager
    def counting() -> Iterator[Work]:
        # What others were asked for before is over: a socket's end, a workflow.
        until_quiet(0.1)
        done.hashes = 0
        done.calls.clear()
        one = Work()
        yield one
        one.hashes, one.calls = done.hashes, Counter(done.calls)

    return counting


def test_every_refusal_takes_the_same_work(net: Network, work: Any) -> None:
    """Whether a charger exists, has that password, another one on offer, or a certificate: from outside it is one."""
    by_password, by_certificate = net.register(), net.register(security_profile=3)
    changing, refused_often = net.register(), net.register()
    net.operator.call("PUT", f"/v1/operator/chargers/{changing}", _body(changing))
    wiring.network().charger_passwords.offer(changing, wiring.network().chargers.get(changing).password_hash)  # type: ignore[union-attr]
    for _ in range(11):
        # Beyond ten, only every so many are written into the charger's log.
        net.knock(f"/ocpp/{refused_often}", refused_often, b"guess")
    everybody = {
        "wrong password": by_password,
        "certificate wanted": by_certificate,
        "two passwords": changing,
        "often refused": refused_often,
        "no such charger": "ATT-NOBODY",
    }
    found = {}
    for why, name in everybody.items():
        for how, target, user, password in (
            ("plainly", f"/ocpp/{name}", name, b"guess"),
            ("as bytes", f"/ocpp/{name}", name, bytes(range(236, 256))),
            ("in another case", f"/ocpp/{name.lower()}", name.lower(), b"guess"),
            ("without a user", f"/ocpp/{name}", "", b"guess"),
            ("by user", "/ocpp", name, b"guess"),
            ("unproven", f"/ocpp/{name}", None, b""),
        ):
            with work() as done:
                assert net.knock(target, user, password) == 401
            found[how, why] = done
    for how in {how for how, _ in found}:
        kinds = {why: (it.hashes, *it.size) for (asked, why), it in found.items() if asked == how}
        assert len(set(kinds.values())) == 1, (how, kinds)
    assert found["plainly", "no such charger"].hashes == 2
    assert found["as bytes", "no such charger"].hashes == 4
    assert found["unproven", "no such charger"].hashes == 0


def test_every_refusal_reads_the_same(net: Network) -> None:
    known, certified = net.register(), net.register(security_profile=3)
    for password in (b"guess", b""):
        answers = {net.knock(f"/ocpp/{name}", name, password) for name in (known, certified, "ATT-NOBODY")}
        assert answers == {401}


def test_nobody_speaks_down_a_chargers_socket_but_who_signs(net: Network) -> None:
    """`@connections`, on the laptop as on AWS (tests/local/test_rest.py tries forged signatures)."""
    with net.charger():
        for socket_id in ("x", "abc%3D"):
            for method in ("POST", "GET", "DELETE"):
                for authorization in ("", "AWS4-HMAC-SHA256 Credential=a/b", f"Bearer {net.operator.token}"):
                    headers = {"Authorization": authorization} if authorization else {}
                    answer = net.ask(None, method, f"/@connections/{socket_id}", headers=headers, data=b"[2]")
                    assert answer.status_code == 403


def _body(charger_id: str) -> dict[str, Any]:
    return {"site_id": "demo-harbour", "connectors": ["1"], "password": CHARGER_PASSWORD}


def _by_certificate(net: Network, charger_id: str, subject: str) -> int:
    """What the door answers the edge that has verified a certificate of that subject."""
    headers = {
        "X-Kerb-Edge-Secret": wiring.network().setting("EDGE_SECRET"),
        "X-Kerb-Target": f"/ocpp/{charger_id}",
        "X-Kerb-Client-Cert-Subject": subject,
        "Sec-WebSocket-Protocol": "ocpp1.6",
    }
    connected_at = int(datetime.now(UTC).timestamp() * 1000)
    context = {"connectionId": "from-the-edge=", "routeKey": "$connect", "connectedAt": connected_at}
    event = {"requestContext": {**context, "domainName": "x", "stage": "api", "apiId": "local"}, "headers": headers}
    return int(net.stack.hooks.connect(json.loads(json.dumps(event)), None)["statusCode"])
