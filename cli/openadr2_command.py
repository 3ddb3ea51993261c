"""`kerb openadr2`: hears an OpenADR 2.0b server's events for an operator, until it is stopped."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
from typing import Any


def add(commands: Any) -> None:
    """The command `kerb openadr2`."""
    parser = commands.add_parser("openadr2", help="hear an OpenADR 2.0b server's events for an operator")
    parser.add_argument("--vtn", required=True, help="the server: https://…/OpenADR2/Simple/2.0b")
    parser.add_argument("--ven-name", required=True)
    parser.add_argument("--ven-id", help="where the server does not give one")
    parser.add_argument("--api", required=True, help="the operator's API: https://…")
    parser.add_argument("--certificate", help="a PEM file, by which messages are signed and the connection is ours")
    parser.add_argument("--private-key", help="its PEM file")
    parser.add_argument("--ca", help="a PEM file of those whom the server is believed by")
    parser.add_argument("--vtn-fingerprint", help="of the server's own certificate, where it signs")
    parser.set_defaults(run=_run)


def _run(asked: argparse.Namespace) -> None:
    key = os.environ.get("KERB_API_KEY")
    if not key:
        raise SystemExit("KERB_API_KEY: an operator's API key with power:read and power:write")
    # It takes half a second to load: whoever asks something else of `kerb` does not wait for it.
    from cli.openadr2 import OperatorApi, Ven  # noqa: PLC0415

    logging.basicConfig(level=logging.INFO)

    async def stay() -> None:
        ven = Ven(
            OperatorApi(asked.api, key),
            ven_name=asked.ven_name,
            vtn_url=asked.vtn,
            ven_id=asked.ven_id,
            cert=asked.certificate,
            key=asked.private_key,
            ca_file=asked.ca,
            vtn_fingerprint=asked.vtn_fingerprint,
        )
        await ven.stay()

    try:
        asyncio.run(stay())
    except ConnectionError as error:
        raise SystemExit(str(error)) from None
