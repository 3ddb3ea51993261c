"""The log: one JSON object a line, and nothing secret in it."""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.handlers.http.observability import count, logger, timed

SECRET = "s3cret"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJkcml2ZXItMSJ9.c2lnbmF0dXJl"


def written(message: object, **extra: Any) -> str:
    """The line a service's record becomes."""
    (handler, *_) = logging.getLogger("chalicelib").handlers
    return handler.format(logging.makeLogRecord({"name": "chalicelib.x", "msg": message, "levelname": "INFO"} | extra))


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "token",
        "task_token",
        "Authorization",
        "ticket",
        "client_secret",
        "refresh_token",
        "stripe-signature",
    ],
)
def test_a_field_with_a_secret_name_is_blanked_wherever_it_stands(name: str) -> None:
    for line in (
        written("hello", **{name: SECRET}),
        written("hello", headers={name: SECRET}),
        written("hello", seen=[{name: [SECRET]}]),
        written({name: SECRET}),
    ):
        assert SECRET not in line
        assert "[redacted]" in line


def test_a_secret_key_appended_for_a_whole_request_is_blanked() -> None:
    logger.append_keys(token=SECRET)
    try:
        assert SECRET not in written("hello")
    finally:
        logger.remove_keys(["token"])


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"GET /v1/sessions/K1/live?ticket={JWT}", JWT),
        ("Authorization: Bearer abc.DEF-1/2+3==", "abc.DEF-1/2+3"),
        ("Authorization: Basic Q1AtMTpwdw==", "Q1AtMTpwdw"),
        ("failed\nseti_1_secret_2", "seti_1_secret_2"),
    ],
)
def test_a_secret_in_running_text_is_blanked(text: str, secret: str) -> None:
    assert secret not in json.loads(written(text))["message"]
    assert secret not in json.loads(written("hello", why=ValueError(text)))["why"]


def test_an_exception_that_quotes_a_secret_does_not_tell_it() -> None:
    try:
        raise ValueError(f"bad ticket {JWT}")
    except ValueError as error:
        line = written("failed", exc_info=(type(error), error, error.__traceback__))
    assert "bad ticket [redacted]" in line
    assert JWT not in line


def test_what_is_no_secret_is_written_as_it_is() -> None:
    line = json.loads(written("hello", charger_id="CP-1", session_id="K1", tries=2, done=True, at=None))
    assert (line["message"], line["charger_id"], line["service"]) == ("hello", "CP-1", "kerb")
    assert (line["session_id"], line["tries"], line["done"]) == ("K1", 2, True)


def test_a_metric_is_one_embedded_metric_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("POWERTOOLS_METRICS_DISABLED", raising=False)
    count("SessionsFailed", reason="cancelled")
    line = json.loads(capsys.readouterr().out)
    assert line["SessionsFailed"] == [1.0]
    assert line["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "Kerb"
    assert line["reason"] == "cancelled"


def test_what_took_time_is_told_in_milliseconds_under_its_stages_name(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("POWERTOOLS_METRICS_DISABLED", raising=False)
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "kerb-prod")
    timed("StartCommand", timedelta(seconds=1.25))
    line = json.loads(capsys.readouterr().out)
    assert (line["StartCommand"], line["service"]) == ([1250.0], "kerb-prod")
    assert line["_aws"]["CloudWatchMetrics"][0]["Metrics"][0]["Unit"] == "Milliseconds"
