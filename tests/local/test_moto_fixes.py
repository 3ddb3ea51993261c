"""moto, made safe, answers as one account would, however many ask at once."""

from __future__ import annotations

import threading
from typing import Any

import boto3
import pytest
from moto.dynamodb.responses import DynamoHandler

from local.moto_fixes import make_moto_thread_safe
from tests.adapters.conftest import race


@pytest.mark.usefixtures("tables")
def test_dynamodb_calls_never_overlap_however_often_moto_is_made_safe(monkeypatch: pytest.MonkeyPatch) -> None:
    make_moto_thread_safe()
    make_moto_thread_safe()
    dynamodb = boto3.client("dynamodb")
    inside, overlaps, somebody_else = threading.Semaphore(1), [], threading.Event()
    list_tables: Any = DynamoHandler.list_tables

    def lingering(handler: DynamoHandler) -> Any:
        if not inside.acquire(blocking=False):
            overlaps.append(threading.current_thread().name)
            somebody_else.set()
            return list_tables(handler)
        try:
            somebody_else.wait(timeout=0.05)
            return list_tables(handler)
        finally:
            inside.release()

    monkeypatch.setattr(DynamoHandler, "list_tables", lingering)

    answers = race(4, lambda _: len(dynamodb.list_tables()["TableNames"]))

    assert overlaps == []
    assert len(set(answers)) == 1
