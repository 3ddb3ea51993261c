"""Step Functions' rules for what our definition uses: tasks, tokens, retries, catches, a choice; in virtual time."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from tests.faults.aws import Refused

_HOP_S = 0.05


class Host(Protocol):
    """What the engine needs of the world."""

    def after(self, seconds: float, what: Callable[[], None]) -> None: ...
    def invoke(self, name: str, work: Callable[[], Any]) -> Any: ...


class Failed(Exception):
    """A Lambda failed: `error` is its name as Step Functions sees it."""

    def __init__(self, error: str, cause: str = "") -> None:
        super().__init__(error)
        self.error, self.cause = error, cause


@dataclass
class Execution:
    """One session's."""

    name: str
    data: dict[str, Any]
    state: str = ""
    token: str | None = None
    turns: int = 0
    tries: Counter[int] = field(default_factory=Counter)
    status: str = "RUNNING"
    path: list[str] = field(default_factory=list)


class Engine:
    """All executions of one machine."""

    def __init__(self, host: Host, definition: dict[str, Any], call: Callable[[str, dict[str, Any]], Any]) -> None:
        """`call` is a Lambda by name; it raises Failed."""
        self._host, self._definition, self._call = host, definition, call
        self.executions: dict[str, Execution] = {}

    def request(self, operation: str, params: dict[str, Any]) -> Any:
        """The API. Raises Refused."""
        if operation == "StartExecution":
            return self._start(params["name"], json.loads(params["input"]))
        execution = self._waiting(params["taskToken"])
        if operation == "SendTaskSuccess":
            execution.token = None
            self._leave(execution, json.loads(params["output"]))
        elif operation == "SendTaskFailure":
            execution.token = None
            self._go_wrong(execution, params["error"], params["cause"])
        return {}

    def _start(self, name: str, data: dict[str, Any]) -> Any:
        known = self.executions.get(name)
        if known is not None and known.status != "RUNNING":
            raise Refused("ExecutionAlreadyExists")
        if known is None:
            self.executions[name] = execution = Execution(name, data)
            self._enter(execution, self._definition["StartAt"])
        return {"executionArn": name}

    def _waiting(self, token: str) -> Execution:
        for execution in self.executions.values():
            if execution.token == token:
                return execution
        raise Refused("TaskTimedOut")

    def _enter(self, execution: Execution, state: str) -> None:
        execution.state, execution.tries = state, Counter()
        execution.path.append(state)
        self._host.after(_HOP_S, lambda: self._run(execution))

    def _run(self, execution: Execution) -> None:
        state = self._definition["States"][execution.state]
        if state["Type"] == "Succeed":
            execution.status = "SUCCEEDED"
        elif state["Type"] == "Choice":
            self._enter(execution, _choose(state, execution.data))
        elif state["Resource"].endswith("waitForTaskToken"):
            self._run_waiting(execution, state)
        else:
            try:
                answer = self._call(state["Resource"], execution.data)
            except Failed as error:
                self._go_wrong(execution, error.error, error.cause)
            else:
                self._leave(execution, answer)

    def _run_waiting(self, execution: Execution, state: dict[str, Any]) -> None:
        execution.turns += 1
        token = execution.token = f"{execution.name}/{execution.turns}"
        self._host.after(_timeout_s(state, execution.data), lambda: self._time_out(execution, token))
        fixed = {name: it for name, it in state["Parameters"]["Payload"].items() if not name.endswith(".$")}
        payload = {**fixed, "session_id": execution.data["session_id"], "task_token": token}
        try:
            self._call(state["Parameters"]["FunctionName"], payload)
        except Failed as error:
            if execution.token == token:
                execution.token = None
                self._go_wrong(execution, error.error, error.cause)

    def _time_out(self, execution: Execution, token: str) -> None:
        if execution.token == token:
            execution.token = None
            self._go_wrong(execution, "States.Timeout", "")

    def _leave(self, execution: Execution, data: dict[str, Any]) -> None:
        execution.data = data
        state = self._definition["States"][execution.state]
        if state.get("End"):
            execution.status = "SUCCEEDED"
        else:
            self._enter(execution, state["Next"])

    def _go_wrong(self, execution: Execution, error: str, cause: str) -> None:
        state = self._definition["States"][execution.state]
        for number, rule in enumerate(state.get("Retry", ())):
            if not _matches(rule, error):
                continue
            tries = execution.tries[number]
            if tries < rule["MaxAttempts"]:
                execution.tries[number] += 1
                longest_s = rule.get("IntervalSeconds", 1) * rule.get("BackoffRate", 2.0) ** tries
                # Full jitter's mean.
                wait_s = min(longest_s, rule.get("MaxDelaySeconds", longest_s)) / 2
                self._host.after(wait_s, lambda: self._run(execution))
                return
            break
        for rule in state.get("Catch", ()):
            if _matches(rule, error):
                execution.data = {**execution.data, "error": {"Error": error, "Cause": cause}}
                self._enter(execution, rule["Next"])
                return
        execution.status = "FAILED"


def _timeout_s(state: dict[str, Any], data: dict[str, Any]) -> float:
    path = state.get("TimeoutSecondsPath")
    return float(data[path.removeprefix("$.")] if path else state["TimeoutSeconds"])


def _matches(rule: dict[str, Any], error: str) -> bool:
    return error in rule["ErrorEquals"] or "States.ALL" in rule["ErrorEquals"]


def _choose(state: dict[str, Any], data: dict[str, Any]) -> str:
    for rule in state["Choices"]:
        if data.get(rule["Variable"].removeprefix("$.")) is rule["BooleanEquals"]:
            return str(rule["Next"])
    return str(state["Default"])
