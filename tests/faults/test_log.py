"""The log through its own adapters: whichever call fails, is lost or kills its process, the world sees one log.

Each message is brought again until it is taken, as its queue does.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError

from chalicelib.adapters.transparency.log import DynamoLog, S3LogFiles
from chalicelib.adapters.transparency.signers import LocalSigner
from chalicelib.ports.transparency import LogForked
from chalicelib.records.transparency import Leaf
from chalicelib.services.access import NotFound
from chalicelib.services.transparency.log import Contended, TransparencyLog
from cli.log_files import Seen, follow
from cli.proof import Key, Proof, is_included, leaf_hash

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
BUCKET = "log"


class Killed(BaseException):
    """The process is no more: nobody catches that."""


class Lost(Exception):
    """A call that did not get through, or whose answer did not."""


class Calls:
    """Every call of AWS's that the log makes; the one of a number goes wrong in its way."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.wrong: dict[int, str] = {}
        self.meanwhile: Callable[[], None] = lambda: None

    def through(self, name: str, call: Callable[[], Any]) -> Any:
        number = len(self.names)
        self.names.append(name)
        match self.wrong.pop(number, ""):
            case "killed before":
                raise Killed
            case "failed":
                raise Lost
            case "killed after":
                call()
                raise Killed
            case "lost":
                call()
                raise Lost
            case "overtaken":
                self.meanwhile()
        return call()


@pytest.fixture
def calls(tables: None, monkeypatch: pytest.MonkeyPatch) -> Calls:
    boto3.client("s3").create_bucket(Bucket=BUCKET)
    made = Calls()
    original = BaseClient._make_api_call  # type: ignore[attr-defined]

    def make(client: Any, operation: str, params: dict[str, Any]) -> Any:
        return made.through(operation, lambda: original(client, operation, params))

    monkeypatch.setattr(BaseClient, "_make_api_call", make)
    return made


def the_log() -> TransparencyLog:
    moments = iter(NOON + timedelta(milliseconds=it) for it in range(10**6))
    return TransparencyLog(
        states=DynamoLog(),
        places=DynamoLog(),
        files=S3LogFiles(boto3.client("s3"), BUCKET),
        signer=LocalSigner(base64.b64encode(bytes(32)).decode(), "log.example.com"),
        clock=lambda: next(moments),
    )


def leaves(*numbers: int) -> list[Leaf]:
    return [Leaf(name=f"K{it}", entry=f"entry {it}", since=NOON) for it in numbers]


def brought(batch: Sequence[Leaf]) -> None:
    """As a queue brings it: again, until nobody fails on it."""
    while True:
        try:
            the_log().append(batch)
        except (Killed, Lost, Contended):
            continue
        return


def wholly_there(seen: Seen, names: int) -> Seen:
    """The world reads on from what it saw, and everything is proven, once."""
    log = the_log()
    key = Key.parse(log.key.vkey)
    client = boto3.client("s3")

    def fetch(path: str) -> bytes:
        data: bytes = client.get_object(Bucket=BUCKET, Key=f"log/{path}")["Body"].read()
        return data

    seen = follow(seen, key, fetch)
    assert seen.size == names
    places = set()
    for number in range(names):
        proof = Proof.parse(log.proof(f"K{number}", NOON).text)
        leaf = leaf_hash(f"entry {number}".encode())
        assert is_included(leaf, proof.index, seen.size, proof.hashes, seen.root)
        places.add(proof.index)
    assert len(places) == names
    return seen


def test_whatever_one_call_does_the_world_sees_one_log(calls: Calls) -> None:
    brought(leaves(0, 1, 2))
    # As a batch after the first calls, so that what follows has all kinds of calls.
    before = len(calls.names)
    brought(leaves(3, 4))
    number = len(calls.names) - before
    assert {"PutItem", "PutObject", "GetItem", "GetObject", "Query"} <= set(calls.names[before:])
    assert number <= 16
    seen, names = wholly_there(Seen(), 5), 5
    for wrong in ("killed before", "killed after", "failed", "lost", "overtaken"):
        for at in range(number):
            first, beside = leaves(names), leaves(names, names + 1)
            calls.meanwhile = lambda beside=beside: brought(beside)  # type: ignore[misc]
            calls.wrong = {len(calls.names) + at: wrong}
            brought(first)
            calls.wrong = {}
            brought(beside)
            names += 2
    wholly_there(seen, names)


def test_an_entry_that_nobody_brought_is_not_proven(calls: Calls) -> None:
    brought(leaves(0))
    with pytest.raises(NotFound):
        the_log().proof("K1", NOON)
    assert calls.names


def test_a_tile_that_is_there_and_is_another_stops_the_log(calls: Calls) -> None:
    brought(leaves(0))
    client = boto3.client("s3")
    client.put_object(Bucket=BUCKET, Key="log/tile/0/000.p/2", Body=bytes(64))
    with pytest.raises(LogForked, match=r"tile/0/000\.p/2"):
        the_log().append(leaves(1))
    assert S3LogFiles(client, BUCKET).checkpoint() is not None
    wholly_there(Seen(), 1)


def test_a_file_that_somebody_else_is_writing_is_written_unless_they_did(
    calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S3 answers 409 to whoever puts what another is putting, who may fail."""
    files = S3LogFiles(boto3.client("s3"), BUCKET)
    conflict = ClientError({"Error": {"Code": "ConditionalRequestConflict"}}, "PutObject")
    refused = [conflict]
    through = calls.through

    def once(operation: str, call: Callable[[], Any]) -> Any:
        if operation == "PutObject" and refused:
            raise refused.pop()
        return through(operation, call)

    monkeypatch.setattr(calls, "through", once)
    files.put_once("tile/0/000.p/1", bytes(32))
    assert files.get("tile/0/000.p/1") == bytes(32)
