"""Models of provisioning: what an operator's chargers are set to, and how far that has come."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from chalicelib.domain.chargers.setup import MeteringCapability, Standing
from chalicelib.domain.chargers.setup_profile import Aspect
from chalicelib.handlers.chargers.models import Group
from chalicelib.handlers.http.fields import RequestBody, ResponseBody, example

_PROFILE = {"reading_interval_s": 60, "offline_unknown_tokens": False, "ping_s": 120}
_Seconds = Annotated[int, Field(ge=1, le=86_400)]
_Attempts = Annotated[int, Field(ge=1, le=100)]
_Doublings = Annotated[int, Field(ge=0, le=10)]
_Charges = Annotated[int, Field(ge=1, le=10)]
_Left = "null leaves it to the charger"


class SetupProfileBody(RequestBody):
    """What the operator's chargers are set to; what is left out is as Kerb would have it, null is left alone."""

    model_config = RequestBody.model_config | example(**_PROFILE)
    reading_interval_s: Annotated[_Seconds | None, Field(description=f"how often a charge is read; {_Left}")] = 60
    stop_interval_s: Annotated[
        int, Field(ge=0, le=86_400, description="readings told with the end (2.x): 0 for both ends, else 1440 at least")
    ] = 0
    leaves_stop_readings: Annotated[
        bool, Field(description="leave what 1.6 adds to the end of a charge as it is: some chargers sign there")
    ] = False
    main_meter_interval_s: Annotated[_Seconds, Field(description="how often a station's main meter is read")] = 900
    message_attempts: Annotated[_Attempts | None, Field(description=f"of what Kerb could not take; {_Left}")] = 8
    message_wait_s: Annotated[_Seconds | None, Field(description=f"between two of them; {_Left}")] = 15
    reconnect_wait_s: Annotated[_Seconds | None, Field(description=f"at first, after a cut line; {_Left}")] = 10
    reconnect_spread_s: Annotated[_Seconds | None, Field(description=f"a random part of it; {_Left}")] = 10
    reconnect_doublings: Annotated[_Doublings | None, Field(description=f"of the wait; {_Left}")] = 3
    ping_s: Annotated[_Seconds | None, Field(description=f"between two pings of the socket; {_Left}")] = 120
    list_first: Annotated[bool | None, Field(description=f"a listed token charges before Kerb is asked; {_Left}")] = (
        False
    )
    offline_known_tokens: Annotated[
        bool | None, Field(description=f"tokens a charger knows may charge while it is offline; {_Left}")
    ] = True
    offline_unknown_tokens: Annotated[
        bool | None, Field(description=f"tokens it does not know may too: nobody may pay for that; {_Left}")
    ] = False
    stop_when_refused: Annotated[bool | None, Field(description=f"end a charge whose token Kerb refuses; {_Left}")] = (
        True
    )
    stop_when_unplugged: Annotated[
        bool | None, Field(description=f"end a charge when the cable is pulled at the car; {_Left}")
    ] = True
    unlock_when_unplugged: Annotated[
        bool | None, Field(description=f"let go of the cable when it is pulled at the car; {_Left}")
    ] = True
    master_pass_group: Annotated[
        Group | None, Field(description="cards of this group end any charge and begin none (2.x, C16)")
    ] = None
    shows_running_cost: Annotated[
        bool, Field(description="tell chargers that can show it what a charge costs so far (2.x): a message a minute")
    ] = False
    charges_per_token: Annotated[
        _Charges | None, Field(description="that may run at once under one card; null: any number")
    ] = None
    charges_per_token_by_group: Annotated[
        dict[Group, _Charges], Field(max_length=100, description="the same for the cards of a group")
    ] = {}  # noqa: RUF012


class SetupProfileView(SetupProfileBody):
    """The profile in force, whole, and its version: a charger says which one it was set up for."""

    model_config = RequestBody.model_config | example(**_PROFILE, version="0a1b2c3d4e5f")
    version: str


class SetupState(StrEnum):
    """How far it has come: nobody asked yet, a message is unanswered, or all is asked."""

    UNKNOWN = "unknown"
    UNDER_WAY = "under_way"
    SETTLED = "settled"


class SettingView(ResponseBody):
    """One setting by the charger's own name for it; `wanted` null is only read."""

    name: str
    aspect: Aspect
    wanted: str | None
    said: str | None
    standing: Standing


class SetupView(ResponseBody):
    """How a charger is set up, as it last said."""

    state: SetupState
    metering: MeteringCapability
    is_current: Annotated[bool, Field(description="it was set up for the profile in force")]
    begun_at: datetime | None
    settled_at: datetime | None
    messages: Annotated[int, Field(description="sent since it was last begun")]
    settings: list[SettingView]
