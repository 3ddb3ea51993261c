"""What makers' published API references say of the requests that we make: paths, queries, headers and bodies.

In our words, and only of what we ask: Smartcar's API references (v3: `full-vehicle.yaml` and `management.yaml`; v2.0),
Enode's (2024-10-01), Tesla's Fleet API with the fields that its signing proxy reads (`pkg/proxy/command.go`).
`{name}` in a path is one segment; what is not named in a query or a body may not be in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Description = Mapping[tuple[str, str], Mapping[str, Any]]
_NO_BODY: dict[str, Any] = {"type": "null"}
_TEXT: dict[str, Any] = {"type": "string", "minLength": 1}
_NUMBERS = {"type": "string", "pattern": "^[0-9]+$"}


def _object(**properties: Any) -> dict[str, Any]:
    """All of them and nothing else; those that may be left out have a name with `_` behind it."""
    return {
        "type": "object",
        "properties": {name.rstrip("_"): it for name, it in properties.items()},
        "required": [name for name in properties if not name.endswith("_")],
        "additionalProperties": False,
    }


def _operation(body: Any = _NO_BODY, query: Any = None, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    """`headers`: by name, what each has to look like."""
    bearer = {"authorization": "^Bearer .+$"}
    typed = {"content-type": "^application/json"} if body != _NO_BODY else {}
    return {"body": body, "query": query or _object(), "headers": {**bearer, **typed, **(headers or {})}}


_USER = {"sc-user-id": "^.+$", "sc-unit-system": "^metric$"}
_CONNECTIONS = _object(
    **{
        "filter[userId]_": _TEXT,
        "filter[vehicleId]_": _TEXT,
        "filter[vehicle.mode]_": {"enum": ["live", "simulated"]},
        "filter[user.externalId]_": _TEXT,
        "page[number]_": _NUMBERS,
        "page[size]_": {"type": "string", "pattern": "^([1-9][0-9]?|100)$"},
    }
)
_ATTRIBUTES = {"percent": {"type": "integer", "minimum": 50, "maximum": 100}}
SMARTCAR: Description = {
    ("GET", "/v3/connections"): _operation(query=_CONNECTIONS),
    ("DELETE", "/v3/connections/{id}"): _operation(),
    ("GET", "/v3/vehicles/{id}/signals"): _operation(headers=_USER),
    ("POST", "/v3/vehicles/{id}/commands/charge/start"): _operation(headers=_USER),
    ("POST", "/v3/vehicles/{id}/commands/charge/stop"): _operation(headers=_USER),
    ("POST", "/v3/vehicles/{id}/commands/charge/set-limit"): _operation(
        _object(data=_object(attributes=_object(**_ATTRIBUTES))), headers=_USER
    ),
    ("POST", "/v3/subscriptions"): _operation(
        _object(data=_object(attributes=_object(webhookId=_TEXT, userId=_TEXT, vehicleId=_TEXT)))
    ),
}

_METRIC = {"sc-unit-system": "^metric$"}
_SMARTCAR_PATHS = ["/battery", "/battery/capacity", "/charge", "/charge/limit", "/location"]
SMARTCAR_V2: Description = {
    ("GET", "/v2.0/user"): _operation(headers=_METRIC),
    ("GET", "/v2.0/vehicles"): _operation(query=_object(limit_=_NUMBERS, offset_=_NUMBERS), headers=_METRIC),
    ("GET", "/v2.0/vehicles/{id}"): _operation(headers=_METRIC),
    ("GET", "/v2.0/vehicles/{id}/battery/capacity"): _operation(headers=_METRIC),
    ("DELETE", "/v2.0/vehicles/{id}/application"): _operation(headers=_METRIC),
    ("POST", "/v2.0/vehicles/{id}/batch"): _operation(
        _object(requests={"type": "array", "minItems": 1, "items": _object(path={"enum": _SMARTCAR_PATHS})}),
        headers=_METRIC,
    ),
    ("POST", "/v2.0/vehicles/{id}/charge"): _operation(_object(action={"enum": ["START", "STOP"]}), headers=_METRIC),
    ("POST", "/v2.0/vehicles/{id}/charge/limit"): _operation(
        _object(limit={"type": "number", "minimum": 0.5, "maximum": 1}), headers=_METRIC
    ),
}

_VERSION = {"enode-version": "^2024-10-01$"}
_LANGUAGES = ["browser", "da-DK", "de-DE", "en-GB", "en-US", "es-ES", "fi-FI", "fr-FR", "it-IT", "nb-NO", "nl-BE"]
_SCOPES = ["vehicle:read:data", "vehicle:read:location", "vehicle:control:charging"]
ENODE: Description = {
    ("POST", "/users/{userId}/link"): _operation(
        _object(
            scopes={"type": "array", "minItems": 1, "uniqueItems": True, "items": {"enum": _SCOPES}},
            language={"enum": [*_LANGUAGES, "nl-NL", "pt-PT", "ro-RO", "sv-SE"]},
            redirectUri=_TEXT,
            vendor_=_TEXT,
            vendorType_={"enum": ["battery", "charger", "hvac", "inverter", "meter", "vehicle"]},
            colorScheme_={"enum": ["system", "light", "dark"]},
        ),
        headers=_VERSION,
    ),
    ("GET", "/users/{userId}/vehicles"): _operation(
        query=_object(pageSize_=_NUMBERS, after_=_TEXT, before_=_TEXT), headers=_VERSION
    ),
    ("DELETE", "/users/{userId}"): _operation(headers=_VERSION),
    ("GET", "/vehicles/{vehicleId}"): _operation(headers=_VERSION),
    ("POST", "/vehicles/{vehicleId}/charging"): _operation(
        _object(action={"enum": ["START", "STOP"]}), headers=_VERSION
    ),
    ("POST", "/vehicles/{vehicleId}/max-current"): _operation(
        _object(maxCurrent={"type": "number", "minimum": 0}), headers=_VERSION
    ),
}

_JSON = {"content-type": "^application/json"}
_STATES = "charge_state|climate_state|closures_state|drive_state|gui_settings|vehicle_config|vehicle_state"
_ENDPOINTS = f"{_STATES}|location_data|charge_schedule_data|preconditioning_schedule_data"
_COMMAND = "/api/1/vehicles/{vin}/command"
_WEEKDAYS = "All|Weekdays|Sunday|Monday|Tuesday|Wednesday|Thursday|Friday|Saturday"
_MINUTES = {"type": "integer", "minimum": 0, "maximum": 1439}
TESLA: Description = {
    ("GET", "/api/1/vehicles"): _operation(query=_object(page_=_NUMBERS, page_size_=_NUMBERS), headers=_JSON),
    ("GET", "/api/1/vehicles/{vin}/vehicle_data"): _operation(
        query=_object(endpoints_={"type": "string", "pattern": f"^({_ENDPOINTS})(;({_ENDPOINTS}))*$"}), headers=_JSON
    ),
    ("POST", "/api/1/vehicles/{vin}/wake_up"): _operation(_object()),
    ("POST", "/api/1/vehicles/fleet_telemetry_config"): _operation(
        _object(
            vins={"type": "array", "minItems": 1, "items": _TEXT},
            config=_object(
                hostname=_TEXT,
                port={"type": "integer", "minimum": 1, "maximum": 65_535},
                ca=_TEXT,
                fields={
                    "type": "object",
                    "minProperties": 1,
                    "propertyNames": {
                        "enum": ["BatteryLevel", "ChargeLimitSoc", "DetailedChargeState", "Location", "Soc"]
                    },
                    "additionalProperties": _object(
                        interval_seconds={"type": "integer", "minimum": 1},
                        minimum_delta_={"type": "number"},
                        resend_interval_seconds_={"type": "integer", "minimum": 1},
                    ),
                },
                prefer_typed_={"type": "boolean"},
                alert_types_={"type": "array", "items": {"enum": ["customer", "service", "service_fix"]}},
                exp_={"type": "integer"},
                delivery_policy_={"enum": ["latest"]},
            ),
        )
    ),
    ("DELETE", "/api/1/vehicles/{vin}/fleet_telemetry_config"): _operation(headers=_JSON),
    ("POST", f"{_COMMAND}/charge_start"): _operation(_object()),
    ("POST", f"{_COMMAND}/charge_stop"): _operation(_object()),
    ("POST", f"{_COMMAND}/set_charge_limit"): _operation(
        _object(percent={"type": "integer", "minimum": 50, "maximum": 100})
    ),
    ("POST", f"{_COMMAND}/set_charging_amps"): _operation(
        _object(charging_amps={"type": "integer", "minimum": 0, "maximum": 48})
    ),
    ("POST", f"{_COMMAND}/add_charge_schedule"): _operation(
        _object(
            lat={"type": "number", "minimum": -90, "maximum": 90},
            lon={"type": "number", "minimum": -180, "maximum": 180},
            # As the proxy knows them, in whatever case.
            days_of_week={"type": "string", "pattern": f"^({_WEEKDAYS})(,({_WEEKDAYS}))*$"},
            start_enabled={"type": "boolean"},
            end_enabled={"type": "boolean"},
            enabled={"type": "boolean"},
            start_time_=_MINUTES,
            end_time_=_MINUTES,
            one_time_={"type": "boolean"},
            # The proxy reads numbers as floats: none above is told exactly.
            id_={"type": "integer", "minimum": 1, "maximum": 2**53},
        )
    ),
    ("POST", f"{_COMMAND}/remove_charge_schedule"): _operation(
        _object(id={"type": "integer", "minimum": 1, "maximum": 2**53})
    ),
    ("POST", f"{_COMMAND}/set_scheduled_charging"): _operation(_object(enable={"type": "boolean"}, time=_MINUTES)),
}

DESCRIPTIONS: Mapping[str, Description] = {
    "smartcar": SMARTCAR,
    "smartcar v2.0": SMARTCAR_V2,
    "enode": ENODE,
    "tesla": TESLA,
}
