"""The account of this process for other processes: each call they make is made here, over TLS as AWS has it.

moto answers only in its own process. A cold start is a process of its own, and its first call pays for a handshake
and for reading the certificates it trusts, so both are there.
"""

from __future__ import annotations

import json
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import botocore
from botocore.exceptions import ClientError

from local.certificates import Authority
from local.cloud import REGION

# As a request's X-Amz-Target names them.
_SERVICES = {"DynamoDB_20120810": "dynamodb", "AWSStepFunctions": "stepfunctions", "AmazonSQS": "sqs"}


@contextmanager
def served() -> Iterator[dict[str, str]]:
    """The settings of a process that is to use this process's account."""
    with tempfile.TemporaryDirectory() as folder:
        authority = Authority.create(Path(folder))
        trusted = Path(folder) / "trusted.pem"
        usual = Path(botocore.__file__).with_name("cacert.pem").read_text()
        trusted.write_text(usual + (authority.folder / "root.pem").read_text())
        make: Any = boto3.client
        clients = {target: make(service, region_name=REGION) for target, service in _SERVICES.items()}
        server = ThreadingHTTPServer(("127.0.0.1", 0), _answering(clients))
        server.daemon_threads = True
        server.socket = authority.server_context().wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, name="front", daemon=True)
        thread.start()
        try:
            yield {
                "AWS_ENDPOINT_URL": f"https://127.0.0.1:{server.server_port}",
                "AWS_CA_BUNDLE": str(trusted),
                "AWS_DEFAULT_REGION": REGION,
                "AWS_ACCESS_KEY_ID": "none",
                "AWS_SECRET_ACCESS_KEY": "none",
            }
        finally:
            server.shutdown()
            server.server_close()
            thread.join(timeout=5)


def _answering(clients: dict[str, Any]) -> type[BaseHTTPRequestHandler]:
    class Front(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"{}")
            target, _, operation = self.headers["X-Amz-Target"].partition(".")
            status = 200
            try:
                answer = clients[target]._make_api_call(operation, asked)
            except ClientError as error:
                # What a condition found, and why a transaction did not happen, stand beside the error.
                status, answer = 400, {key: it for key, it in error.response.items() if key != "Error"}
                answer |= {"__type": error.response["Error"]["Code"], "message": error.response["Error"]["Message"]}
            answer.pop("ResponseMetadata", None)
            text = json.dumps(answer, default=str).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.0")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: object) -> None:
            """Nobody reads it."""

    return Front
