"""Keys deleted: one, several by any of their names, or all of a user's."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, select, update

from selfserve.clock import now
from selfserve.database import transaction
from selfserve.errors import Conflict, NotFound
from selfserve.extensions import db
from selfserve.models import ApiKey, User
from selfserve.permissions import Actor, Permission
from selfserve.schemas.keys import KeyDelete
from selfserve.services.actors import require
from selfserve.services.audit import record_event
from selfserve.services.key_names import are_named, are_within_reach, former_tokens, without_secret
from selfserve.services.keys import fresh_keys, tell_key
from selfserve.services.tallies import add_to_tally

UNDO = timedelta(minutes=10)


@dataclass(frozen=True)
class KeysDeleted:
    """Which of the names sent were deleted and which were not found; secrets are given back as hashes."""

    deleted: list[str]
    not_found: list[str]


def delete_restorable(actor: Actor, key_ids: list[str]) -> list[ApiKey]:
    """Delete the keys that are ticked in a list, as far as they are still there: they stop at once.

    For ten minutes `key_restores.restore_keys` undoes it. Raises NotFound when none is there.
    """
    require(actor, Permission.KEY_DELETE)
    with transaction():
        keys = fresh_keys(and_(ApiKey.id.in_(key_ids), are_within_reach(actor, Permission.KEY_DELETE)))
        if not keys:
            raise NotFound("There is no such key any more. Nothing was deleted.", param="key_id")
        for key in keys:
            _delete(actor, key)
            key.restorable_until = now() + UNDO
    return keys


def delete_keys(actor: Actor, command: KeyDelete) -> KeysDeleted:
    """Delete keys for good by secret, hash, id or alias, in one transaction.

    What is not the actor's counts as not found. Raises NotFound when none is found, Conflict when an alias means
    several keys.
    """
    require(actor, Permission.KEY_DELETE)
    aliases = command.key_aliases or []
    with transaction():
        is_meant = are_named(command.keys or [], aliases)
        within = fresh_keys(and_(is_meant, are_within_reach(actor, Permission.KEY_DELETE)))
        formers = former_tokens(within, command.keys or [])
        found = {name: [key for key in within if _is_named(key, name, formers)] for name in command.keys or []}
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
    ended = ended.values(updated_by=actor.user_id, deleted_by=actor.user_id).returning(ApiKey.id, ApiKey.owner_id)
    deleted = db.session.execute(ended).all()
    names = {owner.id: owner.user_id for owner in owners}
    for key_id, owner_id in deleted:
        record_event(actor, "key.deleted", "key", key_id, owner=names[owner_id])
    add_to_tally("keys", -len(deleted))


def _delete(actor: Actor, key: ApiKey) -> None:
    """Mark one key deleted."""
    key.deleted_at = now()
    key.deleted_by = key.updated_by = actor.user_id
    add_to_tally("keys", -1)
    record_event(actor, "key.deleted", "key", key.id, owner=key.owner.user_id, before=tell_key(key))


def _is_named(key: ApiKey, name: str, formers: dict[str, str]) -> bool:
    """Tell whether a caller means this key: by a secret that works, by hash or by id."""
    is_secret, token = name.startswith("sk-"), without_secret(name)
    return key.id == formers.get(token) or token == key.token if is_secret else name in (key.token, key.id)


def _refuse_ambiguous(found: dict[str, list[ApiKey]]) -> None:
    """Refuse an alias that several users' keys bear."""
    for name, keys in found.items():
        if len(keys) > 1:
            raise Conflict(f"Several users have a key with alias '{name}'. Name it by its token.", param="key_aliases")
