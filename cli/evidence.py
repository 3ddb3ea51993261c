"""Checks the evidence of a dispute: each text by its hash, the charge by its proof, and that all is of one charge.

What a proof leads to was logged and cannot be other by now: a file that says something else than that is refused.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cli.proof import Key, Proof, Refused, verify

FORMAT = "kerb-evidence/v1"
_PROOF = "proof.tlog-proof"


def texts_of(file: str) -> Mapping[str, str]:
    """The texts by their names, each as its manifest says. Raises Refused."""
    try:
        told = json.loads(file)
        texts = dict(told["files"])
        manifest = {it["name"]: (it["sha256"], it["bytes"]) for it in told["manifest"]}
        is_known = told["format"] == FORMAT
    except (ValueError, TypeError, KeyError):
        raise Refused("it is no file of evidence") from None
    if not is_known or len(manifest) != len(told["manifest"]):
        raise Refused("it is no file of evidence of this kind")
    found = {it: (hashlib.sha256(text.encode()).hexdigest(), len(text.encode())) for it, text in texts.items()}
    if changed := sorted(it for it in found.keys() | manifest.keys() if found.get(it) != manifest.get(it)):
        raise Refused(f"changed, or missing: {', '.join(changed)}")
    return texts


def check(file: str, log: Key) -> Sequence[str]:
    """What holds of it, in words. Raises Refused."""
    texts = texts_of(file)
    held = [f"{len(texts)} texts are as the manifest says"]
    if _PROOF not in texts:
        return [*held, f"NOT PROVEN: there is no {_PROOF}: {json.loads(file)['missing'].get(_PROOF, '')}"]
    verdict = verify(texts[_PROOF], log)
    proof = Proof.parse(texts[_PROOF])
    logged = {it: json.loads(part["text"]) for it, part in proof.opened().items()}
    session = json.loads(texts["session.json"])
    if texts.get("checkpoint.txt") != proof.note:
        raise Refused("checkpoint.txt is another than that of its proof")
    if session["session_id"] != verdict.facts["session_id"] or json.loads(file)["session_id"] != session["session_id"]:
        raise Refused(f"the proof is of {verdict.facts['session_id']}, and the evidence of another charge")
    if json.loads(texts["bill.json"]) != logged["bill"]:
        raise Refused("bill.json is another than was logged")
    if session["energy_wh"] != verdict.facts["energy_wh"]:
        raise Refused("session.json is of another energy than was logged")
    _check_signed(texts, logged["signed"])
    return [*held, *verdict.proven, "session, bill and signed values are those that were logged"]


def _check_signed(texts: Mapping[str, str], logged: Mapping[str, Any] | None) -> None:
    values = json.loads(texts.get("signed-values.json", "[]"))
    for it in values:
        if it["sample"] is not None and hashlib.sha256(it["sample"].encode()).hexdigest() != it["sha256"]:
            raise Refused("a signed value has another hash than it says")
    # Of a great many not all are logged, and what was signed late is beside them: what was logged is among these.
    missing = set((logged or {}).get("values", ())) - {it["sha256"] for it in values}
    if missing:
        raise Refused(f"{len(missing)} of the signed values that were logged are missing")


def unpack(texts: Mapping[str, str], into: Path) -> None:
    """Write the texts into a folder. Raises Refused: a name leads elsewhere."""
    for name in texts:
        if Path(name).name != name or name.startswith("."):
            raise Refused(f"{name!r} is no name of a file")
    into.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (into / name).write_bytes(text.encode())
