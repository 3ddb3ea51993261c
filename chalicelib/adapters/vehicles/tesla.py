"""Tesla's Fleet API: tokens of each driver, commands through a proxy that signs them, every answer below 500 billed.

`vehicle_data` of a sleeping car is a 408 and wakes nothing; `wake_up` alone does. The address `command` is a proxy of
the deployment's own (github.com/teslamotors/vehicle-command): where none is set, cars are looked at and not commanded.
A car goes by its VIN, which the proxy's signatures need.

From 2024.26 on a car keeps several schedules, each of one place: one among them is ours, by its number, and the
driver's are never touched. The older command makes another one there each time it is sent: it is for older cars alone.

A car tells by itself where the deployment runs a server of Tesla's for that at the address `stream`
(github.com/teslamotors/fleet-telemetry): its records come as that server writes them (`transmit_decoded_records`),
through whatever carries them to our webhook.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, time
from types import MappingProxyType
from typing import Any, ClassVar
from urllib.parse import quote, urlsplit

from chalicelib.adapters.vehicles.http import MakerAccount, MakerClient, Reply
from chalicelib.adapters.vehicles.oauth import OAuthDoor
from chalicelib.adapters.vehicles.values import moment, number, percent, place, seen, watts
from chalicelib.domain.chargers.geography import GeoPoint
from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.vehicles.budget import CallPrices
from chalicelib.domain.vehicles.capability import Capability, ChargingState, OwnSchedule
from chalicelib.domain.vehicles.telemetry import Observed, Telemetry
from chalicelib.records.vehicles import (
    AnswerKind,
    CarAnswer,
    CarAsleep,
    CarNews,
    CarTokens,
    ConsentScope,
    FoundCar,
    LinkAccess,
    LinkAttempt,
    LinkBroken,
    MakerUnavailable,
    NotPushed,
    PlaceNotShared,
    PositionSharing,
    PushedNews,
)

_TOLD = frozenset({Capability.PERCENT, Capability.LIMIT, Capability.PLUGGED, Capability.CHARGING})
_COMMANDED = frozenset({Capability.START_STOP, Capability.SET_LIMIT, Capability.SET_AMPS, Capability.SCHEDULE})
_STATES = {
    "Disconnected": ChargingState.UNPLUGGED,
    "Charging": ChargingState.CHARGING,
    "Starting": ChargingState.CHARGING,
    "Complete": ChargingState.FULL,
    "Stopped": ChargingState.STOPPED,
    "NoPower": ChargingState.STOPPED,
}
# What a car tells as it changes, so many seconds apart at the least: each is billed; a percentage is fresh for as long.
_STREAMED = {"DetailedChargeState": 1, "ChargeLimitSoc": 60, "BatteryLevel": 900}
_STREAM_KEY = "x-kerb-key"
_ALREADY = ("charging", "is_charging", "not_charging", "already_set", "already_started")
_DAY_MIN = 24 * 60
# Whoever makes a schedule chooses its number, and one that is sent again under it replaces the last. Tesla's app takes
# the second in which it is made; this one ("Kerb") is long past.
OURS = 0x4B657262
_BY_PLACE_SINCE = (2024, 26)


@dataclass(frozen=True, kw_only=True)
class Tesla:
    """The ports LinksCars, TellsTelemetry, PushesTelemetry, SwitchesCharge, SetsLimit, SetsAmps and WakesCar.

    And KeepsSchedule, each schedule of one place where the car keeps them so.
    """

    name: ClassVar[str] = "tesla"
    names_accounts: ClassVar[bool] = False
    offers: ClassVar[frozenset[Capability]] = (
        _TOLD | _COMMANDED | {Capability.POSITION, Capability.WAKE, Capability.PUSH}
    )
    # developer.tesla.com/docs/fleet-api/billing-and-limits; 150,000 signals are a dollar.
    prices: ClassVar[CallPrices] = CallPrices(data=2_000, command=1_000, wake=20_000, signal=7)
    addresses: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "authorize": "https://auth.tesla.com",
            "auth": "https://fleet-auth.prd.vn.cloud.tesla.com",
            "api": "https://fleet-api.prd.eu.vn.cloud.tesla.com",
            "command": "",
            "stream": "",
        }
    )

    account: MakerAccount
    client: MakerClient

    def scopes(self, attempt: LinkAttempt) -> Sequence[ConsentScope]:
        told = [
            ConsentScope("openid"),
            ConsentScope("offline_access"),
            ConsentScope("vehicle_device_data", _TOLD),
            ConsentScope("vehicle_charging_cmds", _COMMANDED | {Capability.WAKE}),
        ]
        if attempt.sharing is not PositionSharing.NONE:
            told.append(ConsentScope("vehicle_location", frozenset({Capability.POSITION, Capability.SCHEDULE})))
        return told

    def consent_url(self, attempt: LinkAttempt) -> str:
        return self._door.consent_url(attempt, self.scopes(attempt))

    def exchange(self, attempt: LinkAttempt, code: str, at: datetime) -> tuple[str, CarTokens]:
        return attempt.link_id, self._door.exchange(attempt, code, at)

    def refresh(self, tokens: CarTokens, at: datetime) -> CarTokens:
        return self._door.refresh(tokens, at)

    def revoke(self, access: LinkAccess, maker_id: str, *, is_last: bool) -> str:
        """The car tells no more. Tesla lets nobody but its driver take a consent back, on this page."""
        if self._has_server:
            url = f"{self._api}/vehicles/{quote(maker_id, safe='')}/fleet_telemetry_config"
            reply = self.client.delete(url, _bearer(access))
            if not reply.is_good and reply.status not in (401, 403, 404):
                raise reply.unavailable()
        client_id = quote(self.account.key("client_id"), safe="")
        return f"{self.account.addresses['authorize']}/user/revoke/consent?revoke_client_id={client_id}"

    def cars(self, access: LinkAccess, at: datetime) -> Sequence[FoundCar]:
        told = self._good(self.client.get(f"{self._api}/vehicles", _bearer(access))).body.get("response") or []
        names = {str(it["vin"]): str(it.get("display_name") or "Tesla") for it in told if it.get("vin")}
        can = (self.offers if self.account.addresses["command"] else self.offers - _COMMANDED) - {Capability.PUSH}
        streams = self._streams(access, list(names))
        return [
            FoundCar(maker_id=vin, name=name, can=can | {Capability.PUSH} if vin in streams else can)
            for vin, name in names.items()
        ]

    def look(self, access: LinkAccess, maker_id: str, wanted: frozenset[Capability], at: datetime) -> Telemetry:
        by_place = {Capability.POSITION: "location_data", Capability.SCHEDULE: "charge_schedule_data"}
        of_place = [name for capability, name in by_place.items() if capability in wanted]
        url = f"{self._api}/vehicles/{quote(maker_id, safe='')}/vehicle_data"
        asked = {"endpoints": ";".join(["charge_state", "vehicle_state", *of_place])}
        reply = self.client.get(url, _bearer(access), asked)
        if of_place and reply.status == 403:
            # A driver may leave one scope out at Tesla's door; what else is wrong shows when it is not asked for.
            raise PlaceNotShared
        return _telemetry(self._good(reply).body.get("response") or {})

    def heard(self, headers: Mapping[str, str], body: bytes, at: datetime) -> PushedNews:
        """A record, or several. Tesla's server signs nothing: whoever carries them on shows a key that is ours."""
        key = self.account.key("webhook_secret").encode()
        if not self._has_server or not hmac.compare_digest(key, headers.get(_STREAM_KEY, "").encode()):
            raise NotPushed("not shown the key of tesla's stream")
        try:
            told = json.loads(body)
            return PushedNews([_news(it) for it in (told if isinstance(told, list) else [told])])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise NotPushed("no record of tesla's") from error

    def start(self, access: LinkAccess, maker_id: str) -> CarAnswer:
        return self._sent(access, maker_id, "charge_start", {})

    def stop(self, access: LinkAccess, maker_id: str) -> CarAnswer:
        return self._sent(access, maker_id, "charge_stop", {})

    def set_limit(self, access: LinkAccess, maker_id: str, percent: int) -> CarAnswer:
        return self._sent(access, maker_id, "set_charge_limit", {"percent": max(50, min(percent, 100))})

    def set_amps(self, access: LinkAccess, maker_id: str, amps: int) -> CarAnswer:
        return self._sent(access, maker_id, "set_charging_amps", {"charging_amps": amps})

    def set_schedule(
        self, access: LinkAccess, maker_id: str, schedule: OwnSchedule, place: GeoPoint | None
    ) -> CarAnswer:
        """Minutes after midnight where the car stands; on every day, for it holds on nights of which nobody hears."""
        begins = schedule.starts_at or time()
        minutes = begins.hour * 60 + begins.minute
        if place is None:
            said: dict[str, Any] = {"enable": schedule.is_on, "time": minutes}
            return self._sent(access, maker_id, "set_scheduled_charging", said)
        said = {
            "id": OURS,
            "lat": place.latitude,
            "lon": place.longitude,
            "days_of_week": "All",
            "start_enabled": True,
            "start_time": minutes,
            "end_enabled": False,
            "one_time": False,
            "enabled": schedule.is_on,
        }
        return self._sent(access, maker_id, "add_charge_schedule", said)

    def drop_schedule(self, access: LinkAccess, maker_id: str) -> CarAnswer:
        return self._sent(access, maker_id, "remove_charge_schedule", {"id": OURS})

    def wake(self, access: LinkAccess, maker_id: str) -> CarAnswer:
        url = f"{self._api}/vehicles/{quote(maker_id, safe='')}/wake_up"
        reply = self.client.post(url, _bearer(access), {})
        if reply.status == 408:
            return CarAnswer(AnswerKind.UNREACHABLE)
        state = (self._good(reply).body.get("response") or {}).get("state")
        return CarAnswer(AnswerKind.ALREADY if state == "online" else AnswerKind.ACCEPTED)

    @property
    def _has_server(self) -> bool:
        """Whether there is a server that cars can tell, whose certificates they trust and whose carrier we know."""
        needs = (self.account.addresses[it] for it in ("stream", "command"))
        return all(needs) and all(self.account.key(it) for it in ("webhook_secret", "stream_ca"))

    def _streams(self, access: LinkAccess, vins: Sequence[str]) -> frozenset[str]:
        """Which of them tell by themselves from now on: those that take the deployment's key, and know how.

        The others, and all where Tesla does not answer, are looked at.
        """
        if not self._has_server or not vins:
            return frozenset()
        server = urlsplit(self.account.addresses["stream"])
        config = {
            "hostname": server.hostname,
            "port": server.port or 443,
            "ca": self.account.key("stream_ca"),
            "fields": {name: {"interval_seconds": seconds} for name, seconds in _STREAMED.items()},
            "prefer_typed": True,
        }
        url = f"{self.account.addresses['command']}/api/1/vehicles/fleet_telemetry_config"
        try:
            reply = self.client.post(url, _bearer(access), {"vins": vins, "config": config})
        except MakerUnavailable:
            return frozenset()
        told = reply.body.get("response") or {}
        skipped = {vin for some in (told.get("skipped_vehicles") or {}).values() for vin in some or ()}
        return frozenset(vins) - skipped if reply.is_good and told.get("updated_vehicles") else frozenset()

    @property
    def _api(self) -> str:
        return f"{self.account.addresses['api']}/api/1"

    @property
    def _door(self) -> OAuthDoor:
        return OAuthDoor(
            account=self.account,
            client=self.client,
            authorize_url=f"{self.account.addresses['authorize']}/oauth2/v3/authorize",
            token_url=f"{self.account.addresses['auth']}/oauth2/v3/token",
            by_header=False,
            more={"prompt_missing_scopes": "true"},
            with_code={"audience": self.account.addresses["api"]},
        )

    def _good(self, reply: Reply) -> Reply:
        """The answer where it is one. Raises what went wrong in our words."""
        if reply.is_good:
            return reply
        if reply.status == 408:
            raise CarAsleep
        if reply.status in (401, 403, 404):
            raise LinkBroken(str(reply.body.get("error", "refused"))[:80])
        raise reply.unavailable()

    def _sent(self, access: LinkAccess, vin: str, command: str, said: Mapping[str, Any]) -> CarAnswer:
        proxy = self.account.addresses["command"]
        if not proxy:
            return CarAnswer(AnswerKind.REFUSED, "no proxy is set")
        url = f"{proxy}/api/1/vehicles/{quote(vin, safe='')}/command/{command}"
        reply = self.client.post(url, _bearer(access), said)
        if reply.status == 408:
            return CarAnswer(AnswerKind.ASLEEP)
        told = self._good(reply).body.get("response") or {}
        reason = str(told.get("reason", ""))[:80]
        if told.get("result") is True:
            return CarAnswer(AnswerKind.ACCEPTED)
        return CarAnswer(AnswerKind.ALREADY if reason in _ALREADY else AnswerKind.REFUSED, reason)


def _bearer(access: LinkAccess) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {access.token}", "Content-Type": "application/json"}


def _telemetry(told: Mapping[str, Any]) -> Telemetry:
    charge, drive = told.get("charge_state") or {}, told.get("drive_state") or {}
    by_place = _keeps_by_place((told.get("vehicle_state") or {}).get("car_version"))
    found: dict[str, Any] = {}
    if at := moment(charge.get("timestamp")):
        state, amps = _STATES.get(str(charge.get("charging_state"))), charge.get("charge_current_request")
        found = {
            "percent": seen(percent(charge.get("battery_level")), at),
            "limit_percent": seen(percent(charge.get("charge_limit_soc")), at),
            "is_plugged": seen(state is not ChargingState.UNPLUGGED if state else None, at),
            "charging": seen(state, at),
            "power_w": seen(watts(charge.get("charger_power")), at),
            "amps": seen(amps if isinstance(amps, int) else None, at),
            "schedule": seen(_ours(told.get("charge_schedule_data")) if by_place else _schedule(charge), at),
            "schedule_by_place": seen(by_place, at),
            "is_awake": Observed(True, at),
        }
    gps_s = drive.get("gps_as_of")
    if at := moment(gps_s * 1000 if isinstance(gps_s, int) else None):
        found["position"] = seen(place(drive), at)
    return Telemetry(**found)


def _news(told: Mapping[str, Any]) -> CarNews:
    """A record of Tesla's server: what changed, at the car's own time. A car that streams keeps schedules by place."""
    at = moment(told["createdAt"])
    if at is None:
        raise ValueError(told["createdAt"])
    values = {str(it["key"]): next(iter((it.get("value") or {}).values()), None) for it in told["data"]}
    state = _STATES.get(str(values.get("DetailedChargeState")).removeprefix("DetailedChargeState"))
    return CarNews(
        event_id=hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest(),
        maker=Tesla.name,
        maker_id=str(told["vin"]),
        telemetry=Telemetry(
            percent=seen(percent(_told_number(values.get("BatteryLevel"))), at),
            limit_percent=seen(percent(_told_number(values.get("ChargeLimitSoc"))), at),
            is_plugged=seen(state is not ChargingState.UNPLUGGED if state else None, at),
            charging=seen(state, at),
            schedule_by_place=Observed(True, at),
            is_awake=Observed(True, at),
        ),
        signals=len(values),
    )


def _told_number(told: object) -> float | None:
    """Cars tell numbers as such or as texts, by their software; protobuf's JSON has the longest as texts."""
    if isinstance(told, str):
        try:
            return float(told)
        except ValueError:
            return None
    return number(told)


def _schedule(charge: Mapping[str, Any]) -> OwnSchedule | None:
    mode = charge.get("scheduled_charging_mode")
    if not isinstance(mode, str):
        return None
    # As it was set: minutes after midnight where the car stands. The other field of that name is a moment.
    return OwnSchedule(mode == "StartAt", _time_of_day(charge.get("scheduled_charging_start_time_app")))


def _keeps_by_place(version: object) -> bool | None:
    """By what a car runs, as in `2026.32.6 4f1c0a2b`."""
    found = re.match(r"(\d{4})\.(\d{1,3})\b", version) if isinstance(version, str) else None
    return (int(found[1]), int(found[2])) >= _BY_PLACE_SINCE if found else None


def _ours(told: object) -> OwnSchedule | None:
    """The schedule that was set from here, among all that the car keeps; None where they are not told."""
    listed = told.get("charge_schedules") if isinstance(told, Mapping) else None
    if not isinstance(listed, list):
        return None
    for it in listed:
        if isinstance(it, Mapping) and it.get("id") == OURS and it.get("enabled") and it.get("start_enabled"):
            return OwnSchedule(is_on=True, starts_at=_time_of_day(it.get("start_time")))
    return OwnSchedule(is_on=False)


def _time_of_day(minutes: object) -> time | None:
    return time(minutes // 60, minutes % 60) if isinstance(minutes, int) and 0 <= minutes < _DAY_MIN else None
