"""Smartcar's API v3 on this machine, over the same cars: connections, signals, commands, and one token for all drivers.

As there, signals are told of cars alone that a webhook was subscribed to.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from local.makers_cars import CarFault, SimulatedCar
from local.makers_oauth import Consent, OAuthServer
from local.makers_shapes import smartcar_signals

APPLICATION_ID, WEBHOOK_ID = "local-application", "local-webhook"
_CODES = {
    "disconnected": ("VEHICLE_STATE", "CHARGING_PLUG_NOT_CONNECTED"),
    "complete": ("VEHICLE_STATE", "FULLY_CHARGED"),
    "is_charging": ("VEHICLE_STATE", "CHARGING_IN_PROGRESS"),
    "not_charging": ("VEHICLE_STATE", "NOT_CHARGING"),
    "no_coverage": ("UPSTREAM", "NO_RESPONSE"),
}
_STATUSES = {"VEHICLE_STATE": 409, "UPSTREAM": 502}
Asked = tuple[str, Mapping[str, str], Mapping[str, str], Any]
Answer = tuple[int, Any, Mapping[str, str]]


class SmartcarV3:
    """What answers at `iam`, `vehicle` and `management`. `door` is Connect, where drivers allow something."""

    def __init__(
        self,
        clock: Callable[[], datetime],
        door: OAuthServer,
        *,
        cars: dict[str, dict[str, SimulatedCar]],
        billed: Counter[tuple[str, str]],
    ) -> None:
        self._clock, self._door, self._cars, self._billed = clock, door, cars, billed
        self.application = OAuthServer(clock, by_header=False)
        self.subscribed: set[tuple[str, str]] = set()
        self._named: dict[str, str] = {}

    def connect(self, query: Mapping[str, str]) -> tuple[int, str]:
        """Where a driver goes back to: with their user id, and what the application calls them; no code."""
        needs = {
            "client_id": query.get("client_id") == APPLICATION_ID,
            "redirect_uri": query.get("redirect_uri") == self._door.redirect_uri,
            "scope": bool(query.get("scope")),
            "state": len(query.get("state", "")) >= 32,
            "external_id": bool(query.get("external_id")),
            "mode": query.get("mode") in ("live", "simulated", "test"),
        }
        if lacking := [name for name, is_there in needs.items() if not is_there]:
            self._door.invalid += lacking
            return 400, f"wrong: {', '.join(lacking)}"
        back = {"state": query["state"], "external_id": query["external_id"]}
        if self._door.denies:
            return 302, f"{query['redirect_uri']}?" + urlencode({"error": "access_denied", **back})
        account = self._door.account
        self._door.consents.append(Consent(account, tuple(query["scope"].split())))
        self._named[account] = query["external_id"]
        return 302, f"{query['redirect_uri']}?" + urlencode({"user_id": account, **back})

    def answer(self, route: str, asked: Asked) -> Answer:
        """What a request of v3 is answered."""
        method, query, headers, body = asked
        if self.application.whose(headers) is None:
            return self._wrong(401, "AUTHENTICATION", "UNAUTHORIZED")
        match method, route.split("/"), body:
            case "GET", ["connections"], _:
                return self._connections(query)
            case "DELETE", ["connections", connection], _ if (found := self._of(connection)) is not None:
                self._cars[found[0]].pop(found[1])
                return 204, {}, {}
            case "POST", ["subscriptions"], {"data": {"attributes": {**named}}} if named.get("webhookId") == WEBHOOK_ID:
                pair = str(named.get("userId")), str(named.get("vehicleId"))
                is_new = pair not in self.subscribed
                self.subscribed.add(pair)
                return (
                    (202, {"data": {"type": "subscription"}}, {}) if is_new else self._wrong(409, "CONFLICT", "EXISTS")
                )
            case _, ["vehicles", car_id, *what], _:
                return self._vehicle(car_id, (method, "/".join(what), body), headers.get("sc-user-id", ""))
        return self._wrong(404, "RESOURCE_NOT_FOUND", "PATH")

    def _subscribed(self, pair: tuple[str, str]) -> Answer:
        if pair in self.subscribed:
            return self._wrong(409, "CONFLICT", "EXISTS")
        self.subscribed.add(pair)
        return 202, {"data": {"type": "subscription"}}, {}

    def _connections(self, query: Mapping[str, str]) -> Answer:
        user, name = query.get("filter[userId]", ""), query.get("filter[user.externalId]")
        if self._is_over(user) or name not in (None, self._named.get(user)):
            listed = []
        else:
            listed = [it for it in self._cars.get(user, {}) if query.get("filter[vehicleId]") in (None, it)]
        told = [
            {
                "id": f"{user}.{car_id}",
                "type": "connection",
                "attributes": {
                    "permissions": list(next(it.scopes for it in reversed(self._door.consents) if it.account == user)),
                    "vehicle": {"make": "KIA", "model": "EV6", "year": 2024, "mode": "live"},
                    "user": {"id": user, "externalId": self._named.get(user)},
                },
                "relationships": {"vehicle": {"data": {"id": car_id, "type": "vehicle"}}},
            }
            for car_id in listed
        ]
        return 200, {"data": told, "meta": {"pageNumber": 1, "totalCount": len(told)}}, {}

    def _vehicle(self, car_id: str, asked: tuple[str, str, Any], user: str) -> Answer:
        car = self._cars.get(user, {}).get(car_id)
        if car is None or self._is_over(user):
            return self._wrong(403, "AUTHENTICATION", "ACCESS_DENIED")
        car.move_to(self._clock())
        match asked:
            case "GET", "signals", _:
                self._billed["smartcar", "data"] += 1
                signals = smartcar_signals(car, self._clock()) if (user, car_id) in self.subscribed else []
                told = [
                    {"type": "signal", "attributes": {k: v for k, v in it.items() if k != "meta"}, "meta": it["meta"]}
                    for it in signals
                ]
                return 200, {"data": told, "meta": {"totalCount": len(told)}}, {}
            case "POST", "commands/charge/start" | "commands/charge/stop" as command, None:
                return self._told(car, command.rpartition("/")[2], 0)
            case "POST", "commands/charge/set-limit", {"data": {"attributes": {"percent": int(value)}}} if value >= 50:
                return self._told(car, "limit", value)
        return self._wrong(400, "VALIDATION", "INVALID_INPUT_FORMAT")

    def _told(self, car: SimulatedCar, command: str, value: int) -> Answer:
        self._billed["smartcar", "command"] += 1
        is_reached = CarFault.NO_COVERAGE not in car.faults
        if why := car.told(self._clock(), command, value) if is_reached else "no_coverage":
            kind, code = _CODES[why]
            return self._wrong(_STATUSES[kind], kind, code)
        return 200, {"data": {"type": "command", "attributes": {"status": "SUCCESS"}}}, {}

    def _of(self, connection: str) -> tuple[str, str] | None:
        user, _, car_id = connection.partition(".")
        return (user, car_id) if car_id in self._cars.get(user, {}) else None

    def _is_over(self, user: str) -> bool:
        """Whether nothing is allowed any more of what the driver allowed."""
        return not any(it.account == user and not it.is_over for it in self._door.consents)

    def _wrong(self, status: int, kind: str, code: str) -> Answer:
        return status, {"errors": [{"type": kind, "code": code, "status": str(status)}]}, {}
