"""Finds a Chromium for the browser tests, or gets one: `python -m tests.chromium` prints its path."""

import os
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
QUIET = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
HELP = (
    "The browser tests need Chromium or Google Chrome, and none could be installed here. "
    "Install one (on Debian: apt-get install chromium) or name it in TEST_CHROMIUM."
)


def find() -> str:
    """Give the path of a browser that starts: named, installed, Playwright's own, or the package manager's."""
    for attempt in (named, installed, downloaded, packaged):
        path = attempt()
        if path and starts(path):
            return path
    raise SystemExit(HELP)


def named() -> str | None:
    """The one that TEST_CHROMIUM names."""
    return os.environ.get("TEST_CHROMIUM") or None


def installed() -> str | None:
    """The first on the PATH."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def downloaded() -> str | None:
    """Playwright's own, fetched if it is not there yet."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    if not Path(path).exists():
        attempt([sys.executable, "-m", "playwright", "install", "chromium"])
    return path if Path(path).exists() else None


def packaged() -> str | None:
    """The system's, if we may install it."""
    if os.geteuid() == 0 and shutil.which("apt-get"):
        attempt(["apt-get", "update", "-qq"])
        attempt(["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"])
    return installed()


def attempt(command: list[str]) -> None:
    """Run a command that may fail; what it says goes to the person who waits."""
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    with suppress(OSError, subprocess.TimeoutExpired):
        subprocess.run(command, stdout=sys.stderr, env=environment, timeout=300, check=False)


def starts(path: str) -> bool:
    """Tell whether it can draw an empty page."""
    command = [path, "--headless", *arguments(), "--dump-dom", "about:blank"]
    try:
        return subprocess.run(command, capture_output=True, timeout=60, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def arguments() -> list[str]:
    """The switches of every start; the sandbox stays on except for root, for whom Chromium has none."""
    return [*QUIET, *(["--no-sandbox"] if os.geteuid() == 0 else [])]


if __name__ == "__main__":
    print(find())
