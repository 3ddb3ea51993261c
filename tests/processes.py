"""The test processes: what each takes up first, what stays together in one, and what is said of one that died.

A process that died is never passed over in silence: its exit status and its last words are printed in the summary. What
it had begun is done again from its beginning; a second death is a failure.
"""

from __future__ import annotations

import faulthandler
import gc
import signal
import tempfile
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.properties import ask_few
from tests.second_store import UNPROVEN

_HERE = Path(__file__).parent
_ASKED = "second_store"
# What is asked of all stories is asked in the process they were told in; what shares a stack, or what takes long to
# make, shares it in one process. The longest come first, so that no core is idle in the end.
_TOGETHER = ("scenarios", "handlers", "attacks", "infrastructure", "web")
_LONGEST_FIRST = (
    "scenarios",
    "faults",
    "handlers",
    "web",
    "attacks",
    "benchmarks",
    "infrastructure",
    "adapters",
    "local",
    "services",
)
# After so many new objects, and not after 700: what a test makes is gone with it.
_RUBBISH_IS_LOOKED_FOR = (20_000, 20, 20)
_dead: list[str] = []


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where several processes share the work: what is taken up first."""
    ask_few(items)
    if hasattr(config, "workerinput"):
        ranks = {folder: rank for rank, folder in enumerate(_LONGEST_FIRST)}
        items.sort(key=lambda it: ranks.get(it.path.relative_to(_HERE).parts[0], len(ranks)))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection() -> Generator[None, object, object]:
    """What collecting makes stays until the end: nothing of it is looked for as rubbish, now or later."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(*_RUBBISH_IS_LOOKED_FOR)
        gc.enable()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Where several processes share the work: what stays in one of them.

    (pytest-xdist's own groups are a suffix of a node's id, which pytest 9 no longer lets it write.)
    """
    from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]  # noqa: PLC0415

    class Together(LoadScopeScheduling):  # type: ignore[misc, unused-ignore]
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            folder = file.removeprefix("tests/").partition("/")[0]
            return folder if folder in _TOGETHER else file

        def remove_node(self, node: Any) -> str | None:
            # What a process that died had finished would be given to the next one, which waits for it for ever.
            work = self.assigned_work[node]
            for scope in [it for it, done in work.items() if all(done.values())]:
                del work[scope]
            crashed: str | None = super().remove_node(node)
            return crashed

    return Together(config, log)


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """In a process of several: its last words, should it die, are kept where the summary finds them."""
    # A run in the background ignores it, and so would all processes that tests begin.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    worker = getattr(config, "workerinput", None)
    if worker is not None:
        kept = _last_words(worker["testrunuid"], worker["workerid"]).open("w")
        config.add_cleanup(kept.close)
        faulthandler.enable(kept)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """A process ended; one that died is remembered."""
    words = _last_words(node.workerinput["testrunuid"], node.workerinput["workerid"])
    if error is not None:
        status = node.gateway._io.wait()
        _dead.append(f"{node.workerinput['workerid']} died with status {status}\n{words.read_text()}")
    with suppress(FileNotFoundError):
        words.unlink()


@pytest.hookimpl(optionalhook=True)
def pytest_handlecrashitem(crashitem: str, report: pytest.TestReport, sched: Any) -> None:
    """The first death is told, and what was begun is begun again; the second is a failure."""
    if len(_dead) == 1:
        report.outcome = "passed"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What was said by those that died, and what of the store a second DynamoDB has not proven."""
    for told in _dead:
        terminalreporter.section("a test process died", red=True)
        terminalreporter.line(told)
    unproven = [
        str(it.longrepr[-1]) for it in terminalreporter.stats.get("skipped", ()) if UNPROVEN in str(it.longrepr)
    ]
    proven = [
        value for it in terminalreporter.stats.get("passed", ()) for name, value in it.user_properties if name == _ASKED
    ]
    if unproven or proven:
        terminalreporter.section("NOT PROVEN by a second DynamoDB", yellow=True)
        for said in unproven:
            terminalreporter.line(f"anything: what the store promises was proven by moto alone ({said})")
        for said in proven:
            terminalreporter.line(f"transactions and times to live: {said}")


def _last_words(run: str, worker: str) -> Path:
    return Path(tempfile.gettempdir()) / f"kerb-tests-{run}-{worker}"
