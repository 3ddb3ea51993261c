"""Wires what anybody can check: signed meter values, and the log of settled charges."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from chalicelib.wiring.access import AccessServices
from chalicelib.wiring.stores import client

if TYPE_CHECKING:
    from chalicelib.ports.transparency import LogQueue, LogSigner
    from chalicelib.services.transparency.log import TransparencyLog
    from chalicelib.services.transparency.pinned_keys import PinnedKeys
    from chalicelib.services.transparency.signed_evidence import SignedEvidence


class TransparencyServices(AccessServices):
    """Builds what checks meters' signatures, and what keeps the log."""

    @cached_property
    def signed_evidence(self) -> SignedEvidence:
        from chalicelib.services.transparency.signed_evidence import SignedEvidence

        return SignedEvidence(self.signed_values, self.meter_keys, self.clock)

    @cached_property
    def pinned_keys(self) -> PinnedKeys:
        from chalicelib.services.transparency.pinned_keys import PinnedKeys

        return PinnedKeys(self.meter_keys, self.alarm_checks, self.clock)

    @cached_property
    def log_queue(self) -> LogQueue:
        from chalicelib.adapters.transparency.log import SqsLogQueue

        # Nothing is logged where there is no queue.
        return SqsLogQueue(client("sqs"), self.setting("LOG_QUEUE", ""))

    @cached_property
    def log_signer(self) -> LogSigner:
        from chalicelib.adapters.transparency.signers import KmsSigner, LocalSigner

        name = self.setting("LOG_NAME")
        if key_id := self.setting("LOG_KEY", ""):
            return KmsSigner(client("kms"), key_id, name)
        return LocalSigner(self.setting("LOG_SECRET", ""), name)

    @cached_property
    def transparency_log(self) -> TransparencyLog:
        from chalicelib.adapters.transparency.log import DynamoLog, S3LogFiles
        from chalicelib.adapters.transparency.witnesses import witnesses_of
        from chalicelib.services.transparency.log import TransparencyLog

        rows = DynamoLog()
        return TransparencyLog(
            states=rows,
            places=rows,
            files=S3LogFiles(client("s3"), self.setting("LOG_BUCKET")),
            signer=self.log_signer,
            clock=self.clock,
            witnesses=witnesses_of(self.setting("LOG_WITNESSES", "")),
        )
