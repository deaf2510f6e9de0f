"""Which users are meant by some words."""

from typing import Any

from sqlalchemy import CompoundSelect, select, union

from selfserve.database import starts_with
from selfserve.models import User


def are_like(words: str) -> CompoundSelect[Any]:
    """Find users by the beginning of an address, a name or an id; each way is answered by an index of its own."""
    folded = words.casefold()
    return union(
        select(User.id).where(User.deleted_at.is_(None), starts_with(User.email_key, folded)),
        select(User.id).where(starts_with(User.alias_key, folded)),
        select(User.id).where(starts_with(User.user_id, words)),
    )
