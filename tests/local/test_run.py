"""`make run` says what stands in its way."""

from __future__ import annotations

import socket
import sys

import pytest

from local import __main__ as run


def test_a_port_that_is_taken_is_named_with_what_chooses_another(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run, "_quieten", lambda verbose: None)
    with socket.create_server(("127.0.0.1", 0)) as somebody_elses:
        port = str(somebody_elses.getsockname()[1])
        monkeypatch.setattr(sys, "argv", ["local", "--http-port", "0", "--socket-port", port, "--once"])
        assert run.main() == 1
    assert capsys.readouterr().out == (
        f"Already in use: port {port}; choose another with make run ARGS='--socket-port N'\n"
    )
