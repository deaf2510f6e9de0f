"""From claims to a person: address, name and role. Words are compared whole; what is unknown gives nothing (S-25)."""

import re
from datetime import UTC, datetime
from typing import Any

from selfserve.addresses import comparable, is_folded, normalized
from selfserve.identities import Identity
from selfserve.permissions import Role
from selfserve.sso.providers import Provider
from selfserve.sso.tokens import untrusted

_LONGEST_NAME, _LONGEST_SUBJECT = 100, 255
_BROKEN = re.compile(r"[\0\ud800-\udfff]").search
"""What no database can write down."""
_END_OF_TIME = 2**40
_HIGHEST_FIRST = (Role.PROXY_ADMIN, Role.PROXY_ADMIN_VIEWER, Role.INTERNAL_USER, Role.INTERNAL_USER_VIEWER)


def read_identity(claims: dict[str, Any], provider: Provider, issuer: str) -> Identity:
    """Tell who somebody is. Raises SignInRefused when they have no name there that stays theirs."""
    subject = look_up(claims, provider.claims.subject)
    subject = str(subject) if isinstance(subject, int) and not isinstance(subject, bool) else subject
    if not isinstance(subject, str) or not subject.strip() or len(subject) > _LONGEST_SUBJECT or _BROKEN(subject):
        raise untrusted(provider, "it says not who signed in")
    email, is_verified = _email(claims, provider)
    is_hosted = _is_hosted(claims, provider, email)
    return Identity(
        provider.name,
        provider.label,
        issuer,
        subject,
        email,
        is_verified=is_verified and is_hosted,
        is_hosted=is_hosted,
        name=_name(claims, provider),
        role=role_of(claims, provider),
        owns_role=provider.owns_role,
        proved_at=_moment(claims.get("auth_time"), provider),
    )


def role_of(claims: dict[str, Any], provider: Provider) -> Role | None:
    """Give the highest role that the claims name or that one of the groups gives."""
    names = provider.claims
    said = set(_words(look_up(claims, names.role))) if names.role else set()
    groups = set(_words(look_up(claims, names.groups))) if names.groups else set()
    given = {role for role in Role if role.value in said or provider.role_mapping.get(role, frozenset()) & groups}
    return next((role for role in _HIGHEST_FIRST if role in given), None)


def look_up(claims: dict[str, Any], path: str) -> Any:
    """Read a claim by its name, or by a path with dots into what is nested."""
    if path in claims:
        return claims[path]
    found: Any = claims
    for step in path.split("."):
        found = found.get(step) if isinstance(found, dict) else None
    return found


def _moment(told: Any, provider: Provider) -> datetime | None:
    """Read when somebody proved who they are. OpenID Connect Core, 2: seconds since 1970."""
    if told is None:
        return None
    if isinstance(told, bool) or not isinstance(told, (int, float)) or not 0 <= told < _END_OF_TIME:
        raise untrusted(provider, "it says not when you signed in there")
    return datetime.fromtimestamp(told, UTC)


def _words(value: Any) -> list[str]:
    """Read one word or a list of them; all else says nothing."""
    listed = value if isinstance(value, list) else [value]
    return [word for word in listed if isinstance(word, str)]


def _email(claims: dict[str, Any], provider: Provider) -> tuple[str | None, bool]:
    """Read the address, if it is one, and whether it counts as theirs (S-21).

    `email_verified` speaks of the claim `email` alone; where nothing is said, a setting may trust the provider. What is
    somebody else's mailbox there and becomes this address by our folding alone is not theirs (S-48).
    """
    for name in provider.claims.emails:
        value = look_up(claims, name)
        if isinstance(value, str) and value:
            said = claims.get("email_verified") if name == "email" else None
            try:
                is_said = provider.trusts_email if said is None else said is True or said == "true"
                return normalized(value), is_said and is_folded(value)
            except ValueError:
                return None, False
    return None, False


def _is_hosted(claims: dict[str, Any], provider: Provider, email: str | None) -> bool:
    """Tell whether an address is in the provider's care: it stays so only as long as the company wants it to."""
    domain, hosted = comparable(email or "").rpartition("@")[2], claims.get("hd")
    is_its_own = domain in provider.hosts or (isinstance(hosted, str) and hosted.lower() == domain)
    return is_its_own or not provider.hosts


def _name(claims: dict[str, Any], provider: Provider) -> str | None:
    """Read what to call them, printable and short."""
    names = provider.claims
    whole = look_up(claims, names.name)
    parts = [look_up(claims, names.first_name), look_up(claims, names.last_name)]
    said = whole if isinstance(whole, str) else " ".join(part for part in parts if isinstance(part, str))
    plain = "".join(one for one in said if one.isprintable()).strip()[:_LONGEST_NAME].strip()
    return plain or None
