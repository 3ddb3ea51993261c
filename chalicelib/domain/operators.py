"""Alarms: what needs an operator's hand, opened by its cause and closed by the cause's absence, never by hand.

An alarm stands as long as any of its subjects (a charger, a session, the operator itself) has the cause. Between cause
and alarm lies hysteresis: a cause has to be gone for a while before it counts as gone, so that what flaps is one alarm.
An alarm kind is a line of `ALARM_RULES`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from chalicelib.domain.data_classes import dataclass, replace


class AlarmKind(StrEnum):
    """What is wrong, and with whom: a charger, a session (`stuck_session`), an operator (`payments_failing`), a site.

    `site_over_limit`, `load_silent` and `plans_failed` are about a site, `dispute_open` about a session,
    `demand_response` about an operator's event.
    """

    OFFLINE = "offline"
    FAULTED = "faulted"
    SILENT = "silent"
    STUCK_SESSION = "stuck_session"
    DEVIATION_FLOOD = "deviation_flood"
    FIRMWARE_FAILED = "firmware_failed"
    PAYMENTS_FAILING = "payments_failing"
    CERTIFICATE_ENDING = "certificate_ending"
    CLOCK_WRONG = "clock_wrong"
    LIMIT_IGNORED = "limit_ignored"
    SITE_OVER_LIMIT = "site_over_limit"
    LOAD_SILENT = "load_silent"
    DISPUTE_OPEN = "dispute_open"
    PLANS_FAILED = "plans_failed"
    DEMAND_RESPONSE = "demand_response"
    METER_KEY = "meter_key"


class Severity(StrEnum):
    """How soon somebody should come: a driver stands in front of it now, or will one day."""

    CRITICAL = "critical"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmRule:
    """When an alarm of one kind opens and closes.

    What may be its cause is looked at `after` it was noticed: less is a blip. It has to be gone for `quiet_for`. While
    it is there it is looked at again every `look_every`, should nobody notice its end.
    """

    severity: Severity
    after: timedelta = timedelta(0)
    quiet_for: timedelta = timedelta(minutes=5)
    look_every: timedelta = timedelta(hours=1)


# A renewed socket is back in a few seconds, and one that the platform cut within half a minute.
ALARM_RULES: Mapping[AlarmKind, AlarmRule] = {
    AlarmKind.OFFLINE: AlarmRule(severity=Severity.CRITICAL, after=timedelta(seconds=30)),
    AlarmKind.FAULTED: AlarmRule(severity=Severity.CRITICAL),
    AlarmKind.SILENT: AlarmRule(severity=Severity.WARNING, quiet_for=timedelta(0), look_every=timedelta(days=1)),
    AlarmKind.STUCK_SESSION: AlarmRule(
        severity=Severity.CRITICAL, quiet_for=timedelta(0), look_every=timedelta(minutes=15)
    ),
    AlarmKind.DEVIATION_FLOOD: AlarmRule(severity=Severity.WARNING, quiet_for=timedelta(hours=1)),
    AlarmKind.FIRMWARE_FAILED: AlarmRule(severity=Severity.WARNING, quiet_for=timedelta(0)),
    # A debt is written down just before its session has failed.
    AlarmKind.PAYMENTS_FAILING: AlarmRule(
        severity=Severity.CRITICAL,
        after=timedelta(seconds=10),
        quiet_for=timedelta(0),
        look_every=timedelta(minutes=15),
    ),
    AlarmKind.CERTIFICATE_ENDING: AlarmRule(
        severity=Severity.WARNING, quiet_for=timedelta(0), look_every=timedelta(days=1)
    ),
    AlarmKind.CLOCK_WRONG: AlarmRule(
        severity=Severity.WARNING, quiet_for=timedelta(minutes=10), look_every=timedelta(minutes=15)
    ),
    # Until it was seen to keep a grant; a site is over its limit for as long as meters say so.
    AlarmKind.LIMIT_IGNORED: AlarmRule(
        severity=Severity.WARNING, quiet_for=timedelta(0), look_every=timedelta(minutes=15)
    ),
    AlarmKind.SITE_OVER_LIMIT: AlarmRule(severity=Severity.CRITICAL, look_every=timedelta(minutes=5)),
    # Two minutes of silence are its cause; the minute's look at the site finds them.
    AlarmKind.LOAD_SILENT: AlarmRule(
        severity=Severity.WARNING, quiet_for=timedelta(0), look_every=timedelta(minutes=5)
    ),
    AlarmKind.DISPUTE_OPEN: AlarmRule(severity=Severity.WARNING, quiet_for=timedelta(0), look_every=timedelta(days=1)),
    # Until a person has pinned one of the two.
    AlarmKind.METER_KEY: AlarmRule(severity=Severity.WARNING, quiet_for=timedelta(0), look_every=timedelta(days=1)),
    # Until a plan was found, or nobody is there any more who waits for one.
    AlarmKind.PLANS_FAILED: AlarmRule(
        severity=Severity.WARNING, quiet_for=timedelta(0), look_every=timedelta(minutes=15)
    ),
    # From its first second to its last, or until it is cancelled.
    AlarmKind.DEMAND_RESPONSE: AlarmRule(
        severity=Severity.WARNING, quiet_for=timedelta(0), look_every=timedelta(minutes=5)
    ),
}
_AHEAD_S, _BEHIND_S = 60, 600
# A certificate is replaced in good time.
CERTIFICATE_NOTICE = timedelta(days=30)
# A cause that was just found is looked at once more so soon: whoever found it may have died before the alarm was open.
_LOOK_SOON = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one look at a subject finds of a cause, from what is stored and nothing else.

    `is_there`: now. `gone_since`: else, since when it was last there; None where nobody can tell. `detail` is for
    people. `look_at`: a cause that time alone would bring about, and when.
    """

    is_there: bool
    gone_since: datetime | None = None
    detail: str = ""
    look_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A charger, session or operator that an alarm is about, and when it is looked at next.

    `since` is when its cause was found, None where only time may bring it about. `gone_since`: the cause has been away
    since then, and not yet for long enough.
    """

    look_at: datetime
    since: datetime | None = None
    gone_since: datetime | None = None
    detail: str = ""

    @property
    def has_cause(self) -> bool:
        """Whether an alarm stands for it."""
        return self.since is not None


def is_clock_wrong(skew_s: int) -> bool:
    """Whether a charger's clock, so many seconds ahead of ours, is beyond what a network and a slow charger explain."""
    return skew_s > _AHEAD_S or skew_s < -_BEHIND_S


def looked_at(known: Subject | None, found: Finding, rule: AlarmRule, at: datetime) -> Subject | None:
    """The subject after a look; None when there is nothing more to be looked at."""
    is_known = known is not None and known.since is not None
    if found.is_there:
        if known is not None and is_known:
            return replace(known, gone_since=None, detail=found.detail, look_at=at + rule.look_every)
        return Subject(since=at, detail=found.detail, look_at=at + min(_LOOK_SOON, rule.look_every))
    watched = Subject(look_at=max(found.look_at, at + _LOOK_SOON)) if found.look_at is not None else None
    if known is None or not is_known:
        return watched
    gone_since = found.gone_since or known.gone_since or at
    if at - gone_since >= rule.quiet_for:
        return watched
    return replace(known, gone_since=gone_since, look_at=gone_since + rule.quiet_for)
