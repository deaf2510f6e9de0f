"""The grace of a secret that was rotated: how it ends. Each function needs an open transaction and the key locked."""

from datetime import datetime, timedelta

from sqlalchemy import case, literal, update

from selfserve.database import UtcDateTime
from selfserve.extensions import db
from selfserve.models import ApiKey, FormerSecret
from selfserve.services.key_names import still_works

AFTER_USE = timedelta(hours=1)


def end_open_grace(key: ApiKey, moment: datetime) -> None:
    """End the grace that may be open."""
    if key.is_rotating:
        _shorten(key.id, moment)
    key.grace_ends_at, key.is_grace_until_use = None, False


def end_grace_with(key: ApiKey) -> None:
    """Let the grace end with the key, where the key was made to end before it."""
    if key.is_rotating and key.expires_at and key.grace_ends_at and key.grace_ends_at > key.expires_at:
        key.grace_ends_at = key.expires_at
        _shorten(key.id, key.expires_at)


def begin_last_hour(key_id: str, moment: datetime) -> None:
    """Let the old secret stop an hour after the new one was first used.

    Nothing happens where the grace was ended or the key rotated again meanwhile.
    """
    ends_at = moment + AFTER_USE
    waits = ApiKey.id == key_id, ApiKey.is_grace_until_use.is_(True)
    last_hour = case((ApiKey.grace_ends_at > ends_at, literal(ends_at, UtcDateTime)), else_=ApiKey.grace_ends_at)
    begun = update(ApiKey).where(*waits).values(grace_ends_at=last_hour, is_grace_until_use=False)
    if db.session.execute(begun.values(updated_at=ApiKey.updated_at)).rowcount:  # type: ignore[attr-defined]
        _shorten(key_id, ends_at)


def _shorten(key_id: str, moment: datetime) -> None:
    """Let the secret that is in its grace stop at a moment, if it would work longer."""
    of_key = update(FormerSecret).where(FormerSecret.key_id == key_id, still_works(), FormerSecret.ends_at > moment)
    db.session.execute(of_key.values(ends_at=moment))
