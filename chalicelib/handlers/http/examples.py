"""Examples for the API's document: one and the same charge in every answer. Nothing here is read by a handler."""

from __future__ import annotations

from typing import Any

_AT = "2026-11-21T09:30:00Z"
_PER_KWH = {"type": "ENERGY", "price": "0.45", "vat": "19", "step_size": 1}
PRICES: dict[str, Any] = {
    "tariff_id": "standard",
    "name": "Standard",
    "currency": "EUR",
    "tax_included": False,
    "price": [{"per": "kwh", "amount": "0.5355", "tax_percent": "19"}],
    "now": [_PER_KWH],
    "elements": [{"price_components": [_PER_KWH], "restrictions": None}],
    "min_price": None,
    "max_price": None,
    "hold_minor": 5000,
    "cap_minor": 20000,
    "idle_grace_s": 300,
}
IDLE: dict[str, Any] = {
    "since": "2026-11-21T11:02:00Z",
    "free_until": "2026-11-21T11:07:00Z",
    "price_per_minute": "0.05",
    "cost_minor": 48,
}
SITE: dict[str, Any] = {
    "site_id": "harbour",
    "name": "Harbour car park",
    "address": "Hafenstrasse 1, Hamburg",
    "latitude": 53.5437,
    "longitude": 9.9924,
    "time_zone": "Europe/Berlin",
    "opening_hours": {
        "twentyfourseven": False,
        "regular_hours": [{"weekday": 1, "period_begin": "08:00", "period_end": "20:00"}],
        "exceptional_openings": [],
        "exceptional_closings": [],
    },
    "is_open": True,
}
LIVE_SOCKET: dict[str, Any] = {
    "url": "wss://live.example.com/api",
    "subprotocols": ["kerb.live", "eyJ…"],
    "topic": "session/KAAAAAAAAAAAAAAAAAAA",
    "renew_within_s": 240,
}
SESSION: dict[str, Any] = {
    "session_id": "KAAAAAAAAAAAAAAAAAAA",
    "state": "active",
    "reason": None,
    "charger_id": "DEMO-16",
    "site_id": "harbour",
    "site": SITE,
    "connector": "1",
    "created_at": _AT,
    "start_before": None,
    "started_at": "2026-11-21T09:30:08Z",
    "stopped_at": None,
    "ended_at": None,
    "energy_wh": 2000,
    "power_w": 11000,
    "soc_percent": 43,
    "elapsed_s": 654,
    "charger_offline_since": None,
    "charging_s": None,
    "suspended_by_car_s": None,
    "suspended_by_station_s": None,
    "plugged_in_after_s": None,
    "idle": None,
    "power_wait": None,
    "cost": {"currency": "EUR", "net_minor": 90, "tax_minor": 17, "total_minor": 107},
    "prices": PRICES,
    "limits": None,
    "preferences": None,
    "plan": None,
    "paid_by_organisation": None,
    "held_minor": 5000,
    "paid_minor": None,
    "is_paid_at_terminal": False,
    "due_minor": 0,
    "waived_minor": 0,
    "written_off_minor": 0,
    "refunded_minor": 0,
    "action": None,
    "live_url": "/v1/sessions/KAAAAAAAAAAAAAAAAAAA/live?ticket=eyJ…",
    "live_socket": LIVE_SOCKET,
    "receipt_url": None,
}
STATEMENT: dict[str, Any] = {
    "month": "2026-11",
    "totals": [
        {
            "currency": "EUR",
            "sessions": 1,
            "energy_wh": 10000,
            "net_minor": 450,
            "tax_minor": 86,
            "total_minor": 536,
            "paid_minor": 536,
            "refunded_minor": 0,
        }
    ],
    "sessions": [
        {
            "session_id": "KAAAAAAAAAAAAAAAAAAA",
            "site_id": "harbour",
            "charger_id": "DEMO-16",
            "created_at": _AT,
            "energy_wh": 10000,
            "currency": "EUR",
            "total_minor": 536,
            "paid_minor": 536,
            "refunded_minor": 0,
        }
    ],
    "is_complete": True,
}
CHECKOUT: dict[str, Any] = {
    "checkout_id": "0d7f4f3e-5f0c-4b6e-9a55-2f3d1c0b9a11",
    "secret": "Zk3…",
    "charger_id": "DEMO-16",
    "connector": "1",
    "site": SITE,
    "prices": PRICES,
    "hold_minor": 5000,
    "pay_before": "2026-11-21T09:45:00Z",
    "publishable_key": "pk_live_…",
    "session": None,
    "receipt_url": None,
}
CHARGER: dict[str, Any] = {
    "charger_id": "DEMO-16",
    "site_id": "harbour",
    "site_name": "Harbour car park",
    "address": "Hafenstrasse 1, Hamburg",
    "site": SITE,
    "online": True,
    "metering": "full",
    "connectors": [
        {
            "connector": "1",
            "kind": "ccs2",
            "max_power_w": 150000,
            "status": "available",
            "status_at": _AT,
            "error": "",
            "in_use": False,
        },
    ],
    "prices": PRICES,
}
PROFILE: dict[str, Any] = {
    "legal_name": "Demo Ladenetz GmbH",
    "address": "Kaistrasse 7\n20457 Hamburg",
    "country": "DE",
    "tax_id": "DE123456789",
    "email": "billing@example.com",
    "phone": "",
    "language": "de",
    "postal_code": "",
    "city": "",
}
REFUND_NOTE: dict[str, Any] = {
    "number": "C-KAAAAAAAAAAAAAAAAAAA-1",
    "receipt_number": "R-KAAAAAAAAAAAAAAAAAAA",
    "session_id": "KAAAAAAAAAAAAAAAAAAA",
    "status": "done",
    "refunded_at": "2026-11-22T08:00:00Z",
    "currency": "EUR",
    "amount_minor": 119,
    "net_minor": 100,
    "taxes": [{"percent": "19", "net_minor": 100, "amount_minor": 19}],
    "tax_minor": 19,
    "card": "visa 4242",
    "supplier": PROFILE,
    "url": "/v1/sessions/KAAAAAAAAAAAAAAAAAAA/refunds/C-KAAAAAAAAAAAAAAAAAAA-1",
}
FOOTPRINT: dict[str, Any] = {
    "energy_wh": 10000,
    "renewable_percent": "68.4",
    "carbon_g": 1830,
    "energy_cost_minor": 82,
    "saved_minor": 214,
    "saved_g": 1620,
    "currency": "EUR",
    "source": "entsoe",
    "method": "average-by-quarter-hour/1",
}
RECEIPT: dict[str, Any] = {
    "number": "R-KAAAAAAAAAAAAAAAAAAA",
    "session_id": "KAAAAAAAAAAAAAAAAAAA",
    "operator_id": "demo",
    "supplier": PROFILE,
    "issued_at": "2026-11-21T10:00:06Z",
    "site_name": "Harbour car park",
    "address": "Hafenstrasse 1, Hamburg",
    "time_zone": "Europe/Berlin",
    "charger_id": "DEMO-16",
    "connector": "1",
    "started_at": _AT,
    "stopped_at": "2026-11-21T10:00:00Z",
    "meter_start_wh": 1000,
    "meter_stop_wh": 11000,
    "energy_wh": 10000,
    "currency": "EUR",
    "lines": [
        {"dimension": "energy", "quantity": 10000, "unit_price": "0.45", "tax_percent": "19", "amount_minor": 450}
    ],
    "tax_included": False,
    "net_minor": 450,
    "taxes": [{"percent": "19", "net_minor": 450, "amount_minor": 86}],
    "tax_minor": 86,
    "total_minor": 536,
    "paid_minor": 536,
    "waived_minor": 0,
    "written_off_minor": 0,
    "amount_due_minor": 0,
    "paid_at": "2026-11-21T10:00:05Z",
    "card": "visa 4242",
    "language": "de",
    "footprint": FOOTPRINT,
    "refunded_minor": 119,
    "refunds": [REFUND_NOTE],
}
REGISTERED: dict[str, Any] = {
    "items": [
        {
            "charger_id": "DEMO-16",
            "site_id": "harbour",
            "admission": "accepted",
            "security_profile": 1,
            "password_from": "operator",
            "keeps_list": False,
            "connectors": ["1", "2"],
            "online": True,
            "protocol": "ocpp1.6",
            "connected_at": _AT,
            "vendor": "Acme",
            "model": "Fast 50",
            "firmware": "1.0.3",
            "has_main_meter": False,
            "has_card_terminal": False,
            "metering": "full",
        }
    ]
}
