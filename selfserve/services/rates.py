"""Requests and tokens per minute, counted by the database for all processes, unless Redis does (rates_redis.py).

Minutes are those of the clock. A request counts when its call is let in, its tokens when they are known: a call that
has begun is never cut. https://docs.litellm.ai/docs/proxy/users#set-rate-limits
"""

import math
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import case

from selfserve.clock import now
from selfserve.database import insert
from selfserve.errors import TooMany
from selfserve.extensions import db, redis
from selfserve.models import ApiKey, RateWindow, User

MINUTE = timedelta(minutes=1)


def minute_end(moment: datetime) -> datetime:
    """Tell when the minute that holds a moment ends."""
    return moment.replace(second=0, microsecond=0) + MINUTE


def refuse_over_rate(thing: ApiKey | User, requests: int, tokens: int) -> None:
    """Refuse one more request of a key or user that has made so many in this minute. Raises TooMany."""
    for kind, used, limit in (("requests", requests, thing.rpm_limit), ("tokens", tokens, thing.tpm_limit)):
        if limit is not None and used >= limit:
            raise over_rate(thing, kind, limit, minute_end(now()))


def over_rate(thing: ApiKey | User, kind: str, limit: int, end: datetime) -> TooMany:
    """Say whose limit of what is reached, and when the minute ends."""
    return TooMany(
        f"Rate limit exceeded for {described(thing)}. Limit type: {kind}. Current limit: {limit:,} a minute, "
        f"Remaining: 0. Limit resets at: {end:%Y-%m-%d %H:%M:%S} UTC.",
        retry_after=max(1, math.ceil((end - now()).total_seconds())),
    )


def count_request(things: Iterable[ApiKey | User]) -> None:
    """Count a request of whatever has a limit per minute; needs an open transaction and the owner locked."""
    _add([thing.id for thing in limited(things)], 1, 0)


def count_tokens(subject_ids: Collection[str], tokens: int) -> None:
    """Count tokens of keys and users that have a limit of them; needs an open transaction and the owner locked."""
    if tokens:
        _add(subject_ids, 0, tokens)


def limited(things: Iterable[ApiKey | User]) -> list[ApiKey | User]:
    """Pick those that have a limit per minute."""
    return [thing for thing in things if thing.rpm_limit is not None or thing.tpm_limit is not None]


def described(thing: ApiKey | User) -> str:
    """Name a key or a user in a refusal."""
    return f"key {thing.name} ({thing.key_name})" if isinstance(thing, ApiKey) else f"user {thing.user_id}"


def _add(subject_ids: Collection[str], requests: int, tokens: int) -> None:
    """Add to the minute that runs, or begin it."""
    if not subject_ids or redis.client:
        return
    end = minute_end(now())
    rows = [{"subject_id": subject, "ends_at": end, "requests": requests, "tokens": tokens} for subject in subject_ids]
    connection = db.session.connection()
    connection.execute(_more(connection.dialect.name), rows)


@cache
def _more(_dialect: str) -> Any:
    """Write the statement that adds to a minute, or begins the next one."""
    row = insert(RateWindow)
    added: dict[str, Any] = {"ends_at": row.excluded.ends_at}
    for name in ("requests", "tokens"):
        new = row.excluded[name]
        is_same = RateWindow.ends_at == row.excluded.ends_at
        added[name] = case((is_same, getattr(RateWindow, name) + new), else_=new)
    return row.on_conflict_do_update(index_elements=["subject_id"], set_=added)
