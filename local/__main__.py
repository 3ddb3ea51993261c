"""`make run`: the product on this machine, one paid session to watch, then the stack stays up for whoever joins."""

from __future__ import annotations

import argparse
import errno
import logging
import os
import signal
import socket
import sys
import threading
import time
from contextlib import nullcontext

from rich.console import Console

from local import demo, night_table
from local.canary import Canary
from local.control import Control
from local.gateway_faults import GatewayFault
from local.seed import Network, open_platform, seed
from local.stack import Options, Stack
from local.street import Street


def main() -> int:
    """Returns the exit status."""
    options = _arguments()
    _quieten(options.verbose)
    console = Console(highlight=False)
    if options.cars:
        night_table.show(console)
        return 0
    return _run(options, console)


def _run(options: argparse.Namespace, console: Console) -> int:
    began = time.monotonic()
    stack = Stack(
        Options(
            host=options.host,
            http_port=options.http_port,
            socket_port=options.socket_port,
            live_port=options.live_port,
            faults=tuple(options.gateway_fault),
            start_timeout_s=options.start_timeout,
            ticks_per_second=options.ticks_per_second,
            unclaimed_s=options.unclaimed_after,
            confirms_accounts=not options.confirm_by_hand,
            own_key=True,
        )
    )
    control = canary = None
    try:
        if options.control_port is not None:
            control = Control(stack, options.control_port)
        stack.start()
    except OSError as error:
        if control is not None:
            control.close()
        if error.errno != errno.EADDRINUSE:
            raise
        console.print(_what_is_taken(options), soft_wrap=True)
        return 1
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    try:
        network = seed(stack)
        console.print(f"[bold]Kerb is up[/bold] in {time.monotonic() - began:.1f} s on this machine\n")
        if not options.no_demo and control is None:
            demo.show(console, stack, network, stopping, began)
        _invite(console, stack, network, options)
        if control is not None:
            control.open(network)
            console.print(f"\nControl  {control.url}   (python -m pydoc local.control)")
        if options.canary:
            canary = Canary(stack)
            canary.start(lambda line: console.print(f"  [yellow]canary[/yellow]   {line}"))
        if not options.once:
            is_shown = control is None and not options.no_demo
            with Street(stack, network) if is_shown else nullcontext():
                stopping.wait()
            console.print("\nStopping ...")
    finally:
        if canary is not None:
            canary.stop()
        if control is not None:
            control.close()
        stack.stop()
    return 0


def _what_is_taken(options: argparse.Namespace) -> str:
    """Which port, and how to choose another."""
    asked = {
        "--http-port": options.http_port,
        "--socket-port": options.socket_port,
        "--live-port": options.live_port,
        "--control-port": options.control_port,
    }
    taken = {name: it for name, it in asked.items() if it and _is_taken(options.host, it)} or asked
    ports = " and ".join(str(it) for it in taken.values() if it)
    choice = " ".join(f"{name} N" for name, it in taken.items() if it)
    return f"Already in use: port {ports}; choose another with make run ARGS='{choice}'"


def _is_taken(host: str, port: int) -> bool:
    try:
        socket.create_server((host, port)).close()
    except OSError:
        return True
    return False


def _invite(console: Console, stack: Stack, network: Network, options: argparse.Namespace) -> None:
    """Nobody joins what stops at once."""
    if not options.once:
        demo.invite(console, stack, network)
    if options.platform:
        person = open_platform(stack, "platform@example.com", "Platform-demo-1")
        console.print(f"\nPlatform {person.email}, {person.password}, authenticator {person.authenticator}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make run ARGS='...'", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at (%(default)s)")
    parser.add_argument("--http-port", type=int, default=8000, help="REST API (%(default)s; 0: any free one)")
    parser.add_argument("--socket-port", type=int, default=9000, help="chargers' sockets (%(default)s)")
    parser.add_argument("--live-port", type=int, default=0, help="browsers' sockets (0: any free one)")
    parser.add_argument(
        "--control-port", type=int, metavar="N", help="move the clock and rule Stripe from here; no session is shown"
    )
    parser.add_argument("--start-timeout", type=int, default=60, metavar="S", help="wait for energy (%(default)s s)")
    parser.add_argument(
        "--ticks-per-second", type=float, default=1.0, metavar="N", help="schedules run so many times too often"
    )
    parser.add_argument(
        "--unclaimed-after", type=int, default=900, metavar="S", help="a charge nobody claims is billed (%(default)s s)"
    )
    parser.add_argument(
        "--gateway-fault",
        action="append",
        default=[],
        type=GatewayFault,
        choices=list(GatewayFault),
        metavar="FAULT",
        help=f"the chargers' gateway misbehaves as AWS may, once or more of: {', '.join(GatewayFault)}",
    )
    parser.add_argument(
        "--confirm-by-hand", action="store_true", help="new accounts wait until somebody reads their mail and confirms"
    )
    parser.add_argument(
        "--canary", action="store_true", help="a synthetic charger and driver charge each five minutes, on free terms"
    )
    parser.add_argument(
        "--platform", action="store_true", help="make the platform's administrator, and say how they log in"
    )
    parser.add_argument("--cars", action="store_true", help="show the night of five linked cars, and start nothing")
    parser.add_argument("--no-demo", action="store_true", help="start without showing a session")
    parser.add_argument("--once", action="store_true", help="stop after the session shown")
    parser.add_argument("--verbose", action="store_true", help="show the log")
    return parser.parse_args()


def _quieten(verbose: bool) -> None:
    """The story is told on the terminal; the log and the metrics are for those who ask."""
    os.environ["POWERTOOLS_LOG_LEVEL"] = "INFO" if verbose else "CRITICAL"
    os.environ["POWERTOOLS_METRICS_DISABLED"] = "false" if verbose else "true"
    logging.basicConfig(level=logging.INFO if verbose else logging.CRITICAL, stream=sys.stderr)
    for name in ("botocore", "websockets", "urllib3", "moto", "aiohttp", "pynamodb", "responses"):
        logging.getLogger(name).setLevel(logging.WARNING if verbose else logging.CRITICAL)


if __name__ == "__main__":
    sys.exit(main())
