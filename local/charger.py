"""A simulated charger on the command line: `python -m local.charger --version 2.0.1 --id CP-1 --password ...`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
from datetime import datetime

from local.simulator.battery import Car
from local.simulator.charger import Charger, Setup
from local.simulator.contracts import ContractCar, install, plug_and_charge
from local.simulator.fleet import run_fleet
from local.simulator.limits import Oddities
from local.simulator.line import Refused

_TRIES_AGAIN_S = 5.0


def main() -> int:
    """Returns the exit status."""
    options = _arguments()
    setup = Setup(
        charger_id=options.id,
        password=options.password,
        url=options.url.rstrip("/"),
        version=options.version,
        connectors=options.connectors,
        interval_s=options.interval,
        speed=options.speed,
        measures_phases=options.by_phase,
        least_a=options.least_a,
        ramp_s=options.ramp,
        oddities=Oddities(ignores=options.ignores_limits),
    )
    capacity_wh = int(options.battery_kwh * 1000)
    car = Car(capacity_wh, capacity_wh * options.soc / 100, int(options.power_kw * 1000), options.phases)
    if options.fleet:
        work = run_fleet(setup, options.fleet, options.swipe, car, options.duration)
    else:
        work = _one(setup, car, options)
    status = 0
    try:
        asyncio.run(work)
    except* KeyboardInterrupt:
        pass
    except* Refused as refused:
        print(_innermost(refused), file=sys.stderr)
        status = 1
    return status


def _innermost(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


async def _one(setup: Setup, car: Car, options: argparse.Namespace) -> None:
    charger = Charger(setup, lambda line: print(f"{datetime.now():%H:%M:%S} {line}", flush=True))  # noqa: DTZ005
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(options.duration), asyncio.TaskGroup() as tasks:
            tasks.create_task(charger.run())
            await charger.until(lambda it: it.is_online, within_s=3600)
            if options.plug or options.swipe is not None:
                await charger.plug(1, car)
            if options.swipe is not None:
                await charger.swipe(options.swipe)
            if options.contract is not None:
                await _by_contract(charger, ContractCar(options.contract))


async def _by_contract(charger: Charger, car: ContractCar) -> None:
    """Installs the car's contract, and tries to charge by it until somebody has claimed it."""
    is_installed = await install(charger, car)
    charger.log(f"contract {car.emaid} installed" if is_installed else f"no contract: {car.last}")
    while is_installed and not await plug_and_charge(charger, car):
        charger.log(f"refused: {car.last['certificateStatus']}; claim emaid-{car.emaid} at {charger.charger_id}")
        await asyncio.sleep(_TRIES_AGAIN_S)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.charger", description=__doc__)
    parser.add_argument("--id", required=True, help="the charger's identity; with --fleet, what theirs begin with")
    parser.add_argument("--password", required=True)
    parser.add_argument("--url", default="ws://127.0.0.1:9000/ocpp", help="where the backend is (%(default)s)")
    parser.add_argument("--version", choices=["1.6", "2.0.1", "2.1"], default="1.6", help="of OCPP (%(default)s)")
    parser.add_argument("--connectors", type=int, default=2)
    parser.add_argument("--plug", action="store_true", help="a car is plugged in at connector 1")
    parser.add_argument("--swipe", metavar="TOKEN", help="plug in and start under this RFID card")
    parser.add_argument("--contract", metavar="PCID", help="Plug & Charge: a car of that name, DEMO00012345678 say")
    parser.add_argument("--battery-kwh", type=float, default=60)
    parser.add_argument("--soc", type=float, default=40, help="percent in the battery at first (%(default)s)")
    parser.add_argument("--power-kw", type=float, default=11)
    parser.add_argument("--phases", type=int, choices=[1, 2, 3], default=3, help="of the car (%(default)s)")
    parser.add_argument("--by-phase", action="store_true", help="its meter tells currents and voltages by phase")
    parser.add_argument("--least-a", type=float, default=6, help="below so many amperes no car charges (%(default)s)")
    parser.add_argument("--ramp", type=float, default=0, help="seconds from nothing to full power (%(default)s)")
    parser.add_argument("--ignores-limits", action="store_true", help="takes charging profiles, charges as it likes")
    parser.add_argument("--speed", type=float, default=1, help="energy flows so many times faster than in nature")
    parser.add_argument("--interval", type=float, default=10, help="seconds between meter readings (%(default)s)")
    parser.add_argument("--fleet", type=int, metavar="N", help="so many chargers, ID-0001 to ID-N, in one process")
    parser.add_argument("--duration", type=float, metavar="S", help="stop after so many seconds")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
