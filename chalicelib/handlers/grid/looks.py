"""Looks at sites, as queues ask for them: soon, at once, and each minute for all that are busy.

The first two keep each site's messages in order (their group is the site), so that one look at it comes after another.
"""

from __future__ import annotations

import json
import logging

from chalice import Blueprint
from chalice.app import SQSEvent

from chalicelib.handlers.http.observability import count
from chalicelib.wiring import network

looks = Blueprint(__name__)

_log = logging.getLogger(__name__)


@looks.on_sqs_message(queue="balance.fifo", name="balance", batch_size=10)
def balance(event: SQSEvent) -> None:
    """Share out a site's power, because something happened there a second ago."""
    _look(event)


@looks.on_sqs_message(queue="balance-now.fifo", name="balance_now", batch_size=10)
def balance_now(event: SQSEvent) -> None:
    """Share out a site's power at once: less is to be had, or room has come free."""
    _look(event)


@looks.on_sqs_message(queue="balance-many", name="balance_many", batch_size=1)
def balance_many(event: SQSEvent) -> None:
    """Look at so many busy sites, as each minute: what a message lost, or only time brought about, is done now."""
    _look(event, is_check=True)


def _look(event: SQSEvent, *, is_check: bool = False) -> None:
    """A look for each site, however many messages ask for it. One that fails is made again within a minute."""
    for site_id in dict.fromkeys(site_id for message in event for site_id in json.loads(message.body)["sites"]):
        try:
            network().balancer.look(site_id, is_check=is_check)
        except Exception:
            count("LooksFailed")
            _log.exception("not looked at", extra={"site_id": site_id})
