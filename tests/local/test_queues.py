"""Queues on one machine: what waits is brought at once where a test asks for it, and what never ends is told so."""

from __future__ import annotations

import os
from collections.abc import Iterator

import boto3
import pytest
from chalice import Chalice
from chalice.app import SQSEvent
from moto import mock_aws

from local import queues as local_queues
from local.queues import Queues


@pytest.fixture
def delivered() -> list[str]:
    return []


@pytest.fixture
def queues(delivered: list[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Queues]:
    """A queue `echo`: a message of more than nothing calls for one of one less; `again` for itself."""
    app = Chalice(app_name="echo")

    @app.on_sqs_message(queue="echo")
    def echo(event: SQSEvent) -> None:
        for record in event:
            delivered.append(record.body)
            if record.body == "again":
                send(record.body)
            elif int(record.body):
                send(str(int(record.body) - 1))

    monkeypatch.setenv("KERB_ECHO_QUEUE", "")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        made = Queues(pace=0)
        made.deploy(app)
        yield made
        made.stop()


def send(body: str) -> None:
    client = boto3.client("sqs")
    client.send_message(QueueUrl=os.environ["KERB_ECHO_QUEUE"], MessageBody=body, DelaySeconds=600)


def test_what_a_message_calls_for_is_brought_too_whatever_its_delay(queues: Queues, delivered: list[str]) -> None:
    send("3")
    assert queues.deliver() == 4
    assert delivered == ["3", "2", "1", "0"]
    assert queues.deliver() == 0


def test_messages_that_call_for_each_other_without_end_are_told(
    queues: Queues, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_queues, "_MOST_DELIVERED", 50)
    send("again")
    with pytest.raises(RuntimeError, match="kerb-echo has again"):
        queues.deliver()
