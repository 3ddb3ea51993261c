"""The log of settled charges: the queue that brings its entries, and the route that says by which key it is checked.

The log itself is files, which nobody asks a function for.
"""

from __future__ import annotations

import logging

from chalice import Blueprint
from chalice.app import SQSEvent
from pydantic import Field

from chalicelib.handlers.http.endpoint import Request, endpoint
from chalicelib.handlers.http.fields import ResponseBody, example
from chalicelib.records.transparency import Leaf
from chalicelib.services.access import NotFound
from chalicelib.wiring import network

log = Blueprint(__name__)

QUEUE = "log"
BATCH_SIZE, WINDOW_S = 1000, 60
_log = logging.getLogger(__name__)


class LogView(ResponseBody):
    """The log of settled charges: its name, where its files are, and the key that its checkpoints are signed with."""

    model_config = ResponseBody.model_config | example(
        name="d111111abcdef8.cloudfront.net/log",
        url="https://d111111abcdef8.cloudfront.net/log",
        verifier_key="d111111abcdef8.cloudfront.net/log+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
    )
    name: str
    url: str = Field(description="checkpoint and tiles lie under it (c2sp.org/tlog-tiles)")
    verifier_key: str = Field(description="of c2sp.org/signed-note; keep it: who tells it anew may tell another")


@log.on_sqs_message(
    queue=QUEUE, name="sequence_log", batch_size=BATCH_SIZE, maximum_batching_window_in_seconds=WINDOW_S
)
def sequence_log(event: SQSEvent) -> None:
    """Log what was settled within the minute, all at once; what fails comes again, and is logged once."""
    leaves: list[Leaf] = []
    for message in event:
        try:
            leaves.append(network().log_queue.read(message.body))
        except ValueError:
            # It would be as wrong the next time, and keep the others.
            _log.exception("no entry of the log")
    if leaves:
        network().transparency_log.append(leaves)


@endpoint(log, "GET", "/v1/log", answers=LogView, needs_login=False, errors=(404,))
def read_log(request: Request) -> LogView:
    """The log of settled charges, for whoever checks it; 404 where there is none."""
    url = network().setting("LOG_URL", "")
    if not url:
        raise NotFound("the log")
    key = network().transparency_log.key
    return LogView(name=key.name, url=url, verifier_key=key.vkey)
