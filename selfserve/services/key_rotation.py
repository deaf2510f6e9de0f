"""Rotation: a new secret for the same key, and how long the one before it still works."""

from datetime import datetime, timedelta

from sqlalchemy import case, literal, select, update

from selfserve.clock import after, now
from selfserve.database import UtcDateTime, conflicts, transaction
from selfserve.errors import Conflict, Forbidden, Invalid
from selfserve.extensions import db
from selfserve.minting import fingerprint, mint_key, tail
from selfserve.models import ApiKey, FormerSecret
from selfserve.models.api_key import shown_prefix
from selfserve.permissions import Actor, Permission
from selfserve.schemas.keys import KeyRegenerate
from selfserve.services.actors import require
from selfserve.services.audit import record_event
from selfserve.services.key_changes import change_key
from selfserve.services.key_limits import checked_custom_key, is_admin, refuse_admin_fields, refuse_wider_secret
from selfserve.services.key_names import still_works
from selfserve.services.keys import KeyCreated, alias_taken, key_exists, lock_key, refuse_known_secret, tell_key

LONGEST_UNTIL_USE = timedelta(days=7)
GRACE_AFTER_USE = timedelta(hours=1)
MOST_SHOWN = 5
_OF_THE_ROTATION = {"key", "new_key", "grace_period", "until_use"}


def rotate_key(actor: Actor, command: KeyRegenerate) -> KeyCreated:
    """Give a key a new secret; id, alias, limits, spend and history stay. The old secret stops, or has a grace.

    Raises Forbidden, NotFound, Conflict (expired, a grace is open and another is asked for), Invalid (a limit).
    """
    require(actor, Permission.KEY_ROTATE)
    _refuse_own_choice(actor, command)
    taken = {"uq_api_keys_alias": alias_taken(command.key_alias), "uq_api_keys_token": key_exists()}
    with conflicts(taken), transaction():
        key = lock_key(actor, Permission.KEY_ROTATE, _meant(actor, command))
        _refuse_unfit(key, command)
        before = tell_key(key)
        if command.model_fields_set - _OF_THE_ROTATION:
            require(actor, Permission.KEY_UPDATE)
            change_key(actor, key, command)
        refuse_wider_secret(actor, key)
        secret = checked_custom_key(command.new_key) if command.new_key else mint_key()
        _replace_secret(key, secret, command)
        key.updated_by = actor.user_id
        told = tell_key(key) | {"grace_ends_at": key.grace_ends_at.isoformat() if key.grace_ends_at else None}
        record_event(actor, "key.rotated", "key", key.id, owner=key.owner.user_id, before=before, after=told)
    return KeyCreated(key, secret)


def end_grace(actor: Actor, name: str) -> ApiKey:
    """Stop the secret before the current one at once; nothing happens where none is in its grace."""
    require(actor, Permission.KEY_ROTATE)
    with transaction():
        key = lock_key(actor, Permission.KEY_ROTATE, name)
        if key.is_rotating:
            _end_open_grace(key, now())
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
    _end_open_grace(key, moment)
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
    key.token, key.prefix, key.tail = fingerprint(secret), shown_prefix(secret), tail(secret)
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


def _end_open_grace(key: ApiKey, moment: datetime) -> None:
    """End the grace that may be open; needs the key locked."""
    if key.is_rotating:
        _shorten(key.id, moment)
    key.grace_ends_at, key.is_grace_until_use = None, False


def begin_last_hour(key_id: str, moment: datetime) -> None:
    """Let the old secret stop an hour after the new one was first used; needs an open transaction and the key locked.

    Nothing happens where the grace was ended or the key rotated again meanwhile.
    """
    ends_at = moment + GRACE_AFTER_USE
    waits = ApiKey.id == key_id, ApiKey.is_grace_until_use.is_(True)
    last_hour = case((ApiKey.grace_ends_at > ends_at, literal(ends_at, UtcDateTime)), else_=ApiKey.grace_ends_at)
    begun = update(ApiKey).where(*waits).values(grace_ends_at=last_hour, is_grace_until_use=False)
    if db.session.execute(begun.values(updated_at=ApiKey.updated_at)).rowcount:  # type: ignore[attr-defined]
        _shorten(key_id, ends_at)


def _shorten(key_id: str, moment: datetime) -> None:
    """Let the secret that is in its grace stop at a moment, if it would work longer."""
    of_key = update(FormerSecret).where(FormerSecret.key_id == key_id, still_works(), FormerSecret.ends_at > moment)
    db.session.execute(of_key.values(ends_at=moment))
