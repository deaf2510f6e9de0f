"""Where a request comes from, as far as it can be trusted."""

import re
from ipaddress import ip_address

from flask import Request, g

from selfserve.permissions import Client

_BROWSED = ("/ui", "/sso/key/", "/sso/callback")
"""Paths that a browser opens."""
_WITH_PORT = re.compile(r"\[(?P<six>[^\]]+)\](:\d{1,5})?|(?P<four>[\d.]+):\d{1,5}", re.ASCII)


def client_of(request: Request, trusted_proxies: int) -> Client:
    """Describe the sender: address, browser, which face they speak to."""
    return Client(
        source="web" if request.path.startswith(_BROWSED) else "api",
        address=_address(request, trusted_proxies),
        request_id=g.request_id,
        user_agent=request.headers.get("User-Agent", "")[:255] or None,
    )


def _address(request: Request, trusted_proxies: int) -> str | None:
    """Take the address that our outermost trusted proxy saw; what lies beyond it anybody can write (S-18)."""
    hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",") if hop.strip()]
    if trusted_proxies and len(hops) >= trusted_proxies:
        try:
            return str(ip_address(_without_port(hops[-trusted_proxies])))
        except ValueError:
            return request.remote_addr
    return request.remote_addr


def _without_port(hop: str) -> str:
    """Leave out the port that some proxies write: `192.0.2.1:443`, `[2001:db8::1]:443`, `[2001:db8::1]`."""
    found = _WITH_PORT.fullmatch(hop)
    return found["six"] or found["four"] if found else hop
