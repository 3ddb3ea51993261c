"""What is served: libraries as their lock says and as npm has them, an offline shell that names every file, headers."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

from cli.web import FILES
from infrastructure.web_files import WEB, files, security_headers
from tests.patience import PATIENCE_S

VENDOR = WEB / "vendor"
LOCK: list[dict[str, Any]] = json.loads((VENDOR / "lock.json").read_text())
# What is loaded for who asks for it: finer countries, and the decoder where the browser has none.
LATER = {"vendor/world-atlas-2.0.2/countries-50m.json", "vendor/jsqr-1.4.0/jsQR.js"}
FIRST_LOAD_BYTES = 120_000


def test_the_lock_names_every_library_file_by_its_hash() -> None:
    locked = {
        f"{it['folder']}/{name}": file["sha256"] for it in LOCK for name, file in it["files"].items() if it["licence"]
    }
    there = {
        it.relative_to(VENDOR).as_posix(): hashlib.sha256(it.read_bytes()).hexdigest()
        for it in VENDOR.rglob("*")
        if it.is_file() and it.name != "lock.json"
    }
    assert there == locked
    assert all("LICENSE" in it["files"] for it in LOCK)


def test_libraries_are_as_npm_has_them(tmp_path: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("there is no npm here")
    wanted = [f"{it['name']}@{it['version']}" for it in LOCK]
    asked = [npm, "pack", "--silent", "--prefer-offline", "--fetch-retries=1", *wanted]
    try:
        done = subprocess.run(asked, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        pytest.skip("npm is out of reach: it says nothing")
    if done.returncode:
        pytest.skip(f"npm is out of reach: {done.stderr.strip()[:200]}")
    for library in LOCK:
        name = library["name"].removeprefix("@").replace("/", "-")
        with tarfile.open(tmp_path / f"{name}-{library['version']}.tgz") as archive:
            for told, file in library["files"].items():
                member = archive.extractfile(f"package/{file['of']}")
                assert member is not None
                assert hashlib.sha256(member.read()).hexdigest() == file["sha256"], f"{library['name']}: {told}"


def test_the_offline_shell_names_every_file_of_the_app() -> None:
    source = (WEB / "driver" / "worker.js").read_text()
    listed = set(re.findall(r"'(/[^']+\.[a-z]+)'", source.partition("FILES")[2].partition("];")[0]))
    for names, folder in re.findall(r"\.\.\.\[([^\]]+)\]\.map\(\(it\) => `(/[^$]+)\$\{it\}\.js`\)", source):
        listed |= {f"{folder}{it}.js" for it in re.findall(r"'(\w+)'", names)}
    served = {it.path for it in files()} - LATER - {"driver/worker.js", "driver/index.html"}
    served -= {it for it in served if it.startswith("driver/icons/kerb-512")}
    assert {it.removeprefix("/") for it in listed} == served


def test_nothing_inline_and_nothing_from_elsewhere_may_be_loaded() -> None:
    policy = security_headers([], has_stripe=False)["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "https:" not in policy
    page = (WEB / "driver" / "index.html").read_text()
    assert not re.findall(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", page)
    for path in WEB.rglob("*.js"):
        if "vendor" not in path.parts and path.name != "stripe_real.js":
            assert "http" not in re.sub(r"/\^https\?.*", "", path.read_text().replace("http://www.w3.org", "")), path


def test_the_bill_counts_every_file_of_the_app() -> None:
    assert len(list(files())) <= FILES


def test_only_what_bears_its_version_is_kept_for_ever() -> None:
    for it in files():
        assert ("immutable" in it.cache_control) == it.path.startswith("vendor/"), it.path


def test_colours_stand_in_the_tokens_alone() -> None:
    for path in (WEB / "parts" / "base.css", WEB / "driver" / "app.css"):
        found = re.findall(r"#[0-9a-fA-F]{3,8}\b|rgba?\(|hsla?\(", path.read_text())
        assert not found, f"{path.name}: {found}"
