"""Logs and metrics: everything the app logs is one JSON object a line, and nothing secret is in it.

Services log through the standard library with `extra={...}`; here their records get Powertools' form. Metrics are
counted where a session's fate is decided, never per frame: at half a million chargers each would cost a log line.
"""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

# A field is secret when its name ends so, whatever its case and wherever it stands: `stripe-signature`, `task_token`.
_SECRET_NAME = re.compile(
    r"(authorization|cookie|password|token|ticket|secret|signature|api_key|verifier)$", re.IGNORECASE
)
# What is secret in running text: a JSON Web Token (tickets are such), an API key, an invitation's code, the rest of an
# Authorization header, a secret of the payment provider.
_SECRET_TEXT = re.compile(
    r"eyJ[\w-]+\.[\w-]+\.[\w-]*|kerb_(?:live|invite)_\w+|(?<=Bearer )[\w.~+/-]+|(?<=Basic )[\w+/=]+|\w+_secret_\w+"
)
_REDACTED = "[redacted]"
_NAMESPACE = "Kerb"
_NAMED = "POWERTOOLS_SERVICE_NAME"  # the stage's, on AWS
_SERVICE = "kerb"


def redacted(value: Any) -> Any:
    """JSON's own kinds of value, without what must not be read by whoever reads logs, or the audit."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {str(name): _REDACTED if _SECRET_NAME.search(str(name)) else redacted(it) for name, it in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [redacted(it) for it in value]
    return _SECRET_TEXT.sub(_REDACTED, str(value))


def _line(record: Any) -> str:
    return json.dumps(redacted(record), separators=(",", ":"), ensure_ascii=False)


def _take_over() -> Logger:
    powertools = Logger(service=os.environ.get(_NAMED, _SERVICE), json_serializer=_line)
    root = logging.getLogger("chalicelib")
    root.setLevel(powertools.log_level)
    root.propagate = False
    root.handlers = list(powertools.handlers)
    return powertools


logger = _take_over()


def count(what: str, **dimensions: str) -> None:
    """One more of `what`, in CloudWatch's embedded metric format."""
    _tell(what, MetricUnit.Count, 1, dimensions)


def timed(what: str, lasted: timedelta) -> None:
    """How long one of `what` took, told in milliseconds."""
    _tell(what, MetricUnit.Milliseconds, round(lasted / timedelta(milliseconds=1)), {})


def _tell(what: str, unit: MetricUnit, value: int, dimensions: Mapping[str, str]) -> None:
    metric = EphemeralMetrics(namespace=_NAMESPACE, service=os.environ.get(_NAMED, _SERVICE))
    for name, told in dimensions.items():
        metric.add_dimension(name, told)
    metric.add_metric(what, unit, value)
    metric.flush_metrics()
