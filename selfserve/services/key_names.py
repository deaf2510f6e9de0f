"""Which keys are meant, and whose: by secret, hash, id or alias, as far as somebody reaches."""

from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, or_, select, true, union

from selfserve.clock import now
from selfserve.extensions import db
from selfserve.minting import fingerprint
from selfserve.models import ApiKey, FormerSecret
from selfserve.permissions import Actor, KeyGrant, Permission, Reach, reach


def named(name: str) -> ColumnElement[bool]:
    """Say which key a caller means: by a secret that works, by hash or by id."""
    if name.startswith("sk-"):
        return ApiKey.id.in_(_by_secrets([fingerprint(name)]))
    return or_(ApiKey.token == name, ApiKey.id == name)


def are_named(names: list[str], aliases: list[str]) -> Any:
    """Say which keys a caller means, in a few lists: a thousand conditions are more than SQLite reads."""
    tokens = [without_secret(name) for name in names]
    return or_(ApiKey.id.in_(_by_secrets(tokens)), ApiKey.id.in_(names), ApiKey.alias.in_(aliases))


def still_works() -> ColumnElement[bool]:
    """Say that a former secret is in its grace."""
    return FormerSecret.ends_at > now()


def former_tokens(keys: list[ApiKey], names: list[str]) -> dict[str, str]:
    """Tell which of the secrets that were sent are former ones in their grace, and of which of the keys."""
    if not any(key.is_rotating for key in keys):
        return {}
    tokens = [fingerprint(name) for name in names if name.startswith("sk-")]
    rows = select(FormerSecret.token, FormerSecret.key_id).where(FormerSecret.token.in_(tokens), still_works())
    return dict(db.session.execute(rows).all())


def _by_secrets(tokens: list[str]) -> CompoundSelect[Any]:
    """Find keys by the hash of the secret they have or of one in its grace; each half is answered by an index."""
    return union(
        select(ApiKey.id).where(ApiKey.token.in_(tokens)),
        select(FormerSecret.key_id).where(FormerSecret.token.in_(tokens), still_works()),
    )


def are_within_reach(actor: Actor, permission: Permission) -> ColumnElement[bool]:
    """Say a permission's reach over keys as a condition; needs a role that holds it."""
    return true() if reach(actor.role, permission) is Reach.ANYONES else ApiKey.owner_id == actor.id


def is_name_of(key: KeyGrant, name: str) -> bool:
    """Tell whether a caller means the key they came with."""
    return without_secret(name) in (key.token_hash, key.id, key.former_hash)


def without_secret(name: str) -> str:
    """Give back what was sent, a secret as its hash (S-14)."""
    return fingerprint(name) if name.startswith("sk-") else name
