"""Smartcar, which speaks for many makers: API v3, whose token is the application's, and its signed webhooks.

What it says of a car it says from what it has, which only a webhook fills: each car is subscribed to the one that is
set. It wakes no car by itself. No code comes back from its page but the driver's user id there, beside the state: it is
believed where the connection names the link that was begun as well, which whoever was sent to that page cannot say.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from types import MappingProxyType
from typing import Any, ClassVar
from urllib.parse import quote, urlencode

from chalicelib.adapters.vehicles.http import MakerAccount, MakerClient, Reply
from chalicelib.adapters.vehicles.oauth import ApplicationToken
from chalicelib.adapters.vehicles.values import moment, number, percent, place, seen, whole_wh
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

# Plans are by car and month; the calls within one are not billed (smartcar.com/pricing).
PRICES = CallPrices(car_month=1_990_000)
STATES = {
    "CHARGING": ChargingState.CHARGING,
    "FULLY_CHARGED": ChargingState.FULL,
    "NOT_CHARGING": ChargingState.STOPPED,
}
_ALREADY = ("CHARGING_IN_PROGRESS", "NOT_CHARGING", "CHARGE_LIMIT_ALREADY_SET")
_ASLEEP = ("ASLEEP",)
_REACHED_NOT = ("UNREACHABLE", "NO_RESPONSE", "VEHICLE_OFFLINE_FOR_SERVICE")
_OPENS: Mapping[str, frozenset[Capability]] = {
    "read_battery": frozenset({Capability.PERCENT, Capability.BATTERY_WH}),
    "read_charge": frozenset({Capability.PLUGGED, Capability.CHARGING, Capability.LIMIT}),
    "control_charge": frozenset({Capability.START_STOP, Capability.SET_LIMIT}),
    "read_location": frozenset({Capability.POSITION}),
}
OFFERS = frozenset({Capability.PUSH}).union(*_OPENS.values())
_PAGE = 100
_SUBSCRIBED = 409
# What is no JSON object: nobody gets an event of their own signed by asking whether the secret is known.
_CHALLENGE = re.compile(r"[\w.+/=:-]{1,200}")


@dataclass(frozen=True, kw_only=True)
class Smartcar:
    """The ports LinksCars, TellsTelemetry, PushesTelemetry, SwitchesCharge and SetsLimit, at Smartcar."""

    name: ClassVar[str] = "smartcar"
    names_accounts: ClassVar[bool] = False
    offers: ClassVar[frozenset[Capability]] = OFFERS
    prices: ClassVar[CallPrices] = PRICES
    addresses: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "connect": "https://connect.smartcar.com",
            "iam": "https://iam.smartcar.com",
            "vehicle": "https://vehicle.api.smartcar.com",
            "management": "https://management.api.smartcar.com",
        }
    )

    account: MakerAccount
    client: MakerClient

    def scopes(self, attempt: LinkAttempt) -> Sequence[ConsentScope]:
        return scopes(attempt)

    def consent_url(self, attempt: LinkAttempt) -> str:
        """No call. Smartcar keeps the link's name with the connection (`external_id`)."""
        return f"{self.account.addresses['connect']}/oauth/authorize?" + urlencode(
            {
                "response_type": "none",
                "client_id": self.account.key("application_id"),
                "redirect_uri": attempt.redirect_uri,
                "scope": " ".join(it.name for it in scopes(attempt)),
                "mode": self._mode,
                "approval_prompt": "force",
                "state": attempt.state,
                "external_id": attempt.link_id,
            }
        )

    def exchange(self, attempt: LinkAttempt, code: str, at: datetime) -> tuple[str, CarTokens]:
        """A call; `code` is the user id that came back. Raises LinkBroken where no connection has both names."""
        ours = self._connections(code, {"filter[user.externalId]": attempt.link_id})
        if not any(_user_of(it).get("externalId") == attempt.link_id for it in ours):
            raise LinkBroken("not from smartcar's page")
        return code, CarTokens(access="", expires_at=at)

    def refresh(self, tokens: CarTokens, at: datetime) -> CarTokens:
        """No call: drivers have no tokens here, and those of v2.0 are needed no more."""
        return CarTokens(access="", expires_at=at)

    def revoke(self, access: LinkAccess, maker_id: str, *, is_last: bool) -> str:
        """Two calls for each car: a connection has a name of its own."""
        for it in self._connections(access.account, {"filter[vehicleId]": maker_id} if maker_id else {}):
            if maker_id and _found(it).maker_id != maker_id:
                continue
            reply = self._deleted(f"{self._vehicles_api}/connections/{quote(str(it['id']), safe='')}")
            if not reply.is_good and reply.status not in (403, 404):
                raise reply.unavailable()
        return ""

    def cars(self, access: LinkAccess, at: datetime) -> Sequence[FoundCar]:
        """A call for each hundred cars, and one for each that is subscribed."""
        found = []
        for it in self._connections(access.account, {}):
            car = _found(it)
            if webhook := self.account.key("webhook_id"):
                self._subscribe(webhook, access.account, car.maker_id)
            found.append(car)
        return found

    def look(self, access: LinkAccess, maker_id: str, wanted: frozenset[Capability], at: datetime) -> Telemetry:
        url = f"{self._vehicles_api}/vehicles/{quote(maker_id, safe='')}/signals"
        reply = good(self._own.asked(lambda headers: self.client.get(url, {**headers, **_user(access)})))
        told = [it for it in reply.body.get("data", []) if isinstance(it, dict)]
        return of_signals({**(it.get("attributes") or {}), "meta": it.get("meta")} for it in told)

    def heard(self, headers: Mapping[str, str], body: bytes, at: datetime) -> PushedNews:
        return heard(self.account.key("webhook_secret"), headers, body)

    def start(self, access: LinkAccess, maker_id: str) -> CarAnswer:
        return self._sent(access, maker_id, "start")

    def stop(self, access: LinkAccess, maker_id: str) -> CarAnswer:
        return self._sent(access, maker_id, "stop")

    def set_limit(self, access: LinkAccess, maker_id: str, percent: int) -> CarAnswer:
        said = {"data": {"attributes": {"percent": max(50, min(percent, 100))}}}
        return self._sent(access, maker_id, "set-limit", said)

    @property
    def _vehicles_api(self) -> str:
        return f"{self.account.addresses['vehicle']}/v3"

    @property
    def _mode(self) -> str:
        return self.account.key("mode") or "live"

    @cached_property
    def _own(self) -> ApplicationToken:
        return ApplicationToken(
            account=self.account,
            client=self.client,
            token_url=f"{self.account.addresses['iam']}/oauth2/token",
            by_header=False,
        )

    def _connections(self, user: str, more: Mapping[str, str]) -> Sequence[Mapping[str, Any]]:
        """What a driver shares with us: a connection for each car, and nobody else's, whatever comes."""
        found: list[Mapping[str, Any]] = []
        if not user:
            return found
        mode = "live" if self._mode == "live" else "simulated"
        for page in range(1, 11):
            query = {"filter[userId]": user, "filter[vehicle.mode]": mode, **more}
            query |= {"page[number]": str(page), "page[size]": str(_PAGE)}
            listed = self._listed(f"{self._vehicles_api}/connections", query)
            found += [it for it in listed if _user_of(it).get("id") == user]
            if len(listed) < _PAGE:
                break
        return found

    def _listed(self, url: str, query: Mapping[str, str]) -> Sequence[Mapping[str, Any]]:
        told = good(self._own.asked(lambda headers: self.client.get(url, headers, query))).body.get("data", [])
        return [it for it in told if isinstance(it, dict)]

    def _deleted(self, url: str) -> Reply:
        return self._own.asked(lambda headers: self.client.delete(url, headers))

    def _subscribe(self, webhook: str, user: str, maker_id: str) -> None:
        said = {"data": {"attributes": {"webhookId": webhook, "userId": user, "vehicleId": maker_id}}}
        url = f"{self.account.addresses['management']}/v3/subscriptions"
        reply = self._own.asked(lambda headers: self.client.post(url, headers, said))
        if not reply.is_good and reply.status != _SUBSCRIBED:
            raise reply.unavailable()

    def _sent(
        self, access: LinkAccess, maker_id: str, command: str, said: Mapping[str, Any] | None = None
    ) -> CarAnswer:
        """What a command comes to; one that takes long is answered 202 first, and its end stands in the same body."""
        url = f"{self._vehicles_api}/vehicles/{quote(maker_id, safe='')}/commands/charge/{command}"
        return answered(self._own.asked(lambda headers: self.client.post(url, {**headers, **_user(access)}, said)))


def scopes(attempt: LinkAttempt) -> Sequence[ConsentScope]:
    """What a driver is asked to allow."""
    is_shared = attempt.sharing is not PositionSharing.NONE
    opens = [ConsentScope(name, it) for name, it in _OPENS.items() if is_shared or Capability.POSITION not in it]
    return [ConsentScope("read_vehicle_info"), *opens]


def good(reply: Reply) -> Reply:
    """The answer where it is one. Raises what went wrong in our words."""
    kind, code = _error(reply)
    if reply.is_good and not code:
        return reply
    if code in _ASLEEP:
        raise CarAsleep
    if code in _REACHED_NOT:
        raise CarUnreachable
    # The last: the driver's account at the car's own maker, where they have to log in again.
    if reply.status in (401, 403, 404) or kind == "CONNECTED_SERVICES_ACCOUNT":
        raise LinkBroken(code or "refused")
    raise reply.unavailable()


def answered(reply: Reply) -> CarAnswer:
    """What an answer to a command means."""
    _, code = _error(reply)
    if reply.is_good and not code:
        return CarAnswer(AnswerKind.ACCEPTED)
    if code in _ALREADY:
        return CarAnswer(AnswerKind.ALREADY, code)
    if code in _ASLEEP:
        return CarAnswer(AnswerKind.ASLEEP)
    if code in _REACHED_NOT:
        return CarAnswer(AnswerKind.UNREACHABLE, code)
    if reply.status not in (403, 409, 501):
        good(reply)
    return CarAnswer(AnswerKind.REFUSED, code)


def event(secret: str, headers: Mapping[str, str], body: bytes) -> Mapping[str, Any]:
    """What a webhook carries, once its signature was found to be Smartcar's; only the question whether we know the
    secret may come without one. Raises NotPushed.
    """
    signed = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    is_signed = hmac.compare_digest(signed, headers.get("sc-signature", ""))
    try:
        told = json.loads(body)
    except ValueError as error:
        raise NotPushed("no event of smartcar's") from error
    if not secret or not isinstance(told, dict) or not (is_signed or _challenge(told)):
        raise NotPushed("not signed by smartcar")
    return told


def proof(secret: str, told: Mapping[str, Any]) -> PushedNews | None:
    """The answer to the question whether we know the secret; None for any other event."""
    asked = _challenge(told)
    return (
        PushedNews(reply={"challenge": hmac.new(secret.encode(), asked.encode(), hashlib.sha256).hexdigest()})
        if asked
        else None
    )


def heard(secret: str, headers: Mapping[str, str], body: bytes) -> PushedNews:
    """What a webhook of v3 tells: signals, each with the time at which the car's maker had it."""
    told = event(secret, headers, body)
    if (answer := proof(secret, told)) is not None:
        return answer
    try:
        data = told["data"]
        is_gone = any(_needs_login(it) for it in data.get("errors") or [])
        if "signals" not in data and not is_gone:
            return PushedNews([])
        news = CarNews(
            event_id=str(told["eventId"]),
            maker=Smartcar.name,
            maker_id=str(data["vehicle"]["id"]),
            telemetry=of_signals(data.get("signals") or []),
            account=str(data["user"]["id"]),
            is_gone=is_gone,
            at=moment((told.get("meta") or {}).get("deliveredAt")),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise NotPushed("no event of smartcar's") from error
    return PushedNews([news])


def of_signals(signals: Iterable[Mapping[str, Any]]) -> Telemetry:
    """What signals say, each by when the car's maker had it, else when Smartcar fetched it."""
    found: dict[str, Any] = {}
    for it in signals:
        body, meta = it.get("body") or {}, it.get("meta") or {}
        at, value = moment(meta.get("oemUpdatedAt")) or moment(meta.get("retrievedAt")), body.get("value")
        if at is None:
            continue
        match it.get("code"):
            case "tractionbattery-stateofcharge":
                found["percent"] = seen(percent(value), at)
            case "tractionbattery-nominalcapacity":
                found["battery_wh"] = seen(whole_wh(body.get("capacity")), at)
            case "charge-chargelimits":
                found["limit_percent"] = seen(percent(_limit(body)), at)
            case "charge-ischargingcableconnected" if isinstance(value, bool):
                found["is_plugged"] = seen(value, at)
            case "charge-ischarging" if isinstance(value, bool):
                state = ChargingState.CHARGING if value else ChargingState.STOPPED
                found["charging"] = found.get("charging") or seen(state, at)
            case "charge-detailedchargingstatus" if str(value) in STATES:
                found["charging"] = seen(STATES[str(value)], at)
            case "location-preciselocation":
                found["position"] = seen(place(body), at)
    return Telemetry(**found)


def _limit(body: Mapping[str, Any]) -> float | None:
    """The limit that counts now, else the one for everywhere; webhooks wrap both once more."""
    told: Any = body.get("values")
    inner = told if isinstance(told, dict) else body
    listed = inner.get("values")
    everywhere = [
        it.get("limit")
        for it in (listed if isinstance(listed, list) else [])
        if str(it.get("type")).lower() == "global"
    ]
    return number(inner.get("activeLimit")) or number(everywhere[0] if everywhere else None)


def _found(connection: Mapping[str, Any]) -> FoundCar:
    told = connection.get("attributes") or {}
    vehicle, allowed = told.get("vehicle") or {}, told.get("permissions")
    asked = {name: opens for name, opens in _OPENS.items() if allowed is None or name in allowed}
    return FoundCar(
        maker_id=str(connection["relationships"]["vehicle"]["data"]["id"]),
        name=" ".join(str(vehicle[it]) for it in ("make", "model", "year") if vehicle.get(it)).title(),
        can=frozenset({Capability.PUSH}).union(*asked.values()),
    )


def _user_of(connection: Mapping[str, Any]) -> Mapping[str, Any]:
    found = (connection.get("attributes") or {}).get("user")
    return found if isinstance(found, dict) else {}


def _user(access: LinkAccess) -> Mapping[str, str]:
    return {"sc-user-id": access.account, "SC-Unit-System": "metric"}


def _needs_login(error: Mapping[str, Any]) -> bool:
    """Whether nothing more is heard of a car until its driver logs in at its own maker, whatever was never allowed."""
    resolution = error.get("resolution") or {}
    is_over = error.get("state") != "RESOLVED" and resolution.get("type") == "REAUTHENTICATE"
    return is_over and error.get("type") == "CONNECTED_SERVICES_ACCOUNT"


def _challenge(told: Mapping[str, Any]) -> str:
    if str(told.get("eventName", told.get("eventType", ""))).lower() != "verify":
        return ""
    data = told.get("payload") or told.get("data")
    asked = str(data.get("challenge", "")) if isinstance(data, dict) else ""
    return asked if _CHALLENGE.fullmatch(asked) else ""


def _error(reply: Reply) -> tuple[str, str]:
    """Type and code of what went wrong: v2.0 names one, v3 has a list."""
    listed = reply.body.get("errors")
    told = listed[0] if isinstance(listed, list) and listed and isinstance(listed[0], dict) else reply.body
    return str(told.get("type") or "")[:80], str(told.get("code") or "")[:80]
