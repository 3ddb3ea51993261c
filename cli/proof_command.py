"""`kerb proof`: checks a proof, and follows the log that it is of."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console

from cli.evidence import check, texts_of, unpack
from cli.invoice_proof import is_invoices, is_of, verify_invoice
from cli.log_files import Alarm, Tree, Unreachable, monitor, over_http
from cli.proof import Checkpoint, Key, Proof, Refused, Verdict, is_consistent, verify

_CHARGE = "of an invoice: the proof of a charge that must be on it"
_REFUSED, _ALARM, _UNREACHABLE = 1, 2, 3


def add(commands: Any) -> None:
    """Its words among the command line's."""
    words = commands.add_parser("proof", help="whether a settled charge is in the log, and the log what it was")
    words = words.add_subparsers(required=True, metavar="WHAT")
    check = words.add_parser("verify", help="check a .tlog-proof, offline")
    check.add_argument("file", type=Path, metavar="FILE", help="the .tlog-proof")
    _key(check)
    check.add_argument("--witness", action="append", default=[], metavar="KEY", help="a witness that must have signed")
    check.add_argument("--since", type=Path, metavar="FILE", help="an older or newer checkpoint or proof of that log")
    check.add_argument("--charge", type=Path, action="append", default=[], metavar="FILE", help=_CHARGE)
    check.add_argument("--session", metavar="ID", help="the charge that it must be of")
    check.add_argument("--log", metavar="URL", help="where its files are: against what it says now, or for --since")
    check.set_defaults(run=_verify)
    whole = words.add_parser("evidence", help="check the evidence of a dispute, offline")
    whole.add_argument("file", type=Path, metavar="FILE", help="the .evidence.json")
    _key(whole)
    whole.add_argument("--into", type=Path, metavar="FOLDER", help="write its texts there, each to its own file")
    whole.set_defaults(run=_evidence)
    watch = words.add_parser("monitor", help="follow a log, and raise an alarm at the first fork")
    watch.add_argument("log", metavar="URL", help="where its files are")
    _key(watch)
    watch.add_argument("--state", type=Path, default=Path("kerb-log.json"), metavar="FILE", help="what was seen of it")
    watch.add_argument("--every", type=float, default=60, metavar="S", help="seconds between two looks (%(default)s)")
    watch.add_argument("--once", action="store_true", help="look once")
    watch.set_defaults(run=_monitor)


def _key(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--key", required=True, metavar="KEY", help="the log's verifier key, as first learnt (GET /v1/log)"
    )


def _say(*lines: str) -> None:
    Console(soft_wrap=True).print(*lines, sep="\n", highlight=False, markup=False)


def _verify(asked: argparse.Namespace) -> None:
    try:
        log, witnesses = Key.parse(asked.key), [Key.parse(it) for it in asked.witness]
        text = asked.file.read_bytes().decode()
        verdict, charges = _verdict(text, log, witnesses, asked.charge)
        if asked.session and verdict.facts.get("session_id") != asked.session:
            raise Refused(f"it is the proof of another charge, {verdict.facts.get('session_id')}")
        compared = _compared(asked, log, Checkpoint.parse(Proof.parse(text).note, log))
    except (Refused, Alarm, UnicodeDecodeError) as error:
        _say(f"REFUSED: {error}")
        sys.exit(_REFUSED)
    except Unreachable as error:
        _say(f"NOT CHECKED: the log's files cannot be read: {error}")
        sys.exit(_UNREACHABLE)
    _say(*(f"{name}: {value}" for name, value in verdict.facts.items()))
    _say("PROVEN", *(f"  {it}" for it in (*verdict.proven, *charges, *compared)))
    kept = [] if compared else ["that the log still has all it had: compare it with another state (--since, --log)"]
    _say("NOT PROVEN", *(f"  {it}" for it in (*verdict.open, *kept)))


def _verdict(text: str, log: Key, witnesses: list[Key], charges: list[Path]) -> tuple[Verdict, list[str]]:
    """What a proof shows, and which charges are on it where it is an invoice's."""
    if not is_invoices(text):
        if charges:
            raise Refused("--charge is for the proof of an invoice")
        return verify(text, log, witnesses), []
    verdict = verify_invoice(text, log, witnesses)
    held = [is_of(verdict, it.read_bytes().decode(), log) for it in charges]
    if (unseen := len(verdict.billed_wh) - len(set(held))) > 0:
        left = f"that it is of what was charged: of {unseen} of its charges no proof is at hand (--charge)"
        verdict = replace(verdict, open=(*verdict.open, left))
    return verdict, held


def _evidence(asked: argparse.Namespace) -> None:
    try:
        text = asked.file.read_bytes().decode()
        held = check(text, Key.parse(asked.key))
        if asked.into:
            unpack(texts_of(text), asked.into)
    except (Refused, ValueError, KeyError, TypeError) as error:
        _say(f"REFUSED: {error}")
        sys.exit(_REFUSED)
    _say("HOLDS", *(f"  {it}" for it in held))


def _compared(asked: argparse.Namespace, log: Key, own: Checkpoint) -> list[str]:
    """What a second checkpoint proves beside it. Raises Refused, Alarm, Unreachable."""
    if asked.since is None and asked.log is None:
        return []
    fetch = over_http(asked.log) if asked.log else None
    try:
        note = asked.since.read_bytes().decode() if asked.since else fetch("checkpoint").decode() if fetch else ""
    except KeyError:
        raise Alarm("the log has no checkpoint any more") from None
    other = Checkpoint.parse(Proof.parse(note).note if note.startswith("c2sp.org/tlog-proof") else note, log)
    first, second = sorted((own, other), key=lambda it: it.size)
    if first.size in (0, second.size):
        hashes = []
    elif fetch is None:
        raise Refused("two states of different size can only be compared by the log's files (--log)")
    else:
        hashes = Tree(second.size, fetch).consistency(first.size)
    if not is_consistent(first, second, hashes):
        raise Refused(f"FORK: the log of {second.size} entries does not go on from the one of {first.size}; keep both")
    return [f"the log of {second.size} entries still has all {first.size} that it had, unchanged"]


def _monitor(asked: argparse.Namespace) -> None:
    try:
        every_s = None if asked.once else asked.every
        monitor(Key.parse(asked.key), over_http(asked.log), asked.state, _say, every_s)
    except (Alarm, Refused) as alarm:
        _say(f"ALARM: {alarm}")
        sys.exit(_ALARM)
