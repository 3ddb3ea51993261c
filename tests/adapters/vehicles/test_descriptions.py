"""Every request that an adapter makes is one that its maker's reference describes, and all of those are made."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import time
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import jsonschema_rs
import pytest

from chalicelib.adapters.vehicles.http import MakerAccount, MakerClient, Reply
from chalicelib.adapters.vehicles.makers import maker_class
from chalicelib.domain.chargers.geography import GeoPoint
from chalicelib.domain.vehicles.capability import TOLD, Capability, OwnSchedule
from chalicelib.records.vehicles import LinkAccess
from tests.adapters.vehicles.conftest import APIS, SMARTCAR_V2, Moment, an_attempt
from tests.adapters.vehicles.descriptions import DESCRIPTIONS, Description

# As no maker gives one out: what is not quoted is another path.
_ID = "a/b c?d#e"
_HOST = "https://maker.example"
_DOOR = ("/oauth/token", "/oauth2/token", "/oauth2/v3/token")


@dataclass(frozen=True)
class Recorder(MakerClient):
    """Sends nothing, notes what it was to send, and says that it was done; `refuses` so many calls by 401 first."""

    made: list[tuple[str, str, Mapping[str, str], bytes | None]] = field(default_factory=list)
    refuses: list[int] = field(default_factory=list)
    whose: list[str] = field(default_factory=list)

    def _asked(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Reply:
        self.made.append((method, url, headers, body))
        if urlsplit(url).path in _DOOR:
            token = f"t{len(self.made)}"
            return Reply(status=200, body={"access_token": token, "refresh_token": "r", "expires_in": 3600}, headers={})
        if self.refuses:
            return Reply(status=self.refuses.pop(), body={}, headers={})
        told: dict[str, Any] = {
            "id": _ID,
            "vehicles": [_ID],
            "linkUrl": _HOST,
            "state": "PENDING",
            "responses": [{"code": 200}],
        }
        if "/v3/" in url:
            asked = dict(parse_qsl(urlsplit(url).query)).get("filter[userId]")
            told["data"] = [
                {
                    "id": _ID,
                    "attributes": {"user": {"id": self.whose[0] if self.whose else asked, "externalId": _ID}},
                    "relationships": {"vehicle": {"data": {"id": _ID}}},
                }
            ]
        if urlsplit(url).path.endswith("/api/1/vehicles"):
            told["response"] = [{"vin": _ID}]
        return Reply(status=200, body=told, headers={})


def adapter(name: str) -> tuple[Any, Recorder]:
    keys = {"client_id": "id", "client_secret": "secret", "webhook_secret": "secret", "webhook_id": _ID}
    keys["stream_ca"] = "-----BEGIN"
    if name != SMARTCAR_V2:
        keys["application_id"] = "id"
    kind, client = maker_class(name.split(maxsplit=1)[0], keys), Recorder(Moment())
    account = MakerAccount(keys=keys, addresses=dict.fromkeys(kind.addresses, _HOST))
    return kind(account=account, client=client), client


def everything(maker: Any, at: Any) -> None:
    """All that an adapter can ask, once."""
    attempt, access = replace(an_attempt(maker=maker.name), link_id=_ID), LinkAccess(_ID, "token")
    maker.consent_url(attempt)
    code = attempt.verifier if maker.names_accounts else "code"
    _, tokens = maker.exchange(attempt, code, at)
    maker.refresh(tokens, at)
    maker.cars(access, at)
    maker.look(access, _ID, TOLD | {Capability.SCHEDULE}, at)
    calls: Mapping[Capability, Any] = {
        Capability.START_STOP: lambda: (maker.start(access, _ID), maker.stop(access, _ID)),
        Capability.SET_LIMIT: lambda: [maker.set_limit(access, _ID, it) for it in (1, 80, 100)],
        Capability.SET_AMPS: lambda: maker.set_amps(access, _ID, 16),
        Capability.SCHEDULE: lambda: [
            *(
                maker.set_schedule(access, _ID, schedule, place)
                for schedule in (OwnSchedule(True, time(1, 30)), OwnSchedule(is_on=False))
                for place in (None, GeoPoint(52.52, 13.405))
            ),
            maker.drop_schedule(access, _ID),
        ],
        Capability.WAKE: lambda: maker.wake(access, _ID),
    }
    for capability, call in calls.items():
        if capability in maker.offers:
            call()
    maker.revoke(access, _ID, is_last=True)


def described(description: Description, method: str, path: str) -> tuple[str, str]:
    """The operation that a request is, by its path's segments."""
    for told_method, template in description:
        pattern = re.sub(r"\{\w+\}", "([^/]+)", re.escape(template).replace(r"\{", "{").replace(r"\}", "}"))
        if told_method == method and (found := re.fullmatch(pattern, path)):
            assert all(unquote(it) == _ID for it in found.groups()), path
            return told_method, template
    raise AssertionError(f"no operation is {method} {path}")


@pytest.mark.parametrize("name", APIS)
def test_every_request_is_one_that_the_maker_describes(name: str) -> None:
    maker, client = adapter(name)
    everything(maker, client.clock())
    description, seen = DESCRIPTIONS[name], set()
    for method, url, headers, body in client.made:
        parts = urlsplit(url)
        if parts.path in _DOOR:
            continue
        operation = described(description, method, parts.path)
        seen.add(operation)
        told = description[operation]
        jsonschema_rs.validate(told["query"], dict(parse_qsl(parts.query, strict_parsing=bool(parts.query))))
        jsonschema_rs.validate(told["body"], json.loads(body) if body is not None else None)
        has = {header.lower(): value for header, value in headers.items()}
        assert all(re.search(pattern, has.get(header, "")) for header, pattern in told["headers"].items()), headers
    assert seen == set(description)


@pytest.mark.parametrize("name", APIS)
def test_tokens_are_asked_for_by_forms_of_oauth(name: str) -> None:
    maker, client = adapter(name)
    everything(maker, client.clock())
    asked = [
        (headers, dict(parse_qsl((body or b"").decode()))) for _, url, headers, body in client.made if "token" in url
    ]
    for headers, form in asked:
        assert headers["Content-Type"] == "application/x-www-form-urlencoded"
        needs = {
            "authorization_code": {"code", "redirect_uri"},
            "refresh_token": {"refresh_token"},
            "client_credentials": set(),
        }[form["grant_type"]]
        assert needs <= form.keys()
        assert headers.get("Authorization", "").startswith("Basic ") or {"client_id", "client_secret"} <= form.keys()


def test_at_smartcar_nobody_elses_connection_is_listed_or_deleted() -> None:
    for account in ("", _ID):
        maker, client = adapter("smartcar")
        client.whose.append("somebody else")
        assert maker.cars(LinkAccess(account, ""), client.clock()) == []
        maker.revoke(LinkAccess(account, ""), "", is_last=True)
        assert not [method for method, *_ in client.made if method == "DELETE"]


@pytest.mark.parametrize("name", ["enode", "smartcar"])
def test_a_token_of_the_applications_that_is_refused_is_asked_for_anew_once(name: str) -> None:
    maker, client = adapter(name)
    access = LinkAccess(_ID, "")
    client.refuses.append(401)
    maker.cars(access, client.clock())
    bearers = [headers["Authorization"] for _, url, headers, _ in client.made if urlsplit(url).path not in _DOOR]
    assert (len(set(bearers)), bearers[0] == bearers[1]) == (2, False)
    client.refuses.extend([401, 401])
    # What is wrong with us is no driver's link.
    with pytest.raises(Exception, match="HTTP 401"):
        maker.cars(access, client.clock())
    assert client.refuses == []
