"""Plans of sites, as the queue asks for them in a quarter's last minute, and estimates for those who have just come.

This function alone carries the solver. A plan that fails leaves the last one standing, and is made again a quarter of
an hour later: a message is never tried twice for it.
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
    """Plan so many sites, one after another; or tell the drivers of some sessions at one site what to expect."""
    for asked in (json.loads(message.body) for message in event):
        for site_id in dict.fromkeys([*asked.get("sites", ()), *([asked["foretell"]] if "foretell" in asked else ())]):
            try:
                if "foretell" in asked:
                    network().quarter_plans.foretell(site_id, asked["sessions"])
                else:
                    network().quarter_plans.plan(site_id)
            except Exception:
                count("PlansFailed")
                _log.exception("not planned", extra={"site_id": site_id})
