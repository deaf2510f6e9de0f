"""Spend as lists: single calls, days summed up, keys and users by what they spent; always bounded."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, ScalarSelect, Select, func, select

from selfserve.clock import Days
from selfserve.errors import Forbidden
from selfserve.extensions import db
from selfserve.models import ApiKey, Call, DailySpend, User
from selfserve.permissions import Actor
from selfserve.schemas.spend import ActivityFilter, SpendLogsQuery
from selfserve.services.key_names import named
from selfserve.services.keys import every_key
from selfserve.services.spend_activity import list_days
from selfserve.services.spend_sums import are_within_reach, sees_all_spend
from selfserve.services.users import living_users

Row = TypeVar("Row")
MOST_CALLS = 10_000
MOST_ROWS = 100
MOST_NAMED = 100
TOLD = (
    *(Call.request_id, Call.model, Call.started_at, Call.cost, Call.is_failed, Call.address, Call.user_agent),
    *(Call.prompt_tokens, Call.completion_tokens, Call.cached_tokens, ApiKey.token, ApiKey.alias, User.user_id),
    *(Call.provider, Call.status, Call.latency_ms, Call.exception),
)
"""What is read of a call and around it: columns, for ten thousand calls are many objects."""


@dataclass(frozen=True)
class Bounded(Generic[Row]):
    """The first rows of a list, and whether there are more."""

    rows: list[Row]
    is_cut: bool


def list_calls(actor: Actor, query: SpendLogsQuery) -> Bounded[dict[str, Any]]:
    """List calls, newest first. Raises Forbidden for somebody else's `user_id`."""
    rows = select(*TOLD).join(ApiKey, ApiKey.id == Call.key_id).join(User, User.id == Call.user_pk)
    rows = rows.where(*are_within_reach(actor, query.user_id, Call))
    if query.api_key is not None:
        rows = rows.where(Call.key_id == select(ApiKey.id).where(named(query.api_key)).scalar_subquery())
    if query.request_id is not None:
        rows = rows.where(Call.request_id == query.request_id)
    if query.has_days:
        rows = rows.where(_began_within(query.days))
    rows = rows.order_by(Call.started_at.desc(), Call.id.desc()).limit(MOST_CALLS + 1)
    found = db.session.execute(rows).all()
    return Bounded([_tell_call(row) for row in found[:MOST_CALLS]], len(found) > MOST_CALLS)


def summarise_days(actor: Actor, query: SpendLogsQuery) -> Bounded[dict[str, Any]]:
    """Sum up every day of a range, oldest first, also those without calls; a hundred keys and people are named."""
    asked = query.model_dump(include={"start_date", "end_date", "api_key", "user_id"})
    activity = list_days(actor, ActivityFilter(**asked, api_key_limit=MOST_NAMED))
    told = {day.date: day for day in activity.results}
    empty: dict[str, Any] = {"spend": 0, "users": {}, "models": {}}
    rows = [{"startTime": day} | (_tell_day(told[day]) if day in told else empty) for day in query.days]
    return Bounded(rows, activity.total_keys > MOST_NAMED)


def list_keys_by_spend(actor: Actor) -> Bounded[ApiKey]:
    """List keys within reach, whichever spent the most in all first.

    There is no index of what every call changes, so all keys are looked at; what is sorted is ids and sums alone.
    """
    order = ApiKey.total_spend.desc(), ApiKey.id
    whose = [] if sees_all_spend(actor) else [ApiKey.owner_id == actor.id]
    most = select(ApiKey.id).where(ApiKey.deleted_at.is_(None), *whose).order_by(*order).limit(MOST_ROWS + 1).subquery()
    unpriced = _unpriced(DailySpend.key_id == ApiKey.id, ApiKey)
    return _take(every_key().join(most, most.c.id == ApiKey.id).add_columns(unpriced).order_by(*order))


def list_users_by_spend(actor: Actor, user_id: str | None) -> Bounded[User]:
    """List users within reach, whoever spent the most in all first. Raises Forbidden for somebody else's `user_id`."""
    rows = living_users()
    if not sees_all_spend(actor):
        if user_id not in (None, actor.user_id):
            raise Forbidden("You can only see your own spend. Leave user_id out.", param="user_id")
        rows = rows.where(User.id == actor.id)
    elif user_id is not None:
        rows = rows.where(User.user_id == user_id)
    most = rows.order_by(User.total_spend.desc(), User.id)
    return _take(most.add_columns(_unpriced(DailySpend.user_pk == User.id, User)))


def _unpriced(is_theirs: ColumnElement[bool], owner: type[ApiKey | User]) -> ScalarSelect[Any]:
    """Count, beside a key or a person, the calls that are not in its sum because nobody knows what they cost."""
    theirs = select(func.sum(DailySpend.unpriced_requests)).where(is_theirs, DailySpend.unpriced_requests > 0)
    return theirs.correlate(owner).scalar_subquery()


def _take(rows: Select[Any]) -> Bounded[Any]:
    """Take the first rows, each with its calls of unknown cost."""
    found = db.session.execute(rows.limit(MOST_ROWS + 1)).all()
    for thing, unpriced in found:
        thing.unpriced_requests = int(unpriced or 0)
    return Bounded([thing for thing, _ in found[:MOST_ROWS]], len(found) > MOST_ROWS)


def _began_within(days: Days) -> ColumnElement[bool]:
    """Say that a call began on one of these days (UTC)."""
    start = datetime.combine(days.first, time(), UTC)
    return (Call.started_at >= start) & (Call.started_at < start + timedelta(days=len(days)))


def _tell_call(row: Any) -> dict[str, Any]:
    """Tell a call in the documented words."""
    return {
        "request_id": row.request_id,
        "api_key": row.token,
        "user": row.user_id,
        "model": row.model,
        "spend": row.cost,
        "prompt_tokens": row.prompt_tokens,
        "completion_tokens": row.completion_tokens,
        "total_tokens": row.prompt_tokens + row.completion_tokens,
        "startTime": row.started_at,
        "endTime": _ended(row),
        "request_duration_ms": row.latency_ms,
        "custom_llm_provider": row.provider,
        "requester_ip_address": row.address,
        "metadata": {
            "status": "failure" if row.is_failed else "success",
            "http_status": row.status,
            "exception": row.exception,
            "user_agent": row.user_agent,
            "user_api_key_alias": row.alias,
            "user_api_key_user_id": row.user_id,
            "cache_read_input_tokens": row.cached_tokens,
        },
    }


def _ended(row: Any) -> datetime | None:
    """Tell when a call was over, if that is known."""
    return None if row.latency_ms is None else row.started_at + timedelta(milliseconds=row.latency_ms)


def _tell_day(day: Any) -> dict[str, Any]:
    """Tell a day in the documented words: its spend, and that of its users, models and keys."""
    parts = {
        "spend": day.metrics.spend,
        "users": {name: part.metrics.spend for name, part in day.breakdown.entities.items()},
        "models": {name: part.metrics.spend for name, part in day.breakdown.models.items()},
    }
    return parts | {token: part.metrics.spend for token, part in day.breakdown.api_keys.items()}
