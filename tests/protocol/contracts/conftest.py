"""A mobility operator whose certificates these tests look at."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from local.contract_authority import ContractAuthority

NOW = datetime(2026, 11, 30, 18, 0, tzinfo=UTC)
RESPONDER = "http://ocsp.example/mo"
EMAID = "DE8AACA2B3C4D5"


@pytest.fixture(scope="session")
def authority() -> ContractAuthority:
    return ContractAuthority(lambda: NOW, RESPONDER)
