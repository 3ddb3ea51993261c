"""A setup profile: what an operator wants its chargers to be set to, in words that every OCPP version has a name for.

What billing needs is wanted of every charger; all else is the operator's to say, and None leaves a thing to the
charger. A wish is a list of values, the best first: a charger that refuses one is asked for the next.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from enum import StrEnum

from chalicelib.domain.data_classes import dataclass, field

# Raised whenever what a profile comes to changes: chargers are then looked at again.
_REVISION = 2
_LONGEST_CHARGE_S = 48 * 3600
# One reading in a message about a whole charge; the frame that carries it holds 32 KB on AWS.
_READING_BYTES = 250
_FRAME_BYTES = 32_000 - 2_000


class Aspect(StrEnum):
    """What a setting is about, whatever it is called; units last."""

    READINGS = "readings"
    READING_INTERVAL = "reading_interval_s"
    READINGS_SENT = "readings_sent"
    START_VALUES = "start_values"
    STOP_VALUES = "stop_values"
    STOP_INTERVAL = "stop_interval_s"
    STOP_READINGS = "stop_readings"
    TOTALS_ONLY = "registers_without_phases"
    CLOCK_READINGS = "clock_readings"
    CLOCK_INTERVAL = "clock_interval_s"
    CLOCK_READINGS_SENT = "clock_readings_sent"
    CLOCK_STOP_VALUES = "clock_stop_values"
    MESSAGE_ATTEMPTS = "message_attempts"
    MESSAGE_WAIT = "message_wait_s"
    RECONNECT_WAIT = "reconnect_wait_s"
    RECONNECT_SPREAD = "reconnect_spread_s"
    RECONNECT_DOUBLINGS = "reconnect_doublings"
    PING = "ping_s"
    HEARTBEAT = "heartbeat_s"
    LIST_KEPT = "list_kept"
    LIST_FIRST = "list_first"
    OFFLINE_KNOWN = "offline_known_tokens"
    OFFLINE_UNKNOWN = "offline_unknown_tokens"
    STOP_ON_REFUSAL = "stop_when_refused"
    STOP_ON_UNPLUG = "stop_when_unplugged"
    UNLOCK_ON_UNPLUG = "unlock_when_unplugged"
    MASTER_PASS = "master_pass_group"  # noqa: S105
    COST_SHOWN = "running_cost_shown"
    # Read, and never set: how much fits into one message, and how long a car may take to come.
    PLUG_IN_TIME = "plug_in_time_s"
    MOST_READ = "most_settings_read"
    MOST_WRITTEN = "most_settings_written"
    MOST_QUANTITIES = "most_quantities"
    # Of a charger whose meters sign: by which key, and whether that comes along with what is signed.
    METER_KEY = "meter_key"
    KEY_SENT = "meter_key_sent"
    # Read where power is shared out: how the charger can be told to limit it; whether it shall is set, where it can be.
    RATE_UNITS = "rate_units"
    MOST_STACK_LEVEL = "most_stack_level"
    MOST_PERIODS = "most_schedule_periods"
    MOST_PROFILES = "most_charging_profiles"
    PHASES_SWITCH = "phases_switch"
    PHASE_IS_CHOSEN = "phase_is_chosen"
    FEATURES = "features"
    LIMITS_THERE = "limits_available"
    LIMITS_ON = "limits_enabled"


_LIMITING = (
    Aspect.RATE_UNITS,
    Aspect.MOST_STACK_LEVEL,
    Aspect.MOST_PERIODS,
    Aspect.MOST_PROFILES,
    Aspect.PHASES_SWITCH,
    Aspect.PHASE_IS_CHOSEN,
    Aspect.FEATURES,
    Aspect.LIMITS_THERE,
)
# Without these a charge cannot be billed, or not be watched.
VITAL = frozenset({Aspect.READINGS, Aspect.READING_INTERVAL, Aspect.START_VALUES, Aspect.STOP_VALUES})


class Quantity(StrEnum):
    """What a meter value is a value of."""

    ENERGY = "energy"
    POWER = "power"
    SOC = "soc"
    CURRENT = "current"
    VOLTAGE = "voltage"
    CURRENT_BY_PHASE = "current_by_phase"
    POWER_BY_PHASE = "power_by_phase"


Value = bool | int | str | tuple[Quantity, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupProfile:
    """What an operator declares. Raises ValueError for what no charger could keep.

    `reading_interval_s` is how often a charge is read; `stop_interval_s` how often for the message that ends it, 0
    for its two ends only. `leaves_stop_readings`: what a 1.6 charger adds to that message is left as it is (some sign
    there); else nothing is, for a long charge's readings do not fit into a frame. `main_meter_interval_s` is how often
    a station with a main meter reads that. `message_attempts` and `message_wait_s` say how often, and how long apart,
    a charger repeats what we failed to take; `reconnect_*` how it comes back to a line that was cut: after a wait and
    a random part, doubled so many times. `list_first`: a listed token may charge before we are asked. `offline_*` is
    who may charge while we cannot be asked.

    `charges_per_token` is how many charges may run under one card at once, None for any number; a card of a group in
    `charges_per_token_by_group` has that group's number. Cards of `master_pass_group` end any charge of the operator's
    chargers and begin none. `shows_running_cost`: a charge's cost so far is told to chargers that can show it.
    """

    reading_interval_s: int | None = 60
    stop_interval_s: int = 0
    leaves_stop_readings: bool = False
    main_meter_interval_s: int = 900
    message_attempts: int | None = 8
    message_wait_s: int | None = 15
    reconnect_wait_s: int | None = 10
    reconnect_spread_s: int | None = 10
    reconnect_doublings: int | None = 3
    ping_s: int | None = 120
    list_first: bool | None = False
    offline_known_tokens: bool | None = True
    offline_unknown_tokens: bool | None = False
    stop_when_refused: bool | None = True
    stop_when_unplugged: bool | None = True
    unlock_when_unplugged: bool | None = True
    master_pass_group: str | None = None
    shows_running_cost: bool = False
    # Of these two we decide, and no charger is set to them: they are no part of the version.
    charges_per_token: int | None = field(default=None, repr=False)
    charges_per_token_by_group: Mapping[str, int] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if self.stop_interval_s and self.stop_interval_s < shortest_stop_interval_s():
            least_s = shortest_stop_interval_s()
            raise ValueError(f"stop_interval_s must be 0, or {least_s} at least: more does not fit into one message")

    def most_charges(self, group: str) -> int | None:
        """How many charges may run at once under a card of that group (empty: of none); None: any number."""
        return self.charges_per_token_by_group.get(group, self.charges_per_token)

    def is_master_pass(self, group: str) -> bool:
        """Whether cards of that group end any charge, and begin none."""
        return bool(group) and group == self.master_pass_group

    @property
    def version(self) -> str:
        """Two profiles that come to the same have the same version."""
        return hashlib.sha256(f"{_REVISION} {self!r}".encode()).hexdigest()[:12]


def shortest_stop_interval_s() -> int:
    """How far apart readings must be so that those of a charge of two days fit into one frame."""
    return -(-_LONGEST_CHARGE_S * _READING_BYTES // _FRAME_BYTES)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargerTraits:
    """What bears on a charger's settings beside its operator's profile: its registration, and the network's own wishes.

    `heartbeat_s` is how often every charger says that it is there, None for as often as it likes. `signing_evses` are
    those whose meters sign what they say.
    """

    is_load_managed: bool = False
    has_main_meter: bool = False
    keeps_list: bool = False
    heartbeat_s: int | None = None
    signing_evses: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class DesiredSetting:
    """What one aspect shall be: the best value first, and what will do after it. No choice: it is only read.

    `evse`: whose setting it is; 0: the charger's.
    """

    aspect: Aspect
    choices: tuple[Value, ...] = ()
    evse: int = 0


_READINGS: tuple[Value, ...] = (
    (Quantity.ENERGY, Quantity.POWER, Quantity.SOC, Quantity.CURRENT, Quantity.VOLTAGE),
    (Quantity.ENERGY, Quantity.POWER, Quantity.CURRENT, Quantity.VOLTAGE),
    (Quantity.ENERGY, Quantity.POWER, Quantity.SOC),
    (Quantity.ENERGY, Quantity.POWER),
    (Quantity.ENERGY,),
)
_READINGS_BY_PHASE: tuple[Value, ...] = (
    (Quantity.ENERGY, Quantity.POWER, Quantity.CURRENT_BY_PHASE, Quantity.POWER_BY_PHASE, Quantity.SOC),
    (Quantity.ENERGY, Quantity.POWER, Quantity.CURRENT_BY_PHASE, Quantity.POWER_BY_PHASE),
    (Quantity.ENERGY, Quantity.POWER, Quantity.CURRENT_BY_PHASE),
)
_ENERGY: tuple[Value, ...] = ((Quantity.ENERGY,),)
_NOTHING: tuple[Value, ...] = ((),)
_MAIN_METER: tuple[Value, ...] = ((Quantity.ENERGY, Quantity.POWER, Quantity.CURRENT), (Quantity.ENERGY,))
_MAIN_METER_BY_PHASE: tuple[Value, ...] = ((Quantity.ENERGY, Quantity.POWER, Quantity.CURRENT_BY_PHASE),)


def wishes(profile: SetupProfile, place: ChargerTraits) -> tuple[DesiredSetting, ...]:
    """All that a charger shall be set to, what matters most first."""
    managed, metered = place.is_load_managed, place.has_main_meter
    readings = (_READINGS_BY_PHASE if managed else ()) + _READINGS
    main_meter = (_MAIN_METER_BY_PHASE if managed else ()) + _MAIN_METER
    found = [
        DesiredSetting(Aspect.STOP_VALUES, _ENERGY),
        DesiredSetting(Aspect.START_VALUES, _ENERGY),
        DesiredSetting(Aspect.READINGS, readings),
        # Some take no interval as short as that.
        _one(Aspect.READING_INTERVAL, profile.reading_interval_s, *_longer(profile.reading_interval_s)),
        DesiredSetting(Aspect.READINGS_SENT, (True,)),
        DesiredSetting(Aspect.STOP_INTERVAL, (profile.stop_interval_s,)),
        DesiredSetting(Aspect.STOP_READINGS, () if profile.leaves_stop_readings else _NOTHING),
        DesiredSetting(Aspect.CLOCK_STOP_VALUES, _NOTHING),
        DesiredSetting(Aspect.CLOCK_INTERVAL, (profile.main_meter_interval_s if metered else 0,)),
        DesiredSetting(Aspect.CLOCK_READINGS, main_meter if metered else ()),
        DesiredSetting(Aspect.CLOCK_READINGS_SENT, (metered,)),
        DesiredSetting(Aspect.TOTALS_ONLY, (True,)),
        _one(Aspect.MESSAGE_ATTEMPTS, profile.message_attempts, *_fewer(profile.message_attempts)),
        _one(Aspect.MESSAGE_WAIT, profile.message_wait_s),
        _one(Aspect.OFFLINE_KNOWN, profile.offline_known_tokens),
        _one(Aspect.OFFLINE_UNKNOWN, profile.offline_unknown_tokens),
        # A list that we do not keep is somebody else's, and lets strangers in.
        DesiredSetting(Aspect.LIST_KEPT, (place.keeps_list,)),
        _one(Aspect.LIST_FIRST, profile.list_first),
        _one(Aspect.STOP_ON_REFUSAL, profile.stop_when_refused),
        _one(Aspect.STOP_ON_UNPLUG, profile.stop_when_unplugged),
        _one(Aspect.UNLOCK_ON_UNPLUG, profile.unlock_when_unplugged),
        _one(Aspect.RECONNECT_WAIT, profile.reconnect_wait_s),
        _one(Aspect.RECONNECT_SPREAD, profile.reconnect_spread_s),
        _one(Aspect.RECONNECT_DOUBLINGS, profile.reconnect_doublings),
        _one(Aspect.PING, profile.ping_s),
        # A boot is answered with it as well; chargers that do not boot for a year hear of another one only so.
        _one(Aspect.HEARTBEAT, place.heartbeat_s),
        _one(Aspect.MASTER_PASS, profile.master_pass_group),
        _one(Aspect.COST_SHOWN, profile.shows_running_cost or None),
    ]
    # What is left to the charger is read where its charges depend on it.
    kept = [it for it in found if it.choices or it.aspect in VITAL]
    # Early, so that they are among what is asked at each boot.
    kept[len(VITAL) : len(VITAL)] = _keys(place)
    if managed:
        kept += [DesiredSetting(Aspect.LIMITS_ON, (True,)), *map(DesiredSetting, _LIMITING)]
    return (*kept, DesiredSetting(Aspect.PLUG_IN_TIME))


def _keys(place: ChargerTraits) -> Sequence[DesiredSetting]:
    if not place.signing_evses:
        return ()
    # A key that is not sent along cannot be had any more once the meter is another.
    sent = DesiredSetting(Aspect.KEY_SENT, ("OncePerTransaction", "EveryMeterValue"))
    return [*(DesiredSetting(Aspect.METER_KEY, evse=it) for it in place.signing_evses), sent]


def _one(aspect: Aspect, value: Value | None, *others: int) -> DesiredSetting:
    return DesiredSetting(aspect) if value is None else DesiredSetting(aspect, (value, *others))


def _longer(interval_s: int | None) -> tuple[int, ...]:
    return tuple(it for it in (60, 300, 900) if interval_s and it > interval_s)


def _fewer(attempts: int | None) -> tuple[int, ...]:
    return tuple(it for it in (5, 3) if attempts and it < attempts)
