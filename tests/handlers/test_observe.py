"""The log: one JSON object a line, and nothing secret in it."""

from __future__ import annotations

import json
import logging

import pytest

from chalicelib.handlers.shared.observe import Redact, count


@pytest.mark.parametrize("secret", ["password", "token", "authorization", "ticket", "client_secret", "refresh_token"])
def test_a_secret_in_a_record_is_blanked(secret: str) -> None:
    record = logging.makeLogRecord({"msg": "hello", secret: "s3cret", "session_id": "K1"})
    assert Redact().filter(record)
    assert record.__dict__[secret] == "[redacted]"
    assert record.__dict__["session_id"] == "K1"


def test_what_services_log_comes_out_as_json_through_the_filter() -> None:
    (handler, *_) = logging.getLogger("chalicelib").handlers
    assert any(isinstance(it, Redact) for it in handler.filters)
    record = logging.makeLogRecord({"name": "chalicelib.x", "msg": "hello", "levelname": "INFO", "charger_id": "CP-1"})
    line = json.loads(handler.format(record))
    assert (line["message"], line["charger_id"], line["service"]) == ("hello", "CP-1", "kerb")


def test_a_metric_is_one_embedded_metric_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("POWERTOOLS_METRICS_DISABLED", raising=False)
    count("SessionsFailed", reason="cancelled")
    line = json.loads(capsys.readouterr().out)
    assert line["SessionsFailed"] == [1.0]
    assert line["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "Kerb"
    assert line["reason"] == "cancelled"
