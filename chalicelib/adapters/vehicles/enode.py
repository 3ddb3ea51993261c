"""Enode, which speaks for many makers: its drivers are accounts of ours there, and its token is the application's.

A driver goes to a page of Enode's (a link session), which gives no code: one of ours comes back from there beside the
state, which whoever began knows too and could end the link with for another whom they sent to that page. What they
share is found under the account. What it says of a car it says from what it has: asking wakes
none (`refresh-hint` would, and is never sent).
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from types import MappingProxyType
from typing import Any, ClassVar
from urllib.parse import quote, urlencode

from chalicelib.adapters.vehicles.http import MakerAccount, MakerClient, Reply
from chalicelib.adapters.vehicles.oauth import ApplicationToken
from chalicelib.adapters.vehicles.values import moment, percent, place, seen, watts, whole_wh
from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.vehicles.budget import CallPrices
from chalicelib.domain.vehicles.capability import Capability, ChargingState
from chalicelib.domain.vehicles.telemetry import Telemetry
from chalicelib.records.vehicles import (
    AnswerKind,
    CarAnswer,
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

_VERSION = {"Enode-Version": "2024-10-01"}
_TOLD = frozenset(
    {Capability.PERCENT, Capability.BATTERY_WH, Capability.LIMIT, Capability.PLUGGED, Capability.CHARGING}
)
_STATES = {
    "UNPLUGGED": ChargingState.UNPLUGGED,
    "PLUGGED_IN:CHARGING": ChargingState.CHARGING,
    "PLUGGED_IN:INITIALIZING": ChargingState.CHARGING,
    "PLUGGED_IN:COMPLETE": ChargingState.FULL,
    "PLUGGED_IN:STOPPED": ChargingState.STOPPED,
    "PLUGGED_IN:NO_POWER": ChargingState.STOPPED,
    "PLUGGED_IN:FAULT": ChargingState.FAULT,
}
_GONE = ("user:vehicle:deleted", "user:credentials:invalidated")


@dataclass(frozen=True, kw_only=True)
class Enode:
    """The ports LinksCars, TellsTelemetry, PushesTelemetry, SwitchesCharge and SetsAmps, at Enode."""

    name: ClassVar[str] = "enode"
    names_accounts: ClassVar[bool] = True
    offers: ClassVar[frozenset[Capability]] = _TOLD | {
        Capability.POSITION,
        Capability.START_STOP,
        Capability.SET_AMPS,
        Capability.PUSH,
    }
    # By connected device and month, and not published: what its customers tell of.
    prices: ClassVar[CallPrices] = CallPrices(car_month=1_000_000)
    addresses: ClassVar[Mapping[str, str]] = MappingProxyType(
        {"auth": "https://oauth.production.enode.io", "api": "https://enode-api.production.enode.io"}
    )

    account: MakerAccount
    client: MakerClient

    def scopes(self, attempt: LinkAttempt) -> Sequence[ConsentScope]:
        told = [
            ConsentScope("vehicle:read:data", _TOLD),
            ConsentScope("vehicle:control:charging", frozenset({Capability.START_STOP, Capability.SET_AMPS})),
        ]
        if attempt.sharing is not PositionSharing.NONE:
            told.append(ConsentScope("vehicle:read:location", frozenset({Capability.POSITION})))
        return told

    def consent_url(self, attempt: LinkAttempt) -> str:
        """Two calls: a token of our own where there is none, and the session."""
        sign = "&" if "?" in attempt.redirect_uri else "?"
        reply = self._post(
            f"/users/{quote(attempt.link_id, safe='')}/link",
            {
                "vendorType": "vehicle",
                "language": "en-US",
                "scopes": [it.name for it in self.scopes(attempt)],
                "redirectUri": attempt.redirect_uri
                + sign
                + urlencode({"state": attempt.state, "code": attempt.verifier}),
            },
        )
        return str(_good(reply).body.get("linkUrl", ""))

    def exchange(self, attempt: LinkAttempt, code: str, at: datetime) -> tuple[str, CarTokens]:
        """No call is made. Raises LinkBroken where the code is not what came back from Enode's page."""
        if not hmac.compare_digest(code.encode(), attempt.verifier.encode()):
            raise LinkBroken("not from enode's page")
        return attempt.link_id, CarTokens(access="", expires_at=at)

    def refresh(self, tokens: CarTokens, at: datetime) -> CarTokens:
        """No call: drivers have no tokens here."""
        return tokens

    def revoke(self, access: LinkAccess, maker_id: str, *, is_last: bool) -> str:
        """A call for the last car: an account goes as a whole."""
        if not is_last:
            return ""
        url = f"{self._api}/users/{quote(access.account, safe='')}"
        reply = self._asked(lambda headers: self.client.delete(url, headers))
        if not reply.is_good and reply.status != 404:
            raise reply.unavailable()
        return ""

    def cars(self, access: LinkAccess, at: datetime) -> Sequence[FoundCar]:
        """A call for each fifty cars."""
        found: list[FoundCar] = []
        after = ""
        while True:
            query = {"pageSize": "50"} | ({"after": after} if after else {})
            told = _good(self._get(f"/users/{quote(access.account, safe='')}/vehicles", query)).body
            found += [_found(it) for it in told.get("data", [])]
            after = str((told.get("pagination") or {}).get("after") or "")
            if not after:
                return found

    def look(self, access: LinkAccess, maker_id: str, wanted: frozenset[Capability], at: datetime) -> Telemetry:
        told = _good(self._get(f"/vehicles/{quote(maker_id, safe='')}")).body
        telemetry = _telemetry(told)
        if told.get("isReachable") is False and telemetry.latest_at is None:
            raise CarUnreachable
        return telemetry

    def heard(self, headers: Mapping[str, str], body: bytes, at: datetime) -> PushedNews:
        secret = self.account.key("webhook_secret").encode()
        signed = "sha1=" + hmac.new(secret, body, hashlib.sha1).hexdigest()
        if not secret or not hmac.compare_digest(signed, headers.get("x-enode-signature", "")):
            raise NotPushed("not signed by enode")
        try:
            events = [it for it in json.loads(body) if str(it["event"]).startswith("user:")]
            delivery = headers.get("x-enode-delivery", "")
            return PushedNews([self._news(f"{delivery}/{number}", it) for number, it in enumerate(events)])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise NotPushed("no events of enode's") from error

    def start(self, access: LinkAccess, maker_id: str) -> CarAnswer:
        return self._sent(f"/vehicles/{quote(maker_id, safe='')}/charging", {"action": "START"})

    def stop(self, access: LinkAccess, maker_id: str) -> CarAnswer:
        return self._sent(f"/vehicles/{quote(maker_id, safe='')}/charging", {"action": "STOP"})

    def set_amps(self, access: LinkAccess, maker_id: str, amps: int) -> CarAnswer:
        return self._sent(f"/vehicles/{quote(maker_id, safe='')}/max-current", {"maxCurrent": amps})

    @property
    def _api(self) -> str:
        return self.account.addresses["api"]

    @cached_property
    def _own(self) -> ApplicationToken:
        return ApplicationToken(
            account=self.account,
            client=self.client,
            token_url=f"{self.account.addresses['auth']}/oauth2/token",
            by_header=True,
        )

    def _asked(self, ask: Callable[[Mapping[str, str]], Reply]) -> Reply:
        return self._own.asked(lambda headers: ask({**headers, **_VERSION}))

    def _get(self, path: str, query: Mapping[str, str] | None = None) -> Reply:
        return self._asked(lambda headers: self.client.get(self._api + path, headers, query))

    def _post(self, path: str, said: Mapping[str, Any]) -> Reply:
        return self._asked(lambda headers: self.client.post(self._api + path, headers, said))

    def _sent(self, path: str, said: Mapping[str, Any]) -> CarAnswer:
        reply = self._post(path, said)
        if reply.status in (400, 403, 409, 422):
            return CarAnswer(AnswerKind.REFUSED, str(reply.body.get("type", "")).rpartition("/")[2][:80])
        told = _good(reply).body
        failure = str((told.get("failureReason") or {}).get("type", ""))[:80]
        match told.get("state"):
            case "FAILED" if failure in ("REQUESTED_CHARGING_STATE_ALREADY_ACHIEVED", "ALREADY_IN_STATE"):
                return CarAnswer(AnswerKind.ALREADY, failure)
            case "FAILED" if failure in ("NO_RESPONSE", "UNREACHABLE"):
                return CarAnswer(AnswerKind.UNREACHABLE, failure)
            case "FAILED" | "CANCELLED":
                return CarAnswer(AnswerKind.REFUSED, failure)
        return CarAnswer(AnswerKind.ACCEPTED)

    def _news(self, event_id: str, told: Mapping[str, Any]) -> CarNews:
        vehicle = told.get("vehicle") or {}
        return CarNews(
            event_id=event_id,
            maker=self.name,
            maker_id=str(vehicle.get("id", "")),
            telemetry=_telemetry(vehicle),
            account=str(told["user"]["id"]),
            is_gone=told["event"] in _GONE,
            at=moment(told.get("createdAt")),
        )


def _good(reply: Reply) -> Reply:
    """The answer where it is one: a driver or a car that Enode knows no more was taken back there."""
    if reply.is_good:
        return reply
    raise LinkBroken("gone") if reply.status == 404 else reply.unavailable()


def _found(told: Mapping[str, Any]) -> FoundCar:
    information, abilities = told.get("information") or {}, told.get("capabilities") or {}
    asks = {
        "startCharging": {Capability.START_STOP},
        "setMaxCurrent": {Capability.SET_AMPS},
        "location": {Capability.POSITION},
        "chargeState": _TOLD,
    }
    cannot = {each for name, some in asks.items() for each in some if not (abilities.get(name) or {}).get("isCapable")}
    return FoundCar(
        maker_id=str(told["id"]),
        name=" ".join(str(information[it]) for it in ("brand", "model", "year") if information.get(it)),
        can=Enode.offers - (cannot if abilities else set()),
        battery_wh=whole_wh((told.get("chargeState") or {}).get("batteryCapacity")),
    )


def _telemetry(told: Mapping[str, Any]) -> Telemetry:
    charge, location = told.get("chargeState") or {}, told.get("location") or {}
    found: dict[str, Any] = {}
    if at := moment(charge.get("lastUpdated")):
        plugged, amps = charge.get("isPluggedIn"), charge.get("maxCurrent")
        found = {
            "percent": seen(percent(charge.get("batteryLevel")), at),
            "battery_wh": seen(whole_wh(charge.get("batteryCapacity")), at),
            "limit_percent": seen(percent(charge.get("chargeLimit")), at),
            "is_plugged": seen(plugged if isinstance(plugged, bool) else None, at),
            "charging": seen(_STATES.get(str(charge.get("powerDeliveryState"))), at),
            "power_w": seen(watts(charge.get("chargeRate")), at),
            "amps": seen(round(amps) if isinstance(amps, int | float) else None, at),
        }
    if at := moment(location.get("lastUpdated")):
        found["position"] = seen(place(location), at)
    return Telemetry(**found)
