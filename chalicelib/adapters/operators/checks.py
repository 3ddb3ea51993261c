"""Asks for checks by SQS: a message each, which waits in the queue until it is time to look.

A queue costs half of what a row in an index of what is due does, and loses nothing when a whole city goes offline.
"""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.operators import ALARM_RULES, AlarmKind
from chalicelib.ports import Clock

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

# SQS keeps a message back for 15 minutes at the most.
_LONGEST_S = 900
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SqsAlarmChecks:
    """The port AlarmChecks. One call; none where there is no queue."""

    client: SQSClient
    queue_url: str
    clock: Clock

    def ask(self, kind: AlarmKind, subject: str, after: timedelta | None = None) -> None:
        if not self.queue_url:
            return
        delay = after if after is not None else ALARM_RULES[kind].after
        try:
            self.client.send_message(
                QueueUrl=self.queue_url,
                MessageBody=json.dumps({"kind": kind, "subject": subject, "noticed_at": self.clock().isoformat()}),
                DelaySeconds=min(_LONGEST_S, round(delay.total_seconds())),
            )
        except Exception:
            # Whoever noticed something has other things to do, and an alarm that fails must not keep them from it.
            _log.exception("no check asked for", extra={"kind": kind, "subject": subject})
