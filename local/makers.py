"""Car makers on this machine: the three APIs' wire shapes, over the same cars, each call counted and billed.

Each stands under its own name in the path. A request that its API does not have is noted in `invalid` and refused; what
is billed is counted by kind, as the makers bill it: Tesla every answer below 500.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from local.makers_cars import CarFault, SimulatedCar
from local.makers_oauth import CLIENT_ID, CLIENT_SECRET, REDIRECT_URI, WEBHOOK_SECRET, OAuthServer
from local.makers_shapes import enode_vehicle, smartcar_value, tesla_data, tesla_schedule
from local.makers_smartcar import APPLICATION_ID, WEBHOOK_ID, SmartcarV3

HOST = "127.0.0.1"
NAMES = ("smartcar", "enode", "tesla")
Asked = tuple[str, Mapping[str, str], Mapping[str, str], Any]
Answer = tuple[int, Any, Mapping[str, str]]


class CarMakers:
    """Takes any free port when it is made, answers from `start` to `stop`.

    `cars` are by account and car; `down` names makers that answer 503, `busy` those that answer 429, and for how many
    seconds they want to be left alone; `billed` counts calls by maker and kind.
    """

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.clock = clock
        self.cars: dict[str, dict[str, SimulatedCar]] = {"alice": {}}
        self.down: set[str] = set()
        self.busy: dict[str, int] = {}
        self.billed: Counter[tuple[str, str]] = Counter()
        self.invalid: list[str] = []
        # Whether there is a server that Teslas can tell, and which of them do.
        self.has_stream = False
        self.streaming: set[str] = set()
        self.doors = {name: OAuthServer(clock, by_header=name != "tesla") for name in NAMES}
        self.smartcar = SmartcarV3(clock, self.doors["smartcar"], cars=self.cars, billed=self.billed)
        self._server = ThreadingHTTPServer((HOST, 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="makers", daemon=True)

    @property
    def base(self) -> str:
        """Where they answer."""
        return f"http://{HOST}:{self._server.server_port}"

    @property
    def settings(self) -> dict[str, str]:
        """The app's settings that lead here."""
        keys = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "webhook_secret": WEBHOOK_SECRET}
        v3 = {**keys, "application_id": APPLICATION_ID, "webhook_id": WEBHOOK_ID}
        parts = {
            "smartcar": ("connect", "auth", "api", "iam", "vehicle", "management"),
            "enode": ("auth", "api"),
            "tesla": ("authorize", "auth", "api", "command"),
        }
        addresses = {name: dict.fromkeys(asked, f"{self.base}/{name}") for name, asked in parts.items()}
        if self.has_stream:
            addresses["tesla"]["stream"] = "https://stream.example:4443"
            keys["stream_ca"] = "-----BEGIN CERTIFICATE-----"
        return {
            "KERB_CAR_MAKER_KEYS": json.dumps(dict.fromkeys(NAMES, keys) | {"smartcar": v3}),
            "KERB_CAR_MAKER_ADDRESSES": json.dumps(addresses),
            "KERB_CAR_REDIRECT_URL": REDIRECT_URI,
        }

    def send_back_to(self, address: str) -> None:
        """The page of the app that drivers come back to, registered at each door."""
        for door in self.doors.values():
            door.redirect_uri = address

    def start(self) -> None:
        """Answer from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Stop answering and give the port back."""
        if self._thread.is_alive():
            self._server.shutdown()
        self._server.server_close()

    def add(self, car_id: str, account: str = "alice", **traits: Any) -> SimulatedCar:
        """Another car of somebody's."""
        car = SimulatedCar(car_id, self.clock(), **traits)
        self.cars.setdefault(account, {})[car_id] = car
        return car

    def answer(self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: Any) -> Answer:
        """Status, what it says, and headers of what the maker answers that the path names first."""
        _, maker, *parts = path.split("/")
        if maker not in NAMES or maker in self.down:
            return 503 if maker in NAMES else 404, {}, {}
        if maker in self.busy:
            return 429, {"type": "RATE_LIMIT"}, {"Retry-After": str(self.busy[maker])}
        route, asked = "/".join(parts), (method, query, headers, body)
        if (told := self._door(maker, route, asked)) is not None:
            return told
        if maker == "smartcar" and route.startswith("v3/"):
            return self._noted(f"{maker} {method} {route}", self.smartcar.answer(route[3:], asked))
        consent = self.doors[maker].whose(headers)
        if consent is None:
            return 401, {"type": "AUTHENTICATION", "error": "token expired"}, {}
        answers = {"smartcar": self._smartcar, "enode": self._enode, "tesla": self._tesla}
        return self._noted(f"{maker} {method} {route}", answers[maker](route, asked, consent.account))

    def _noted(self, what: str, told: Answer) -> Answer:
        if told[0] in (400, 404, 405):
            self.invalid.append(f"{what}: {told[0]}")
        return told

    def _door(self, maker: str, route: str, asked: Asked) -> Answer | None:
        method, query, headers, body = asked
        is_v3 = maker == "smartcar" and (route == "oauth2/token" or query.get("response_type") == "none")
        if is_v3 and (method, route) == ("GET", "oauth/authorize"):
            status, where = self.smartcar.connect(query)
            return status, {}, {"Location": where}
        door = self.smartcar.application if is_v3 else self.doors[maker]
        if (method, route) in (("GET", "oauth/authorize"), ("GET", "oauth2/v3/authorize")):
            status, where = door.authorize(query)
            return status, {}, {"Location": where}
        if method == "POST" and route in ("oauth/token", "oauth2/v3/token", "oauth2/token"):
            status, said = door.token(headers, body)
            return status, said, {}
        return None

    def _found(self, account: str, car_id: str) -> SimulatedCar | None:
        car = self.cars.get(account, {}).get(car_id)
        if car is not None:
            car.move_to(self.clock())
        return car

    def _smartcar(self, route: str, asked: Asked, account: str) -> Answer:
        method, _, _, body = asked
        version, *parts = route.split("/")
        if version != "v2.0":
            return 404, {}, {}
        match method, parts:
            case "GET", ["user"]:
                return 200, {"id": account}, {}
            case "GET", ["vehicles"]:
                listed = list(self.cars.get(account, {}))
                return 200, {"vehicles": listed, "paging": {"count": len(listed), "offset": 0}}, {}
            case _, ["vehicles", car_id, *what] if (car := self._found(account, car_id)) is not None:
                return self._smartcar_car(car, account, (method, "/".join(what), body))
        return 404, {"type": "RESOURCE_NOT_FOUND", "code": "PATH"}, {}

    def _smartcar_car(self, car: SimulatedCar, account: str, asked: tuple[str, str, Any]) -> Answer:  # noqa: PLR0911
        method, what, body = asked
        match method, what, body:
            case "DELETE", "application", _:
                self.cars[account].pop(car.car_id)
                return 200, {"status": "success"}, {}
            case "GET", "", _:
                return 200, {"id": car.car_id, "make": "KIA", "model": "EV6", "year": 2024}, {}
            case "POST", "batch", {"requests": list(requests)}:
                self.billed["smartcar", "data"] += 1
                return (
                    200,
                    {"responses": [smartcar_value(car, self.clock(), str(it.get("path"))) for it in requests]},
                    {},
                )
            case "GET", "battery/capacity", _:
                return 200, {"capacity": car.battery_wh / 1000}, {}
            case "POST", "charge", {"action": "START" | "STOP" as action}:
                return self._smartcar_told(car, action.lower(), 0)
            case "POST", "charge/limit", {"limit": float(limit) | int(limit)} if 0.5 <= limit <= 1:
                return self._smartcar_told(car, "limit", round(limit * 100))
        return 400, {"type": "VALIDATION", "code": "PARAMETER"}, {}

    def _smartcar_told(self, car: SimulatedCar, command: str, value: int) -> Answer:
        self.billed["smartcar", "command"] += 1
        if CarFault.NO_COVERAGE in car.faults:
            return 502, {"type": "UPSTREAM", "code": "NO_RESPONSE"}, {}
        codes = {
            "disconnected": "CHARGING_PLUG_NOT_CONNECTED",
            "complete": "FULLY_CHARGED",
            "is_charging": "CHARGING_IN_PROGRESS",
            "not_charging": "NOT_CHARGING",
        }
        if why := car.told(self.clock(), command, value):
            return 409, {"type": "VEHICLE_STATE", "code": codes[why], "statusCode": 409}, {}
        return 200, {"status": "success", "message": "Successfully sent request to vehicle"}, {}

    def _enode(self, route: str, asked: Asked, _: str) -> Answer:
        method, query, headers, body = asked
        if not headers.get("enode-version"):
            self.invalid.append("enode: no version")
        match method, route.split("/"), body:
            case "POST", ["users", user, "link"], {"scopes": [*_], "redirectUri": str(where), "language": str()}:
                self.cars.setdefault(user, self.cars.pop("next", self.cars.get("alice", {})))
                return 200, {"linkUrl": where, "linkToken": "U2FtcGxl"}, {}
            case "GET", ["users", user, "vehicles"], _ if user in self.cars and query.keys() <= {"pageSize", "after"}:
                listed = [enode_vehicle(user, it, self.clock()) for it in list(self.cars[user].values())]
                return 200, {"data": listed, "pagination": {"after": None, "before": None}}, {}
            case "DELETE", ["users", user], _:
                self.cars.pop(user, None)
                return 204, {}, {}
            case "GET", ["vehicles", car_id], _ if (owned := self._enode_car(car_id)) is not None:
                self.billed["enode", "data"] += 1
                return 200, enode_vehicle(*owned, self.clock()), {}
            case "POST", ["vehicles", car_id, what], dict() if (owned := self._enode_car(car_id)) is not None:
                return self._enode_told(owned[1], what, body)
        return 404, {"type": "https://developers.enode.com/api/problems/not-found", "title": "Not found"}, {}

    def _enode_car(self, car_id: str) -> tuple[str, SimulatedCar] | None:
        found = [(user, it) for user in self.cars if (it := self._found(user, car_id)) is not None]
        return found[-1] if found else None

    def _enode_told(self, car: SimulatedCar, what: str, body: Mapping[str, Any]) -> Answer:
        self.billed["enode", "command"] += 1
        match what, body:
            case "charging", {"action": "START" | "STOP" as action}:
                why = car.told(self.clock(), action.lower())
            case "max-current", {"maxCurrent": int(amps)} if 6 <= amps <= 32:
                why = car.told(self.clock(), "amps", amps)
            case _:
                return 400, {"type": "https://developers.enode.com/api/problems/bad-request", "title": "Bad"}, {}
        if CarFault.NO_COVERAGE in car.faults:
            why = "NO_RESPONSE"
        known = {"is_charging": "ALREADY_IN_STATE", "not_charging": "ALREADY_IN_STATE"}
        failure = {"type": known.get(why, why.upper()), "detail": ""} if why else None
        state = "FAILED" if why else "PENDING"
        return 200, {"id": "act-1", "targetId": car.car_id, "state": state, "failureReason": failure}, {}

    def _tesla(self, route: str, asked: Asked, account: str) -> Answer:
        method, query, headers, body = asked
        match method, route.split("/"):
            case "GET", ["api", "1", "vehicles"]:
                listed = [
                    {"id": number, "vin": it.car_id, "display_name": "Nikola", "state": self._tesla_state(it)}
                    for number, it in enumerate(list(self.cars.get(account, {}).values()))
                ]
                return 200, {"response": listed, "count": len(listed)}, {}
            case "POST", ["api", "1", "vehicles", "fleet_telemetry_config"] if body["config"]["ca"]:
                able = {it for it in body["vins"] if self.cars[account][it].keeps_by_place}
                self.streaming |= able
                skipped = {"missing_key": [], "unsupported_firmware": [it for it in body["vins"] if it not in able]}
                return 200, {"response": {"updated_vehicles": len(able), "skipped_vehicles": skipped}}, {}
            case "DELETE", ["api", "1", "vehicles", vin, "fleet_telemetry_config"]:
                self.streaming.discard(vin)
                return 200, {"response": {"updated_vehicles": 1}}, {}
            case _, ["api", "1", "vehicles", vin, *what] if (car := self._found(account, vin)) is not None:
                if headers.get("content-type") != "application/json":
                    self.invalid.append("tesla: Content-Type")
                if self._is_hidden(headers, query.get("endpoints", "")):
                    return 403, {"response": None, "error": "Unauthorized missing scopes"}, {}
                return self._tesla_car(car, (method, "/".join(what)), query, body)
        return 404, {"response": None, "error": "not_found"}, {}

    def _tesla_car(self, car: SimulatedCar, what: tuple[str, str], query: Mapping[str, str], body: Any) -> Answer:
        kind = "wake" if what[1] == "wake_up" else "command" if what[1].startswith("command/") else "data"
        self.billed["tesla", kind] += 1
        is_reached = CarFault.NO_COVERAGE not in car.faults
        match what:
            case "POST", "wake_up" if is_reached:
                car.wake(self.clock())
                return 200, {"response": {"vin": car.car_id, "state": self._tesla_state(car)}}, {}
            case "GET", "vehicle_data" if is_reached and car.is_awake(self.clock()):
                return 200, {"response": tesla_data(car, self.clock(), query.get("endpoints", ""))}, {}
            case "POST", command if command.startswith("command/") and is_reached and car.is_awake(self.clock()):
                return self._tesla_told(car, command.removeprefix("command/"), body)
            case ("GET", "vehicle_data") | ("POST", _):
                return 408, {"response": None, "error": "vehicle unavailable: vehicle is offline or asleep"}, {}
        return 404, {"response": None, "error": "not_found"}, {}

    def _tesla_told(self, car: SimulatedCar, command: str, body: Any) -> Answer:
        at = self.clock()
        match command, body:
            case "charge_start", {}:
                why = car.told(at, "start")
            case "charge_stop", {}:
                why = car.told(at, "stop")
            case "set_charge_limit", {"percent": int(value)} if 50 <= value <= 100:
                why = car.told(at, "limit", value)
            case "set_charging_amps", {"charging_amps": int(value)}:
                why = car.told(at, "amps", value)
            case "set_scheduled_charging", {"enable": bool(on), "time": int(minutes)}:
                why = car.told(at, "schedule", begins=time(minutes // 60, minutes % 60) if on else None)
            case "add_charge_schedule", dict() if car.keeps_by_place and (kept := tesla_schedule(body)) is not None:
                number, schedule = kept
                why = car.told(at, "add_schedule", number, schedule=schedule)
            case "remove_charge_schedule", {"id": int(number)} if car.keeps_by_place:
                why = car.told(at, "remove_schedule", number)
            case _:
                return 400, {"response": None, "error": "invalid_command"}, {}
        return 200, {"response": {"result": not why, "reason": why}}, {}

    def _is_hidden(self, headers: Mapping[str, str], endpoints: str) -> bool:
        """Whether something is asked that shows where the car is, and its driver did not allow that."""
        consent = self.doors["tesla"].whose(headers)
        of_place = {"location_data", "charge_schedule_data"} & set(endpoints.split(";"))
        return bool(of_place) and (consent is None or "vehicle_location" not in consent.scopes)

    def _tesla_state(self, car: SimulatedCar) -> str:
        if CarFault.NO_COVERAGE in car.faults:
            return "offline"
        return "online" if car.is_awake(self.clock()) else "asleep"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        makers = self

        class Handler(BaseHTTPRequestHandler):
            """Answers a maker's requests, all of them on one line."""

            def _serve(self) -> None:
                parts = urlsplit(self.path)
                raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                is_form = "form-urlencoded" in headers.get("content-type", "")
                body: Any = dict(parse_qsl(raw.decode())) if is_form else json.loads(raw or b"null")
                query = dict(parse_qsl(parts.query))
                status, said, more = makers.answer(self.command, parts.path, query, headers, body)
                told = json.dumps(said).encode() if status != 204 else b""
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", **more}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(told)))
                self.end_headers()
                self.wfile.write(told)

            do_GET = do_POST = do_DELETE = _serve  # noqa: N815

            def log_message(self, format: str, *args: object) -> None:
                """Nothing is written about what was asked."""

        return Handler
