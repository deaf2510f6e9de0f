"""Where a request comes from, as far as it can be trusted."""

from ipaddress import ip_address

from flask import Request, g

from selfserve.permissions import Client

_BROWSED = ("/ui", "/sso/key/", "/sso/callback")
"""Paths that a browser opens."""


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
            return str(ip_address(hops[-trusted_proxies]))
        except ValueError:
            return request.remote_addr
    return request.remote_addr
