"""What a provider answers when an admin asks whether it is there."""

import time
from dataclasses import dataclass

from selfserve.errors import ProviderAway
from selfserve.sso import http
from selfserve.sso.keys import KeyRing
from selfserve.sso.metadata import endpoints_of, forget
from selfserve.sso.providers import Provider


@dataclass(frozen=True)
class Reply:
    """What a provider answered, or why it did not."""

    provider: str
    is_ok: bool
    sentence: str


def try_provider(provider: Provider) -> Reply:
    """Ask a provider for what it publishes about itself and for its keys, afresh."""
    begun = time.monotonic()
    forget(provider)
    try:
        told = _ask(provider)
    except ProviderAway as away:
        return Reply(provider.name, False, away.why)
    took = max(round((time.monotonic() - begun) * 1000), 1)
    return Reply(provider.name, True, f"Answers in {took:,} ms{told}")


def _ask(provider: Provider) -> str:
    """Ask, and say what came back."""
    endpoints = endpoints_of(provider)
    if not provider.is_discovered:
        status = http.reach(endpoints.userinfo, provider.label)
        return f" (status {status} without a token)."
    keys = KeyRing(endpoints.keys, provider.label).ask()
    if not keys:
        raise ProviderAway(provider.label, "It answers, but has no key to check signatures with.")
    return f" with {keys} {'key' if keys == 1 else 'keys'}."
