"""The authorization code flow with PKCE: the way there, the exchange on the way back, the way out."""

import base64
import hashlib
import re
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from selfserve.errors import SignInRefused
from selfserve.identities import Identity
from selfserve.sso import github, http
from selfserve.sso.claims import look_up, read_identity
from selfserve.sso.keys import ring_of
from selfserve.sso.metadata import Endpoints, endpoints_of
from selfserve.sso.providers import Provider
from selfserve.sso.tokens import read_id_token, untrusted

_LONGEST_CODE = 4096


def authorization_url(
    provider: Provider,
    *,
    state: str,
    nonce: str,
    verifier: str,
    redirect_uri: str,
    is_again: bool = False,
    is_proof: bool = False,
) -> str:
    """Say where to send somebody to sign in: with another account, or to prove anew who they are. Raises ProviderAway.

    `max_age` makes a provider say when they did. OpenID Connect Core, 3.1.2.1.
    """
    asked = {
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": redirect_uri,
        "scope": provider.scope,
        "state": state,
        "code_challenge": _challenge(verifier),
        "code_challenge_method": "S256",
    }
    asked |= {"nonce": nonce} if provider.is_discovered else {}
    endpoints = endpoints_of(provider)
    asked |= {"prompt": endpoints.prompt} if is_again else {}
    asked |= {"prompt": provider.prompt_anew, "max_age": "0"} if is_proof else {}
    return _with_query(endpoints.authorization, asked)


def check_answer(provider: Provider, answer: dict[str, str]) -> str:
    """Read the code out of what the browser brings back. Raises SignInRefused."""
    if error := answer.get("error"):
        word = error if re.fullmatch(r"[a-z_]{1,40}", error) else "an error"
        why = "you or it said no" if word == "access_denied" else f"it answered `{word}`"
        message = f"{provider.label} signed nobody in: {why}."
        raise SignInRefused(message, reason="cancelled", label=provider.label)
    code = answer.get("code", "")
    if not code or len(code) > _LONGEST_CODE:
        raise untrusted(provider, "it brings no code")
    return code


def identify(provider: Provider, answer: dict[str, str], *, nonce: str, verifier: str, redirect_uri: str) -> Identity:
    """Exchange the code and tell who signed in. Raises SignInRefused, ProviderAway."""
    code, endpoints = check_answer(provider, answer), endpoints_of(provider)
    if provider.is_discovered and answer.get("iss", endpoints.issuer) != endpoints.issuer:
        raise untrusted(provider, "it comes from another issuer")  # RFC 9207
    tokens = _exchange(provider, endpoints, code, verifier, redirect_uri)
    if not provider.is_discovered:
        return read_identity(_asked(provider, endpoints, tokens), provider, endpoints.issuer)
    ring = ring_of(endpoints.issuer, endpoints.keys, provider.label)
    claims = read_id_token(tokens.get("id_token"), provider, endpoints.issuer, ring, nonce)
    identity = read_identity(_completed(claims, provider, endpoints, tokens), provider, endpoints.issuer)
    return replace(identity, must_say_when=endpoints.says_when)


def logout_url(provider: Provider, back: str) -> str | None:
    """Say where somebody ends their session at the provider, None where it has no such place. Raises ProviderAway."""
    endpoints = endpoints_of(provider)
    asked = {"client_id": provider.client_id, "post_logout_redirect_uri": back}
    return _with_query(endpoints.logout, asked) if endpoints.logout else None


def _exchange(provider: Provider, endpoints: Endpoints, code: str, verifier: str, redirect_uri: str) -> dict[str, Any]:
    """Exchange the code for tokens, showing who we are."""
    fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri, "code_verifier": verifier}
    headers = {}
    if provider.client_secret and endpoints.takes_basic:
        # As in a form (RFC 6749, 2.3.1), but a blank as %20: some who read it know no other.
        pair = ":".join(quote(one, safe="") for one in (provider.client_id, provider.client_secret))
        headers = {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
    else:
        fields |= {"client_id": provider.client_id}
        fields |= {"client_secret": provider.client_secret} if provider.client_secret else {}
    status, tokens = http.post(endpoints.token, provider.label, fields, headers)
    if status != 200 or not isinstance(tokens, dict) or "error" in tokens:
        message = f"{provider.label} did not confirm the sign-in. Begin again; it works once and not for long."
        raise SignInRefused(message, reason="code", label=provider.label)
    return tokens


def _completed(
    claims: dict[str, Any], provider: Provider, endpoints: Endpoints, tokens: dict[str, Any]
) -> dict[str, Any]:
    """Ask for what the ID token leaves out; what it says itself is signed and wins."""
    names = provider.claims
    wanted = [names.emails[0], names.subject, *filter(None, (names.role, names.groups))]
    wanted += [] if provider.trusts_email else ["email_verified"]
    if not endpoints.userinfo or all(look_up(claims, name) is not None for name in wanted):
        return claims
    told = _asked(provider, endpoints, tokens)
    if told.get("sub") != claims["sub"]:
        raise untrusted(provider, "its two answers are about two people")
    said = {name: value for name, value in claims.items() if value is not None}
    if "email" not in said:
        said.pop("email_verified", None)  # it speaks of an address that only the other answer names
    elif said["email"] != told.get("email"):
        told.pop("email_verified", None)
    return told | said


def _asked(provider: Provider, endpoints: Endpoints, tokens: dict[str, Any]) -> dict[str, Any]:
    """Ask whom the access token belongs to."""
    token = tokens.get("access_token")
    if not isinstance(token, str) or not re.fullmatch(r"[\x21-\x7e]{1,8000}", token):
        raise untrusted(provider, "it says not who signed in")
    if provider.name == "github":
        return github.read_claims(provider, token)
    told = http.get(endpoints.userinfo, provider.label, token)
    if not isinstance(told, dict):
        raise untrusted(provider, "it says not who signed in")
    return told


def _challenge(verifier: str) -> str:
    """Hash the verifier: PKCE with S256, RFC 7636."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _with_query(address: str, asked: dict[str, str]) -> str:
    """Add words to an address that may have some already."""
    return f"{address}{'&' if urlsplit(address).query else '?'}{urlencode(asked)}"
