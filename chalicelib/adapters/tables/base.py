"""Every table is named after KERB_TABLE_PREFIX and paid for by use."""

from __future__ import annotations

import os

from pynamodb.constants import PAY_PER_REQUEST_BILLING_MODE

PREFIX = os.environ.get("KERB_TABLE_PREFIX", "kerb-")


class OnDemand:
    """The Meta of every table."""

    billing_mode = PAY_PER_REQUEST_BILLING_MODE
