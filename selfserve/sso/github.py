"""GitHub speaks OAuth 2 without ID tokens: its API is asked who signed in and whether their address is verified."""

from typing import Any

from selfserve.errors import ProviderAway
from selfserve.sso import http
from selfserve.sso.providers import Provider


def read_claims(provider: Provider, token: str) -> dict[str, Any]:
    """Ask who an access token belongs to; the address is the primary one. Raises ProviderAway."""
    person = http.get(provider.userinfo_endpoint, provider.label, token)
    addresses = http.get(f"{provider.userinfo_endpoint}/emails", provider.label, token)
    if not isinstance(person, dict) or not isinstance(addresses, list):
        raise ProviderAway(provider.label, "It did not say who signed in.")
    primary = next((one for one in addresses if isinstance(one, dict) and one.get("primary") is True), {})
    return {
        "id": person.get("id"),
        "name": person.get("name") or person.get("login"),
        "email": primary.get("email"),
        "email_verified": primary.get("verified") is True,
    }
