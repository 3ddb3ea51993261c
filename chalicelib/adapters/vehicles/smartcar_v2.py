"""Smartcar by API v2.0, with tokens of each driver: deprecated at the end of 2026, and off on a day not yet named.

Spoken by accounts that have no `application_id` yet; a link that was made by it goes on by v3. A value's time is the
car's (`sc-data-age`), else when Smartcar fetched it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, ClassVar
from urllib.parse import quote

from chalicelib.adapters.vehicles.http import MakerAccount, MakerClient, Reply
from chalicelib.adapters.vehicles.oauth import OAuthDoor
from chalicelib.adapters.vehicles.smartcar import (
    OFFERS,
    PRICES,
    STATES,
    answered,
    event,
    good,
    heard,
    proof,
    scopes,
)
from chalicelib.adapters.vehicles.values import moment, percent, place, seen, whole_wh
from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.vehicles.budget import CallPrices
from chalicelib.domain.vehicles.capability import Capability, ChargingState
from chalicelib.domain.vehicles.telemetry import Telemetry
from chalicelib.records.vehicles import (
    CarAnswer,
    CarNews,
    CarTokens,
    ConsentScope,
    FoundCar,
    LinkAccess,
    LinkAttempt,
    NotPushed,
    PushedNews,
)

_PATHS: Mapping[str, frozenset[Capability]] = {
    "/battery": frozenset({Capability.PERCENT}),
    "/battery/capacity": frozenset({Capability.BATTERY_WH}),
    "/charge": frozenset({Capability.PLUGGED, Capability.CHARGING}),
    "/charge/limit": frozenset({Capability.LIMIT}),
    "/location": frozenset({Capability.POSITION}),
}


@dataclass(frozen=True, kw_only=True)
class SmartcarV2:
    """The ports LinksCars, TellsTelemetry, PushesTelemetry, SwitchesCharge and SetsLimit, at Smartcar."""

    name: ClassVar[str] = "smartcar"
    names_accounts: ClassVar[bool] = False
    offers: ClassVar[frozenset[Capability]] = OFFERS
    prices: ClassVar[CallPrices] = PRICES
    addresses: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "connect": "https://connect.smartcar.com",
            "auth": "https://auth.smartcar.com",
            "api": "https://api.smartcar.com",
        }
    )

    account: MakerAccount
    client: MakerClient

    def scopes(self, attempt: LinkAttempt) -> Sequence[ConsentScope]:
        return scopes(attempt)

    def consent_url(self, attempt: LinkAttempt) -> str:
        return self._door.consent_url(attempt, self.scopes(attempt))

    def exchange(self, attempt: LinkAttempt, code: str, at: datetime) -> tuple[str, CarTokens]:
        """Two calls: whose car it is stands in none of the tokens."""
        tokens = self._door.exchange(attempt, code, at)
        return str(good(self._get("/user", tokens.access)).body.get("id", "")), tokens

    def refresh(self, tokens: CarTokens, at: datetime) -> CarTokens:
        return self._door.refresh(tokens, at)

    def revoke(self, access: LinkAccess, maker_id: str, *, is_last: bool) -> str:
        """A call for each car: the tokens of the last are good for nothing."""
        reply = self.client.delete(f"{self._api}{_car(maker_id)}/application", _bearer(access.token))
        if not reply.is_good and reply.status not in (401, 403, 404):
            raise reply.unavailable()
        return ""

    def cars(self, access: LinkAccess, at: datetime) -> Sequence[FoundCar]:
        """A call, and two for each car."""
        listed = good(self._get("/vehicles", access.token)).body.get("vehicles", [])
        return [self._found(str(it), access) for it in listed]

    def look(self, access: LinkAccess, maker_id: str, wanted: frozenset[Capability], at: datetime) -> Telemetry:
        paths = [{"path": path} for path, told in _PATHS.items() if told & wanted]
        url = f"{self._api}{_car(maker_id)}/batch"
        reply = good(self.client.post(url, _bearer(access.token), {"requests": paths}))
        answers = [it for it in reply.body.get("responses", []) if isinstance(it, dict)]
        if not any(it.get("code") == 200 for it in answers):
            for it in answers:
                good(Reply(status=int(it.get("code", 502)), body=it.get("body") or {}, headers={}))
        return _telemetry(answers)

    def heard(self, headers: Mapping[str, str], body: bytes, at: datetime) -> PushedNews:
        secret = self.account.key("webhook_secret")
        told = event(secret, headers, body)
        if (answer := proof(secret, told)) is not None:
            return answer
        if told.get("eventType"):
            return heard(secret, headers, body)
        try:
            return PushedNews([self._news(told, it) for it in told["payload"].get("vehicles", [])])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise NotPushed("no event of smartcar's") from error

    def start(self, access: LinkAccess, maker_id: str) -> CarAnswer:
        return self._sent(access, f"{_car(maker_id)}/charge", {"action": "START"})

    def stop(self, access: LinkAccess, maker_id: str) -> CarAnswer:
        return self._sent(access, f"{_car(maker_id)}/charge", {"action": "STOP"})

    def set_limit(self, access: LinkAccess, maker_id: str, percent: int) -> CarAnswer:
        return self._sent(access, f"{_car(maker_id)}/charge/limit", {"limit": max(50, min(percent, 100)) / 100})

    @property
    def _api(self) -> str:
        return f"{self.account.addresses['api']}/v2.0"

    @property
    def _door(self) -> OAuthDoor:
        return OAuthDoor(
            account=self.account,
            client=self.client,
            authorize_url=f"{self.account.addresses['connect']}/oauth/authorize",
            token_url=f"{self.account.addresses['auth']}/oauth/token",
            more={"mode": self.account.key("mode") or "live", "approval_prompt": "force"},
            with_code={},
        )

    def _get(self, path: str, token: str) -> Reply:
        return self.client.get(self._api + path, _bearer(token))

    def _found(self, maker_id: str, access: LinkAccess) -> FoundCar:
        told = good(self._get(_car(maker_id), access.token)).body
        battery = self._get(f"{_car(maker_id)}/battery/capacity", access.token)
        name = " ".join(str(told[it]) for it in ("make", "model", "year") if told.get(it))
        wh = whole_wh(battery.body.get("capacity")) if battery.is_good else None
        return FoundCar(maker_id=maker_id, name=name.title(), can=self.offers, battery_wh=wh)

    def _news(self, told: Mapping[str, Any], vehicle: Mapping[str, Any]) -> CarNews:
        maker_id = str(vehicle["vehicleId"])
        return CarNews(
            event_id=f"{told.get('webhookId', '')}/{vehicle.get('timestamp', '')}/{maker_id}",
            maker=self.name,
            maker_id=maker_id,
            telemetry=_telemetry(vehicle.get("data", [])),
            account=str(vehicle.get("userId", "")),
        )

    def _sent(self, access: LinkAccess, path: str, said: Mapping[str, Any]) -> CarAnswer:
        return answered(self.client.post(self._api + path, _bearer(access.token), said))


def _car(maker_id: str) -> str:
    return f"/vehicles/{quote(maker_id, safe='')}"


def _bearer(token: str) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {token}", "SC-Unit-System": "metric"}


def _telemetry(answers: Iterable[Mapping[str, Any]]) -> Telemetry:
    found: dict[str, Any] = {}
    for it in answers:
        body, headers = it.get("body"), {name.lower(): text for name, text in (it.get("headers") or {}).items()}
        at = moment(headers.get("sc-data-age")) or moment(headers.get("sc-fetched-at"))
        if it.get("code") != 200 or not isinstance(body, dict) or at is None:
            continue
        match it.get("path"):
            case "/battery":
                found["percent"] = seen(percent(body.get("percentRemaining"), of=1), at)
            case "/battery/capacity":
                found["battery_wh"] = seen(whole_wh(body.get("capacity")), at)
            case "/charge":
                plugged = body.get("isPluggedIn")
                state = STATES.get(str(body.get("state")))
                found["is_plugged"] = seen(plugged if isinstance(plugged, bool) else None, at)
                found["charging"] = seen(ChargingState.UNPLUGGED if plugged is False else state, at)
            case "/charge/limit":
                found["limit_percent"] = seen(percent(body.get("limit"), of=1), at)
            case "/location":
                found["position"] = seen(place(body), at)
    return Telemetry(**found)
