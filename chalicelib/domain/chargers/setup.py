"""A charger's setup: what it was asked to be set to, what it said to that, and what is to be asked next.

One message at a time, every value once: a charger that refuses a value, does not know a setting, or takes a value and
keeps another is not asked for it again until its firmware or its operator's profile changes. What it has lost is set
again after each boot. `asked`, `read`, `written` are a conversation's steps; nothing here sends anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from chalicelib.domain.chargers.setup_profile import Aspect
from chalicelib.domain.data_classes import dataclass, replace

# A first setup over OCPP 1.6 takes about thirty messages, and each choice that is refused one more.
MOST_MESSAGES = 60
_MOST_ROUNDS, _ROUNDS_WITHIN = 5, timedelta(minutes=10)
_UNTOLD_ITEMS, _MOST_ITEMS = 8, 20
_MOST_FAILURES = 5
_YES, _NO = ("true", "1", "yes", "on"), ("false", "0", "no", "off")


class Kind(StrEnum):
    """How two values are compared: as numbers, as yes or no, or as lists (in any order, capitals or not)."""

    NUMBER = "number"
    FLAG = "flag"
    AT_LEAST = "at_least"
    EXACTLY = "exactly"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A setting of one OCPP version, by that version's name, and what it shall be: the best first.

    No choice: it is only read. `evse`: whose it is; 0: the charger's.
    """

    name: str
    aspect: Aspect
    choices: tuple[str, ...]
    kind: Kind
    evse: int = 0


class Standing(StrEnum):
    """How a charger stands to one setting."""

    UNREAD = "unread"
    DIFFERS = "differs"
    WRITTEN = "written"
    AS_WANTED = "as_wanted"
    ONLY_READ = "only_read"
    NEEDS_REBOOT = "needs_reboot"
    REFUSED = "refused"
    NOT_KEPT = "not_kept"
    READ_ONLY = "read_only"
    NOT_KNOWN = "not_known"


_LEFT_ALONE = frozenset({Standing.REFUSED, Standing.NOT_KEPT, Standing.READ_ONLY})


class WriteAnswer(StrEnum):
    """What a charger said to a value."""

    ACCEPTED = "accepted"
    NEEDS_REBOOT = "needs_reboot"
    REFUSED = "refused"
    NOT_KNOWN = "not_known"


@dataclass(frozen=True, slots=True)
class ReportedValue:
    """What a charger says a setting is; no value where it would not tell."""

    value: str | None
    read_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingState:
    """One setting: which of its choices is aimed at, and what the charger last said it is."""

    target: Target
    standing: Standing = Standing.UNREAD
    choice: int = 0
    said: str | None = None

    @property
    def wanted(self) -> str | None:
        """The value aimed at."""
        choices = self.target.choices
        return choices[min(self.choice, len(choices) - 1)] if choices else None


@dataclass(frozen=True, slots=True)
class Read:
    """Ask what these are set to."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Write:
    """Set these, each to its value."""

    values: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """All that is known of one charger's settings.

    `profile` is the version of the profile it was begun for, `identity` what the charger was then: an answer given by
    another firmware says nothing of this one. `awaited` names the message whose answer is due. `most_items` bounds
    what goes into one message after a charger could not take more. `settled_at` is when all was last found in order,
    or refused.
    """

    profile: str
    identity: str
    lines: tuple[SettingState, ...]
    begun_at: datetime
    awaited: str | None = None
    messages: int = 0
    failures: int = 0
    rounds: int = 1
    most_items: int | None = None
    settled_at: datetime | None = None

    def of(self, aspect: Aspect) -> SettingState | None:
        """The setting for an aspect, if this version has one."""
        return next((it for it in self.lines if it.target.aspect is aspect), None)

    @property
    def meter_keys(self) -> Mapping[int, str]:
        """What the charger says are the keys of its EVSEs' meters, as far as it knows them."""
        told = {it.target.evse: it.said for it in self.lines if it.target.aspect is Aspect.METER_KEY and it.said}
        return {evse: said for evse, said in told.items() if said is not None}

    @property
    def is_under_way(self) -> bool:
        """Whether an answer is due."""
        return self.awaited is not None

    def items(self, aspect: Aspect) -> int:
        """How many settings go into one message."""
        line = self.of(aspect)
        told = _number(line.said) if line is not None else None
        most = min(told, _MOST_ITEMS) if told else _UNTOLD_ITEMS
        return max(1, min(most, self.most_items or most))


def begun(before: Setup | None, profile: str, identity: str, targets: Sequence[Target], at: datetime) -> Setup | None:
    """A new look at a charger; None when it has been looked at too often of late (it reboots, and reboots).

    What a charger said to the same wishes before is remembered; to others, it is asked anew.
    """
    rounds = 1
    if before is not None and at - before.begun_at < _ROUNDS_WITHIN and before.profile == profile:
        rounds = before.rounds + 1
    if rounds > _MOST_ROUNDS:
        return None
    known = {it.target.name: it for it in before.lines} if before is not None and before.identity == identity else {}
    lines = tuple(_line(target, known.get(target.name)) for target in targets)
    most_items = before.most_items if before is not None and known else None
    setup = Setup(profile=profile, identity=identity, lines=lines, begun_at=at, rounds=rounds, most_items=most_items)
    if before is not None and before.settled_at is not None and known:
        return _spot_check(setup)
    return replace(setup, lines=tuple(_unread(it) for it in lines))


def _line(target: Target, known: SettingState | None) -> SettingState:
    if known is None or known.target != target:
        # How much fits into a message does not change with what is wanted.
        if known is not None and not target.choices:
            return replace(known, target=target)
        return SettingState(target=target)
    if known.standing in (Standing.DIFFERS, Standing.WRITTEN, Standing.NEEDS_REBOOT):
        return replace(known, standing=Standing.UNREAD)
    return known


def _unread(line: SettingState) -> SettingState:
    return replace(line, standing=Standing.UNREAD) if line.standing is Standing.AS_WANTED else line


def _spot_check(setup: Setup) -> Setup:
    """A charger that was in order is asked one question: as many settings as one message holds, the vital ones first.

    One that is found to have lost any of them is asked for all (`read`).
    """
    unread = sum(it.standing is Standing.UNREAD for it in setup.lines)
    left = setup.items(Aspect.MOST_READ) - unread
    lines: list[SettingState] = []
    for it in setup.lines:
        may_change = it.standing is Standing.ONLY_READ and not _is_limit(it)
        is_asked = left > 0 and (it.standing is Standing.AS_WANTED or may_change)
        left -= is_asked
        lines.append(replace(it, standing=Standing.UNREAD) if is_asked else it)
    return replace(setup, lines=tuple(lines))


def asked(setup: Setup) -> Read | Write | None:
    """What to ask next; None when there is nothing left to ask."""
    if setup.messages >= MOST_MESSAGES:
        return None
    limits = [it.target.name for it in setup.lines if _is_limit(it) and it.standing is Standing.UNREAD]
    if limits:
        return Read(tuple(limits[: setup.most_items or len(limits)]))
    for standing in (Standing.UNREAD, Standing.DIFFERS, Standing.WRITTEN):
        found = [it for it in setup.lines if it.standing is standing]
        if found and standing is Standing.DIFFERS:
            most = setup.items(Aspect.MOST_WRITTEN)
            return Write(tuple((it.target.name, it.wanted or "") for it in found[:most]))
        if found:
            return Read(tuple(it.target.name for it in found[: setup.items(Aspect.MOST_READ)]))
    return None


def _is_limit(line: SettingState) -> bool:
    return line.target.aspect in (Aspect.MOST_READ, Aspect.MOST_WRITTEN, Aspect.MOST_QUANTITIES)


def read(setup: Setup, names: Sequence[str], said: Mapping[str, ReportedValue]) -> Setup:
    """The charger has said what those are; what it said nothing of, it does not know. Names are told as asked."""
    lines = [_read_line(it, said.get(it.target.name)) if it.target.name in names else it for it in setup.lines]
    longest = next((_number(it.said) for it in lines if it.target.aspect is Aspect.MOST_QUANTITIES), None)
    lines = [_shortened(it, longest) for it in lines]
    before = {it.target.name: it.standing for it in setup.lines}
    # It has lost one of those it had: look at the others too.
    is_doubted = setup.messages <= 1 and any(
        it.standing is Standing.DIFFERS and before[it.target.name] is Standing.UNREAD for it in lines
    )
    if is_doubted:
        lines = [it if it.target.name in names else _unread(it) for it in lines]
    return replace(setup, lines=tuple(lines))


def _read_line(line: SettingState, said: ReportedValue | None) -> SettingState:
    if said is None or said.value is None:
        return replace(line, standing=Standing.NOT_KNOWN, said=None)
    line = replace(line, said=said.value)
    choices, kind = line.target.choices, line.target.kind
    if not choices:
        return replace(line, standing=Standing.ONLY_READ)
    aimed = min(line.choice, len(choices) - 1)
    fits = next((number for number, it in enumerate(choices) if is_met(kind, said.value, it)), None)
    # It took a list and keeps of it what it can measure; or it cannot be changed, and will do.
    will_do = said.read_only or line.standing is Standing.WRITTEN
    if fits is not None and (fits <= aimed or will_do):
        return replace(line, standing=Standing.AS_WANTED, choice=fits)
    if said.read_only:
        return replace(line, standing=Standing.READ_ONLY)
    if line.standing is Standing.WRITTEN:
        return _next_choice(line, Standing.NOT_KEPT)
    return line if line.standing in _LEFT_ALONE else replace(line, standing=Standing.DIFFERS)


def _next_choice(line: SettingState, otherwise: Standing) -> SettingState:
    if line.choice + 1 < len(line.target.choices):
        return replace(line, standing=Standing.DIFFERS, choice=line.choice + 1)
    return replace(line, standing=otherwise)


def _shortened(line: SettingState, longest: int | None) -> SettingState:
    """Pass over lists with more items than the charger takes."""
    if not longest or line.target.kind is not Kind.AT_LEAST or line.target.aspect is not Aspect.READINGS:
        return line
    choices = line.target.choices
    fitting = next((n for n, it in enumerate(choices) if len(it.split(",")) <= longest), len(choices) - 1)
    return replace(line, choice=max(line.choice, fitting))


def written(setup: Setup, names: Sequence[str], answers: Mapping[str, WriteAnswer]) -> Setup:
    """The charger has answered to those; what it said nothing of, it refuses."""
    lines = [
        _written_line(it, answers.get(it.target.name, WriteAnswer.REFUSED)) if it.target.name in names else it
        for it in setup.lines
    ]
    return replace(setup, lines=tuple(lines))


def _written_line(line: SettingState, answer: WriteAnswer) -> SettingState:
    match answer:
        case WriteAnswer.ACCEPTED:
            return replace(line, standing=Standing.WRITTEN)
        case WriteAnswer.NEEDS_REBOOT:
            return replace(line, standing=Standing.NEEDS_REBOOT)
        case WriteAnswer.NOT_KNOWN:
            return replace(line, standing=Standing.NOT_KNOWN)
    return _next_choice(line, Standing.REFUSED)


def failed(setup: Setup, names: Sequence[str], *, writing: bool) -> Setup:
    """The charger could not take the message at all: fewer settings next time; one alone is not asked for again.

    After some of these it is left in peace.
    """
    setup = replace(setup, failures=setup.failures + 1)
    if setup.failures >= _MOST_FAILURES:
        # It cannot be talked to about settings at all.
        lost = (Standing.UNREAD, Standing.WRITTEN, Standing.DIFFERS)
        lines = tuple(replace(it, standing=Standing.NOT_KNOWN) if it.standing in lost else it for it in setup.lines)
        return replace(setup, lines=lines)
    if len(names) > 1:
        return replace(setup, most_items=max(1, len(names) // 4))
    return written(setup, names, {}) if writing else read(setup, names, {})


def is_met(kind: Kind, said: str, wanted: str) -> bool:
    """Whether a value is what is wanted."""
    match kind:
        case Kind.NUMBER:
            return _number(said) == _number(wanted)
        case Kind.FLAG:
            return (_flag(said) or said) == (_flag(wanted) or wanted)
        case Kind.EXACTLY:
            return _items(said) == _items(wanted)
        case Kind.AT_LEAST:
            return _items(said) >= _items(wanted)


def _number(text: str | None) -> int | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return int(number) if number.is_integer() and abs(number) < 2**53 else None


def _flag(text: str) -> str | None:
    word = text.strip().casefold()
    return "true" if word in _YES else "false" if word in _NO else None


def _items(text: str) -> frozenset[str]:
    return frozenset(it.strip().casefold() for it in text.split(",") if it.strip())


class MeteringCapability(StrEnum):
    """How far a charger's charges can be measured, as far as its own settings tell."""

    UNKNOWN = "unknown"
    NONE = "none"
    READINGS_ONLY = "readings_only"
    ENDS_ONLY = "ends_only"
    FULL = "full"


def metering(setup: Setup) -> MeteringCapability:
    """What a charge there can be billed by: both its ends, readings in between, all of it, or nothing.

    Where no setting says what a stop tells (OCPP 1.6), every stop tells the register.
    """
    sent = setup.of(Aspect.READINGS_SENT)
    if sent is not None and sent.said is not None and _flag(sent.said) == "false":
        return MeteringCapability.NONE
    interval = setup.of(Aspect.READING_INTERVAL)
    every_s = _number(interval.said) if interval is not None and interval.said is not None else None
    readings = _has_energy(setup.of(Aspect.READINGS))
    live = False if every_s == 0 else readings
    stop = setup.of(Aspect.STOP_VALUES)
    ends = True if stop is None else _has_energy(stop)
    if ends is None and live is None:
        return MeteringCapability.UNKNOWN
    if ends:
        if live is None:
            return MeteringCapability.UNKNOWN
        return MeteringCapability.FULL if live else MeteringCapability.ENDS_ONLY
    if live:
        return MeteringCapability.READINGS_ONLY
    return MeteringCapability.NONE if ends is False and live is False else MeteringCapability.UNKNOWN


def _has_energy(line: SettingState | None) -> bool | None:
    """Whether a list has energy in it, which its last choice is; None when nobody knows."""
    if line is None or line.said is None or not line.target.choices:
        return None
    return is_met(Kind.AT_LEAST, line.said, line.target.choices[-1])
