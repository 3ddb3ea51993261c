"""Plans of sites, as the queue asks for them in the last minute of each quarter of an hour, and of cars as they come.

This function alone carries the solver; cars' nights go on here too, for it is told the keys of their makers. A plan
that fails leaves the last one standing, and is made again a quarter of an hour later, or when its car next says
something: a message is never tried twice for it.
"""

from __future__ import annotations

import json
import logging

from chalice import Blueprint
from chalice.app import SQSEvent

from chalicelib.handlers.http.observability import count
from chalicelib.wiring import network

plans = Blueprint(__name__)

_log = logging.getLogger(__name__)


@plans.on_sqs_message(queue="plans", name="plan_sites", batch_size=1)
def plan_sites(event: SQSEvent) -> None:
    """Plan so many sites or cars, one after another; or go on with cars' nights, as far as something is due."""
    asked = [json.loads(message.body) for message in event]
    for kind in ("sites", "cars", "due_cars"):
        for name in dict.fromkeys(it for told in asked for it in told.get(kind, ())):
            try:
                _do(kind, name)
            except Exception:
                count("PlansFailed")
                _log.exception("not planned", extra={"kind": kind, "name_of": name})


def _do(kind: str, name: str) -> None:
    match kind:
        case "sites":
            network().quarter_plans.plan(name)
        case "cars":
            network().car_nights.plan(name)
        case "due_cars":
            network().car_nights.look(name)
