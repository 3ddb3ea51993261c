"""Everything the app logs is one JSON object a line, and nothing secret is in it.

Services log through the standard library with `extra={...}`; here their records get Powertools' form. Metrics are
counted where a session's fate is decided, never per frame: at half a million chargers each would cost a log line.
"""

from __future__ import annotations

import logging

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

_SECRETS = frozenset(
    ["authorization", "password", "token", "ticket", "access_token", "refresh_token", "client_secret", "signature"]
)
_NAMESPACE = "Kerb"
_SERVICE = "kerb"


class Redact(logging.Filter):
    """Blanks what must not be read by whoever reads logs."""

    def filter(self, record: logging.LogRecord) -> bool:
        for name in _SECRETS & record.__dict__.keys():
            setattr(record, name, "[redacted]")
        return True


def _take_over() -> Logger:
    powertools = Logger(service=_SERVICE)
    root = logging.getLogger("chalicelib")
    root.setLevel(powertools.log_level)
    root.propagate = False
    root.handlers = list(powertools.handlers)
    for handler in root.handlers:
        handler.addFilter(Redact())
    return powertools


logger = _take_over()


def count(what: str, **dimensions: str) -> None:
    """One more of `what`, in CloudWatch's embedded metric format."""
    metric = EphemeralMetrics(namespace=_NAMESPACE, service=_SERVICE)
    for name, value in dimensions.items():
        metric.add_dimension(name, value)
    metric.add_metric(what, MetricUnit.Count, 1)
    metric.flush_metrics()
