"""Keys deleted: one, several by any of their names, or all of a user's."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, select, update

from selfserve.clock import now
from selfserve.database import transaction
from selfserve.errors import Conflict, NotFound
from selfserve.extensions import db
from selfserve.minting import fingerprint
from selfserve.models import ApiKey, User
from selfserve.permissions import Actor, Permission
from selfserve.schemas.keys import KeyDelete
from selfserve.services.actors import require
from selfserve.services.audit import record_event
from selfserve.services.key_names import are_named, are_within_reach, without_secret
from selfserve.services.keys import fresh_keys, lock_key, tell_key
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
    aliases = command.key_aliases or []
    with transaction():
        is_meant = are_named(command.keys or [], aliases)
        within = fresh_keys(and_(is_meant, are_within_reach(actor, Permission.KEY_DELETE)))
        found = {name: [key for key in within if _is_named(key, name)] for name in command.keys or []}
        found |= {alias: [key for key in within if key.alias == alias] for alias in aliases}
        _refuse_ambiguous(found)
        for key in {key.id: key for keys in found.values() for key in keys}.values():
            _delete(actor, key)
        if not any(found.values()):
            raise NotFound("None of these keys exists. Nothing was deleted.", param="keys")
    deleted = [without_secret(name) for name, keys in found.items() if keys]
    return KeysDeleted(deleted, [without_secret(name) for name, keys in found.items() if not keys])


def delete_keys_of(actor: Actor, owners: list[User], moment: datetime) -> None:
    """Delete all keys of some users; needs an open transaction."""
    theirs = ApiKey.owner_id.in_([owner.id for owner in owners]), ApiKey.deleted_at.is_(None)
    locked = select(ApiKey.id).where(*theirs).order_by(ApiKey.id).with_for_update()
    ended = update(ApiKey).where(ApiKey.id.in_(locked)).values(deleted_at=moment, updated_at=moment)
    ended = ended.values(updated_by=actor.user_id).returning(ApiKey.id, ApiKey.owner_id)
    deleted = db.session.execute(ended).all()
    names = {owner.id: owner.user_id for owner in owners}
    for key_id, owner_id in deleted:
        record_event(actor, "key.deleted", "key", key_id, owner=names[owner_id])
    add_to_tally("keys", -len(deleted))


def _delete(actor: Actor, key: ApiKey) -> None:
    """Mark one key deleted."""
    key.deleted_at = now()
    key.updated_by = actor.user_id
    add_to_tally("keys", -1)
    record_event(actor, "key.deleted", "key", key.id, owner=key.owner.user_id, before=tell_key(key))


def _is_named(key: ApiKey, name: str) -> bool:
    """Tell whether a caller means this key: by secret, by hash or by id."""
    return fingerprint(name) == key.token if name.startswith("sk-") else name in (key.token, key.id)


def _refuse_ambiguous(found: dict[str, list[ApiKey]]) -> None:
    """Refuse an alias that several users' keys bear."""
    for name, keys in found.items():
        if len(keys) > 1:
            raise Conflict(f"Several users have a key with alias '{name}'. Name it by its token.", param="key_aliases")
