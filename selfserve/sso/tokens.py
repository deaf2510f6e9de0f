"""The ID token: who signed in, for whom, and for which sign-in. Every check of OpenID Connect Core 3.1.3.7 (S-24)."""

import hmac
from typing import Any

import jwt

from selfserve.errors import SignInRefused
from selfserve.sso.keys import KeyRing
from selfserve.sso.providers import Provider

ALGORITHMS = frozenset(f"{family}{bits}" for family in ("RS", "ES", "PS") for bits in (256, 384, 512))
"""With a public key only: no `none`, and no HS*, which the public key itself would sign."""
LEEWAY_SECONDS = 60
_LONGEST = 50_000
_WHY: dict[type[Exception], str] = {
    jwt.InvalidAudienceError: "it was made for another application",
    jwt.InvalidIssuerError: "it comes from another issuer",
    jwt.ExpiredSignatureError: "it has expired",
    jwt.ImmatureSignatureError: "it is not valid yet",
    jwt.InvalidSignatureError: "its signature is wrong",
    jwt.MissingRequiredClaimError: "a part of it is missing",
}


def read_id_token(token: Any, provider: Provider, issuer: str, ring: KeyRing, nonce: str) -> dict[str, Any]:
    """Check an ID token and give its claims. Raises SignInRefused, ProviderAway."""
    if not isinstance(token, str) or len(token) > _LONGEST or not token.isascii():
        raise untrusted(provider, "it says not who signed in")
    try:
        claims = _verify(token, provider, issuer, ring)
    except jwt.PyJWTError as error:
        raise untrusted(provider, _WHY.get(type(error), "it is not well formed")) from error
    authorized = claims.get("azp")
    is_for_many = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if authorized != provider.client_id and (is_for_many or authorized is not None):
        raise untrusted(provider, "it was made for another application")
    said = claims.get("nonce")
    if not isinstance(said, str) or not said.isascii() or not hmac.compare_digest(said, nonce):
        raise untrusted(provider, "it belongs to another sign-in")
    return claims


def _verify(token: str, provider: Provider, issuer: str, ring: KeyRing) -> dict[str, Any]:
    """Check signature, issuer, audience and times, by an algorithm that we chose and not the sender."""
    header = jwt.get_unverified_header(token)
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise untrusted(provider, "it is not signed in a way that is accepted")
    key = ring.find(header.get("kid"))
    if key is None or key.get("alg", algorithm) != algorithm:
        raise untrusted(provider, "its signature is by an unknown key")
    return jwt.decode(
        token,
        jwt.PyJWK(key, algorithm),
        algorithms=[algorithm],
        audience=provider.client_id,
        issuer=issuer,
        leeway=LEEWAY_SECONDS,
        options={"require": ["iss", "sub", "aud", "exp", "iat"]},
    )


def untrusted(provider: Provider, why: str) -> SignInRefused:
    """Say that what a provider sent cannot be believed."""
    message = f"What {provider.label} sent cannot be trusted: {why}. Nobody was signed in."
    return SignInRefused(message, reason="token", label=provider.label)
