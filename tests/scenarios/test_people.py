"""An operator's people over HTTP and sockets: invited by mail, with a second factor, logged out, told of alarms."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

import pytest
import requests
from websockets.exceptions import ConnectionClosed, InvalidStatus

from benchmarks.wire import Socket
from chalicelib import wiring
from chalicelib.domain.operators import AlarmKind
from local import totp
from local.browser import Tab
from local.client import ApiError, Person
from local.seed import OPERATOR_ID, open_account, open_platform
from tests.scenarios.world import DRIVER_PASSWORD, PASSWORD, World

MEMBERS, SECURITY = "/v1/operator/members", "/v1/operator/security"
ACCEPT = "/v1/me/operators"


def code_of(refused: pytest.ExceptionInfo[ApiError]) -> tuple[int, str]:
    return refused.value.status, str(refused.value.problem["type"]).removeprefix("urn:kerb:problem:")


def refusal(person: Person, method: str, path: str, body: dict[str, Any] | None = None) -> tuple[int, str]:
    with pytest.raises(ApiError) as refused:
        person.call(method, path, body)
    return code_of(refused)


class Company:
    """An operator of its own, made by the platform's administrator, whose owner took the invitation by mail."""

    def __init__(self, world: World) -> None:
        self.world, name = world, secrets.token_hex(4)
        self.operator_id = f"company-{name}"
        self.platform = open_platform(world.stack, f"platform-{name}@example.com", "Platform-story-1")
        self.path = f"/v1/platform/operators/{self.operator_id}"
        self.platform.call("PUT", self.path, {"name": "Story Charging"})
        email = f"owner-{name}@example.com"
        self.platform.call("POST", f"{self.path}/owners", {"email": email, "locale": "de"})
        self.owner = self.taken(email)

    def mailed(self, email: str) -> tuple[str, str]:
        """The newest invitation's code, and what the mail says."""
        mail = [it for it in self.world.stack.mails.to(email) if it.purpose == "invitation"][-1]
        return mail.code, mail.text

    def taken(self, email: str) -> Person:
        """Whoever was invited opens an account with that address, and takes it."""
        code, _ = self.mailed(email)
        person = open_account(self.world.stack, email, DRIVER_PASSWORD, card=None)
        person.call("POST", ACCEPT, {"operator_id": self.operator_id, "code": code})
        return person

    def invite(self, role: str, **more: Any) -> str:
        email = f"{role}-{secrets.token_hex(4)}@example.com"
        self.owner.call("POST", "/v1/operator/invitations", {"email": email, "role": role, **more})
        return email

    def person_id(self, person: Person) -> str:
        return str(person.call("GET", "/v1/me")["driver_id"])


@pytest.fixture
def company(world: World) -> Company:
    return Company(world)


def test_an_operator_is_made_and_its_people_come_by_mail(company: Company) -> None:
    owner, operator_id = company.owner, company.operator_id
    _, text = company.mailed(owner.email)
    assert text.startswith("Einladung zu Story Charging\n")
    assert "Inhaber" in text
    (own,) = owner.call("GET", ACCEPT)["items"]
    assert (own["operator_id"], own["role"], own["is_usual"]) == (operator_id, "owner", True)
    email = company.invite("technician", sites=["harbour"], name="Ada, nights")
    code, text = company.mailed(email)
    assert text.startswith("You are invited to Story Charging\n")
    assert "technician" in text
    # Whoever reads the mail by chance takes nothing with it.
    stranger = company.world.new_driver()
    taking = {"operator_id": operator_id, "code": code}
    assert refusal(stranger, "POST", ACCEPT, taking) == (403, "not_your_invitation")
    altered = code[:-1] + ("y" if code[-1] == "x" else "x")
    assert refusal(stranger, "POST", ACCEPT, taking | {"code": altered}) == (404, "not_found")
    assert refusal(stranger, "POST", ACCEPT, taking | {"operator_id": OPERATOR_ID}) == (404, "not_found")
    ada = company.taken(email.upper())
    assert refusal(ada, "POST", ACCEPT, taking) == (409, "invitation_used")
    (listed,) = (it for it in owner.call("GET", MEMBERS)["items"] if it["role"] == "technician")
    assert (listed["person_id"], listed["sites"], listed["name"]) == (
        company.person_id(ada),
        ["harbour"],
        "Ada, nights",
    )
    (taken, first) = owner.call("GET", "/v1/operator/invitations")["items"]
    assert (taken["status"], taken["accepted_by"], first["by"]) == ("accepted", company.person_id(ada), "")
    # What was done is written down: by whom it was, and by whom they were let in.
    entries = owner.call("GET", "/v1/operator/audit")["items"]
    joined = [it for it in entries if it["route"] == ACCEPT and it["person_id"] == company.person_id(ada)]
    assert [(it["thing"], it["outcome"]) for it in joined] == [(f"members/{company.person_id(ada)}", "done")]
    assert code not in str(entries)
    of_platform = company.platform.call("GET", f"{company.path}/audit")["items"]
    assert {it["who"] for it in of_platform} == {f"platform:{company.person_id(company.platform)}"}
    assert len(of_platform) == 2


def test_an_invitation_is_withdrawn(company: Company) -> None:
    email = company.invite("support")
    (it,) = (it for it in company.owner.call("GET", "/v1/operator/invitations")["items"] if it["email"] == email)
    one = f"/v1/operator/invitations/{it['invitation_id']}"
    again = {"email": email, "role": "support"}
    assert refusal(company.owner, "POST", "/v1/operator/invitations", again) == (409, "invited_already")
    assert refusal(company.owner, "POST", f"{one}/send") == (429, "too_many_mails")
    code, _ = company.mailed(email)
    ada = open_account(company.world.stack, email, DRIVER_PASSWORD, card=None)
    company.owner.call("DELETE", one)
    taking = {"operator_id": company.operator_id, "code": code}
    assert refusal(ada, "POST", ACCEPT, taking) == (410, "invitation_withdrawn")
    assert refusal(company.owner, "POST", f"{one}/send") == (410, "invitation_withdrawn")
    company.owner.call("POST", "/v1/operator/invitations", again)
    code, _ = company.mailed(email)
    ada.call("POST", ACCEPT, taking | {"code": code})


def test_a_role_that_needs_a_second_factor_acts_with_one_and_makes_no_key_without(company: Company) -> None:
    owner = company.owner
    rule = {"second_factor": ["owner", "finance"]}
    # Nobody locks themselves out.
    assert refusal(owner, "PUT", SECURITY, rule) == (403, "second_factor_needed")
    owner.set_up_second_factor()
    owner.call("PUT", SECURITY, rule)
    assert owner.call("GET", SECURITY) == {"second_factor": ["finance", "owner"]}
    bob = company.taken(company.invite("finance"))
    rita = company.taken(company.invite("support"))
    assert rita.call("GET", "/v1/operator/chargers")["items"] == []
    with pytest.raises(ApiError) as refused:
        bob.call("GET", "/v1/operator/chargers")
    assert code_of(refused) == (403, "second_factor_needed")
    assert "POST /v1/me/second-factor" in refused.value.problem["detail"]
    # What is set up and not confirmed is worth nothing, and neither is a wrong code.
    secret = bob.call("POST", "/v1/me/second-factor", {})["secret"]
    assert refusal(bob, "GET", "/v1/operator/chargers") == (403, "second_factor_needed")
    wrong = next(it for it in ("000000", "111111", "222222", "333333") if not totp.is_code(secret, it))
    assert refusal(bob, "POST", "/v1/me/second-factor/confirm", {"code": wrong}) == (401, "not_allowed")
    other = Person(bob.http_url, bob.email, bob.password)
    other.log_in()
    bob.call("POST", "/v1/me/second-factor/confirm", {"code": totp.code_now(secret)})
    assert bob.call("GET", "/v1/operator/chargers")["items"] == []
    # Another login, from before, took no code, and the next one without is refused.
    assert refusal(other, "GET", "/v1/operator/chargers") == (403, "second_factor_needed")
    with pytest.raises(ApiError) as refused:
        other.log_in()
    assert code_of(refused) == (401, "code_needed")
    other.authenticator = secret
    other.log_in()
    assert other.call("GET", "/v1/operator/chargers")["items"] == []
    assert other.call("GET", "/v1/me/second-factor")["is_proven"]
    # A refreshed token is of the same login.
    tokens = requests.post(
        f"{other.http_url}/v1/login",
        json={"email": other.email, "password": other.password, "code": totp.code_now(secret)},
        timeout=60,
    ).json()
    other.token = other.call("POST", "/v1/login/refresh", {"refresh_token": tokens["refresh_token"]})["access_token"]
    assert other.call("GET", "/v1/operator/chargers")["items"] == []
    # An owner's login without a code makes no key.
    bare = Person(owner.http_url, owner.email, owner.password)
    assert refusal(bare, "POST", "/v1/login", {"email": owner.email, "password": owner.password})[1] == "code_needed"
    key = {"name": "x", "scopes": ["chargers:read"], "expires_at": _in_a_month()}
    assert owner.call("POST", "/v1/operator/keys", key)["secret"].startswith("kerb_live_")


def test_whoever_turns_their_second_factor_off_behind_our_back_is_believed_no_more(company: Company) -> None:
    """Cognito lets whoever holds an access token turn it off; a login that took no code is none that did."""
    owner = company.owner
    owner.set_up_second_factor()
    owner.call("PUT", SECURITY, {"second_factor": ["owner"]})
    wiring.network().identity.end_second_factor(owner.token)
    sneaky = Person(owner.http_url, owner.email, owner.password)
    sneaky.log_in()
    assert refusal(sneaky, "GET", MEMBERS) == (403, "second_factor_needed")
    assert sneaky.call("GET", "/v1/me/second-factor") == {"since": None, "is_proven": False}
    sneaky.set_up_second_factor()
    assert len(sneaky.call("GET", MEMBERS)["items"]) == 1


def test_a_member_is_logged_out_everywhere_and_was_last_seen(company: Company) -> None:
    rita = company.taken(company.invite("support"))
    path = f"{MEMBERS}/{company.person_id(rita)}"
    assert company.owner.call("GET", path)["used_at"] is None
    rita.call("GET", "/v1/operator/chargers")
    seen = company.owner.call("GET", path)["used_at"]
    assert seen is not None
    rita.call("GET", "/v1/operator/chargers")
    assert company.owner.call("GET", path)["used_at"] == seen
    phone = Person(rita.http_url, rita.email, rita.password)
    phone.log_in()
    company.owner.call("POST", f"{path}/logout")
    for it in (rita, phone):
        assert refusal(it, "GET", "/v1/me") == (401, "not_allowed")
        assert refusal(it, "GET", "/v1/operator/chargers") == (401, "not_allowed")
    rita.log_in()
    phone.log_in()
    rita.call("POST", "/v1/logout", {})
    assert refusal(phone, "GET", "/v1/operator/chargers") == (401, "not_allowed")
    assert refusal(company.owner, "POST", f"{MEMBERS}/nobody/logout") == (404, "not_found")


def test_a_closed_operator_begins_nothing_and_what_runs_is_billed(company: Company, world: World) -> None:
    owner = company.owner
    key = {"name": "x", "scopes": ["chargers:read"], "expires_at": _in_a_month()}
    by_key = Person(owner.http_url, "", "")
    by_key.token = owner.call("POST", "/v1/operator/keys", key)["secret"]
    charger_id = f"CP-{company.operator_id}"
    profile = {"legal_name": "Story GmbH", "address": "Quay 1", "country": "DE"}
    owner.call("PUT", "/v1/operator/profile", profile)
    tariff_id = f"tariff-{company.operator_id}"
    tariff = {"name": "x", "currency": "EUR", "price_per_kwh": "0.45"}
    owner.call("PUT", f"/v1/operator/tariffs/{tariff_id}", tariff)
    site = {"name": "x", "address": "x", "time_zone": "UTC", "tariff_id": tariff_id}
    owner.call("PUT", f"/v1/operator/sites/site-{company.operator_id}", site)
    plugs = [{"connector": it, "kind": "type2", "max_power_w": 20_000_000} for it in ("1", "2")]
    charger = {"site_id": f"site-{company.operator_id}", "connectors": ["1", "2"], "plugs": plugs, "password": PASSWORD}
    owner.call("PUT", f"/v1/operator/chargers/{charger_id}", charger)
    socket = Socket(world.stack.socket_url, charger_id, PASSWORD, "ocpp1.6")
    world.at_the_end(socket.close)
    socket.call("BootNotification", {"chargePointVendor": "Test", "chargePointModel": "One"})
    session_id = str(world.driver.begin(charger_id)["session_id"])
    socket.await_command()
    now = wiring.network().clock
    started = {"connectorId": 1, "idTag": socket.command["idTag"], "meterStart": 0, "timestamp": now().isoformat()}
    transaction_id = socket.call("StartTransaction", started)["transactionId"]
    # Caps first: dearer is refused, and what is dearer already is lowered.
    company.platform.call("PUT", f"{company.path}/caps", {"kwh_eur": "0.40", "charge_eur": "20", "hold_eur": "10"})
    assert refusal(owner, "PUT", f"/v1/operator/tariffs/{tariff_id}", tariff) == (422, "invalid_tariff")
    quoted = world.driver.call("GET", f"/v1/chargers/{charger_id}")["prices"]
    assert (quoted["cap_minor"], quoted["elements"][0]["price_components"][0]["price"]) == (2000, "0.40")
    assert company.platform.call("POST", f"{company.path}/close")["closed_at"] is not None
    assert refusal(owner, "GET", "/v1/operator/chargers") == (403, "operator_closed")
    assert refusal(by_key, "GET", "/v1/operator/chargers") == (403, "operator_closed")
    other = world.new_driver()
    begun = {"charger_id": charger_id, "connector": "2"}
    assert refusal(other, "POST", "/v1/sessions", begun) == (403, "operator_closed")
    uid = world.issue_card()
    assert socket.call("Authorize", {"idTag": uid})["idTagInfo"]["status"] != "Accepted"
    assert (
        refusal(company.platform, "POST", f"{company.path}/owners", {"email": "x@example.com"})[1] == "operator_closed"
    )
    # What runs is charged to its end and paid, at the price that it began with.
    socket.call(
        "StopTransaction", {"transactionId": transaction_id, "meterStop": 10_000, "timestamp": now().isoformat()}
    )
    done = world.driver.until(session_id, lambda it: it["state"] == "completed")
    assert done["paid_minor"] == 450
    # Opened again its people and keys are as they were.
    company.platform.call("POST", f"{company.path}/open")
    assert [it["charger_id"] for it in by_key.call("GET", "/v1/operator/chargers")["items"]] == [charger_id]
    listed = company.platform.call("GET", "/v1/platform/operators?limit=100")["items"]
    assert {company.operator_id, OPERATOR_ID} <= {it["operator_id"] for it in listed}


def test_alarms_are_told_to_browsers_as_they_open_close_and_are_acknowledged(company: Company, world: World) -> None:
    owner = company.owner
    near, far = "near-site", "far-site"
    held = company.taken(company.invite("technician", sites=[near]))
    tab, narrow = _tab(owner, world), _tab(held, world)
    assert tab.show() == narrow.show()
    net, desk = wiring.network(), wiring.network().alarm_desk
    alarms = {site: _alarm(company.operator_id, site) for site in (near, far)}
    for site in (near, far):
        net.alarms.add(alarms[site])
        assert net.alarms.join(alarms[site], f"CP-{site}", is_new=True)
        desk.news.changed(company.operator_id)
        _until_shown(tab, list(alarms.values())[: list(alarms).index(site) + 1])
        assert site in {it["data"].get("group") for it in tab.events}
    _until_shown(narrow, [alarms[near]])
    far_id = alarms[far].alarm_id
    # A browser is told nothing of another site's, even that there is one.
    owner.call("POST", f"/v1/operator/alarms/{far_id}/acknowledge")
    _until_acknowledged(tab, company.person_id(owner))
    desk._close(alarms[near])
    _until_shown(tab, [alarms[far]])
    _until_shown(narrow, [])
    told = [it["data"] for it in narrow.events]
    assert {it["group"] for it in told if "group" in it} == {near}
    assert far_id not in str(told)
    # A page that is loaded again is shown all that is open; one that has seen it nothing.
    world.stack.cloud.settle()
    again = _tab(owner, world)
    assert [it["event"] for it in again.show()] == ["alarm", "open"]
    assert again.show(again.events[-1]["id"]) == []
    # Whoever is removed is told so.
    owner.call("DELETE", f"{MEMBERS}/{company.person_id(held)}")
    desk.comment(company.operator_id, far_id, "x", "Somebody is on the way.")
    assert narrow.closing() == 4404
    with pytest.raises(ConnectionClosed):
        narrow.frame()


def test_alarms_are_watched_by_ones_own_ticket_and_by_no_key(company: Company, world: World) -> None:
    where = company.owner.call("GET", "/v1/operator/live")["alarms"]
    rival = {**where, "topic": f"alarms/{OPERATOR_ID}"}
    tab = Tab(rival)
    world.at_the_end(tab.close)
    tab.say({"topic": rival["topic"], "visible": True})
    assert tab.closing() == 4404
    protocol, ticket = where["subprotocols"]
    for wrong in (ticket[:-2], company.owner.token):
        with pytest.raises(InvalidStatus):
            Tab({**where, "subprotocols": [protocol, wrong]})
    key = {"name": "x", "scopes": ["alarms:read"], "expires_at": _in_a_month()}
    by_key = Person(company.owner.http_url, "", "")
    by_key.token = company.owner.call("POST", "/v1/operator/keys", key)["secret"]
    assert by_key.call("GET", "/v1/operator/live") == {"alarms": None}


def _tab(person: Person, world: World) -> Tab:
    tab = Tab(person.call("GET", "/v1/operator/live")["alarms"])
    world.at_the_end(tab.close)
    return tab


def _until_acknowledged(tab: Tab, by: str) -> None:
    """What changed a moment ago may be told once more, and nothing may be told in between."""
    while not any(it["data"].get("acknowledged_by") == by for it in tab.events):
        tab.hear()


def _until_shown(tab: Tab, alarms: list[Any]) -> None:
    """Until it is shown that these are open, and no others."""
    ids = {it.alarm_id for it in alarms}
    while {it["alarm_id"] for it in tab.events[-1]["data"]["items"]} != ids:
        tab.hear()


def _alarm(operator_id: str, site: str) -> Any:
    from chalicelib.records.operators import Alarm, AlarmPlace  # noqa: PLC0415

    place, now = AlarmPlace(operator_id=operator_id, kind=AlarmKind.OFFLINE, group=site), wiring.network().clock()
    return Alarm(alarm_id=place.alarm_id(now), place=place, opened_at=now, detail="lost")


def _in_a_month() -> str:
    return (wiring.network().clock() + timedelta(days=30)).isoformat()
