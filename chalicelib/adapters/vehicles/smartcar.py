"""Smartcar, which speaks for many makers: API v2.0, webhooks signed with the application's management token.

A value's time is the car's (`sc-data-age`), else when Smartcar fetched it. It wakes no car by itself.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, ClassVar
from urllib.parse import quote

from chalicelib.adapters.vehicles.http import MakerAccount, MakerClient, Reply
from chalicelib.adapters.vehicles.oauth import OAuthDoor
from chalicelib.adapters.vehicles.values import moment, percent, place, seen, whole_wh
from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.vehicles.budget import CallPrices
from chalicelib.domain.vehicles.capability import Capability, ChargingState
from chalicelib.domain.vehicles.telemetry import Telemetry
from chalicelib.records.vehicles import (
    AnswerKind,
    CarAnswer,
    CarAsleep,
    CarNews,
    CarTokens,
    CarUnreachable,
    ConsentScope,
    FoundCar,
    LinkAccess,
    LinkAttempt,
    LinkBroken,
    NotPushed,
    PositionSharing,
    PushedNews,
)

_PATHS: Mapping[str, frozenset[Capability]] = {
    "/battery": frozenset({Capability.PERCENT}),
    "/battery/capacity": frozenset({Capability.BATTERY_WH}),
    "/charge": frozenset({Capability.PLUGGED, Capability.CHARGING}),
    "/charge/limit": frozenset({Capability.LIMIT}),
    "/location": frozenset({Capability.POSITION}),
}
_STATES = {
    "CHARGING": ChargingState.CHARGING,
    "FULLY_CHARGED": ChargingState.FULL,
    "NOT_CHARGING": ChargingState.STOPPED,
}
_ALREADY = ("CHARGING_IN_PROGRESS", "NOT_CHARGING", "CHARGE_LIMIT_ALREADY_SET")
_ASLEEP = ("ASLEEP",)
_REACHED_NOT = ("UNREACHABLE", "NO_RESPONSE", "VEHICLE_OFFLINE_FOR_SERVICE")


@dataclass(frozen=True, kw_only=True)
class Smartcar:
    """The ports LinksCars, TellsTelemetry, PushesTelemetry, SwitchesCharge and SetsLimit, at Smartcar."""

    name: ClassVar[str] = "smartcar"
    names_accounts: ClassVar[bool] = False
    offers: ClassVar[frozenset[Capability]] = frozenset(
        {*(it for some in _PATHS.values() for it in some), Capability.START_STOP, Capability.SET_LIMIT, Capability.PUSH}
    )
    # Plans are by car and month; the calls within one are not billed (smartcar.com/pricing).
    prices: ClassVar[CallPrices] = CallPrices(car_month=1_990_000)
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
        told = [
            ConsentScope("read_vehicle_info"),
            ConsentScope("read_battery", frozenset({Capability.PERCENT, Capability.BATTERY_WH})),
            ConsentScope("read_charge", frozenset({Capability.PLUGGED, Capability.CHARGING, Capability.LIMIT})),
            ConsentScope("control_charge", frozenset({Capability.START_STOP, Capability.SET_LIMIT})),
        ]
        if attempt.sharing is not PositionSharing.NONE:
            told.append(ConsentScope("read_location", frozenset({Capability.POSITION})))
        return told

    def consent_url(self, attempt: LinkAttempt) -> str:
        return self._door.consent_url(attempt, self.scopes(attempt))

    def exchange(self, attempt: LinkAttempt, code: str, at: datetime) -> tuple[str, CarTokens]:
        """Two calls: whose car it is stands in none of the tokens."""
        tokens = self._door.exchange(attempt, code, at)
        return str(self._good(self._get("/user", tokens.access)).body.get("id", "")), tokens

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
        listed = self._good(self._get("/vehicles", access.token)).body.get("vehicles", [])
        return [self._found(str(it), access) for it in listed]

    def look(self, access: LinkAccess, maker_id: str, wanted: frozenset[Capability], at: datetime) -> Telemetry:
        paths = [{"path": path} for path, told in _PATHS.items() if told & wanted]
        url = f"{self._api}{_car(maker_id)}/batch"
        reply = self._good(self.client.post(url, _bearer(access.token), {"requests": paths}))
        answers = [it for it in reply.body.get("responses", []) if isinstance(it, dict)]
        if not any(it.get("code") == 200 for it in answers):
            for it in answers:
                self._good(Reply(status=int(it.get("code", 502)), body=it.get("body") or {}, headers={}))
        return _telemetry(answers)

    def heard(self, headers: Mapping[str, str], body: bytes, at: datetime) -> PushedNews:
        secret = self.account.key("webhook_secret").encode()
        signed = hmac.new(secret, body, hashlib.sha256).hexdigest()
        if not secret or not hmac.compare_digest(signed, headers.get("sc-signature", "")):
            raise NotPushed("not signed by smartcar")
        try:
            told = json.loads(body)
            if str(told.get("eventName", told.get("eventType", ""))).lower() == "verify":
                asked = str((told.get("payload") or told.get("data"))["challenge"])
                return PushedNews(reply={"challenge": hmac.new(secret, asked.encode(), hashlib.sha256).hexdigest()})
            if told.get("eventType"):
                return PushedNews([self._of_signals(told)] if "signals" in told["data"] else [])
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

    def _good(self, reply: Reply) -> Reply:
        """The answer where it is one. Raises what went wrong in our words."""
        code = str(reply.body.get("code") or "")[:80]
        if reply.is_good:
            return reply
        if code in _ASLEEP:
            raise CarAsleep
        if code in _REACHED_NOT:
            raise CarUnreachable
        # The last: the driver's account at the car's own maker, where they have to log in again.
        if reply.status in (401, 403, 404) or reply.body.get("type") == "CONNECTED_SERVICES_ACCOUNT":
            raise LinkBroken(code or "refused")
        raise reply.unavailable()

    def _found(self, maker_id: str, access: LinkAccess) -> FoundCar:
        told = self._good(self._get(_car(maker_id), access.token)).body
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

    def _of_signals(self, told: Mapping[str, Any]) -> CarNews:
        """A webhook of the later kind: signals, each with the time at which the car's maker had it."""
        maker_id = str(told["data"]["vehicle"]["id"])
        return CarNews(
            event_id=str(told["eventId"]),
            maker=self.name,
            maker_id=maker_id,
            telemetry=_of_signals(told["data"]["signals"]),
            account=str(told["data"]["user"]["id"]),
        )

    def _sent(self, access: LinkAccess, path: str, said: Mapping[str, Any]) -> CarAnswer:
        reply = self.client.post(self._api + path, _bearer(access.token), said)
        code = str(reply.body.get("code") or "")[:80]
        if reply.is_good:
            return CarAnswer(AnswerKind.ACCEPTED)
        if code in _ALREADY:
            return CarAnswer(AnswerKind.ALREADY, code)
        if code in _ASLEEP:
            return CarAnswer(AnswerKind.ASLEEP)
        if code in _REACHED_NOT:
            return CarAnswer(AnswerKind.UNREACHABLE, code)
        if reply.status in (403, 409, 501):
            return CarAnswer(AnswerKind.REFUSED, code)
        self._good(reply)
        return CarAnswer(AnswerKind.REFUSED, code)


def _car(maker_id: str) -> str:
    return f"/vehicles/{quote(maker_id, safe='')}"


def _bearer(token: str) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {token}", "SC-Unit-System": "metric"}


def _of_signals(signals: Iterable[Mapping[str, Any]]) -> Telemetry:
    found: dict[str, Any] = {}
    for it in signals:
        body, meta = it.get("body") or {}, it.get("meta") or {}
        at, value = moment(meta.get("oemUpdatedAt")) or moment(meta.get("retrievedAt")), body.get("value")
        if at is None:
            continue
        match it.get("code"):
            case "tractionbattery-stateofcharge":
                found["percent"] = seen(percent(value), at)
            case "charge-ischargingcableconnected" if isinstance(value, bool):
                found["is_plugged"] = seen(value, at)
            case "charge-ischarging" if isinstance(value, bool):
                found["charging"] = seen(ChargingState.CHARGING if value else ChargingState.STOPPED, at)
            case "location-preciselocation":
                found["position"] = seen(place(body), at)
    return Telemetry(**found)


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
                state = _STATES.get(str(body.get("state")))
                found["is_plugged"] = seen(plugged if isinstance(plugged, bool) else None, at)
                found["charging"] = seen(ChargingState.UNPLUGGED if plugged is False else state, at)
            case "/charge/limit":
                found["limit_percent"] = seen(percent(body.get("limit"), of=1), at)
            case "/location":
                found["position"] = seen(place(body), at)
    return Telemetry(**found)
