"""Keys deleted: one, several by any of their names, or all of a user's."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import update

from selfserve.clock import now
from selfserve.database import transaction
from selfserve.errors import Conflict, NotFound
from selfserve.extensions import db
from selfserve.minting import fingerprint
from selfserve.models import ApiKey, User
from selfserve.permissions import Actor, Permission, allows
from selfserve.schemas.keys import KeyDelete
from selfserve.services.actors import require
from selfserve.services.audit import record_event
from selfserve.services.keys import fresh_keys, lock_key, named, tell_key
from selfserve.services.tallies import add_to_tally


@dataclass(frozen=True)
class KeysDeleted:
    """Which of the names sent were deleted and which were not found; secrets are given back as hashes."""

    deleted: list[str]
    not_found: list[str]


def delete_key(actor: Actor, name: str) -> ApiKey:
    """Delete one key: it stops at once."""
    require(actor, Permission.KEY_DELETE)
    with transaction():
        key = lock_key(actor, Permission.KEY_DELETE, name)
        _delete(actor, key)
    return key


def delete_keys(actor: Actor, command: KeyDelete) -> KeysDeleted:
    """Delete keys by secret, hash, id or alias, in one transaction. What is not the actor's counts as not found.

    Raises NotFound when none is found, Conflict when an alias means several keys.
    """
    require(actor, Permission.KEY_DELETE)
    deleted: list[str] = []
    missing: list[str] = []
    with transaction():
        for name, condition in _conditions(command):
            keys = [key for key in fresh_keys(condition) if allows(actor, Permission.KEY_DELETE, key.owner_id)]
            if len(keys) > 1:
                raise Conflict(
                    f"Several users have a key with alias '{name}'. Name it by its token.", param="key_aliases"
                )
            for key in keys:
                _delete(actor, key)
                db.session.flush()
            (deleted if keys else missing).append(_without_secret(name))
        if not deleted:
            raise NotFound("None of these keys exists. Nothing was deleted.", param="keys", type="not_found_error")
    return KeysDeleted(deleted, missing)


def delete_keys_of(actor: Actor, owner: User, moment: datetime) -> None:
    """Delete all keys of a user; needs an open transaction."""
    ended = update(ApiKey).where(ApiKey.owner_id == owner.id, ApiKey.deleted_at.is_(None))
    ids = db.session.scalars(
        ended.values(deleted_at=moment, updated_at=moment, updated_by=actor.user_id).returning(ApiKey.id)
    ).all()
    add_to_tally("keys", -len(ids))
    for key_id in ids:
        record_event(actor, "key.deleted", "key", key_id, owner=owner.user_id)


def _delete(actor: Actor, key: ApiKey) -> None:
    """Mark one key deleted."""
    key.deleted_at = now()
    key.updated_by = actor.user_id
    add_to_tally("keys", -1)
    record_event(actor, "key.deleted", "key", key.id, owner=key.owner.user_id, before=tell_key(key))


def _conditions(command: KeyDelete) -> list[tuple[str, Any]]:
    """Pair each name that was sent with what it means."""
    by_name = [(name, named(name)) for name in dict.fromkeys(command.keys or [])]
    return by_name + [(alias, ApiKey.alias == alias) for alias in dict.fromkeys(command.key_aliases or [])]


def _without_secret(name: str) -> str:
    """Give back what was sent, a secret as its hash (S-14)."""
    return fingerprint(name) if name.startswith("sk-") else name
