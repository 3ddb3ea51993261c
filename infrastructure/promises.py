"""What Kerb promises, as figures of what is kept, and alarms that ring while a month's allowance of failures burns.

Three promises: sessions are managed in 99.9 of a hundred cases, 99 of a hundred statuses are seen within 10 s, 99 of a
hundred start commands reach their charger within 3 s. Each allowance (0.1, 1 and 1 of a hundred) is for a month. The
alarms are the Site Reliability Workbook's (chapter 5): fast, 14.4 times the allowance over an hour, of which a fiftieth
of the month's is gone then; slow, 6 times over six hours. Each also wants a short window to burn, so that it ends when
the trouble does.

All is made of figures that exist anyway. A window counts only with three failures in it: one failed start of three in a
quiet night is a third of them, and nobody's outage. Silence burns nothing: that it is silent is told by `absence.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from infrastructure.cloudwatch import HOUR, MINUTE, Formula, Joined, Metric
from infrastructure.stage import Stage, ref

STATUS_MS = 10_000
START_MS = 3_000
# A driver's page asks again every 8 s while a car charges, and is answered in half a second: what is left of the ten.
STATUS_STORED_MS = 1_500
# Failures that a window must hold: a long one more than 2, a short one any. Half of one less, for shares are rounded.
_FEW, _ONE = 2.5, 0.5
_NONE_STARTED = "no driver starts at night; the canary does (canary-absent)"


@dataclass(frozen=True, slots=True)
class Window:
    """A burn: so many times the allowance over the long while, and over the short one still."""

    name: str
    times: float
    long_s: int
    short_s: int


FAST = Window("fast", 14.4, HOUR, 5 * MINUTE)
SLOW = Window("slow", 6, 6 * HOUR, 30 * MINUTE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """Failures of a hundred as an expression (`{few}` of them count), and how many of a hundred are allowed."""

    name: str
    expression: str
    of: Mapping[str, Metric]
    allowed_percent: float
    why: str
    silence: str

    def of_windows_with(self, few: float) -> str:
        """The expression for a window that counts with more than so many failures."""
        return self.expression.replace("{few}", str(few))

    @property
    def shown(self) -> str:
        """For people, who see every failure."""
        return self.of_windows_with(_ONE)


def _rate(bad: str, of: str) -> str:
    """Of a hundred, nothing while there are but a few. What reports nothing counts as none."""
    return f"IF({bad} > {{few}}, 100 * ({bad}) / ({of}), 0)"


def _late(counted: str) -> str:
    """How many of them took longer than the percentile rank `within` allows."""
    return f"FILL({counted}, 0) * (100 - FILL(within, 100)) / 100"


# Workflows that ended in no orderly way.
_BROKEN = "FILL(broken, 0) + FILL(stuck, 0)"


def promises(stage: Stage) -> tuple[Promise, ...]:
    ours = {"service": stage.stack}
    machine = {"StateMachineArn": ref("SessionMachine")}
    api = {"ApiName": stage.stack, "Stage": "api"}
    frames = {"FunctionName": f"{stage.prefix}websocket_message"}
    sockets = {"ApiId": ref("WebsocketAPI"), "Stage": "api"}
    return (
        Promise(
            name="sessions",
            # The worst of three: drivers' requests, workflows, chargers' frames. None makes up for another.
            expression=f"MAX([{_rate('FILL(refused, 0)', 'FILL(requests, 1)')}, "
            f"{_rate(f'{_BROKEN} + FILL(ours, 0)', f'FILL(ended, 0) + {_BROKEN} + FILL(ours, 0)')}, "
            f"{_rate('FILL(dropped, 0)', 'FILL(frames, 1)')}])",
            of={
                "refused": Metric("AWS/ApiGateway", "5XXError", api),
                "requests": Metric("AWS/ApiGateway", "Count", api),
                # A workflow succeeds however its session ends: what ends by our own fault is counted by us.
                "ended": Metric("AWS/States", "ExecutionsSucceeded", machine),
                "broken": Metric("AWS/States", "ExecutionsFailed", machine),
                "stuck": Metric("AWS/States", "ExecutionsTimedOut", machine),
                "ours": Metric("Kerb", "SessionsFailed", {**ours, "reason": "internal"}),
                "dropped": Metric("AWS/Lambda", "Errors", frames),
                "frames": Metric("AWS/Lambda", "Invocations", frames),
            },
            allowed_percent=0.1,
            why="more sessions fail by our fault than the 0.1 of a hundred that is promised",
            silence="frames-absent",
        ),
        Promise(
            name="status",
            expression=_rate(
                f"{_late('frames')} + FILL(dropped, 0) + FILL(waiting, 0)", "FILL(frames, 1) + FILL(waiting, 0)"
            ),
            of={
                # From the gateway to us and back, a cold start and the store in it.
                "frames": Metric("AWS/ApiGateway", "IntegrationLatency", sockets, "SampleCount"),
                "within": Metric("AWS/ApiGateway", "IntegrationLatency", sockets, f"PR(:{STATUS_STORED_MS})"),
                "dropped": Metric("AWS/Lambda", "Errors", frames),
                "waiting": Metric("AWS/Lambda", "Throttles", frames),
            },
            allowed_percent=1,
            why="statuses are stored too late to be seen within the 10 s that are promised",
            silence="frames-absent",
        ),
        Promise(
            name="start",
            expression=_rate(_late("starts"), "FILL(starts, 1)"),
            of={
                "starts": Metric("Kerb", "StartCommand", ours, "SampleCount"),
                "within": Metric("Kerb", "StartCommand", ours, f"PR(:{START_MS})"),
            },
            allowed_percent=1,
            why="chargers are asked to start later than the 3 s that are promised",
            silence=_NONE_STARTED,
        ),
    )


def burn_rates(stage: Stage) -> list[Formula | Joined]:
    """For each promise and window a long and a short part, and the alarm that rings when both burn."""
    found: list[Formula | Joined] = []
    for promise in promises(stage):
        for window in (FAST, SLOW):
            name = f"{promise.name}-burn-{window.name}"
            parts = {f"{name}-long": (window.long_s, _FEW), f"{name}-short": (window.short_s, _ONE)}
            found += [
                Formula(
                    name=part,
                    expression=promise.of_windows_with(few),
                    of=promise.of,
                    why=f"part of {name}: {window.times} times what is allowed, within {seconds // 60} minutes",
                    limit=round(window.times * promise.allowed_percent, 2),
                    period_s=seconds,
                    silence=promise.silence,
                    rings=False,
                )
                for part, (seconds, few) in parts.items()
            ]
            found.append(
                Joined(
                    name=name,
                    rule=" AND ".join(f"ALARM({{{part}}})" for part in parts),
                    why=f"{promise.why}: {window.times} times, now and for {window.long_s // 3600} h",
                    silence=promise.silence,
                )
            )
    return found
