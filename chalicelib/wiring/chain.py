"""Wires deposits on chain: the node, the key and the sender, each built where a deposit needs it and nowhere else."""

from __future__ import annotations

import logging
from functools import cached_property
from typing import TYPE_CHECKING

from chalicelib.wiring.charging import ChargingServices
from chalicelib.wiring.stores import client

if TYPE_CHECKING:
    from chalicelib.domain.money.deposits import ChainTerms
    from chalicelib.ports.chain import ChainKey, ChainNode
    from chalicelib.services.money.chain_payments import ChainPayments
    from chalicelib.services.money.chain_sender import ChainSender

_log = logging.getLogger(__name__)
# A node keeps what contracts say as of so many blocks, and no more.
_MOST_CONFIRMATIONS = 100


class ChainServices(ChargingServices):
    """Builds what settles on chain, where all of its settings are there."""

    @cached_property
    def chain_terms(self) -> ChainTerms | None:
        """Where deposits are made, and on what terms; None: nowhere."""
        opens = (
            self.setting("CHAIN_RPC", ""),
            self.setting("CHAIN_ID", ""),
            self.setting("CHAIN_CONTRACT", ""),
            self.setting("CHAIN_PAYEE", ""),
            self.setting("CHAIN_KEY", ""),
        )
        if not all(opens):
            return None
        try:
            return self._terms_as_set()
        except ValueError:
            # What is wrong here must not keep anybody from paying otherwise; deposits wait until it is put right.
            _log.exception("the settings of the chain make no sense: nobody deposits")
            return None

    def _terms_as_set(self) -> ChainTerms:
        from chalicelib.domain.money.deposits import ChainTerms
        from chalicelib.protocol.evm.escrow_calls import address_of

        terms = ChainTerms(
            chain_id=int(self.setting("CHAIN_ID", "")),
            contract=address_of(self.setting("CHAIN_CONTRACT", "")),
            payee=address_of(self.setting("CHAIN_PAYEE", "")),
            currency=self.setting("CHAIN_CURRENCY", "EUR"),
            units_per_minor=int(self.setting("CHAIN_UNITS_PER_MINOR", "10000000000000000")),
            confirmations=int(self.setting("CHAIN_CONFIRMATIONS", "12")),
            most_fee=int(self.setting("CHAIN_MOST_FEE", "100000000000")),
        )
        if min(terms.chain_id, terms.units_per_minor, terms.most_fee) < 1:
            raise ValueError("a chain's id, a minor unit's worth and the highest fee are more than nothing")
        if not 0 <= terms.confirmations <= _MOST_CONFIRMATIONS:
            raise ValueError(f"KERB_CHAIN_CONFIRMATIONS is no number from 0 to {_MOST_CONFIRMATIONS}")
        return terms

    @cached_property
    def chain_node(self) -> ChainNode:
        from chalicelib.adapters.money.json_rpc import node_at

        return node_at(self.setting("CHAIN_RPC", ""), int(self.setting("CHAIN_ID", "")))

    @cached_property
    def chain_key(self) -> ChainKey:
        from chalicelib.adapters.money.chain_keys import KmsChainKey, LocalChainKey

        key = self.setting("CHAIN_KEY", "")
        # A key of KMS goes by its ARN: what is no ARN is the key itself.
        return KmsChainKey(client("kms"), key) if key.startswith("arn:") else LocalChainKey(key)

    @cached_property
    def chain_sender(self) -> ChainSender:
        from chalicelib.services.money.chain_sender import ChainSender

        if self.chain_terms is None:
            raise KeyError("the settings of the chain are not all there")
        return ChainSender(
            outboxes=self.wallets, node=self.chain_node, key=self.chain_key, terms=self.chain_terms, clock=self.clock
        )

    @cached_property
    def chain_payments(self) -> ChainPayments:
        from chalicelib.services.money.chain_payments import ChainPayments

        return ChainPayments(
            wallets=self.wallets,
            ledger=self.ledger,
            sessions=self.sessions,
            sender=lambda: self.chain_sender,
            log_root=self.log_root,
            terms=self.chain_terms,
            clock=self.clock,
        )

    def log_root(self) -> bytes:
        """The root of the log of settled charges as it is signed now; nothing where there is no log yet."""
        from chalicelib.adapters.transparency.log import DynamoLog
        from chalicelib.protocol.transparency.checkpoint import told

        note = DynamoLog().get().checkpoint
        return told(note).root if note else bytes(32)
