"""No test ever reaches an AWS account: the credentials are nobody's, and moto answers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.update(
    AWS_ACCESS_KEY_ID="testing",
    AWS_SECRET_ACCESS_KEY="testing",
    AWS_SESSION_TOKEN="testing",
    AWS_DEFAULT_REGION="us-east-1",
    AWS_REGION="us-east-1",
    AWS_EC2_METADATA_DISABLED="true",
)

import pytest

from tests.tables import account

_HERE = Path(__file__).parent
# What is asked of all stories is asked in the process they were told in; what shares a stack, or what takes long to
# make, shares it in one process. The longest come first, so that no core is idle in the end.
_TOGETHER = ("scenarios", "handlers", "attacks", "infrastructure")
_LONGEST_FIRST = (
    "scenarios",
    "faults",
    "handlers",
    "attacks",
    "benchmarks",
    "infrastructure",
    "adapters",
    "local",
    "services",
)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where several processes share the work: what is taken up first."""
    if hasattr(config, "workerinput"):
        ranks = {folder: rank for rank, folder in enumerate(_LONGEST_FIRST)}
        items.sort(key=lambda it: ranks.get(it.path.relative_to(_HERE).parts[0], len(ranks)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Where several processes share the work: what stays in one of them.

    (pytest-xdist's own groups are a suffix of a node's id, which pytest 9 no longer lets it write.)
    """
    from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]  # noqa: PLC0415

    class Together(LoadScopeScheduling):  # type: ignore[misc, unused-ignore]
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            folder = file.removeprefix("tests/").partition("/")[0]
            return folder if folder in _TOGETHER else file

    return Together(config, log)


@pytest.fixture
def tables() -> Iterator[None]:
    """All tables, empty, in an account of this test's own."""
    with account():
        yield
