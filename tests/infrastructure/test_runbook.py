"""Every alarm of production has its section in docs/operations.md, every section its alarm, and says what to do."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from infrastructure import alarms, edge_alarms
from infrastructure.stage import Stage

STAGE = Stage("prod")
PAGE = Path(__file__).parents[2] / "docs" / "operations.md"
# What a section must answer to whoever was woken.
ANSWERS = ("Means", "Look", "Usual causes", "Do", "Escalate")


def sections() -> list[tuple[str, str]]:
    """Alarm, without its stage, and what the runbook says of it; its heading is its name in backticks."""
    runbook = PAGE.read_text().partition("\n## When an alarm rings\n")[2].partition("\n## ")[0]
    named = re.split(r"^### `([^`]+)`$", runbook, flags=re.MULTILINE)[1:]
    return [(name, text.partition("\n### ")[0]) for name, text in zip(named[::2], named[1::2], strict=True)]


def rung() -> list[str]:
    """What the template declares as alarms, without the stage."""
    declared = [*alarms.resources(STAGE).values(), *edge_alarms.template(STAGE)["Resources"].values()]
    told = [it["Properties"] for it in declared if "AlarmName" in it["Properties"]]
    return [it["AlarmName"].removeprefix(STAGE.prefix) for it in told if "AlarmActions" in it]


def test_every_alarm_has_a_section_and_every_section_an_alarm() -> None:
    assert len(rung()) > 20
    assert sorted(name for name, _ in sections()) == sorted(rung())


def test_the_template_has_no_alarm_of_another_origin(templates: dict[str, dict[str, Any]]) -> None:
    """So that the page is held to all of them."""
    found = [it for it in templates["prod"]["Resources"].values() if it["Type"].endswith("Alarm")]
    assert len(found) > 60
    assert sorted(it["Properties"]["AlarmName"] for it in found) == sorted(
        it["Properties"]["AlarmName"] for it in alarms.resources(STAGE).values() if "AlarmName" in it["Properties"]
    )


@pytest.mark.parametrize(("name", "text"), sections(), ids=[name for name, _ in sections()])
def test_a_section_answers_what_is_asked_at_night(name: str, text: str) -> None:
    assert re.findall(r"^- \*\*([\w ]+?)\.?\*\*", text, re.MULTILINE) == list(ANSWERS), name


def test_the_runbook_asks_logs_of_functions_that_exist(templates: dict[str, dict[str, Any]]) -> None:
    functions = {
        it["Properties"]["FunctionName"].removeprefix(STAGE.prefix)
        for it in templates["prod"]["Resources"].values()
        if it["Type"] == "AWS::Lambda::Function"
    }
    asked = {it for _, text in sections() for it in re.findall(r"`insights (\w+) ", text)}
    assert asked
    assert asked <= functions


def test_the_runbook_looks_for_lines_that_are_really_written() -> None:
    sources = "\n".join(path.read_text() for path in (PAGE.parents[1] / "chalicelib").rglob("*.py"))
    text = " ".join(text for _, text in sections()).replace("'\"'\"'", "'")
    told = re.findall(r'message (?:=|in) (\[[^]]+\]|"[^"]+")', text)
    messages = {it for group in told for it in re.findall(r'"([^"]+)"', group)}
    assert len(messages) > 5
    assert not [it for it in messages if f'"{it}"' not in sources]
