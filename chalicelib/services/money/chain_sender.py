"""Sends calls of a contract under one key: each is written down with its nonce before it is sent, until it is in.

Nobody needs a lease for it: the next nonce and the bytes that bear it are one row, replaced by compare-and-set, so that
of two processes one has the nonce and the other reads it. Whoever comes next sends again what is not in the chain, and
with a tenth more of both fees what waits for too long, under a cap. What lies deep enough is forgotten, and so is what
waits behind a nonce that nobody sends: it could wait for ever.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from functools import cached_property

from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.money.deposits import ChainCall, ChainOutbox, ChainTerms
from chalicelib.ports import Clock
from chalicelib.ports.chain import Block, ChainKey, ChainNode
from chalicelib.ports.money import Wallets
from chalicelib.protocol.evm.transactions import ContractCall, address
from chalicelib.records import Conflict
from chalicelib.records.money import ChainUnavailable

_ATTEMPTS = 8
# Nodes keep so many of an address that wait for each other.
_MOST_PENDING = 48
_STUCK = timedelta(seconds=90)
_LOOKED_AFTER = timedelta(minutes=2)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class ChainSender:
    """The one sender of a key. Its outbox is among wallets' papers, so that what it left half done is taken up."""

    outboxes: Wallets
    node: ChainNode
    key: ChainKey
    terms: ChainTerms
    clock: Clock

    @cached_property
    def address(self) -> bytes:
        """Where the key's own money lies, which pays for gas."""
        return address(self.key.point)

    def lacking_units(self) -> int:
        """What the key lacks of coin to settle one deposit; 0: nothing. Raises ChainUnavailable."""
        return max(0, self.terms.settlement_units - self.node.balance(self.address))

    def send(self, about: str, to: bytes, data: bytes) -> None:
        """Have a contract called; while one of that name is under way, that is sent again and no other.

        Raises ChainUnavailable: nothing was sent, or nobody knows; and Conflict while others keep sending.
        """
        for _ in range(_ATTEMPTS):
            known = self._outbox()
            if any(it.about == about for it in known.pending):
                self.look()
                return
            if len(known.pending) >= _MOST_PENDING:
                self.look()
                raise ChainUnavailable(f"{_MOST_PENDING} calls wait to be in the chain")
            call = self._call(known, about, to, data)
            if self._note(known, known.with_call(call, self.clock() + _LOOKED_AFTER)):
                self._sent(call)
                return
        raise Conflict("others kept sending under the same key")

    def look(self) -> None:
        """Forget what lies deep, and send again what is not in the chain. Raises ChainUnavailable."""
        known = self._outbox()
        if not known.pending:
            if known.next_at is not None:
                self._note(known, replace(known, next_at=None))
            return
        head = self.node.block()
        deep = self.node.sent_by(self.address, max(0, head.number - self.terms.confirmations))
        mined = self.node.sent_by(self.address)
        if min(it.nonce for it in known.pending) > mined:
            # A node was wrong about us, or its chain undid what lay deep. Whoever needs what waits sends it
            # anew; should both get in, the contract refuses the second.
            _log.error("calls wait for others that nobody sends", extra={"mined": mined, "next": known.next_nonce})
            self._note(known, replace(known, pending=(), next_nonce=mined, next_at=None))
            return
        left = tuple(it if it.nonce < mined else self._hastened(it, head) for it in known.pending if it.nonce >= deep)
        next_at = self.clock() + _LOOKED_AFTER if left else None
        if not self._note(known, replace(known, pending=left, next_at=next_at)):
            # Somebody else has looked at this moment.
            return
        for call in left:
            if call.nonce >= mined:
                self._sent(call)

    def _outbox(self) -> ChainOutbox:
        found = self.outboxes.chain_outbox(self.terms.chain_id, self.address.hex())
        return found or ChainOutbox(chain_id=self.terms.chain_id, address=self.address.hex())

    def _note(self, known: ChainOutbox, after: ChainOutbox) -> bool:
        return self.outboxes.note(known if known.version else None, after)

    def _call(self, known: ChainOutbox, about: str, to: bytes, data: bytes) -> ChainCall:
        # What the contract would refuse is not sent: it would cost all the same.
        took = self.node.gas(self.address, to, data)
        nonce = known.next_nonce if known.pending else max(known.next_nonce, self.node.sent_by(self.address))
        tip, most_fee = self._fees(self.node.block())
        blank = ChainCall(
            nonce=nonce,
            about=about,
            to=to.hex(),
            data=data.hex(),
            gas=took * 5 // 4,
            tip=tip,
            most_fee=most_fee,
            raw="",
            sent_at=self.clock(),
        )
        return self._signed(blank)

    def _fees(self, head: Block) -> tuple[int, int]:
        """Enough for a base fee that doubles, under the cap: what is above it waits until it is not."""
        tip = min(self.node.tip(), self.terms.most_fee)
        return tip, min(2 * head.base_fee + tip, self.terms.most_fee)

    def _hastened(self, call: ChainCall, head: Block) -> ChainCall:
        """The call as it takes its own place, where it has waited for too long and the cap allows more."""
        if self.clock() - call.sent_at < _STUCK:
            return call
        raised = call.raised(self.terms.most_fee)
        if raised is None:
            _log.warning("a call waits at the highest fee that is allowed", extra={"nonce": call.nonce})
            return call
        tip, most_fee = self._fees(head)
        most_fee = max(raised[1], most_fee)
        tip = min(max(raised[0], tip), most_fee)
        return self._signed(replace(call, tip=tip, most_fee=most_fee, sent_at=self.clock()))

    def _signed(self, call: ChainCall) -> ChainCall:
        transaction = ContractCall(
            chain_id=self.terms.chain_id,
            nonce=call.nonce,
            tip=call.tip,
            most_fee=call.most_fee,
            gas=call.gas,
            to=bytes.fromhex(call.to),
            data=bytes.fromhex(call.data),
        )
        return replace(call, raw=transaction.signed(self.key.sign, self.key.point).hex())

    def _sent(self, call: ChainCall) -> None:
        """It is written down: where the node does not take it now, whoever looks next sends it again."""
        try:
            if not self.node.send(bytes.fromhex(call.raw)):
                self._tell_lack(call)
        except ChainUnavailable as error:
            _log.warning("not known whether it is sent", extra={"nonce": call.nonce, "why": str(error)})

    def _tell_lack(self, call: ChainCall) -> None:
        """It may have it already; a key without coin is for a person to mend, before deposits expire."""
        lacking_units = call.gas * call.most_fee - self.node.balance(self.address)
        if lacking_units > 0:
            _log.error(
                "the key that settles has too little coin for gas",
                extra={"address": f"0x{self.address.hex()}", "lacking_units": lacking_units, "nonce": call.nonce},
            )
