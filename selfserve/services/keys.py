"""Keys: made and found."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import contains_eager

from selfserve.clock import next_reset, now
from selfserve.database import conflicts, transaction
from selfserve.errors import Conflict, DomainError, Forbidden, NotFound
from selfserve.extensions import db
from selfserve.mail_kinds import MailKind
from selfserve.minting import fingerprint, mint_key, tail
from selfserve.models import ApiKey, FormerSecret, User
from selfserve.models.api_key import shown_prefix
from selfserve.permissions import Actor, Permission, Reach, allows, reach
from selfserve.schemas.keys import KeyCreate
from selfserve.services.actors import require
from selfserve.services.audit import record_event
from selfserve.services.key_limits import (
    checked_custom_key,
    is_admin,
    limits_of_new_key,
    note_admin_limits,
    refuse_admin_fields,
    require_proof_for_secret,
)
from selfserve.services.key_names import is_name_of, named
from selfserve.services.outbox import by, facts_of_key, queue_mail, require_mail
from selfserve.services.tallies import add_to_tally


@dataclass(frozen=True)
class KeyCreated:
    """A new key with its secret: this value and the answer made of it are the only places where the secret exists."""

    key: ApiKey
    secret: str


def create_key(actor: Actor, command: KeyCreate) -> KeyCreated:
    """Make a key for the actor or, with the reach, for `user_id`. The secret is in the answer and nowhere else.

    Raises Forbidden, NotFound (owner), Conflict (alias taken, form sent twice), Invalid (exceeds a limit).
    """
    require(actor, Permission.KEY_CREATE)
    refuse_admin_fields(actor, command)
    if command.send_invite_email:
        require_mail("send_invite_email")
    is_own = command.user_id in (None, actor.user_id)
    if not is_own and reach(actor.role, Permission.KEY_CREATE) is not Reach.ANYONES:
        raise Forbidden("You can only create keys for yourself. Leave user_id out.", param="user_id")
    with conflicts(_taken(command)), transaction():
        owner = _lock_owner(User.id == actor.id if is_own else User.user_id == command.user_id)
        _refuse_repeat(owner, command.creation_token)
        created = add_key(actor, owner, command)
        _tell_owner(actor, created.key, wishes=command.send_invite_email)
        return created


def add_key(actor: Actor, owner: User, command: KeyCreate) -> KeyCreated:
    """Add a key's row; needs an open transaction."""
    secret = _chosen(command.key) if command.key else mint_key()
    moment = now()
    limits = limits_of_new_key(command, owner, actor.key, moment)
    require_proof_for_secret(actor, owner, limits["allowed_routes"])
    key = ApiKey(
        token=fingerprint(secret),
        prefix=shown_prefix(secret),
        tail=tail(secret),
        owner_id=owner.id,
        owner=owner,
        alias=command.key_alias,
        key_type=command.key_type or "default",
        soft_budget=command.soft_budget,
        budget_reset_at=next_reset(limits["budget_duration"], moment) if limits["budget_duration"] else None,
        window_spend=command.spend or 0,
        total_spend=command.spend or 0,
        details=command.metadata or {},
        tags=command.tags or [],
        is_blocked=bool(command.blocked),
        blocked_by=actor.name if command.blocked else None,
        is_blocked_by_admin=bool(command.blocked) and is_admin(actor) and actor.id != owner.id,
        creation_token=command.creation_token,
        parent_id=actor.key.id if actor.key else None,
        created_at=moment,
        created_by=actor.user_id,
        updated_at=moment,
        updated_by=actor.user_id,
        admin_limits={},
        **limits,
    )
    key.refuse_idle_warning()
    asked = {
        name: limits[name] for name in limits if name == "expires_at" or getattr(command, name, None) not in (None, [])
    }
    note_admin_limits(actor, key, asked)
    with conflicts(_taken(command)):
        db.session.add(key)
    add_to_tally("keys", 1)
    record_event(actor, "key.created", "key", key.id, owner=owner.user_id, after=tell_key(key))
    return KeyCreated(key, secret)


def _tell_owner(actor: Actor, key: ApiKey, *, wishes: bool | None) -> None:
    """Write to whom a key was made for by somebody else, unless that is not wished; to oneself if it is."""
    if wishes if wishes is not None else actor.id != key.owner_id:
        facts = facts_of_key(key) | {"by": by(actor, key.owner)}
        queue_mail(MailKind.KEY_CREATED, key.owner, subject_id=key.id, facts=facts)


def get_key(actor: Actor, name: str, permission: Permission = Permission.KEY_READ) -> ApiKey:
    """Get a key by secret, hash or id. Raises Forbidden without the permission, NotFound out of reach or unknown."""
    require(actor, permission)
    is_itself = actor.key is not None and is_name_of(actor.key, name)
    known: ApiKey | None = actor.key.row if actor.key and is_itself else None
    return within_reach(actor, permission, known or db.session.scalar(living_keys().where(named(name))))


def count_active_keys_by_owner(owner_ids: Iterable[str]) -> dict[str, int]:
    """Count the keys that work now, per owner, in one query."""
    return _count(owner_ids, works_now())


def count_keys_by_owner(owner_ids: Iterable[str]) -> dict[str, int]:
    """Count the keys of each owner, in one query."""
    return _count(owner_ids)


def works_now() -> ColumnElement[bool]:
    """Say that a key works now, as far as it is up to the key."""
    return and_(ApiKey.is_blocked.is_(False), or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > now()))


def living_keys() -> Select[ApiKey]:
    """Select keys with their owners, without the deleted ones."""
    return every_key().where(ApiKey.deleted_at.is_(None))


def every_key() -> Select[ApiKey]:
    """Select keys with their owners, the deleted ones, too."""
    return select(ApiKey).join(ApiKey.owner).options(contains_eager(ApiKey.owner))


def _chosen(secret: str) -> str:
    """Accept a secret that an admin chose."""
    refuse_known_secret(checked_custom_key(secret))
    return secret


def _lock_owner(condition: Any) -> User:
    """Read the owner of a new key: they are not deleted or blocked meanwhile, and their keys are made one by one."""
    owner = db.session.scalar(select(User).where(condition, User.deleted_at.is_(None)).with_for_update(key_share=True))
    if owner is None:
        raise NotFound("There is no such user.", param="user_id")
    if owner.is_blocked:
        raise Conflict("That user is blocked. Unblock them first.", param="user_id")
    return owner


def _refuse_repeat(owner: User, creation_token: str | None) -> None:
    """Refuse a form that is sent twice before its name is found taken by the key it made itself."""
    repeated = ApiKey.owner_id == owner.id, ApiKey.creation_token == creation_token
    if creation_token and db.session.scalar(select(ApiKey.id).where(*repeated)):
        raise _already_made()


def lock_key(actor: Actor, permission: Permission, name: str) -> ApiKey:
    """Read a key for a change, if it is within reach."""
    found = fresh_keys(named(name))
    return within_reach(actor, permission, found[0] if found else None)


def fresh_keys(condition: Any) -> list[ApiKey]:
    """Read keys for a change, in id order."""
    rows = living_keys().where(condition).order_by(ApiKey.id).with_for_update(of=ApiKey)
    return list(db.session.scalars(rows.execution_options(populate_existing=True)))


def within_reach(actor: Actor, permission: Permission, key: ApiKey | None) -> ApiKey:
    """Give the key, or say the same for an unknown one and for one that is not the actor's."""
    if key is None or not allows(actor, permission, key.owner_id):
        raise NotFound("There is no such key.", param="key")
    return key


def _count(owner_ids: Iterable[str], *conditions: Any) -> dict[str, int]:
    """Count living keys per owner."""
    rows = select(ApiKey.owner_id, func.count()).where(
        ApiKey.owner_id.in_(list(owner_ids)), ApiKey.deleted_at.is_(None), *conditions
    )
    return dict(db.session.execute(rows.group_by(ApiKey.owner_id)).all())


def alias_taken(alias: str | None) -> Conflict:
    """Say that an alias is taken, in the documented words that scripts look for."""
    return Conflict(
        f"Key with alias '{alias}' already exists. Unique key aliases across all keys are required.", param="key_alias"
    )


def key_exists() -> Conflict:
    """Say that a key that an admin chose is or was somebody's."""
    return Conflict("That key exists already. Choose another.", param="key")


def refuse_known_secret(secret: str) -> None:
    """Refuse a secret that some key had before it was rotated: it may be in the wrong hands."""
    if db.session.scalar(select(FormerSecret.token).where(FormerSecret.token == fingerprint(secret))):
        raise key_exists()


def _already_made() -> Conflict:
    """Say that a form was sent twice."""
    return Conflict("That key was already made and shown.", param="creation_token")


def _taken(command: KeyCreate) -> dict[str, DomainError]:
    """Name the three things that may be taken."""
    return {
        "uq_api_keys_alias": alias_taken(command.key_alias),
        "uq_api_keys_token": key_exists(),
        "uq_api_keys_creation_token": _already_made(),
    }


def tell_key(key: ApiKey) -> dict[str, Any]:
    """Tell the audit what a key looks like, without its secret and its hash; of free data only the names."""
    return {
        "alias": key.alias,
        "models": key.models,
        "max_budget": key.max_budget,
        "soft_budget": key.soft_budget,
        "budget_duration": key.budget_duration,
        "tpm_limit": key.tpm_limit,
        "rpm_limit": key.rpm_limit,
        "max_parallel_requests": key.max_parallel_requests,
        "allowed_routes": key.allowed_routes,
        "spend": key.spend,
        "tags": key.tags,
        "metadata": sorted(key.details),
        "expires_at": key.expires_at.isoformat() if key.expires_at else None,
        "blocked": key.is_blocked,
    }
