"""A charger of each version that tells of charges, as OCPP puts it."""

from __future__ import annotations

import pytest

from tests.services.charging.test_quirks import Talk
from tests.services.conftest import Kit


@pytest.fixture
def talk(kit: Kit) -> Talk:
    return Talk(kit, "ocpp1.6")


@pytest.fixture
def talk201(kit: Kit) -> Talk:
    return Talk(kit, "ocpp2.0.1")
