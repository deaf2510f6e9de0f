"""What a provider publishes about itself: OpenID Connect Discovery 1.0, kept for an hour."""

import time
from dataclasses import dataclass
from typing import Any

from selfserve.config.urls import is_http_address, is_loopback
from selfserve.errors import ProviderAway
from selfserve.sso import http
from selfserve.sso.providers import Provider

KEPT_SECONDS = 3600
_LONGEST = 2_000
_kept: dict[str, tuple[float, dict[str, Any]]] = {}
"""By issuer: as many as the settings name."""


@dataclass(frozen=True)
class Endpoints:
    """Where a provider does what; its issuer as it writes it itself."""

    issuer: str
    authorization: str
    token: str
    userinfo: str = ""
    keys: str = ""
    logout: str = ""
    takes_basic: bool = True
    """Whether we show our secret in a header; otherwise in the form."""
    prompt: str = ""
    """How to ask for another account."""
    says_when: bool = False
    """Whether it tells, if it is asked, when somebody proved who they are."""


def endpoints_of(provider: Provider) -> Endpoints:
    """Tell a provider's endpoints: those that the settings name, else those it publishes. Raises ProviderAway."""
    named = provider.authorization_endpoint, provider.token_endpoint, provider.userinfo_endpoint
    if not provider.is_discovered:
        return Endpoints(provider.issuer, *named, takes_basic=provider.name != "github", prompt=provider.prompt)
    document = _document(provider)
    methods = document.get("token_endpoint_auth_methods_supported")
    prompts, claims = document.get("prompt_values_supported"), document.get("claims_supported")
    return Endpoints(
        document["issuer"],
        named[0] or _endpoint(document, "authorization_endpoint", provider),
        named[1] or _endpoint(document, "token_endpoint", provider),
        named[2] or _endpoint(document, "userinfo_endpoint", provider, is_needed=False),
        _endpoint(document, "jwks_uri", provider),
        _endpoint(document, "end_session_endpoint", provider, is_needed=False),
        not isinstance(methods, list) or not methods or "client_secret_basic" in methods,
        "select_account" if isinstance(prompts, list) and "select_account" in prompts else provider.prompt,
        not provider.may_be_silent and isinstance(claims, list) and "auth_time" in claims,
    )


def forget(provider: Provider) -> None:
    """Ask anew the next time."""
    _kept.pop(provider.issuer, None)


def _document(provider: Provider) -> dict[str, Any]:
    """Give what the issuer publishes, from memory while it is fresh."""
    kept = _kept.get(provider.issuer)
    if kept and kept[0] > time.monotonic():
        return kept[1]
    answer = http.get(f"{provider.issuer.rstrip('/')}/.well-known/openid-configuration", provider.label)
    document: dict[str, Any] = answer if isinstance(answer, dict) else {}
    named = document.get("issuer")
    if not isinstance(named, str) or named.rstrip("/") != provider.issuer.rstrip("/"):
        raise ProviderAway(provider.label, "What it publishes about itself names another issuer.")
    _kept[provider.issuer] = time.monotonic() + KEPT_SECONDS, document
    return document


def _endpoint(document: dict[str, Any], name: str, provider: Provider, *, is_needed: bool = True) -> str:
    """Read one address; plain http only of an issuer on this machine."""
    address: Any = document.get(name) or ""
    if not address and not is_needed:
        return ""
    is_safe = str(address).startswith("https://") or is_loopback(provider.issuer)
    is_plain = isinstance(address, str) and address.isascii() and len(address) <= _LONGEST
    if not is_plain or not is_http_address(address) or not is_safe:
        raise ProviderAway(provider.label, f"What it publishes about itself has no good {name}.")
    return str(address)
