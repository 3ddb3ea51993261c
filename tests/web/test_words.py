"""Every word that is shown stands in both catalogues, says the same placeholders, and none stands in a page."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import quickjs  # type: ignore[import-untyped]

import app as switchboard
from chalicelib.handlers.http.endpoint import ROUTES
from chalicelib.handlers.http.openapi import describe
from infrastructure.web_files import WEB

# Which imports them all.
assert switchboard.app
WORDS = WEB / "driver" / "words"
SOURCES = sorted(
    it
    for it in WEB.rglob("*.js")
    if "vendor" not in it.parts and "words" not in it.parent.name and it.name != "words.js"
)
# What is the same in every language, and names.
NOT_WORDS = {"Kerb"}
SPOKEN = ("aria-label", "placeholder", "title", "alt", "label", "hint", "text", "yes", "no")


def catalogue(language: str) -> dict[str, str | dict[str, str]]:
    """A catalogue as the browser reads it."""
    source = (WORDS / f"{language}.js").read_text().replace("export default", "const words =")
    told: dict[str, str | dict[str, str]] = json.loads(
        quickjs.Context().eval(f"{source}; JSON.stringify(words)"),
    )
    return told


def texts(entry: str | dict[str, str]) -> list[str]:
    return [entry] if isinstance(entry, str) else list(entry.values())


def without_code(template: str) -> str:
    """A template without what stands in its `${...}`, templates in templates included."""
    shown, depth, at = "", 0, 0
    while at < len(template):
        if template.startswith("${", at):
            depth, at = depth + 1, at + 2
        elif depth and template[at] in "{}":
            depth += 1 if template[at] == "{" else -1
            at += 1
        else:
            shown += template[at] if not depth else ""
            at += 1
    return shown


def templates(source: str) -> list[str]:
    """The html templates of a file, each without the code in it."""
    found = []
    for start in (it.end() for it in re.finditer(r"html`", source)):
        depth, at = 0, start
        while source[at] != "`" or depth:
            if source.startswith("${", at):
                depth, at = depth + 1, at + 1
            elif depth and source[at] == "{":
                depth += 1
            elif depth and source[at] == "}":
                depth -= 1
            at += 1
        found.append(without_code(source[start:at]))
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda it: it.relative_to(WEB).as_posix())
def test_no_page_holds_a_word_of_its_own(path: Path) -> None:
    for template in templates(path.read_text()):
        for text in re.sub(r"<[^>]*>", "\n", template).split("\n"):
            left = [it for it in re.findall(r"[^\W\d_]{2,}", text) if it not in NOT_WORDS]
            assert not left, f"{path.name} shows {left}: say it by a key"
        spoken = re.findall(rf'\b({"|".join(SPOKEN)})="([^"]*[A-Za-z]{{2}}[^"]*)"', template)
        assert not spoken, f"{path.name} speaks {spoken}: say it by a key"


def test_both_catalogues_have_the_same_keys_and_placeholders() -> None:
    english, german = catalogue("en"), catalogue("de")
    assert english.keys() == german.keys()
    for key, entry in english.items():
        names = {it for text in texts(entry) for it in re.findall(r"\{(\w+)\}", text)}
        assert names == {it for text in texts(german[key]) for it in re.findall(r"\{(\w+)\}", text)}, key
        assert all(text.strip() for text in (*texts(entry), *texts(german[key]))), key


def test_every_key_that_is_said_is_there_and_none_is_there_for_nothing() -> None:
    keys, source = set(catalogue("en")), "\n".join(it.read_text() for it in SOURCES)
    said = {it for it in re.findall(r"say\('([^']+)'", source) if it}
    assert said <= keys, said - keys
    # Keys that are put together: what stands before the first `${`.
    begun = tuple(it for it in re.findall(r"`([a-z][a-z.]*\.)\$\{", source) if it)
    named = set(re.findall(r"'([a-z]+(?:\.[a-z_]+)*)'", source))
    unused = {it for it in keys if it not in said | named and not it.startswith(begun)}
    assert not unused, unused
    assert all(any(key.startswith(it) for key in keys) for it in begun), begun


def test_every_word_that_the_api_may_say_has_its_own() -> None:
    schemas = describe(ROUTES)["components"]["schemas"]
    keys = set(catalogue("en"))
    for schema, prefix in (
        ("Reason", "reason"),
        ("ConnectorStatus", "status"),
        ("PlugType", "plug"),
        ("FaultKind", "fault"),
        ("NotificationKind", "notice"),
        ("WaitReason", "now.planned"),
        ("WaitCause", "now.power"),
        ("PreferencesResult", "preferences"),
        ("Dimension", "line"),
        ("PricedUnit", "per"),
        ("PricedUnit", "per.short"),
        ("Consent", "token"),
        ("TokenRefusal", "token.refused"),
        ("ReservationStatus", "reservation"),
        ("Keeper", "reservation.keeper"),
        ("EntryKind", "wallet.entry"),
        ("DisputeReason", "dispute.reason"),
        ("DisputeStatus", "dispute.status"),
    ):
        missing = {f"{prefix}.{it}" for it in schemas[schema]["enum"]} - keys
        assert not missing, missing
