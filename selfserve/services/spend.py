"""Spend: calls recorded exactly once, their sums per day and their budgets kept in the same transaction."""

from collections.abc import Collection
from datetime import UTC
from typing import Any

from sqlalchemy import select

from selfserve.database import insert, transaction
from selfserve.errors import NotFound
from selfserve.extensions import db
from selfserve.models import ApiKey, Call, DailySpend, User
from selfserve.schemas.spend import CallRecord
from selfserve.services.spend_sums import SUMMED

_DAY = ("user_pk", "day", "key_id", "model")


def record_calls(calls: list[CallRecord]) -> int:
    """Record calls, each exactly once per `request_id`, with their daily sums and budgets; tell how many were new.

    Of a call that is told twice the first telling counts. Raises NotFound when a key does not exist; then nothing is
    recorded.
    """
    if not calls:
        return 0
    with transaction():
        return add_calls(calls)


def add_calls(calls: list[CallRecord]) -> int:
    """Do the same inside an open transaction."""
    told = {call.request_id: call for call in reversed(calls)}
    owners, keys = _lock_budgets({call.key_id for call in told.values()})
    fresh = [told[request_id] for request_id in _add_calls(told.values(), keys)]
    for call in fresh:
        key = keys[call.key_id]
        key.add_spend(call.cost, call.started_at)
        owners[key.owner_id].add_spend(call.cost, call.started_at)
    _add_to_days(fresh, keys)
    return len(fresh)


def _lock_budgets(key_ids: set[str]) -> tuple[dict[str, User], dict[str, ApiKey]]:
    """Lock the owners of these keys, then the keys, each in id order, so that no two batches wait in a ring.

    The foreign keys of others' calls do not stand in the way. Raises NotFound when a key does not exist.
    """
    owner_ids = select(ApiKey.owner_id).where(ApiKey.id.in_(key_ids))
    owners = _locked(User, User.id.in_(owner_ids))
    keys = _locked(ApiKey, ApiKey.id.in_(key_ids))
    if len(keys) < len(key_ids):
        raise NotFound("There is no such key.", param="key_id")
    return owners, keys


def _locked(model: Any, condition: Any) -> dict[str, Any]:
    """Read whatever has a budget for a change."""
    rows = select(model).where(condition).order_by(model.id).with_for_update(key_share=True)
    return {row.id: row for row in db.session.scalars(rows.execution_options(populate_existing=True))}


def _add_calls(calls: Collection[CallRecord], keys: dict[str, ApiKey]) -> list[str]:
    """Add calls; give the ids of those that were not recorded before. Needs owners and keys locked."""
    rows = [call.model_dump() | {"user_pk": keys[call.key_id].owner_id} for call in calls]
    new = insert(Call).on_conflict_do_nothing(index_elements=["request_id"]).returning(Call.request_id)
    return sorted(db.session.scalars(new, rows))


def _add_to_days(calls: list[CallRecord], keys: dict[str, ApiKey]) -> None:
    """Add calls to the sums of their days (UTC)."""
    days: dict[tuple[Any, ...], dict[str, int]] = {}
    for call in calls:
        place = keys[call.key_id].owner_id, call.started_at.astimezone(UTC).date(), call.key_id, call.model
        sums = days.setdefault(place, dict.fromkeys(SUMMED, 0))
        for name, amount in _amounts(call).items():
            sums[name] += amount
    if days:
        row = insert(DailySpend)
        added = {name: getattr(DailySpend, name) + row.excluded[name] for name in SUMMED}
        rows = [dict(zip(_DAY, place, strict=True)) | sums for place, sums in days.items()]
        db.session.execute(row.on_conflict_do_update(index_elements=_DAY, set_=added), rows)


def _amounts(call: CallRecord) -> dict[str, int]:
    """Say what one call adds to the sums of its day."""
    return {
        "spend": call.cost,
        "requests": 1,
        "failed_requests": int(call.is_failed),
        "prompt_tokens": call.prompt_tokens,
        "completion_tokens": call.completion_tokens,
        "cached_tokens": call.cached_tokens,
        "unpriced_requests": int(call.exception is not None and call.exception.is_cost_unknown),
    }
