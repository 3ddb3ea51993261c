"""One paid session, told as it happens: what is shown is what the public API and the charger's socket say."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import time
from typing import Any

from rich.console import Console
from rich.table import Table

from local.client import Person
from local.seed import CHARGER_PASSWORD, CHARGERS, DEMO_CHARGER, RFID_UID, SPEED, Network
from local.simulator.battery import Car
from local.simulator.charger import Charger, Setup
from local.stack import Stack

_WANTED_WH = 3_000
_CENTS = 100
# However slow the machine is: of what takes a moment.
_PATIENCE_S = 300.0


def show(console: Console, stack: Stack, network: Network, stopping: threading.Event, began: float) -> None:
    """Charge a car over OCPP 2.0.1 and pay for it."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="demo-charger", daemon=True)
    thread.start()
    setup = Setup(DEMO_CHARGER, CHARGER_PASSWORD, stack.socket_url, "2.0.1", interval_s=1, speed=SPEED)
    charger = Charger(setup, lambda line: console.print(f"  [dim]charger[/dim]  {line}"))
    running_task = asyncio.run_coroutine_threadsafe(_begin(charger), loop).result(_PATIENCE_S)
    try:
        asyncio.run_coroutine_threadsafe(charger.until(lambda it: it.is_online), loop).result(_PATIENCE_S)
        asyncio.run_coroutine_threadsafe(charger.plug(1, Car()), loop).result(_PATIENCE_S)
        receipt = _session(console, network.driver, stopping)
        console.print(_on_paper(receipt))
        console.print(f"[dim]from start to receipt: {time.monotonic() - began:.1f} s[/dim]\n")
        asyncio.run_coroutine_threadsafe(charger.unplug(1), loop).result(_PATIENCE_S)
    finally:
        asyncio.run_coroutine_threadsafe(_end(running_task), loop).result(_PATIENCE_S)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(timeout=5)


async def _begin(charger: Charger) -> asyncio.Task[None]:
    return asyncio.create_task(charger.run())


async def _end(running: asyncio.Task[None]) -> None:
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


def _session(console: Console, driver: Person, stopping: threading.Event) -> dict[str, Any]:
    asked = time.perf_counter()
    session_id = driver.begin(DEMO_CHARGER, "1", key="demo-1")["session_id"]
    _tell(console, f"POST /v1/sessions, session {session_id}")
    driver.until(session_id, lambda it: it["state"] != "initiated")
    _tell(console, f"active after {time.perf_counter() - asked:.2f} s, card held")
    seen = -1

    def enough(session: dict[str, Any]) -> bool:
        nonlocal seen
        if session["energy_wh"] > seen:
            seen = session["energy_wh"]
            _tell(console, f"{seen / 1000:.2f} kWh, {_money(session['cost'])} so far")
        return bool(seen >= _WANTED_WH or session["state"] != "active" or stopping.is_set())

    driver.until(session_id, enough, within_s=_PATIENCE_S)
    driver.end(session_id)
    _tell(console, "DELETE /v1/sessions/{id}")
    driver.until(session_id, lambda it: it["state"] == "completed", within_s=_PATIENCE_S)
    _tell(console, "captured, confirmed by Stripe's signed webhook, completed")
    notices = driver.call("GET", "/v1/me/notices")["items"]
    _tell(console, f"GET /v1/me/notices: {', '.join(it['kind'] for it in reversed(notices))}")
    return driver.receipt(session_id)


def _tell(console: Console, line: str) -> None:
    console.print(f"  [cyan]driver[/cyan]   {line}")


def _money(cost: dict[str, Any]) -> str:
    return f"{cost['total_minor'] / _CENTS:.2f} {cost['currency']}"


def _on_paper(receipt: dict[str, Any]) -> Table:
    table = Table(title=f"\nReceipt {receipt['number']}", title_justify="left", show_header=False)
    table.add_row("where", f"{receipt['site_name']}, {receipt['address']}")
    table.add_row("charger", f"{receipt['charger_id']}, connector {receipt['connector']}")
    table.add_row("energy", f"{receipt['energy_wh'] / 1000:.3f} kWh")
    for line in receipt["lines"]:
        table.add_row(f"for {line['dimension']}", f"{line['amount_minor'] / _CENTS:.2f} {receipt['currency']}")
    for tax in receipt["taxes"]:
        table.add_row(f"tax {tax['percent']} %", f"{tax['amount_minor'] / _CENTS:.2f} {receipt['currency']}")
    table.add_row("paid", f"{receipt['paid_minor'] / _CENTS:.2f} {receipt['currency']} with {receipt['card']}")
    return table


def invite(console: Console, stack: Stack, network: Network) -> None:
    """Addresses, credentials and commands for whoever joins."""
    api, door = stack.http_url, stack.socket_url
    driver, operator = network.driver, network.operator
    credentials = _json(email=driver.email, password=driver.password)
    where = _json(charger_id="GUEST-1", connector="1")
    kept, pdf = _json(charger_id="GUEST-1", connector="2"), _json(format="pdf")
    lines = f"""\
App      {api}/   the driver's app, for a phone or a desktop; log in as the driver below, or charge without an account
API      {api}   (described at {api}/v1/openapi.json)
Chargers {door}/{{charger id}}   OCPP 2.1, 2.0.1, 1.6J; HTTP Basic, the user name is the charger id
         {", ".join(CHARGERS)} are registered, password {CHARGER_PASSWORD}
Driver   {driver.email} / {driver.password}   RFID card {RFID_UID}
Operator {operator.email} / {operator.password}
Mails    {stack.mails.path}   codes to confirm an account, to set another password, to prove another address

Paste, in another terminal:

  # a charger with a car at it (or point your own at the address above)
  .venv/bin/python -m local.charger --id GUEST-1 --password {CHARGER_PASSWORD} --url {door} --plug

  # log in, find it, ask what it costs, begin a session there, watch it, end it, see the receipt, and a link to send
  API={api}; JSON='Content-Type: application/json'
  pick() {{ python3 -c "import json,sys; print(json.load(sys.stdin)['$1'])"; }}
  TOKEN=$(curl -s $API/v1/login -H "$JSON" -d '{credentials}' | pick access_token)
  AUTH="Authorization: Bearer $TOKEN"
  curl -s "$API/v1/chargers/nearby?lat=53.54&lng=9.99&radius=5000" -H "$AUTH"
  curl -s "$API/v1/chargers/GUEST-1/quote?energy_wh=20000" -H "$AUTH"
  curl -s $API/v1/reservations -H "$AUTH" -H "$JSON" -d '{kept}'      # kept for a quarter of an hour
  SESSION=$(curl -s $API/v1/sessions -H "$AUTH" -H "$JSON" -d '{where}' | pick session_id)
  curl -s $API/v1/sessions/$SESSION -H "$AUTH"
  curl -s $API/v1/sessions/$SESSION/live -H "$AUTH"
  curl -s -X DELETE $API/v1/sessions/$SESSION -H "$AUTH"
  curl -s $API/v1/sessions/$SESSION/receipt -H "$AUTH"
  echo $API$(curl -s $API/v1/sessions/$SESSION/receipt/link -H "$AUTH" -H "$JSON" -d '{pdf}' | pick url)

Ctrl-C stops everything."""
    console.print(lines, soft_wrap=True, markup=False)


def _json(**members: str) -> str:
    return json.dumps(members, separators=(",", ":"))
