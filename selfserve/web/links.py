"""Addresses that leave the house. They come from the settings, never from the request (S-2)."""

import re
from urllib.parse import unquote

from flask import current_app, request, url_for

from selfserve.config import Settings
from selfserve.minting import fingerprint
from selfserve.sso.providers import Provider
from selfserve.upstreams import Upstreams

_SECRET = re.compile(r"sk-[^&=?/#\s]{29,}")


LONGEST_PATH = 500
"""As long as the column that keeps where a sign-in leads."""


def settings() -> Settings:
    """Give the settings in force."""
    found: Settings = current_app.config["SETTINGS"]
    return found


def upstreams() -> Upstreams:
    """Give the upstreams that calls are passed on to."""
    found: Upstreams = current_app.config["UPSTREAMS"]
    return found


def providers() -> dict[str, Provider]:
    """Give the identity providers that people may sign in with, by name."""
    found: dict[str, Provider] = current_app.config["PROVIDERS"]
    return found


def public_link(path: str) -> str:
    """Make an address for somebody else; without `PROXY_BASE_URL` it is the path alone."""
    base = settings().public_url or settings().server_root_path
    return base + path


def invitation_link(secret: str) -> str:
    """Make the documented link of an invitation: the one place that builds it."""
    return public_link(f"/ui/onboarding?id={secret}")


def reset_link(secret: str) -> str:
    """Make the address of a reset link."""
    return public_link(f"/ui/reset?id={secret}")


def cli_link(login_id: str, code: str) -> str | None:
    """Make the documented address that confirms a sign-in on a command line; a program without it makes its own."""
    path = f"/sso/key/generate?source=litellm-cli&key={login_id}&user_code={code}"
    return public_link(path) if settings().public_url else None


def login_link() -> str:
    """Make the address of the sign-in page."""
    return public_link("/ui/login")


def way_back() -> str:
    """Give the address that was opened, to come back to; a key that was pasted into it is named by its hash (S-14)."""
    opened = request.script_root + request.full_path.rstrip("?")
    return _SECRET.sub(lambda secret: fingerprint(secret[0]), opened)


def local_path(target: str | None) -> str:
    """Accept a path on this site to go to next, or else go home (S-23)."""
    home = url_for("keys.index")
    root = settings().server_root_path
    if (
        not target
        or len(target) > LONGEST_PATH
        or not target.startswith(f"{root}/ui")
        or any(character in target for character in "\\\r\n\t")
    ):
        return home
    path = unquote(target.split("?")[0])
    return home if "//" in path or ".." in path.split("/") or not target.isprintable() else target
