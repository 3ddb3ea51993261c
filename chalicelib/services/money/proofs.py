"""Proves what is logged of a settled charge to whoever it belongs to.

An entry that was lost on its way is brought again by the first who asks for its proof. Where what is kept is no longer
what was logged, the proof is handed out as it is, for whoever checks it to see; and we are told.
"""

from __future__ import annotations

import base64
import json
import logging
from dataclasses import dataclass

from chalicelib.domain.charging.session import Session
from chalicelib.domain.money.receipt import Receipt
from chalicelib.domain.money.settlement import parts
from chalicelib.domain.transparency.entries import EntryPart, part_salt
from chalicelib.domain.transparency.merkle import is_included, leaf_hash
from chalicelib.ports.transparency import LogQueue
from chalicelib.protocol.transparency.checkpoint import told
from chalicelib.protocol.transparency.log_proof import LogProof
from chalicelib.services.access import NotFound, Refusal
from chalicelib.services.money.receipts import IssuedReceipts
from chalicelib.services.money.settled import leaf
from chalicelib.services.transparency.log import TransparencyLog

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Proofs:
    """Finds entries in the log, and opens their hashes."""

    log: TransparencyLog
    queue: LogQueue
    receipts: IssuedReceipts

    def of(self, session: Session) -> LogProof:
        """That it is in the log, with the texts and salts of what is hashed there.

        Raises Refusal: nothing of it was logged, or nobody can show it any more; or it is not logged yet.
        """
        receipt = self.receipts.get(session.session_id)
        if receipt is None and session.has_receipt:
            receipt = self.receipts.issue(session)
        if receipt is None:
            raise Refusal("no_receipt_yet", f"session is {session.told_state}; its proof comes once it is paid")
        if not session.salt:
            raise Refusal("no_proof", "nothing of this session is in the log, or its person has been forgotten")
        known = leaf(session, receipt)
        try:
            proof = self.log.proof(known.name, known.since)
        except NotFound:
            again = self.log.bring_again(known)
            if again is not None:
                self.queue.put(again)
            raise Refusal("not_logged_yet", "it is on its way into the log; ask again in a few minutes") from None
        state, leaf_now = told(proof.checkpoint), leaf_hash(known.entry.encode())
        if not is_included(leaf_now, proof.index, state.size, proof.hashes, state.root):
            _log.error("a settled charge is not what was logged", extra={"session_id": session.session_id})
        return LogProof(proof.index, proof.hashes, proof.checkpoint, _shown(session, receipt))


def _shown(session: Session, receipt: Receipt) -> bytes:
    """Each part's text and salt: what a proof's extra line says."""
    texts = parts(session, receipt)
    shown = {
        it: {"salt": base64.b64encode(part_salt(session.salt, it)).decode(), "text": texts[it]} for it in EntryPart
    }
    return json.dumps(shown, ensure_ascii=False, separators=(",", ":")).encode()
