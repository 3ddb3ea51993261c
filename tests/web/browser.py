"""Debian's Chromium, driven by Playwright: where it is, and a page that may ask nobody but our own origin."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import (
    Browser,
    Error,
    Page,
    Playwright,
    Route,
    ViewportSize,
    WebSocketRoute,
    expect,
    sync_playwright,
)

from local.stack import Stack
from tests.browsers import UNUSABLE
from tests.patience import PATIENCE_S

PHONE: ViewportSize = {"width": 390, "height": 844}
DESKTOP: ViewportSize = {"width": 1280, "height": 800}
# By what a wait is given up; nothing is expected to take so long.
PATIENCE_MS = PATIENCE_S * 1000
# What a wide machine has and a test does not need.
_FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking")
# How often somebody touched the page; what is typed is none.
_TOUCHES = """addEventListener('pointerup', () => {
  sessionStorage.setItem('touches', Number(sessionStorage.getItem('touches')) + 1);
});"""


@contextmanager
def touches(page: Page, count: int) -> Iterator[None]:
    """What is done within takes so many touches."""
    before = _touched(page)
    yield
    assert _touched(page) - before == count


def until(page: Page, holds: Callable[[], bool], what: str = "") -> None:
    """Wait for what the page's own policy keeps Playwright from looking for there: it knows no eval."""
    gives_up = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < gives_up, what
        page.wait_for_timeout(20)


def _touched(page: Page) -> int:
    return int(page.evaluate("Number(sessionStorage.getItem('touches'))"))


class Unusable(Exception):
    """There is a browser, and it does not start; the text says why."""


@contextmanager
def launched(path: str) -> Iterator[Browser]:
    """A browser without a window. Raises Unusable."""
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = _started(playwright, path)
        try:
            yield browser
        finally:
            browser.close()


def _started(playwright: Playwright, path: str) -> Browser:
    try:
        return playwright.chromium.launch(executable_path=path, args=list(_FLAGS), timeout=PATIENCE_MS)
    except Error as error:
        why = error.message.strip().partition("\n")[0]
        raise Unusable(f"{UNUSABLE}: {path}: {why}") from error


class Visit:
    """One visitor's browser: `page` is what they look at, `strays` whom it asked beside us, `errors` what broke.

    `also` is whom the visitor is led to on purpose: a car maker's door.
    """

    def __init__(self, browser: Browser, stack: Stack, also: str = "", **options: Any) -> None:
        self.home = f"{stack.http_url}/driver/"
        self.strays: list[str] = []
        self.errors: list[str] = []
        self._ours = {urlsplit(stack.http_url).netloc, urlsplit(stack.live_url).netloc, urlsplit(also).netloc} - {""}
        settings = {"viewport": PHONE, "locale": "en-GB", "timezone_id": "Europe/Berlin", "reduced_motion": "reduce"}
        self.context = browser.new_context(**settings | options)
        self.context.set_default_timeout(PATIENCE_MS)
        self.context.add_init_script(_TOUCHES)
        self.context.route("**/*", self._watched)
        self.context.route_web_socket("**/*", self._watched_socket)
        self.page = self.open()

    def open(self) -> Page:
        """Another tab."""
        page = self.context.new_page()
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda it: self.errors.append(it.text) if "Content Security Policy" in it.text else None)
        return page

    def go(self, path: str = "/") -> Page:
        """Follow a link to a page of the app."""
        self.page.goto(f"{self.home}#{path}")
        return self.page

    def close(self) -> None:
        """Whoever leaves has asked nobody else, and nothing broke."""
        self.context.close()
        assert not self.strays, f"asked of others: {self.strays}"
        assert not self.errors, f"broke: {self.errors}"

    def _watched(self, route: Route) -> None:
        if self._is_ours(route.request.url):
            route.continue_()
        else:
            self.strays.append(route.request.url)
            route.abort()

    def _watched_socket(self, socket: WebSocketRoute) -> None:
        if self._is_ours(socket.url):
            socket.connect_to_server()
        else:
            self.strays.append(socket.url)

    def _is_ours(self, url: str) -> bool:
        return urlsplit(url).scheme in ("data", "blob") or urlsplit(url).netloc in self._ours
