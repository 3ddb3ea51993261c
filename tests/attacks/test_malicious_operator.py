"""Another operator: whatever is not theirs is not there, by id, in lists, in exports and in commands.

STRIDE: information disclosure and tampering across tenants, elevation.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.attacks.conftest import Network, Scene

CHARGER = "/v1/operator/chargers/{charger}"
SESSION = "/v1/operator/sessions/{session}"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", CHARGER, None),
        ("POST", CHARGER + "/block", None),
        ("POST", CHARGER + "/accept", None),
        ("POST", CHARGER + "/setup", None),
        ("POST", CHARGER + "/password", None),
        ("GET", CHARGER + "/journal", None),
        ("GET", CHARGER + "/uptime", None),
        ("GET", CHARGER + "/history", None),
        ("PUT", CHARGER + "/trace", {"minutes": 5}),
        ("GET", CHARGER + "/reports/monitoring/1", None),
        ("GET", CHARGER + "/transactions/1", None),
        ("POST", CHARGER + "/commands", {"command": "reset", "hard": True}),
        ("POST", CHARGER + "/commands", {"command": "unlock", "connector": "1"}),
        ("POST", CHARGER + "/commands", {"command": "ask", "action": "Reset", "payload": {"type": "Hard"}}),
        ("GET", CHARGER + "/commands/m-1", None),
        ("GET", SESSION + "/books", None),
        ("GET", SESSION + "/signed-values", None),
        ("POST", SESSION + "/refund", {"amount_minor": 1}),
        ("POST", SESSION + "/energy", {"energy_wh": 0}),
        ("POST", SESSION + "/end", None),
        ("POST", SESSION + "/settle", {"energy_wh": 1}),
    ],
)
def test_what_is_anothers_is_not_there(net: Network, scene: Scene, method: str, path: str, body: object) -> None:
    target = path.format(charger=scene.charger_id, session=scene.paid)
    nowhere = path.format(charger="ATT-NOWHERE", session="KNOWHERE")
    answer, none = net.ask(net.rival, method, target, body), net.ask(net.rival, method, nowhere, body)
    assert answer.status_code in (404, 422)
    # Nor can it be told from what does not exist.
    assert answer.status_code == none.status_code
    assert answer.json()["type"] == none.json()["type"]
    assert net.alice.session(scene.paid)["refunded_minor"] == 0
    assert net.alice.session(scene.running)["state"] == "active"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (CHARGER, {"site_id": "rival-site", "connectors": ["1"], "password": "stolen-password-1"}),
        (
            "/v1/operator/sites/demo-harbour",
            {"name": "x", "address": "x", "time_zone": "UTC", "tariff_id": "rival-tariff"},
        ),
        ("/v1/operator/tariffs/demo-standard", {"name": "x", "currency": "EUR", "price_per_kwh": "9"}),
        ("/v1/operator/tokens/04A1B2C3D4E5F6", {"driver_id": "{rival}"}),
    ],
    ids=["charger", "site", "tariff", "token"],
)
def test_an_id_that_is_anothers_is_not_overwritten(net: Network, scene: Scene, path: str, body: dict[str, Any]) -> None:
    mine = net.id_of(net.rival)
    sent = {name: mine if value == "{rival}" else value for name, value in body.items()}
    before = net.alice.call("GET", f"/v1/chargers/{scene.charger_id}")["prices"]
    assert net.ask(net.rival, "PUT", path.format(charger=scene.charger_id), sent).status_code == 409
    assert net.alice.call("GET", f"/v1/chargers/{scene.charger_id}")["prices"] == before


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (
            "/v1/operator/sites/rival-site",
            {"name": "x", "address": "x", "time_zone": "UTC", "tariff_id": "demo-standard"},
        ),
        (
            "/v1/operator/chargers/RIVAL-1",
            {"site_id": "demo-harbour", "connectors": ["1"], "password": "a-password-123"},
        ),
        ("/v1/operator/drivers/{alice}", {"tariff_id": "demo-standard"}),
    ],
    ids=["tariff", "site", "terms"],
)
def test_nothing_of_ones_own_stands_on_what_is_anothers(net: Network, path: str, body: dict[str, Any]) -> None:
    assert net.ask(net.rival, "PUT", path.format(alice=net.id_of(net.alice)), body).status_code in (404, 409, 422)


def test_no_list_shows_what_is_anothers(net: Network, scene: Scene) -> None:
    cursor = net.operator.call("GET", "/v1/operator/sessions?limit=1")["next_cursor"]
    for path in (
        "/v1/operator/chargers",
        "/v1/operator/chargers?operator_id=demo",
        "/v1/operator/sessions",
        "/v1/operator/sessions?flagged=true",
        f"/v1/operator/sessions?cursor={cursor}",
        "/v1/operator/knocks",
        "/v1/operator/reconciliation",
        "/v1/operator/webhook",
        "/v1/operator/charger-profile",
    ):
        answer = net.ask(net.rival, "GET", path)
        for what in (scene.charger_id, scene.paid, scene.running, net.id_of(net.alice), "demo-harbour"):
            assert what not in answer.text, path


def test_an_operators_webhook_is_its_own_and_its_secret_nobodys(net: Network) -> None:
    url, secret = "https://hooks.example.com/kerb", "a-secret-of-sixteen-and-more"
    net.operator.call("PUT", "/v1/operator/webhook", {"url": url, "secret": secret})
    for who in (net.rival, net.operator):
        assert secret not in net.ask(who, "GET", "/v1/operator/webhook").text
    assert net.rival.call("GET", "/v1/operator/webhook")["url"] is None
    net.rival.call("DELETE", "/v1/operator/webhook")
    assert net.operator.call("GET", "/v1/operator/webhook")["url"] == url
    net.operator.call("DELETE", "/v1/operator/webhook")


def test_an_operator_sees_no_drivers_name_or_card(net: Network, scene: Scene) -> None:
    seen = "".join(
        net.ask(net.operator, "GET", path).text
        for path in (
            "/v1/operator/sessions",
            f"/v1/operator/sessions/{scene.paid}/books",
            f"/v1/operator/chargers/{scene.charger_id}/journal",
        )
    )
    for secret in (net.alice.email, "pm_", "cus_", "_secret_", net.alice.token):
        assert secret not in seen


def test_a_refund_is_never_more_than_was_paid_nor_twice_by_one_key(net: Network) -> None:
    charger_id = net.register()
    with net.charger(charger_id) as socket:
        session_id = net.begin(net.alice, charger_id, socket)
        paid = net.finish(net.alice, session_id, socket)["paid_minor"]
    path = f"/v1/operator/sessions/{session_id}/refund"
    assert net.ask(net.operator, "POST", path, {"amount_minor": paid + 1}).status_code == 409
    for amount in (0, -1, 10**12, 1.5, "x"):
        assert net.ask(net.operator, "POST", path, {"amount_minor": amount}).status_code == 422
    for _ in range(2):
        assert net.ask(net.operator, "POST", path, {"amount_minor": 1}, {"Idempotency-Key": "one"}).status_code == 200
    assert net.alice.session(session_id)["refunded_minor"] == 1
    assert net.ask(net.operator, "POST", path, {"amount_minor": paid}).status_code == 409
    assert net.alice.session(session_id)["refunded_minor"] == 1


@pytest.mark.parametrize(
    "name",
    ["..", "../demo", "a/b", "a%2fb", "%00", "\u202e", "a b", "<b>", "'", "a" * 65],
    ids=repr,
)
@pytest.mark.parametrize("kind", ["tariffs", "sites", "chargers", "tokens"])
def test_an_id_is_letters_and_digits(net: Network, kind: str, name: str) -> None:
    bodies: dict[str, dict[str, Any]] = {
        "tariffs": {"name": "x", "currency": "EUR", "price_per_kwh": "1"},
        "sites": {"name": "x", "address": "x", "time_zone": "UTC", "tariff_id": "rival-tariff"},
        "chargers": {"site_id": "rival-site", "connectors": ["1"], "password": "a-password-123"},
        "tokens": {"driver_id": "x"},
    }
    # requests would take the dots out of the path.
    encoded = "".join(f"%{byte:02x}" for byte in name.encode()) if "%" not in name else name
    assert net.ask(net.rival, "PUT", f"/v1/operator/{kind}/{encoded}", bodies[kind]).status_code in (400, 403, 404, 422)


@pytest.mark.parametrize(
    "change",
    [
        {"operator_id": "demo"},
        {"admission": "accepted"},
        {"password_hash": "scrypt$1$1$1$00$00"},
        {"connection_id": "x"},
        {"security_profile": 9},
        {"connectors": []},
        {"connectors": ["1"] * 2},
        {"connectors": [str(it) for it in range(1, 100)]},
        {"plugs": [{"connector": "1", "max_power_w": 10**9}]},
        {"password": "short"},
        {"password": "x" * 65},
    ],
    ids=lambda it: next(iter(it)),
)
def test_a_charger_is_what_its_form_says_and_no_more(net: Network, change: dict[str, Any]) -> None:
    body = {"site_id": "rival-site", "connectors": ["1"], "password": "a-password-123", **change}
    assert net.ask(net.rival, "PUT", "/v1/operator/chargers/RIVAL-2", body).status_code == 422
    assert net.ask(net.rival, "GET", "/v1/operator/chargers/RIVAL-2").status_code == 404


def test_two_operators_groups_make_nobody_both(net: Network, scene: Scene) -> None:
    """Only the first counts; the other's things stay not there."""
    answer = net.ask(net.rival, "GET", f"/v1/operator/chargers/{scene.charger_id}", headers={"X-Operator": "demo"})
    assert answer.status_code == 404
