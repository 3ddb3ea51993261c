"""Proves what is logged of a settled charge, or of an invoice, to whoever it belongs to.

An entry that was lost on its way is brought again by the first who asks for its proof. Where what is kept is no longer
what was logged, the proof is handed out as it is, for whoever checks it to see; and we are told.
"""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Mapping

from chalicelib.domain.charging.session import Session
from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.money.invoice import Invoice
from chalicelib.domain.money.settlement import paper_text, parts
from chalicelib.domain.transparency.entries import PAPER, part_salt
from chalicelib.domain.transparency.merkle import is_included, leaf_hash
from chalicelib.ports.transparency import LogQueue
from chalicelib.protocol.transparency.checkpoint import told
from chalicelib.protocol.transparency.log_proof import LogProof
from chalicelib.records.transparency import Leaf
from chalicelib.services.access import NotFound, Refusal
from chalicelib.services.money.receipts import IssuedReceipts
from chalicelib.services.money.settled import leaf, paper_leaf
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
        texts = {str(part): text for part, text in parts(session, receipt).items()}
        return self._proof(leaf(session, receipt), session.salt, texts)

    def of_paper(self, operator_id: str, invoice: Invoice) -> LogProof:
        """That an invoice or credit note is in the log. Raises Refusal: it was not logged, or is not yet."""
        known = paper_leaf(operator_id, invoice)
        if known is None:
            raise Refusal("no_proof", "it was issued before invoices were in the log")
        return self._proof(known, invoice.salt, {PAPER: paper_text(invoice)})

    def _proof(self, known: Leaf, salt: str, texts: Mapping[str, str]) -> LogProof:
        try:
            proof = self.log.proof(known.name, known.since)
        except NotFound:
            again = self.log.bring_again(known)
            if again is not None:
                self.queue.put(again)
            raise Refusal("not_logged_yet", "it is on its way into the log; ask again in a few minutes") from None
        state, leaf_now = told(proof.checkpoint), leaf_hash(known.entry.encode())
        if not is_included(leaf_now, proof.index, state.size, proof.hashes, state.root):
            _log.error("a settled charge is not what was logged", extra={"logged_as": known.name})
        return LogProof(proof.index, proof.hashes, proof.checkpoint, _shown(salt, texts))


def _shown(salt: str, texts: Mapping[str, str]) -> bytes:
    """Each part's text and salt: what a proof's extra line says."""
    shown = {
        part: {"salt": base64.b64encode(part_salt(salt, part)).decode(), "text": text} for part, text in texts.items()
    }
    return json.dumps(shown, ensure_ascii=False, separators=(",", ":")).encode()
