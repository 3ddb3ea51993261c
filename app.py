"""The switchboard: which event reaches which handler, and nothing else."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

from chalice import Chalice
from chalice.app import WebsocketEvent

from chalicelib.handlers import BLUEPRINTS
from chalicelib.handlers.ocpp import socket
from chalicelib.wiring import prepare

app = Chalice(app_name="kerb")
app.experimental_feature_flags.update(["WEBSOCKETS", "BLUEPRINTS"])

# Lambda tells a process which function it is; a charger's first frame waits for no part of the HTTP API.
SOCKET_FUNCTIONS = ("app.on_connect", "app.on_message", "app.on_disconnect")
THIS_FUNCTION = os.environ.get("_HANDLER")
if THIS_FUNCTION not in SOCKET_FUNCTIONS:
    for place in BLUEPRINTS:
        module, _, name = place.rpartition(".")
        app.register_blueprint(getattr(import_module(f"chalicelib.handlers.{module}"), name))

if THIS_FUNCTION is not None:
    prepare()
    if THIS_FUNCTION == "app.on_message":
        # What the first frame needs, while Lambda gives more of a processor; what admits a charger is here already.
        import_module("chalicelib.services.ocpp.conversation")


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
