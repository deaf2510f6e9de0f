"""Which keys are meant, and whose: by secret, hash, id or alias, as far as somebody reaches."""

from typing import Any

from sqlalchemy import ColumnElement, or_, true

from selfserve.minting import fingerprint
from selfserve.models import ApiKey
from selfserve.permissions import Actor, Permission, Reach, reach


def named(name: str) -> ColumnElement[bool]:
    """Say which key a caller means: by secret, by hash or by id."""
    if name.startswith("sk-"):
        return ApiKey.token == fingerprint(name)
    return or_(ApiKey.token == name, ApiKey.id == name)


def are_named(names: list[str], aliases: list[str]) -> Any:
    """Say which keys a caller means, in three lists: a thousand conditions are more than SQLite reads."""
    tokens = [without_secret(name) for name in names]
    return or_(ApiKey.token.in_(tokens), ApiKey.id.in_(names), ApiKey.alias.in_(aliases))


def are_within_reach(actor: Actor, permission: Permission) -> ColumnElement[bool]:
    """Say a permission's reach over keys as a condition; needs a role that holds it."""
    return true() if reach(actor.role, permission) is Reach.ANYONES else ApiKey.owner_id == actor.id


def without_secret(name: str) -> str:
    """Give back what was sent, a secret as its hash (S-14)."""
    return fingerprint(name) if name.startswith("sk-") else name
