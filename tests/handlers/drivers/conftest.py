"""Drivers' tests begin with somebody new."""

from __future__ import annotations

import secrets

import pytest

from local.client import Person
from local.seed import open_account
from local.stack import Stack


@pytest.fixture
def driver(stack: Stack) -> Person:
    """Somebody new with a card that pays."""
    return open_account(stack, f"new-{secrets.token_hex(4)}@example.com", "Driver-new-12")
