"""Asks witnesses to sign that the log only grew; one who cannot be asked is left out, and the log goes on."""

from __future__ import annotations

import logging

from chalicelib.domain.transparency.merkle import HashAt, consistency_proof
from chalicelib.ports.transparency import Unwitnessed, Witness
from chalicelib.protocol.transparency.checkpoint import BadNote, NoteKey, opened, told

_log = logging.getLogger(__name__)


def witnessed(witness: Witness, note: str, seen: str, hash_at: HashAt) -> str:
    """A witness's signature lines for a checkpoint, or nothing; `seen` is the one that they are likely to know.

    One request; a second where the witness knows another size.
    """
    size, old_size = told(note).size, told(seen).size if seen else 0
    try:
        key = NoteKey.parse(witness.key)
        answer = witness.cosign(note, old_size, consistency_proof(old_size, size, hash_at) if old_size else [])
        if isinstance(answer, int):
            if answer > size:
                raise Unwitnessed(f"it knows {answer} entries, and there are {size}")
            answer = witness.cosign(note, answer, consistency_proof(answer, size, hash_at) if answer else [])
        if isinstance(answer, int):
            raise Unwitnessed("it knows another size each time")
        # Only what they did sign is worth showing, and of what they sent no more than their own line.
        own = [f"{it}\n" for it in answer.split("\n") if it.startswith(f"— {key.name} ")]
        lines = "".join(own)
        opened(note + lines, [key])
    except (Unwitnessed, BadNote) as error:
        _log.warning("not witnessed", extra={"witness": witness.key.partition("+")[0], "why": str(error)})
        return ""
    return lines
