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
from hypothesis import HealthCheck, settings

from tests.tables import account

# How fast an example is says what the machine is doing, and nothing about what is tested.
settings.register_profile("any machine", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

pytest_plugins = ("tests.processes",)


@pytest.fixture
def tables() -> Iterator[None]:
    """All tables, empty, in an account of this test's own."""
    with account():
        yield
