"""Plans of sites in the last minute of each quarter of an hour, estimates for those who have just come, cars' nights.

This function alone carries the solver; cars' nights go on here too, for it is told the keys of their makers. A plan
that fails leaves the last one standing, and is made again a quarter of an hour later, or when its car next says
something: a message is never tried twice for it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence

from chalice import Blueprint
from chalice.app import SQSEvent

from chalicelib.handlers.http.observability import count
from chalicelib.wiring import network

plans = Blueprint(__name__)

_log = logging.getLogger(__name__)


@plans.on_sqs_message(queue="plans", name="plan_sites", batch_size=1)
def plan_sites(event: SQSEvent) -> None:
    """Plan so many sites or cars, one after another; tell drivers what to expect; go on with cars' nights."""
    for asked in (json.loads(message.body) for message in event):
        if "foretell" in asked:
            _try("foretell", asked["foretell"], asked["sessions"])
        for kind in ("sites", "cars", "due_cars"):
            for name in dict.fromkeys(asked.get(kind, ())):
                _try(kind, name)


def _try(kind: str, name: str, sessions: Sequence[str] = ()) -> None:
    try:
        _do(kind, name, sessions)
    except Exception:
        count("PlansFailed")
        _log.exception("not planned", extra={"kind": kind, "name_of": name})


def _do(kind: str, name: str, sessions: Sequence[str]) -> None:
    match kind:
        case "foretell":
            network().quarter_plans.foretell(name, sessions)
        case "sites":
            network().quarter_plans.plan(name)
        case "cars":
            network().car_nights.plan(name)
        case "due_cars":
            network().car_nights.look(name)
