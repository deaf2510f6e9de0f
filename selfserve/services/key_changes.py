"""Keys changed and blocked."""

from typing import Any

from sqlalchemy import and_

from selfserve.clock import after, now
from selfserve.database import conflicts, transaction
from selfserve.errors import Forbidden, Invalid, NotFound
from selfserve.extensions import db
from selfserve.models import ApiKey
from selfserve.permissions import Actor, Permission
from selfserve.schemas.keys import KeyUpdate
from selfserve.services.actors import require
from selfserve.services.audit import record_event
from selfserve.services.key_graces import end_grace_with
from selfserve.services.key_limits import NUMBERS, check_change, is_admin, note_admin_limits, refuse_admin_fields
from selfserve.services.key_names import are_within_reach
from selfserve.services.keys import alias_taken, fresh_keys, lock_key, tell_key

_COLUMNS = {
    "key_alias": "alias",
    "metadata": "details",
    "tags": "tags",
    "allowed_routes": "allowed_routes",
    "models": "models",
}
_OF_BUDGET = ("soft_budget", "budget_duration", "spend")
_EMPTY: dict[str, Any] = {"metadata": dict, "tags": list, "allowed_routes": list, "models": list}


def update_key(actor: Actor, command: KeyUpdate, *, shown: str | None = None) -> ApiKey:
    """Change what the command names; an explicit null clears. Owners may tighten an admin's limits, not lift them.

    Raises Stale when it is not what was shown any more.
    """
    require(actor, Permission.KEY_UPDATE)
    refuse_admin_fields(actor, command)
    with conflicts({"uq_api_keys_alias": alias_taken(command.key_alias)}), transaction():
        key = lock_key(actor, Permission.KEY_UPDATE, command.key)
        key.refuse_stale(shown)
        if command.user_id not in (None, key.owner.user_id):
            if not is_admin(actor):
                raise Forbidden("You cannot give a key to somebody else.", param="user_id")
            raise Invalid("user_id cannot be changed: make a new key for that user.", param="user_id")
        before = tell_key(key)
        change_key(actor, key, command)
        record_event(actor, "key.updated", "key", key.id, owner=key.owner.user_id, before=before, after=tell_key(key))
    return key


def change_key(actor: Actor, key: ApiKey, command: KeyUpdate) -> None:
    """Set what the command names on a locked key, as far as owner, maker and admin allow."""
    changed = _changes(command)
    parent = db.session.get(ApiKey, key.parent_id) if key.parent_id else None
    check_change(actor, key, parent, changed)
    _apply(key, changed)
    key.refuse_idle_warning()
    note_admin_limits(actor, key, changed)
    if "blocked" in command.model_fields_set and command.blocked is not None:
        _set_blocked(actor, key, command.blocked)
    key.updated_by = actor.user_id


def block_key(actor: Actor, name: str) -> ApiKey:
    """Block a key: it stops at once and can be unblocked."""
    return _block_one(actor, name, True)


def unblock_key(actor: Actor, name: str) -> ApiKey:
    """Unblock a key. Raises Forbidden for the owner when an admin blocked it."""
    return _block_one(actor, name, False)


def block_keys(actor: Actor, key_ids: list[str], *, is_blocked: bool) -> list[ApiKey]:
    """Block or unblock the keys that are ticked in a list, as far as they are still there.

    Raises NotFound when none is, Forbidden for an owner who would lift an admin's block.
    """
    require(actor, Permission.KEY_BLOCK)
    with transaction():
        keys = fresh_keys(and_(ApiKey.id.in_(key_ids), are_within_reach(actor, Permission.KEY_BLOCK)))
        if not keys:
            raise NotFound("None of these keys exists any more. Nothing was changed.", param="key_id")
        for key in keys:
            _block(actor, key, is_blocked)
    return keys


def _block_one(actor: Actor, name: str, is_blocked: bool) -> ApiKey:
    """Block or unblock the key that is meant."""
    require(actor, Permission.KEY_BLOCK)
    with transaction():
        key = lock_key(actor, Permission.KEY_BLOCK, name)
        _block(actor, key, is_blocked)
    return key


def _block(actor: Actor, key: ApiKey, is_blocked: bool) -> None:
    """Block or unblock a locked key."""
    before = tell_key(key)
    _set_blocked(actor, key, is_blocked)
    key.updated_by = actor.user_id
    action = "key.blocked" if is_blocked else "key.unblocked"
    record_event(actor, action, "key", key.id, owner=key.owner.user_id, before=before, after=tell_key(key))


def _set_blocked(actor: Actor, key: ApiKey, is_blocked: bool) -> None:
    """Change the block; an admin's block is the admins' to lift (S-7f)."""
    if not is_blocked and key.is_blocked_by_admin and not is_admin(actor):
        raise Forbidden(f"An admin blocked {key.name}. Ask them to unblock it.", param="key")
    by_admin = is_admin(actor) and actor.id != key.owner_id
    if is_blocked and (not key.is_blocked or by_admin):
        key.is_blocked, key.blocked_by, key.is_blocked_by_admin = True, actor.name, by_admin
    elif not is_blocked:
        key.is_blocked, key.blocked_by, key.is_blocked_by_admin = False, None, False


def _changes(command: KeyUpdate) -> dict[str, Any]:
    """Give the columns that an update names, with their new values."""
    fields = command.model_fields_set
    changed: dict[str, Any] = {name: getattr(command, name) for name in (*NUMBERS, *_OF_BUDGET) if name in fields}
    for field, column in _COLUMNS.items():
        if field in fields:
            value = getattr(command, field)
            changed[column] = _EMPTY[field]() if value is None and field in _EMPTY else value
    if "duration" in fields:
        changed["expires_at"] = after(command.duration, now()) if command.duration else None
    if changed.get("spend", 0) is None:
        del changed["spend"]
    return changed


def _apply(key: ApiKey, changed: dict[str, Any]) -> None:
    """Set the changed columns, the budget as one."""
    key.renew_window()
    for column, value in changed.items():
        if column == "spend":
            key.window_spend = value
        elif column not in ("max_budget", "budget_duration"):
            setattr(key, column, value)
    key.set_budget(changed.get("max_budget", key.max_budget), changed.get("budget_duration", key.budget_duration))
    end_grace_with(key)
