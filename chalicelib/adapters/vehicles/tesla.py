"""Tesla's Fleet API: tokens of each driver, commands through a proxy that signs them, every answer below 500 billed.

`vehicle_data` of a sleeping car is a 408 and wakes nothing; `wake_up` alone does. The address `command` is a proxy of
the deployment's own (github.com/teslamotors/vehicle-command): where none is set, cars are looked at and not commanded.
A car goes by its VIN, which the proxy's signatures need.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, time
from types import MappingProxyType
from typing import Any, ClassVar
from urllib.parse import quote

from chalicelib.adapters.vehicles.http import MakerAccount, MakerClient, Reply
from chalicelib.adapters.vehicles.oauth import OAuthDoor
from chalicelib.adapters.vehicles.values import moment, percent, place, seen, watts
from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.vehicles.budget import CallPrices
from chalicelib.domain.vehicles.capability import Capability, ChargingState, OwnSchedule
from chalicelib.domain.vehicles.telemetry import Observed, Telemetry
from chalicelib.records.vehicles import (
    AnswerKind,
    CarAnswer,
    CarAsleep,
    CarTokens,
    ConsentScope,
    FoundCar,
    LinkAccess,
    LinkAttempt,
    LinkBroken,
    PositionSharing,
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
_ALREADY = ("charging", "is_charging", "not_charging", "already_set", "already_started")
_DAY_MIN = 24 * 60


@dataclass(frozen=True, kw_only=True)
class Tesla:
    """The ports LinksCars, TellsTelemetry, SwitchesCharge, SetsLimit, SetsAmps, KeepsSchedule and WakesCar."""

    name: ClassVar[str] = "tesla"
    names_accounts: ClassVar[bool] = False
    offers: ClassVar[frozenset[Capability]] = _TOLD | _COMMANDED | {Capability.POSITION, Capability.WAKE}
    # developer.tesla.com/docs/fleet-api/billing-and-limits
    prices: ClassVar[CallPrices] = CallPrices(data=2_000, command=1_000, wake=20_000)
    addresses: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "authorize": "https://auth.tesla.com",
            "auth": "https://fleet-auth.prd.vn.cloud.tesla.com",
            "api": "https://fleet-api.prd.eu.vn.cloud.tesla.com",
            "command": "",
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
            told.append(ConsentScope("vehicle_location", frozenset({Capability.POSITION})))
        return told

    def consent_url(self, attempt: LinkAttempt) -> str:
        return self._door.consent_url(attempt, self.scopes(attempt))

    def exchange(self, attempt: LinkAttempt, code: str, at: datetime) -> tuple[str, CarTokens]:
        return attempt.link_id, self._door.exchange(attempt, code, at)

    def refresh(self, tokens: CarTokens, at: datetime) -> CarTokens:
        return self._door.refresh(tokens, at)

    def revoke(self, access: LinkAccess, maker_id: str, *, is_last: bool) -> str:
        """No call: Tesla lets nobody but its driver take a consent back, on this page."""
        client_id = quote(self.account.key("client_id"), safe="")
        return f"{self.account.addresses['authorize']}/user/revoke/consent?revoke_client_id={client_id}"

    def cars(self, access: LinkAccess, at: datetime) -> Sequence[FoundCar]:
        told = self._good(self.client.get(f"{self._api}/vehicles", _bearer(access))).body.get("response") or []
        can = self.offers if self.account.addresses["command"] else self.offers - _COMMANDED
        return [
            FoundCar(maker_id=str(it["vin"]), name=str(it.get("display_name") or "Tesla"), can=can)
            for it in told
            if it.get("vin")
        ]

    def look(self, access: LinkAccess, maker_id: str, wanted: frozenset[Capability], at: datetime) -> Telemetry:
        parts = ["charge_state"] + (["location_data"] if Capability.POSITION in wanted else [])
        url = f"{self._api}/vehicles/{quote(maker_id, safe='')}/vehicle_data"
        reply = self._good(self.client.get(url, _bearer(access), {"endpoints": ";".join(parts)}))
        return _telemetry(reply.body.get("response") or {})

    def start(self, access: LinkAccess, maker_id: str) -> CarAnswer:
        return self._sent(access, maker_id, "charge_start", {})

    def stop(self, access: LinkAccess, maker_id: str) -> CarAnswer:
        return self._sent(access, maker_id, "charge_stop", {})

    def set_limit(self, access: LinkAccess, maker_id: str, percent: int) -> CarAnswer:
        return self._sent(access, maker_id, "set_charge_limit", {"percent": max(50, min(percent, 100))})

    def set_amps(self, access: LinkAccess, maker_id: str, amps: int) -> CarAnswer:
        return self._sent(access, maker_id, "set_charging_amps", {"charging_amps": amps})

    def set_schedule(self, access: LinkAccess, maker_id: str, schedule: OwnSchedule) -> CarAnswer:
        """Minutes after midnight where the car stands."""
        begins = schedule.starts_at or time()
        said = {"enable": schedule.is_on, "time": begins.hour * 60 + begins.minute}
        return self._sent(access, maker_id, "set_scheduled_charging", said)

    def wake(self, access: LinkAccess, maker_id: str) -> CarAnswer:
        url = f"{self._api}/vehicles/{quote(maker_id, safe='')}/wake_up"
        reply = self.client.post(url, _bearer(access), {})
        if reply.status == 408:
            return CarAnswer(AnswerKind.UNREACHABLE)
        state = (self._good(reply).body.get("response") or {}).get("state")
        return CarAnswer(AnswerKind.ALREADY if state == "online" else AnswerKind.ACCEPTED)

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
            "schedule": seen(_schedule(charge), at),
            "is_awake": Observed(True, at),
        }
    gps_s = drive.get("gps_as_of")
    if at := moment(gps_s * 1000 if isinstance(gps_s, int) else None):
        found["position"] = seen(place(drive), at)
    return Telemetry(**found)


def _schedule(charge: Mapping[str, Any]) -> OwnSchedule | None:
    mode = charge.get("scheduled_charging_mode")
    if not isinstance(mode, str):
        return None
    # As it was set: minutes after midnight where the car stands. The other field of that name is a moment.
    minutes = charge.get("scheduled_charging_start_time_app")
    begins = time(minutes // 60, minutes % 60) if isinstance(minutes, int) and 0 <= minutes < _DAY_MIN else None
    return OwnSchedule(mode == "StartAt", begins)
