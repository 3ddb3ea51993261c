"""`kerb`, run as `make kerb ARGS='cost --chargers 500000 --sessions-per-day 100000'`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from rich.console import Console

from cli import cars, chain, chart, contracts, limits, openadr2_command, organisations, pages, proof_command, report
from cli.fleet import Fleet


def main(arguments: Sequence[str] | None = None) -> None:
    """Do what is asked."""
    parser = argparse.ArgumentParser(prog="kerb", description="What an operator or an owner of Kerb asks at a terminal")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    cost = commands.add_parser("cost", help="what a network costs on AWS, by service and by the charger-month")
    cost.add_argument("--chargers", type=_some, default=500_000, help="how many chargers (%(default)s)")
    cost.add_argument("--sessions-per-day", type=float, default=100_000, help="of the whole network (%(default)s)")
    cost.add_argument("--heartbeat", type=_some, nargs="+", default=report.HEARTBEATS_S, metavar="S", help="to compare")
    cost.add_argument("--reading", type=_some, default=60, metavar="S", help="between two readings (%(default)s)")
    cost.add_argument("--minutes", type=_some, default=60, help="a session lasts (%(default)s)")
    cost.add_argument("--sessions-at-once", type=int, default=50_000, help="for --limits (%(default)s)")
    cost.add_argument(
        "--managed",
        type=float,
        default=0.1,
        metavar="SHARE",
        help="of sessions, where power is shared out (%(default)s)",
    )
    cost.add_argument("--canary", action="store_true", help="with Canary=on: a session each five minutes")
    cost.add_argument("--lines", action="store_true", help="every line of the bill")
    cost.add_argument("--storm", action="store_true", help="simulate the whole network coming back at once")
    cost.add_argument("--limits", action="store_true", help="each AWS quota against this network")
    cost.set_defaults(run=_cost)
    commands.add_parser("pages", help="write the numbers and the plot in docs/").set_defaults(
        run=lambda _: pages.write()
    )
    proof_command.add(commands)
    openadr2_command.add(commands)
    asked = parser.parse_args(arguments)
    asked.run(asked)


def _cost(asked: argparse.Namespace) -> None:
    console = Console()
    fleet = Fleet(
        asked.chargers,
        asked.sessions_per_day,
        reading_s=asked.reading,
        session_minutes=asked.minutes,
        canary=asked.canary,
        managed_share=asked.managed,
    )
    console.print(report.services(fleet, asked.heartbeat).rich())
    console.print(report.live(fleet).rich())
    console.print(report.log(fleet).rich())
    console.print(cars.sheet().rich())
    console.print(contracts.sheet().rich())
    console.print(organisations.sheet().rich())
    console.print(chain.sheet().rich())
    if asked.lines:
        console.print(report.lines(fleet).rich())
    if asked.storm:
        console.print(report.storms(fleet.chargers).rich())
        console.print(report.echoes(fleet.chargers).rich())
    if asked.limits:
        console.print(limits.sheet(fleet, asked.sessions_at_once).rich())
    console.print(chart.text(report.curves(fleet.sessions_per_day / fleet.chargers)), highlight=False, markup=False)
    console.print(report.verdict(fleet))


def _some(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


if __name__ == "__main__":
    main()
