"""Cosignatures of witnesses, who sign that the log only grew; one who cannot be asked is left out, and the log goes on.

All are asked at once and have one deadline: the log waits for the slowest as long as for one.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import timedelta

from chalicelib.domain.transparency.merkle import HashAt, consistency_proof
from chalicelib.ports import Clock
from chalicelib.ports.transparency import Unwitnessed, Witness
from chalicelib.protocol.transparency.checkpoint import BadNote, NoteKey, opened, told
from chalicelib.services.at_once import together

# A request takes seven seconds at the most; who answers later than that is not asked a second time.
_ASKED_AGAIN_WITHIN = timedelta(seconds=7)
_log = logging.getLogger(__name__)


def cosignatures(witnesses: Sequence[Witness], *, note: str, seen: str, hash_at: HashAt, clock: Clock) -> str:
    """The signature lines of those who signed a checkpoint; `seen` is the one that they are likely to know.

    A request each; a second where a witness knows another size.
    """
    until = clock() + _ASKED_AGAIN_WITHIN

    def ask(witness: Witness) -> str:
        return _signed(witness, note, seen, hash_at, lambda: clock() < until)

    return "".join(together(*(lambda it=it: ask(it) for it in witnesses)))


def _signed(witness: Witness, note: str, seen: str, hash_at: HashAt, may_ask_again: Callable[[], bool]) -> str:
    """A witness's own lines, or nothing."""
    size, old_size = told(note).size, told(seen).size if seen else 0
    try:
        key = NoteKey.parse(witness.key)
        answer = witness.cosign(note, old_size, consistency_proof(old_size, size, hash_at) if old_size else [])
        if isinstance(answer, int):
            if answer > size:
                raise Unwitnessed(f"it knows {answer} entries, and there are {size}")
            if not may_ask_again():
                raise Unwitnessed("it answered too late to be asked again")
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
