"""Which users are meant by some words."""

from typing import Any

from sqlalchemy import CompoundSelect, Select, select, union

from selfserve.database import starts_with
from selfserve.models import User


def are_like(words: str) -> CompoundSelect[Any]:
    """Find users by the beginning of an address, a name or an id; each way is answered by an index of its own."""
    return union(*_ways(words))


def were_like(words: str) -> CompoundSelect[Any]:
    """Find users in the same ways, and those who were deleted by the address they had."""
    had_address = User.deleted_at.is_not(None), starts_with(User.email_key, words.casefold())
    return union(*_ways(words), select(User.id).where(*had_address))


def _ways(words: str) -> list[Select[Any]]:
    """List the ways to find a user."""
    folded = words.casefold()
    return [
        select(User.id).where(User.deleted_at.is_(None), starts_with(User.email_key, folded)),
        select(User.id).where(starts_with(User.alias_key, folded)),
        select(User.id).where(starts_with(User.user_id, words)),
    ]
