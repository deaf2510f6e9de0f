"""The undo of a delete: ten minutes, in the browser, by whoever deleted or an admin."""

from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select, true, tuple_

from selfserve.clock import now
from selfserve.database import conflicts, transaction
from selfserve.errors import Conflict, NotFound
from selfserve.extensions import db
from selfserve.models import ApiKey, User
from selfserve.permissions import Actor, Permission
from selfserve.services.actors import require
from selfserve.services.audit import record_event
from selfserve.services.key_limits import is_admin
from selfserve.services.key_names import are_within_reach
from selfserve.services.keys import every_key, tell_key
from selfserve.services.tallies import add_to_tally


def restore_keys(actor: Actor, key_ids: list[str]) -> list[ApiKey]:
    """Undo the delete of keys, all or none: they work again as they were; a block and every limit stay (S-7f).

    One that is back already stays so. Raises NotFound when it is too late for one, Conflict when a name was taken.
    """
    require(actor, Permission.KEY_DELETE)
    lives = and_(ApiKey.deleted_at.is_(None), are_within_reach(actor, Permission.KEY_DELETE))
    with conflicts({"uq_api_keys_alias": _name_taken(None)}), transaction():
        is_meant = and_(ApiKey.id.in_(key_ids), or_(lives, and_(are_restorable(), may_restore(actor))))
        _lock_owners(is_meant)
        keys = _lock(is_meant)
        if len(keys) < len(set(key_ids)):
            raise NotFound("This delete cannot be undone any more: ten minutes are over, or it was final.")
        gone = [key for key in keys if key.deleted_at]
        _refuse_taken_names(gone)
        for key in gone:
            key.deleted_at = key.deleted_by = key.restorable_until = None
            key.updated_by = actor.user_id
            record_event(actor, "key.restored", "key", key.id, owner=key.owner.user_id, after=tell_key(key))
        add_to_tally("keys", len(gone))
    return keys


def _refuse_taken_names(keys: list[ApiKey]) -> None:
    """Say which name is taken, by a key of the same owner or by another that comes back; needs the owners locked."""
    names = tuple_(ApiKey.owner_id, ApiKey.alias).in_([(key.owner_id, key.alias) for key in keys])
    living = db.session.execute(select(ApiKey.owner_id, ApiKey.alias).where(names, ApiKey.deleted_at.is_(None)))
    in_use = {(owner_id, alias) for owner_id, alias in living}
    for key in keys:
        if key.alias is not None and (key.owner_id, key.alias) in in_use:
            raise _name_taken(key.alias)
        in_use.add((key.owner_id, key.alias))


def _name_taken(alias: str | None) -> Conflict:
    """Say that a key cannot come back under its name."""
    name = f"“{alias}”" if alias else "that name"
    return Conflict(
        f"Another key is called {name} by now. Give that one another name, then undo the delete.", param="key_alias"
    )


def are_restorable() -> ColumnElement[bool]:
    """Say that a delete can still be undone; never after the owner was deleted."""
    moment = now()
    few = select(ApiKey.id).where(ApiKey.restorable_until > moment)  # said apart, so that their index is used
    return and_(
        ApiKey.id.in_(few),
        ApiKey.deleted_at.is_not(None),
        ApiKey.restorable_until > moment,
        User.deleted_at.is_(None),
    )


def may_restore(actor: Actor) -> ColumnElement[bool]:
    """Say whose deletes the actor may undo: an admin everyone's, others their own; an admin's delete is an admin's."""
    by_oneself = true() if is_admin(actor) else ApiKey.deleted_by == actor.user_id
    return and_(are_within_reach(actor, Permission.KEY_DELETE), by_oneself)


def _lock_owners(is_meant: Any) -> None:
    """Keep the owners from being deleted meanwhile; users are locked before keys."""
    owners = select(ApiKey.owner_id).join(ApiKey.owner).where(is_meant)
    db.session.execute(select(User.id).where(User.id.in_(owners)).order_by(User.id).with_for_update(key_share=True))


def _lock(is_meant: Any) -> list[ApiKey]:
    """Read the deleted keys for a change, in id order."""
    rows = every_key().where(is_meant).order_by(ApiKey.id).with_for_update(of=ApiKey)
    return list(db.session.scalars(rows.execution_options(populate_existing=True)))
