"""The switchboard: which event reaches which handler, and nothing else."""

from __future__ import annotations

import gc
import os
from importlib import import_module
from typing import Any

# Lambda tells a process which function it is.
THIS_FUNCTION = os.environ.get("_HANDLER")
if THIS_FUNCTION is not None:
    # What a start loads stays: looking for garbage in it took an eighth of the start.
    gc.disable()

from chalice import Chalice  # noqa: E402
from chalice.app import WebsocketEvent  # noqa: E402

from chalicelib.handlers import BLUEPRINTS  # noqa: E402
from chalicelib.handlers.ocpp import socket  # noqa: E402
from chalicelib.wiring import network, prepare  # noqa: E402

app = Chalice(app_name="kerb")
app.experimental_feature_flags.update(["WEBSOCKETS", "BLUEPRINTS"])

# A charger's first frame waits for no part of the HTTP API.
SOCKET_FUNCTIONS = ("app.on_connect", "app.on_message", "app.on_disconnect")
if THIS_FUNCTION not in SOCKET_FUNCTIONS:
    for place in BLUEPRINTS:
        module, _, name = place.rpartition(".")
        app.register_blueprint(getattr(import_module(f"chalicelib.handlers.{module}"), name))

if THIS_FUNCTION is not None:
    prepare()
    if THIS_FUNCTION == "app.on_message":
        # What the first frame needs, while Lambda gives more of a processor; what admits a charger is here already.
        network().conversation  # noqa: B018  (asked for, it is built)
    # And no later look for garbage passes over it.
    gc.freeze()
    gc.enable()


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
