"""What the log of settled charges takes, and the evidence of disputes: reckoned, not measured.

A batch a minute, few files each, and a row. Of a thousand charges one is disputed, and both sides fetch its evidence.

What a settled session adds to its own workflow (a message, a salt in its row) is measured with it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from math import ceil
from typing import Protocol

_BATCHES_A_MINUTE = 2  # one may come while another is written; AWS does not say how its pollers share a queue
_MINUTES_A_MONTH = 730 * 60
_WIDTH = 256
# A name, an entry and a time while its batch is written; a name in its batch's row; an entry and its hash in files.
_CLAIM_BYTES, _NAME_BYTES, _FILE_BYTES = 260, 21, 173 + 32
_ROW_BYTES, _CHECKPOINT_BYTES, _CHECKPOINTS_MONTHS = 160, 300, 13
_FIRST_YEAR_MONTHS = 12
_MESSAGES_A_REQUEST = 10
# For each batch: the bundle, its tile and the checkpoint; each full tile brings a bundle, a tile and one above.
PUTS_A_BATCH, PUTS_A_TILE = 3, 3
# Tiles that are not full, of three levels and of entries; the checkpoint.
GETS_A_BATCH = 5
# State, batches, claim, place, state again, and the signature.
OTHERS_A_BATCH = 6
_WRITE_STEP, _GB = 1024, 1024**3
_DISPUTED = 1_000
# Both look, one asks and one answers, and both fetch the file.
LOOKS_AT_DISPUTES = 6 / _DISPUTED
# Beyond what a look at a session takes: two notices, an alarm, two states of a row; what is read for the file, twice.
_WRITES, _READS, _EVIDENCE_UNITS = 12, 20, 60

# What an invoice or credit note adds: brought by itself, with its part of a batch, and kept for the first year.
PAPER: Mapping[str, float] = {
    "queue_request": 1 + 2 / _MESSAGES_A_REQUEST,
    "write_unit": (_CLAIM_BYTES + _NAME_BYTES) / _WRITE_STEP,
    "bucket_gb_month": _FIRST_YEAR_MONTHS * _FILE_BYTES / _GB,
}
# That the records which a charge is billed by are no other charge's: its begin's and its end's.
CLAIMS: Mapping[str, float] = {"write_unit": 2}


class Charged(Protocol):
    """What is known of a fleet here."""

    @property
    def has_log(self) -> bool: ...

    @property
    def sessions(self) -> float: ...

    @property
    def lambda_call_ms(self) -> float: ...

    @property
    def lambda_base_ms(self) -> float: ...


def log_of_charges(
    fleet: Charged, amounts: defaultdict[str, float], writes: defaultdict[str, float], reads: defaultdict[str, float],
    stored: defaultdict[str, float],
) -> float:  # fmt: skip
    """Add what they take in a month, the first year's files among it; returns milliseconds of Lambda."""
    if not fleet.has_log:
        return 0.0
    batches = min(fleet.sessions, _BATCHES_A_MINUTE * _MINUTES_A_MONTH)
    each = fleet.sessions / batches if batches else 0.0
    amounts["file_put"] += batches * PUTS_A_BATCH + fleet.sessions / _WIDTH * PUTS_A_TILE
    amounts["file_get"] += batches * GETS_A_BATCH
    amounts["kms_signature"] += batches
    amounts["lambda_request"] += batches
    amounts["queue_request"] += 2 * max(batches, fleet.sessions / _MESSAGES_A_REQUEST)
    written = each * _CLAIM_BYTES, _ROW_BYTES + each * _NAME_BYTES, _ROW_BYTES
    writes["log"] += batches * sum(ceil(it / _WRITE_STEP) for it in written)
    reads["log"] += batches * 3
    stored["log"] += batches * _ROW_BYTES + fleet.sessions * _NAME_BYTES
    files = fleet.sessions * _FILE_BYTES + batches * _WIDTH / 2 * _FILE_BYTES
    kept = files * _FIRST_YEAR_MONTHS + batches * _CHECKPOINT_BYTES * _CHECKPOINTS_MONTHS
    amounts["bucket_gb_month"] += kept / _GB
    calls = PUTS_A_BATCH + GETS_A_BATCH + OTHERS_A_BATCH
    return batches * (fleet.lambda_base_ms + calls * fleet.lambda_call_ms) + _disputes(fleet, amounts, writes, reads)


def _disputes(
    fleet: Charged, amounts: defaultdict[str, float], writes: defaultdict[str, float], reads: defaultdict[str, float]
) -> float:
    disputes = fleet.sessions / _DISPUTED
    amounts["file_get"] += disputes * GETS_A_BATCH
    writes["sessions"] += disputes * _WRITES
    reads["readings"] += disputes * _EVIDENCE_UNITS
    return disputes * (_READS + _WRITES) * fleet.lambda_call_ms
