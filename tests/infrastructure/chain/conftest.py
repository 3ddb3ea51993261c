"""What tests on a chain share: blocks that come a second after each other, however long this machine takes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="module", autouse=True)
def blocks() -> Iterator[None]:
    """A block comes a second after the one before it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("eth._utils.headers.eth_now", lambda: 0)
        yield
