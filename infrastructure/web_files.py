"""The files of `web/` as they are served: their types, how long they are kept, and what a page of ours may load.

The same on one machine and behind CloudFront. What lies in `vendor/` bears its version in its address and never
changes; all else is asked for again each time, by its ETag.
"""

from __future__ import annotations

import hashlib
import html
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

WEB = Path(__file__).parent.parent / "web"
# Where the driver's app begins, and what its address without a path leads to.
HOME = "/driver/"
INDEX = "index.html"
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
}
# What the apps speak, by their catalogues; the first is for who asks for none of them.
LANGUAGES = ("en", *sorted(it.stem for it in (WEB / "driver" / "words").glob("*.js") if it.stem != "en"))
# The line of a page that tells it of its deployment, as it lies in `web/`.
_UNTOLD = b'<meta name="settings" content="{}">'
# Where the map begins where nobody says another place: latitude and longitude.
MAP_HOME = "53.5437,9.9924"
_FOR_EVER = "public, max-age=31536000, immutable"
_ASK_AGAIN = "no-cache"
STRIPE_SCRIPTS = "https://js.stripe.com"
_STRIPE_FRAMES = ("https://js.stripe.com", "https://*.js.stripe.com", "https://hooks.stripe.com")
_STRIPE_API = "https://api.stripe.com"


@dataclass(frozen=True)
class WebFile:
    """One file: `path` is its address below the site's root, without the slash."""

    path: str
    body: bytes

    @property
    def content_type(self) -> str:
        return _TYPES[Path(self.path).suffix]

    @property
    def cache_control(self) -> str:
        return _FOR_EVER if self.path.startswith("vendor/") else _ASK_AGAIN

    @cached_property
    def etag(self) -> str:
        return f'"{hashlib.sha256(self.body).hexdigest()[:32]}"'


def files(root: Path = WEB) -> Iterator[WebFile]:
    """All that is served. A file of no known type (a licence, the lock) is none of it."""
    for path in sorted(root.rglob("*")):
        if path.is_file() and path.suffix in _TYPES and path.name != "lock.json":
            yield WebFile(path.relative_to(root).as_posix(), path.read_bytes())


def with_settings(file: WebFile, *, api: str, stripe: str, home: str) -> WebFile:
    """A page that is told of its deployment; of any other file, itself.

    It stands in the page because whatever is asked first needs it: a file of its own would be one more round of a line.
    """
    if not file.path.endswith(INDEX):
        return file
    lat, lng = (float(it) for it in home.split(","))
    told = json.dumps({"api": api, "stripe": stripe, "home": {"lat": lat, "lng": lng}})
    line = f'<meta name="settings" content="{html.escape(told)}">'
    return WebFile(file.path, file.body.replace(_UNTOLD, line.encode()))


def spoken(page: WebFile, language: str) -> WebFile:
    """A page in one of the LANGUAGES, under its own name: read aloud so, and asking for those words at once."""
    body = page.body.replace(b'<html lang="en">', f'<html lang="{language}">'.encode())
    words = f"/driver/words/{language}.js".encode()
    return WebFile(page.path.replace(INDEX, f"index.{language}.html"), body.replace(b"/driver/words/en.js", words))


def language_of(accepted: str) -> str:
    """The first that a browser asks for (its `Accept-Language`) and we speak. CloudFront's function says the same."""
    asked = (it.strip()[:2].lower() for it in accepted.split(","))
    return next((it for it in asked if it in LANGUAGES), LANGUAGES[0])


def security_headers(connects: Sequence[str], *, has_stripe: bool) -> dict[str, str]:
    """Nothing inline, nothing from elsewhere but a real Stripe's; `connects` are the API and the sockets."""
    scripts = " ".join(["'self'", *([STRIPE_SCRIPTS] if has_stripe else [])])
    asks = " ".join(["'self'", *connects, *([_STRIPE_API] if has_stripe else [])])
    frames = " ".join(_STRIPE_FRAMES) if has_stripe else "'none'"
    policy = (
        f"default-src 'none'; script-src {scripts}; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        f"connect-src {asks}; frame-src {frames}; manifest-src 'self'; worker-src 'self'; media-src 'self' blob:; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
    return {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Permissions-Policy": "camera=(self), geolocation=(self), microphone=()",
    }
