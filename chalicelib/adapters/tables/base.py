"""What every DynamoDB table has in common: named after KERB_TABLE_PREFIX, and paid for by use (on demand)."""

from __future__ import annotations

import os

from pynamodb.constants import PAY_PER_REQUEST_BILLING_MODE

PREFIX = os.environ.get("KERB_TABLE_PREFIX", "kerb-")


class OnDemand:
    """The PynamoDB Meta of every table: billed by request."""

    billing_mode = PAY_PER_REQUEST_BILLING_MODE
