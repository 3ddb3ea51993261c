"""The apps of `web/` on this machine: beside the API, so that page and API are of one origin.

Files are read as they are asked for: what is changed is seen with the next load. What a browser would say to Stripe it
says to `/local/stripe`, which hands on those calls alone that Stripe lets a browser make.
"""

from __future__ import annotations

import asyncio
import gzip
import re
from collections.abc import Callable, Sequence

import aiohttp
from aiohttp import web

from infrastructure.web_files import (
    HOME,
    INDEX,
    MAP_HOME,
    WEB,
    WebFile,
    language_of,
    security_headers,
    spoken,
    with_settings,
)

_STRIPE = "/local/stripe"
# By the publishable key, as Stripe.js does.
_BROWSERS_CALLS = re.compile(
    r"/v1/(payment_methods|setup_intents/seti_\w+/(confirm|cancel)|payment_intents/pi_\w+/_authenticate)"
)
_COMPRESSED = ("text/", "application/json", "application/manifest+json", "image/svg+xml")
_FORM_BYTES = 10_000


class WebDoor:
    """Serves the files; `stripe_url` and `connects` (the sockets' address) are known only once all has started."""

    def __init__(self, stripe_url: Callable[[], str], connects: Callable[[], Sequence[str]]) -> None:
        self._stripe_url = stripe_url
        self._connects = connects
        self._packed: dict[str, bytes] = {}

    def open(self, server: web.Application) -> None:
        """Add the routes."""
        server.router.add_get("/", self._lead_home)
        for folder in sorted(it.name for it in WEB.iterdir()):
            server.router.add_get(f"/{folder}" + ("/{path:.*}" if (WEB / folder).is_dir() else ""), self._serve)
        server.router.add_post(f"{_STRIPE}/{{path:.+}}", self._ask_stripe)

    async def _lead_home(self, _: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": HOME})

    async def _serve(self, request: web.Request) -> web.Response:
        path = request.path.removeprefix("/")
        file = (WEB / (path + INDEX if path.endswith("/") else path)).resolve()
        try:
            if WEB.resolve() not in file.parents:
                raise FileNotFoundError
            body = await asyncio.to_thread(file.read_bytes)
            found = WebFile(file.relative_to(WEB.resolve()).as_posix(), body)
            if file.name == INDEX:
                page = with_settings(found, api="", stripe="local", home=MAP_HOME)
                found = spoken(page, language_of(request.headers.get("Accept-Language", "")))
            return self._answer(request, found)
        except (OSError, KeyError):
            return web.Response(status=404, text="There is no such file.\n")

    def _answer(self, request: web.Request, file: WebFile) -> web.Response:
        headers = {
            **security_headers(self._connects(), has_stripe=False),
            "Content-Type": file.content_type,
            "Cache-Control": file.cache_control,
            "ETag": file.etag,
            "Vary": "Accept-Encoding, Accept-Language"
            if file.content_type.startswith("text/html")
            else "Accept-Encoding",
        }
        if file.etag in request.headers.get("If-None-Match", ""):
            return web.Response(status=304, headers=headers)
        if "gzip" in request.headers.get("Accept-Encoding", "") and file.content_type.startswith(_COMPRESSED):
            packed = self._packed.get(file.etag) or self._packed.setdefault(file.etag, gzip.compress(file.body, 9))
            return web.Response(body=packed, headers={**headers, "Content-Encoding": "gzip"})
        return web.Response(body=file.body, headers=headers)

    async def _ask_stripe(self, request: web.Request) -> web.Response:
        path = "/" + request.match_info["path"]
        form = await request.read()
        if not _BROWSERS_CALLS.fullmatch(path) or len(form) > _FORM_BYTES:
            return web.json_response({"error": {"message": "no browser may ask that"}}, status=403)
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        async with (
            aiohttp.ClientSession() as session,
            session.post(self._stripe_url() + path, data=form, headers=headers) as told,
        ):
            return web.Response(status=told.status, body=await told.read(), content_type="application/json")
