"""What the three makers say of a car, in their own words, and how they sign what they tell by themselves."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import Any

from local.makers_cars import CarFault, PlaceSchedule, SimulatedCar
from local.makers_oauth import WEBHOOK_SECRET

# What a maker's copy lags behind where a car reports old values.
OLD = timedelta(hours=9)


def smartcar_value(car: SimulatedCar, now: datetime, path: str) -> dict[str, Any]:
    """One path of a batch's answer, with the car's own time."""
    at = seen_at(car, now)
    if CarFault.NO_COVERAGE in car.faults:
        return {"path": path, "code": 502, "body": {"type": "UPSTREAM", "code": "NO_RESPONSE"}}
    state = "CHARGING" if car.is_charging else "FULLY_CHARGED" if car.percent >= 100 else "NOT_CHARGING"
    bodies: dict[str, Any] = {
        "/battery": {"percentRemaining": car.percent / 100, "range": 200.5},
        "/battery/capacity": {"capacity": car.battery_wh / 1000},
        "/charge": {"isPluggedIn": car.is_plugged, "state": state},
        "/charge/limit": {"limit": car.limit_percent / 100},
        "/location": {"latitude": car.latitude, "longitude": car.longitude},
    }
    if path not in bodies:
        return {"path": path, "code": 404, "body": {"type": "RESOURCE_NOT_FOUND"}}
    return {"path": path, "code": 200, "body": bodies[path], "headers": {"sc-data-age": _iso(at)}}


def smartcar_signals(car: SimulatedCar, now: datetime) -> list[dict[str, Any]]:
    """What v3 has of a car, each signal with the car's own time; of one that it cannot reach, each says so."""
    state = "CHARGING" if car.is_charging else "FULLY_CHARGED" if car.percent >= 100 else "NOT_CHARGING"
    bodies: dict[str, Any] = {
        "tractionbattery-stateofcharge": {"value": car.percent, "unit": "percent"},
        "tractionbattery-nominalcapacity": {"capacity": car.battery_wh / 1000, "source": "SMARTCAR"},
        "charge-ischargingcableconnected": {"value": car.is_plugged},
        "charge-ischarging": {"value": car.is_charging},
        "charge-detailedchargingstatus": {"value": state},
        "charge-chargelimits": {"values": [{"type": "global", "limit": car.limit_percent}], "activeLimit": None},
        "location-preciselocation": {"latitude": car.latitude, "longitude": car.longitude},
    }
    meta = {"oemUpdatedAt": _iso(seen_at(car, now)), "retrievedAt": _iso(now)}
    return [{"code": code, "body": body, "status": {"value": "SUCCESS"}, "meta": meta} for code, body in bodies.items()]


def enode_vehicle(user: str, car: SimulatedCar, now: datetime) -> dict[str, Any]:
    """A vehicle as Enode has it."""
    at = _iso(seen_at(car, now))
    plugged = "PLUGGED_IN:CHARGING" if car.is_charging else "PLUGGED_IN:STOPPED"
    can = ("information", "chargeState", "location", "startCharging", "stopCharging", "setMaxCurrent")
    return {
        "id": car.car_id,
        "userId": user,
        "vendor": "KIA",
        "lastSeen": at,
        "isReachable": CarFault.NO_COVERAGE not in car.faults,
        "information": {"brand": "Kia", "model": "EV6", "year": 2024, "vin": "KNAC381AFP5000001"},
        "chargeState": {
            "batteryLevel": car.percent,
            "batteryCapacity": car.battery_wh / 1000,
            "chargeLimit": car.limit_percent,
            "chargeRate": car.power_w / 1000 if car.is_charging else 0,
            "isPluggedIn": car.is_plugged,
            "isCharging": car.is_charging,
            "isFullyCharged": car.percent >= car.limit_percent,
            "lastUpdated": at,
            "maxCurrent": car.amps,
            "powerDeliveryState": plugged if car.is_plugged else "UNPLUGGED",
            "range": 200,
        },
        "location": {"latitude": car.latitude, "longitude": car.longitude, "lastUpdated": at},
        "capabilities": {it: {"isCapable": True, "interventionIds": []} for it in can},
    }


def tesla_data(car: SimulatedCar, now: datetime, endpoints: str) -> dict[str, Any]:
    """What `vehicle_data` tells of the endpoints that are asked for."""
    at = seen_at(car, now)
    at_rest = "Stopped" if car.percent < car.limit_percent else "Complete"
    plugged = "Charging" if car.is_charging else at_rest
    begins = _minutes(car.schedule) if car.schedule else None
    told: dict[str, Any] = {"vin": car.car_id, "state": "online"}
    if "charge_state" in endpoints.split(";"):
        told["charge_state"] = {
            "battery_level": car.percent,
            "charge_limit_soc": car.limit_percent,
            "charging_state": plugged if car.is_plugged else "Disconnected",
            "charger_power": car.power_w // 1000 if car.is_charging else 0,
            "charge_current_request": car.amps,
            "scheduled_charging_mode": "StartAt" if car.schedule else "Off",
            "scheduled_charging_start_time_app": begins,
            "timestamp": round(at.timestamp() * 1000),
        }
    if "vehicle_state" in endpoints.split(";"):
        told["vehicle_state"] = {"car_version": car.software, "timestamp": round(at.timestamp() * 1000)}
    if "charge_schedule_data" in endpoints.split(";") and car.keeps_by_place:
        told["charge_schedule_data"] = {
            "charge_schedules": [
                {
                    "id": number,
                    "name": "",
                    "days_of_week": 127,
                    "start_enabled": True,
                    "start_time": _minutes(it.begins),
                    "end_enabled": False,
                    "end_time": 0,
                    "one_time": False,
                    "enabled": it.is_on,
                    "latitude": it.latitude,
                    "longitude": it.longitude,
                }
                for number, it in car.schedules.items()
            ],
            "max_num_charge_schedules": 20,
        }
    if "location_data" in endpoints.split(";"):
        seconds = round(at.timestamp())
        told["drive_state"] = {"latitude": car.latitude, "longitude": car.longitude, "gps_as_of": seconds}
    return told


def tesla_record(car: SimulatedCar, now: datetime) -> dict[str, Any]:
    """A record as Tesla's Fleet Telemetry server writes it with `transmit_decoded_records`: protobuf's JSON."""
    at_rest = "Stopped" if car.percent < car.limit_percent else "Complete"
    state = ("Charging" if car.is_charging else at_rest) if car.is_plugged else "Disconnected"
    values: dict[str, Any] = {
        "DetailedChargeState": {"detailedChargeStateValue": f"DetailedChargeState{state}"},
        "BatteryLevel": {"doubleValue": car.percent + 0.2},
        # As some cars tell it.
        "ChargeLimitSoc": {"stringValue": str(car.limit_percent)},
    }
    return {
        "data": [{"key": key, "value": value} for key, value in values.items()],
        "createdAt": seen_at(car, now).isoformat(timespec="microseconds").replace("+00:00", "123Z"),
        "vin": car.car_id,
        "isResend": False,
    }


def tesla_schedule(said: Mapping[str, Any]) -> tuple[int, PlaceSchedule] | None:
    """A schedule as its driver's app, or we, would have it kept, under its number; None where it cannot be read."""
    match said:
        case {
            "id": int(number),
            "lat": float(latitude),
            "lon": float(longitude),
            "days_of_week": "All",
            "start_enabled": True,
            "start_time": int(minutes),
            "end_enabled": False,
            "enabled": bool(is_on),
        } if 0 <= minutes < 24 * 60:
            return number, PlaceSchedule(time(minutes // 60, minutes % 60), latitude, longitude, is_on)
    return None


def seen_at(car: SimulatedCar, now: datetime) -> datetime:
    """The car's own time of what its maker tells now."""
    return now - OLD if CarFault.OLD_VALUES in car.faults else now


def pushed(maker: str, car: SimulatedCar, account: str, now: datetime) -> tuple[dict[str, str], bytes]:
    """What a maker's webhook tells of a car now: headers and body, signed."""
    if maker == "smartcar":
        told: Any = {
            "eventId": f"{car.car_id}/{_iso(now)}",
            "eventType": "VEHICLE_STATE",
            "data": {
                "user": {"id": account, "externalId": None},
                "vehicle": {"id": car.car_id, "make": "KIA", "model": "EV6", "year": 2024, "mode": "live"},
                "signals": [{**it, "meta": _millis(it["meta"])} for it in smartcar_signals(car, now)],
            },
            "meta": {"version": "4.0", "webhookId": "local-webhook", "mode": "LIVE"},
        }
    elif maker == "smartcar v2.0":
        told = {
            "version": "2.0",
            "webhookId": "9b6ae692-60cc-4b3e-89d8-71e7549cf805",
            "eventName": "schedule",
            "mode": "test",
            "payload": {
                "vehicles": [
                    {
                        "vehicleId": car.car_id,
                        "userId": account,
                        "timestamp": _iso(now),
                        "data": [smartcar_value(car, now, it) for it in ("/battery", "/charge", "/location")],
                    }
                ]
            },
        }
    elif maker == "tesla":
        told = tesla_record(car, now)
    else:
        told = [
            {
                "event": "user:vehicle:updated",
                "createdAt": _iso(now),
                "version": "2024-10-01",
                "user": {"id": account},
                "vehicle": enode_vehicle(account, car, now),
                "updatedFields": ["chargeState.isPluggedIn"],
            }
        ]
    return sign(maker, json.dumps(told).encode())


def sign(maker: str, body: bytes) -> tuple[dict[str, str], bytes]:
    """A webhook's headers, as its maker signs it."""
    if maker == "tesla":
        # Nobody signs it; whoever carries it on from Tesla's server shows a key.
        return {"X-Kerb-Key": WEBHOOK_SECRET}, body
    if maker.startswith("smartcar"):
        return {"SC-Signature": hmac.new(WEBHOOK_SECRET.encode(), body, hashlib.sha256).hexdigest()}, body
    signed = hmac.new(WEBHOOK_SECRET.encode(), body, hashlib.sha1).hexdigest()
    return {"X-Enode-Signature": f"sha1={signed}", "X-Enode-Delivery": hashlib.sha256(body).hexdigest()[:32]}, body


def _minutes(it: time) -> int:
    return it.hour * 60 + it.minute


def _millis(meta: Mapping[str, str]) -> dict[str, int]:
    """Times as v3's webhooks have them, where its answers have them in ISO 8601."""
    return {name: round(datetime.fromisoformat(it).timestamp() * 1000) for name, it in meta.items()}


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
