"""Where a browser is, for the stories that are told in one: Playwright brings none, Debian's Chromium does."""

from __future__ import annotations

import os
import shutil

# How a skip begins that the summary tells of.
UNUSABLE = "Chromium does not start"
MISSING = "no Chromium: apt-get install chromium, or say where one is by CHROMIUM=/path/to/it"


def chromium() -> str | None:
    """Where Chromium is: where `CHROMIUM` says, or on the PATH."""
    return os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
