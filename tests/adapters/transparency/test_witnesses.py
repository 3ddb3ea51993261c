"""A witness signs that the log only grew, is told what it knows already, and is left out where it cannot be asked."""

from __future__ import annotations

import base64
import http.server
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import urllib3

from chalicelib.adapters.transparency.witnesses import HttpWitness, witnesses_of
from chalicelib.domain.transparency.merkle import HashAt, is_consistent
from chalicelib.domain.transparency.tiles import hash_from
from chalicelib.protocol.transparency.checkpoint import Checkpoint, opened
from chalicelib.services.transparency.cosignatures import cosignatures
from tests.endpoint import a_closed_port
from tests.log_of_charges import KEY, WITNESS, Log
from tests.log_of_charges import witnessed as signed_by_witness

AT = datetime(2026, 11, 30, 12, tzinfo=UTC)


class _Witness(http.server.BaseHTTPRequestHandler):
    """C2SP tlog-witness, add-checkpoint, for one log."""

    known: list[Checkpoint]
    asked: list[str]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        head, _, note = body.partition("\n\n")
        old, *lines = head.split("\n")
        self.asked.append(old)
        new, last = opened(note, [KEY])[0], self.known[-1]
        proof = [base64.b64decode(it) for it in lines]
        if old != f"old {last.size}":
            self._answer(409, f"{last.size}\n")
        elif last.size and not is_consistent(last.size, new.size, proof, last.root, new.root):
            self._answer(422, "it did not only grow\n")
        else:
            self.known.append(new)
            self._answer(200, signed_by_witness(note).removeprefix(note))

    def _answer(self, status: int, body: str) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def witness() -> Iterator[HttpWitness]:
    _Witness.known, _Witness.asked = [Checkpoint(KEY.name, 0, b"")], []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Witness)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    (found,) = witnesses_of(f"http://127.0.0.1:{server.server_port}/ {WITNESS.vkey}")
    yield found
    server.shutdown()
    server.server_close()


def witnessed(witness: HttpWitness, note: str, seen: str, hash_at: HashAt, seconds: int = 0) -> str:
    """What it signs, on a clock that goes on so much with each look at it."""
    ticks = iter(AT + timedelta(seconds=seconds * it) for it in range(10))
    return cosignatures([witness], note=note, seen=seen, hash_at=hash_at, clock=lambda: next(ticks))


def test_all_are_asked_and_those_who_answer_stand_in_their_order(witness: HttpWitness) -> None:
    log = Log.of(3)
    with a_closed_port() as port:
        nobody = HttpWitness(urllib3.PoolManager(), f"http://127.0.0.1:{port}", WITNESS.vkey)
        lines = cosignatures([nobody, witness, nobody], note=log.note, seen="", hash_at=_hashes(log), clock=lambda: AT)
    assert opened(log.note + lines, [KEY, WITNESS])[1] == [KEY, WITNESS]
    assert lines.count("\n") == 1


def test_one_that_answers_late_is_not_asked_again(witness: HttpWitness) -> None:
    log = Log.of(300)
    assert witnessed(witness, log.note, "", _hashes(log))
    log.add([b"more"])
    assert witnessed(witness, log.note, "", _hashes(log), seconds=8) == ""
    assert witnessed(witness, log.note, "", _hashes(log))


def _hashes(log: Log) -> HashAt:
    return hash_from(log.size, lambda tile: log.files[tile.path])


def test_it_signs_what_only_grew_and_says_what_it_knows(witness: HttpWitness) -> None:
    log = Log.of(300)
    first = log.note
    lines = witnessed(witness, first, "", _hashes(log))
    assert opened(first + lines, [KEY, WITNESS])[1] == [KEY, WITNESS]
    log.add([b"more"] * 5)
    assert witnessed(witness, log.note, first, _hashes(log))
    log.add([b"more"])
    # A log that has forgotten what the witness saw is told.
    assert witnessed(witness, log.note, first, _hashes(log))
    assert _Witness.asked == ["old 0", "old 300", "old 300", "old 305"]


def test_it_signs_no_fork(witness: HttpWitness) -> None:
    log, other = Log.of(300), Log.of(299)
    assert witnessed(witness, log.note, "", _hashes(log))
    other.add([b"another", b"more"])
    assert witnessed(witness, other.note, log.note, _hashes(other)) == ""


def test_one_that_cannot_be_asked_or_answers_for_another_is_left_out(witness: HttpWitness) -> None:
    log = Log.of(3)
    nobody = HttpWitness(urllib3.PoolManager(), "http://127.0.0.1:9", WITNESS.vkey)
    assert witnessed(nobody, log.note, "", _hashes(log)) == ""
    another = HttpWitness(urllib3.PoolManager(), witness.url, KEY.vkey)
    assert witnessed(another, log.note, "", _hashes(log)) == ""


def test_nobody_is_asked_unless_set() -> None:
    assert witnesses_of("") == []
    with pytest.raises(ValueError, match="not enough values"):
        witnesses_of("https://witness.example.com")
