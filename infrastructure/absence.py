"""What is told when nothing is heard: chargers that fall silent, a door that nobody comes through, a clock that stops.

A deployment that nobody uses yet must not ring for ever, and no parameter should have to say when the first charger
came: an alarm on the last seven days (`chargers-known`, which rings nobody) says whether chargers were ever heard, and
the others ring only together with it. So they arm themselves with the first charger's day, and a network that is given
up is quiet a week later.

Where there is a canary, what it says is no news of chargers: each of its good rounds is taken off, as many frames as it
always takes (`canary.FRAMES_A_ROUND`) and one connect. A figure of a function that is not there is none.
"""

from __future__ import annotations

from infrastructure import canary, queues
from infrastructure.cloudwatch import DAY, HAPPENS, HOUR, MINUTE, Alarm, Formula, Joined, Metric
from infrastructure.stage import Stage, ref

# A charger says something every 540 s at the least (HEARTBEAT_S); twice that and a little, and one was not late only.
FRAMES_S = 20 * MINUTE
# A socket ends after two hours, and its charger comes back.
CONNECTS_S = 3 * HOUR
# So many frames in a quarter of an hour are of more than a hundred chargers, of which fourteen come back meanwhile:
# that none does is chance once in a million times. Waiting three hours is for small networks only.
_MANY_FRAMES = 10_000
_WEEK = 7
# A charger says thrice as much in a day, answers counted; a canary that is set up anew says a few more than always.
_A_CHARGERS_DAY = 100
# Schedule -> how long it may not be heard of: some of its rounds (chalicelib/handlers/schedules.py).
SCHEDULES_S = {
    **dict.fromkeys(
        ("sweep", "claim", "reservations", "lists", "notices", "reconcile", "alarm_desk", "busy_sites", "openadr"),
        5 * MINUTE,
    ),
    **dict.fromkeys(("debts", "signals"), 15 * MINUTE),
    "accounts": 3 * HOUR,
}
# Queue -> how old its oldest message may be. A standard one's is taken away once it has failed three times, in nine
# minutes; an ordered one's is dropped after five, and no failure tells of it. The log has an alarm of its own.
QUEUES_S = {name: 4 * MINUTE if name.endswith(".fifo") else 15 * MINUTE for name in queues.NAMES if name != "log"}
_GOOD_ROUNDS = "(FILL(rounds, 0) - FILL(failed, 0))"
_ITSELF = "it rings on silence itself"


def absences(stage: Stage) -> list[Alarm | Formula | Joined]:
    """All that ring because something does not come."""
    sockets = {"ApiId": ref("WebsocketAPI"), "Stage": "api"}
    frames = Metric("AWS/ApiGateway", "MessageCount", sockets)
    connects = Metric("AWS/ApiGateway", "ConnectCount", sockets)
    function = {"FunctionName": stage.prefix + canary.NAME}
    rounds = {
        "rounds": Metric("AWS/Lambda", "Invocations", function),
        "failed": Metric("AWS/Lambda", "Errors", function),
    }
    said = f"(FILL(frames, 0) - {canary.FRAMES_A_ROUND} * {_GOOD_ROUNDS})"
    came = f"(FILL(connects, 0) - {_GOOD_ROUNDS})"
    return [
        Formula(
            name="chargers-known",
            expression=said,
            of={"frames": frames, **rounds},
            why="part of frames-absent and connects-absent: chargers were heard on a day of this week",
            limit=_A_CHARGERS_DAY,
            period_s=DAY,
            periods=_WEEK,
            at_least=1,
            silence="a network without chargers has nothing to be missed",
            rings=False,
        ),
        _none("frames-none", said, {"frames": frames, **rounds}, FRAMES_S, "part of frames-absent"),
        Joined(
            name="frames-absent",
            rule="ALARM({frames-none}) AND ALARM({chargers-known})",
            why="no charger has said anything for 20 minutes",
            silence=_ITSELF,
        ),
        _none("connects-none", came, {"connects": connects, **rounds}, CONNECTS_S, "part of connects-absent"),
        Formula(
            name="connects-missed",
            expression=f"IF(FILL(frames, 0) > {_MANY_FRAMES}, IF({came} < 1, 1, 0), 0)",
            of={"frames": frames, "connects": connects, **rounds},
            why="part of connects-absent: many chargers talk, and none comes back",
            period_s=15 * MINUTE,
            silence="frames-absent",
            rings=False,
        ),
        Joined(
            name="connects-absent",
            rule="(ALARM({connects-none}) AND ALARM({chargers-known})) OR ALARM({connects-missed})",
            why="no charger has connected for three hours, or for 15 minutes while many talk: is the door shut?",
            silence=_ITSELF,
        ),
        *(
            Alarm(
                f"{name}-stopped",
                "AWS/Lambda",
                "Invocations",
                {"FunctionName": stage.prefix + name},
                f"the schedule {name} has stopped",
                limit=1,
                period_s=seconds,
                comparison="LessThanThreshold",
                when_silent="breaching",
                silence=_ITSELF,
            )
            for name, seconds in SCHEDULES_S.items()
        ),
        _unread(stage),
    ]


def _unread(stage: Stage) -> Formula:
    """One alarm on all queues, of as many metrics: the one that waits longest, in shares of what it may."""
    named = {name.removesuffix(".fifo").replace("-", "_"): name for name in QUEUES_S}
    ages = ", ".join(f"FILL({it}, 0) / {QUEUES_S[name]}" for it, name in named.items())
    return Formula(
        name="queues-unread",
        expression=f"MAX([{ages}])",
        of={
            it: Metric("AWS/SQS", "ApproximateAgeOfOldestMessage", {"QueueName": stage.prefix + name}, "Maximum")
            for it, name in named.items()
        },
        why="messages wait in a queue, and no function takes them",
        limit=1,
        periods=2,
        silence=HAPPENS,
    )


def _none(name: str, expression: str, of: dict[str, Metric], seconds: int, why: str) -> Formula:
    return Formula(
        name=name,
        expression=expression,
        of=of,
        why=f"{why}: none for {seconds // MINUTE} minutes",
        limit=1,
        period_s=seconds,
        comparison="LessThanThreshold",
        when_silent="breaching",  # no figure is none
        silence=_ITSELF,
        rings=False,
    )
