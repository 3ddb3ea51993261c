"""Why a car has no power, as its driver and its operator see it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from chalicelib.domain.grid.waits import WaitCause
from chalicelib.handlers.http.fields import ResponseBody, example


class PowerWaitView(ResponseBody):
    """Why the car has no power (`turn`, `limit`), or would have none if its site lost its connection (`offline`)."""

    model_config = example(cause="turn", since="2026-11-21T09:41:00Z", until="2026-11-21T09:56:00Z")
    cause: WaitCause
    since: datetime
    until: Annotated[datetime | None, Field(description="it has none before that; null: nobody knows")]
