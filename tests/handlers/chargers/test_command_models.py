"""What an operator may order follows from the domain's commands, within bounds, and becomes one of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from chalicelib.domain.chargers.commands import (
    Ask,
    Command,
    DataTransfer,
    Limit,
    Message,
    ProfilePurpose,
    ReadSettings,
    Reserve,
    Reset,
    SetProfile,
    Trigger,
    Unlock,
)
from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.handlers.chargers.command_models import ORDERS, Order, request_model

SCHEMAS = Order.model_json_schema()["$defs"]


@pytest.mark.parametrize(
    ("body", "command"),
    [
        ({"command": "reset"}, Reset()),
        ({"command": "reset", "hard": True, "connector": 2}, Reset(hard=True, connector=ConnectorId(2))),
        ({"command": "unlock", "connector": "2.3"}, Unlock(ConnectorId(2, 3))),
        ({"command": "read_settings"}, ReadSettings()),
        ({"command": "read_settings", "names": ["A", "B"]}, ReadSettings(("A", "B"))),
        ({"command": "trigger", "message": "status"}, Trigger(Message.STATUS)),
        ({"command": "transfer", "vendor": "V", "message": "M"}, DataTransfer("V", "M")),
        ({"command": "ask", "action": "Reset"}, Ask("Reset", {})),
        ({"command": "ask", "action": "Reset", "payload": {"type": "Hard"}}, Ask("Reset", {"type": "Hard"})),
        (
            {"command": "reserve", "reservation_id": 7, "token": "T", "until": "2026-11-21T09:30:00Z"},
            Reserve(7, "T", datetime(2026, 11, 21, 9, 30, tzinfo=UTC)),
        ),
        (
            {
                "command": "set_profile",
                "profile_id": 1,
                "purpose": "session",
                "limits": [{"start_s": 0, "limit": "7400.5"}, {"start_s": 60, "limit": 16, "phases": 3}],
                "connector": "1",
                "in_amps": True,
                "ref": "4711",
            },
            SetProfile(
                profile_id=1,
                purpose=ProfilePurpose.SESSION,
                limits=(Limit(0, Decimal("7400.5")), Limit(60, Decimal(16), 3)),
                connector=ConnectorId(1),
                in_amps=True,
                ref="4711",
            ),
        ),
    ],
)
def test_an_order_becomes_the_domains_command(body: dict[str, Any], command: Command) -> None:
    assert Order.model_validate(body).to_command() == command


@pytest.mark.parametrize("word", ORDERS)
def test_an_order_has_the_fields_of_its_command_and_needs_what_that_needs(word: str) -> None:
    schema = SCHEMAS[ORDERS[word].__name__]
    declared = {it.name: it for it in fields(ORDERS[word])}
    assert schema["properties"].keys() == declared.keys() | {"command"}
    assert schema["properties"]["command"]["const"] == word
    needed = {name for name, it in declared.items() if it.default is it.default_factory}
    assert set(schema["required"]) == needed | {"command"}
    assert schema["description"] == ORDERS[word].__doc__


@pytest.mark.parametrize(
    "body",
    [
        {"command": "unlock", "connector": "0"},
        {"command": "unlock", "connector": "1.2.3"},
        {"command": "unlock", "connector": None},
        {"command": "read_settings", "names": ["A"] * 51},
        {"command": "cancel_reservation", "reservation_id": -1},
        {"command": "cancel_reservation", "reservation_id": 2**31},
        {"command": "reserve", "reservation_id": 1, "token": "T" * 37, "until": "2026-11-21T09:30:00Z"},
        {"command": "reserve", "reservation_id": 1, "token": "T", "until": "2026-11-21T09:30:00"},
        {"command": "set_profile", "profile_id": 1, "purpose": "session", "limits": []},
        {"command": "set_profile", "profile_id": 1, "purpose": "session", "limits": [{"start_s": 0, "limit": "0.05"}]},
        {
            "command": "set_profile",
            "profile_id": 1,
            "purpose": "session",
            "limits": [{"start_s": 0, "limit": 1, "phases": 4}],
        },
        {"command": "upload_log", "request_id": 1, "kind": "security", "url": "no address"},
        {"command": "transfer", "vendor": "V", "message": "M" * 51},
        {"command": "reset", "soft": True},
        {"command": "start_charging", "connector": "1", "token": "T", "remote_start_id": 1},
        {},
    ],
)
def test_what_is_out_of_bounds_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Order.model_validate(body)


def _leaves(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        if "type" in schema:
            yield schema
        # A decimal number may come as a text too; its bound stands with the number.
        ways = [it for it in schema.get("anyOf", ()) if it.get("type") == "number"]
        for part in ways or schema.values():
            yield from _leaves(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from _leaves(part)


def test_whatever_is_sent_has_a_bound() -> None:
    bounds = {
        "string": {"maxLength", "pattern", "enum", "const", "format"},
        "integer": {"maximum"},
        "number": {"maximum"},
        "array": {"maxItems"},
    }
    for leaf in _leaves(SCHEMAS):
        assert leaf["type"] not in bounds or leaf.keys() & bounds[leaf["type"]], leaf


def test_a_command_with_a_text_of_no_known_bound_cannot_be_ordered() -> None:
    @dataclass(frozen=True)
    class Sing:
        """Sing."""

        verses: str

    Sing.__annotations__["verses"] = str
    with pytest.raises(TypeError, match=r"Sing\.verses"):
        request_model(Sing)
