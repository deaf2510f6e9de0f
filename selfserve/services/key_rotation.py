"""Rotation: a new secret for the same key, and how long the one before it still works."""

from datetime import datetime, timedelta

from sqlalchemy import select

from selfserve.clock import after, now
from selfserve.database import conflicts, transaction
from selfserve.errors import Conflict, Forbidden, Invalid
from selfserve.extensions import db
from selfserve.mail_kinds import MailKind
from selfserve.minting import fingerprint, mint_key
from selfserve.minting import tail as tail_of
from selfserve.models import ApiKey, FormerSecret
from selfserve.models.api_key import shown_prefix
from selfserve.permissions import Actor, Permission
from selfserve.schemas.keys import KeyRegenerate, KeyUpdate
from selfserve.services.actors import require
from selfserve.services.audit import record_event
from selfserve.services.key_changes import change_key
from selfserve.services.key_graces import end_open_grace
from selfserve.services.key_limits import (
    checked_custom_key,
    is_admin,
    refuse_admin_fields,
    refuse_wider_secret,
    require_proof_for_secret,
)
from selfserve.services.keys import KeyCreated, alias_taken, key_exists, lock_key, refuse_known_secret, tell_key
from selfserve.services.outbox import by, facts_of_key, queue_mail

LONGEST_UNTIL_USE = timedelta(days=7)
MOST_SHOWN = 5
_OF_THE_ROTATION = {"key", "user_id"}


def rotate_key(actor: Actor, command: KeyRegenerate, *, tail: str | None = None) -> KeyCreated:
    """Give a key a new secret; id, alias, limits, spend and history stay. The old secret stops, or has a grace.

    `tail` is how the secret that is to be replaced ends: a form that is sent twice rotates once. Raises Forbidden,
    NotFound, Conflict (expired, rotated already, a grace is open and another is asked for), Invalid (a limit).
    """
    require(actor, Permission.KEY_ROTATE)
    _refuse_own_choice(actor, command)
    taken = {"uq_api_keys_alias": alias_taken(command.key_alias), "uq_api_keys_token": key_exists()}
    with conflicts(taken), transaction():
        key = lock_key(actor, Permission.KEY_ROTATE, _meant(actor, command))
        if tail not in (None, key.tail):
            raise Conflict("This key was rotated already, and its new secret was shown then.", param="tail")
        _refuse_unfit(key, command)
        before = tell_key(key)
        if changes := _named(command):
            require(actor, Permission.KEY_UPDATE)
            change_key(actor, key, changes)
        refuse_wider_secret(actor, key)
        require_proof_for_secret(actor, key.owner, key.allowed_routes)
        secret = checked_custom_key(command.new_key) if command.new_key else mint_key()
        _replace_secret(key, secret, command)
        key.updated_by = actor.user_id
        told = tell_key(key) | {"grace_ends_at": key.grace_ends_at.isoformat() if key.grace_ends_at else None}
        record_event(actor, "key.rotated", "key", key.id, owner=key.owner.user_id, before=before, after=told)
        facts = facts_of_key(key) | {"by": by(actor, key.owner), "grace_ends_at": told["grace_ends_at"]}
        queue_mail(MailKind.KEY_ROTATED, key.owner, subject_id=key.id, facts=facts)
    return KeyCreated(key, secret)


def end_grace(actor: Actor, name: str) -> ApiKey:
    """Stop the secret before the current one at once; nothing happens where none is in its grace."""
    require(actor, Permission.KEY_ROTATE)
    with transaction():
        key = lock_key(actor, Permission.KEY_ROTATE, name)
        if key.is_rotating:
            end_open_grace(key, now())
            key.updated_by = actor.user_id
            record_event(actor, "key.grace_ended", "key", key.id, owner=key.owner.user_id)
    return key


def list_former_secrets(key: ApiKey) -> list[FormerSecret]:
    """List the last secrets that a key had, newest first; the key must be one that the actor was given."""
    rows = select(FormerSecret).where(FormerSecret.key_id == key.id)
    return list(db.session.scalars(rows.order_by(FormerSecret.rotated_at.desc()).limit(MOST_SHOWN)))


def _meant(actor: Actor, command: KeyRegenerate) -> str:
    """Tell which key is meant: the one that is named, else the one that asks. Raises Invalid for the master key."""
    if command.key:
        return command.key
    if actor.key is None:
        raise Invalid("key: is needed to say which key is meant.", param="key")
    return actor.key.id


def _named(command: KeyRegenerate) -> KeyUpdate | None:
    """Give the changes that come along; a null is not given, as where a key is made: many clients send every field."""
    fields = KeyUpdate.model_fields.keys() - _OF_THE_ROTATION
    named = {name: value for name in fields if (value := getattr(command, name, None)) is not None}
    return KeyUpdate.model_construct(set(named), **named) if named else None


def _refuse_own_choice(actor: Actor, command: KeyRegenerate) -> None:
    """Refuse what only an admin may set, the new secret above all (S-5, S-17)."""
    refuse_admin_fields(actor, command)
    if command.new_key and not is_admin(actor):
        raise Forbidden(f"Your role {actor.role} may not set new_key. Leave it out: we make one.", param="new_key")


def _refuse_unfit(key: ApiKey, command: KeyRegenerate) -> None:
    """Refuse to bring an expired key back to life, and a second grace beside an open one (S-38)."""
    if key.is_expired:
        raise Conflict("This key has expired. Make a new one, or give it a new expiry first.", param="key")
    if key.is_rotating and (command.grace_period or command.until_use):
        raise Conflict(
            "The secret before this one still works. End its grace first, or rotate without a grace: then both stop.",
            param="grace_period",
        )


def _replace_secret(key: ApiKey, secret: str, command: KeyRegenerate) -> None:
    """Put the old secret aside and the new one in its place."""
    moment = now()
    end_open_grace(key, moment)
    ends_at = _end_of_grace(key, command, moment)
    was_last = key.last_used_at == key.secret_used_at
    db.session.add(
        FormerSecret(
            token=key.token,
            key_id=key.id,
            prefix=key.prefix,
            tail=key.tail,
            last_used_at=key.secret_used_at,
            last_address=key.last_address if was_last else None,
            last_agent=key.last_agent if was_last else None,
            rotated_at=moment,
            ends_at=ends_at,
        )
    )
    refuse_known_secret(secret)
    key.token, key.prefix, key.tail = fingerprint(secret), shown_prefix(secret), tail_of(secret)
    key.rotated_at, key.secret_used_at = moment, None
    key.grace_ends_at = ends_at if ends_at > moment else None
    key.is_grace_until_use = command.until_use and key.grace_ends_at is not None


def _end_of_grace(key: ApiKey, command: KeyRegenerate, moment: datetime) -> datetime:
    """Tell when the old secret stops: as asked, never later than the key itself."""
    if command.until_use:
        ends_at = moment + LONGEST_UNTIL_USE
    else:
        ends_at = after(command.grace_period, moment) if command.grace_period else moment
    return min(ends_at, key.expires_at) if key.expires_at else ends_at
