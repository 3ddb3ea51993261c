"""The switchboard: which event reaches which handler, and nothing else."""

from __future__ import annotations

import os
from typing import Any

from chalice import Chalice
from chalice.app import WebsocketEvent

from chalicelib import wiring
from chalicelib.handlers.ocpp import socket

app = Chalice(app_name="kerb")
app.experimental_feature_flags.update(["WEBSOCKETS", "BLUEPRINTS"])

# Lambda tells a process which function it is; a charger's first frame waits for no part of the HTTP API.
SOCKET_FUNCTIONS = ("app.on_connect", "app.on_message", "app.on_disconnect")
THIS_FUNCTION = os.environ.get("_HANDLER")
if THIS_FUNCTION not in SOCKET_FUNCTIONS:
    from chalicelib.handlers.chargers.commands import commands
    from chalicelib.handlers.chargers.diagnostics import insight
    from chalicelib.handlers.chargers.provisioning import provisioning
    from chalicelib.handlers.chargers.registry import operators
    from chalicelib.handlers.discovery.routes import search
    from chalicelib.handlers.drivers.accounts import drivers
    from chalicelib.handlers.drivers.personal_data import people
    from chalicelib.handlers.http.caller import authorizers
    from chalicelib.handlers.http.openapi import openapi
    from chalicelib.handlers.money.receipts import receipts
    from chalicelib.handlers.money.routes import money
    from chalicelib.handlers.money.webhooks import webhooks
    from chalicelib.handlers.notifications.routes import notices
    from chalicelib.handlers.reservations.routes import reservations
    from chalicelib.handlers.schedules import schedules
    from chalicelib.handlers.sessions.routes import sessions
    from chalicelib.handlers.sessions.workflow import steps

    for blueprint in (
        authorizers,
        search,
        drivers,
        reservations,
        sessions,
        receipts,
        money,
        people,
        operators,
        commands,
        provisioning,
        insight,
        webhooks,
        notices,
        openapi,
        steps,
        schedules,
    ):
        app.register_blueprint(blueprint)

if THIS_FUNCTION is not None:
    wiring.prepare()


# Chalice leaves socket hooks on a Blueprint unwrapped, so these three stand here.
@app.on_ws_connect()
def on_connect(event: WebsocketEvent) -> dict[str, Any]:
    return socket.connect(event)


@app.on_ws_message()
def on_message(event: WebsocketEvent) -> dict[str, Any]:
    return socket.message(event)


@app.on_ws_disconnect()
def on_disconnect(event: WebsocketEvent) -> dict[str, Any]:
    return socket.disconnect(event)
