"""No test ever reaches an AWS account: the credentials are nobody's, and moto answers."""

from __future__ import annotations

import os
from collections.abc import Iterator

os.environ.update(
    AWS_ACCESS_KEY_ID="testing",
    AWS_SECRET_ACCESS_KEY="testing",
    AWS_SESSION_TOKEN="testing",
    AWS_DEFAULT_REGION="us-east-1",
    AWS_REGION="us-east-1",
    AWS_EC2_METADATA_DISABLED="true",
)

import pytest

from tests.browsers import MISSING, UNUSABLE, chromium
from tests.passwords import hash_cheaply
from tests.patience import wait_for_answers, wall_clock_alone
from tests.properties import ask_by_no_clock
from tests.tables import account

hash_cheaply()
ask_by_no_clock()
wait_for_answers()

pytest_plugins = ("tests.processes",)


def pytest_configure() -> None:
    wall_clock_alone()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Whoever has no browser is told what was not looked at, in a line that stands out."""
    skips = [str(it.longrepr[-1]) for it in terminalreporter.stats.get("skipped", ())]
    reasons = {it.removeprefix("Skipped: ") for it in skips if UNUSABLE in it}
    if chromium() is None:
        reasons.add(MISSING)
    for why in sorted(reasons):
        terminalreporter.write_line(f"!!! tests/web was skipped: {why}", red=True, bold=True)


@pytest.fixture
def tables() -> Iterator[None]:
    """All tables, empty, in an account of this test's own."""
    with account():
        yield
