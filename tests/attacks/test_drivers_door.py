"""The drivers' API: another's session is nobody's, a token is its issuer's word, a path one path, a body one body.

STRIDE: spoofing (tokens), tampering (bodies, keys), information disclosure (ids), elevation (groups, mass assignment).
"""

from __future__ import annotations

import base64
import hmac
import json
import secrets
import time
from typing import Any

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import rsa
from moto.utilities.utils import load_resource

from infrastructure.web_files import HOME
from local import identity
from local.client import Person
from tests.attacks.conftest import Network, Scene, problem


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/v1/sessions/{}", None),
        ("DELETE", "/v1/sessions/{}", None),
        ("POST", "/v1/sessions/{}/unlock", None),
        ("GET", "/v1/sessions/{}/receipt", None),
        ("GET", "/v1/sessions/{}/receipt?format=pdf", None),
        ("POST", "/v1/sessions/{}/receipt/link", {}),
        ("GET", "/v1/sessions/{0}/refunds/C-{0}-1", None),
        ("POST", "/v1/sessions/{0}/refunds/C-{0}-1/link", {}),
        ("POST", "/v1/sessions/{}/invoice", None),
        ("GET", "/v1/sessions/{}/invoice", None),
        ("GET", "/v1/sessions/{}/invoice/2026-0000001?format=facturx", None),
        ("POST", "/v1/sessions/{}/invoice/2026-0000001/link", {}),
        ("GET", "/v1/sessions/{}/live", None),
        ("GET", "/v1/sessions/{}/live?last_event_id=end", None),
    ],
)
@pytest.mark.parametrize("which", ["paid", "running"])
def test_another_drivers_session_is_no_session(
    net: Network, scene: Scene, method: str, path: str, body: object, which: str
) -> None:
    session_id = getattr(scene, which)
    for who in (net.mallory, net.rival):
        assert net.ask(who, method, path.format(session_id), body).status_code == 404
    assert net.ask(None, method, path.format(session_id), body).status_code == 401
    assert net.alice.session(scene.running)["state"] == "active"


@pytest.mark.parametrize(
    "path",
    [
        "/v1/operator/sessions/{}/refund",
        "/v1/operator/sessions/{}/energy",
        "/v1/operator/sessions/{}/end",
        "/v1/operator/sessions/{}/settle",
    ],
)
def test_a_driver_is_no_operator_whatever_they_claim(net: Network, scene: Scene, path: str) -> None:
    claims = {"X-Operator-Id": "demo", "X-Amzn-Groups": "operator:demo", "X-Kerb-Operator": "demo"}
    answer = net.ask(net.mallory, "POST", path.format(scene.paid), {"operator_id": "demo"}, claims)
    assert answer.status_code == 403


class _Forge:
    """Access tokens of alice's, with other claims, signed by whom one likes."""

    def __init__(self, net: Network) -> None:
        self.claims: dict[str, Any] = jwt.decode(net.alice.token, options={"verify_signature": False})
        self.kid = jwt.get_unverified_header(net.alice.token)["kid"]
        self.pool = jwt.PyJWK(load_resource("cognitoidp/resources/jwks-private.json"), "RS256").key

    def signed(self, key: Any = None, algorithm: str = "RS256", header: Any = None, **changes: Any) -> str:
        told = {"kid": self.kid, **(header or {})}
        return jwt.encode({**self.claims, **changes}, key or self.pool, algorithm, told)

    def plain(self, alg: str) -> str:
        """Without a signature, which this algorithm needs none of."""
        head, body = (_encoded(json.dumps(it).encode()) for it in ({"alg": alg, "kid": self.kid}, self.claims))
        return f"{head}.{body}."

    def by_secret(self, secret: bytes) -> str:
        """Signed symmetrically, by a secret that is none: the pool's public key."""
        signed = self.plain("HS256").rstrip(".")
        return f"{signed}.{_encoded(hmac.digest(secret, signed.encode(), 'sha256'))}"


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


@pytest.fixture(scope="module")
def forge(net: Network) -> _Forge:
    return _Forge(net)


def test_a_token_that_no_pool_signed_is_nobodys(net: Network, forge: _Forge) -> None:
    strangers = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public_key = json.dumps(identity.jwks()["keys"][0])
    head, _, tail = net.alice.token.rpartition(".")
    tokens = [
        *(forge.plain(alg) for alg in ("none", "None", "NONE", "")),
        forge.signed(strangers),
        forge.signed(strangers, header={"kid": "another"}),
        forge.signed(strangers, header={"jku": "https://evil.example/jwks.json", "x5u": "https://evil.example/c"}),
        forge.signed(strangers, header={"kid": "../../../../dev/null"}),
        forge.by_secret(public_key.encode()),
        forge.by_secret(b""),
        f"{head}.{tail[::-1]}",
        head,
        f"{net.alice.token}.extra",
        "null",
        "\u00e9".encode().decode("latin-1"),
    ]
    assert {net.ask(it, "GET", "/v1/me").status_code for it in tokens} == {401}


@pytest.mark.parametrize(
    "changes",
    [
        {"token_use": "id"},
        {"client_id": "another"},
        {"client_id": None},
        {"iss": "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_another"},
        {"exp": int(time.time()) - 1},
        {"nbf": int(time.time()) + 3600},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
    ],
    ids="an id token,another client,no client,another pool,over,not yet,no subject,an empty one,a number".split(","),
)
def test_a_token_for_something_else_opens_nothing(net: Network, forge: _Forge, changes: dict[str, Any]) -> None:
    assert net.ask(forge.signed(**changes), "GET", "/v1/me").status_code == 401


def test_an_id_token_and_a_refresh_token_are_no_access_tokens(net: Network) -> None:
    said = net.ask(None, "POST", "/v1/login", {"email": net.mallory.email, "password": net.mallory.password}).json()
    assert "id_token" not in said
    assert net.ask(said["refresh_token"], "GET", "/v1/me").status_code == 401


@pytest.mark.parametrize(
    "groups",
    [
        ["operator:"],
        ["operator: "],
        ["operator:\t"],
        ["operator:/nobody"],
        ["operator"],
        ["Operator:demo"],
        ["x,operator:demo"],
        ["operator:,operator:demo"],
        [" operator:demo"],
        "operator:demo",
        {"operator:demo": True},
        None,
        [["operator:demo"]],
        [7],
        [],
    ],
    ids=str,
)
def test_a_group_that_names_no_operator_makes_nobody_one(net: Network, forge: _Forge, groups: Any) -> None:
    token = forge.signed(**{"cognito:groups": groups})
    assert net.ask(token, "GET", "/v1/operator/chargers").status_code == 403
    assert net.ask(token, "GET", "/v1/me").status_code == 200


def test_nobody_without_a_token_gets_anything_but_what_is_open_to_all(net: Network, scene: Scene) -> None:
    for path in ("/v1/me", "/v1/sessions", f"/v1/sessions/{scene.paid}", "/v1/operator/chargers", "/v1/me/export"):
        assert net.ask(None, "GET", path).status_code == 401


def test_a_session_id_must_be_that_sessions_id_to_the_letter(net: Network, scene: Scene) -> None:
    others = net.person()
    for path in (
        f"/v1/sessions/../sessions/{scene.paid}",
        f"/v1/me/../sessions/{scene.paid}",
        f"/v1/sessions/x%2f..%2f{scene.paid}",
        f"/v1/sessions/{scene.paid}%00",
        f"/v1/sessions/{scene.paid}%2e",
        f"/v1/sessions/{scene.paid}%20",
        f"/v1/sessions//{scene.paid}",
        f"/v1/sessions/{scene.paid}%252f..",
        f"/v1/sessions/{scene.paid.lower()}",
        "/v1/sessions/\u212a".encode().decode("latin-1"),
        "/v1/sessions/%ff%fe",
        "/v1/sessions/" + "A" * 3000,
        "/V1/sessions/" + scene.paid,
        f"//evil.example/v1/sessions/{scene.paid}",
    ):
        for who in (net.alice, others):
            status, text = net.ask_to_the_letter(who, "GET", path)
            assert status in (400, 403, 404, 405), (path, status, text)
            assert scene.paid not in text or "not_found" in text


@pytest.mark.parametrize(
    "more",
    [
        {"driver_id": "somebody"},
        {"operator_id": "rival"},
        {"tariff_id": "free"},
        {"state": "completed"},
        {"hold_minor": 0},
        {"price_per_kwh": "0"},
        {"session_id": "K"},
        {"origin": "card"},
        {"__class__": "x"},
        {"limits": {"energy_wh": 10, "bill": 0}},
    ],
    ids=str,
)
def test_what_a_session_costs_and_whose_it_is_is_not_the_drivers_to_say(
    net: Network, scene: Scene, more: dict[str, Any]
) -> None:
    answer = net.ask(net.mallory, "POST", "/v1/sessions", {"charger_id": scene.charger_id, "connector": "2", **more})
    assert (answer.status_code, problem(answer)) == (422, "invalid")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/drivers", {"driver_id": "x"}),
        ("/v1/drivers", {"groups": ["operator:demo"]}),
        ("/v1/drivers", {"custom:operator": "demo"}),
        ("/v1/login", {"admin": True}),
        ("/v1/cards", {"customer_id": "cus_1"}),
    ],
    ids=str,
)
def test_nobody_gives_themselves_rights_by_a_field_too_many(net: Network, path: str, body: dict[str, Any]) -> None:
    known = {"email": f"x-{secrets.token_hex(3)}@example.com", "password": "Quite-secret-1"}
    usual = known if path != "/v1/cards" else {"setup_id": "seti_1"}
    assert net.ask(net.mallory, "POST", path, {**usual, **body}).status_code == 422


@pytest.mark.parametrize(
    "text",
    [
        b'{"charger_id": "DEMO-16", "charger_id": "DEMO-201"}',
        b'{"charger_id": "DEMO-16", "limits": {"energy_wh": 1, "energy_wh": 99999}}',
        b'{"charger_id": "DEMO-16", "connector": NaN}',
        b'{"charger_id": "DEMO-16", "limits": {"energy_wh": Infinity}}',
        b'{"charger_id": "DEMO-16", "limits": {"energy_wh": 1e400}}',
        b'{"charger_id": "DEMO-16", "limits": {"energy_wh": -1}}',
        b'{"charger_id": "DEMO-16\\u0000"}',
        b'{"charger_id": "DEMO-16\\ud800"}',
        b"[" * 100_000,
        b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
        b'{"charger_id": "' + b"A" * 1_000_000 + b'"}',
        b"\xff\xfe{}",
    ],
    ids=lambda it: repr(it[:40]),
)
def test_a_body_that_can_be_read_two_ways_or_not_at_all_begins_nothing(net: Network, text: bytes) -> None:
    answer = net.ask(net.mallory, "POST", "/v1/sessions", headers={"Content-Type": "application/json"}, data=text)
    assert answer.status_code in (400, 422)
    assert "Traceback" not in answer.text


def test_a_body_of_any_length_ends_at_the_gateway(net: Network) -> None:
    body = b'{"charger_id": "' + b"A" * (10 * 1024 * 1024) + b'"}'
    assert (
        net.ask(
            net.mallory, "POST", "/v1/sessions", headers={"Content-Type": "application/json"}, data=body
        ).status_code
        == 413
    )


def test_one_drivers_idempotency_key_is_nothing_to_another(net: Network, scene: Scene) -> None:
    """The id of a session follows from driver and key: another's key leads to no session of theirs."""
    key = secrets.token_hex(8)
    charger_id = net.register()
    with net.charger(charger_id):
        mine = net.alice.begin(charger_id, "1", key)["session_id"]
        answer = net.ask(net.mallory, "POST", "/v1/sessions", {"charger_id": charger_id}, {"Idempotency-Key": key})
        assert answer.status_code == 409
        assert mine not in answer.text
        assert net.ask(net.mallory, "GET", f"/v1/sessions/{mine}").status_code == 404
        net.alice.end(mine)


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "\u00e9".encode().decode("latin-1")])
def test_a_key_that_is_none_begins_nothing(net: Network, scene: Scene, key: str) -> None:
    body = {"charger_id": scene.charger_id, "connector": "2"}
    assert net.ask(net.mallory, "POST", "/v1/sessions", body, {"Idempotency-Key": key}).status_code == 400


def test_a_ticket_opens_the_one_thing_it_was_made_for(net: Network, scene: Scene) -> None:
    live = net.alice.session(scene.running)["live_url"]
    link = net.alice.call("POST", f"/v1/sessions/{scene.paid}/receipt/link", {})["url"]
    live_ticket, receipt_ticket = (it.partition("ticket=")[2].partition("&")[0] for it in (live, link))
    assert net.ask(None, "GET", live).status_code == 200
    assert net.ask(None, "GET", link).status_code == 200
    strangers = jwt.encode(jwt.decode(live_ticket, options={"verify_signature": False}), "x" * 32, "HS256")
    unsigned = live_ticket.rpartition(".")[0] + "."
    for path, ticket in (
        ("/v1/sessions/{0.paid}/live", live_ticket),
        ("/v1/sessions/{0.running}/live", receipt_ticket),
        ("/v1/receipts/{0.paid}", live_ticket),
        ("/v1/receipts/{0.running}", receipt_ticket),
        ("/v1/invoices/{0.paid}/2026-0000001", receipt_ticket),
        ("/v1/receipts/{0.paid}/refunds/C-{0.paid}-1", live_ticket),
        ("/v1/receipts/{0.running}/refunds/C-{0.running}-1", receipt_ticket),
        ("/v1/sessions/{0.running}/live", strangers),
        ("/v1/sessions/{0.running}/live", unsigned),
        ("/v1/sessions/{0.running}/live", net.alice.token),
        ("/v1/sessions/{0.running}/live", "x"),
    ):
        assert net.ask(None, "GET", path.format(scene) + f"?ticket={ticket}").status_code == 401
    for path in ("/v1/me", f"/v1/sessions/{scene.paid}", f"/v1/sessions/{scene.paid}/receipt"):
        assert net.ask(live_ticket, "GET", path).status_code == 401
    stop = net.ask(None, "DELETE", f"/v1/sessions/{scene.running}?ticket={live_ticket}")
    assert stop.status_code == 401


@pytest.mark.parametrize("form", ["json", "html", "pdf"])
def test_a_receipt_by_link_is_kept_by_no_cache_and_named_to_no_other_site(
    net: Network, scene: Scene, form: str
) -> None:
    link = net.alice.call("POST", f"/v1/sessions/{scene.paid}/receipt/link", {"format": form})["url"]
    answer = net.ask(None, "GET", link)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "ETag" not in answer.headers
    assert net.ask(None, "GET", link, headers={"If-None-Match": "*"}).status_code == 200


def test_a_cursor_of_anothers_list_shows_nothing_of_theirs(net: Network, scene: Scene) -> None:
    cursor = net.alice.call("GET", "/v1/sessions?limit=1")["next_cursor"]
    for path in ("/v1/sessions?limit=50&cursor=", "/v1/me/export?cursor=", "/v1/me/notices?cursor="):
        answer = net.ask(net.mallory, "GET", path + str(cursor))
        assert scene.paid not in answer.text
        assert scene.running not in answer.text
    for cursor in ("../../x", "%00", "eyJ9", "W10=", "A" * 5000):
        assert net.ask(net.mallory, "GET", f"/v1/sessions?cursor={cursor}").status_code == 400


def test_an_export_is_of_its_caller_alone(net: Network, scene: Scene) -> None:
    alices = net.id_of(net.alice)
    for path in ("/v1/me/export", f"/v1/me/export?driver_id={alices}"):
        answer = net.ask(net.mallory, "GET", path)
        assert alices not in answer.text
        assert scene.paid not in answer.text


def test_nothing_redirects_anywhere(net: Network, scene: Scene) -> None:
    """No route has a parameter for where to send a browser on; the app's door has one place of its own."""
    for path in ("/v1/login", "/v1/drivers/confirm", "/v1/me", f"/v1/receipts/{scene.paid}", "//evil.example", "/"):
        for name in ("next", "redirect_uri", "returnTo", "url"):
            answer = net.ask(None, "GET", f"{path}?{name}=https://evil.example/")
            if path == "/":
                assert answer.headers["Location"] == HOME
                continue
            assert answer.status_code >= 400
            assert "Location" not in answer.headers


def test_another_site_gets_no_credentials_and_no_cookie_exists(net: Network) -> None:
    answer = net.ask(net.alice, "GET", "/v1/me", headers={"Origin": "https://evil.example"})
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert "Set-Cookie" not in answer.headers


def test_who_has_an_account_cannot_be_asked_at_the_login(net: Network) -> None:
    known = net.ask(None, "POST", "/v1/login", {"email": net.alice.email, "password": "Wrong-word-1"})
    unknown = net.ask(None, "POST", "/v1/login", {"email": "nobody@example.com", "password": "Wrong-word-1"})
    assert (known.status_code, known.json()) == (unknown.status_code, unknown.json())


@pytest.mark.parametrize(
    "email",
    [
        "a@b.example\r\nBcc: c@d.example",
        "a@b.example\nx",
        "a@b.example,c@d.example",
        "<a@b.example>",
        "a<c@d.example>@b.example",
        "a@b.example;c@d.example",
        '"a" a@b.example',
        "a\0@b.example",
        "a@b..example",
        "a@-.example",
    ],
    ids=repr,
)
def test_an_address_that_says_more_than_an_address_opens_no_account(net: Network, email: str) -> None:
    assert net.ask(None, "POST", "/v1/drivers", {"email": email, "password": "Quite-secret-1"}).status_code == 422


def test_nobody_deletes_or_charges_an_account_that_is_not_theirs(net: Network) -> None:
    victim: Person = net.person()
    for path in (f"/v1/drivers/{net.id_of(victim)}", f"/v1/me?driver_id={net.id_of(victim)}x", "/v1/drivers"):
        if "?" not in path:
            assert net.ask(net.mallory, "DELETE", path).status_code in (403, 404, 405)
    assert net.ask(victim, "GET", "/v1/me").status_code == 200


def test_a_card_setup_of_another_customer_is_no_card_of_mine(net: Network) -> None:
    setup = net.alice.call("POST", "/v1/cards/setup", {})["setup_id"]
    before = net.mallory.call("GET", "/v1/me")["card"]
    answer = net.ask(net.mallory, "POST", "/v1/cards", {"setup_id": setup})
    assert answer.status_code in (402, 404, 409)
    assert net.mallory.call("GET", "/v1/me")["card"] == before


def test_what_went_wrong_inside_is_told_to_nobody(net: Network) -> None:
    answers: list[requests.Response] = [
        net.ask(net.mallory, "GET", "/v1/sessions?limit=" + "9" * 400),
        net.ask(net.mallory, "GET", "/v1/chargers/nearby?lat=nan&lng=inf"),
        net.ask(net.mallory, "GET", "/v1/chargers/DEMO-16/quote?energy_wh=1&at=9999-99-99"),
        net.ask(net.mallory, "GET", "/v1/reservations/%00"),
        net.ask(net.mallory, "GET", "/v1/me/notices?limit=1%00"),
    ]
    for answer in answers:
        assert answer.status_code in (400, 404, 422)
        assert not any(word in answer.text for word in ("Traceback", "pynamodb", "botocore", "/work/", "site-packages"))
